"""Where agreements need a second person: two approve a text before this agency signs it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from demo.world import Gateway
from gateway.cli import main, setup
from gateway.errors import SallyportError
from gateway.policy.approvals import FOLDER
from tests.scenarios.test_policy_changes import Office, office, signer
from tests.scenarios.two import SHERIFF, a_text

__all__ = ["office"]
ROOT = Path(__file__).parents[2]
RUN = CliRunner()
MOU = "mou-hand"


def at(home: Path, *words: str) -> Result:
    return RUN.invoke(main.app, ["agreement", *words], env={"SALLYPORT_HOME": str(home)})


def refused(home: Path, *words: str) -> str:
    done = at(home, *words)
    assert isinstance(done.exception, SallyportError), done.output
    return done.exception.detail


def must(home: Path, *words: str) -> str:
    done = at(home, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def listed(home: Path) -> dict[str, Any]:
    done = at(home, "list", "--json")
    return {a["version"]: a for a in json.loads(done.stdout)["agreements"]}


def test_an_agreement_is_signed_once_two_people_here_have_approved_it(
    office: Office, tmp_path: Path
) -> None:
    gateway: Gateway = office.gateway
    home, partner = gateway.home, tmp_path / "partner"
    shutil.rmtree(office.policies)
    shutil.copytree(ROOT / "policies", office.policies)
    setup.init_home(partner, ori=SHERIFF, name="Police", url="http://127.0.0.1:9", port=9)
    shutil.rmtree(partner / "policies")
    shutil.copytree(ROOT / "policies", partner / "policies")
    setup.add_peer(home, setup.own_entry(partner))
    setup.add_peer(partner, setup.own_entry(home))
    ann, bea = signer(office, "ann.okafor"), signer(office, "bea.ruiz")
    draft, sent, back = (tmp_path / n for n in ("draft.yaml", "sent.json", "back.json"))
    draft.write_text(yaml.safe_dump(a_text(id=MOU), sort_keys=False))
    # Without the setting an approval would do nothing, and says so.
    assert "would do nothing" in refused(home, "approve", str(draft), "--key", str(ann), "--yes")
    office.setting('policy_two_persons = ["agreements"]')
    gateway.start()
    gateway.ready()
    assert "nobody has" in refused(home, "sign", str(draft), "--yes")
    assert "Approved by ann.okafor." in must(
        home, "approve", str(draft), "--key", str(ann), "--yes"
    )
    # Neither she again, with another key, nor a stranger, is the second person.
    other = signer(office, "ann.okafor", "other.pem")
    must(home, "approve", str(draft), "--key", str(other), "--yes")
    assert "ann.okafor alone has" in refused(home, "sign", str(draft), "--yes")
    stranger = tmp_path / "x" / "key.pem"
    office.must("policy", "signer", "nobody", "--key", str(stranger))
    assert "this key is nobody's" in refused(
        home, "approve", str(draft), "--key", str(stranger), "--yes"
    )
    assert not (home / "agreements" / MOU).exists()
    must(home, "approve", str(draft), "--key", str(bea), "--yes")
    must(home, "sign", str(draft), "--yes", "--out", str(sent))
    must(partner, "sign", str(sent), "--yes", "--out", str(back))
    must(home, "receive", str(back))
    assert listed(home)[1]["state"] == "in_force"
    # Who approved stands in the running gateway's log, sealed.
    entries = json.loads(office.must("audit", "entries", "--unseal", "--json"))["entries"]
    [entry] = [e for e in entries if e.get("decision") == "agreement_in_force"]
    assert entry["personal"]["about"] == {"approved_by": ["ann.okafor", "bea.ruiz"]}
    # A renewal is another text: it takes both again.
    renewed = tmp_path / "renewed.yaml"
    must(home, "renew", MOU, str(renewed), "--to", "2031-01-01")
    must(home, "approve", str(renewed), "--key", str(ann), "--yes")
    assert "version 2, and ann.okafor alone has" in refused(home, "sign", str(renewed), "--yes")
    # To take away, one person is enough.
    must(home, "suspend", MOU, "--reason", "An audit is open")
    must(home, "resume", MOU, "--reason", "Closed")
    tampered(home)


def tampered(home: Path) -> None:
    """What lies there signed and not approved gives nothing, whoever put it there."""
    for kept in (home / FOLDER).iterdir():
        text = json.loads(kept.read_text())
        if len(text["signatures"]) > 1:
            approved, whole = kept, kept.read_text()
            kept.write_text(json.dumps({"signatures": text["signatures"][:1]}))
    listing = at(home, "list")
    assert listing.exit_code == 1
    assert "one alone has" in " ".join(listing.stdout.split())
    assert listed(home)[1]["state"] == "broken"
    head, _, tail = text["signatures"][0].rpartition(".")
    forged = f"{head}.{tail[:-2]}{'AA' if tail[-2:] != 'AA' else 'BB'}"
    approved.write_text(json.dumps({"signatures": [forged]}))
    assert "does not verify" in at(home, "list").stdout
    approved.write_text(whole)
    assert listed(home)[1]["state"] == "in_force"


@pytest.mark.parametrize("names", [(), ("ann.okafor",)])
def test_it_does_not_start_where_fewer_than_two_could_approve(
    office: Office, names: tuple[str, ...]
) -> None:
    for name in names:
        signer(office, name)
    office.setting('policy_two_persons = ["agreements"]')
    office.gateway.start()
    with pytest.raises(RuntimeError, match="names fewer than two people"):
        office.gateway.ready()
