"""The figures of docs/formats.md are what the files give."""

import re
from collections import Counter
from pathlib import Path

import pytest

from adapters.cobol import CobolReader
from adapters.rows import Row
from gateway.model import Record, SetAside
from tests.adapters.test_nibrs_real import FILES, source
from tests.conftest import ROOT, SHARED

DOCS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
COBOL = SHARED / "data" / "cobol"
BOOKS = {
    "test1_data/example.bin": "test1_copybook.cob",
    "test3_data/TRAN2.AUG31.DATA.dat": "test3_copybook.cob",
    "test19_display_num/data.dat": "test19_display_num.cob",
}

pytestmark = pytest.mark.shared


def figures(name: str) -> list[int]:
    """Give the numbers of one line of a table."""
    [line] = re.findall(rf"^\| `?{re.escape(name)}`? \|(.*)\|$", DOCS, re.MULTILINE)
    return [int(cell.replace(",", "")) for cell in line.split("|")]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_nibrs(file: Path, tmp_path: Path) -> None:
    made = source(file, tmp_path)
    found = list(made.rows())
    tally, records = made.tally, sum(isinstance(r, Record) for r in found)
    raw = sum(made.kept_raw().values())
    assert figures(file.name) == [tally.read, tally.translated, tally.aside, records, raw]
    if tally.aside:
        reasons = Counter(r.code for r in found if isinstance(r, SetAside))
        said = re.findall(r"^\| (\d+) \| `(nibrs\.\w+)`", DOCS, re.MULTILINE)
        assert {code: int(count) for count, code in said} == reasons
        assert f"{tally.translated / tally.read:.1%}".replace("%", " %") in DOCS


@pytest.mark.parametrize("name", BOOKS)
def test_cobol(name: str) -> None:
    rows = list(CobolReader(COBOL / name, {"copybook": str(COBOL / BOOKS[name])}).rows())
    good = sum(isinstance(r, Row) for r in rows)
    assert figures(name) == [len(rows), good, len(rows) - good]


def test_every_file_that_there_is_has_a_line() -> None:
    assert {f.name for f in FILES} == set(re.findall(r"^\| `(\w[\w.-]+\.txt)`", DOCS, re.MULTILINE))
    data = {str(p.relative_to(COBOL)) for p in COBOL.rglob("*") if p.suffix in {".bin", ".dat"}}
    assert data == BOOKS.keys()
