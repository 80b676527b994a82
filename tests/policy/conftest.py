"""A real OPA server on loopback, deciding by a bundle as the gateway writes it."""

import itertools
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from demo.ports import free_ports
from gateway.policy.engine import Limits
from gateway.policy.kept import KeptSets
from gateway.policy.opa_bundle import command, write_bundle
from gateway.policy.opa_server import OpaServer
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vet import vet
from tests.policy.made import SMALL, TEXAS

StartOpa = Callable[[PolicySet], OpaServer]

_NUMBERS = itertools.count()


class RunningOpa:
    """One OPA process. `stop` and `start` again at the same address."""

    def __init__(
        self,
        program: Path,
        address: str,
        bundles: Path,
        *,
        token: str | None = None,
        tls: tuple[Path, Path] | None = None,
        more: Sequence[str] = (),
    ) -> None:
        made = command(bundles, address, authorized=token is not None, tls=tls)
        self._command = [str(program), *made[1:], *more]
        self._process: subprocess.Popen[bytes] | None = None
        self._log = bundles.parent / f"opa-{next(_NUMBERS)}.log"
        scheme = "https" if tls else "http"
        url = address if address.startswith("unix:") else f"{scheme}://{address}"
        # Generous: these tests are about what is decided, on machines that are busy.
        self.server = OpaServer(
            url=url,
            bundles=bundles,
            token=token,
            ca_file=tls[0] if tls else None,
            timeout_s=5.0,
            switch_s=10.0,
        )

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self._healthy():
                return
            time.sleep(0.02)
        raise AssertionError("OPA did not start")

    def said(self) -> bytes:
        """What it wrote to its standard output and error."""
        return self._log.read_bytes()

    def _healthy(self) -> bool:
        parts = urlsplit(self.server.url)
        try:
            if parts.scheme == "unix":
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(parts.path)
                    s.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                    return b" 200 " in s.recv(64)
            context = None
            if self.server.ca_file:
                context = ssl.create_default_context(cafile=self.server.ca_file)
            with urlopen(f"{self.server.url}/health", timeout=1, context=context):  # noqa: S310 - loopback
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def opa(opa_program: Path, free_port: int, tmp_path: Path) -> Iterator[RunningOpa]:
    """An OPA that is not started yet: its folder of bundles is still empty."""
    running = RunningOpa(opa_program, f"127.0.0.1:{free_port}", tmp_path / "opa")
    yield running
    running.stop()


@pytest.fixture
def start_opa(opa: RunningOpa) -> StartOpa:
    """Start OPA with a set, and give where it is."""

    def start(policy_set: PolicySet) -> OpaServer:
        write_bundle(opa.server.bundles, policy_set)
        opa.start()
        return opa.server

    return start


@pytest.fixture(scope="session")
def vetted_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the small set has been vetted: starting there takes milliseconds."""
    folder = tmp_path_factory.mktemp("vetted")
    candidate = load_set(SMALL)
    vet(candidate, TEXAS, Limits())
    KeptSets(folder).keep(candidate)
    return folder


class Run(Protocol):
    def __call__(
        self,
        policy_set: PolicySet,
        *,
        number: int = 1,
        address: str | None = None,
        token: str | None = None,
        tls: tuple[Path, Path] | None = None,
        more: Sequence[str] = (),
    ) -> list[RunningOpa]: ...


@pytest.fixture
def run(opa_program: Path, tmp_path: Path) -> Iterator[Run]:
    """Run OPA servers by one bundle, and end them afterwards."""
    running: list[RunningOpa] = []

    def start(
        policy_set: PolicySet,
        *,
        number: int = 1,
        address: str | None = None,
        token: str | None = None,
        tls: tuple[Path, Path] | None = None,
        more: Sequence[str] = (),
    ) -> list[RunningOpa]:
        write_bundle(tmp_path / "opa", policy_set, token=token)
        for _ in range(number):
            at = address or f"127.0.0.1:{free_ports(1)[0]}"
            one = RunningOpa(opa_program, at, tmp_path / "opa", token=token, tls=tls, more=more)
            one.start()
            running.append(one)
        return running

    yield start
    for one in running:
        one.stop()
