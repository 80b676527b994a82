"""Copybooks: what is read, and what is refused with its line."""

import re
from pathlib import Path

import pytest

from adapters.cobol_copybook import Copybook
from adapters.cobol_picture import Picture, PictureError, picture
from gateway.errors import Misconfigured
from tests.adapters.cobol_bytes import copybook, reader


def read(folder: Path, text: str, *, free: bool = False) -> Copybook:
    path = folder / "book.cpy"
    path.write_text(text, encoding="ascii")
    return Copybook(path, free=free)


def test_numbers_remarks_and_directives_are_passed_over(tmp_path: Path) -> None:
    text = (
        "000100* a remark                                                        IDENT001\n"
        "000200 01  REC.                                                         IDENT002\n"
        "           EJECT\n"
        "000300     05  A  PIC X(3)    *> 05 NOT-THERE PIC X.\n"
        "000400         VALUE 'IT''S. *> NOT A REMARK'.\n"
        "      D    05  DEBUG-ITEM PIC X.\n"
        "      /    05  PAGE-ITEM PIC X.\n"
        "       77  ALONE PIC 9.\n"
        "           88  ALONE-YES VALUE 1 THRU 3, 5.\n"
        "       78  LIMIT VALUE 5.\n"
    )
    book = read(tmp_path, text)
    assert [(i.level, i.name, i.line) for i in book.items()] == [
        (1, "REC", 2),
        (5, "A", 4),
        (1, "ALONE", 8),
    ]


def test_an_entry_may_go_on_over_lines_and_a_literal_too(tmp_path: Path) -> None:
    text = copybook("01  REC.", "    05  A") + (
        "               PIC X(60) VALUE 'FIRST HALF OF A LITERAL THAT GOES\n"
        "      -            ' ON. 05 B PIC X.'.\n"
        "           05  C  USAGE IS COMPUTATIONAL-3 PICTURE IS S9(5)V99.\n"
    )
    names = {i.name: i for i in read(tmp_path, text).items()}
    assert list(names) == ["REC", "A", "C"]
    assert names["C"].usage == "packed"
    assert names["C"].picture == Picture("number", 7, 7, 2, signed=True)


def test_free_format_is_stated(tmp_path: Path) -> None:
    text = "01 REC.\n05 A PIC X. *> all of the line is text\n"
    assert len(list(read(tmp_path, text, free=True).items())) == 2
    with pytest.raises(Misconfigured, match=r"book.cpy:\d: .*copybook_lines: free"):
        read(tmp_path, text)


def test_usage_and_sign_of_a_group_hold_for_its_items(tmp_path: Path) -> None:
    book = copybook(
        "01 REC SIGN IS LEADING SEPARATE CHARACTER.",
        "   05 A PIC S9(3).",
        "   05 G COMP-3.",
        "      10 B PIC S9(3).",
        "      10 C PIC 9(4) COMP.",
    )
    items = {i.name: i for i in read(tmp_path, book).items()}
    assert items["A"].sign is not None
    assert items["A"].sign.separate
    assert [items[n].usage for n in "BC"] == ["packed", "binary"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("X", Picture("text", 1)),
        ("X(10)", Picture("text", 10)),
        ("A(3)B9", Picture("text", 5)),
        ("9(03)", Picture("number", 3, 3)),
        ("S9(9)V99", Picture("number", 11, 11, 2, signed=True)),
        ("V9(3)", Picture("number", 3, 3, 3)),
        ("PP99", Picture("number", 2, 2, 4)),
        ("99P(3)", Picture("number", 2, 2, -3)),
        ("9(8).9(2)", Picture("text", 11)),
        ("$ZZ,ZZ9.99CR", Picture("text", 12)),
        ("+9.9E+99", Picture("text", 8)),
        ("n(4)", Picture("national", 4)),
    ],
)
def test_pictures(written: str, found: Picture) -> None:
    assert picture(written) == found


@pytest.mark.parametrize(
    "written",
    ["", "X(0)", "X(", "9S", "9V9V9", "X(999999999)", "9(39)", "G(4)", "9P9", "XE", "9(5", "(3)"],
)
def test_pictures_that_cannot_be(written: str) -> None:
    with pytest.raises(PictureError):
        picture(written)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["01 R.", "   05 A PIC Q."], 2, "no picture"),
        (["01 R.", "   05 A PIC X", "   05 B PIC X."], 3, "no clause"),
        (["01 R.", "   05 A PIC X"], 2, "period"),
        (["01 R.", "   05 A."], 2, "no picture"),
        (["01 R.", "   05 A PIC X.", "      10 B PIC X."], 3, "stands in an item"),
        (["01 R.", "   05 A PIC 'X."], 2, "quote"),
        (["01 R.", "   99 A PIC X."], 2, "no level"),
        (["01 R.", "   COPY OTHER."], 2, "COPY"),
        (["01 R.", "   05 A PIC X REDEFINES B."], 2, "right before"),
        (["01 R.", "   05 A PIC X OCCURS 3 DEPENDING ON N."], 2, "does not stand before"),
        (["01 R.", "   05 N PIC X.", "   05 A PIC X OCCURS 3 DEPENDING ON N."], 3, "whole number"),
        (["01 R.", "   05 A PIC X OCCURS 0."], 2, "from 1 on"),
        (["01 R.", "   05 A PIC X OCCURS 2 TO 5."], 2, "DEPENDING"),
        (["01 R.", "   05 A PIC X OCCURS 999999999."], 2, "too long"),
        (["01 R.", "   05 A PIC X OCCURS 200000."], 2, "more than 100000"),
        (["01 R.", "   05 A PIC X.", "   05 A PIC X."], 3, "stands twice"),
        (["01 R.", "   05 A PIC 9(19) COMP."], 2, "19 digits"),
        (["01 R.", "   05 A PIC X COMP-3."], 2, "only numbers"),
        (["01 R.", "   05 A POINTER."], 2, "no clause"),
        (["01 R.", "   05 A PIC X.", "   05 B PIC 9(4) COMP SYNC."], 3, "FILLER"),
        (["01 R.", "   05 A PIC X.", "   66 B RENAMES Z."], 3, "not there"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(
    tmp_path: Path, lines: list[str], line: int, said: str
) -> None:
    with pytest.raises(Misconfigured, match=rf"^book\.cpy:{line}: .*{re.escape(said)}"):
        reader(tmp_path, copybook(*lines), b"")


def test_hostile_copybooks_cost_little(tmp_path: Path) -> None:
    deep = [f"{n:02d} G{n} OCCURS 999999999." for n in range(1, 49)] + ["49 A PIC X."]
    many = ["01 R."] + [f"   05 A{n} PIC X." for n in range(6_000)]
    wide = ["01 R."] + [f"   05 A{n} PIC X(9999999)." for n in range(100)]
    nested = [f"{n:02d} G{n} OCCURS 2." for n in range(1, 40)] + ["49 A PIC X."]
    for lines in (deep, many, wide, nested, ["01 " + "(" * 60 + "."] * 1_000):
        with pytest.raises(Misconfigured):
            reader(tmp_path, copybook(*lines), b"")
    with pytest.raises(Misconfigured, match="bytes"):
        read(tmp_path, "*" * (2**20 + 1))
    with pytest.raises(Misconfigured, match="no such copybook"):
        Copybook(tmp_path / "nowhere.cpy")


def test_names_that_stand_twice_are_qualified_and_parts_named(tmp_path: Path) -> None:
    book = copybook(
        "01 REC.",
        "   05 HOME.",
        "      10 CITY PIC X(5).",
        "   05 WORK.",
        "      10 CITY PIC X(5).",
        "   05 ALIAS-NAME PIC X(4) OCCURS 2.",
        "   05 FILLER OCCURS 2.",
        "      10 CODE-NO PIC 9.",
        "      10 SUB-ITEM OCCURS 3.",
        "         15 PLACE PIC X.",
        "   05 BIRTH-DATE.",
        "      10 YYYY PIC 9(4).",
        "      10 MM PIC 9(2).",
        "   66 BORN RENAMES YYYY THRU MM.",
        "   66 BORN-TOO RENAMES BIRTH-DATE.",
        "   66 YEAR-ONLY RENAMES YYYY.",
    )
    columns = reader(tmp_path, book, b"").columns()
    assert columns.own == {
        *("CITY OF HOME", "CITY OF WORK", "YYYY", "MM", "BORN", "BORN-TOO", "YEAR-ONLY"),
    }
    assert columns.groups == {
        "alias_name": {"alias_name.OCCURS", "alias_name.ALIAS-NAME"},
        "filler": {"filler.OCCURS", "filler.CODE-NO"},
        "sub_item": {"sub_item.OCCURS", "sub_item.CODE-NO", "sub_item.PLACE"},
    }
