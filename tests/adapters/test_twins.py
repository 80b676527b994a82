"""Several rows of one id, of which one is sealed, or does not say so: none of them is ever found.

Through the import, whatever else is wrong with the row that says it and wherever it stands, and
through a live search, also where the question does not fit that row.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.sql_live import LiveSource
from gateway.model import Name, PersonQuery, Record, RecordQuery, SetAside
from gateway.records import sums
from gateway.records.dryrun import dry_run
from gateway.records.find import Records
from gateway.records.importer import Imported, Importer
from gateway.records.store import Reader
from tests import legacy_people as people
from tests.adapters.small_mapping import mapping
from tests.records.test_records_find import find
from tests.soak import count

FLAGS = (
    "{dissemination: GREEN, disclosure: {column: SEAL, codes: {N: open, S: sealed}}, "
    "juvenile: false, source_kind: own, intelligence: false, criminal_history: false}"
)
MAPPING = mapping(
    'to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN"',
    'to: "person/nc:PersonBirthDate", column: BORN, date: YYYYMMDD',
    handling=FLAGS,
)
HEADER = "ID,NAME,BORN,SEAL\n"
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
GOOD, NO_DAY = "19870312", "19870399"
Line = tuple[str, str, str]
"""A row's id, flag and birth date."""


class Source:
    """A small file as the command imports it: as often as it is gone through."""

    def __init__(self, folder: Path) -> None:
        self._mapped = adapters.load(folder / "m.yaml")
        self.origin = self._mapped.origin

    def __iter__(self) -> Iterator[Record | SetAside]:
        return self._mapped.rows()


def imported(folder: Path, *rows: Line) -> Imported:
    """Import a file with these rows; a dry run says the same before."""
    lines = [f'{key},"QUARREL, ODO",{born},{seal}\n' for key, seal, born in rows]
    (folder / "data").write_text(HEADER + "".join(lines))
    (folder / "m.yaml").write_text(MAPPING)
    source, path = Source(folder), folder / "records.db"
    rehearsed = dry_run(path, "small", source, origin=source.origin)
    importer = Importer(path)
    done = importer.run("small", source, as_of=NOW, origin=source.origin)
    importer.close()
    same = (done.rows, done.records, done.set_aside, done.reasons)
    assert (rehearsed.rows, rehearsed.records, rehearsed.set_aside, rehearsed.reasons) == same
    assert done.rows == len(rows)
    return done


def held(folder: Path) -> set[str]:
    """Give the ids that are found."""
    with closing(Reader(folder / "records.db")) as reader:
        (generation,) = reader.generations()
        ids = {key for key in "ABC" if reader.by_record_id(generation.id, key) is not None}
        assert len(ids) == generation.records
        return ids


@pytest.mark.parametrize(
    ("seal", "born", "first"),
    [("", GOOD, True), ("?", GOOD, False), ("S", GOOD, True), ("S", NO_DAY, False)],
)
async def test_an_open_row_is_not_found_beside_one_that_may_be_sealed(
    tmp_path: Path, seal: str, born: str, *, first: bool
) -> None:
    other, open_ = ("A", seal, born), ("A", "N", GOOD)
    done = imported(tmp_path, ("B", "N", GOOD), *((other, open_) if first else (open_, other)))
    assert (done.records, done.set_aside) == (1, 2)
    codes = {r.code for r in done.reasons}
    assert "record.twins_differ" in codes
    assert len(codes) == (1 if seal == "S" and born == GOOD else 2)
    records = Records(tmp_path / "records.db")
    await records.start()
    try:
        asked = PersonQuery(names=(Name("ODO", None, "QUARREL"),))
        assert [f.record_id for f in (await find(records, asked)).found] == ["B"]
        assert (await find(records, RecordQuery("A"))).found == ()
        # The agency says what it is: from then on the row is found again.
        done = imported(tmp_path, ("B", "N", GOOD), open_, ("A", "N", NO_DAY))
        assert (done.records, done.new, done.set_aside) == (2, 1, 1)
        await records.refresh()
        assert [f.record_id for f in (await find(records, RecordQuery("A"))).found] == ["A"]
    finally:
        await records.stop()


def test_a_row_that_says_the_same_keeps_no_other_from_being_found(tmp_path: Path) -> None:
    done = imported(tmp_path, ("A", "N", NO_DAY), ("A", "N", GOOD), ("B", "", GOOD))
    assert {r.code for r in done.reasons} == {"date.none", "handling.missing"}
    assert held(tmp_path) == {"A"}


LINES = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["N", "S", "", "?"]) | st.just("N"),
              st.sampled_from([GOOD, GOOD, NO_DAY])),
    min_size=1,
    max_size=9,
)  # fmt: skip


@settings(max_examples=count(12, 1_500), deadline=None)
@given(LINES)
def test_only_what_all_rows_of_an_id_agree_on_is_found(rows: list[Line]) -> None:
    before, sums.BATCH = sums.BATCH, 2
    try:
        with tempfile.TemporaryDirectory() as folder:
            imported(Path(folder), *rows)
            expected = {
                key
                for key in "ABC"
                if (mine := [r for r in rows if r[0] == key])
                and any(born == GOOD for _, _, born in mine)
                and {seal for _, seal, _ in mine} in ({"N"}, {"S"})
            }
            assert held(Path(folder)) == expected
    finally:
        sums.BATCH = before


# -- searched where it is ---------------------------------------------------------------------


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    """Make a database that lets several rows have one id."""
    people.fill_sqlite(tmp_path / "legacy.db", 40)
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.executescript(
            "CREATE TABLE rows AS SELECT * FROM name_mst; DROP TABLE name_mst;"
            "ALTER TABLE rows RENAME TO name_mst; CREATE INDEX ids ON name_mst (name_id);"
        )
        for name in ("srch", "sdx", "full", "dob", "oln"):
            db.execute(people.index_of(name, postgresql=False))
        db.commit()
    text = people.MAPPING.format(mode="live", where="path: legacy.db")
    (tmp_path / "people.yaml").write_text(text.replace("{0: open}", "{0: open, 1: sealed}"))
    return tmp_path


@pytest.mark.parametrize(
    ("seal", "born", "given_out"),
    [(0, 19870399, 1), (1, 19870312, 0), (1, 19870399, 0), (7, 19870312, 0)],
)
async def test_a_live_row_is_given_only_where_all_rows_of_its_id_agree(
    legacy: Path, seal: int, born: int, given_out: int
) -> None:
    number = 3
    key = people.key_of(number)
    first, last = people.name_of(number)
    asked = PersonQuery(names=(Name(first, None, last),))
    source = adapters.live(legacy / "people.yaml")
    assert isinstance(source, LiveSource)
    types = frozenset({"person"})
    assert key in {r.record_id for r in source.candidates(asked, types, 200)}
    with closing(sqlite3.connect(legacy / "legacy.db")) as db:
        twin = (f"{key:10}", "", "ELSEWHERE", "OTTO", "ELSEWHERE", "E423", born, "", seal)
        db.execute("INSERT INTO name_mst VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", twin)
        db.commit()
    records = Records(legacy / "records.db", [source], today=lambda: date(2026, 11, 23))
    await records.start()
    try:
        assert len([r for r in source.candidates(asked, types, 200) if r.record_id == key]) == (
            given_out
        )
        for question in (asked, RecordQuery(key)):
            found = (await find(records, question, types=types, most=40)).found
            assert [f.record_id for f in found if f.record_id == key] == [key] * given_out
    finally:
        await records.stop()
        source.close()


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("TEXT PRIMARY KEY", "5 "),
        ("VARCHAR(9) PRIMARY KEY", "5 \t  "),
        ("TEXT NOT NULL UNIQUE", "5\n"),
        ("PRIMARY KEY", "5 "),
        ("PRIMARY KEY", 5),
    ],
)
@pytest.mark.parametrize("sealed", ["5", "other"])
def test_two_keys_of_a_live_table_that_read_as_one_id_are_compared(
    tmp_path: Path, kind: str, other: str | int, sealed: str
) -> None:
    form = "{type: sql, mode: live, path: legacy.db}"
    text = MAPPING.replace(MAPPING[MAPPING.index("{type") : MAPPING.index("}") + 1], form)
    (tmp_path / "m.yaml").write_text(text.replace("  - type:", "  - table: t\n    type:"))
    seals = {"5": "S", "other": "N"} if sealed == "5" else {"5": "N", "other": "S"}
    rows = [("5", seals["5"]), (other, seals["other"]), ("55", "N"), ("5 x", "N"), ("6", "N")]
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.execute(f"CREATE TABLE t (ID {kind}, NAME, BORN, SEAL)")
        db.executemany("INSERT INTO t VALUES (?, 'QUARREL, ODO', '19870312', ?)", rows)
        db.commit()
    source = adapters.live(tmp_path / "m.yaml")
    assert isinstance(source, LiveSource)
    try:
        assert source.get("5") is None
        assert all(source.get(key) is not None for key in ("55", "5 x", "6"))
        with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
            db.execute("UPDATE t SET SEAL = 'N'")
            db.commit()
        assert source.get("5") is not None
    finally:
        source.close()
