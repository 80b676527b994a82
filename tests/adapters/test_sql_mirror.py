"""A mirror reads what changed only, and is then what a full import would be."""

import itertools
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Protocol

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import adapters
from adapters.replica import Refreshed
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Record, SetAside
from tests import postgres
from tests.soak import count

MAPPING = """
mapping: 1
source: people
format:
  type: sql
  mode: mirror
  {where}
  changes: {changes}
records:
  - type: person
    table: people
    id: "{{id}}"
    join:
      other: {{table: others, key: person, from: id, many: true}}
    handling: {{dissemination: GREEN, disclosure: {{column: seal, codes: {{0: open, 1: sealed}}}},
      juvenile: false, source_kind: own, intelligence: false, criminal_history: false}}
    contact: {{unit: Records, phone: (303) 555-0100}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", name: {{surname: surname, given: given}}}}
      - {{to: "person/nc:PersonName[other]", for: other, column: other.name,
          name: "SURNAME, GIVEN"}}
"""
TABLES = """
CREATE TABLE people (id varchar(12) PRIMARY KEY, surname varchar(40), given varchar(40),
  seal integer, written {kind}, photo varchar(40));
CREATE TABLE others (person varchar(12), seq integer, name varchar(60), written {kind},
  PRIMARY KEY (person, seq));
"""
TIMES = (
    "{people: {key: id, column: written, overlap: 10m}, "
    "others: {key: [person, seq], column: written, overlap: 10m}}"
)
NUMBERS = "{people: {key: id, column: written, overlap: 5}, others: {key: [person, seq]}}"
DIGESTS = "{people: {key: id}, others: {key: [person, seq]}}"


class Legacy(Protocol):
    """A legacy database that a test writes into."""

    where: str

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement, in `?` style."""


class Sqlite:
    def __init__(self, folder: Path, kind: str) -> None:
        self.path = folder / "legacy.db"
        self.where = "path: legacy.db"
        with closing(sqlite3.connect(self.path)) as db:
            db.executescript(TABLES.format(kind=kind))

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        with closing(sqlite3.connect(self.path)) as db:
            db.execute(statement, values)
            db.commit()


class Postgresql:
    def __init__(self, server: postgres.Server, folder: Path, kind: str, name: str) -> None:
        server.fresh(name)
        postgres.password_file(folder)
        self.connection: psycopg.Connection = server.connect(name)
        self.connection.execute(TABLES.format(kind=kind))  # type: ignore[arg-type] # a test's own
        self.where = f'url: "{server.url(name)}"\n  password_file: database.password'

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        self.connection.execute(statement.replace("?", "%s"), values)  # type: ignore[arg-type] # as above


def mapping_of(folder: Path, legacy: Legacy, changes: str) -> Path:
    path = folder / "people.yaml"
    path.write_text(MAPPING.format(where=legacy.where, changes=changes), encoding="utf-8")
    return path


def refreshed(mapping: Path) -> Refreshed:
    made = adapters.refresh(mapping, mapping.parent / "mirrors")
    assert made is not None
    for counted in made.tables.values():
        assert counted.rows == counted.new + counted.changed + counted.unchanged
    return made


def content(source: adapters.MappedSource) -> dict[str, Any]:
    """Give everything that came of the rows, apart from their order."""
    found: dict[str, Any] = {}
    for one in source.rows():
        if isinstance(one, Record):
            found[one.record_id] = (one.message, one.handling.as_dict())
        else:
            assert isinstance(one, SetAside)
            found[f"aside {one.fields and one.fields['id']}"] = (one.code, one.column, one.value)
    assert source.tally.read == source.tally.translated + source.tally.aside
    return found


def same(mapping: Path, made: Refreshed) -> dict[str, Any]:
    """Hold a mirror against a full import of what is there now."""
    mirrored = content(adapters.load_replica(mapping, made))
    assert mirrored == content(adapters.load(mapping))
    return mirrored


@pytest.fixture
def sqlite(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path, "text")


@pytest.fixture
def server_database(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Postgresql]:
    legacy = Postgresql(postgres_server, tmp_path, "timestamptz", "mirror_test")
    yield legacy
    legacy.connection.close()


@pytest.fixture(params=["sqlite", pytest.param("server_database", marks=pytest.mark.postgres)])
def legacy(request: pytest.FixtureRequest) -> Legacy:
    found: Legacy = request.getfixturevalue(request.param)
    return found


def add(
    legacy: Legacy, key: str, written: Any, surname: str = "QUILLFEATHER", seal: int = 0
) -> None:
    legacy.execute(
        "INSERT INTO people VALUES (?, ?, 'TAMSIN', ?, ?, 'x')", (key, surname, seal, written)
    )


def test_only_what_changed_is_read(legacy: Legacy, tmp_path: Path) -> None:
    sweeps_seldom = TIMES.replace("overlap: 10m}", "overlap: 10m, sweep: 1d}")
    mapping = mapping_of(tmp_path, legacy, sweeps_seldom)
    for n in range(50):
        add(legacy, f"P{n:02}", f"2026-01-01 10:{n:02}:00")
    first = refreshed(mapping)
    assert (first.tables["people"].read, first.tables["people"].new) == (50, 50)
    assert len(same(mapping, first)) == 50
    again = refreshed(mapping)
    assert again.token == first.token
    assert again.tables["people"].read == 11, "the overlap of ten minutes, and no more"
    add(legacy, "P99", "2026-01-01 10:49:00")
    legacy.execute(
        "UPDATE people SET surname = 'OAKENSHAW', written = '2026-01-01 11:00:00' WHERE id = 'P03'"
    )
    third = refreshed(mapping)
    people = third.tables["people"]
    assert (people.read, people.new, people.changed, people.removed) == (13, 1, 1, 0)
    assert third.token != first.token
    same(mapping, third)


def test_without_a_stated_interval_every_key_is_looked_at(legacy: Legacy, tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, legacy, TIMES)
    for n in range(30):
        add(legacy, f"P{n:02}", f"2026-01-0{1 + n // 10} 10:00:00")
    refreshed(mapping)
    legacy.execute("DELETE FROM people WHERE id IN ('P00', 'P29')")
    add(legacy, "P77", "2020-01-01 00:00:00")  # committed late, long before the overlap
    legacy.execute(
        "UPDATE people SET surname = 'LATE', written = '2020-01-01 00:00:00' WHERE id = 'P01'"
    )
    made = refreshed(mapping)
    people = made.tables["people"]
    assert (people.rows, people.new, people.changed, people.removed) == (29, 1, 1, 2)
    assert people.read < 15
    same(mapping, made)


def test_equal_times_and_unknown_ones_are_not_lost(legacy: Legacy, tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, legacy, TIMES.replace("10m", "1s"))
    for n in range(20):
        add(legacy, f"P{n:02}", "2026-01-01 10:00:00" if n % 2 else None)
    refreshed(mapping)
    add(legacy, "P50", "2026-01-01 10:00:00")
    legacy.execute("UPDATE people SET surname = 'SAME TIME' WHERE id = 'P01'")
    legacy.execute("UPDATE people SET surname = 'NO TIME' WHERE id = 'P02'")
    legacy.execute("INSERT INTO others VALUES ('P02', 1, 'OAKENSHAW, BRAM', NULL)")
    made = refreshed(mapping)
    assert (made.tables["people"].new, made.tables["people"].changed) == (1, 2)
    assert "BRAM" in str(same(mapping, made)["P02"])


def test_a_time_in_the_future_hides_nothing(legacy: Legacy, tmp_path: Path) -> None:
    mapping = mapping_of(
        tmp_path, legacy, TIMES.replace("overlap: 10m}", "overlap: 2d, sweep: 1d}")
    )
    add(legacy, "P1", "2999-01-01 00:00:00")
    refreshed(mapping)
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    add(legacy, "P2", now)
    assert refreshed(mapping).tables["people"].new == 1


@pytest.mark.parametrize("changes", [DIGESTS, NUMBERS])
@pytest.mark.parametrize("kind", ["integer", "numeric(12,1)"])
def test_numbers_that_grow_and_digests(tmp_path: Path, changes: str, kind: str) -> None:
    legacy = Sqlite(tmp_path, kind)
    mapping = mapping_of(tmp_path, legacy, changes)
    for n in range(40):
        add(legacy, f"P{n:02}", n)
    refreshed(mapping)
    legacy.execute("UPDATE people SET surname = 'OAKENSHAW', written = 41 WHERE id = 'P05'")
    legacy.execute("INSERT INTO others VALUES ('P06', 1, 'OAKENSHAW, ODILE', 1)")
    made = refreshed(mapping)
    assert made.tables["people"].changed == made.tables["others"].new == 1
    if changes == NUMBERS:
        assert made.tables["people"].read == 7, "what lies within the overlap, and the new"
    same(mapping, made)


@pytest.mark.postgres
def test_digests_are_worked_out_by_the_server(server_database: Postgresql, tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, server_database, DIGESTS)
    for n in range(40):
        add(server_database, f"P{n:02}", None)
    refreshed(mapping)
    server_database.execute("UPDATE people SET seal = 1 WHERE id = 'P05'")
    server_database.execute("UPDATE people SET photo = 'another' WHERE id = 'P06'")
    server_database.execute("DELETE FROM people WHERE id = 'P07'")
    made = refreshed(mapping)
    people = made.tables["people"]
    assert (people.read, people.changed, people.removed) == (1, 1, 1), "no used column, no change"
    same(mapping, made)


def test_what_is_not_used_is_not_kept_and_what_is_gone_is_overwritten(
    sqlite: Sqlite, tmp_path: Path
) -> None:
    mapping = mapping_of(tmp_path, sqlite, TIMES)
    add(sqlite, "P1", "2026-01-01 10:00:00", surname="EXPUNGEDNAME")
    sqlite.execute("UPDATE people SET photo = 'not used here'")
    made = refreshed(mapping)
    assert b"EXPUNGEDNAME" in made.path.read_bytes()
    assert b"not used here" not in made.path.read_bytes()
    assert made.path.stat().st_mode & 0o077 == 0
    sqlite.execute("DELETE FROM people")
    refreshed(mapping)
    assert b"EXPUNGEDNAME" not in made.path.read_bytes()


def test_what_is_no_key_is_said(sqlite: Sqlite, tmp_path: Path) -> None:
    for n in range(3):
        add(sqlite, f"P{n}", "2026-01-01 10:00:00")
    mapping = mapping_of(tmp_path, sqlite, TIMES.replace("key: id", "key: surname"))
    with pytest.raises(RecordsUnavailable, match="surname is no key of people"):
        refreshed(mapping)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (TIMES.replace("key: id", "key: idd"), "idd: no such column in people"),
        (
            TIMES.replace("column: written, overlap: 10m}, o", "column: writen, overlap: 10m}, o"),
            "writen",
        ),
        ("{people: {key: id}}", "others: say its `key` too"),
        (
            DIGESTS.replace("key: id", "key: id, column: written"),
            "with a `column` goes an `overlap`",
        ),
        (DIGESTS.replace("key: id", "key: id, overlap: 10m"), "with a `column` goes an `overlap`"),
        (DIGESTS.replace("key: id", "key: id, colum: written"), "did you mean column"),
        (TIMES.replace("overlap: 10m}, o", "overlap: soon}, o"), "soon"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    sqlite: Sqlite, tmp_path: Path, changes: str, said: str
) -> None:
    mapping = mapping_of(tmp_path, sqlite, changes)
    with pytest.raises(Misconfigured, match=said) as caught:
        refreshed(mapping)
    assert caught.value.detail.startswith("people.yaml:8: ")


def test_an_overlap_that_is_not_of_the_column_is_refused(sqlite: Sqlite, tmp_path: Path) -> None:
    add(sqlite, "P1", "2026-01-01 10:00:00")
    mapping = mapping_of(tmp_path, sqlite, TIMES.replace("10m", "5"))
    refreshed(mapping)
    with pytest.raises(Misconfigured, match=r"people\.yaml:8: .*its overlap is one, such as 10m"):
        refreshed(mapping)


def test_one_moment_for_all_tables(server_database: Postgresql, tmp_path: Path) -> None:
    """What is committed between the reading of two tables is in neither."""
    mapping = mapping_of(tmp_path, server_database, DIGESTS)
    for n in range(10):
        add(server_database, f"P{n}", None)
    seen = []

    def between(rows: int) -> None:
        if not seen:
            seen.append(rows)
            server_database.execute("INSERT INTO others VALUES ('P1', 1, 'LATER, ADDED', NULL)")
            add(server_database, "P98", None)

    made = adapters.refresh(mapping, tmp_path / "mirrors", progress=between)
    assert made is not None
    # `others` is read first: it has no rows, so the first word of progress is of `people`.
    assert seen
    assert made.tables["people"].rows == 10
    same(mapping, refreshed(mapping))


test_one_moment_for_all_tables.pytestmark = [pytest.mark.postgres]  # type: ignore[attr-defined] # a function's marks

KILLED = """
import os, signal, sys
from pathlib import Path
import adapters
def stop(rows):
    if rows >= 2000:
        os.kill(os.getpid(), signal.SIGKILL)
adapters.refresh(Path(sys.argv[1]), Path(sys.argv[2]), progress=stop)
"""


def test_a_run_that_was_killed_goes_on(legacy: Legacy, tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, legacy, TIMES)
    row = "'QUILLFEATHER', 'TAMSIN', 0, '2026-01-01 10:00:00', 'x'"
    many = ", ".join(f"('P{n:05}', {row})" for n in range(5_000))
    legacy.execute(f"INSERT INTO people VALUES {many}")  # noqa: S608 - made here
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, mapping, tmp_path / "mirrors"], check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(tmp_path / "mirrors" / "people.db")) as kept:
        there = kept.execute("SELECT count(*) FROM people").fetchone()[0]
    assert 0 < there < 5_000
    # Meanwhile a row that was read already changes, at the same time as before; another goes.
    legacy.execute("UPDATE people SET surname = 'MEANWHILE' WHERE id = 'P00001'")
    legacy.execute("DELETE FROM people WHERE id = 'P00002'")
    made = refreshed(mapping)
    assert made.tables["people"].rows == 4_999
    assert "MEANWHILE" in str(same(mapping, made)["P00001"])


class Mirroring(RuleBasedStateMachine):
    """Random inserts, updates, removals, late commits; a mirror after any of them."""

    kind = "text"
    changes = TIMES

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.legacy: Legacy = self.make()
        self.mapping = mapping_of(self.folder, self.legacy, self.changes)
        self.keys: set[str] = set()
        self.clock = itertools.count(100)
        self.fresh = False

    def make(self) -> Legacy:
        return Sqlite(self.folder, self.kind)

    def now(self, ago: int) -> Any:
        minute = max(0, next(self.clock) - ago)
        if self.kind == "integer":
            return minute
        return f"2026-01-0{1 + minute // 1440} {minute // 60 % 24:02}:{minute % 60:02}:00"

    KEYS = st.sampled_from([f"P{n}" for n in range(8)])
    WORDS = st.sampled_from(["QUILLFEATHER", "OAKENSHAW", "", "ÅNGSTRÖMSEN"])
    AGO = st.sampled_from([0, 0, 1, 4, 90])

    @initialize()
    def begin(self) -> None:
        self.check()

    @rule(key=KEYS, surname=WORDS, seal=st.sampled_from([0, 1, 7]), ago=AGO, known=st.booleans())
    def put(self, key: str, surname: str, seal: int, ago: int, known: bool) -> None:  # noqa: FBT001 - drawn
        when = self.now(ago) if known else None
        if key in self.keys:
            self.legacy.execute(
                "UPDATE people SET surname = ?, seal = ?, written = ? WHERE id = ?",
                (surname, seal, when, key),
            )
        else:
            add(self.legacy, key, when, surname, seal)
            self.keys.add(key)
        self.fresh = False

    @rule(key=KEYS)
    def remove(self, key: str) -> None:
        self.legacy.execute("DELETE FROM people WHERE id = ?", (key,))
        self.keys.discard(key)
        self.fresh = False

    @rule(key=KEYS, name=WORDS, ago=AGO)
    def join(self, key: str, name: str, ago: int) -> None:
        self.legacy.execute("DELETE FROM others WHERE person = ? AND seq = 1", (key,))
        self.legacy.execute(
            "INSERT INTO others VALUES (?, 1, ?, ?)", (key, f"{name}, BRAM", self.now(ago))
        )
        self.fresh = False

    @rule(key=KEYS)
    def part(self, key: str) -> None:
        self.legacy.execute("DELETE FROM others WHERE person = ?", (key,))
        self.fresh = False

    @rule()
    def check(self) -> None:
        same(self.mapping, refreshed(self.mapping))
        self.fresh = True

    @invariant()
    def nothing_is_read_anew_of_what_is_the_same(self) -> None:
        if self.fresh:
            token = refreshed(self.mapping).token
            assert refreshed(self.mapping).token == token

    def teardown(self) -> None:
        if not self.fresh:
            self.check()
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.folder.rmdir()


class MirroringNumbers(Mirroring):
    kind = "integer"
    changes = NUMBERS


class MirroringDigests(Mirroring):
    changes = DIGESTS


class MirroringServer(Mirroring):
    kind = "timestamptz"
    server: ClassVar[postgres.Server]

    def make(self) -> Legacy:
        return Postgresql(self.server, self.folder, self.kind, "mirror_machine")

    def teardown(self) -> None:
        super().teardown()
        assert isinstance(self.legacy, Postgresql)
        self.legacy.connection.close()


@pytest.mark.postgres
def test_random_changes_in_postgresql(postgres_server: postgres.Server) -> None:
    MirroringServer.server = postgres_server
    few = settings(max_examples=count(1, 40), stateful_step_count=count(8, 20), deadline=None)
    run_state_machine_as_test(MirroringServer, settings=few)  # type: ignore[no-untyped-call] # as Hypothesis has it


for machine in (Mirroring, MirroringNumbers, MirroringDigests):
    machine.TestCase.settings = settings(
        max_examples=count(2, 100), stateful_step_count=count(8, 20), deadline=None
    )
TestTimes = Mirroring.TestCase
TestNumbers = MirroringNumbers.TestCase
TestDigests = MirroringDigests.TestCase
