"""What stands in COBOL items, bit by bit, and what can't."""

import struct
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.rows import BadRow, Row
from tests.adapters.cobol_bytes import copybook, packed, rows, seen, text, zoned
from tests.soak import count


def value(folder: Path, clause: str, data: bytes, **spec: object) -> str | tuple[str, str | None]:
    """Read one item: its text, or the code and value for which its row is set aside."""
    (row,) = rows(folder, copybook("01 R.", f"   05 A {clause}."), data, **spec)
    return row.values["A"] if isinstance(row, Row) else (row.code, row.value)


@pytest.mark.parametrize(
    ("clause", "data", "found"),
    [
        ("PIC X(6)", text("AB C", 6), "AB C"),
        ("PIC X(3)", b"\0\0\0", ""),
        ("PIC X(3)", b"\xff\xff\xff", ""),
        ("PIC 9(6)", zoned(10226, 6), "010226"),
        ("PIC 9(6)", text("   123", 6), "000123"),
        ("PIC 9(6)", b"\x40" * 6, ""),
        ("PIC 9(6)", b"\x00" * 6, ""),
        ("PIC 9(3)", b"\xf1\xf2\xc3", "123"),
        ("PIC S9(4)", zoned(-12, 4, signed=True), "-0012"),
        ("PIC S9(4)", zoned(12, 4, signed=True), "0012"),
        ("PIC S9(4)", zoned(12, 4), "0012"),
        ("PIC S9(4)", zoned(0, 3) + b"\xd0", "0000"),
        ("PIC S9(3)V99", zoned(-1250, 5, signed=True), "-12.50"),
        ("PIC 9(3)V99", zoned(5, 5), "0.05"),
        ("PIC V99", zoned(5, 2), "0.05"),
        ("PIC PP99", zoned(5, 2), "0.0005"),
        ("PIC 99P(3)", zoned(5, 2), "05000"),
        ("PIC S9(3) SIGN LEADING", b"\xd1\xf2\xf3", "-123"),
        ("PIC S9(3) SIGN LEADING SEPARATE", text("-123", 4), "-123"),
        ("PIC S9(3) SIGN TRAILING SEPARATE", text("123+", 4), "123"),
        ("PIC S9(3) SIGN TRAILING SEPARATE", b"\x40" * 4, ""),
        ("PIC 9(5) COMP-3", packed(123, 5), "00123"),
        ("PIC 9(4) COMP-3", packed(123, 4), "0123"),
        ("PIC S9(7)V99 COMP-3", packed(-98891, 9, signed=True), "-988.91"),
        ("PIC S9(3) PACKED-DECIMAL", b"\x12\x3a", "123"),
        ("PIC S9(3) PACKED-DECIMAL", b"\x12\x3b", "-123"),
        ("PIC S9(3) COMP-3", b"\x40\x40", ""),
        ("PIC S9(3) COMP-3", b"\xff\xff", ""),
        ("PIC 9(5) COMP-6", b"\x01\x23\x45", "12345"),
        ("PIC S9(4) COMP", b"\xff\xfe", "-0002"),
        ("PIC 9(4) BINARY", b"\xff\xfe", "65534"),
        ("PIC S9(9)V99 COMP-4", (98891).to_bytes(8, "big"), "988.91"),
        ("PIC 9(4) COMP-5", b"\x01\x02", "0258"),
        ("COMP-1", b"\x42\x76\xa0\x00", "118.625"),
        ("COMP-1", b"\xc2\x76\xa0\x00", "-118.625"),
        ("COMP-2", b"\x41\x10" + bytes(6), "1"),
        ("COMP-2", bytes(8), "0"),
        ("INDEX", b"\0\0\0\x07", "000000007"),
        ("PIC N(2)", "Ñé".encode("utf-16-be"), "Ñé"),
        ("PIC Z,ZZ9.99-", text("1,234.50-", 9), "1,234.50-"),
    ],
)
def test_on_a_mainframe(tmp_path: Path, clause: str, data: bytes, found: str) -> None:
    assert value(tmp_path, clause, data) == found


@pytest.mark.parametrize(
    ("clause", "data", "found"),
    [
        ("PIC X(3)", b"a\xe9 ", "aé"),
        ("PIC S9(3)", b"12s", "-123"),
        ("PIC S9(3)", b"12L", "-123"),
        ("PIC S9(3)", b"12C", "123"),
        ("PIC 9(3)", b"   ", ""),
        ("PIC 9(4) COMP", b"\x01\x02", "0258"),
        ("PIC 9(4) COMP-5", b"\x01\x02", "0513"),
        ("PIC 9(2) COMP-5", b"\x07", "07"),
        ("COMP-1", struct.pack("<f", 0.1), "0.1"),
        ("COMP-2", struct.pack("<d", -1.5e10), "-15000000000"),
    ],
)
def test_on_a_pc(tmp_path: Path, clause: str, data: bytes, found: str) -> None:
    spec = {"encoding": "iso-8859-1", "machine": "pc", "binary_sizes": [1, 2, 4, 8]}
    assert value(tmp_path, clause, data, **spec) == found


@pytest.mark.parametrize(
    ("clause", "data", "code", "shown"),
    [
        ("PIC 9(3)", text("1 3", 3), "cobol.digits", "1 3"),
        ("PIC 9(3)", text("ABC", 3), "cobol.digits", "ABC"),
        ("PIC 9(3)", zoned(-1, 3, signed=True), "cobol.digits", "00J"),
        ("PIC 9(3)", b"\xf1\x00\xf3", "cobol.digits", "1\x003"),
        ("PIC S9(3) SIGN LEADING SEPARATE", text("?123", 4), "cobol.digits", "?123"),
        ("PIC S9(3) COMP-3", b"\x1a\x3c", "cobol.digits", "X'1A3C'"),
        ("PIC S9(3) COMP-3", b"\x12\x34", "cobol.digits", "X'1234'"),
        ("PIC 9(3) COMP-3", b"\x12\x3d", "cobol.digits", "X'123D'"),
        ("PIC 9(2) COMP-3", b"\x12\x3f", "cobol.digits", "X'123F'"),
        ("PIC 9(3) COMP-6", b"\x12\x34", "cobol.digits", "X'1234'"),
        ("PIC N(1)", b"\xd8\x00", "row.encoding", "X'D800'"),
    ],
)
def test_what_is_no_number_sets_the_row_aside(
    tmp_path: Path, clause: str, data: bytes, code: str, shown: str
) -> None:
    if "N(1)" in clause:
        clause += " USAGE NATIONAL"
    assert value(tmp_path, clause, data) == (code, shown)


def test_a_reason_names_the_column_and_holds_no_value(tmp_path: Path) -> None:
    book = copybook("01 R.", "   05 A PIC X(2).", "   05 SECRET-NO PIC 9(9).")
    (row,) = rows(tmp_path, book, text("OK", 2) + text("12345678Z", 9))
    assert isinstance(row, BadRow)
    assert (row.line, row.column, row.value) == (1, "SECRET-NO", "12345678Z")
    assert "1234" not in row.text
    assert row.raw == "OK12345678Z"


def test_other_code_pages(tmp_path: Path) -> None:
    # In Germany's page { and } stand elsewhere; signed numbers are the same bytes.
    assert value(tmp_path, "PIC X(4)", "Gräf".encode("cp273"), encoding="cp273") == "Gräf"
    assert value(tmp_path, "PIC S9(2)", b"\xf1\xd0", encoding="cp273") == "-10"
    assert value(tmp_path, "PIC X(2)", b"a\xe9", encoding="ascii") == ("row.encoding", "a\ufffd")


@settings(max_examples=count(200, 20_000), deadline=None)
@given(
    number=st.integers(-(10**18) + 1, 10**18 - 1),
    scale=st.integers(0, 18),
    usage=st.sampled_from(["", "SIGN LEADING SEPARATE", "COMP-3", "COMP"]),
)
def test_every_number_comes_back(
    tmp_path_factory: pytest.TempPathFactory, number: int, scale: int, usage: str
) -> None:
    point = f"V9({scale})" if scale else ""
    whole = f"9({18 - scale})" if scale < 18 else ""
    data = {
        "": zoned(number, 18, signed=True),
        "SIGN LEADING SEPARATE": text(f"{'-' if number < 0 else '+'}{abs(number):018d}", 19),
        "COMP-3": packed(number, 18, signed=True),
        "COMP": number.to_bytes(8, "big", signed=True),
    }[usage]
    found = value(tmp_path_factory.getbasetemp(), f"PIC S{whole}{point} {usage}", data)
    assert isinstance(found, str)
    assert Decimal(found) == Decimal(number).scaleb(-scale)


def test_a_point_in_the_middle_of_columns(tmp_path: Path) -> None:
    book = copybook("01 R.", "   05 A PIC 9(2)V9.", "   05 FILLER PIC X.", "   05 B PIC X(2).")
    found = rows(tmp_path, book, zoned(125, 3) + text(" OK", 3))
    assert seen(found) == [{"A": "12.5", "B": "OK"}]
