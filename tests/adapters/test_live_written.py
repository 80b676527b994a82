"""Numbers that a live table has in other written forms: found as an import of it finds them."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

import adapters
from adapters import plans
from adapters.check import check
from adapters.sql_live import LiveSource
from adapters.written import ways_of
from gateway.errors import Misconfigured
from gateway.model import Identifier, PersonQuery, SubjectQuery, VehicleQuery
from gateway.records.find import Records
from gateway.records.importer import Importer
from tests import postgres
from tests.adapters.test_live_plans import shown
from tests.records.test_records_find import find

FEW, MANY = 300, 25_000
TYPES = frozenset({"person", "vehicle"})
TERMS = frozenset({"ssn", "plate"})
TABLES = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40), ssn VARCHAR(20));
CREATE TABLE cars (id INTEGER PRIMARY KEY, plate VARCHAR(20), model VARCHAR(9));
CREATE INDEX people_ssn ON people (ssn);
CREATE INDEX cars_plate ON cars (plate)
"""
MAPPING = """
mapping: 1
source: people
format:
  type: sql
  mode: {mode}
  {where}
  written: {written}
search:
  person: {{table: people, key: id, identifiers: {{ssn: ssn}}}}
records:
  - type: person
    table: people
    id: "P{{id}}"
    found_by: {{person: {{column: id}}}}
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", name: {{surname: name}}}}
      - {{to: "person/nc:PersonSSNIdentification/nc:IdentificationID", column: ssn}}
  - type: vehicle
    table: cars
    id: "V{{id}}"
    found_by: {{vehicle: {{plate: plate}}}}
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects:
      vehicle: "nc:Vehicle"
      registration: "j:ConveyanceRegistration"
    fields:
      - {{to: "registration/j:ConveyanceRegistrationPlateIdentification/nc:IdentificationID",
         column: plate}}
      - {{to: "registration/j:RegistrationItem", link: vehicle}}
      - {{to: "vehicle/nc:ItemModelName", column: model}}
"""
WRITTEN = '{people.ssn: ["###-##-####"], cars.plate: [lower, "### ####", "###-####"]}'
"""Of nine digits, and of seven signs: three, and four."""
PLATES = ("qqz-1234", "QQZ-1234", "qqz 1234", "QQZ1234", "qqz1234")
ASKED: tuple[SubjectQuery, ...] = (
    *(
        PersonQuery(identifiers=(Identifier("ssn", number),))
        for number in ("900000007", "900-00-0007", "900 00 0007")
    ),
    *(VehicleQuery(plate=plate) for plate in (*PLATES, "Qqz.1234")),
)


@dataclass(frozen=True)
class Legacy:
    """A database of both kinds, and where a mapping finds it."""

    folder: Path
    where: str
    execute: Callable[[str], Any]

    def mapping(self, mode: str = "live", written: str = WRITTEN) -> Path:
        path = self.folder / f"{mode}.yaml"
        path.write_text(MAPPING.format(mode=mode, where=self.where, written=written))
        return path


def make(execute: Callable[[str], Any]) -> None:
    for statement in TABLES.split(";"):
        execute(statement)
    fill(execute, range(FEW))


def fill(execute: Callable[[str], Any], numbers: range) -> None:
    people = ", ".join(f"({n}, 'QUILL {n}', '900-00-{n:04}')" for n in numbers)
    spelled = dict(enumerate(PLATES))
    cars = ", ".join(f"({n}, '{spelled.get(n, f'zzq-{n:04}')}', 'GALE')" for n in numbers)
    execute(f"INSERT INTO people VALUES {people}")  # noqa: S608 - made here
    execute(f"INSERT INTO cars VALUES {cars}")  # noqa: S608 - made here


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def legacy(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Legacy]:
    monkeypatch.setattr(plans, "SMALL", 1_000)
    if request.param == "sqlite":
        file = tmp_path / "legacy.db"

        def execute(statement: str) -> None:
            with closing(sqlite3.connect(file)) as db:
                db.execute(statement)
                db.commit()

        make(execute)
        yield Legacy(tmp_path, "path: legacy.db", execute)
        return
    server = request.getfixturevalue("postgres_server")
    assert isinstance(server, postgres.Server)
    name = server.fresh("written_test")
    postgres.password_file(tmp_path)
    where = f'url: "{server.url(name)}"\n  password_file: database.password'
    with server.connect(name) as c:
        make(c.execute)
        yield Legacy(tmp_path, where, c.execute)


async def test_a_live_search_finds_what_an_import_of_the_table_finds(legacy: Legacy) -> None:
    source = adapters.load(legacy.mapping("mirror"))
    with closing(Importer(legacy.folder / "records.db")) as importer:
        done = importer.run("people", source.rows(), as_of=datetime.now(UTC), origin=source.origin)
    assert (done.records, done.set_aside) == (2 * FEW, 0)
    live = adapters.live(legacy.mapping())
    assert isinstance(live, LiveSource)
    mirrored = Records(legacy.folder / "records.db")
    asked_there = Records(legacy.folder / "none.db", [live])
    await mirrored.start()
    await asked_there.start()
    try:
        for query in ASKED:
            expected, got = [
                {f.record_id for f in (await find(r, query, types=TYPES, terms=TERMS)).found}
                for r in (mirrored, asked_there)
            ]
            assert got == expected, query
            assert got == ({"P7"} if query.kind == "person" else {"V0", "V1", "V2", "V3", "V4"})
    finally:
        await mirrored.stop()
        await asked_there.stop()
        live.close()


def test_every_way_of_writing_is_looked_for_in_the_index(legacy: Legacy) -> None:
    fill(legacy.execute, range(FEW, MANY))
    legacy.execute("ANALYZE")
    live = adapters.live(legacy.mapping())
    assert isinstance(live, LiveSource)
    seen: dict[str, Any] = {}

    def remember(_c: Connection, _cur: object, text: str, values: Any, *_: object) -> None:
        if "ssn IN" in text or "plate IN" in text:
            seen.setdefault(text, values)

    event.listen(live._database._engine, "before_cursor_execute", remember)
    for query in ASKED:
        assert live.candidates(query, TYPES, 200), query
    event.remove(live._database._engine, "before_cursor_execute", remember)
    assert any("ssn IN" in text for text in seen)
    assert any("plate IN" in text for text in seen)
    with live._database.connect() as c:
        for text, values in seen.items():
            steps = shown(c, text, values)
            assert not [s for s in steps if s.startswith(("SCAN", "Seq Scan"))], (text, steps)
            assert [s for s in steps if "index" in s.lower()], (text, steps)
    live.close()


async def test_without_saying_how_numbers_are_written_they_are_not_found(legacy: Legacy) -> None:
    live = adapters.live(legacy.mapping(written="{}"))
    try:
        assert not live.candidates(ASKED[0], TYPES, 10)
        assert live.candidates(ASKED[1], TYPES, 10)
    finally:
        live.close()


def test_a_check_of_the_mapping_says_in_which_form_numbers_stand(legacy: Legacy) -> None:
    said = [f.text for f in check(legacy.mapping(written="{}")).findings]
    assert any('{people.ssn: ["###-##-####"]}' in text for text in said)
    assert any('{cars.plate: ["lower", "###-####", "### ####"]}' in text for text in said)
    assert not any("900" in text or "qqz" in text.lower() for text in said)
    said = [f.text for f in check(legacy.mapping(written="{cars.plate: [lower]}")).findings]
    assert any('{cars.plate: ["###-####"' in text for text in said)
    assert not [f for f in check(legacy.mapping()).findings if "written" in f.text]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{people.snn: [lower]}",
            "people.snn: no search looks for a number there; did you mean pe",
        ),
        ("{people.name: [lower]}", "no search looks for a number there"),
        ("{people.ssn: [upper]}", "upper"),
        ("{people.ssn: lower}", "people.ssn"),
        ("{people.ssn: []}", "people.ssn"),
    ],
)
def test_a_way_of_writing_that_does_nothing_is_refused(
    tmp_path: Path, written: str, said: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.executescript(TABLES)
    with pytest.raises(Misconfigured, match=said) as caught:
        adapters.live(Legacy(tmp_path, "path: legacy.db", print).mapping(written=written))
    assert caught.value.detail.startswith("live.yaml:8:")


def test_the_ways_of_a_number() -> None:
    assert ways_of("900-00-0007") == ["900-00-0007", "900000007"]
    assert ways_of("900000007", ["###-##-####", "##-##"]) == ["900-00-0007", "900000007"]
    assert ways_of("qz1", ["lower", "##-#"]) == ["QZ-1", "QZ1", "qz-1", "qz1"]
    assert ways_of("--") == ["--"]
