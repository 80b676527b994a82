"""A home in which the small set has been vetted already, so that starting takes milliseconds; and
one agency's log and state without the rest of a gateway."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from gateway.database import open_sqlite
from gateway.ledger import Ledger, origin_of
from gateway.policy.engine import Limits
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from gateway.policy.vet import vet
from tests.policy.made import SMALL, TEXAS

Opened = Callable[[], AbstractAsyncContextManager[tuple[Ledger, Engine]]]
Room = TypeVar("Room")


@pytest.fixture
def log_and_state(tmp_path: Path) -> Opened:
    """Open a real log, and the database beside it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Ledger, Engine]]:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        ledger = Ledger(
            tmp_path / "ledger.db", origin=origin_of(TEXAS), log_key=key, sealing_key=bytes(32)
        )
        await ledger.start()
        engine = open_sqlite(tmp_path / "state.db")
        try:
            yield ledger, engine
        finally:
            await ledger.stop()
            engine.dispose()

    return opened


def beside(
    log_and_state: Opened, made: Callable[[Engine, Ledger], Room]
) -> Callable[[], AbstractAsyncContextManager[tuple[Room, Ledger, Engine]]]:
    """Open what one agency keeps in its state, over a real log: it, and the two."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Room, Ledger, Engine]]:
        async with log_and_state() as (ledger, engine):
            yield made(engine, ledger), ledger, engine

    return opened


@pytest.fixture(scope="session")
def _vetted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vetted") / "data"
    candidate = load_set(SMALL)
    vet(candidate, TEXAS, Limits())
    KeptSets(folder).keep(candidate)
    return folder


@pytest.fixture
def vetted(tmp_path: Path, _vetted_once: Path) -> Path:
    """Give a home of one's own."""
    home = tmp_path / "home"
    shutil.copytree(_vetted_once, home / "data")
    return home
