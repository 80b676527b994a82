"""Rows of a SQLite table, and damage to their values: any type may stand in any column."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from random import Random
from typing import Any, TypeAlias

import orjson

from tests.adapters.damage import odd

Cells: TypeAlias = tuple[Any, ...]
WRONG = b"\xff"
"""What so begins is written as a text that is no UTF-8."""
COLUMNS = ("N", "ID", "NAME", "BORN", "SEX")


def odd_value(value: object, chance: Random) -> object:
    """Give what SQLite lets stand in any column, whatever its type."""
    kind = chance.randrange(6)
    if chance.randrange(1_000) == 0:
        return chance.choice(("X" * 20_000, b"\0" * 10_000))
    if kind < 3:
        return odd(str(value), chance)
    if chance.randrange(8) == 0:
        return WRONG + str(value).encode("cp1252", "replace") + chance.randbytes(2)
    if kind == 3:
        return chance.randbytes(chance.choice((0, 1, 8, 400)))
    return chance.choice(
        (
            *(None, None, 0, -1, 2**63 - 1, -(2**63), 19870312, 1987.25, 1e308, -0.0, 1e-320),
            *(float("inf"), float("-inf"), float("nan"), 2447166.5, 540000000, True),
            *("\0", "A\0B", "\ufeff", "\ud7ff", "DOE, ANA\0", "DOE, ANA\0\0", " "),
        )
    )


def hurt(row: Cells, chance: Random) -> Cells:
    """Damage some columns of a table's row, its number apart."""
    cells = list(row)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(1, len(cells))
        cells[at] = odd_value(cells[at], chance)
    return tuple(cells)


def database(rows: Iterable[Cells]) -> bytes:
    """Write a SQLite file. N counts the rows."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE people (N INTEGER PRIMARY KEY, ID, NAME TEXT, BORN DATE, SEX)")
        numbered = ((n, *row[1:]) for n, row in enumerate(rows, 1))
        db.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", numbered)
        for name in COLUMNS[1:]:
            text = f"UPDATE people SET {name} = CAST({name} AS TEXT)"  # noqa: S608 - made here
            db.execute(
                f"{text} WHERE typeof({name}) = 'blob' AND substr({name}, 1, 1) = ?", [WRONG]
            )
        db.commit()
        return db.serialize()


def every_value(data: bytes, raws: Sequence[str]) -> None:
    """Each of the table's rows is one, with what every column holds."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(data)
        db.text_factory = lambda text: text.decode(errors="backslashreplace")
        held = list(db.execute("SELECT * FROM people ORDER BY N"))
    assert len(raws) == len(held)
    for raw, row in zip(raws, held, strict=True):
        table, _, found = raw.partition(" ")
        assert table == "people"
        assert orjson.loads(found) == dict(zip(COLUMNS, map(_shown, row), strict=True))


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return "".join(f"{byte:02x}" for byte in value)
    return "" if value is None else str(value).strip()
