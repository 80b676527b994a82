"""Imports: sums, the same again, interruption at any moment, readers in other processes."""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.people import FACTS, Person, record
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Contact, Handling, Record, SetAside
from gateway.records import store
from gateway.records.doubts import Most, Opens
from gateway.records.dryrun import dry_run
from gateway.records.importer import Importer, Progress
from gateway.records.source import Origin
from gateway.records.staging import staged_rows
from gateway.records.store import Generation, Reader, open_store
from gateway.records.sums import BATCH
from tests.forked import Forked
from tests.records.importing import LATER, import_rows, open_and_say, rows
from tests.soak import count

AS_OF = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
def importer(path: Path) -> Iterator[Importer]:
    made = Importer(path)
    yield made
    made.close()


def current(path: Path) -> tuple[Generation, ...]:
    reader = Reader(path)
    try:
        return reader.generations()
    finally:
        reader.close()


def test_sums_and_what_is_set_aside(path: Path, importer: Importer) -> None:
    seen: list[Progress] = []
    done = importer.run("s", rows(1_200), as_of=AS_OF, progress=seen.append)
    assert done.rows == 1_200 == done.records + done.set_aside
    assert done.set_aside == 171
    assert [p.rows for p in seen if p.step == "reading"] == [500, 1_000, 1_200]
    assert all(p.rows == p.records + p.set_aside for p in seen)
    assert [p.step for p in seen[-2:]] == ["indexing", "switching"]
    reader = Reader(path)
    aside = reader.set_aside("s", limit=2, offset=1)
    assert aside[0] == SetAside("s", 12, "adapter.bad_date", "not a date", "raw 10", "DOB", "?")
    (generation,) = reader.generations()
    assert (generation.rows, generation.records, generation.as_of) == (1_200, 1_029, AS_OF)
    assert generation.record_types == {"person"}
    assert generation.terms["person"] == {"name", "sex", "driver_license"}
    reader.close()


def test_what_a_source_can_answer_may_be_declared(path: Path, importer: Importer) -> None:
    terms = {"person": frozenset({"name"})}
    types = frozenset({"person", "warrant"})
    importer.run("s", rows(3), as_of=AS_OF, record_types=types, terms=terms)
    (generation,) = current(path)
    assert generation.record_types == types
    assert generation.terms == terms


def test_a_second_record_with_the_same_id_is_set_aside(path: Path, importer: Importer) -> None:
    same = [record(Person("A", "B", None, "F"), n % BATCH) for n in range(BATCH + 2)]
    done = importer.run("s", same, as_of=AS_OF)
    assert (done.records, done.set_aside) == (BATCH, 2)
    reader = Reader(path)
    assert {s.code for s in reader.set_aside("s")} == {"record.duplicate_id"}
    reader.close()


def test_rows_of_one_id_that_disagree_about_who_may_see_it_are_none_of_them_given(
    path: Path, importer: Importer
) -> None:
    open_, sealed = FACTS, Handling.of({**FACTS.as_dict(), "disclosure": "sealed"})
    size = 2 * BATCH
    made = [record(Person("A", "B", None, "F"), n) for n in range(size)]
    first, other = made[3], made[7]
    both = [
        *(replace(m, handling=open_) for m in made),
        replace(first, handling=sealed),  # long after the one that it contradicts
        replace(first, handling=open_),
        replace(other, handling=open_),  # only twice: the first of them counts
    ]
    rehearsed = dry_run(path, "s", both)
    done = importer.run("s", both, as_of=AS_OF)
    assert (done.rows, done.records, done.set_aside) == (size + 3, size - 1, 4)
    assert (rehearsed.records, rehearsed.set_aside) == (size - 1, 4)
    assert rehearsed.reasons == done.reasons
    reader = Reader(path)
    [generation] = reader.generations()
    assert reader.by_record_id(generation.id, first.record_id) is None
    assert reader.by_record_id(generation.id, other.record_id) is not None
    aside = [s for s in reader.set_aside("s", limit=9) if s.code == "record.twins_differ"]
    assert [s.value for s in aside] == [first.record_id] * 3
    reader.close()
    assert importer.run("s", both, as_of=AS_OF).same
    # A source that can be read only once, and an interrupted run, let nothing through either.
    with pytest.raises(RecordsUnavailable, match="second time"):
        importer.run("s", iter([*both, made[0]]), as_of=AS_OF)
    assert current(path)[0].records == size - 1
    healed = importer.run("s", both[:size], as_of=AS_OF)
    assert (healed.records, healed.new, healed.set_aside) == (size, 1, 0)


def test_a_row_whose_own_records_disagree_is_set_aside(importer: Importer) -> None:
    one = record(Person("A", "B", None, "F"), 1)
    sealed = replace(one, handling=Handling.of({**FACTS.as_dict(), "disclosure": "sealed"}))
    origin = Origin(2, "raw", 1, dict)
    done = importer.run("s", [one, sealed], as_of=AS_OF, origin=lambda: origin)
    assert (done.rows, done.records, done.set_aside) == (1, 0, 1)
    ((code, why),) = [(r.code, r.text) for r in done.reasons]
    assert code == "record.duplicate_id"
    assert why.startswith("the row makes two records of this id")


@pytest.mark.parametrize("first", [True, False])
def test_a_row_whose_own_records_disagree_keeps_others_of_their_id_back(
    importer: Importer, *, first: bool
) -> None:
    one = record(Person("A", "B", None, "F"), 1)
    sealed = replace(one, handling=Handling.of({**FACTS.as_dict(), "disclosure": "sealed"}))
    twin = replace(one)
    rows = [one, sealed, twin] if first else [twin, one, sealed]
    origins = [Origin(2, "both", 1, dict), Origin(3, "twin", 1, dict)]
    of = [origins[0], origins[0], origins[1]] if first else [origins[1], origins[0], origins[0]]
    given: list[int] = []

    class Rows:
        def __iter__(self) -> Iterator[Record]:
            for number, row in enumerate(rows):
                given.append(number)
                yield row

    done = importer.run("s", Rows(), as_of=AS_OF, origin=lambda: of[given[-1]])
    assert (done.rows, done.records, done.set_aside) == (2, 0, 2)


def test_a_record_comes_back_as_it_was(path: Path, importer: Importer) -> None:
    contact = Contact("Records", "+1-555-0100")
    original = Record("W-1", "warrant", {"nc:Person": {"nc:PersonName": []}}, FACTS, contact)
    importer.run("s", [original], as_of=None)
    reader = Reader(path)
    (generation,) = reader.generations()
    key = reader.by_record_id(generation.id, "W-1")
    assert key is not None
    stored = reader.fetch([key, key + 1])[key]
    assert (stored.record_id, stored.handling, stored.contact) == ("W-1", FACTS, contact)
    assert stored.message == b'{"nc:Person":{"nc:PersonName":[]}}'
    assert generation.as_of is None
    reader.close()


def test_the_same_rows_again_only_make_it_younger(path: Path, importer: Importer) -> None:
    first = importer.run("s", rows(600), as_of=AS_OF)
    again = importer.run("s", rows(600), as_of=LATER)
    assert again.same
    assert again.generation == first.generation
    (generation,) = current(path)
    assert (generation.id, generation.as_of) == (first.generation, LATER)


def test_a_new_generation_takes_the_old_ones_place(path: Path, importer: Importer) -> None:
    importer.run("other", rows(10), as_of=AS_OF)
    importer.run("s", rows(600, version="oldsecret"), as_of=AS_OF)
    done = importer.run("s", rows(550, version="new"), as_of=LATER)
    assert not done.same
    assert {g.source: g.rows for g in current(path)} == {"other": 10, "s": 550}
    # What is no longer in the source is not in the file either: bytes are overwritten.
    everything = b"".join(f.read_bytes() for f in path.parent.iterdir())
    assert b"OLDSECRET" not in everything
    assert importer.remove("s")
    assert not importer.remove("s")
    assert [g.source for g in current(path)] == ["other"]


def test_an_import_that_failed_goes_on(path: Path, importer: Importer) -> None:
    importer.run("s", rows(700, version="old"), as_of=AS_OF)

    def broken() -> Iterator[Record | SetAside]:
        for n, row in enumerate(rows(2_000)):
            if n == 1_300:
                raise OSError("the file went away")
            yield row

    with pytest.raises(OSError, match="went away"):
        importer.run("s", broken(), as_of=LATER)
    assert current(path)[0].rows == 700
    engine = open_store(path)
    assert staged_rows(engine, "s") == 1_000
    engine.dispose()
    done = importer.run("s", rows(2_000), as_of=LATER)
    assert done.resumed == 1_000
    assert current(path)[0].rows == done.rows == 2_000 == done.records + done.set_aside


def test_staged_rows_that_changed_are_written_anew(path: Path, importer: Importer) -> None:
    def broken(version: str) -> Iterator[Record | SetAside]:
        yield from rows(500)
        yield from list(rows(1_600, version=version))[500:]
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"):
        importer.run("s", broken("a"), as_of=AS_OF)

    def changed() -> Iterator[Record | SetAside]:
        yield from rows(500)
        yield from list(rows(1_100, version="b"))[500:]

    done = importer.run("s", changed(), as_of=AS_OF)
    assert done.resumed == 500
    assert done.rows == 1_100 == done.records + done.set_aside
    assert (current(path)[0].rows, current(path)[0].records) == (done.rows, done.records)
    fresh = Importer(path.with_name("fresh.db"))
    assert fresh.run("s", changed(), as_of=AS_OF).records == done.records
    fresh.close()


def test_what_was_staged_under_another_ranking_is_counted_anew(
    path: Path, importer: Importer
) -> None:
    def handled(word: str) -> Iterator[Record]:
        for row in rows(700):
            if isinstance(row, Record):
                facts = row.handling.as_dict() | {"disclosure": word}
                yield replace(row, handling=Handling.of(facts))

    def broken() -> Iterator[Record]:
        yield from handled("open")
        raise OSError("the file went away")

    strict = {"disclosure": ("open", "sealed")}
    importer.run("s", handled("sealed"), as_of=AS_OF, orders=strict)
    with pytest.raises(OSError, match="went away"):
        importer.run("s", broken(), as_of=LATER, orders={"disclosure": ("sealed", "open")})
    with pytest.raises(Opens, match="disclosure sealed"):
        importer.run("s", handled("open"), as_of=LATER, orders=strict, most=Most(opened=50))
    # What was staged under the same ranking counts.
    done = importer.run("s", handled("open"), as_of=LATER, orders=strict)
    assert done.resumed == done.rows
    assert not dry_run(path, "s", handled("open"), orders=strict).asks


def test_one_import_at_a_time(importer: Importer, path: Path) -> None:
    def nested() -> Iterator[Record | SetAside]:
        other = Importer(path)
        with pytest.raises(RecordsUnavailable, match="another import"):
            other.run("t", rows(1), as_of=AS_OF)
        other.close()
        yield from rows(1)

    assert importer.run("s", nested(), as_of=AS_OF).rows == 1


def test_a_file_of_another_version_is_refused(path: Path) -> None:
    engine = open_store(path)
    with engine.connect() as c:
        c.exec_driver_sql("PRAGMA user_version=99")
    engine.dispose()
    with pytest.raises(Misconfigured, match="another version"):
        Importer(path)
    with pytest.raises(Misconfigured, match="another version"):
        Reader(path)


def test_the_file_is_its_owners_only(path: Path, importer: Importer) -> None:
    importer.run("s", rows(1), as_of=AS_OF)
    assert {f.stat().st_mode & 0o077 for f in path.parent.iterdir()} == {0}


def test_killed_at_any_moment_the_old_generation_serves(path: Path, importer: Importer) -> None:
    """`kill -9` while reading, indexing, switching or deleting; then the next run completes."""
    size = count(2_500, 10_000)
    rng = random.Random(5)
    importer.run("s", rows(300, version="old"), as_of=AS_OF)
    serving = 300
    for n in range(count(4, 300)):
        process = Forked(import_rows, path, size + n, f"v{n}")
        process.wait_for(rng.randrange(0, size // BATCH + 4))
        time.sleep(rng.random() * 0.05)
        process.kill()
        (generation,) = current(path)
        assert generation.rows in {serving, size + n}
        done = importer.run("s", rows(size + n, version=f"v{n}"), as_of=LATER)
        assert done.rows == size + n == done.records + done.set_aside
        (generation,) = current(path)
        assert (generation.rows, generation.records) == (done.rows, done.records)
        reader = Reader(path)
        columns = reader.columns(generation.id)
        assert columns is not None
        assert len(columns["record.type"]) == done.records
        reader.close()
        serving = done.rows


def test_a_reader_in_another_process_is_never_locked(path: Path, importer: Importer) -> None:
    importer.run("s", rows(300, version="old"), as_of=AS_OF)
    reader = Reader(path)
    before = reader.change()
    process = Forked(import_rows, path, 3_000, "new")
    reads = 0
    while process.runs():
        (generation,) = reader.generations()
        assert generation.rows in {300, 3_000}
        key = generation.id << 32
        found = reader.fetch([key])
        assert found == {} or found[key].record_id == "P-0000000"
        reads += 1
    assert process.wait() == 0
    assert reads > 10
    assert reader.change() != before
    assert reader.generations()[0].rows == 3_000
    reader.close()


def aged(path: Path, version: int) -> None:
    """Make a file as an earlier version left it."""
    engine = open_store(path)
    with engine.begin() as c:
        if version == 2:
            c.exec_driver_sql("ALTER TABLE generations DROP COLUMN stated")
        if version < 4:
            c.exec_driver_sql("DROP TABLE claims")
        if version < 5:
            c.exec_driver_sql('ALTER TABLE set_aside DROP COLUMN "key"')
        c.exec_driver_sql("ALTER TABLE generations DROP COLUMN joined")
        c.exec_driver_sql("ALTER TABLE batches DROP COLUMN opened")
        c.exec_driver_sql(f"PRAGMA user_version={version}")
    engine.dispose()


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_file_of_a_version_before_is_brought_up_to_date(path: Path, version: int) -> None:
    aged(path, version)
    reader = Reader(path)
    assert reader.generations() == ()
    reader.close()
    importer = Importer(path)
    assert importer.run("s", rows(9), as_of=AS_OF).set_aside == 1
    importer.close()


def test_what_a_version_before_had_staged_is_read_again(path: Path) -> None:
    def broken() -> Iterator[Record | SetAside]:
        yield from rows(1_000)
        raise OSError("the file went away")

    importer = Importer(path)
    with pytest.raises(OSError, match="went away"):
        importer.run("s", broken(), as_of=AS_OF)
    importer.close()
    aged(path, 5)
    importer = Importer(path)
    done = importer.run("s", rows(1_000), as_of=AS_OF)
    importer.close()
    assert (done.resumed, done.rows) == (0, 1_000)


def test_a_file_whose_upgrade_broke_off_is_brought_up_to_date_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(path, 3)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store.metadata, "create_all", die)
        with pytest.raises(KeyboardInterrupt):
            open_store(path)
    open_store(path).dispose()
    assert current(path) == ()


def test_two_that_open_a_file_of_a_version_before_at_once_upgrade_it_once(path: Path) -> None:
    aged(path, 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        both = [Forked(open_and_say, path) for _ in range(2)]
        for one in both:
            one.wait_for(1, "opens")
        time.sleep(0.3)  # both have seen the old version, and wait
        held.execute("COMMIT")
    assert [one.wait() for one in both] == [0, 0]
    assert current(path) == ()
