"""A legacy database searched where it is: found there, gone there, by its indexes."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

import adapters
from adapters.namekeys import slips, soundex
from adapters.sql_live import LiveSource
from demo import california
from demo.cast import MARISOL
from demo.people import Manifest
from gateway.cli import setup
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import (
    AgeRange,
    Identifier,
    IncidentQuery,
    ItemQuery,
    Name,
    PersonQuery,
    RecordQuery,
    VehicleQuery,
)
from tests.soak import count

ALL = frozenset({"person", "arrest", "warrant", "incident"})
HONORIA = PersonQuery(
    names=(Name(given="HONORIA", surname="PELLOWICK-DRAY"),), birth_date=date(1977, 12, 3)
)


@pytest.fixture
def home(world: tuple[Path, Manifest], tmp_path: Path) -> Path:
    shutil.copytree(world[0] / "CA9990000", tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def live(home: Path) -> Iterator[LiveSource]:
    source = adapters.live(home / "mappings" / "records.yaml")
    assert isinstance(source, LiveSource)
    yield source
    source.close()


def ids(source: LiveSource, query: object, types: frozenset[str] = ALL) -> list[str]:
    assert isinstance(query, PersonQuery | IncidentQuery | VehicleQuery | ItemQuery | RecordQuery)
    return [r.record_id for r in source.candidates(query, types, 200)]


def execute(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "sources" / "legacy.db")) as db:
        db.execute(statement, values)
        db.commit()


def test_what_it_says_of_itself(live: LiveSource, home: Path) -> None:
    assert live.name == "records"
    assert live.record_types == ALL
    assert live.terms["person"] >= {"name", "birth_date", "age", "sex", "driver_license"}
    assert live.terms["incident"] == {"number", "date_from", "date_to", "offense"}
    assert "vehicle" not in live.terms
    assert live.as_of() is not None
    assert adapters.is_live(home / "mappings" / "records.yaml")


def test_a_deleted_row_is_gone_at_the_next_search(live: LiveSource, home: Path) -> None:
    assert ids(live, HONORIA) == ["N000000510", "W2600510"]
    execute(home, "DELETE FROM NAME_MST WHERE NAME_ID = ?", "N000000510")
    assert ids(live, HONORIA) == []
    assert live.get("N000000510") is None


def test_a_changed_row_is_what_is_found(live: LiveSource, home: Path) -> None:
    execute(home, "UPDATE NAME_MST SET SEAL_CD = 2 WHERE NAME_ID = ?", "N000000510")
    found = live.candidates(HONORIA, ALL, 10)
    assert {r.handling.as_dict()["disclosure"] for r in found} == {"expunged"}


@pytest.mark.parametrize(
    "query",
    [
        PersonQuery(names=(MARISOL_NAME := Name("MARISOL", None, "QUEZADA BRANNOCK"),)),
        PersonQuery(names=(MARISOL_NAME,), birth_date=MARISOL.birth),
        PersonQuery(names=(MARISOL_NAME,), birth_date=date(1987, 12, 3)),  # exchanged
        PersonQuery(names=(MARISOL_NAME,), birth_date=date(1987, 3, 13)),  # one digit
        PersonQuery(names=(MARISOL_NAME,), age=AgeRange(30, 50)),
        PersonQuery(names=(Name("BRANNOCK", None, "MARISOL"),), birth_date=MARISOL.birth),
        PersonQuery(names=(Name(full="Brannock, Marisol"),), birth_date=date(1988, 3, 12)),
        PersonQuery(names=(Name(full="Marisol Brannack"),), birth_date=date(1986, 1, 1)),
    ],
)
def test_a_person_is_found_however_the_name_is_asked(live: LiveSource, query: PersonQuery) -> None:
    found = ids(live, query)
    assert {"N000000417", "A2500417", "I2600417"} <= set(found)


def test_both_name_formats_and_aliases_are_searched(live: LiveSource, home: Path) -> None:
    with closing(sqlite3.connect(home / "sources" / "legacy.db")) as db:
        old = db.execute("SELECT NAME_ID, NM_FULL, DOB_DT FROM NAME_MST WHERE NM_FULL > ''")
        new = db.execute("SELECT NAME_ID, NM_LAST || '/' || NM_FIRST, DOB_DT FROM NAME_MST")
        other = db.execute(
            "SELECT NAME_ID, A.NM_FULL, DOB_DT FROM NAME_ALIAS A JOIN NAME_MST USING (NAME_ID)"
        )
        for rows in (old, new, other):
            some = [r for r in rows.fetchall() if r[1] and r[0] < "N9"][:25]
            assert len(some) > 5
            for key, full, _ in some:
                surname, _, given = full.partition("/")
                query = PersonQuery(names=(Name(given.strip() or None, None, surname.strip()),))
                assert key in ids(live, query)


def test_numbers_find_persons(live: LiveSource, home: Path) -> None:
    with closing(sqlite3.connect(home / "sources" / "legacy.db")) as db:
        key, licence = db.execute("SELECT NAME_ID, OLN FROM NAME_MST WHERE OLN > ''").fetchone()
    asked = PersonQuery(identifiers=(Identifier("driver_license", licence),))
    assert ids(live, asked, frozenset({"person"})) == [key]
    assert ids(live, PersonQuery(identifiers=(Identifier("passport", licence),))) == []


def test_incidents_by_number_day_and_offense(live: LiveSource) -> None:
    (found,) = live.candidates(IncidentQuery(number="i26-00417"), ALL, 10)
    assert found.record_id == "I2600417"
    offense = found.message["j:Offense"]["j:OffenseUCRCode"]
    day = date.fromisoformat(found.message["nc:Incident"]["nc:ActivityDate"]["nc:Date"])
    assert "I2600417" in ids(live, IncidentQuery(date_from=day, date_to=day, offense=offense))
    assert "I2600417" not in ids(live, IncidentQuery(date_from=day, offense="ARSON"))


def test_what_it_does_not_hold_finds_nothing(live: LiveSource) -> None:
    assert ids(live, VehicleQuery(plate="ZQA1000")) == []
    assert ids(live, ItemQuery(serial="1")) == []


def test_a_record_by_its_id_and_of_the_asked_type_only(live: LiveSource) -> None:
    for record_id, kind in (("N000000417", "person"), ("A2500417", "arrest")):
        found = live.get(record_id)
        assert found is not None
        assert (found.record_id, found.record_type) == (record_id, kind)
        assert ids(live, RecordQuery(record_id)) == [record_id]
        assert ids(live, RecordQuery(record_id), frozenset({"incident"})) == []
    for record_id in ("", "A2500417 ", "%", "A_500417", "' OR 1=1 --", "N" * 10_000):
        assert live.get(record_id) is None


def test_padded_keys_link_incidents_and_names(live: LiveSource) -> None:
    record = live.get("I2600417")
    assert record is not None
    assert record.message["nc:Person"]["nc:PersonName"]["nc:PersonGivenName"] == "MARISOL"


def test_no_row_that_cannot_be_translated_comes_out(live: LiveSource) -> None:
    before = live.passed_over
    assert live.get("N999999902") is None
    assert live.passed_over == before + 1


def test_a_row_whose_key_no_answer_can_name_does_not_come_out(live: LiveSource, home: Path) -> None:
    key = "N0000\u202e0510"
    execute(home, "UPDATE NAME_MST SET NAME_ID = ? WHERE NAME_ID = ?", key, "N000000510")
    before = live.passed_over
    assert key not in ids(live, HONORIA)
    assert live.get(key) is None
    assert live.passed_over > before


def test_the_limit_is_kept(live: LiveSource) -> None:
    everyone = IncidentQuery(date_from=date(2000, 1, 1), date_to=date(2030, 1, 1))
    assert len(live.candidates(everyone, ALL, 7)) == 7


HOSTILE = st.text("%_'\";-- ABC\\\0é\U0001f600", min_size=1, max_size=12)


@settings(
    max_examples=count(60, 5_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(HOSTILE, HOSTILE, st.dates(date(1850, 1, 1), date(2100, 1, 1)))
def test_no_question_is_ever_a_statement(
    live: LiveSource, surname: str, given_name: str, born: date
) -> None:
    name = Name(given=given_name, surname=surname, full=given_name)
    asked = PersonQuery((name,), born, identifiers=(Identifier("ssn", surname),))
    live.candidates(asked, ALL, 5)
    live.candidates(IncidentQuery(number=surname), ALL, 5)
    live.get(surname)
    assert ids(live, HONORIA) == ["N000000510", "W2600510"]


def test_every_statement_of_a_search_uses_an_index(live: LiveSource, home: Path) -> None:
    seen: list[tuple[str, object]] = []

    def remember(_c: Connection, _cursor: object, text: str, values: object, *_: object) -> None:
        seen.append((text, values))

    engine = live._database._engine
    event.listen(engine, "before_cursor_execute", remember)
    live.candidates(HONORIA, ALL, 200)
    live.candidates(PersonQuery(names=HONORIA.names), ALL, 200)
    live.get("W2600510")
    with closing(sqlite3.connect(home / "sources" / "legacy.db")) as db:
        for text, values in seen:
            plan = db.execute(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[arg-type] # as SQLAlchemy bound them
            steps = [row[3] for row in plan]
            assert not [s for s in steps if s.startswith("SCAN")], (text, steps)
    assert len(seen) > 10


def test_the_database_is_opened_for_reading_alone(live: LiveSource) -> None:
    with pytest.raises(RecordsUnavailable), live._database.connect() as connection:
        connection.exec_driver_sql("DELETE FROM WARR")


def test_a_database_that_is_gone_is_unavailable_not_empty(live: LiveSource, home: Path) -> None:
    live.close()
    (home / "sources" / "legacy.db").unlink()
    with pytest.raises(RecordsUnavailable) as caught:
        live.candidates(HONORIA, ALL, 10)
    assert "HONORIA" not in caught.value.detail


def test_a_column_that_is_not_there_is_said_with_its_line(home: Path) -> None:
    path = home / "mappings" / "records.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("letters: NM_SRCH", "letters: NM_SRHC"),
        ("column: RACE_CD", "column: RACE"),
        ("table: WARR", "table: WARRS"),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(Misconfigured, match=r"records\.yaml:\d+: "):
            adapters.live(path)


@pytest.mark.parametrize("mode", ["live", "mirror"])
def test_no_gateway_starts_where_a_live_source_shares_its_name(
    home: Path, tmp_path: Path, mode: str
) -> None:
    gateway = tmp_path / "gateway"
    setup.init_home(gateway, ori="CA9990000", name="Alder", url="http://127.0.0.1:8443")
    for folder in ("mappings", "sources"):
        shutil.copytree(home / folder, gateway / folder, dirs_exist_ok=True)
    mapping = gateway / "mappings" / "records.yaml"
    copy = mapping.read_text(encoding="utf-8").replace("mode: live", f"mode: {mode}")
    mapping.with_name("copy.yaml").write_text(copy, encoding="utf-8")
    serve = [sys.executable, "-m", "gateway.cli", "serve", "--home", str(gateway)]
    done = subprocess.run(serve, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    said = (
        "copy.yaml and records.yaml both say `source: records`, which is searched live; give one "
        "of them a name of its own"
    )
    assert said in done.stdout + done.stderr


def test_search_keys_are_those_of_the_legacy_system() -> None:
    for name in ("PELLOWICKDRAY", "TYMCZAK", "PFISTER", "ASHCRAFT", "LEE", "DELARIVARDIN", ""):
        assert soundex(name)[: 4 if name else 0] == california.soundex(name)


def test_slips_of_a_date() -> None:
    found = slips(date(1987, 3, 12))
    assert date(1987, 12, 3) in found
    assert date(1987, 3, 13) in found
    assert date(1987, 3, 12) not in found
    assert len(found) < 60
