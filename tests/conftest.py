"""What every test shares: closed sockets, the pinned OPA, a loud word where one is skipped."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.guard.sitecustomize  # noqa: F401 - closes this process's sockets
from demo.ports import free_ports
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
OPA = ROOT / ".cache" / "opa"

# Processes that tests start get the same closed sockets as this one, and pytest's own options close
# them once more around each test.
GUARD = ROOT / "tests" / "guard"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not OPA.exists():
        terminalreporter.write_line(
            "WITHOUT OPA: every test that compares with the real OPA server was SKIPPED", red=True
        )
    if postgres.programs() is None:
        terminalreporter.write_line(
            "WITHOUT POSTGRESQL: every test of a source in PostgreSQL was SKIPPED", red=True
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("opa") and not OPA.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("the pinned OPA is missing; run tools/opa.sh")
        pytest.skip("the pinned OPA is missing; run tools/opa.sh")
    if item.get_closest_marker("postgres") and postgres.programs() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing; run tools/system.sh as root")
        pytest.skip("PostgreSQL is missing; run tools/system.sh as root")
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        pytest.skip("the shared reference files are not beside this checkout")


@pytest.fixture
def opa_program() -> Path:
    """The pinned OPA's path. Use together with the marker `opa`."""
    return OPA


@pytest.fixture
def free_port() -> int:
    """A loopback port that was free a moment ago."""
    [port] = free_ports(1)
    return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A running PostgreSQL of the tests' own. Use together with the marker `postgres`."""
    programs = postgres.programs()
    assert programs is not None
    with postgres.running(programs, *free_ports(1)) as server:
        yield server


@pytest.fixture(autouse=True, scope="session")
def _private_umask() -> None:
    os.umask(0o077)


def have(program: str) -> bool:
    """Whether a program is on the path."""
    return shutil.which(program) is not None
