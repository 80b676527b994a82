"""A mirrored database imported as administrators do it: what changed is read, the sums add up."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.importing import How, Import, Shown
from gateway.cli.main import app
from gateway.records.doubts import Most
from gateway.records.importer import Imported, Importer
from gateway.records.store import Reader

MAPPING = """\
mapping: 1
source: people
format:
  type: sql
  mode: mirror
  path: ../sources/people.db
  changes: {people: {key: id, column: written, overlap: 1m, sweep: 1d}}
records:
  - type: person
    table: people
    id: "{id}"
    handling: {dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}
    objects: {person: "nc:Person"}
    fields:
      - {to: "person/nc:PersonName", column: name, name: "SURNAME, GIVEN MIDDLE", required: true}
"""


@pytest.fixture
def home(home: Path) -> Path:
    (home / "mappings" / "people.yaml").write_text(MAPPING)
    execute(home, "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, written TEXT)")
    for n in range(30):
        put(home, n, f"TESTER{n}, QUILL", f"2026-01-01 10:{n:02}:00")
    return home


def execute(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        db.execute(statement, values)
        db.commit()


def put(home: Path, n: int, name: str, written: str) -> None:
    execute(home, "INSERT OR REPLACE INTO people VALUES (?, ?, ?)", f"P{n}", name, written)


def imported(home: Path, *, anew: bool = False) -> Imported:
    importer = Importer(home / "data" / "records.db")
    how = How(Most(shrink=10), anew=anew)
    try:
        done = Import(home, importer, home / "mappings" / "people.yaml", how).run(Shown())
    finally:
        importer.close()
    assert done.rows == done.new + done.changed + done.unchanged + done.set_aside
    return done


def counted(done: Imported) -> tuple[int, int, int, int, int]:
    return done.new, done.changed, done.unchanged, done.removed, done.set_aside


def as_of(home: Path) -> object:
    reader = Reader(home / "data" / "records.db")
    try:
        return reader.generations()[0].as_of
    finally:
        reader.close()


def test_an_import_reads_what_changed_and_says_so(home: Path) -> None:
    assert counted(imported(home)) == (30, 0, 0, 0, 0)
    put(home, 3, "RENAMED, QUILL", "2026-01-01 11:00:00")
    put(home, 30, "ADDED, QUILL", "2026-01-01 11:00:00")
    put(home, 4, "", "2026-01-01 11:00:00")
    done = imported(home)
    assert counted(done) == (1, 1, 28, 1, 1)
    assert done.stated[-1] == "people: 5 of 31 rows were read: 1 new, 2 changed; 0 are gone"
    put(home, 4, "BACK, QUILL", "2026-01-01 11:00:01")
    assert counted(imported(home)) == (1, 0, 30, 0, 0)


def test_what_has_not_changed_is_younger_and_nothing_else(home: Path) -> None:
    first = imported(home)
    before = as_of(home)
    execute(home, "CREATE TABLE other (x)")  # the file is another, the people are not
    again = imported(home)
    assert again.same
    assert again.generation == first.generation
    assert as_of(home) > before  # type: ignore[operator] # both are moments


def test_what_is_not_yet_in_the_file_that_a_link_leads_to_is_read(home: Path) -> None:
    """SQLite keeps what was written lately beside the file itself, and not beside a link to it."""
    file = home / "sources" / "people.db"
    (home / "kept").mkdir()
    file.rename(home / "kept" / "of_today.db")
    file.symlink_to(home / "kept" / "of_today.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as legacy:
        legacy.execute("PRAGMA journal_mode=WAL")
        legacy.execute("PRAGMA wal_autocheckpoint=0")
        imported(home)
        legacy.execute("UPDATE people SET name = 'LATER, QUILL', written = '2026-01-02 10:00:00'")
        assert (home / "kept" / "of_today.db-wal").exists()
        assert imported(home).changed == 30


def test_removals_are_noticed_at_the_next_sweep_or_when_all_is_read_anew(home: Path) -> None:
    imported(home)
    execute(home, "DELETE FROM people WHERE id = 'P7'")
    assert imported(home).removed == 0, "the mapping has keys looked at once a day"
    done = imported(home, anew=True)
    assert done.removed == 1
    assert done.stated[-1].startswith("people: 29 of 29 rows were read")


@pytest.mark.usefixtures("wide")
def test_a_row_is_named_by_its_key_everywhere(home: Path) -> None:
    put(home, 4, "", "2026-01-01 11:00:00")
    imported(home)

    def said(*words: object) -> str:
        done = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    mapping, where = home / "mappings" / "people.yaml", ("people", "--home", home)
    assert "people P4" in said("mapping", "check", mapping, "--rows")
    assert "people P4" in said("mapping", "preview", mapping, "--set-aside")
    assert "people P4" in said("source", "set-aside", *where)
    [aside] = json.loads(said("source", "set-aside", *where, "--json"))
    assert aside["key"] == "people P4"
    assert "line" not in aside
    said("source", "set-aside", *where, "--export", home / "aside.csv")
    assert "people P4" in (home / "aside.csv").read_text()


def test_what_is_kept_of_a_database_goes_with_its_source(home: Path) -> None:
    imported(home)
    kept = home / "data" / "mirrors"
    assert b"TESTER7" in (kept / "people.db").read_bytes()
    (home / "mappings" / "people.yaml").unlink()
    words = ["source", "remove", "people", "--yes", "--home", str(home)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.stdout == "people: 30 records taken away.\n"
    assert list(kept.iterdir()) == []
