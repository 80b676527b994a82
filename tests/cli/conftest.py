"""What tests of commands share: a folder of a gateway, and a terminal that breaks no line."""

from pathlib import Path

import pytest

from gateway.cli import setup


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the terminal so wide that no table breaks a cell."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a gateway's folder without a source."""
    path = tmp_path / "gateway"
    setup.init_home(path, ori="TX9990000", name="Calloway", url="http://127.0.0.1:8443")
    return path
