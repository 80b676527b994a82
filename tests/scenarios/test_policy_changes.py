"""How a policy set comes into force on a real gateway: by its commands and its start."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from demo.ports import free_ports
from demo.world import Gateway
from gateway.cli import main, setup
from gateway.errors import SallyportError
from gateway.model import Ori
from gateway.policy import bundles
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from tests.policy.made import SMALL, write_set
from tests.scenarios.sweep import shown, written

RUN = CliRunner()
POLICE = Ori("CA9990000")
LAW, LOCAL = "law/x/x.rego", "local/data.yaml"
ASK = "sallyport/ask/ask.rego"


def whole_set(folder: Path) -> None:
    """Write the small set of the policy tests, with a law and local data, in the folder's place."""
    shutil.rmtree(folder, ignore_errors=True)
    ask = (SMALL / ASK).read_text(encoding="utf-8")
    may = "officer_may_ask if input.officer.assurance >= 2"
    assert may in ask
    # A law that no decision reads is refused.
    read = f"{may.replace(' if ', ' if { ')}; data.law.x.y == 1 }}"
    law = "package law.x\n\n# title\ny := 1\n"
    files = {LAW: law, LOCAL: "\nnever_classes: []\n", ASK: ask.replace(may, read)}
    write_set(folder, files)


@dataclass
class Office:
    """One gateway without records, and its administrator's desk."""

    gateway: Gateway

    @property
    def policies(self) -> Path:
        return self.gateway.home / "policies"

    def run(self, *words: str) -> Result:
        """Run a command within the test: a process for each would take a second and more."""
        return RUN.invoke(main.app, words, env={"SALLYPORT_HOME": str(self.gateway.home)})

    def must(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def refusal(self, *words: str) -> str:
        """Give what a command that fails says, as `main` prints it."""
        done = self.run(*words)
        assert done.exit_code == 1, done.output
        assert isinstance(done.exception, SallyportError)
        where = getattr(done.exception, "where", None)
        return f"{where}: {done.exception.detail}" if where else done.exception.detail

    def told(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.must(*words, "--json"))
        return found

    def setting(self, line: str) -> None:
        with (self.gateway.home / "sallyport.toml").open("a") as file:
            file.write(line + "\n")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.policies / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def revision(self) -> str:
        active = KeptSets(self.gateway.home / "data").active()
        assert active is not None
        return active.revision

    def logged(self) -> list[dict[str, Any]]:
        """The switches of the set that stand in the log, oldest first, opened."""
        printed = self.must("audit", "entries", "--unseal", "--json")
        entries = json.loads(printed)["entries"]
        return [e for e in entries if str(e.get("decision", "")).startswith("policy_")]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Make one that is not started yet; its folder is not watched, so that nothing is applied
    by itself."""
    [port] = free_ports(1)
    key = ec.generate_private_key(ec.SECP256R1())
    made = Gateway(POLICE, "Port Serena", tmp_path / "home", port, key)
    setup.init_home(made.home, ori=POLICE, name=made.name, url=made.url, port=port)
    whole_set(made.home / "policies")
    made.env["SALLYPORT_POLICY_WATCH"] = "false"
    yield Office(made)
    shown({POLICE: made})
    made.stop()
    written({POLICE: made})


@pytest.fixture
def running(office: Office) -> Office:
    """The same, started."""
    office.gateway.start()
    office.gateway.ready()
    return office


def bad_path(office: Office) -> None:
    text = 'package local\n\nimport rego.v1\n\nnever contains "identity" if input.serch\n'
    (office.policies / "local/more.rego").write_text(text)


def bad_word(office: Office) -> None:
    office.edit(LOCAL, "never_classes: []", "never_classes: [identty]")


BAD = (
    (bad_path, "local/more.rego:5", "no input has 'input.serch'"),
    (bad_word, f"{LOCAL}:2", "'identty' is no class of the vocabulary; 'identity' is one"),
)


def test_apply_refuses_an_unknown_path_or_word_with_file_and_line(running: Office) -> None:
    before = running.revision()
    for spoil, where, said in BAD:
        whole_set(running.policies)
        spoil(running)
        assert running.refusal("policy", "apply").startswith(f"{where}: {said}")
        assert running.revision() == before
    # Mended: nothing changed, and the set is called what `show` calls it.
    whole_set(running.policies)
    same = running.told("policy", "apply")
    assert (same["changed"], same["set"]) == (False, running.told("policy", "show")["in_force"])
    assert "XX' is no ORI. Known here: " in running.refusal("policy", "exposure", "XX")
    nowhere = running.gateway.home / "nowhere.pem"
    said = running.refusal("policy", "sign", str(running.policies), "--key", str(nowhere))
    assert said.startswith(f"there is no key at {nowhere}: make one with `sallyport policy signer")
    bad_word(running)
    done = running.gateway.command("policy", "apply", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sallyport: {LOCAL}:2: 'identty' is no class")
    decisions = [e["decision"] for e in running.logged()]
    applied, rejected = "policy_applied", "policy_rejected"
    assert decisions == [applied, rejected, rejected, applied, rejected]


def test_a_first_start_refuses_an_unknown_word_with_file_and_line(office: Office) -> None:
    bad_word(office)
    office.gateway.start()
    with pytest.raises(RuntimeError, match="does not get ready") as told:
        office.gateway.ready()
    error = json.loads(str(told.value).splitlines()[1])
    assert (error["event"], error["where"]) == ("not started", f"{LOCAL}:2")
    assert error["detail"].startswith("'identty' is no class")


def signer(office: Office, name: str, file: str = "key.pem") -> Path:
    key = office.gateway.home.parent / name / file
    printed = office.must("policy", "signer", name, "--key", str(key))
    pinned = office.gateway.home / "policy_signers.yaml"
    known = yaml.safe_load(pinned.read_text())["signers"] if pinned.exists() else []
    pinned.write_text(yaml.safe_dump({"version": 1, "signers": known + yaml.safe_load(printed)}))
    pinned.chmod(0o600)
    return key


def test_the_law_of_an_edited_folder_changes_by_two_people_alone(office: Office) -> None:
    ann, bea = signer(office, "ann.okafor"), signer(office, "bea.ruiz")
    office.setting('policy_two_persons = ["law"]')
    # The first set of a gateway is a change of the law as well.
    for key in (ann, bea):
        office.must("policy", "sign", str(office.policies), "--key", str(key))
    office.gateway.start()
    office.gateway.ready()
    first = office.revision()
    # What is no law needs nobody else.
    office.edit(LOCAL, "never_classes: []", "never_classes: [identity]")
    assert office.told("policy", "apply")["signed_by"] == []
    office.edit(LAW, "# title", "# note: counsel read it\n# title")
    said = office.refusal("policy", "apply")
    assert said.startswith("a change of law needs the signatures of two people, and as it is now")
    office.must("policy", "sign", str(office.policies), "--key", str(ann))
    assert "it has ann.okafor's" in office.refusal("policy", "apply")
    # Her second key is not a second person, nor does a stranger's count.
    again, stranger = (
        signer(office, "ann.okafor", "other.pem"),
        office.gateway.home.parent / "x" / "key.pem",
    )
    office.must("policy", "signer", "nobody", "--key", str(stranger))
    for key in (again, stranger):
        office.must("policy", "sign", str(office.policies), "--key", str(key))
    assert "two people" in office.refusal("policy", "apply")
    shown = office.told(
        "policy", "inspect", str(office.policies), "--home", str(office.gateway.home)
    )
    assert shown["signed_by"] == ["ann.okafor"]
    office.must("policy", "sign", str(office.policies), "--key", str(bea))
    done = office.told("policy", "apply")
    assert (done["changed"], done["signed_by"]) == (True, ["ann.okafor", "bea.ruiz"])
    # An edit after the signatures is not what they signed.
    office.edit(LAW, "counsel read it", "counsel did not read it")
    assert "two people" in office.refusal("policy", "apply")
    # Nor does one person change what the law does by what applies it: the doors, the directory.
    office.edit(LAW, "counsel did not read it", "counsel read it")
    directory = office.policies / "agencies" / "TX9990000"
    needed = "which counts as law, needs the signatures of two people"
    office.edit(ASK, "data.law.x.y == 1", "1 == 1")
    assert office.refusal("policy", "apply").startswith(f"a change of sallyport, {needed}")
    office.edit(ASK, "1 == 1", "data.law.x.y == 1")
    directory.mkdir(parents=True)
    (directory / "data.yaml").write_text("immigration_authority: false\n")
    assert office.refusal("policy", "apply").startswith(f"a change of agencies, {needed}")
    # Who signed stands in the log, sealed.
    applied, *rejected = office.logged()[-4:]
    assert applied["decision"] == "policy_applied"
    assert [r["decision"] for r in rejected] == ["policy_rejected"] * 3
    assert {e["policy"] for e in (applied, *rejected)} == {done["revision"]} != {first}
    assert applied["personal"]["about"] == {
        "before": done["before"],
        "signed_by": ["ann.okafor", "bea.ruiz"],
    }
    sealed = office.must("audit", "entries", "--json")
    assert "okafor" not in sealed
    office.gateway.stop()
    office.gateway.start()
    # It goes on with the last good set, and says what is wrong with the folder.
    component = office.gateway.ready()["components"]["policy"]
    assert component["status"] == "degraded"
    assert "two people" in component["rejected"]["reason"]


def test_a_signed_bundle_by_its_commands(office: Office, tmp_path: Path) -> None:
    ann, bea = signer(office, "ann.okafor"), signer(office, "bea.ruiz")
    office.setting('policy_signed = true\npolicy_two_persons = ["law"]')
    home, out = str(office.gateway.home), tmp_path / "set.tar.gz"

    def built(*more: str) -> dict[str, Any]:
        return office.told("policy", "build", str(office.policies), "--out", str(out), *more)

    def sign(key: Path) -> None:
        office.must("policy", "sign", str(out), "--key", str(key))

    assert built("--home", home)["version"] == 1
    assert "nobody of policy_signers.yaml signed it" in office.refusal(
        "policy", "apply", "--bundle", str(out)
    )
    for key in (ann, bea):
        sign(key)
    # Before the first start there is nothing that could apply it: it is put in place.
    shutil.copy(out, office.gateway.home / "policy_bundle.tar.gz")
    office.gateway.start()
    office.gateway.ready()
    first = office.revision()
    office.edit(LAW, "# title", "# note: counsel read it\n# title")
    assert built("--home", home)["version"] == 2
    sign(bea)
    assert "it has bea.ruiz's" in office.refusal("policy", "apply", "--bundle", str(out))
    sign(ann)
    inspected = office.told("policy", "inspect", str(out), "--home", home)
    assert inspected["rego_changed"] == [LAW]
    assert inspected["signed_by"] == ["ann.okafor", "bea.ruiz"]
    done = office.told("policy", "apply", "--bundle", str(out))
    assert done["signed_by"] == ["ann.okafor", "bea.ruiz"]
    kept = out.read_bytes()
    # An older version, and one with a word that nobody knows, leave the good one; also at a start.
    assert built("--version", "1")["version"] == 1
    sign(ann)
    assert "version 1 is not newer than 2" in office.refusal(
        "policy", "apply", "--bundle", str(out)
    )
    bad_word(office)
    assert "'identty' is no class" in office.refusal(
        "policy", "build", str(office.policies), "--out", str(out)
    )
    now = datetime.now(UTC)
    spoilt = load_set(office.policies)
    out.write_bytes(bundles.build(spoilt, version=3, issued=now, expires=now + timedelta(days=9)))
    for key in (ann, bea):
        sign(key)
    assert "'identty' is no class" in office.refusal("policy", "apply", "--bundle", str(out))
    assert office.revision() != first
    office.gateway.stop()
    office.gateway.start()
    component = office.gateway.ready()["components"]["policy"]
    assert "'identty' is no class" in component["rejected"]["reason"]
    assert component["bundle"]["version"] == 2
    out.write_bytes(kept)
    assert office.told("policy", "apply", "--bundle", str(out))["changed"] is False


def vetters(office: Office) -> list[int]:
    """Give the processes below the gateway that wait to vet, or vet."""
    assert office.gateway.process is not None
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == office.gateway.process.pid:
                found += [int(folder.name)] * (
                    b"gateway.policy.vet" in (folder / "cmdline").read_bytes()
                )
    return found


def test_a_process_waits_for_the_next_edit_and_ends_with_the_gateway(running: Office) -> None:
    seen: list[int] = []
    for word in ("identity", "contact"):
        until = time.monotonic() + 30
        while not (waiting := vetters(running)):
            assert time.monotonic() < until, "nobody waits to vet"
            time.sleep(0.1)
        assert len(waiting) == 1
        assert waiting[0] not in seen
        seen += waiting
        before = running.revision()
        whole_set(running.policies)
        running.edit(LOCAL, "never_classes: []", f"never_classes: [{word}]")
        assert running.told("policy", "apply")["changed"]
        assert running.revision() != before
        assert seen[-1] not in vetters(running)
    while not (waiting := vetters(running)):
        time.sleep(0.1)
    running.gateway.stop()
    assert not Path(f"/proc/{waiting[0]}").exists()
