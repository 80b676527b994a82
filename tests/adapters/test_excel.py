"""Excel workbooks: what a person sees is what is read; hostile ones are refused."""

import gc
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import excel_book
from adapters.excel import ExcelReader, letters
from adapters.rows import BadRow, Row
from gateway.errors import Misconfigured
from tests.memory import TOLD, held
from tests.soak import count

FUZZ = settings(
    max_examples=count(120, 20_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MOMENT = datetime(2026, 2, 3, 14, 30)  # noqa: DTZ001 - a cell has no zone
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(path: Path, *rows: Sequence[Any], formats: dict[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    book.save(path)
    return path


def by_hand(
    path: Path,
    sheet: str,
    *,
    strings: str = "",
    styles: str = "",
    more: dict[str, bytes] | None = None,
) -> Path:
    """Write a workbook part by part, so that it may hold what no library writes."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{LINKS}"><Relationship Id="r" '
        f'Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{REL}"><sheets>'
        '<sheet name="One" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{LINKS}">'
        f'<Relationship Id="a" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="b" Type="{REL}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        f'<Relationship Id="c" Type="{REL}/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
        "xl/styles.xml": f"<styleSheet {MAIN}>{styles}</styleSheet>",
        **(more or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return path


def sheet(rows: str, after: str = "") -> str:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData>{after}</worksheet>"


def text(value: str, place: str = "") -> str:
    at = f' r="{place}"' if place else ""
    return f'<c{at} t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = f'<row r="1">{text("ID")}{text("NAME")}</row>'


def read(path: Path, **spec: Any) -> list[Row | BadRow]:
    return list(ExcelReader(path, spec).rows())


def values(rows: Sequence[Row | BadRow]) -> list[object]:
    return [
        tuple(r.values.values()) if isinstance(r, Row) else (r.line, r.code, r.column, r.value)
        for r in rows
    ]


@pytest.mark.parametrize(
    ("value", "form", "shown"),
    [
        (12345, "General", "12345"),
        (12345.0, "0.00", "12345"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "100000000000000000000"),
        (-4.5, "General", "-4.5"),
        (501, "00000", "00501"),
        (12345678, r"000\-00\-0000", "012-34-5678"),
        (date(1987, 3, 12), "mm/dd/yyyy", "1987-03-12"),
        (MOMENT, "m/d/yy h:mm", "2026-02-03T14:30:00"),
        (MOMENT, "[$-409]d-mmm-yy;@", "2026-02-03"),
        (time(7, 5, 9), "h:mm AM/PM", "07:05:09"),
        (timedelta(hours=30), "[h]:mm", "30:00:00"),
        (date(1900, 1, 1), "mm/dd/yyyy", "1900-01-01"),
        ("00501", "General", "00501"),
        ("  a b ", "General", "a b"),
        (True, "General", "TRUE"),
        ("ÑU_x000D_", "General", "ÑU"),
        ("A_x0041_B_xD800_C_xdfff_", "General", "AAB_xD800_C_xdfff_"),
        ('=HYPERLINK("x")', "General", None),
    ],
)
def test_cells_are_read_as_a_person_sees_them(
    tmp_path: Path, value: Any, form: str, shown: str | None
) -> None:
    path = workbook(tmp_path / "f.xlsx", ["ID"], [value], formats={"A2": form})
    expected = (2, "excel.formula", "ID", "") if shown is None else (shown,)
    assert values(read(path)) == [expected]


@pytest.mark.parametrize(
    ("written", "style", "code"),
    [
        ("1e308", 1, "excel.date"),
        ("-2958466", 1, "excel.date"),
        ("1e308", 2, "excel.date"),
        ("2958465.999999", 2, "excel.date"),
        ("1_0", 0, "excel.number"),
        ("٣", 0, "excel.number"),
        ("NaN", 1, "excel.number"),
    ],
)
def test_a_number_that_is_none_or_no_moment_sets_its_row_aside(
    tmp_path: Path, written: str, style: int, code: str
) -> None:
    styles = '<numFmts><numFmt numFmtId="164" formatCode="[h]:mm"/></numFmts><cellXfs>'
    styles += "".join(f'<xf numFmtId="{n}"/>' for n in (0, 164, 14)) + "</cellXfs>"
    path = tmp_path / "f.xlsx"
    rows = f'<row><c s="{style}"><v>{written}</v></c>{text("A")}</row><row>{text("1")}</row>'
    by_hand(path, sheet(HEADER + rows), styles=styles)
    assert values(read(path)) == [(2, code, "ID", written), ("1", "")]


def test_a_row_with_two_cells_of_one_column_is_kept_whole(tmp_path: Path) -> None:
    rows = f"<row>{text('1', 'A2')}{text('2', 'A2')}{text('B', 'B2')}</row>"
    (bad,) = read(by_hand(tmp_path / "f.xlsx", sheet(HEADER + rows)))
    assert (bad.raw, values([bad])) == ("1 2\tB", [(2, "excel.cell_twice", "ID", "1 2")])


def test_dates_may_count_from_1904(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert book.active is not None
    book.active.append(["ID"])
    book.active.append([date(1999, 12, 31)])
    book.save(tmp_path / "f.xlsx")
    assert values(read(tmp_path / "f.xlsx")) == [("1999-12-31",)]


def test_a_day_behind_the_last_one_counted_from_1904_sets_its_row_aside(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert book.active is not None
    for number in ("ID", 2_957_003, 2_957_004):
        book.active.append([number])
        book.active.cell(book.active.max_row, 1).number_format = "mm/dd/yyyy"
    book.save(tmp_path / "f.xlsx")
    assert values(read(tmp_path / "f.xlsx")) == [
        ("9999-12-31",),
        (3, "excel.date", "ID", "2957004"),
    ]


def test_the_stored_value_of_a_formula_counts_and_an_error_sets_aside(tmp_path: Path) -> None:
    rows = '<row r="2"><c><f>1+1</f><v>2</v></c><c t="str"><f>"A"</f><v>A</v></c></row>'
    rows += '<row r="3"><c t="e"><f>x</f><v>#N/A</v></c><c><v>1</v></c></row>'
    path = by_hand(tmp_path / "f.xlsx", sheet(HEADER + rows))
    assert values(read(path)) == [("2", "A"), (3, "excel.error", "ID", "#N/A")]
    assert values(read(path, errors="blank")) == [("2", "A"), ("", "1")]


def test_shared_and_rich_strings(tmp_path: Path) -> None:
    strings = "<si><t>ID</t></si><si><r><t>MU</t></r><r><t xml:space='preserve'>ÑOZ </t></r>"
    strings += "<rPh><t>spoken</t></rPh></si>"
    rows = '<row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>'
    rows += '<row><c t="s"><v>2</v></c></row>'
    path = by_hand(tmp_path / "f.xlsx", sheet(rows), strings=strings)
    assert values(read(path)) == [("MUÑOZ",), (3, "excel.text", "ID", "2")]


def test_headers_blank_rows_and_columns_out_of_place(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "f.xlsx",
        ["Roster of 2026"],
        [],
        ["ID", None, "NAME"],
        [],
        [1, None, "A"],
        [2, 3],
    )
    assert values(read(path, header=3)) == [("1", "A"), (6, "row.columns", None, None)]
    with pytest.raises(Misconfigured, match="nothing stands in row 2"):
        read(path, header=2)
    found = read(path, columns=["X", "Y", "Z"])
    assert values(found)[0] == ("Roster of 2026", "", "")
    assert [r.line for r in found] == [1, 3, 5, 6]


def test_merged_cells_stand_in_all_their_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in (["ID", "NAME"], [1, "A"], [2], [3], [4, "B"]):
        page.append(row)
    page.merge_cells("B2:B4")
    book.save(tmp_path / "f.xlsx")
    assert values(read(tmp_path / "f.xlsx")) == [("1", "A"), ("2", "A"), ("3", "A"), ("4", "B")]


def test_the_sheet_is_chosen_by_name_and_hidden_ones_are_not_chosen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Warrants"
    book.active.append(["NO"])
    hidden = book.create_sheet("Lists")
    hidden.append(["CODE"])
    hidden.append(["X"])
    hidden.sheet_state = "hidden"
    path = tmp_path / "f.xlsx"
    book.save(path)
    assert ExcelReader(path, {}).columns().own == {"NO"}
    assert ExcelReader(path, {}).stated() == ("f.xlsx: sheet Warrants, header in row 1",)
    assert values(read(path, sheet="Lists")) == [("X",)]
    hidden.sheet_state = "visible"
    book.save(path)
    with pytest.raises(Misconfigured, match=r"say with `sheet` .*: Warrants, Lists"):
        ExcelReader(path, {}).columns()
    with pytest.raises(Misconfigured, match="there is no sheet Warrant; there are: Warrants"):
        ExcelReader(path, {"sheet": "Warrant"}).columns()


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**14), 10**14),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda f: round(f, 4)),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="="), max_size=8
    ),
    st.dates(date(1900, 3, 1), date(2100, 1, 1)),
    st.datetimes(datetime(1900, 3, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - cells have no zone
        lambda d: d.replace(microsecond=0)
    ),
)


def as_shown(value: Any) -> str:
    """Write what openpyxl reads as it should be given."""
    if value is None:
        return ""
    if isinstance(value, float):
        return format(value, ".15g") if value % 1 else str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).strip()


@settings(FUZZ, max_examples=count(40, 2_000))
@given(table=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6))
def test_another_reader_reads_the_same(tmp_path: Path, table: list[tuple[Any, ...]]) -> None:
    path = workbook(tmp_path / "f.xlsx", ["A", "B", "C"], *table)
    page = openpyxl.load_workbook(path, data_only=True).active
    assert page is not None
    for at, row in enumerate(page.iter_rows(min_row=2), 2):
        given_back = tuple(as_shown(c.value) for c in row)
        ours = [r for r in read(path) if r.line == at]
        dates = [isinstance(v, date) and not isinstance(v, datetime) for v in table[at - 2]]
        expected = tuple(
            v.removesuffix("T00:00:00") if is_date else v
            for v, is_date in zip(given_back, dates, strict=False)
        )
        if any(expected):
            assert values(ours) == [expected + ("",) * (3 - len(expected))]
        else:
            assert not ours


# -- hostile ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no Excel workbook"),
        (b"ID,NAME\n", "no Excel workbook"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "old .xls"),
        (b"PK\x05\x06" + bytes(18), "no Excel workbook"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "f.xlsx"
    path.write_bytes(data)
    with pytest.raises(Misconfigured, match=rf"^f\.xlsx: .*{words}"):
        ExcelReader(path, {}).columns()


def test_a_bomb_is_refused_before_it_goes_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel_book, "MAX_STRINGS", 2**20)
    strings = f"<si><t>{'A' * 2**21}</t></si>"
    path = by_hand(tmp_path / "f.xlsx", sheet(HEADER), strings=strings)
    with pytest.raises(Misconfigured, match="larger than 1,048,576 bytes"):
        ExcelReader(path, {}).columns()


def test_a_part_that_lies_about_its_size_does_not_go_beyond_it(tmp_path: Path) -> None:
    path = by_hand(tmp_path / "f.xlsx", sheet(HEADER + f"<row>{text('A' * 300_000)}</row>" * 9))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        size = package.getinfo("xl/worksheets/sheet1.xml").file_size
    for at in range(len(data) - 4):
        if data[at : at + 4] == size.to_bytes(4, "little"):
            data[at : at + 4] = (5_000).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(Misconfigured, match="its checksum is wrong"):
        read(path)


LAUGHS = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))


def test_entities_are_refused_in_every_part(tmp_path: Path) -> None:
    laughing = sheet(f"<row>{text('&e9;')}</row>")
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{LAUGHS}]>{laughing}'
    for part in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"):
        path = by_hand(tmp_path / "f.xlsx", sheet(HEADER), more={part: bomb.encode()})
        with pytest.raises(Misconfigured, match="document type"):
            ExcelReader(path, {}).columns()


def test_made_up_places_neither_hang_nor_lose_a_row(tmp_path: Path) -> None:
    rows = f'<row r="999999999">{text("1")}{text("A")}</row>'
    rows += f'<row r="x"><c r="??1"><v>2</v></c>{text("B", "B7")}</row>'
    rows += f'<row r="5">{text("3", "A5")}{text("C", "ZZZ5")}</row>'
    rows += f'<row r="2">{text("4", "A2")}{text("D", "A2")}</row>'
    rows += '<row r="9"><c s="99999"><v>5</v></c><c t="?"><v>E</v></c></row>'
    rows += '<row r="10"><c><v>1e999</v></c></row>'
    path = by_hand(tmp_path / "f.xlsx", sheet(HEADER + rows))
    assert values(read(path)) == [
        ("1", "A"),
        ("2", "B"),
        (5, "row.columns", None, None),
        (6, "excel.cell_twice", "ID", "4 D"),
        ("5", "E"),
        (10, "excel.number", "ID", "1e999"),
    ]


def test_what_was_read_before_the_damage_counts(tmp_path: Path) -> None:
    whole = sheet(HEADER + f'<row r="2">{text("1")}{text("A")}</row><row r="3">')
    path = by_hand(tmp_path / "f.xlsx", whole)
    good, bad = read(path)
    assert isinstance(good, Row)
    assert isinstance(bad, BadRow)
    assert (bad.code, bad.line) == ("excel.damaged", 3)
    assert "what follows was not" in bad.text


MANY = 20_000


@pytest.mark.skipif(not TOLD, reason="this system does not tell")
@pytest.mark.parametrize("shared", [False, True])
def test_a_large_sheet_is_read_in_little_memory(tmp_path: Path, *, shared: bool) -> None:
    """Texts in their cells, or all in one part, as Excel writes them; there each is another one."""
    names = [f"TESTER{n:06}, QUILL JUNIPER" for n in range(MANY)]
    strings = "".join(f"<si><t>{name}</t></si>" for name in names) if shared else ""
    rows = "".join(
        f'<row><c><v>{n}</v></c><c t="s"><v>{n}</v></c></row>'
        if shared
        else f"<row><c><v>{n}</v></c>{text(names[n])}</row>"
        for n in range(MANY)
    )
    reader = ExcelReader(by_hand(tmp_path / "f.xlsx", sheet(HEADER + rows), strings=strings), {})
    most = sum(map(len, names)) * 9 // 8 + 4 * MANY if shared else 0
    del rows, strings
    gc.freeze()
    before, seen = held(), []
    try:
        for n, row in enumerate(reader.rows()):
            assert isinstance(row, Row)
            assert row.values["NAME"] == names[n]
            if n % (MANY // 8) == 0:
                seen.append(held())
    finally:
        gc.unfreeze()
    assert len(seen) == 8
    # Some blocks of the file are in memory as a tree, and the texts once, as bytes.
    assert max(one.blocks for one in seen) - before.blocks < 8_000
    assert max(one.heap for one in seen) - before.heap < most + 2**21
    assert seen[-1].blocks - seen[2].blocks < 3_000


GOOD = sheet(HEADER + "".join(f'<row r="{n}">{text(str(n))}{text("N")}</row>' for n in range(2, 9)))


@FUZZ
@given(data=st.data())
def test_whatever_stands_in_a_sheet_every_row_before_the_damage_is_read(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = GOOD.encode()
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=5) | st.sampled_from([b"<c>", b"</row>", b"<v>7</v>"]))
    broken = whole[:at] + junk + whole[at + data.draw(st.integers(0, 30)) :]
    by_hand(tmp_path / "f.xlsx", "", more={"xl/worksheets/sheet1.xml": broken})
    before = max(0, whole[:at].count(b"</row>") - 1)
    try:
        rows = read(tmp_path / "f.xlsx")
    except Misconfigured:
        assert before == 0
        return
    assert values(rows)[:before] == [(str(n), "N") for n in range(2, before + 2)]
    assert [r.line for r in rows] == sorted({r.line for r in rows})


@pytest.mark.parametrize("junk", [b"\0", b"\x1f", b"\xef\xbf\xbf"])
def test_a_sheet_whose_first_name_no_xml_can_hold_is_refused_or_set_aside(
    tmp_path: Path, junk: bytes
) -> None:
    whole = GOOD.encode()
    at = whole.index(b"worksheet") + 4
    broken = whole[:at] + junk + whole[at:]
    by_hand(tmp_path / "f.xlsx", "", more={"xl/worksheets/sheet1.xml": broken})
    with pytest.raises(Misconfigured):
        read(tmp_path / "f.xlsx")


@FUZZ
@given(data=st.data())
def test_a_damaged_package_gives_all_rows_or_none(tmp_path: Path, data: st.DataObject) -> None:
    path = by_hand(tmp_path / "f.xlsx", GOOD, strings="<si><t>x</t></si>")
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))]))
    try:
        rows = read(path)
    except Misconfigured:
        return
    assert values(rows) == [(str(n), "N") for n in range(2, 9)]


def test_columns_are_named_as_excel_names_them() -> None:
    assert [letters(n) for n in (0, 25, 26, 701, 702, 16383)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]
