"""Files that are made to exhaust a reader: each is read or refused in little memory, and in time.

Each runs in a process of its own, whose memory has a lid: what asks for more is killed by it.
"""

import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from tests.adapters import under_lid
from tests.adapters.cobol_bytes import copybook
from tests.forked import Forked
from tests.soak import SOAK, count

MORE = count(160, 256) * 2**20
"""Bytes that a process may have more than Python, the readers and their libraries take."""
SECONDS = 120
BIG = count(200, 700) * 2**20
"""More than that, of whatever the file says that it holds."""


class Hostile(NamedTuple):
    """A file, what its mapping says, and what must come of it: good rows, and why others not."""

    spec: dict[str, Any]
    write: Callable[[Path], None]
    good: int
    codes: set[str]


def sparse(start: bytes, size: int, end: bytes = b"") -> Callable[[Path], None]:
    """Write a file that is noughts between its start and its end, and takes no place on disk."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(start)
            file.seek(len(start) + size)
            file.write(end or b"\0")

    return write


def repeated(start: bytes, piece: bytes, size: int, end: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        block = piece * max(1, 2**20 // len(piece))
        with path.open("wb") as file:
            file.write(start)
            for _ in range(size // len(block)):
                file.write(block)
            file.write(end)

    return write


BOOK = (
    '<workbook xmlns="{m}" xmlns:r="{r}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    "</workbook>"
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(sheet: bytes, filler: bytes, size: int, end: bytes) -> Callable[[Path], None]:
    """Write a workbook whose sheet inflates to much more than it takes."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
            kind = f"{RELATIONS}/officeDocument"
            of = (
                '<Relationships xmlns="{}"><Relationship Id="r1" Type="{}" Target="{}"/>'
                "</Relationships>"
            )
            package.writestr("_rels/.rels", of.format(PACKAGE, kind, "xl/workbook.xml"))
            package.writestr("xl/workbook.xml", BOOK.format(m=MAIN, r=RELATIONS))
            package.writestr(
                "xl/_rels/workbook.xml.rels",
                of.format(PACKAGE, f"{RELATIONS}/worksheet", "worksheets/sheet1.xml"),
            )
            with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
                part.write(sheet)
                for _ in range(size // len(filler)):
                    part.write(filler)
                part.write(end)

    return write


HEADER = (
    f'<worksheet xmlns="{MAIN}"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>A</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>'
).encode()
WIDE_ROW = b"<v>1</v>" * 2**17
CSV = {"type": "csv", "encoding": "utf-8", "delimiter": ","}
FIXED = {"type": "fixed", "encoding": "ascii", "width": 4, "columns": {"A": [1, 4]}}
XML = {"type": "xml", "record": "x", "columns": {"A": "v"}}
COBOL = {"type": "cobol", "encoding": "cp037", "copybook": "book.cpy"}
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))

HOSTILE = {
    "csv: one line without end": Hostile(
        CSV, sparse(b"A,B\n1,2\n", BIG, b"\n3,4\n"), 2, {"row.too_long"}
    ),
    "csv: a quote that never ends": Hostile(
        CSV,
        repeated(b'A,B\n1,2\n3,"', b"x" * 79 + b"\n", count(3, 24) * 2**20, b""),
        1,
        {"row.quotes", "row.columns"},
    ),
    "csv: a line of commas": Hostile(
        CSV, repeated(b"A,B\n1,2\n", b"," * 2**19 + b"\n", 2**24, b""), 1, {"row.columns"}
    ),
    "csv: a header of commas": Hostile(CSV, sparse(b"," * 2**21, 10), 0, {"refused"}),
    "csv: found out of one line": Hostile(
        {"type": "csv"}, sparse(b"A,B\n1,2\n", BIG), 0, {"refused"}
    ),
    "fixed: one line without end": Hostile(
        FIXED, sparse(b"ABCD\n", BIG, b"\nABCD\n"), 2, {"row.width"}
    ),
    "nibrs: no line and no length": Hostile(
        {"type": "nibrs"},
        repeated(b"", b"9" * 2**10, count(8, 24) * 2**20, b""),
        0,
        {"nibrs.length"},
    ),
    "nibrs: an incident of nothing but segments": Hostile(
        {"type": "nibrs"},
        repeated(
            b"00871I012020    TX9990000N00000000001" + b" " * 50 + b"\n",
            b"00455I012020    TX9990000N0000000000101      X\n".replace(b"      X", b"      "),
            3 * 2**20,
            b"",
        ),
        0,
        {"nibrs.too_many", "nibrs.incomplete"},
    ),
    "xml: entities of entities": Hostile(
        XML,
        lambda path: (
            path.write_text(f'<!DOCTYPE r [<!ENTITY e0 "x">{ENTITIES}]><r><x><v>&e11;</v></x></r>')
            and None
        ),
        0,
        {"refused"},
    ),
    "xml: a record without end": Hostile(
        XML,
        repeated(b"<r><x><v>1</v></x><x>", b"<v>1</v>", 64 * 2**20, b"</x></r>"),
        1,
        {"xml.too_large"},
    ),
    "xml: a text without end": Hostile(
        XML,
        repeated(b"<r><x><v>1</v></x><x><v>", b"y" * 2**10, 64 * 2**20, b"</v></x></r>"),
        1,
        {"xml.damaged"},
    ),
    "xml: nothing that is a record": Hostile(
        XML, repeated(b"<r>", b"<y>1</y>", 64 * 2**20, b"</r>"), 0, set()
    ),
    "xml: elements without end": Hostile(
        XML, repeated(b"<r><x><v>1</v></x><x>", b"<y>", 2**20, b""), 1, {"xml.damaged"}
    ),
    "xml: a tag without end": Hostile(
        XML,
        repeated(b'<r><x><v>1</v></x><x a="', b"z" * 2**10, 64 * 2**20, b'"/></r>'),
        1,
        {"xml.damaged"},
    ),
    "excel: a row that inflates": Hostile(
        {"type": "excel"},
        workbook(
            HEADER + b'<row r="3">',
            WIDE_ROW,
            count(17, 32) * 2**20,
            b"</row></sheetData></worksheet>",
        ),
        1,
        {"excel.too_large"},
    ),
    "excel: noughts": Hostile(
        {"type": "excel"}, workbook(HEADER, b"\0" * 2**20, BIG, b""), 1, {"excel.damaged"}
    ),
    "cobol: a part that occurs without end": Hostile(
        {**COBOL, "occurs": "01 R. 05 A PIC X. 05 T OCCURS 999999999. 10 B PIC X(99999)."},
        sparse(b"", 10),
        0,
        {"refused"},
    ),
    "cobol: parts in parts in parts": Hostile(
        {**COBOL, "occurs": "01 R. 05 T OCCURS 999. 10 U OCCURS 999. 15 V OCCURS 999. 20 B PIC X."},
        sparse(b"", 10),
        0,
        {"refused"},
    ),
    "cobol: a picture without end": Hostile(
        {**COBOL, "occurs": "01 R. 05 A PIC X(999999999)."}, sparse(b"", 10), 0, {"refused"}
    ),
    "cobol: noughts for lengths": Hostile(
        {**COBOL, "record": "rdw", "occurs": "01 R. 05 A PIC X(4)."},
        sparse(b"", 2**22),
        0,
        {"cobol.rdw"},
    ),
    "cobol: the longest lengths": Hostile(
        {**COBOL, "record": "rdw", "occurs": "01 R. 05 A PIC X(4)."},
        repeated(b"", struct.pack(">HH", 0xFFFF, 0) + b"x" * 2**10, 2**24, b""),
        0,
        {"cobol.rdw"},
    ),
}


SLOW = ("csv: one line without end", "xml: a record without end", "xml: nothing that is a record")


@pytest.mark.parametrize("name", [n for n in HOSTILE if SOAK or n not in SLOW])
@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="no lid on memory here")
def test_a_hostile_file_is_read_or_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    case = HOSTILE[name]
    path, spec = tmp_path / "data", dict(case.spec)
    if occurs := spec.pop("occurs", None):
        sentences = [f"{line.strip()}." for line in occurs.split(".") if line.strip()]
        (tmp_path / "book.cpy").write_text(copybook(*sentences), encoding="ascii")
        spec["copybook"] = str(tmp_path / "book.cpy")
    case.write(path)
    process = Forked(under_lid.read, str(path), spec, MORE)
    assert process.wait(SECONDS) == 0
    path.unlink()
    (line,) = process.lines
    good, bad = orjson.loads(line)
    assert (good, set(bad)) == (case.good, case.codes), bad


def test_the_lid_is_one(tmp_path: Path) -> None:
    """What takes more than it may is ended by it, so that the others show something."""
    (tmp_path / "data").write_bytes(b"A,B\n" + b"1,2\n" * 10)
    process = Forked(under_lid.read, str(tmp_path / "data"), CSV, 2**16)
    assert process.wait(SECONDS) != 0
    assert not process.lines
