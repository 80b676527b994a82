"""A real OPA server on loopback, deciding by a bundle as the gateway writes it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from gateway.policy.kept import KeptSets
from gateway.policy.opa_bundle import command, write_bundle
from gateway.policy.opa_server import OpaServer
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vet import vet
from tests.policy.made import SMALL, TEXAS

StartOpa = Callable[[PolicySet], OpaServer]


class RunningOpa:
    """One OPA process. `stop` and `start` again at the same address."""

    def __init__(self, program: Path, port: int, bundles: Path) -> None:
        self._command = [str(program), *command(bundles, f"127.0.0.1:{port}")[1:]]
        self._url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        # Generous: these tests are about what is decided, on machines that are busy.
        self.server = OpaServer(url=self._url, bundles=bundles, timeout_s=5.0, switch_s=10.0)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urlopen(f"{self._url}/health", timeout=1):  # noqa: S310 - loopback
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("OPA did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def opa(opa_program: Path, free_port: int, tmp_path: Path) -> Iterator[RunningOpa]:
    """An OPA that is not started yet: its folder of bundles is still empty."""
    running = RunningOpa(opa_program, free_port, tmp_path / "opa")
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
    vet(candidate, TEXAS, 50)
    KeptSets(folder).keep(candidate)
    return folder
