"""Finding over mirrors and live sources, and the switch to a new generation."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.people import FACTS, Person, question, record, searched
from gateway.errors import RecordsUnavailable
from gateway.model import (
    AgeRange,
    Asker,
    Band,
    Found,
    Granularity,
    Identifier,
    IncidentQuery,
    Name,
    PersonQuery,
    Question,
    ReasonGiven,
    Record,
    RecordQuery,
    Subject,
    SubjectQuery,
)
from gateway.records import aside, mirror
from gateway.records.find import Records
from gateway.records.importer import Importer
from gateway.records.store import generations, index_parts, open_store

OLD = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
NEW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BORN = date(1987, 3, 12)
MARISOL = Person("Marisol", "Quezada", BORN, "F")
TERMS = frozenset({"name", "birth_date", "sex", "age", "number", "record_id", "driver_license"})
PERSONS = frozenset({"person"})
ASKER = Asker("TX9990000", "u", "patrol", "x" * 20, ("officer",), 2, "2026-11-23T00:00:00.00Z")


def ask(query: SubjectQuery, *, most: int = 10, deadline_ms: int = 5_000) -> Question:
    return Question(
        1,
        "srch_" + "0" * 26,
        "TX9990000",
        ASKER,
        "criminal_investigation",
        Subject(**{query.kind: query}),
        ("person",),
        Granularity.RECORD,
        ReasonGiven("theft", "as told"),
        max_matches=most,
        deadline_ms=deadline_ms,
    )


class Seen(NamedTuple):
    """What was found, read as if policy showed all of it."""

    understood: bool
    found: tuple[Found, ...]
    data_as_of: datetime | None
    terms_not_used: tuple[str, ...]


async def find(
    records: Records,
    query: SubjectQuery,
    *,
    terms: frozenset[str] = TERMS,
    types: frozenset[str] = PERSONS,
    most: int = 10,
    deadline_ms: int = 5_000,
) -> Seen:
    asked = ask(query, most=most, deadline_ms=deadline_ms)
    result, found = await searched(records, asked, terms=terms, record_types=types)
    return Seen(result.understood, found, result.data_as_of, result.terms_not_used)


@dataclass
class Live:
    """Records in memory, as a live source has them."""

    rows: dict[str, Record]
    name: str = "live"
    record_types: frozenset[str] = PERSONS
    blocking: bool = True
    terms: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {"person": frozenset({"name", "birth_date", "sex"})}
    )
    hold: threading.Event | None = None
    asked: list[SubjectQuery] = field(default_factory=list)
    thread: str = ""
    passed_over: int = 0

    def as_of(self) -> datetime | None:
        return NEW

    def candidates(
        self, query: SubjectQuery, record_types: frozenset[str], limit: int
    ) -> Sequence[Record]:
        self.asked.append(query)
        self.thread = threading.current_thread().name
        if self.hold is not None:
            self.hold.wait(10)
        return [r for r in self.rows.values() if r.record_type in record_types][:limit]

    def get(self, record_id: str) -> Record | None:
        return self.rows.get(record_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


def load(path: Path, source: str, rows: Sequence[Record], as_of: datetime = OLD) -> None:
    importer = Importer(path)
    importer.run(source, rows, as_of=as_of)
    importer.close()


@pytest.fixture
async def records(path: Path) -> AsyncIterator[Records]:
    load(path, "persons", [record(MARISOL, n) for n in range(5)])
    made = Records(path, today=lambda: date(2026, 11, 23))
    await made.start()
    yield made
    await made.stop()


async def test_what_is_found(records: Records) -> None:
    result = await find(records, question(MARISOL), most=3)
    assert result.understood
    assert [f.record_id for f in result.found] == ["P-0000000", "P-0000001", "P-0000002"]
    first = result.found[0]
    assert first.band is Band.EXACT
    assert first.message["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] == "QUEZADA"
    assert first.handling == FACTS
    assert result.data_as_of == OLD
    assert result.terms_not_used == ()
    assert len((await find(records, question(MARISOL), most=9)).found) == 5


async def test_a_message_is_the_readers_own(records: Records) -> None:
    first = await find(records, question(MARISOL), most=1)
    first.found[0].message.clear()
    again = await find(records, question(MARISOL), most=1)
    assert again.found[0].message


async def test_only_allowed_terms_are_used(records: Records) -> None:
    wrong_date = PersonQuery(
        (Name(given="Marisol", surname="Quezada"),), date(1950, 12, 30), None, "M"
    )
    with_date = await find(records, wrong_date)
    without = await find(records, wrong_date, terms=frozenset({"name"}))
    assert without.terms_not_used == ("birth_date", "sex")
    assert set(without.found[0].compared) == {"surname", "given"}
    assert not with_date.found or with_date.found[0].score < without.found[0].score


async def test_terms_that_nobody_holds_are_named(records: Records) -> None:
    query = PersonQuery(
        (Name(surname="Quezada", given="Marisol"),), BORN, None, None, (Identifier("fbi", "1"),)
    )
    result = await find(records, query, terms=TERMS | {"fbi"})
    assert result.understood
    assert result.terms_not_used == ("fbi",)
    assert result.found


@pytest.mark.parametrize(
    ("query", "types"),
    [
        (IncidentQuery(number="26-1"), PERSONS),
        (PersonQuery(identifiers=(Identifier("fbi", "1"),)), PERSONS),
        (question(MARISOL), frozenset({"warrant"})),
        (question(MARISOL), frozenset()),
    ],
)
async def test_a_question_that_these_records_cannot_answer(
    records: Records, query: SubjectQuery, types: frozenset[str]
) -> None:
    result = await find(records, query, types=types, terms=TERMS | {"fbi"})
    assert not result.understood
    assert result.found == ()
    assert result.terms_not_used == query.terms()


async def test_no_terms_allowed_is_not_understood(records: Records) -> None:
    result = await find(records, question(MARISOL), terms=frozenset({"sex", "birth_date"}))
    assert not result.understood


async def test_nameless_records_do_not_understand_a_name(path: Path) -> None:
    message = {"nc:Person": {"nc:PersonBirthDate": {"nc:Date": "1987-03-12"}}}
    load(path, "nameless", [Record("I-1", "person", message, FACTS)])
    records = Records(path)
    await records.start()
    assert not (await find(records, question(MARISOL))).understood
    await records.stop()


async def test_a_record_by_its_id(records: Records) -> None:
    result = await find(records, RecordQuery("P-0000003"))
    assert [f.record_id for f in result.found] == ["P-0000003"]
    assert (await find(records, RecordQuery("nothing"))).found == ()
    assert (await find(records, RecordQuery("nothing"))).understood
    other = await find(records, RecordQuery("P-0000003"), types=frozenset({"warrant"}))
    assert other.found == ()


async def test_an_age_range(records: Records) -> None:
    names = (Name(given="Marisol", surname="Quezada"),)
    result = await find(records, PersonQuery(names, None, AgeRange(38, 42)))
    assert result.found[0].compared["age"] == "same"


async def test_a_new_generation_is_noticed_and_the_old_one_gone(
    records: Records, path: Path
) -> None:
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    await asyncio.to_thread(load, path, "persons", [record(other, 9)], NEW)
    # Records that were taken away are not found, not even before the gateway has looked again.
    assert (await find(records, question(MARISOL))).found == ()
    result = await find(records, question(other))
    assert [f.record_id for f in result.found] == ["P-0000009"]
    assert result.data_as_of == NEW


async def test_a_new_source_is_noticed_by_itself(records: Records, path: Path) -> None:
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    await asyncio.to_thread(load, path, "more", [record(other, 9)], NEW)
    for _ in range(100):
        if records.status()["sources"].get("more", {}).get("loading") is False:
            break
        await asyncio.sleep(0.05)
    result = await find(records, question(other))
    assert result.found[0].record_id == "P-0000009"
    assert result.data_as_of == OLD  # the older of the two was searched as well


async def test_status_tells_of_each_source(records: Records) -> None:
    status = records.status()
    assert status["ok"]
    assert status["sources"]["persons"] == {
        "kind": "mirror",
        "generation": 1,
        "records": 5,
        "set_aside": 0,
        "as_of": "2026-11-20T06:00:00.00Z",
        "record_types": ["person"],
        "loading": False,
    }


async def test_an_index_of_older_code_is_made_anew(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    engine = open_store(path)
    with engine.begin() as c:
        c.execute(generations.update().values(index_format="older"))
    engine.dispose()
    records = Records(path)
    await records.start()
    assert (await find(records, question(MARISOL))).found[0].record_id == "P-0000001"
    await records.stop()
    load(path, "persons", [record(MARISOL, 1)])


async def test_live_and_mirrored_records_are_scored_alike(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    near = Person("Marizol", "Quesada", BORN, "F")
    live = Live({"L-1": Record("L-1", "person", record(near, 1).message, FACTS)})
    live.rows["L-2"] = Record("L-2", "warrant", record(MARISOL, 1).message, FACTS)
    records = Records(path, [live])
    await records.start()
    result = await find(records, question(MARISOL))
    assert [f.record_id for f in result.found] == ["P-0000001", "L-1"]
    assert result.data_as_of == OLD
    assert live.thread.startswith("live-records")
    swapped = await find(records, question(near))
    assert [f.record_id for f in swapped.found] == ["L-1", "P-0000001"]
    assert swapped.found[1].score == pytest.approx(result.found[1].score)
    del live.rows["L-1"]
    assert [f.record_id for f in (await find(records, question(MARISOL))).found] == ["P-0000001"]
    assert (await find(records, RecordQuery("L-2"))).found == ()
    by_id = await find(records, RecordQuery("L-2"), types=frozenset({"person", "warrant"}))
    assert [f.record_id for f in by_id.found] == ["L-2"]
    assert records.status()["sources"]["live"] == {
        "kind": "live",
        "loading": False,
        "passed_over": 0,
        "checked": None,
    }
    await records.stop()


async def test_a_live_source_is_told_only_allowed_terms(path: Path) -> None:
    live = Live({})
    records = Records(path, [live])
    await records.start()
    await find(records, question(MARISOL), terms=frozenset({"name"}))
    (asked,) = live.asked
    assert isinstance(asked, PersonQuery)
    assert (asked.birth_date, asked.sex) == (None, None)
    await records.stop()


async def test_a_late_live_source_fails_the_search(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    hold = threading.Event()
    records = Records(path, [Live({}, hold=hold)])
    await records.start()
    with pytest.raises(RecordsUnavailable) as late:
        await find(records, question(MARISOL), deadline_ms=100)
    assert late.value.code == "records.late"
    hold.set()
    await records.stop()


@pytest.mark.parametrize("error", [RecordsUnavailable, OSError, KeyError])
async def test_a_live_source_that_fails_fails_the_search(
    path: Path, error: type[Exception]
) -> None:
    class Broken(Live):
        def candidates(
            self, query: SubjectQuery, record_types: frozenset[str], limit: int
        ) -> Sequence[Record]:
            raise error(f"SELECT … WHERE NAME = 'QUEZADA' {query} {record_types} {limit}")

    records = Records(path, [Broken({})])
    await records.start()
    with pytest.raises(RecordsUnavailable) as failed:
        await find(records, question(MARISOL))
    # A driver's error may quote the question; it goes no further.
    assert error is RecordsUnavailable or "QUEZADA" not in str(failed.value)
    assert failed.value.__cause__ is None
    await records.stop()


async def test_a_spoilt_index_leaves_the_old_generation_serving(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    records = Records(path)
    await records.start()
    # Nothing is awaited until it is spoilt, so it can't be looked at before.
    load(path, "more", [record(MARISOL, 9)], NEW)
    engine = open_store(path)
    with engine.begin() as c:
        c.execute(index_parts.update().where(index_parts.c.generation == 2).values(data=b"x"))
    engine.dispose()
    with pytest.raises(RecordsUnavailable):
        await records.refresh()
    for _ in range(400):
        if not records.status()["ok"]:
            break
        await asyncio.sleep(0.05)
    assert not records.status()["ok"]
    assert [f.record_id for f in (await find(records, question(MARISOL))).found] == ["P-0000001"]
    await records.stop()


async def test_a_switch_is_made_in_another_process(
    records: Records, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: object) -> None:
        raise AssertionError("made within the gateway, while it answers")

    monkeypatch.setattr(mirror, "whole", here)
    monkeypatch.setattr(aside, "merged", here)
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    third = Person("Ottilie", "Fernsby", date(1971, 3, 4), "F")
    await asyncio.to_thread(load, path, "more", [record(other, 9), record(third, 10)], NEW)
    await asyncio.to_thread(load, path, "first", [record(third, 11)], NEW)
    await records.refresh()
    # "first" stands before "persons" in the new numbers: every one was moved.
    assert [f.record_id for f in (await find(records, question(third))).found] == [
        "P-0000011",
        "P-0000010",
    ]
    assert (await find(records, question(other))).found[0].record_id == "P-0000009"
    assert (await find(records, question(MARISOL), most=1)).found[0].record_id == "P-0000000"


@pytest.mark.parametrize("fault", ["sys.exit(1)", "print('no index')", "os.kill(os.getpid(), 9)"])
async def test_where_that_process_fails_the_old_records_serve(
    records: Records, path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport os, sys\n{fault}\n", encoding="utf-8")
    python.chmod(0o700)
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    with monkeypatch.context() as broken:
        broken.setattr(mirror.sys, "executable", str(python))
        await asyncio.to_thread(load, path, "more", [record(other, 9)], NEW)
        with pytest.raises(RecordsUnavailable):
            await records.refresh()
        assert (await find(records, question(MARISOL), most=1)).found
        for _ in range(100):
            if not records.status()["ok"]:
                break
            await asyncio.sleep(0.05)
        assert not records.status()["ok"]
    await records.refresh()
    assert (await find(records, question(other))).found[0].record_id == "P-0000009"


async def test_a_search_that_is_given_up_does_not_end_the_switch_for_others(
    records: Records, path: Path
) -> None:
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    await asyncio.to_thread(load, path, "persons", [record(other, 9)], NEW)
    given_up = asyncio.create_task(find(records, question(MARISOL)))
    waiting = asyncio.create_task(find(records, question(MARISOL)))
    await asyncio.sleep(0.05)
    given_up.cancel()
    assert (await waiting).found == ()
    assert given_up.cancelled()
    assert (await find(records, question(other))).found[0].record_id == "P-0000009"


async def test_stopping_during_a_switch_leaves_no_process(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    records = Records(path)
    await records.start()
    other = Person("Wolfgang", "Thistlewood", date(1960, 1, 2), "M")
    await asyncio.to_thread(load, path, "more", [record(other, 9)], NEW)
    switching = asyncio.create_task(records.refresh())
    await asyncio.sleep(0.05)
    await records.stop()
    with pytest.raises(asyncio.CancelledError):
        await switching
    assert _processes_with(str(path)) == []


def _processes_with(word: str) -> list[list[bytes]]:
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            words = command.read_bytes().split(b"\0")
            if word.encode() in words:
                found.append(words)
    return found


async def test_not_started_is_unavailable(path: Path) -> None:
    load(path, "persons", [record(MARISOL, 1)])
    records = Records(path)
    assert not records.status()["ok"]
    with pytest.raises(RecordsUnavailable):
        await find(records, question(MARISOL))
    await records.stop()


async def test_another_process_never_removes_the_log_under_a_running_gateway(path: Path) -> None:
    """An import ends while this process reads: it must see that it isn't the file's last user."""
    records = Records(path)
    await records.start()
    try:
        wal = path.with_name(path.name + "-wal")
        code = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
            "c.execute('PRAGMA user_version').fetchone(); c.execute('BEGIN IMMEDIATE');"
            "c.execute('UPDATE generations SET source = source'); c.commit(); c.close()"
        )
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path))
        assert await process.wait() == 0
        assert wal.exists()
        await records.refresh()
    finally:
        await records.stop()
