"""Rows of a workbook's sheet, and damage to their cells: text, type, style, place."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from random import Random

from tests.adapters.damage import DATES, in_xml, odd

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
CELL = re.compile(r"<c\b[^>]*>.*?</c>", re.DOTALL)
TYPES = ("s", "e", "b", "d", "n", "str", "inlineStr", "?", "")
PLACES = ("A1", "B9", "D2", "E3", "ZZZ5", "a1", "?", "")
FORMATS = ("14", "0", "49", "164", "165", "22")
DAY_ZERO = date(1899, 12, 30)


def shared_cell(index: int | str) -> str:
    return f'<c t="s"><v>{index}</v></c>'


def inline_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{in_xml(text)}</t></is></c>'


def row(key: str, name: int, born: date, sex: int) -> bytes:
    """Write a row as Excel does, but for its key: texts are shared, a day is a number."""
    day = f'<c s="0"><v>{(born - DAY_ZERO).days}</v></c>'
    return f"<row>{inline_cell(key)}{shared_cell(name)}{day}{shared_cell(sex)}</row>".encode()


INTO_CELL: Sequence[Callable[[str, Random], str]] = (
    lambda _, __: "",
    lambda cell, _: cell * 2,
    lambda _, __: "<c></c>",
    lambda _, __: '<c t="inlineStr"></c>',
    lambda _, __: '<c t="s"><f>A1</f></c>',
    lambda _, __: "<c><f>1/0</f></c>",
    lambda _, __: '<c t="e"><v>#REF!</v></c>',
    lambda cell, c: f"<c r='{c.choice(PLACES)}'>{cell.partition('>')[2]}",
    lambda cell, c: cell if " r=" in cell else cell.replace("<c ", f"<c r='{c.choice(PLACES)}' "),
    lambda cell, c: f"<c s='{c.choice((1, 2, 3, 4, 5, 99, 'x'))}'>{cell.partition('>')[2]}",
    lambda cell, c: f"<c t='{c.choice(TYPES)}'>{cell.partition('>')[2]}",
    lambda _, c: shared_cell(c.choice((7, 99_999, -1, "9" * 40, "x", "²"))),
    lambda _, c: f"<c s='{c.randrange(6)}'><v>{c.choice(DATES)}</v></c>",
    lambda _, c: f"<c s='{c.randrange(6)}'><v>{c.uniform(-1e6, 4e6)!r}</v></c>",
    lambda _, c: f"<c><v>{c.choice(('NaN', '1e999', '-0', '0x1', '1_0', '٣', '9' * 400))}</v></c>",
)


def hurt(written: bytes, chance: Random) -> bytes:
    """Damage the cells of a sheet's row, or the row's own number."""
    text = written.decode()
    for _ in range(chance.randint(1, 3)):
        found = list(CELL.finditer(text))
        if not found:
            break
        one = chance.choice(found)
        kind = chance.randrange(4)
        if kind == 0:
            number = chance.choice(("1", "0", "-4", "999999999", "x", "²", ""))
            text = text.replace("<row>", f'<row r="{number}">')
        elif kind == 1:
            made = inline_cell(odd("SMITH, ANA", chance))
            text = text[: one.start()] + made + text[one.end() :]
        else:
            made = chance.choice(INTO_CELL)(one[0], chance)
            text = text[: one.start()] + made + text[one.end() :]
    return text.encode()


def workbook(shared: Sequence[str], header: Sequence[str], rows: Iterable[bytes]) -> bytes:
    """Write a workbook of one sheet; its styles are `FORMATS`."""
    link = f'<Relationship Id="{{}}" Type="{OFFICE}/{{}}" Target="{{}}"/>'
    links = f'<Relationships xmlns="{LINKS}">{{}}</Relationships>'
    own = (("a", "worksheet", "s.xml"), ("b", "sharedStrings", "t.xml"), ("c", "styles", "y.xml"))
    named = f'<sheets><sheet name="S" sheetId="1" xmlns:r="{OFFICE}" r:id="a"/></sheets>'
    texts = "".join(f"<si><t>{in_xml(text)}</t></si>" for text in shared)
    formats = "".join(f'<xf numFmtId="{number}"/>' for number in FORMATS)
    codes = '<numFmt numFmtId="164" formatCode="000\\-00"/>'
    codes += '<numFmt numFmtId="165" formatCode="[h]:m"/>'
    styles = f"<numFmts>{codes}</numFmts><cellXfs>{formats}</cellXfs>"
    parts = {
        "_rels/.rels": links.format(link.format("r", "officeDocument", "xl/w.xml")),
        "xl/w.xml": f'<workbook xmlns="{MAIN}">{named}</workbook>',
        "xl/_rels/w.xml.rels": links.format("".join(link.format(*one) for one in own)),
        "xl/t.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
        "xl/y.xml": f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>',
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, part in parts.items():
            package.writestr(name, part)
        with package.open("xl/s.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData><row>'.encode())
            sheet.write("".join(map(inline_cell, header)).encode() + b"</row>")
            for one in rows:
                sheet.write(one)
            sheet.write(b"</sheetData></worksheet>")
    return made.getvalue()


def every_cell(data: bytes, raws: Sequence[str]) -> None:
    """Each row with something in it is one, with every text that stands in it."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        sheet = ET.fromstring(package.read("xl/s.xml"))  # noqa: S314 - made here
    rows = list(sheet.iter(f"{{{MAIN}}}row"))[1:]
    filled = [cells for cells in rows if any(map(_shows, cells))]
    assert len(raws) == len(filled)
    for raw, cells in zip(raws, filled, strict=True):
        for cell in cells:
            if cell.get("t") == "inlineStr":
                # What a line of the export can't hold apart: tabs, and escapes that stand for them.
                for word in re.split(r"\s|_x[0-9A-F]{4}_", _inline(cell)):
                    assert word in raw


def _inline(cell: ET.Element) -> str:
    return "".join(t.text or "" for t in cell.iterfind(f"{{{MAIN}}}is/{{{MAIN}}}t"))


def _shows(cell: ET.Element) -> bool:
    """Whether a person would see something in a cell, or a formula without its value."""
    kind, value = cell.get("t", "n"), cell.findtext(f"{{{MAIN}}}v") or ""
    if kind == "inlineStr":
        return bool(_inline(cell).replace("_x0000_", "").strip("\0 \t\r\n\x1c\x1d\x1e\x1f\x85\xa0"))
    if not value:
        return kind != "str" and cell.find(f"{{{MAIN}}}f") is not None
    return True
