"""Headings of pages, totals and trailers: the mapping says that they are no rows.

They are counted and kept like other lines set aside, and hold nothing else up.
"""

from pathlib import Path

import pytest

import adapters
from adapters.source import MappedSource
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import HANDLING, NAME, mapping

REPORT = (
    b"1RPT JB0420 BOOKINGS PAGE    1\r\n"
    b" NO  NAME                  S  \r\n"
    b" --- --------------------- -  \r\n"
    b" 001 QUILLBROOK, ZELMA        \r\n"
    b" 002 FENWICK, ODA          S  \r\n"
    b"\r\n"
    b"              PAGE TOTAL     2\r\n"
    b"\f1RPT JB0420 BOOKINGS PAGE    2\r\n"
    b" 003 TOTALLER, IVO            \r\n"
    b" 004 MARROW, IV\r\n"
    b"GRAND TOTAL 4"
)
FIXED = (
    "{type: fixed, path: data, encoding: utf-8, width: 30, "
    "columns: {ID: [2, 4], NAME: [6, 26], SEAL: [28, 28]}%s}"
)
SEALED = HANDLING.replace("open", "{column: SEAL, codes: {S: sealed}, blank: open}")
LINES = ', no_rows: ["1RPT*", "NO  NAME*", "--- ---*", "*PAGE TOTAL  *", "GRAND TOTAL ?"]'
CSV = '{type: csv, path: data, encoding: utf-8, delimiter: ";"%s}'
TRAILER = ', no_rows: ["TRL;*"]'


def told(source: MappedSource) -> tuple[list[str], list[tuple[int, str]]]:
    """Give the records' ids, and the lines set aside with their codes; the sum must add up."""
    ids, aside = list[str](), list[tuple[int, str]]()
    for one in source.rows():
        if isinstance(one, Record):
            ids.append(one.record_id)
        else:
            aside.append((one.line, one.code))
    tally = source.tally
    assert tally.read == tally.translated + tally.aside == len(ids) + len(aside)
    return ids, aside


def test_the_furniture_of_a_report_is_told_apart_from_damaged_rows(small: Make) -> None:
    source = small(mapping(NAME, form=FIXED % LINES, handling=SEALED), REPORT)
    ids, aside = told(source)
    assert ids == ["001", "002", "003"]  # TOTALLER is nobody's total
    assert [line for line, code in aside if code == "row.no_row"] == [1, 2, 3, 7, 8, 11]
    assert [(line, code) for line, code in aside if code != "row.no_row"] == [(10, "row.width")]
    assert source.unread is None


def test_without_it_a_trailer_that_lacks_its_end_makes_each_import_ask(small: Make) -> None:
    source = small(mapping(NAME, form=FIXED % "", handling=SEALED), REPORT)
    told(source)
    assert source.unread is not None
    assert "from line 11 on" in source.unread


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_trailer_with_a_count_is_no_row_and_no_broken_off_one(small: Make, end: bytes) -> None:
    noted = b'1;QUILLBROOK, ZELMA;"first\nTRL;within"\n'
    data = b"ID;NAME;NOTE\n" + noted + b"2;FENWICK, ODA;\nTRL;00000002" + end
    source = small(mapping(NAME, form=CSV % TRAILER), data)
    ids, aside = told(source)
    # A line within a quoted value is no line of its own.
    assert (ids, aside) == (["1", "2"], [(5, "row.no_row")])
    assert source.unread is None


def test_no_record_waits_for_a_line_that_is_none(small: Make) -> None:
    """A trailer's place may hold what looks like an id; it says nothing of that record."""
    data = b"ID;NAME;SEAL\n1;QUILLBROOK, ZELMA;\n1;COUNT;X;\n"
    form = CSV % ', no_rows: ["1;COUNT;*"]'
    (one, none) = small(mapping(NAME, form=form, handling=SEALED), data).rows()
    assert isinstance(none, SetAside)
    assert none.claims == ()
    assert isinstance(one, Record)


def test_a_trailer_of_a_joined_file_is_nobodys_flag(tmp_path: Path) -> None:
    """Where flags stand in a joined file, a line that nobody can place sets others aside."""
    (tmp_path / "data").write_text("ID;NAME\n1;QUILLBROOK, ZELMA\n2;FENWICK, ODA\n")
    (tmp_path / "flags").write_text("NO;SEAL\n1;S\nTRL;00000001;END\n")

    def found(more: str) -> dict[str, str]:
        join = (
            '    join: {flag: {format: {type: csv, path: flags, encoding: utf-8, delimiter: ";"'
            f"{more}}}, key: NO, from: ID, many: true, missing: blank}}}}"
        )
        flags = "{each: flag, column: flag.SEAL, codes: {S: sealed}, blank: open, "
        handling = HANDLING.replace("open", flags + "strictest: [open, sealed]}")
        text = mapping(NAME, form=CSV % "", handling=handling, record=join)
        (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
        rows = adapters.load(tmp_path / "m.yaml").rows()
        return {
            r.record_id: str(r.handling.as_dict()["disclosure"])
            for r in rows
            if isinstance(r, Record)
        }

    assert found("") == {}
    assert found(TRAILER) == {"1": "sealed", "2": "open"}


def test_a_joined_record_of_no_named_kind_may_be_anybodys_flag(tmp_path: Path) -> None:
    """A mapping names lines that are no rows; a type that it does not name may be a wrong one."""
    (tmp_path / "data").write_text("ID;NAME\n1;QUILLBROOK, ZELMA\n2;FENWICK, ODA\n")
    (tmp_path / "book.cpy").write_text(
        "       01  F.\n           05  KIND    PIC 9.\n           05  NO      PIC X.\n"
        "           05  SEAL    PIC X.\n"
        "       01  H.\n           05  H-KIND  PIC 9.\n           05  MADE    PIC XX.\n"
    )
    join = (
        "    join: {flag: {format: {type: cobol, path: flags, copybook: book.cpy, encoding: ascii, "
        'record: lines, variants: {F: {column: KIND, is: ["1"]}, H: {column: H-KIND, is: ["2"]}}}, '
        "key: NO, from: ID, many: true, missing: blank}}"
    )
    flags = "{each: flag, column: flag.SEAL, codes: {S: sealed}, blank: open, "
    handling = HANDLING.replace("open", flags + "strictest: [open, sealed]}")
    (tmp_path / "m.yaml").write_text(
        mapping(NAME, form=CSV % "", handling=handling, record=join), encoding="utf-8"
    )

    def found(lines: str) -> list[str]:
        (tmp_path / "flags").write_text(lines)
        rows = adapters.load(tmp_path / "m.yaml").rows()
        return [r.record_id for r in rows if isinstance(r, Record)]

    assert found("12S\n") == ["1", "2"]
    assert found("12S\n31S\n") == []


def test_a_trailer_of_a_code_table_is_no_code(small: Make) -> None:
    sex = 'to: "person/j:PersonSexCode", column: SEX, codes: sexes'
    top = (
        'code_files: {sexes: {format: {type: csv, path: codes, encoding: utf-8, delimiter: ";"'
        "%s}, code: CODE, word: WORD}}"
    )
    files = {"codes": b"CODE;WORD\nW;F\nTRL;1;END\n"}
    data = b"ID;NAME;SEX\n1;QUILLBROOK, ZELMA;W\n"
    text = mapping(NAME, sex, form=CSV % "", top=top % TRAILER)
    (one,) = small(text, data, **files).rows()
    assert isinstance(one, Record)
    assert one.message["nc:Person"]["j:PersonSexCode"] == "F"
    with pytest.raises(Misconfigured, match="line 3 of the code table"):
        small(mapping(NAME, sex, form=CSV % "", top=top % ""), data, **files)


@pytest.mark.parametrize("pattern", ["*", "? *", "*A*", "**"])
def test_a_pattern_that_may_be_any_row_is_refused(small: Make, pattern: str) -> None:
    with pytest.raises(Misconfigured, match="no_rows"):
        small(mapping(NAME, form=CSV % f', no_rows: ["{pattern}"]'), b"ID;NAME\n1;QUILLBROOK, Z\n")
