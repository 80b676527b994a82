"""Texts of databases that are not written as they should be: one row lost, and no other."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import adapters
from adapters.sql_live import LiveSource
from gateway.cli.main import app
from gateway.model import Name, PersonQuery
from tests import postgres

MAPPING = """\
mapping: 1
source: people
format: {{type: sql, mode: {mode}, {where}}}
search:
  person: {{table: people, key: id, surname: {{letters: surname}}}}
records:
  - type: person
    table: people
    id: "{{id}}"
    found_by: {{person: {{column: id}}}}
    join: {{note: {{table: notes, key: person, from: id}}}}
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", name: {{surname: surname, given: given}}}}
      - {{to: "person/nc:PersonName[other]/nc:PersonFullName", column: note.alias}}
"""
TABLES = (
    "CREATE TABLE people (id varchar(9) PRIMARY KEY, surname text, given text, unused text)",
    "CREATE TABLE notes (person varchar(9) PRIMARY KEY, alias text)",
    "CREATE INDEX people_surname ON people (surname)",
)
PEOPLE = (
    ("P1", b"OAKENSHAW", b"BRAM", b"n\xe9e"),
    ("P2", b"OAKENSHAW", b"ODILE\xff", b""),
    ("P3", b"OAKENSHAW", "JOSÉ".encode(), b""),
    ("P4", b"OAKENSHAW", b"TAMSIN", b""),
)
"""The second has a byte that is no UTF-8; the first has one where nothing is read."""
NOTES = (("P1", b"ANY"), ("P4", b"OTHER\xfe"))
FOUND = {"P1", "P3"}
OAKENSHAW = PersonQuery(names=(Name(surname="OAKENSHAW"),))
PERSON = frozenset({"person"})


@pytest.fixture
def home(home: Path) -> Path:
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        for statement in TABLES:
            db.execute(statement)
        text = "CAST(? AS TEXT)"
        db.executemany(f"INSERT INTO people VALUES (?, {text}, {text}, {text})", PEOPLE)  # noqa: S608 - marks
        db.executemany(f"INSERT INTO notes VALUES (?, {text})", NOTES)  # noqa: S608 - marks
        db.commit()
    return home


def write(home: Path, mode: str, where: str = "path: ../sources/people.db") -> Path:
    path = home / "mappings" / "people.yaml"
    path.write_text(MAPPING.format(mode=mode, where=where))
    return path


def run(home: Path, *words: object) -> Any:
    done = CliRunner().invoke(
        app, [*map(str, words), "--json", "--home", str(home)], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def check_import(home: Path, read: int = 5) -> None:
    [done] = run(home, "import")
    assert (done["rows"], done["records"], done["set_aside"]) == (read, read - 3, 3)
    aside = run(home, "source", "set-aside", "people")
    one, two, note = sorted(aside, key=lambda a: (str(a["code"]), str(a["column"])))
    assert (one["code"], one["value"]) == ("join.damaged", "P4")
    assert (two["code"], two["column"], two["value"]) == ("row.encoding", "given", "ODILE\\xff")
    said = ("notes P4", "row.encoding", "note.alias", "OTHER\\xfe")
    assert (note["key"], note["code"], note["column"], note["value"]) == said


def check_live(path: Path) -> None:
    source = adapters.live(path)
    assert isinstance(source, LiveSource)
    with closing(source):
        assert {r.record_id for r in source.candidates(OAKENSHAW, PERSON, 20)} == FOUND
        assert source.passed_over == 2
        assert source.get("P2") is None
        assert source.get("P3") is not None


def test_a_wrong_byte_costs_a_mirror_one_row(home: Path) -> None:
    write(home, "mirror")
    check_import(home)


def test_a_wrong_byte_that_nobody_reads_is_kept_as_its_number(home: Path) -> None:
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        db.execute("ALTER TABLE notes ADD COLUMN unused text")
        db.execute("UPDATE notes SET unused = CAST(? AS TEXT)", (b"n\xe9e",))
        db.commit()
    path = write(home, "mirror")
    no_day = '  - {to: "person/nc:PersonBirthDate", column: given, date: YYYY-MM-DD}\n'
    path.write_text(f"{path.read_text()}    {no_day}")
    assert run(home, "import")[0]["set_aside"] == 5
    file = home / "aside.jsonl"
    words = ["source", "set-aside", "people", "--export", str(file), "--home", str(home)]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    fields = [json.loads(line)["fields"] for line in file.read_text().splitlines()]
    assert [f["note.unused"] for f in fields if f.get("id") == "P1"] == ["n\\xe9e"]


@pytest.mark.parametrize("key", ["id", "[id, given]"])
def test_a_wrong_byte_costs_one_row_where_what_changed_is_kept(home: Path, key: str) -> None:
    where = (
        f"path: ../sources/people.db, changes: {{people: {{key: {key}}}, notes: {{key: person}}}}"
    )
    write(home, "mirror", where)
    check_import(home)
    check_import(home)
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        db.execute("UPDATE people SET surname = 'ASHWORTH' WHERE id IN ('P2', 'P3')")
        db.commit()
    check_import(home)
    [done] = run(home, "import", "--anew")
    assert done["same"]


def test_a_key_with_a_wrong_byte_is_followed_by_its_column_of_change(home: Path) -> None:
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        db.execute("UPDATE people SET unused = '2026-01-01 10:00:00'")
        db.execute("INSERT INTO people VALUES (CAST(? AS TEXT), 'LOW', 'ANN', '')", (b"P\xff5",))
        db.commit()
    of_people = "people: {key: id, column: unused, overlap: 1d, sweep: 1s}"
    write(
        home,
        "mirror",
        f"path: ../sources/people.db, changes: {{{of_people}, notes: {{key: person}}}}",
    )
    assert run(home, "import")[0]["set_aside"] == 4
    with closing(sqlite3.connect(home / "sources" / "people.db")) as db:
        db.execute("UPDATE people SET given = 'ANNA' WHERE surname = 'LOW'")
        db.commit()
    assert run(home, "import")[0]["set_aside"] == 4
    raws = {a["value"] for a in run(home, "source", "set-aside", "people")}
    assert "P\\xff5" in raws


def test_a_wrong_byte_costs_a_live_search_one_row(home: Path) -> None:
    check_live(write(home, "live"))


@pytest.fixture
def no_encoding(postgres_server: postgres.Server, home: Path) -> str:
    """A database that does not know how its texts are written. Gives its part of the mapping."""
    name = postgres_server.fresh("no_encoding_test", encoding="SQL_ASCII")
    text = "convert_from(%s, 'SQL_ASCII')"
    with postgres_server.connect(name) as c:
        for statement in TABLES:
            c.execute(statement)
        for key, *texts in PEOPLE:
            c.execute(f"INSERT INTO people VALUES (%s, {text}, {text}, {text})", (key, *texts))  # noqa: S608 - marks
        for key, note in NOTES:
            c.execute(f"INSERT INTO notes VALUES (%s, {text})", (key, note))  # noqa: S608 - marks
    postgres.password_file(home / "mappings")
    return f'url: "{postgres_server.url(name)}", password_file: database.password'


@pytest.mark.postgres
@pytest.mark.parametrize("more", ["", "&client_encoding=utf8"])
def test_a_server_that_knows_no_encoding_is_read_row_by_row(
    home: Path, no_encoding: str, more: str
) -> None:
    where = no_encoding.replace('",', f'{more}",')
    write(home, "mirror", where)
    check_import(home)
    check_live(write(home, "live", where))


@pytest.mark.postgres
def test_what_is_asked_goes_in_the_encoding_that_the_mapping_says(
    home: Path, no_encoding: str, postgres_server: postgres.Server
) -> None:
    with postgres_server.connect("no_encoding_test") as c:
        c.execute(
            "UPDATE people SET id = convert_from('\\xd1'::bytea, 'SQL_ASCII') WHERE id = 'P3'"
        )
    where = no_encoding.replace('",', '&client_encoding=win1252",')
    source = adapters.live(write(home, "live", where))
    assert isinstance(source, LiveSource)
    with closing(source):
        found = source.get("Ñ")
        assert found is not None
        assert found.record_id == "Ñ"


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["text", "char(8)"])
def test_a_key_with_a_wrong_byte_and_a_backslash_is_followed(
    home: Path, no_encoding: str, postgres_server: postgres.Server, kind: str
) -> None:
    with postgres_server.connect("no_encoding_test") as c:
        c.execute("DELETE FROM people")
        c.execute(f"ALTER TABLE people ALTER id TYPE {kind}, ADD seq integer")  # type: ignore[arg-type] # a test's own
        text = "convert_from(%s, 'SQL_ASCII')"
        for number, key in enumerate((rb"A\B", b"P\xff\\5", b"P6"), 1):
            c.execute(
                f"INSERT INTO people VALUES ({text}, 'LOW', 'ANN', '2026-01-01', %s)",  # noqa: S608 - marks
                (key, number),
            )
        where = no_encoding + (
            ", changes: {people: {key: [id, seq], column: unused, overlap: 1d, sweep: 1s}, "
            "notes: {key: person}}"
        )
        write(home, "mirror", where)
        [done] = run(home, "import")
        assert (done["records"], done["set_aside"]) == (2, 2)
        c.execute("UPDATE people SET given = 'ODILE'")
    [done] = run(home, "import")
    assert (done["records"], done["changed"], done["set_aside"]) == (2, 2, 2)
    path = home / "mappings" / "people.yaml"
    made = adapters.refresh(path, home / "data" / "mirrors")
    assert made is not None
    with closing(sqlite3.connect(made.path)) as kept:
        assert kept.execute("SELECT given FROM people").fetchall() == [("ODILE",)] * 3
