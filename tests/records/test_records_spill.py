"""An index made on disk is the one that is made in memory, and takes far less of it."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.people import Population, record
from gateway.model import Record
from gateway.records import spill
from gateway.records.columns import Builder, Columns
from gateway.records.importer import Importer
from gateway.records.spill import SpillingBuilder
from gateway.records.terms import extract
from tests.memory import TOLD, Held, held
from tests.soak import SOAK

FACTS = record(Population(1).person(), 0).handling


def others(n: int) -> Record:
    """A vehicle with its incident, so that every table has rows."""
    message = {
        "nc:Vehicle": {
            "nc:VehicleIdentification": {"nc:IdentificationID": f"1TESTVIN{n:09}"},
            "nc:ItemModelYearDate": {"nc:YearDate": "2019"},
        },
        "nc:Incident": {
            "nc:ActivityIdentification": {"nc:IdentificationID": f"26-{n:05}"},
            "nc:ActivityDate": {"nc:Date": "2026-03-04"},
        },
        "nc:Firearm": {"nc:ItemSerialIdentification": {"nc:IdentificationID": f"SN{n:06}"}},
    }
    return Record(f"V-{n}", "incident", message, FACTS)


def filled(builder: Builder, size: int) -> Builder:
    people = Population(7)
    for n in range(size):
        made = others(n) if n % 5 == 4 else record(people.person(), n)
        builder.add(n, n % 5 == 4, extract(made.message))
    return builder


def same(one: Columns, two: Columns) -> None:
    assert one.texts == two.texts
    assert one.tables.keys() == two.tables.keys()
    for name, column in one.tables.items():
        assert column.dtype == two.tables[name].dtype, name
        assert np.array_equal(column, two.tables[name]), name
    assert one.postings.keys() == two.postings.keys()
    for name, postings in one.postings.items():
        for part in ("keys", "starts", "rows"):
            mine, theirs = getattr(postings, part), getattr(two.postings[name], part)
            assert mine.dtype == theirs.dtype, (name, part)
            assert np.array_equal(mine, theirs), (name, part)


@pytest.mark.parametrize("size", [0, 1, 400])
@pytest.mark.parametrize("limits", [(7, 50, 1_000), (10**6, 10**6, 2**25)])
def test_it_is_the_index_that_is_made_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, limits: tuple[int, int, int]
) -> None:
    for name, limit in zip(("TEXTS_AT_ONCE", "PAIRS_AT_ONCE", "CHUNK"), limits, strict=True):
        monkeypatch.setattr(spill, name, limit)
    on_disk = SpillingBuilder(tmp_path)
    filled(on_disk, size)
    assert not list(tmp_path.iterdir())  # its files have no name
    parts = list(on_disk.parts())
    assert max(len(data) for _, data in parts) <= limits[2]
    same(Columns.of_parts(parts), filled(Builder(), size).finish())


def test_a_key_of_too_many_rows_is_left_out_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "LONGEST_POSTING", 3)
    monkeypatch.setattr("gateway.records.columns.LONGEST_POSTING", 3)
    on_disk = SpillingBuilder(tmp_path)
    filled(on_disk, 150)
    made = Columns.of_parts(on_disk.parts())
    same(made, filled(Builder(), 150).finish())
    assert np.diff(made.postings["row"].starts).max() == 3


ROWS = 10_000
FILLED = 7_000
"""Rows after which what is kept of all rows is full: SQLite's pages, the texts to be written."""


@pytest.mark.skipif(not TOLD, reason="this system does not tell")
def test_an_import_keeps_nothing_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But its place in the columns, some 80 bytes."""
    for name, limit in (("TEXTS_AT_ONCE", 200), ("PAIRS_AT_ONCE", 1_000), ("CHUNK", 2**16)):
        monkeypatch.setattr(spill, name, limit)
    seen: dict[int, Held] = {}

    def people() -> Iterator[Record]:
        population = Population(3)
        for n in range(ROWS + 1):
            if n in {FILLED, ROWS}:
                seen[n] = held()
            yield record(population.person(), n)

    importer = Importer(tmp_path / "records.db")
    gc.freeze()
    try:
        done = importer.run("people", people(), as_of=None)
    finally:
        gc.unfreeze()
        importer.close()
    assert done.records == ROWS + 1
    assert seen[ROWS].blocks - seen[FILLED].blocks < (ROWS - FILLED) * 0.1
    assert seen[ROWS].heap - seen[FILLED].heap < (ROWS - FILLED) * 160


@pytest.mark.skipif(not SOAK, reason="some minutes: make soak")
def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    """The peak of a whole import in a process of its own, rows made on the way."""
    program = Path(__file__).with_name("import_growth.py")

    def peak(size: int) -> int:
        done = subprocess.run(
            [sys.executable, str(program), str(tmp_path / f"{size}.db"), str(size)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    small = 100_000
    first, second = peak(small), peak(10 * small)
    assert second < 500
    # Ten times the rows: some columns grow, by 80 bytes a person.
    assert second < first + 40 + 9 * small * 200 // 2**20
