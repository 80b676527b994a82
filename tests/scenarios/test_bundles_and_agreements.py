"""A gateway that decides by signed bundles, with its agreements beside them: neither is the other,
and what was suspended stays so whatever bundle comes."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.world import ROOT, Gateway, World
from gateway.policy import bundles
from gateway.policy.sets import PolicySet, load_set, make_set
from tests.scenarios.two import MOU, POLICE, SHERIFF, apply, ask, outcome, run, until
from tests.soak import SOAK

pytestmark = [
    pytest.mark.skipif(not SOAK, reason="some minutes on a busy machine: `make soak`"),
    pytest.mark.timeout(900),
]


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
        self.gateway.command("policy", "sign", str(out), "--key", str(self.key()))
        return out

    def bring(self, bundle: Path) -> bool:
        """Apply it as an administrator does. Whether it was taken; `said` has why not."""
        done = self.gateway.command("policy", "apply", "--bundle", str(bundle), check=False)
        self.said = done.stderr
        if done.returncode == 0:
            self.version = int(self.component()["bundle"]["version"])
        return done.returncode == 0

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
    """The shipped set, changed where every agency may change it."""
    shipped = load_set(ROOT / "policies")
    limits = {**shipped.data["local"]["limits"], "max_matches": number}
    local = {**shipped.data["local"], "limits": limits}
    return make_set(shipped.modules, {**shipped.data, "local": local})


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
