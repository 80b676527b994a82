"""Four gateways on loopback, each a process of its own: for the demo, scenarios and benches.

Everything is made as an administrator would make it: the same files, the same commands. Nothing
here reaches into a running gateway; it is used over HTTP and through the `sallyport` command.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from demo import agreements
from demo.people import PEOPLE, TRUTH, generate
from demo.ports import free_ports
from gateway.cli import setup
from gateway.model import Officer, Ori
from gateway.trust import assertions
from gateway.trust.clients import ClientEntry, OfficersEntry
from gateway.trust.jwk import ec_jwk

ROOT = Path(__file__).resolve().parent.parent
AGENCIES: Mapping[str, str] = {
    "TX9990000": "Calloway County Sheriff",
    "CA9990000": "Port Serena Police Department",
    "NM9990000": "Mesa State Bureau of Investigation",
    "USBPX9900": "Sierra Border Sector",
}
CLIENT = "records-system"
Say = Callable[[str], None]


@dataclass
class Gateway:
    """One gateway: its folder, its address, its process while it runs."""

    ori: Ori
    name: str
    home: Path
    port: int
    client_key: ec.EllipticCurvePrivateKey
    process: subprocess.Popen[bytes] | None = None
    env: dict[str, str] = field(default_factory=dict)
    module: str = "gateway.cli"
    cpu: int | None = None
    """The one processor it may use, for measuring."""
    site: str | None = None
    """Where others reach it, if a proxy stands before it."""

    @property
    def inside(self) -> str:
        """Where it answers on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it says that it answers: what peers and tokens name."""
        return self.site or self.inside

    @property
    def log(self) -> Path:
        """What it wrote to standard error."""
        return self.home.parent / f"{self.ori}.log"

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `sallyport …` for this gateway, as its administrator."""
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli", *words],
            env=self._environment(),
            check=check,
            capture_output=True,
            text=True,
        )

    def run(self, *words: str) -> None:
        """Run `sallyport …` so that a person sees its output. Raises if it fails."""
        subprocess.run(
            [sys.executable, "-m", "gateway.cli", *words], env=self._environment(), check=True
        )

    def start(self) -> None:
        """Start the process; `ready` waits for it."""
        with self.log.open("ab") as log:
            pinned = [] if self.cpu is None else ["taskset", "-c", str(self.cpu)]
            self.process = subprocess.Popen(
                [*pinned, sys.executable, "-m", self.module, "serve"],
                env=self._environment(),
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    def ready(self, seconds: float = 120.0) -> dict[str, Any]:
        """Wait until it can serve; give its state. Raises RuntimeError if it ends or is late."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                answer = httpx.get(f"{self.inside}/readyz", timeout=2)
                if answer.status_code == httpx.codes.OK:
                    state: dict[str, Any] = answer.json()
                    return state
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{self.ori} does not get ready:\n{self.log.read_text()[-2_000:]}")

    def stop(self, kind: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for it."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(kind)
            self.process.wait(20)
            self.process = None

    def token(self, officer: Officer | None = None, scope: str | None = None) -> str:
        """Get a token as the agency's own records system would: for itself, or for an officer."""
        form = assertions.token_form(
            self.client_key,
            client_id=CLIENT,
            issuer=self.url,
            ori=self.ori,
            officer=officer,
            scope=scope,
        )
        answer = httpx.post(f"{self.inside}/oauth2/token", data=form, timeout=10)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"no token: {answer.text}")
        return str(answer.json()["access_token"])

    def client(self, officer: Officer | None = None, scope: str | None = None) -> httpx.Client:
        """Give an HTTP client that carries a token."""
        return httpx.Client(
            base_url=self.inside,
            headers={"authorization": f"Bearer {self.token(officer, scope)}"},
            timeout=40,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.env, "SALLYPORT_HOME": str(self.home)}


def an_officer(
    subject: str = "okafor.4471",
    *,
    unit: str = "Robbery",
    unit_function: str = "investigation",
    roles: tuple[str, ...] = ("officer",),
    attributes: tuple[str, ...] = ("sworn", "chri_certified"),
    assurance: int = 2,
) -> Officer:
    """Make an officer as the records system knows him."""
    return Officer(
        subject=subject,
        unit=unit,
        unit_function=unit_function,
        roles=frozenset(roles),
        assurance=assurance,
        auth_time=datetime.now(UTC),
        attributes=frozenset(attributes),
        device="mdt-17",
    )


class World:
    """The four gateways."""

    def __init__(self, root: Path, say: Say = lambda _: None) -> None:
        self.root = root
        self.say = say
        self.gateways: dict[str, Gateway] = {}

    def __getitem__(self, ori: str) -> Gateway:
        return self.gateways[ori]

    def build(
        self,
        *,
        people: int = PEOPLE,
        agencies: Collection[str] = tuple(AGENCIES),
        everywhere: bool = False,
        policies: Path = ROOT / "policies",
        sites: Mapping[str, str] | None = None,
    ) -> None:
        """Make a folder for each: keys, peers, clients, policies, mappings and legacy files.

        `sites` are the addresses of the proxies before them, by ORI, if there are some.

        The truth, who is who, stays outside of every gateway's folder.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        legacy = self.root / "legacy"
        self.say("making up people and the agencies' legacy files")
        generate(legacy, people=people, agencies=agencies, everywhere=everywhere)
        for ori, port in zip(agencies, free_ports(len(agencies)), strict=True):
            site = (sites or {}).get(ori)
            self.gateways[ori] = self._one(Ori(ori), port, site, legacy, policies)
        for one in self.gateways.values():
            for other in self.gateways.values():
                if other is not one:
                    setup.add_peer(one.home, setup.own_entry(other.home))
        homes = {ori: g.home for ori, g in self.gateways.items()}
        self.say(f"{agreements.agree_all(homes, policies)} agreements signed by both parties")
        (legacy / TRUTH).rename(self.truth)
        shutil.rmtree(legacy)

    @property
    def truth(self) -> Path:
        """Who is who, for those who measure."""
        return self.root / TRUTH

    def _one(self, ori: Ori, port: int, site: str | None, legacy: Path, policies: Path) -> Gateway:
        home = self.root / ori
        key = ec.generate_private_key(ec.SECP256R1())
        made = Gateway(ori, AGENCIES[ori], home, port, key, site=site)
        setup.init_home(home, ori=ori, name=made.name, url=made.url, port=port)
        setup.add_client(
            home,
            ClientEntry(
                client_id=CLIENT,
                key=ec_jwk(key.public_key()),
                scopes=["search", "audit"],
                officers=OfficersEntry(
                    roles=["officer", "supervisor", "auditor"],
                    attributes=["sworn", "chri_certified", "cfr28_part23"],
                    assurance=3,
                ),
            ),
        )
        _replace_tree(policies, home / "policies")
        _replace_tree(ROOT / "demo" / "agencies" / ori / "mappings", home / "mappings")
        _replace_tree(legacy / ori / "sources", home / "sources")
        _lock_down(home)
        return made

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Start all, wait until each is ready, and stop all at the end."""
        try:
            for gateway in self.gateways.values():
                gateway.start()
            for gateway in self.gateways.values():
                gateway.ready()
                self.say(f"{gateway.ori} {gateway.name} answers on {gateway.url}")
            yield self
        finally:
            for gateway in self.gateways.values():
                gateway.stop()


def _replace_tree(source: Path, target: Path) -> None:
    if not source.is_dir():
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _lock_down(home: Path) -> None:
    """Only the gateway's own user reads its folder."""
    for path in [home, *home.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
