"""A check of a whole live source lists exactly the rows that no search gives, in both databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import adapters
from gateway.cli import live_rows
from gateway.errors import SallyportError
from gateway.model import RecordQuery
from gateway.records import livecheck
from tests import legacy_people as people
from tests import postgres

MANY = 1_200
SPOILT = {3: "19870399", 700: "20261301", 1_150: "7"}
"""Persons by their birth date that is none."""
SEALS = {5: 7, 900: 9}
"""Persons by their flag that the mapping doesn't know."""


def statements() -> list[str]:
    of = "UPDATE name_mst SET {} WHERE name_id = '{}'"
    found = [of.format(f"dob_dt = {day}", f"{people.key_of(n):10}") for n, day in SPOILT.items()]
    return found + [of.format(f"seal_cd = {c}", f"{people.key_of(n):10}") for n, c in SEALS.items()]


def written(folder: Path, where: str) -> Path:
    path = folder / "people.yaml"
    path.write_text(people.MAPPING.format(mode="live", where=where), encoding="utf-8")
    return path


def held_to_searches(path: Path, folder: Path) -> None:
    """Check the source, and ask for each of its records by its id."""
    expected = {people.key_of(n) for n in (*SPOILT, *SEALS)}
    source, told = adapters.load(path), list[int]()
    with live_rows.checked(source, folder, told.append) as aside:
        rows = list(aside.each())
        assert len(aside) == len(rows) == len(expected)
        assert [r.key for r in aside.each()] == [r.key for r in rows]
    assert {str(r.key).split()[1] for r in rows} == expected
    assert {(r.column, r.value) for r in rows} == {
        *(("dob_dt", day) for day in SPOILT.values()),
        *(("seal_cd", str(code)) for code in SEALS.values()),
    }
    assert told == sorted(told)
    assert len(told) > 2
    found = livecheck.last(folder, "people")
    assert found is not None
    assert (found.rows, found.set_aside) == (source.tally.read, len(rows))
    assert told[-1] == found.rows > MANY
    live = adapters.live(path)
    try:
        kept = {n for n in range(MANY) if live.get(people.key_of(n)) is None}
        assert {people.key_of(n) for n in kept} == expected
        assert live.untranslatable == len(expected)
        types = frozenset({"person"})
        asked = RecordQuery(people.key_of(3))
        assert not live.candidates(asked, types, 10)
        assert live.untranslatable == len(expected) + 1
    finally:
        live.close()


def test_what_a_check_of_sqlite_lists_no_search_gives(tmp_path: Path) -> None:
    people.fill_sqlite(tmp_path / "legacy.db", MANY)
    with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
        db.executescript(";".join(statements()))
    held_to_searches(written(tmp_path, "path: legacy.db"), tmp_path)


@pytest.mark.postgres
def test_what_a_check_of_postgresql_lists_no_search_gives(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    name = postgres_server.fresh("live_rows_test")
    with postgres_server.connect(name) as c:
        people.fill_postgres(c, MANY)
        for one in statements():
            c.execute(one)  # type: ignore[arg-type] # made here
    postgres.password_file(tmp_path)
    where = f'url: "{postgres_server.url(name)}"\n  password_file: database.password'
    held_to_searches(written(tmp_path, where), tmp_path)


def test_a_check_that_is_broken_off_leaves_the_counts_of_the_one_before(tmp_path: Path) -> None:
    people.fill_sqlite(tmp_path / "legacy.db", 900)
    path = written(tmp_path, "path: legacy.db")
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
