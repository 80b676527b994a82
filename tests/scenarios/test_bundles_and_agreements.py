"""A gateway that decides by signed bundles, with its agreements beside them: neither is the other,
and what was suspended stays so whatever bundle comes. A damaged one changes nothing."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from demo import agreements
from demo.world import ROOT, Gateway, World
from gateway.cli import main
from gateway.errors import SallyportError
from gateway.policy import bundles
from gateway.policy.sets import PolicySet, load_set, make_set
from tests.scenarios.two import (
    FEW_TESTS,
    MOU,
    POLICE,
    SHERIFF,
    a_text,
    apply,
    ask,
    desks,
    listed,
    only,
    outcome,
    remove,
    run,
    until,
)
from tests.soak import SOAK

pytestmark = pytest.mark.timeout(900)
soak = pytest.mark.skipif(not SOAK, reason="some minutes on a busy machine: `make soak`")


@dataclass
class Bundled:
    """The sheriff's gateway under bundles: `bring` builds, signs and applies one."""

    world: World
    folder: Path
    said: str = field(default="", init=False)
    version: int = field(default=1, init=False)
    """Of the bundle that counts."""

    @property
    def gateway(self) -> Gateway:
        return self.world[SHERIFF]

    def key(self) -> Path:
        return self.folder / "signers" / "ann.pem"

    def signed(self, policy_set: PolicySet, version: int | None = None, **time_: float) -> Path:
        """Make a bundle of this set, a version later and for a week if nothing is said; sign it."""
        version = version or self.version + 1
        out = self.folder / f"set-{version}.tar.gz"
        now = datetime.now(UTC)
        ends = now + timedelta(**(time_ or {"days": 7}))
        out.write_bytes(bundles.build(policy_set, version=version, issued=now, expires=ends))
        self.command("policy", "sign", str(out), "--key", str(self.key()))
        return out

    def bring(self, bundle: Path) -> bool:
        """Apply it as an administrator does. Whether it was taken; `said` has why not."""
        done = self.command("policy", "apply", "--bundle", str(bundle))
        error = done.exception
        self.said = error.detail if isinstance(error, SallyportError) else ""
        if done.exit_code == 0:
            self.version = int(self.component()["bundle"]["version"])
        return done.exit_code == 0

    def command(self, *words: str) -> Result:
        """Run `sallyport …` here: a process for each would take a second and more."""
        home = {"SALLYPORT_HOME": str(self.gateway.home), **self.gateway.env}
        return CliRunner().invoke(main.app, words, env=home)

    def component(self) -> dict[str, Any]:
        state = httpx.get(self.gateway.url + "/readyz").json()["components"]["policy"]
        return dict(state)

    def restart(self) -> None:
        self.gateway.stop()
        self.gateway.start()
        self.gateway.ready()


@pytest.fixture(scope="module")
def bundled(two: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundled]:
    """Put the sheriff under signed bundles; afterwards its edited folder counts again."""
    tmp_path = tmp_path_factory.mktemp("bundles")
    made = Bundled(two, tmp_path)
    home = made.gateway.home
    entry = made.gateway.command("policy", "signer", "ann.okafor", "--key", str(made.key()))
    pinned, bundle = home / "policy_signers.yaml", home / bundles.FILE
    lines = "".join(f"  {line}\n" for line in entry.stdout.splitlines())
    pinned.write_text(f"version: 1\nsigners:\n{lines}")
    pinned.chmod(0o600)
    out = tmp_path / "first.tar.gz"
    words = ("policy", "build", str(home / "policies"), "--out", str(out), "--home", str(home))
    built = json.loads(made.gateway.command(*words, "--json").stdout)
    assert built["version"] == 1
    made.gateway.command("policy", "sign", str(out), "--key", str(made.key()))
    shutil.copy(out, bundle)
    floor = home / "data" / "policy_sets"
    before = tmp_path / "policy_sets"
    made.gateway.stop()
    shutil.copytree(floor, before)
    made.gateway.env["SALLYPORT_POLICY_SIGNED"] = "true"
    made.gateway.start()
    made.gateway.ready()
    try:
        yield made
    finally:
        made.gateway.stop()
        del made.gateway.env["SALLYPORT_POLICY_SIGNED"]
        pinned.unlink()
        bundle.unlink()
        shutil.rmtree(floor)
        shutil.copytree(before, floor)
        made.gateway.start()
        made.gateway.ready()


def edited(number: int) -> PolicySet:
    """The shipped rules, changed where every agency may change them, with a few of the tests."""
    shipped = load_set(ROOT / "policies")
    limits = {**shipped.data["local"]["limits"], "max_matches": number}
    local = {**shipped.data["local"], "limits": limits}
    tests = {p: t for p, t in shipped.tests.items() if Path(p).name in FEW_TESTS}
    return make_set({**shipped.rules, **tests}, {**shipped.data, "local": local})


def without_seizures(number: int) -> PolicySet:
    """A set whose vocabulary lacks a record type, as one of before it was known."""
    base = edited(number)
    data = json.loads(json.dumps(base.data))
    del data["sallyport"]["vocabulary"]["record_types"]["seizure"]
    data["local"]["own"]["record_types"].remove("seizure")
    return make_set(base.modules, data)


def test_agreements_stand_beside_the_bundle(bundled: Bundled) -> None:
    world, sheriff = bundled.world, bundled.gateway
    assert bundled.component()["bundle"]["version"] == bundled.version
    assert outcome(world) == "answered"
    # Suspended under one bundle, it stays so under the next, and over a restart.
    run(sheriff, "suspend", MOU, "--reason", "An audit is open")
    assert outcome(world) == "agreement.suspended"
    before = bundled.version
    assert bundled.bring(bundled.signed(edited(61))), bundled.said
    assert bundled.version == before + 1
    assert outcome(world, SHERIFF, POLICE) == "agreement.suspended"
    bundled.restart()
    assert bundled.component()["bundle"]["version"] == bundled.version
    assert outcome(world, SHERIFF, POLICE) == "agreement.suspended"
    run(sheriff, "resume", MOU, "--reason", "Closed")
    assert until(lambda: outcome(world) == "answered")
    # An older one does not come back, and nothing of the agreements with it.
    decides_by = bundled.component()["revision"]
    for older in (before, bundled.version):
        assert not bundled.bring(bundled.signed(edited(70), older))
        assert f"version {older} is not newer than {bundled.version}" in bundled.said
    assert bundled.component()["revision"] == decides_by
    assert outcome(world) == "answered"


def test_a_bundle_that_is_cut_off_changes_nothing_also_at_a_start(bundled: Bundled) -> None:
    world, home = bundled.world, bundled.gateway.home
    good = bundled.component()
    whole = bundled.signed(edited(63)).read_bytes()
    short = bundled.folder / "short.tar.gz"
    for end in (0, len(whole) // 2, len(whole) - 1):
        short.write_bytes(whole[:end])
        assert not bundled.bring(short)
        assert bundled.said.endswith(
            f"the bundle is cut off after {end} bytes: copy it here again, whole"
        )
    # As a copy that broke off leaves it, under the name that counts.
    (home / bundles.FILE).write_bytes(whole[: len(whole) // 2])
    bundled.restart()
    state = bundled.component()
    assert (state["revision"], state["bundle"]) == (good["revision"], good["bundle"])
    assert state["status"] == "degraded"
    assert state["rejected"]["file"] == bundles.FILE
    assert "is cut off after" in state["rejected"]["reason"]
    assert outcome(world) == "answered"
    short.write_bytes(whole)
    assert bundled.bring(short), bundled.said
    assert "rejected" not in bundled.component()


def test_a_bundle_without_a_word_of_an_agreement_is_not_taken(bundled: Bundled) -> None:
    world = bundled.world
    good = bundled.component()["revision"]
    base = edited(67)
    data = json.loads(json.dumps(base.data))
    # The agreement in force gives vehicles; nothing else of the set names them.
    del data["sallyport"]["vocabulary"]["record_types"]["vehicle"]
    data["local"]["own"]["record_types"].remove("vehicle")
    del data["local"]["own"]["freshness_minutes"]["vehicle"]
    for papers in data["sallyport"]["example"]["agreements"].values():
        papers.clear()
    assert not bundled.bring(bundled.signed(make_set(base.modules, data)))
    assert "'vehicle' is not among the vocabulary's record_types" in bundled.said
    assert re.match(rf"agreements/{MOU}/1.json:\d+: ", bundled.said)
    assert bundled.component()["revision"] == good
    assert outcome(world) == "answered"


def test_an_agreement_with_a_word_that_the_bundle_lacks_gives_nothing(bundled: Bundled) -> None:
    world, sheriff = bundled.world, bundled.gateway
    assert bundled.bring(bundled.signed(without_seizures(68))), bundled.said
    assert outcome(world) == "answered"
    # Signed by both, in the place of the one that counts.
    text = a_text(id="mou-seizures")
    for grants in text["shares"].values():
        grants[0]["record_types"] = [*grants[0]["record_types"], "seizure"]
    try:
        agreements.agree(desks(world), text)
        only(world, "mou-seizures")
        for gateway in world.gateways.values():
            apply(gateway)
        # The police's set knows the word; the sheriff's does not, and gives nothing.
        assert outcome(world) == "agreement.none"
        state = listed(sheriff, "mou-seizures")
        assert state["state"] == "broken"
        ready = httpx.get(sheriff.url + "/readyz").json()["components"]["agreements"]
        (trouble,) = ready["troubles"]
        assert re.fullmatch(r"agreements/mou-seizures/1.json:\d+", trouble["where"])
        assert trouble["reason"] == "'seizure' is not among the vocabulary's record_types"
        # A bundle that has it makes it count.
        assert bundled.bring(bundled.signed(edited(69))), bundled.said
        assert outcome(world) == "answered"
    finally:
        good = world.root / "good"
        for gateway in world.gateways.values():
            remove(gateway.home / "agreements")
            shutil.copytree(good / gateway.ori, gateway.home / "agreements")
            apply(gateway)


@soak
def test_no_bundle_makes_up_for_a_bad_agreement_or_brings_one(bundled: Bundled) -> None:
    world, sheriff = bundled.world, bundled.gateway
    text = sheriff.home / "agreements" / MOU / "1.json"
    good = text.read_text()
    # The agreement's text, changed after signing: it alone counts no more.
    text.write_text(good.replace('"keep_days": 30', '"keep_days": 31', 1))
    apply(sheriff)
    assert outcome(world) == "agreement.none"
    assert bundled.bring(bundled.signed(edited(62))), bundled.said
    assert outcome(world) == "agreement.none"
    text.write_text(good)
    apply(sheriff)
    assert outcome(world) == "answered"
    # A bundle can't bring agreements of its own.
    shipped = edited(64)
    own = make_set(shipped.modules, {**shipped.data, "agreements": {}})
    assert not bundled.bring(bundled.signed(own))
    assert "is not signed" in bundled.said


@soak
def test_an_expired_bundle_refuses_whatever_was_agreed(bundled: Bundled) -> None:
    world = bundled.world
    short = bundled.signed(edited(65), seconds=60)
    assert bundled.bring(short), bundled.said
    assert outcome(world) == "answered"
    assert until(lambda: outcome(world) == "unavailable", seconds=90)
    assert httpx.get(bundled.gateway.url + "/readyz").status_code == 503
    assert "ended" in bundled.component()["reason"]
    # Agreements are still read, and give nothing: a change of theirs is no newer bundle.
    run(bundled.gateway, "suspend", MOU, "--reason", "Meanwhile")
    assert ask(world, POLICE, SHERIFF)["status"] != "answered"
    run(bundled.gateway, "resume", MOU, "--reason", "Closed")
    time.sleep(0.5)
    assert ask(world, POLICE, SHERIFF)["status"] != "answered"
    assert bundled.bring(bundled.signed(edited(66))), bundled.said
    assert until(lambda: outcome(world) == "answered")
