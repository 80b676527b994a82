"""Exports as editors, spreadsheets and old machines leave them: read rightly, or refused in words.

All by `sallyport mapping check --rows`, as who writes a mapping meets them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.adapters.cobol_bytes import copybook

MAPPING = """\
mapping: 1
source: s
format: {form}
records:
  - type: person
    id: "{{ID}}"
    handling: {{dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}}
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE"}}
      - {{to: "person/nc:PersonBirthDate", column: BORN, date: YYYYMMDD}}
"""
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
