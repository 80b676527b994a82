"""A log on disk for each test, and a longer one that is made once."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger import Ledger
from tests.ledger.made import LogOnDisk, draft, use, write


@pytest.fixture
def log(tmp_path: Path) -> LogOnDisk:
    return LogOnDisk(tmp_path / "ledger.db")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> LogOnDisk:
    """A log of over 600 entries by three writers, with an erasure. Copy it before changing it."""
    log = LogOnDisk(tmp_path_factory.mktemp("written") / "ledger.db")

    async def make() -> None:
        moment = datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)
        options: dict[str, Any] = {"checkpoint_every_s": 0.01, "clock": lambda: moment}
        await use(log, write(30), **options)
        moment = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)

        async def many(ledger: Ledger) -> None:
            await asyncio.gather(*(ledger.begin([draft(i)]) for i in range(100, 660)))

        [_, some] = await use(log, many, write(5, 700), **options)

        async def erase(ledger: Ledger) -> None:
            await ledger.erase([some[0].entry_id], reason="court.order", personal={"by": "clerk"})

        await use(log, erase, write(4, 800), **options)

    asyncio.run(make())
    return log
