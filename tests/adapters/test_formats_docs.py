"""The figures of docs/formats.md are what the files give."""

import re
from collections import Counter
from pathlib import Path

import pytest

import adapters
from adapters.loading import load
from adapters.mapping import MappingFile
from adapters.opening import open_reader
from adapters.rows import Row
from adapters.source import Compiler
from gateway import niem
from gateway.model import Record, SetAside
from tests.adapters.test_nibrs_real import FILES, source
from tests.conftest import ROOT, SHARED

DOCS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
COBOL = SHARED / "data" / "cobol"
SAMPLES = ROOT / "tests" / "adapters" / "cobol_samples"
MAPPED = {
    "test1_data/example.bin": "test1.yaml",
    "test3_data/TRAN2.AUG31.DATA.dat": "test3.yaml",
    "test19_display_num/data.dat": "test19.yaml",
}

pytestmark = pytest.mark.shared


def figures(name: str) -> list[int]:
    """Give the numbers of one line of a table."""
    [line] = re.findall(rf"^\| `?{re.escape(name)}`? \|(.*)\|$", DOCS, re.MULTILINE)
    return [int(cell.replace(",", "")) for cell in line.split("|")]


def values(mapping: Path) -> tuple[Counter[str], Counter[str]]:
    """Count the values that a source's rows hold, by column: of those mapped, and of the others."""
    opened = MappingFile(mapping)
    compiler = Compiler(opened)
    load(opened, compiler)
    mapped, others = Counter[str](), Counter[str]()
    for row in open_reader(opened, opened.format, "format").rows():
        if isinstance(row, Row):
            for part in (row.values, *(x for rows in row.groups.values() for x in rows)):
                for column in (c for c, value in part.items() if value):
                    (mapped if column in compiler.used else others)[column] += 1
    return mapped, others


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_nibrs(file: Path, tmp_path: Path) -> None:
    made = source(file, tmp_path)
    found = list(made.rows())
    tally, records = made.tally, sum(isinstance(r, Record) for r in found)
    raw = sum(made.kept_raw().values())
    mapped, others = values(tmp_path / "nibrs.yaml")
    counts = [tally.read, tally.translated, tally.aside, records, raw]
    assert figures(file.name) == [*counts, mapped.total(), others.total()]
    if len(others) == 3:
        assert others == dict.fromkeys(("ACTION", "MONTH", "YEAR"), records)
    else:
        said = re.findall(r"^\| ([\d,]+) \| (`[\w.`, ]+`) \|", DOCS, re.MULTILINE)
        given = {tuple(re.findall(r"[\w.]+", cs)): int(n.replace(",", "")) for n, cs in said}
        assert {cs: sum(others[c] for c in cs) for cs in given} == given
        assert sum(given.values()) == others.total()
        header = 3 * records
        for share in (others.total(), others.total() - header):
            mapped_of = mapped.total() / (mapped.total() + share)
            assert f"{mapped_of:.1%}".replace("%", " %") in DOCS
    if tally.aside:
        reasons = Counter(r.code for r in found if isinstance(r, SetAside))
        said = re.findall(r"^\| (\d+) \| `(nibrs\.\w+)`", DOCS, re.MULTILINE)
        assert {code: int(count) for count, code in said} == reasons
        assert f"{tally.translated / tally.read:.1%}".replace("%", " %") in DOCS


@pytest.mark.parametrize("name", MAPPED)
def test_cobol(name: str, tmp_path: Path) -> None:
    text = (SAMPLES / MAPPED[name]).read_text(encoding="utf-8")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        re.sub(r"(path|copybook): test", rf"\1: {COBOL}/test", text), encoding="utf-8"
    )
    made = adapters.load(mapping)
    found = list(made.rows())
    messages = [r.message for r in found if isinstance(r, Record)]
    assert not [m for m in messages if niem.findings(m)]
    mapped, others = values(mapping)
    tally = made.tally
    assert figures(name) == [
        *(tally.read, tally.translated, tally.aside, len(messages)),
        *(mapped.total(), others.total()),
    ]
    for row in found:
        if isinstance(row, SetAside):
            assert f"`{row.code}`" in DOCS[DOCS.index("## COBOL") :]
            assert row.column in DOCS


def test_every_file_that_there_is_has_a_line() -> None:
    assert {f.name for f in FILES} == set(re.findall(r"^\| `(\w[\w.-]+\.txt)`", DOCS, re.MULTILINE))
    data = {str(p.relative_to(COBOL)) for p in COBOL.rglob("*") if p.suffix in {".bin", ".dat"}}
    assert data == MAPPED.keys()
    others = {p for p in (SHARED / "data").rglob("*") if p.is_file()} - set(FILES)
    others -= {COBOL / name for name in MAPPED}
    # Copybooks, and what cobrix expects of each: `test_cobol_samples.py` reads those.
    assert {p.suffix for p in others} == {".cob", ".csv", ".json", ".txt"}
    assert all("_expected" in p.parent.name or p.suffix == ".cob" for p in others)
