"""A hundred thousand damaged rows of every format, from the file to the record.

The example of another package's format is read as well, installed as such.
No crash, no hang, no memory that grows, and the sum adds up: each row is translated or set aside.
All rows of a file are damaged; its seed is what a failure names. The rows read are counted, since
damage joins some and empties others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters import MappedSource
from adapters.mapping import MappingFile
from adapters.opening import open_reader
from demo.new_mexico import NewMexico
from gateway import niem
from gateway.model import Record, SetAside
from tests.adapters.cobol_bytes import copybook, described, packed, text, zoned
from tests.adapters.damage import damaged
from tests.adapters.small_mapping import BORN, NAME, SEX, mapping
from tests.conftest import ROOT
from tests.soak import count

pytestmark = pytest.mark.usefixtures("example_package")
ROWS = count(100, 1_000)
FILES = count(4, 130)
WANTED = count(350, 100_000)
"""Damaged rows that must have been read of each format."""
LONG = count(3_000, 120_000)
LONG_WANTED = count(2_700, 100_000)
MOST_GROWTH = 24 * 2**20
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


def segments() -> list[bytes]:
    bureau = NewMexico(seed=2)
    for number in range(1, 60):
        bureau.incident(number)
    return [line.encode() for line in bureau.lines]


SEGMENTS = segments()


def segment(number: int) -> bytes:
    return SEGMENTS[number % len(SEGMENTS)]


def in_lines(rows: Iterable[bytes]) -> bytes:
    return b"\n".join(rows)


def with_blank_lines(rows: Iterable[bytes]) -> bytes:
    return b"\n\n".join(rows)


def with_header(rows: Iterable[bytes]) -> bytes:
    return b"ID,NAME,BORN,SEX\n" + in_lines(rows)


# -- what must be found again -------------------------------------------------------------------


def all_lines(data: bytes, raws: Sequence[str]) -> None:
    """Every line that holds something is in one row."""
    header = data.startswith(b"ID,")
    written = [x for x in data.split(b"\n")[header:] if x.strip(b"\r").strip()]
    taken = [x for raw in raws for x in raw.split("\n") if x.strip(" \t\n\r\x0b\x0c")]
    assert len(taken) == len(written)


def one_row_a_line(data: bytes, raws: Sequence[str]) -> None:
    assert len(raws) == len([x for x in data.split(b"\n") if x.rstrip(b"\r\n")])


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


@dataclass(frozen=True)
class Format:
    """One format: its mapping, its rows, how they stand in a file, what must be found again."""

    mapping: str
    row: Callable[[int], bytes]
    join: Callable[[Iterable[bytes]], bytes]
    check: Callable[[bytes, Sequence[str]], None]
    share: float = 1.0
    """Of the rows, those that are damaged."""

    def file(self, chance: Random, rows: int, numbers: Callable[[int], int]) -> bytes:
        """Write a file with so many damaged rows; `numbers` says which rows it holds."""
        return self.join(
            damaged(row, chance) if chance.random() < self.share else row
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
    "nibrs": Format(NIBRS.replace("../sources/nibrs.txt", "data"), segment, in_lines, every_letter),
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
}


def source(folder: Path, form: Format, data: bytes) -> MappedSource:
    (folder / "data").write_bytes(data)
    (folder / "book.cpy").write_text(BOOK, encoding="ascii")
    (folder / "m.yaml").write_text(form.mapping, encoding="utf-8")
    return adapters.load(folder / "m.yaml")


def raws(folder: Path) -> list[str]:
    opened = MappingFile(folder / "m.yaml")
    return [r.raw for r in open_reader(opened, opened.format, "format").rows()]


@pytest.mark.parametrize("name", FORMATS)
def test_undamaged_rows_are_all_translated(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    data = form.join(form.row(n) for n in range(ROWS))
    made = source(tmp_path, form, data)
    found = list(made.rows())
    assert all(isinstance(r, Record) for r in found)
    assert made.tally.read == ROWS
    form.check(data, raws(tmp_path))


@pytest.mark.parametrize("name", FORMATS)
def test_every_damaged_row_is_translated_or_set_aside(tmp_path: Path, name: str) -> None:
    form, read = FORMATS[name], 0

    @settings(max_examples=FILES, deadline=timedelta(seconds=60), database=None)
    @given(seed=st.integers(0, 2**64))
    def one_file(seed: int) -> None:
        nonlocal read
        chance = Random(seed)
        data = form.file(chance, ROWS, lambda _: chance.randrange(10_000))
        made = source(tmp_path, form, data)
        found = list(made.rows())
        tally = made.tally
        assert tally.read == tally.translated + tally.aside
        assert tally.set_aside == sum(isinstance(r, SetAside) for r in found)
        assert tally.records == sum(isinstance(r, Record) for r in found)
        assert not [r for r in found if isinstance(r, Record) and niem.findings(r.message)]
        form.check(data, raws(tmp_path))
        read += tally.read

    one_file()
    assert read * form.share >= WANTED


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
    # Of NIBRS, a wrong first segment leaves those of its incident without one.
    assert made.tally.translated >= ROWS - (4 if name == "nibrs" else 2) * len(hurt)
    assert made.tally.aside >= len(hurt)
    form.check(data, raws(tmp_path))


def resident() -> int:
    """Count the bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell")
def test_memory_does_not_grow_with_the_damaged_rows(tmp_path: Path, name: str) -> None:
    form, chance = FORMATS[name], Random(3)
    data = form.file(chance, LONG, lambda n: n)
    made = source(tmp_path, form, data)
    rows = made.rows()
    for _ in range(LONG // 3):
        next(rows, None)
    before = resident()
    for _ in rows:
        pass
    assert resident() - before < MOST_GROWTH
    assert made.tally.read == made.tally.translated + made.tally.aside
    assert made.tally.read * form.share >= LONG_WANTED
