"""A hundred thousand damaged rows of every format, from the file to the record.

The example of another package's format is read as well, installed as such.
No crash, no hang, no memory that grows, and the sum adds up: each row is translated or set aside.
All rows of a file are damaged; its seed is what a failure names. The rows read are counted, since
damage joins some and empties others. Of lines and records the bytes are damaged, of a sheet the
cells, of a database the values, of XML the elements and the syntax.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters import MappedSource, dates, rules, shapes
from adapters.mapping import MappingFile
from adapters.opening import open_reader
from adapters.tables import Database, TableReader
from adapters.textfile import NOTHING
from demo.new_mexico import NewMexico
from gateway import niem
from gateway.model import Record, SetAside
from tests.adapters import damaged_sheet, damaged_table, damaged_xml
from tests.adapters.cobol_bytes import copybook, described, packed, text, zoned
from tests.adapters.damage import damaged
from tests.adapters.small_mapping import BORN, NAME, SEX, mapping
from tests.conftest import ROOT
from tests.memory import TOLD, Held, held, resident
from tests.soak import count

pytestmark = pytest.mark.usefixtures("example_package")
ROWS = count(100, 1_000)
FILES = count(4, 130)
WANTED = count(350, 100_000)
"""Damaged rows that must have been read of each format."""
LONG = count(3_000, 120_000)
LONG_WANTED = count(2_700, 100_000)
MOST_GROWTH = 24 * 2**20
MOST_BLOCKS, MOST_BYTES = 0.2, 100
"""Of memory that a row may leave behind: Python's small blocks, and bytes of C's heap."""
NIBRS = (ROOT / "demo/agencies/NM9990000/mappings/nibrs.yaml").read_text(encoding="utf-8")
NAMES = ("DIAZ, ANA M", "O'NEIL, JO", "VAN DER BERG, EVA", 'SMITH "SMITTY", AL JR', "GARCÍA, LUZ")
LAYOUT = "columns: {ID: [1, 8], NAME: [9, 38], BORN: [39, 48], SEX: [49, 49]}"
BOOK = copybook(
    "01 R.",
    "   05 ID PIC X(8).",
    "   05 NAME PIC X(30).",
    "   05 BORN PIC 9(8) COMP-3.",
    "   05 SEX PIC X.",
    "   05 HOLD PIC S9(5)V99 COMP-3.",
    "   05 HOLD-TEXT REDEFINES HOLD PIC X(4).",
    "   05 MARKS PIC 9(2).",
    "   05 MARK PIC X(6) OCCURS 0 TO 9 DEPENDING ON MARKS.",
)


def person(number: int) -> tuple[str, str, str, str]:
    born = f"{1 + number % 12:02d}/{1 + number % 28:02d}/{1950 + number % 50}"
    return f"P-{number:06d}", NAMES[number % len(NAMES)], born, "MF"[number % 2]


def csv_row(number: int) -> bytes:
    quoted = ('"' + x.replace('"', '""') + '"' if set(x) & set(',"') else x for x in person(number))
    return ",".join(quoted).encode()


def fixed_row(number: int) -> bytes:
    key, name, born, sex = person(number)
    return f"{key:8}{name:30}{born:10}{sex}".encode("iso-8859-1")


def ncic_row(number: int) -> bytes:
    key, name, born, sex = person(number)
    day = born[6:] + born[:2] + born[3:5]
    return f"EW.TX9990000.NAM/{name}.DOB/{day}.SEX/{sex}.SMT/SC HAND.OCA/{key}.".encode("latin-1")


def ncic_folded(number: int) -> bytes:
    row = ncic_row(number)
    return row[:60] + b"\n" + row[60:]


def cobol_row(number: int) -> bytes:
    key, name, born, sex = person(number)
    marks = number % 4
    day = packed(int(born[6:] + born[:2] + born[3:5]), 8)
    parts = [text(key, 8), text(name, 30), day, text(sex, 1), packed(number, 7, signed=True)]
    return b"".join([*parts, zoned(marks, 2), text("SCR 01", 6) * marks])


def cobol_with_length(number: int) -> bytes:
    return described([cobol_row(number)])


def cobol_fixed(number: int) -> bytes:
    return cobol_row(number).ljust(104, b"\x40")


def born(number: int) -> date:
    return date(1950 + number % 50, 1 + number % 12, 1 + number % 28)


def xml_row(number: int) -> bytes:
    return damaged_xml.record((*person(number), f"SCAR {number % 7}", "TATTOO"))


def excel_row(number: int) -> bytes:
    at = len(NAMES) + number % 2
    return damaged_sheet.row(f"P-{number:06d}", number % len(NAMES), born(number), at)


def sql_row(number: int) -> damaged_table.Cells:
    key, name, _, sex = person(number)
    return number, key, name, born(number).isoformat(), sex


def segments() -> list[bytes]:
    bureau = NewMexico(seed=2)
    for number in range(1, 60):
        bureau.incident(number)
    return [line.encode() for line in bureau.lines]


SEGMENTS = segments()


def segment(number: int) -> bytes:
    """Give the next segment: of as many incidents as there are, each with a number of its own."""
    again, at = divmod(number, len(SEGMENTS))
    return SEGMENTS[at][:29] + b"%04d" % again + SEGMENTS[at][33:]


def in_lines(rows: Iterable[bytes]) -> bytes:
    return b"\n".join(rows)


def with_blank_lines(rows: Iterable[bytes]) -> bytes:
    return b"\n\n".join(rows)


def in_a_workbook(rows: Iterable[bytes]) -> bytes:
    return damaged_sheet.workbook((*NAMES, "M", "F"), ("ID", "NAME", "BORN", "SEX"), rows)


def with_header(rows: Iterable[bytes]) -> bytes:
    return b"ID,NAME,BORN,SEX\n" + in_lines(rows)


# -- what must be found again -------------------------------------------------------------------


def all_lines(data: bytes, raws: Sequence[str]) -> None:
    """Every line that holds something is in one row."""
    header = data.startswith(b"ID,")
    written = [x for x in data.split(b"\n")[header:] if x.strip(NOTHING)]
    taken = [x for raw in raws for x in raw.split("\n") if x.strip(NOTHING.decode())]
    assert len(taken) == len(written)


def one_row_a_line(data: bytes, raws: Sequence[str]) -> None:
    """But of those that are empty, or the mark that ends a file of DOS."""
    assert len(raws) == len([x for x in data.split(b"\n") if x.rstrip(b"\r") not in (b"", b"\x1a")])


def every_letter(data: bytes, raws: Sequence[str]) -> None:
    kept, written = Counter("".join(raws)), Counter(data.decode("iso-8859-1"))
    for nothing in " \r\n":  # between segments
        del kept[nothing], written[nothing]
    assert kept == written


def every_sign(data: bytes, raws: Sequence[str]) -> None:
    """All but white space, in its order."""
    spaces = b" \t\n\r\x0b\x0c"
    taken = "".join(raws).encode("iso-8859-1")
    assert taken.translate(None, spaces) == data.translate(None, spaces)


def every_byte(data: bytes, raws: Sequence[str]) -> None:
    assert "".join(raws).encode("cp037") == data


def every_byte_but_lengths(data: bytes, raws: Sequence[str]) -> None:
    """What stands behind a length, and, where a length is wrong, the length too."""
    position = 0
    for raw in raws:
        row = raw.encode("cp037")
        if data[position + 4 : position + 4 + len(row)] == row:
            position += 4
        assert data[position : position + len(row)] == row
        position += len(row)
    assert position == len(data)


def of_a_file(mapping: Path) -> list[str]:
    opened = MappingFile(mapping)
    return [r.raw for r in open_reader(opened, opened.format, "format").rows()]


def of_a_table(mapping: Path) -> list[str]:
    return [r.raw for r in TableReader(Database.of(MappingFile(mapping)), "people").rows()]


def mirrored(mapping: Path) -> MappedSource:
    made = adapters.refresh(mapping, mapping.parent / "mirrors", anew=True)
    assert made is not None
    return adapters.load_replica(mapping, made)


@dataclass(frozen=True)
class Format:
    """One format: its mapping, its rows, how they stand in a file, what must be found again."""

    mapping: str
    row: Callable[[int], Any]
    join: Callable[[Iterable[Any]], bytes]
    check: Callable[[bytes, Sequence[str]], None]
    share: float = 1.0
    """Of the rows, those that are damaged."""
    hurt: Callable[[Any, Random], Any] = damaged
    goes_on: bool = True
    """Whether reading goes on behind any damage, so that all rows are counted."""
    blocks: float = MOST_BLOCKS
    cache: int = 0
    """Bytes that a library keeps of a file, however large: SQLite of its pages."""
    raws: Callable[[Path], list[str]] = of_a_file
    load: Callable[[Path], MappedSource] = adapters.load

    def file(self, chance: Random, rows: int, numbers: Callable[[int], int]) -> bytes:
        """Write a file with so many damaged rows; `numbers` says which rows it holds."""
        return self.join(
            self.hurt(row, chance) if chance.random() < self.share else row
            for row in (self.row(numbers(n)) for n in range(round(rows / self.share)))
        )


NCIC = (
    NAME.replace("column: NAME", "column: NAM"),
    'to: "person/nc:PersonBirthDate", column: DOB, date: YYYYMMDD',
    SEX,
    'to: "person/sp:PersonMark", for: smt, column: VALUE',
)
NCIC_FORM = "type: ncic_text, path: data, encoding: iso-8859-1, repeated: [SMT]"
MARKS = 'to: "person/sp:PersonMark", for: mark, column: mark.MARK'
DAY = 'to: "person/nc:PersonBirthDate", column: BORN, date: [YYYY-MM-DD, MM/DD/YYYY, YYYYMMDD]'
XML_MARKS = 'to: "person/sp:PersonMark", for: mark, column: mark.TEXT'
XML = mapping(
    *(NAME, BORN, SEX, XML_MARKS),
    form="{type: xml, path: data, record: p, columns: {ID: ID, NAME: NAME, BORN: BORN, SEX: SEX}, "
    'parts: {mark: {each: MARK, columns: {TEXT: "."}}}}',
)
SQL = "type: sql, mode: mirror, path: data"
COBOL = "type: cobol, path: data, copybook: book.cpy, encoding: cp037"
FORMATS = {
    "csv": Format(mapping(NAME, BORN, SEX), csv_row, with_header, all_lines),
    "fixed": Format(
        mapping(
            *(NAME, BORN, SEX),
            form=f"{{type: fixed, path: data, encoding: iso-8859-1, width: 49, {LAYOUT}}}",
        ),
        fixed_row,
        in_lines,
        one_row_a_line,
    ),
    # What damage leaves of its 40 columns has some more shapes with nearly every incident.
    "nibrs": Format(
        *(NIBRS.replace("../sources/nibrs.txt", "data"), segment, in_lines, every_letter),
        blocks=0.75,
    ),
    "ncic_text": Format(
        mapping(*NCIC, form=f"{{{NCIC_FORM}}}", key='"{OCA}"'), ncic_row, in_lines, all_lines
    ),
    "ncic_text_folded": Format(
        mapping(*NCIC, form=f"{{{NCIC_FORM}, messages: blocks}}", key='"{OCA}"'),
        ncic_folded,
        with_blank_lines,
        every_sign,
    ),
    "cobol": Format(
        mapping(NAME, BORN, SEX, form=f"{{{COBOL}, record: fixed}}"),
        cobol_fixed,
        b"".join,
        every_byte,
    ),
    "cobol_rdw": Format(
        mapping(NAME, BORN, SEX, MARKS, form=f"{{{COBOL}, record: rdw}}"),
        cobol_row,
        described,
        every_byte_but_lengths,
    ),
    # The lengths are damaged, too: the next record has to be found again.
    "cobol_lengths": Format(
        mapping(NAME, BORN, SEX, MARKS, form=f"{{{COBOL}, record: rdw}}"),
        cobol_with_length,
        b"".join,
        every_byte_but_lengths,
        share=0.25,
    ),
    "xml": Format(
        *(XML, xml_row, damaged_xml.file, damaged_xml.every_element),
        hurt=damaged_xml.hurt,
    ),
    "xml_syntax": Format(
        *(XML, xml_row, damaged_xml.file, damaged_xml.every_number),
        hurt=damaged_xml.broken,
        goes_on=False,
    ),
    "excel": Format(
        mapping(NAME, DAY, SEX, form="{type: excel, path: data}"),
        *(excel_row, in_a_workbook, damaged_sheet.every_cell),
        hurt=damaged_sheet.hurt,
    ),
    "sql": Format(
        mapping(NAME, DAY, SEX, form=f"{{{SQL}}}", record="    table: people"),
        *(sql_row, damaged_table.database, damaged_table.every_value),
        hurt=damaged_table.hurt,
        cache=2**21,
        raws=of_a_table,
    ),
    # What is kept of a database, of which later imports read what changed.
    "sql_changes": Format(
        mapping(
            *(NAME, DAY, SEX),
            form=f"{{{SQL}, changes: {{people: {{key: N}}}}}}",
            record="    table: people",
        ),
        *(sql_row, damaged_table.database, damaged_table.every_value),
        hurt=damaged_table.hurt,
        cache=2**21,
        raws=of_a_table,
        load=mirrored,
    ),
}


def source(folder: Path, form: Format, data: bytes) -> MappedSource:
    (folder / "data").write_bytes(data)
    (folder / "book.cpy").write_text(BOOK, encoding="ascii")
    (folder / "m.yaml").write_text(form.mapping, encoding="utf-8")
    return form.load(folder / "m.yaml")


@pytest.mark.parametrize("name", FORMATS)
def test_undamaged_rows_are_all_translated(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    data = form.join(form.row(n) for n in range(ROWS))
    made = source(tmp_path, form, data)
    found = list(made.rows())
    assert all(isinstance(r, Record) for r in found)
    assert made.tally.read == ROWS
    form.check(data, form.raws(tmp_path / "m.yaml"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_damaged_row_is_translated_or_set_aside(tmp_path: Path, name: str) -> None:
    form, read = FORMATS[name], 0

    @settings(max_examples=FILES, deadline=timedelta(seconds=60), database=None)
    @given(seed=st.integers(0, 2**64))
    def one_file(seed: int) -> None:
        nonlocal read
        chance = Random(seed)
        first = chance.randrange(10_000)
        data = form.file(chance, ROWS, lambda n: first + n)
        made = source(tmp_path, form, data)
        found = list(made.rows())
        tally = made.tally
        assert tally.read == tally.translated + tally.aside
        assert tally.set_aside == sum(isinstance(r, SetAside) for r in found)
        assert tally.records == sum(isinstance(r, Record) for r in found)
        assert not [r for r in found if isinstance(r, Record) and niem.findings(r.message)]
        for one in found:
            orjson.dumps(one)  # it can be stored: no half of a character is in any text
        form.check(data, form.raws(tmp_path / "m.yaml"))
        read += tally.read

    one_file()
    assert read * form.share >= WANTED * (1 if form.goes_on else 0.5)


@pytest.mark.parametrize("name", ["csv", "fixed"])
def test_lines_with_nothing_but_an_end_mark_are_no_rows(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    data = form.join([form.row(0), b"\x1a", form.row(1), b"", b"\x1a"])
    made = source(tmp_path, form, data)
    assert all(isinstance(r, Record) for r in made.rows())
    assert made.tally.read == 2
    form.check(data, form.raws(tmp_path / "m.yaml"))


@pytest.mark.parametrize("name", ["cobol_lengths", "nibrs"])
def test_damaged_lengths_cost_few_of_the_other_rows(tmp_path: Path, name: str) -> None:
    form, chance = FORMATS[name], Random(5)
    rows = [form.row(n) for n in range(ROWS)]
    hurt = set(chance.sample(range(ROWS), ROWS // 10))
    rows = [
        row[:1] + bytes([row[1] ^ 0x17]) + row[2:] if n in hurt else row
        for n, row in enumerate(rows)
    ]
    data = b"".join(rows)
    made = source(tmp_path, form, data)
    list(made.rows())
    # Of NIBRS, a wrong segment sets its whole incident aside.
    assert made.tally.translated >= ROWS - (6 if name == "nibrs" else 2) * len(hurt)
    assert made.tally.aside >= len(hurt)
    form.check(data, form.raws(tmp_path / "m.yaml"))


def until(found: Iterator[Record | SetAside], made: MappedSource, rows: int) -> None:
    """Read until so many rows were."""
    while made.tally.read < rows:
        next(found)


def least(found: Iterator[Record | SetAside], made: MappedSource, rows: int) -> Held:
    """Read until so many rows were; give the least held, as what is being read comes and goes."""
    first, seen = made.tally.read, [held()]
    for tenth in range(1, 11):
        until(found, made, first + (rows - first) * tenth // 10)
        seen.append(held())
    return Held(min(one.blocks for one in seen), min(one.heap for one in seen))


@pytest.fixture
def _few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is remembered of values, up to thousands, be full at once."""
    make = rules.Memo.__init__
    monkeypatch.setattr(
        rules.Memo, "__init__", lambda self, rule, most: make(self, rule, min(most, 20))
    )
    monkeypatch.setattr(dates, "lru_cache", lambda _: lru_cache(20))
    monkeypatch.setattr(shapes, "MOST", 20)


@pytest.mark.parametrize("name", [*(n for n, f in FORMATS.items() if f.goes_on), "nibrs, whole"])
@pytest.mark.usefixtures("_few_are_remembered")
@pytest.mark.skipif(not TOLD, reason="this system does not tell")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str) -> None:
    """Damaged ones; of NIBRS undamaged ones too, as few incidents outlive the damage."""
    form, chance = FORMATS[name.removesuffix(", whole")], Random(3)
    if name.endswith(", whole"):
        form = replace(form, hurt=lambda row, _: row, blocks=MOST_BLOCKS)
    rows = round(LONG / form.share)
    data = form.file(chance, LONG, lambda n: n)
    made = source(tmp_path, form, data)
    found = made.rows()
    gc.freeze()
    try:
        until(found, made, rows // 6)
        before, at = least(found, made, rows // 3), resident()
        until(found, made, rows * 2 // 3)
        after = least(found, made, rows * 5 // 6)
    finally:
        gc.unfreeze()
    between = rows // 2
    assert after.blocks - before.blocks < between * form.blocks
    assert after.heap - before.heap < between * MOST_BYTES + form.cache
    for _ in found:
        pass
    assert resident() - at < MOST_GROWTH
    assert made.tally.read == made.tally.translated + made.tally.aside
    assert made.tally.read * form.share >= LONG_WANTED
