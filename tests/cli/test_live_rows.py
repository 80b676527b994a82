"""A check of a whole live source lists exactly the rows that no search gives, in both databases."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import adapters
from adapters.sql_live import LiveSource
from gateway.cli import live_rows
from gateway.errors import SallyportError
from gateway.model import Identifier, IncidentQuery, Name, PersonQuery, RecordQuery, SetAside
from gateway.records import livecheck
from tests import legacy_people as people
from tests import postgres

MANY = 1_200
SPOILT = {3: "19870399", 700: "20261301", 1_150: "7"}
"""Persons by their birth date that is none."""
SEALS = {5: 7, 900: 9}
"""Persons by their flag that the mapping doesn't know."""
PERSONS = frozenset({"person"})


@dataclass(frozen=True)
class Legacy:
    """A database of people, and the mapping by which it is searched live."""

    path: Path
    server: postgres.Server | None

    def run(self, *statements: str) -> None:
        if self.server is None:
            with closing(sqlite3.connect(self.path.parent / "legacy.db")) as db:
                db.executescript(";".join(statements))
            return
        with self.server.connect("live_rows_test") as c:
            for one in statements:
                c.execute(one)  # type: ignore[arg-type] # made here

    def live(self) -> LiveSource:
        found = adapters.live(self.path)
        assert isinstance(found, LiveSource)
        return found

    def checked(self) -> list[SetAside]:
        """Give what a check of the whole source lists; it is kept as it was listed."""
        source, folder, told = adapters.load(self.path), self.path.parent, list[int]()
        with live_rows.checked(source, folder, told.append) as aside:
            rows = list(aside.each())
            assert len(aside) == len(rows)
            assert [r.key for r in aside.each()] == [r.key for r in rows]
        assert told == sorted(told)
        assert len(told) > 2
        found = livecheck.last(folder, "people")
        assert found is not None
        assert (found.rows, found.set_aside) == (source.tally.read, len(rows))
        assert told[-1] == found.rows > MANY
        return rows


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def legacy(request: pytest.FixtureRequest, tmp_path: Path) -> Legacy:
    server, where = None, "path: legacy.db"
    if request.param == "sqlite":
        people.fill_sqlite(tmp_path / "legacy.db", MANY)
    else:
        server = request.getfixturevalue("postgres_server")
        assert isinstance(server, postgres.Server)
        name = server.fresh("live_rows_test")
        with server.connect(name) as c:
            people.fill_postgres(c, MANY)
        postgres.password_file(tmp_path)
        where = f'url: "{server.url(name)}"\n  password_file: database.password'
    path = tmp_path / "people.yaml"
    path.write_text(people.MAPPING.format(mode="live", where=where), encoding="utf-8")
    return Legacy(path, server)


def it_is(n: int) -> str:
    return f"name_id = '{people.key_of(n):10}'"


def test_what_a_check_lists_no_search_gives(legacy: Legacy) -> None:
    change = "UPDATE name_mst SET {} WHERE {}"
    legacy.run(*(change.format(f"dob_dt = {day}", it_is(n)) for n, day in SPOILT.items()))
    legacy.run(*(change.format(f"seal_cd = {code}", it_is(n)) for n, code in SEALS.items()))
    rows, expected = legacy.checked(), {people.key_of(n) for n in (*SPOILT, *SEALS)}
    assert {str(r.key).split()[1] for r in rows} == expected
    assert {(r.column, r.value) for r in rows} == {
        *(("dob_dt", day) for day in SPOILT.values()),
        *(("seal_cd", str(code)) for code in SEALS.values()),
    }
    with closing(legacy.live()) as live:
        asked = {*range(0, MANY, 30), *SPOILT, *SEALS}
        kept = {key for n in asked if live.get(key := people.key_of(n)) is None}
        assert kept == expected
        assert live.passed_over == len(expected)
        assert not live.candidates(RecordQuery(people.key_of(3)), PERSONS, 10)
        assert live.passed_over == len(expected) + 1


def without_keys(legacy: Legacy, table: str, key: str, *indexes: str) -> None:
    """Make a table one that lets several rows have one id."""
    legacy.run(
        f"CREATE TABLE rows AS SELECT * FROM {table}",  # noqa: S608 - a test's own word
        f"DROP TABLE {table}",
        f"ALTER TABLE rows RENAME TO {table}",
        f"CREATE INDEX ids_{table} ON {table} ({key})",
        *(people.index_of(n, postgresql=legacy.server is not None) for n in indexes),
    )


def copies(table: str, where: str, rows: int) -> str:
    """Write the statement by which a row stands there so many times."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"  # noqa: S608 - made here
    return f"INSERT INTO {table} {numbers} SELECT t.* FROM {table} t, n WHERE {where}"  # noqa: S608 - as above


def test_an_id_of_very_many_rows_is_counted_and_takes_no_other_away(legacy: Legacy) -> None:
    without_keys(legacy, "name_mst", "name_id", "srch", "sdx", "full", "dob", "oln")
    surname = people.name_of(1)[1]
    alike = range(1, 6)
    change = "UPDATE name_mst SET nm_srch = '{}' WHERE {}"
    legacy.run(*(change.format(surname, it_is(n)) for n in alike))
    most, rest = adapters.MOST_ALIKE, {people.key_of(n) for n in alike}
    asked = PersonQuery(names=(Name(surname=surname),))

    def found() -> set[str]:
        return {r.record_id for r in live.candidates(asked, PERSONS, 200)} & rest

    with closing(legacy.live()) as live:
        assert found() == rest
        legacy.run(copies("name_mst", it_is(alike[0]), most))
        assert found() == rest
        assert live.passed_over == 0
        legacy.run(copies("name_mst", it_is(alike[1]), most + 1))
        rest_of_it = rest - {people.key_of(alike[1])}
        assert found() == rest_of_it
        assert live.passed_over > 0
        # Far more than are looked at together: they are counted where they stand.
        legacy.run(copies("name_mst", it_is(alike[2]), 9_000))
        assert found() == rest_of_it - {people.key_of(alike[2])}
        before = live.passed_over
        assert live.get(people.key_of(alike[1])) is None
        assert live.get(people.key_of(alike[0])) is not None
        assert live.passed_over > before
    rows = legacy.checked()
    assert {r.code for r in rows} == {"record.too_many_rows"}
    assert {r.value for r in rows} == {people.key_of(n) for n in alike[1:3]}
    assert len(rows) == most + 1 + 9_000


def test_an_incident_of_many_rows_takes_no_other_ones_place(legacy: Legacy) -> None:
    without_keys(legacy, "inc_hdr", "inc_id", "date", "ucr")
    day = date(2024, 5, 5)
    asked, types = IncidentQuery(date_from=day, date_to=day), frozenset({"incident"})
    with closing(legacy.live()) as live:
        before = {r.record_id for r in live.candidates(asked, types, 200)}
        assert len(before) > 1
        legacy.run(copies("inc_hdr", f"inc_id = '{min(before):10}'", 300))
        assert {r.record_id for r in live.candidates(asked, types, 200)} == before
        involved = PersonQuery(identifiers=(Identifier("driver_license", "L4"),))
        assert [r.record_id for r in live.candidates(involved, types, 200)] == [min(before)]


def test_a_check_that_is_broken_off_leaves_the_counts_of_the_one_before(tmp_path: Path) -> None:
    people.fill_sqlite(tmp_path / "legacy.db", 900)
    path = tmp_path / "people.yaml"
    path.write_text(people.MAPPING.format(mode="live", where="path: legacy.db"), encoding="utf-8")
    with live_rows.checked(adapters.load(path), tmp_path, lambda _: None):
        before = livecheck.last(tmp_path, "people")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        live_rows.checked(adapters.load(path), tmp_path, stop),
    ):
        pass
    assert before is not None
    assert livecheck.last(tmp_path, "people") == before
    (tmp_path / "live" / "people.json").write_text("{}")
    with pytest.raises(SallyportError, match="source set-aside people"):
        livecheck.last(tmp_path, "people")
