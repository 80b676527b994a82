"""Keys that stand to the right, with blanks before them: found by the text alone, by an index."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import Connection, event

import adapters
from adapters.sql_live import LiveSource
from gateway.model import Identifier, IncidentQuery, Name, PersonQuery, Record, RecordQuery
from tests import postgres

TABLES = (
    "CREATE TABLE people (id {key} PRIMARY KEY, surname text, master {key}, oln {key}, seal text)",
    "CREATE TABLE masters (no {key}, part {key}, seal text)",
    "CREATE TABLE involved (person {key}, incident {key})",
    "CREATE TABLE incidents (id {key} PRIMARY KEY, number {key}, seal text)",
    "CREATE INDEX people_surname ON people (surname{begins})",
    "CREATE INDEX people_oln ON people (oln)",
    "CREATE INDEX masters_no ON masters (no)",
    "CREATE INDEX involved_person ON involved (person)",
    "CREATE INDEX incidents_number ON incidents (number)",
)
MAPPING = """\
mapping: 1
source: people
format: {{type: sql, mode: {mode}, {where}}}
codes: {{seal: {{Y: sealed, N: open}}}}
search:
  person: {{table: people, key: id, surname: {{letters: surname}},
    identifiers: {{driver_license: oln}}}}
records:
  - type: person
    table: people
    id: "{{id}}"
    found_by: {{person: {{column: id}}}}
    join: {{master: {{table: masters, key: {key}, from: {source}, missing: blank}}}}
    handling: {{dissemination: GREEN, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false, disclosure: {{columns: [seal, master.seal],
      codes: seal, blank: open, strictest: [open, sealed]}}}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", name: {{surname: surname}}}}
      - {{to: "person/j:DriverLicense/nc:IdentificationID", column: oln}}
  - type: incident
    table: incidents
    id: "I{{id}}"
    found_by:
      person: {{table: involved, column: person, to: incident, key: id}}
      incident: {{number: number}}
    handling: {{dissemination: GREEN, juvenile: false, source_kind: own, intelligence: false,
      criminal_history: false, disclosure: {{column: seal, codes: seal}}}}
    objects: {{incident: "nc:Incident"}}
    fields:
      - {{to: "incident/nc:ActivityIdentification/nc:IdentificationID", column: number}}
"""
NUMBERS = (
    "WITH RECURSIVE t (n) AS (SELECT 50000 UNION ALL SELECT n + 1 FROM t WHERE n < 75000) "
    "SELECT CAST(n AS varchar(9)) AS n FROM t"
)
"""More rows than a table may have that is read whole."""
ROWS: Sequence[tuple[str, tuple[str | None, ...]]] = (
    ("people", ("     12345", "OAKENSHAW", "         7", "    L0012", "N")),
    ("people", ("    012345", "OAKENSHAW", "        07", "     0012", "N")),
    ("people", ("N1", "QUARREL", None, None, "N")),
    ("people", ("        N1", "ELSEWHERE", None, None, "Y")),
    ("masters", ("         7", "        N", "N")),
    ("masters", ("        07", "        N", "Y")),
    ("involved", ("     12345", "       555")),
    ("incidents", ("       555", "   26-0001", "N")),
)


class Legacy(Protocol):
    """A legacy database that a test made."""

    where: str

    def add(self, statement: str, *values: object) -> None:
        """Run a statement there, with `?` for each value."""


class Sqlite:
    """One in a file. It keeps to no length of a text."""

    def __init__(self, folder: Path, key: str) -> None:
        self.where = "path: legacy.db"
        self._path = folder / "legacy.db"
        for statement in TABLES:
            self.add(statement.format(key=key, begins=""))

    def add(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self._path)) as db:
            db.execute(statement, values)
            db.commit()


class Postgres:
    """One in a server."""

    def __init__(self, server: postgres.Server, folder: Path, key: str) -> None:
        self._server = server
        self._name = server.fresh("behind_blanks_test")
        postgres.password_file(folder)
        self.where = f'url: "{server.url(self._name)}", password_file: database.password'
        for statement in TABLES:
            self.add(statement.format(key=key, begins=" text_pattern_ops"))

    def add(self, statement: str, *values: object) -> None:
        with self._server.connect(self._name) as c:
            c.execute(statement.replace("?", "%s"), values)  # type: ignore[arg-type] # a test's own


@pytest.fixture(
    params=[
        "sqlite char(10)",
        "sqlite text",
        pytest.param("postgresql char(10)", marks=pytest.mark.postgres),
        pytest.param("postgresql varchar(12)", marks=pytest.mark.postgres),
        pytest.param("postgresql text", marks=pytest.mark.postgres),
    ]
)
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Legacy:
    """Make the database, with keys that are right-aligned, and others."""
    engine, _, key = request.param.partition(" ")
    made: Legacy
    if engine == "sqlite":
        made = Sqlite(tmp_path, key)
    else:
        made = Postgres(request.getfixturevalue("postgres_server"), tmp_path, key)
    for table, values in ROWS:
        made.add(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608 - marks
    return made


def write(folder: Path, mode: str, where: str, key: str = "no", source: str = "master") -> Path:
    path = folder / "people.yaml"
    path.write_text(MAPPING.format(mode=mode, where=where, key=key, source=source))
    return path


@contextmanager
def live(path: Path) -> Iterator[LiveSource]:
    source = adapters.live(path)
    assert isinstance(source, LiveSource)
    with closing(source):
        yield source


def asked(source: LiveSource, query: Any) -> dict[str, str]:
    """Search, and give who may see what was found, by id."""
    types = frozenset({"person", "incident"})
    return {r.record_id: disclosed(r) for r in source.candidates(query, types, 20)}


def disclosed(record: Record) -> str:
    return str(record.handling.as_dict()["disclosure"])


OAKENSHAW = PersonQuery(names=(Name(surname="OAKENSHAW"),))
ALL_OF_THEM = {"12345": "open", "012345": "sealed", "I555": "open"}


def test_what_stands_behind_blanks_is_found_by_its_key(legacy: Legacy, tmp_path: Path) -> None:
    with live(write(tmp_path, "live", legacy.where)) as source:
        for key, found in ALL_OF_THEM.items():
            record = source.get(key)
            assert record is not None, key
            assert (record.record_id, disclosed(record)) == (key, found)
            assert asked(source, RecordQuery(key)) == {key: found}
        for none in ("2345", "12346", "1234", "0012345", " 12345", "%12345"):
            assert source.get(none) is None
        assert asked(source, OAKENSHAW) == ALL_OF_THEM
        number = PersonQuery(identifiers=(Identifier("driver_license", "L0012"),))
        assert asked(source, number) == {"12345": "open", "I555": "open"}
        assert asked(source, IncidentQuery(number="26-0001")) == {"I555": "open"}


def test_one_behind_blanks_that_may_not_be_seen_hides_its_twin(
    legacy: Legacy, tmp_path: Path
) -> None:
    quarrel = PersonQuery(names=(Name(surname="QUARREL"),))
    with live(write(tmp_path, "live", legacy.where)) as source:
        assert source.get("N1") is None
        assert asked(source, quarrel) == {}
        legacy.add("UPDATE people SET seal = 'N'")
        assert source.get("N1") is not None
        assert asked(source, quarrel) == {"N1": "open"}


def test_an_import_joins_what_stands_behind_blanks(legacy: Legacy, tmp_path: Path) -> None:
    legacy.add("DELETE FROM people WHERE surname IN ('QUARREL', 'ELSEWHERE')")
    for key, source in (("no", "master"), ("[no, part]", "[master, seal]")):
        path = write(tmp_path, "mirror", legacy.where, key, source)
        rows = list(adapters.load(path).rows())
        assert all(isinstance(r, Record) for r in rows)
        assert {r.record_id: disclosed(r) for r in rows if isinstance(r, Record)} == ALL_OF_THEM


def test_every_question_uses_an_index(legacy: Legacy, tmp_path: Path) -> None:
    for table, columns in (("people", "id, oln"), ("incidents", "id, number"), ("masters", "no")):
        given = ", ".join("n" for _ in columns.split(","))
        legacy.add(f"INSERT INTO {table} ({columns}) SELECT {given} FROM ({NUMBERS}) AS every")  # noqa: S608 - a test's own
    legacy.add("ANALYZE")
    with live(write(tmp_path, "live", legacy.where)) as source:
        seen: dict[str, Any] = {}

        def remember(_c: Connection, _cur: object, text: str, values: Any, *_: object) -> None:
            seen.setdefault(text, values)

        engine = source._database._engine
        event.listen(engine, "before_cursor_execute", remember)
        number = PersonQuery(identifiers=(Identifier("driver_license", "L0012"),))
        for query in (RecordQuery("12345"), number, OAKENSHAW, IncidentQuery(number="26-0001")):
            assert asked(source, query)
        event.remove(engine, "before_cursor_execute", remember)
        looked = {t: v for t, v in seen.items() if re.search(r"FROM (people|in|mas)", t)}
        assert len(looked) > 6
        with source._database.connect() as c:
            for text, values in looked.items():
                explain = "EXPLAIN" if legacy.where.startswith("url") else "EXPLAIN QUERY PLAN"
                steps = str(c.exec_driver_sql(f"{explain} {text}", values).all())
                for table in ("people", "incidents", "masters"):
                    assert f"Seq Scan on {table}" not in steps, text
                    assert f"SCAN {table}" not in steps, text
