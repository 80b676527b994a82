"""A live search on a large table uses its indexes; where one is missing, that is said."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

import adapters
from adapters import plans
from adapters.nibrs import codes
from adapters.sql_live import LiveSource
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import (
    AgeRange,
    Identifier,
    IncidentQuery,
    Name,
    PersonQuery,
    RecordQuery,
    SubjectQuery,
)
from tests import legacy_people as people
from tests import postgres
from tests.soak import count

MANY = count(25_000, 1_000_000)
TYPES = frozenset({"person", "incident"})


@dataclass(frozen=True)
class Legacy:
    """One of both databases: where a mapping finds it, and how the tests write into it."""

    where: str
    folder: Path
    execute: Callable[[str], Any]
    postgresql: bool

    @contextmanager
    def live(self, *, mode: str = "live") -> Iterator[LiveSource]:
        path = self.folder / "people.yaml"
        path.write_text(people.MAPPING.format(mode=mode, where=self.where), encoding="utf-8")
        source = adapters.live(path)
        assert isinstance(source, LiveSource)
        try:
            yield source
        finally:
            source.close()


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "SMALL", 1_000)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Legacy:
    folder = tmp_path_factory.mktemp("people")
    people.fill_sqlite(folder / "legacy.db", MANY)

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(folder / "legacy.db")) as db:
            db.execute(statement)
            db.commit()

    return Legacy("path: legacy.db", folder, execute, postgresql=False)


@pytest.fixture(scope="module")
def server_database(
    postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Legacy]:
    folder = tmp_path_factory.mktemp("people")
    postgres.password_file(folder)
    name = postgres_server.fresh("plans_test")
    with postgres_server.connect(name) as c:
        people.fill_postgres(c, MANY)
        url = f'url: "{postgres_server.url(name)}"\n  password_file: database.password'
        yield Legacy(url, folder, c.execute, postgresql=True)


@pytest.fixture(params=["sqlite", pytest.param("server_database", marks=pytest.mark.postgres)])
def legacy(request: pytest.FixtureRequest) -> Legacy:
    found: Legacy = request.getfixturevalue(request.param)
    return found


def offense(code: str) -> str:
    return str(codes()["nibrs_offense"][code.strip()])


def questions(n: int) -> Sequence[SubjectQuery]:
    """Ask for the n-th person, and for an incident, in every way there is."""
    given, surname = people.name_of(n)
    day = str(people.born(n))
    born = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    name = Name(given, None, surname)
    return [
        PersonQuery((name,), born),
        PersonQuery((name,)),
        PersonQuery((name,), age=AgeRange(0, 120)),
        PersonQuery((Name(given, None, surname[:-1] + "X"),), born),  # sounds alike, begins so
        PersonQuery((Name(surname, None, given),), born),  # exchanged
        PersonQuery((name, Name("ODILE", None, f"{surname} KESTREL")), born),  # alternatives
        PersonQuery(identifiers=(Identifier("driver_license", f"L{n}"),)),
        RecordQuery(people.key_of(n)),
        IncidentQuery(number=f"I{n:07}"),
        IncidentQuery(date_from=date(2021, 2, 3), date_to=date(2021, 2, 4)),
        IncidentQuery(offense=offense(people.RARE)),
    ]


def test_every_statement_of_every_search_uses_an_index(legacy: Legacy) -> None:
    with legacy.live() as source:
        seen: dict[str, Any] = {}

        def remember(_c: Connection, _cur: object, text: str, values: Any, *_: object) -> None:
            seen.setdefault(text, values)

        engine = source._database._engine
        event.listen(engine, "before_cursor_execute", remember)
        for n in (40, 41, MANY - 1):
            for question in questions(n):
                source.candidates(question, TYPES, 200)
        event.remove(engine, "before_cursor_execute", remember)
        asked = {t: v for t, v in seen.items() if "FROM name_mst" in t or "FROM inc_" in t}
        assert len(asked) > 15
        assert any("ucr_cd IN" in text for text in asked)
        with source._database.connect() as c:
            for text, values in asked.items():
                steps = shown(c, text, values)
                whole = ("SCAN name_", "SCAN inc_", "Seq Scan")
                assert not [s for s in steps if s.startswith(whole)], (text, steps)
                # Years of births find too many: they only narrow what a name finds.
                assert not [s for s in steps if "dob_dt>" in s], (text, steps)


def shown(c: Connection, text: str, values: Any) -> list[str]:
    """Give the steps of a statement's plan, as the database has it without being told anything."""
    if c.dialect.name == "sqlite":
        return [str(row[3]) for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    found = c.exec_driver_sql(f"EXPLAIN {text}", values).scalars()
    return [str(line).strip().removeprefix("->").strip() for line in found]


def test_whom_it_finds(legacy: Legacy) -> None:
    with legacy.live() as source:
        for n in (40, 41, 1_000, MANY - 1):
            for question in questions(n)[:6]:
                ids = [r.record_id for r in source.candidates(question, frozenset({"person"}), 500)]
                assert people.key_of(n) in ids, question
        (found,) = source.candidates(questions(40)[6], frozenset({"person"}), 10)
        assert found.record_id == people.key_of(40)
        assert [r.record_id for r in source.candidates(questions(40)[8], TYPES, 5)] == ["I0000040"]
        rare = source.candidates(questions(40)[10], TYPES, 500)
        every = [f"I{n:07}" for n in range(0, MANY, 4) if n // 4 % 500 == 7]
        assert sorted(r.record_id for r in rare) == every[:500]
        day = date(2020, 1, 1)
        assert source.candidates(IncidentQuery(date_from=day, date_to=day), TYPES, 5)
        assert {r.record_type for r in source.candidates(questions(40)[0], TYPES, 500)} == TYPES


def test_a_deleted_row_is_not_found_by_the_next_search(legacy: Legacy) -> None:
    with legacy.live() as source:
        n = MANY - 3
        question = questions(n)[0]
        assert people.key_of(n) in [r.record_id for r in source.candidates(question, TYPES, 500)]
        legacy.execute(f"DELETE FROM name_mst WHERE name_id = '{people.key_of(n):10}'")  # noqa: S608 - made here
        assert people.key_of(n) not in [
            r.record_id for r in source.candidates(question, TYPES, 500)
        ]


@pytest.mark.parametrize("name", people.INDEXES)
def test_a_missing_index_is_refused_and_the_hint_mends_it(legacy: Legacy, name: str) -> None:
    table, column = people.INDEXES[name]
    legacy.execute(f"DROP INDEX ix_{name}")
    try:
        whole = pytest.raises(Misconfigured, match=f"whole of {table}, more than 1,000 rows")
        with whole as caught, legacy.live():
            pass
        said = caught.value.detail
        assert said.startswith("people.yaml:")
        hint = said.partition("Have its index made: ")[2]
        assert column in hint
        for statement in hint.split("; "):
            if column in statement:
                legacy.execute(
                    statement.replace("CREATE INDEX ", "CREATE INDEX hinted ", 1)
                    if legacy.postgresql
                    else statement
                )
        with legacy.live():
            pass
    finally:
        mine = "hinted" if legacy.postgresql else f"{table}_{column}"
        legacy.execute(f"DROP INDEX IF EXISTS {mine}")
        legacy.execute(people.index_of(name, postgresql=legacy.postgresql))


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["srch", "full", "asrch"])
def test_an_index_that_sorts_as_people_do_is_none_for_beginnings(
    server_database: Legacy, name: str
) -> None:
    server_database.execute(f"DROP INDEX ix_{name}")
    server_database.execute(people.index_of(name, postgresql=True, plain=True))
    try:
        refused = pytest.raises(Misconfigured, match="varchar_pattern_ops")
        with refused, server_database.live():
            pass
    finally:
        server_database.execute(f"DROP INDEX ix_{name}")
        server_database.execute(people.index_of(name, postgresql=True))


def test_a_small_table_needs_no_index(tmp_path: Path) -> None:
    people.fill_sqlite(tmp_path / "legacy.db", 50)
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        for name in people.INDEXES:
            db.execute(f"DROP INDEX ix_{name}")
    with Legacy("path: legacy.db", tmp_path, print, postgresql=False).live() as source:
        assert source.candidates(questions(40)[0], TYPES, 10)


def test_a_search_that_takes_too_long_is_ended(sqlite: Legacy) -> None:
    slow = Legacy(sqlite.where + "\n  timeout: 1s", sqlite.folder, sqlite.execute, postgresql=False)
    late = pytest.raises(RecordsUnavailable, match="took longer than it may")
    with slow.live() as source, late, source._database.connect() as c:
        c.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT max(i) FROM n WHERE i < 0"
        ).all()


def test_the_plan_of_what_reads_all_says_so(legacy: Legacy) -> None:
    with legacy.live() as source, source._database.connect() as c:
        table = source._database.table("name_mst")
        everybody = select(table).where(table.c["nm_last"] == "NOBODY")
        assert plans.read_whole(source._database, c, everybody) == {"name_mst"}
