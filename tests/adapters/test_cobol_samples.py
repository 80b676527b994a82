"""Against files and expected outputs of cobrix, another reader of COBOL, where they are there."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.cobol import CobolReader
from adapters.cobol_copybook import Copybook
from adapters.cobol_layout import Layout
from adapters.cobol_values import Machine
from adapters.rows import BadRow, Row
from tests.conftest import SHARED

SAMPLES = SHARED / "data" / "cobol"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here"),
]
CONTROLS = re.compile(r"[\x00-\x1f]")


def read(book: str, data: str) -> list[Row | BadRow]:
    return list(CobolReader(SAMPLES / data, {"copybook": str(SAMPLES / book)}).rows())


def leaves(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, value


def expected(path: str) -> list[dict[str, Any]]:
    lines = (SAMPLES / path).read_text(encoding="utf-8").splitlines()
    return [dict(leaves(json.loads(x, parse_float=Decimal))) for x in lines if x]


def agrees(mine: str, theirs: Any) -> bool:
    """Whether a value is the same. Theirs has no leading zeros and no control characters."""
    if theirs is None:
        return not mine
    if isinstance(theirs, str):
        return CONTROLS.sub("", mine).strip() == theirs.strip()
    return Decimal(mine) == theirs


THEIRS = {"File_Id", "Record_Id"}
"""What their output has of its own, and no file holds."""


def named(values: Iterable[str]) -> set[str]:
    """Give columns' names as their output has them."""
    return {column.rpartition(".")[2].replace("-", "_") for column in values}


def plain(wanted: dict[str, Any]) -> set[str]:
    """Name what they have of a record besides what repeats."""
    return {name for name, value in wanted.items() if not isinstance(value, list)} - THEIRS


def compare(row: Row, wanted: dict[str, Any]) -> None:
    """Hold a row against theirs: the same columns, each with the same value."""
    assert named(row.values) == plain(wanted)
    for column, mine in row.values.items():
        theirs = wanted[column.replace("-", "_")]
        assert agrees(mine, theirs), (column, mine, theirs)


@pytest.mark.parametrize("trim", ["", "_trim_both", "_trim_left", "_trim_none", "_trim_right"])
def test_binary_and_characters(trim: str) -> None:
    found = read("test3_copybook.cob", "test3_data/TRAN2.AUG31.DATA.dat")
    wanted = expected(f"test3_expected/test3{trim}.txt")
    assert (len(found), len(wanted)) == (1000, 60)
    for row, theirs in zip(found, wanted, strict=False):
        assert isinstance(row, Row)
        compare(row, theirs)


def test_a_varying_part_packed_numbers_and_redefinitions() -> None:
    found = read("test1_copybook.cob", "test1_data/example.bin")
    wanted = expected("test1_expected/test1.txt")
    assert len(found) == len(wanted) == 10
    for row, theirs in zip(found, wanted, strict=True):
        assert isinstance(row, Row)
        compare(row, theirs)
        parts = row.groups["account_detail"]
        assert len(parts) == theirs["NUMBER_OF_ACCTS"]
        for part, account in zip(parts, theirs["ACCOUNT_DETAIL"], strict=True):
            assert named(part.keys() - {"account_detail.OCCURS"}) == set(account)
            for name, value in account.items():
                assert agrees(part[f"account_detail.{name.replace('_', '-')}"], value)


def test_the_same_as_a_table() -> None:
    found = read("test1_copybook.cob", "test1_data/example.bin")
    with (SAMPLES / "test1_expected/test1.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    name = "RECORD_METADATA_ACCOUNT_ACCOUNT_DETAIL_{}_ACCOUNT_NUMBER"
    for row, theirs in zip(found, table, strict=True):
        assert isinstance(row, Row)
        assert int(row.values["ID"]) == int(theirs["RECORD_ID"])
        numbers = [theirs[name.format(n)] for n in range(1, 81)]
        mine = [p["account_detail.ACCOUNT-NUMBER"] for p in row.groups["account_detail"]]
        assert mine == [n for n in numbers if n]


def test_numbers_in_characters_and_what_is_none() -> None:
    found = read("test19_display_num.cob", "test19_display_num/data.dat")
    wanted = expected("test19_display_num_expected/test19.txt")
    assert len(found) == len(wanted) == 7
    for row, theirs in zip(found[:5], wanted, strict=False):
        assert isinstance(row, Row)
        compare(row, theirs)
    # Blank numbers are not known. They make a zero of one of them.
    blank = found[5]
    assert isinstance(blank, Row)
    assert [blank.values[c] for c in ("WS-DATE-NUM", "WS-AMOUNT-NUMERIC")] == ["", ""]
    assert named(blank.values) - plain(wanted[5]) == {"WS_DATE_NUM", "WS_AMOUNT_NUMERIC"}
    assert wanted[5]["WS_AMOUNT_FRACTION"] == 0
    assert blank.values["WS-AMOUNT-FRACTION"] == ""
    # Where letters stand in a number they leave it out; here the row is set aside.
    last = found[6]
    assert isinstance(last, BadRow)
    assert (last.column, last.value) == ("WS-DATE-NUM", "ABCDE   ")
    assert "WS_DATE_NUM" not in wanted[6]
    assert last.row is not None
    assert plain(wanted[6]) <= named(last.row.values)


def test_places() -> None:
    """Each item is where their list of places says it is."""
    listing = (SAMPLES / "test19_display_num_expected/test19_layout.txt").read_text("ascii")
    pattern = re.compile(r"^ +\d+ (\S+) +\d+ +(\d+) +(\d+) +(\d+)$", re.MULTILINE)
    theirs = {
        name.replace("_", "-"): (int(first), int(last))
        for name, first, last, _ in pattern.findall(listing)
        if name != "FILLER"
    }
    book = Copybook(SAMPLES / "test19_display_num.cob")
    layout = Layout(book, Machine("cp037", personal=False), moves=True, variants={})
    (segment,) = layout.plan(None).segments
    assert {x.column: (x.first + 1, x.end) for x in segment.leaves} == theirs
    assert layout.size == 80


def test_every_byte_is_kept() -> None:
    data = (SAMPLES / "test1_data/example.bin").read_bytes()
    found = read("test1_copybook.cob", "test1_data/example.bin")
    assert "".join(r.raw for r in found).encode("cp037") == data
