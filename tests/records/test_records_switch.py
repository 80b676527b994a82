"""Between an import's switch and the gateway's: what counts, what is waited for, what is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bench.people import FACTS, Person, question, record
from bench.records import TERMS, TYPES, asked
from gateway.errors import RecordsChanged
from gateway.model import Handling, Record, SetAside
from gateway.records import store, using
from gateway.records.find import Records
from gateway.records.importer import Importer
from gateway.records.mirror import Mirrors
from tests.forked import Forked
from tests.records.importing import LATER, hold, import_rows, rows

TESTER = Person("Test", "Testera", None, "F")


def load(path: Path, items: list[Record | SetAside]) -> None:
    importer = Importer(path)
    importer.run("s", items, as_of=LATER)
    importer.close()


def kept(path: Path, generation: int) -> int:
    engine = store.open_store(path)
    counted = select(func.count()).where(store.records.c.generation == generation)
    with engine.connect() as c:
        found = c.execute(counted).scalar_one()
    engine.dispose()
    return found


def switched(path: Path) -> bool:
    reader = store.Reader(path)
    try:
        return max(reader.in_force().values()) > 1
    finally:
        reader.close()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def found(records: Records, person: Person = TESTER, most: int = 50) -> dict[str, Handling]:
    """Search without looking for new generations."""
    result = await records.find(asked(question(person)), terms=TERMS, record_types=TYPES)
    best = result.found.best(range(len(result.found.kinds)))
    return {f.record_id: f.handling for _, f in islice(best, most)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def late(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Let no new index be loaded before the event."""
    now = asyncio.Event()
    real = Mirrors._load

    async def load(self: Mirrors, generations: tuple[store.Generation, ...]) -> object:
        if self.started:
            await now.wait()
        return await real(self, generations)

    monkeypatch.setattr(Mirrors, "_load", load)
    yield now
    now.set()


async def test_what_an_import_left_as_it_was_is_found_at_once(
    path: Path, late: asyncio.Event
) -> None:
    load(path, list(rows(10)))
    records = Records(path)
    await records.start()
    process = Forked(import_rows, path, 20, "a")
    await until(lambda: switched(path))
    assert len(await found(records)) == 9
    assert kept(path, 1) == 9, "the import has deleted what the gateway searches"
    assert process.runs()
    late.set()
    await records.refresh()
    assert len(await found(records)) == 17
    assert await asyncio.to_thread(process.wait) == 0
    assert kept(path, 1) == 0
    await records.stop()


async def test_what_an_import_changed_is_not_given_any_more(
    path: Path, late: asyncio.Event
) -> None:
    load(path, list(rows(10)))
    records = Records(path)
    await records.start()
    assert await found(records)  # they are at hand, and yet not given
    process = Forked(import_rows, path, 10, "b")
    await until(lambda: switched(path))
    with pytest.raises(RecordsChanged):
        await found(records)
    assert kept(path, 1) == 9
    late.set()
    await records.refresh()
    assert await found(records, Person("Test", "Testerb", None, "F"))
    assert await asyncio.to_thread(process.wait) == 0
    await records.stop()


SEALED = Handling.of({**FACTS.as_dict(), "disclosure": "sealed"})


@pytest.mark.parametrize(
    "changed",
    [
        [],
        [replace(record(TESTER, 0), handling=SEALED)],
        [replace(record(TESTER, 0), record_type="warrant")],
    ],
)
async def test_a_record_sealed_or_gone_counts_from_the_import_on(
    path: Path, late: asyncio.Event, monkeypatch: pytest.MonkeyPatch, changed: list[Record]
) -> None:
    others = [record(Person("Wolfgang", "Thistlewood", None, "M"), 7)]
    load(path, [record(TESTER, 0), *others])
    records = Records(path)
    await records.start()
    assert await found(records)
    # In one process nobody waits for a lock: so the old rows are left by hand.
    monkeypatch.setattr(Importer, "_sweep", lambda *_: None)
    await asyncio.to_thread(load, path, [*changed, *others])
    with pytest.raises(RecordsChanged):
        await found(records, most=1)
    assert await found(records, Person("Wolfgang", "Thistlewood", None, "M"), 1)
    late.set()
    await records.refresh()
    now = await found(records)
    assert all(h == SEALED for i, h in now.items() if i == "P-0000000")
    await records.stop()


async def test_a_source_taken_away_is_not_given_any_more(
    path: Path, late: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(path, [record(TESTER, 0)])
    records = Records(path)
    await records.start()
    monkeypatch.setattr(Importer, "_sweep", lambda *_: None)
    importer = Importer(path)
    importer.remove("s")
    importer.close()
    with pytest.raises(RecordsChanged):
        await found(records)
    late.set()
    await records.stop()


async def test_that_a_source_was_taken_away_is_logged(path: Path) -> None:
    load(path, [record(TESTER, 0)])
    records = Records(path)
    await records.start()
    importer = Importer(path)
    with capture_logs() as logged:
        taken = asyncio.create_task(asyncio.to_thread(importer.remove, "s"))
        while not taken.done():
            await records.refresh()
            await asyncio.sleep(0.01)
        await records.refresh()
    assert await taken
    importer.close()
    await records.stop()
    [line] = [one for one in logged if one["event"] == "records.source_removed"]
    assert line["sources"] == ["s"]


def test_an_import_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(using, "LONGEST_S", 0.2)
    assert using.let_go(path, 1), "no gateway ever ran"
    process = Forked(hold, path, 1)
    process.wait_for(1, "held")
    assert not using.let_go(path, 1)
    assert using.let_go(path, 2)
    process.kill()
    assert using.let_go(path, 1), "a gateway that was killed holds nothing"
