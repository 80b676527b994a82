"""A home in which the small set has been vetted already, so that starting takes milliseconds."""

import shutil
from pathlib import Path

import pytest

from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from gateway.policy.vet import vet
from tests.policy.made import SMALL, TEXAS


@pytest.fixture(scope="session")
def _vetted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vetted") / "data"
    candidate = load_set(SMALL)
    vet(candidate, TEXAS, 50)
    KeptSets(folder).keep(candidate)
    return folder


@pytest.fixture
def vetted(tmp_path: Path, _vetted_once: Path) -> Path:
    """Give a home of one's own."""
    home = tmp_path / "home"
    shutil.copytree(_vetted_once, home / "data")
    return home
