"""Exports as editors, spreadsheets and old machines leave them: read rightly, or refused in words.

All by `sallyport mapping check --rows`, as who writes a mapping meets them.
"""

import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner

from adapters import textfile
from gateway.cli.main import app
from tests.adapters.cobol_bytes import copybook
from tests.cli.people_csv import PEOPLE

MAPPING = PEOPLE.replace("{name}", "s").replace("{born}", "YYYYMMDD")
Check: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check a mapping of a file with some bytes; give what the command says."""

    def run(data: bytes, form: str, code: int = 0) -> dict[str, Any]:
        (tmp_path / "data").write_bytes(data)
        (tmp_path / "m.yaml").write_text(MAPPING.format(form=form))
        words = ["mapping", "check", str(tmp_path / "m.yaml"), "--rows", "--json"]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def previewed(folder: Path, *, aside: bool = False) -> list[dict[str, Any]]:
    words = ["mapping", "preview", str(folder / "m.yaml"), "--json"]
    done = CliRunner().invoke(app, [*words, *(["--set-aside"] if aside else [])])
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


CURLY = b"MU\xd1OZ \x93PEPE\x94, ANA"
"""Quotes as windows-1252 has them. In Latin-1 they would be control characters."""
WIDE = "{ID: [1, 4], NAME: [5, 24], BORN: [25, 32]}"
XML = b"""<?xml version="1.0" encoding="%b"?>
<all><p><ID>1</ID><NAME>%b</NAME><BORN>19870312</BORN></p>
<p><ID>2</ID><NAME>ROE, EVA</NAME><BORN>19870312</BORN></p></all>"""
PIC = copybook("05 ID PIC X(4).", "05 NAME PIC X(20).", "05 BORN PIC X(8).")


def lines_of(name: bytes) -> bytes:
    rows = (b"1", name), (b"2", b"ROE, EVA")
    return b"".join(n.ljust(4) + who.ljust(20) + b"19870312\n" for n, who in rows)


@pytest.mark.parametrize("latin", ["iso-8859-1", "iso-8859-15"])
@pytest.mark.parametrize("kind", ["csv", "fixed", "xml", "cobol"])
def test_what_only_windows_1252_has_sets_a_row_of_latin_1_aside(
    check: Check, tmp_path: Path, kind: str, latin: str
) -> None:
    (tmp_path / "copy.cpy").write_text(PIC)

    def of(encoding: str) -> tuple[bytes, str]:
        form = f"type: {kind}, path: data, encoding: {encoding}"
        if kind == "csv":
            rows = b'1,"' + CURLY + b'",19870312\n2,"ROE, EVA",19870312\n'
            return b"ID,NAME,BORN\n" + rows, f'{{{form}, delimiter: ","}}'
        if kind == "fixed":
            return lines_of(CURLY), f"{{{form}, width: 32, columns: {WIDE}}}"
        if kind == "cobol":
            more = "copybook: copy.cpy, record: lines"
            return lines_of(CURLY), f"{{{form}, {more}}}"
        columns = "columns: {ID: ID, NAME: NAME, BORN: BORN}"
        data = XML % (encoding.encode(), CURLY)
        return data, f"{{type: xml, path: data, record: p, {columns}}}"

    found = check(*of(latin))
    assert found["rows"] == {"read": 2, "mapped": 1, "set_aside": 1}
    (why,) = found["reasons"]
    assert why["code"] in {"row.encoding", "xml.controls"}
    assert "windows-1252" in why["text"]
    assert check(*of("windows-1252"))["rows"] == {"read": 2, "mapped": 2, "set_aside": 0}
    name = previewed(tmp_path)[0]["columns"]["NAME"]
    assert name == "MUÑOZ \u201cPEPE\u201d, ANA"


def test_what_is_found_out_is_windows_1252_and_not_latin_1(check: Check, tmp_path: Path) -> None:
    rows = b"".join(b"%d;%b;19870312\n" % (n, CURLY) for n in range(9))
    found = check(b"ID;NAME;BORN\n" + rows, "{type: csv, path: data}")
    assert "encoding windows-1252" in found["found_out"][0]
    assert previewed(tmp_path)[0]["columns"]["NAME"] == "MUÑOZ \u201cPEPE\u201d, ANA"


ROWS = ["ID;NAME;BORN", "1;QUILL, ANA;19870312", "2;ROE, EVA;19910101", "3;VINT, ODA;19910102"]
FORM = "type: csv, path: data"
STATED = 'encoding: utf-8, delimiter: ";"'
OPEN_OR_STATED = pytest.mark.parametrize("more", ["", f", {STATED}"], ids=["open", "stated"])


def text_of(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def names(folder: Path) -> list[str]:
    return [row["columns"]["NAME"] for row in previewed(folder)]


@OPEN_OR_STATED
@pytest.mark.parametrize("behind", [";", ""], ids=["rows too", "header alone"])
def test_a_delimiter_behind_the_header_is_no_column(
    check: Check, tmp_path: Path, more: str, behind: str
) -> None:
    data = text_of(ROWS[0] + ";", *(row + behind for row in ROWS[1:]))
    found = check(data, f"{{{FORM}{more}}}")
    assert found["rows"] == {"read": 3, "mapped": 3, "set_aside": 0}
    assert names(tmp_path) == ["QUILL, ANA", "ROE, EVA", "VINT, ODA"]
    assert ("blank at each row's end" in " ".join(found["found_out"])) == bool(behind)


@OPEN_OR_STATED
def test_a_delimiter_behind_each_row_alone_is_perhaps_a_shift(check: Check, more: str) -> None:
    """An unquoted delimiter in a name, and a blank last column, look just so."""
    found = check(text_of(ROWS[0], *(row + ";" for row in ROWS[1:])), f"{{{FORM}{more}}}")
    assert found["rows"] == {"read": 3, "mapped": 0, "set_aside": 3}
    (why,) = found["reasons"]
    assert why["code"] == "row.columns"
    assert "only where the header line ends with one too" in why["text"]


def test_what_stands_behind_the_last_column_or_lacks_there_is_set_aside(check: Check) -> None:
    """Where rows end with a delimiter, one with a value there, or without it, is shifted or cut."""
    good = [f"{n};QUILL, ANA;19870312;" for n in range(3, 12)]
    data = text_of(ROWS[0] + ";", *good, "1;QUILL, ANA;19870312;x", "2;ROE, EVA;")
    found = check(data, f"{{{FORM}, {STATED}}}")
    assert found["rows"] == {"read": 11, "mapped": 9, "set_aside": 2}
    assert {r["code"] for r in found["reasons"]} == {"row.columns"}


@OPEN_OR_STATED
@pytest.mark.parametrize(
    "above",
    [["List of persons"], ["List of persons, 2026", "", "Calloway County;2026-11-01"]],
    ids=["one line", "several"],
)
def test_titles_above_the_header_are_refused_with_what_to_say(
    check: Check, tmp_path: Path, more: str, above: list[str]
) -> None:
    line = len(above) + 1
    data = text_of(*above, *ROWS)
    (fault,) = check(data, f"{{{FORM}{more}}}", code=1)["findings"]
    assert f"say `header: {line}` in the format" in fault["text"]
    assert check(data, f"{{{FORM}, header: {line}{more}}}")["rows"]["mapped"] == 3
    assert names(tmp_path) == ["QUILL, ANA", "ROE, EVA", "VINT, ODA"]


def test_a_title_that_a_spreadsheet_filled_up_with_delimiters_is_no_header(check: Check) -> None:
    (fault,) = check(text_of("List of persons;;", *ROWS), f"{{{FORM}}}", code=1)["findings"]
    assert "say `header: 2` in the format" in fault["text"]


def test_a_draft_passes_over_titles_and_marks_it(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(text_of("List of persons", *ROWS))
    words = ["mapping", "draft", str(tmp_path / "list.csv"), "--out", str(tmp_path / "m.yaml")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (line,) = [x for x in (tmp_path / "m.yaml").read_text().splitlines() if "header: 2" in x]
    assert "# CHECK" in line
    assert len(previewed(tmp_path)) == 3


def test_a_first_line_that_says_the_delimiter_is_no_row(check: Check, tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + text_of("sep=;", *ROWS)
    found = check(data, f"{{{FORM}}}")
    assert found["rows"] == {"read": 3, "mapped": 3, "set_aside": 0}
    assert "first line sep=;, passed over" in found["found_out"][0]
    assert names(tmp_path)[0] == "QUILL, ANA"
    no_header = f"{{{FORM}, columns: [ID, NAME, BORN]}}"
    assert check(text_of("SEP=;", *ROWS[1:]), no_header)["rows"]["mapped"] == 3
    (fault,) = check(data, f'{{{FORM}, encoding: utf-8, delimiter: ","}}', code=1)["findings"]
    assert "its first line says that ; parts the columns" in fault["text"]


@OPEN_OR_STATED
def test_lines_may_end_with_cr_alone(check: Check, tmp_path: Path, more: str) -> None:
    rows = [ROWS[0], '1;"QUILL, ANA";19870312', *ROWS[2:]]
    found = check(text_of(*rows, end="\r"), f"{{{FORM}{more}}}")
    assert found["rows"] == {"read": 3, "mapped": 3, "set_aside": 0}
    assert "lines end with CR" in found["found_out"][0]
    assert [row["line"] for row in previewed(tmp_path)] == [2, 3, 4]
    shown = CliRunner().invoke(app, ["mapping", "preview", str(tmp_path / "m.yaml")]).output
    assert shown.startswith("Found out: data: ")
    assert "lines end with CR." in shown.splitlines()[0]


def test_cr_ends_lines_whatever_blocks_a_file_is_read_in(tmp_path: Path) -> None:
    ends = ["\r"] * 40_000 + ["\r\n"] * 40_000
    written = [f"line {n}{'x' * (n % 7)}" for n in range(len(ends))]
    text = "".join(map(operator.add, written, ends)).encode()
    # The first line ends with CR alone, and the first LF stands behind what may be one line.
    long = "y" * textfile.MAX_LINE
    (tmp_path / "data").write_bytes(f"first\r{long}\r".encode() + text)
    found = [line.data.decode() for line in textfile.lines(tmp_path / "data")]
    assert found[0] == "first"
    assert found[2:] == written


def test_lines_of_fixed_width_may_have_lost_their_blanks(check: Check, tmp_path: Path) -> None:
    wide = "{ID: [1, 4], BORN: [5, 12], NAME: [13, 32]}"
    lines = [
        f"{n:<4}19870312{name:<20}".rstrip() for n, name in enumerate(["QUILL, ANA", "ROE, EVA"])
    ]
    data = text_of(*lines, "3   19870312ROE, ")
    form = f"type: fixed, path: data, encoding: utf-8, width: 32, columns: {wide}"
    found = check(data, f"{{{form}}}")
    assert found["rows"] == {"read": 3, "mapped": 0, "set_aside": 3}
    assert "say `stripped: true` in the format" in found["reasons"][0]["text"]
    # What ends with a blank was not stripped, but cut.
    found = check(data, f"{{{form}, stripped: true}}")
    assert found["rows"] == {"read": 3, "mapped": 2, "set_aside": 1}
    assert [row["records"][0]["record_id"] for row in previewed(tmp_path)[:2]] == ["0", "1"]
    # And one without its end may be what an export left that broke off.
    found = check(text_of(*lines).rstrip(), f"{{{form}, stripped: true}}")
    assert found["rows"] == {"read": 2, "mapped": 1, "set_aside": 1}
