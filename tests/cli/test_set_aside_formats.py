"""Preview, and rows set aside: listed, exported, corrected, retried. For every format.

A database too, read whole or mirrored (as to what changed only). A live one: test_live_rows.py.
"""

import csv
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest
from typer.testing import CliRunner

from demo.new_mexico import segment
from gateway.cli.main import app
from gateway.errors import Conflict, Invalid
from gateway.records.store import Reader
from tests.adapters.cobol_bytes import copybook, described, packed, text
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("wide")

NIBRS = ROOT / "demo/agencies/NM9990000/mappings/nibrs.yaml"
MAPPING = """\
mapping: 1
source: s
format: {form}
records:
  - type: person{table}
    id: "{{ID}}"
    handling:
      dissemination: {{column: LEVEL, codes: {{G: GREEN, R: RED}}, blank: GREEN}}
      disclosure: open
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: false
    objects: {{person: "nc:Person"}}
    fields:
      - {{to: "person/nc:PersonName", column: NAME, name: "SURNAME, GIVEN MIDDLE"}}
      - {{to: "person/nc:PersonBirthDate", column: BORN, date: YYYYMMDD}}
"""
ROWS = (
    ("1", "DOE, ANA", "19870312", "R"),
    ("2", "ROE, EVA", "19900230", "R"),
    ("3", "POE, LUZ", "19910101", "R"),
)
"""The second has a day that there is not. Each format adds one that can't be read."""
COLUMNS = ("ID", "NAME", "BORN", "LEVEL")
WIDTHS = (4, 20, 8, 1)


def fixed_row(row: tuple[str, ...]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=True))


def write_csv(path: Path) -> None:
    lines = [",".join(f'"{c}"' for c in row) for row in (COLUMNS, *ROWS)]
    path.write_text("\n".join([*lines, '4,"HOLT, JO",19920202']) + "\n", encoding="utf-8")


def write_fixed(path: Path) -> None:
    lines = [fixed_row(row) for row in ROWS]
    path.write_text("\n".join([*lines, fixed_row(("4", "HOLT, JO", "", ""))[:30], ""]), "ascii")


def write_excel(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (COLUMNS, *ROWS):
        sheet.append(row)
    sheet.append(("4", "HOLT, JO", "19920202", "#N/A"))
    book.save(path)


def write_xml(path: Path) -> None:
    rows = [
        "<p>" + "".join(f"<{n}>{c}</{n}>" for n, c in zip(COLUMNS, row, strict=True)) + "</p>"
        for row in ROWS
    ]
    rows.insert(2, "<p><ID>4</ID><NAME>HOLT & JO</NAME></p>")
    path.write_text(f"<all>{''.join(rows)}</all>", encoding="utf-8")


def write_cobol(path: Path) -> None:
    book = copybook(
        "01 R.",
        "   05 ID PIC X(4).",
        "   05 NAME PIC X(20).",
        "   05 BORN PIC 9(8) COMP-3.",
        "   05 LEVEL PIC X.",
    )
    path.with_name("book.cpy").write_text(book, encoding="ascii")
    records = [text(a, 4) + text(b, 20) + packed(int(c), 8) + text(d, 1) for a, b, c, d in ROWS]
    wrong = text("4", 4) + text("HOLT, JO", 20) + b"\xab\xcd\xef\x12\x34" + text("R", 1)
    path.write_bytes(described([*records[:2], wrong, records[2]]))


def write_cobol_cut(path: Path) -> None:
    write_cobol(path)
    records = path.read_bytes()
    path.write_bytes(records[:68] + b"\0\0\0\0" + text("4", 4) + records[34 * 3 :])


def write_sqlite(path: Path) -> None:
    """All that a database holds can be read: the fourth has no word for who may see it."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE people (ID TEXT PRIMARY KEY, NAME TEXT, BORN INTEGER, LEVEL)")
        rows = (*ROWS, ("4", "HOLT, JO", 19920202, b"\xff\xfe"))
        db.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", rows)


class Format(NamedTuple):
    """One format: its file's ending, its `format`, how it is written, and what can be read of 4."""

    ending: str
    form: str
    write: Callable[[Path], None]
    partly: tuple[str, ...] = ()
    table: str = ""


COBOL = (
    "{type: cobol, path: ../sources/s.dat, copybook: ../sources/book.cpy, encoding: cp037, "
    "record: rdw}"
)
SQL = "type: sql, path: ../sources/s.db"
FORMATS = {
    "csv": Format("csv", "{type: csv, path: ../sources/s.csv, encoding: utf-8}", write_csv),
    "fixed": Format(
        "txt",
        "{type: fixed, path: ../sources/s.txt, encoding: ascii, width: 33, columns: "
        "{ID: [1, 4], NAME: [5, 24], BORN: [25, 32], LEVEL: [33, 33]}}",
        write_fixed,
    ),
    "excel": Format(
        "xlsx", "{type: excel, path: ../sources/s.xlsx}", write_excel, ("ID", "NAME", "BORN")
    ),
    "xml": Format(
        "xml",
        "{type: xml, path: ../sources/s.xml, record: p, columns: "
        "{ID: ID, NAME: NAME, BORN: BORN, LEVEL: LEVEL}}",
        write_xml,
    ),
    "cobol": Format("dat", COBOL, write_cobol, ("ID", "NAME", "LEVEL")),
    "cobol lengths": Format("dat", COBOL, write_cobol_cut),
    "sql": Format("db", f"{{{SQL}, mode: mirror}}", write_sqlite, COLUMNS, "people"),
    "sql mirror": Format(
        *("db", f"{{{SQL}, mode: mirror, changes: {{people: {{key: ID}}}}}}"),
        *(write_sqlite, COLUMNS, "people"),
    ),
}


def run(*words: str, fails: bool = False) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert bool(done.exit_code) == fails, done.output
    return done.output


def made(home: Path, name: str) -> list[str]:
    """Write a source and its mapping; give the words that end a command."""
    form = FORMATS[name]
    form.write(home / "sources" / f"s.{form.ending}")
    table = f"\n    table: {form.table}" if form.table else ""
    mapping = MAPPING.format(form=form.form, table=table)
    (home / "mappings" / "s.yaml").write_text(mapping, encoding="utf-8")
    return ["--home", str(home)]


def edited(file: Path, change: Callable[[dict[str, str]], None]) -> None:
    """Correct an export in place, as a spreadsheet does."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    for row in rows:
        change(row)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("name", FORMATS)
def test_preview_shows_records_and_rows_set_aside(home: Path, name: str) -> None:
    made(home, name)
    path = str(home / "mappings" / "s.yaml")
    rows = json.loads(run("mapping", "preview", path, "--json", "--rows", "9"))
    assert len(rows) == 4
    good = [r for r in rows if r.get("records")]
    assert [r["columns"]["ID"] for r in good] == ["1", "3"]
    aside = json.loads(run("mapping", "preview", path, "--json", "--set-aside"))
    assert len(aside) == 2
    assert "DOE" in run("mapping", "preview", path)


@pytest.mark.parametrize("name", FORMATS)
def test_rows_set_aside_are_listed_corrected_and_retried(
    home: Path, tmp_path: Path, name: str
) -> None:
    at = made(home, name)
    # Where no key can be read, somebody has to say that the rest may count.
    run("import", "s", *(["--allow-unread"] if name == "cobol lengths" else []), *at)
    listed = json.loads(run("source", "set-aside", "s", "--json", *at))
    assert len(listed) == 2
    assert {row["code"] for row in listed} >= {"date.none"}
    assert "2 rows of s set aside" in run("source", "set-aside", "s", *at)
    lines = tmp_path / "rows.jsonl"
    run("source", "set-aside", "s", "--export", str(lines), *at)
    assert len(lines.read_text(encoding="utf-8").splitlines()) == 2
    file = tmp_path / "rows.csv"
    run("source", "set-aside", "s", "--export", str(file), *at)

    def careless(row: dict[str, str]) -> None:
        """Say only what is needed for a record, and not who may see it."""
        if row["ID"] == "2":
            row["BORN"] = "19900228"
        else:
            row |= {"ID": "4", "NAME": "HOLT, JO A"}
            if "BORN" not in FORMATS[name].partly:
                row["BORN"] = "19920202"

    edited(file, careless)
    if FORMATS[name].partly == ("ID", "NAME", "LEVEL"):
        # All that could not be read was said.
        assert "2 corrected rows became records" in run(
            "source", "set-aside", "s", "--retry", str(file), *at
        )
        assert levels(home) == {"1": "RED", "2": "RED", "3": "RED", "4": "RED"}
        return
    said = run("source", "set-aside", "s", "--retry", str(file), *at, fails=True)
    assert "1 corrected row became records" in said
    assert "LEVEL" in said
    assert levels(home) == {"1": "RED", "2": "RED", "3": "RED"}
    again = tmp_path / "again.csv"
    run("source", "set-aside", "s", "--export", str(again), *at)

    def careful(row: dict[str, str]) -> None:
        careless(row)
        row["LEVEL"] = "R"

    edited(again, careful)
    run("source", "set-aside", "s", "--retry", str(again), *at)
    assert levels(home) == {"1": "RED", "2": "RED", "3": "RED", "4": "RED"}
    assert "No row of s is set aside" in run("source", "set-aside", "s", *at)


@pytest.mark.parametrize("name", ["sql", "sql mirror"])
def test_a_correction_holds_until_the_database_says_something_else(
    home: Path, tmp_path: Path, name: str
) -> None:
    at = made(home, name)
    run("import", "s", *at)
    file = tmp_path / "rows.csv"
    run("source", "set-aside", "s", "--export", str(file), *at)
    edited(file, lambda row: row.update(BORN="19900228", LEVEL="R"))
    run("source", "set-aside", "s", "--retry", str(file), *at)
    execute = partial(_execute, home / "sources" / "s.db")
    execute("UPDATE people SET NAME = 'DOE, ANA B' WHERE ID = '1'")
    rehearsed = json.loads(run("import", "s", "--dry-run", "--json", *at))[0]
    assert (rehearsed["set_aside"], rehearsed["corrected"], rehearsed["forgotten"]) == (0, 2, 0)
    assert "2 of them as corrected by hand" in run("import", "s", *at)
    assert levels(home) == {"1": "RED", "2": "RED", "3": "RED", "4": "RED"}
    execute("UPDATE people SET LEVEL = 'G' WHERE ID = '4'")
    execute("UPDATE people SET NAME = 'ROE, EVA B' WHERE ID = '2'")
    run("import", "s", "--allow-shrink", *at)
    assert levels(home) == {"1": "RED", "3": "RED", "4": "GREEN"}
    (aside,) = json.loads(run("source", "set-aside", "s", "--json", *at))
    assert (aside["column"], aside["value"], aside["code"]) == ("BORN", "19900230", "date.none")


def _execute(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(statement)


def test_a_live_database_is_read_whole_to_say_which_rows_it_will_not_find(home: Path) -> None:
    """As `mapping preview` shows them beforehand. Nothing of it is ever corrected here."""
    at = made(home, "sql")
    path = home / "mappings" / "s.yaml"
    path.write_text(
        path.read_text("utf-8")
        .replace("mode: mirror", "mode: live")
        .replace("    objects:", "    found_by: {person: {column: ID}}\n    objects:")
        + "search: {person: {table: people, key: ID, surname: {starts: NAME}}}\n",
        encoding="utf-8",
    )
    assert "never checked" in run("source", "list", *at)
    rows = json.loads(run("source", "set-aside", "s", "--json", *at))
    assert [row["key"] for row in rows] == ["people 2", "people 4"]
    [listed] = json.loads(run("source", "list", "--json", *at))
    assert (listed["rows"], listed["set_aside"], listed["kind"]) == (4, 2, "live")
    assert "2 rows of s set aside" in run("source", "set-aside", "s", *at)
    file = home / "rows.jsonl"
    run("source", "set-aside", "s", "--export", str(file), *at)
    assert [json.loads(x)["fields"]["ID"] for x in file.read_text().splitlines()] == ["2", "4"]
    with pytest.raises(Conflict, match="is there already"):
        run("source", "set-aside", "s", "--export", str(file), *at)
    with pytest.raises(Invalid, match="correct the rows in its own database"):
        run("source", "set-aside", "s", "--retry", str(file), *at)
    aside = json.loads(run("mapping", "preview", str(path), "--json", "--set-aside"))
    assert [row["columns"]["ID"] for row in aside] == ["2", "4"]


def levels(home: Path) -> dict[str, object]:
    """Give the dissemination of each record that is served."""
    with closing(Reader(home / "data" / "records.db")) as reader:
        [generation] = reader.generations()
        keys = {name: reader.by_record_id(generation.id, name) for name in "1234"}
        stored = reader.fetch([key for key in keys.values() if key is not None])
        return {
            name: stored[key].handling.as_dict()["dissemination"]
            for name, key in keys.items()
            if key is not None
        }


def test_segments_of_nibrs_are_listed_corrected_and_retried(home: Path, tmp_path: Path) -> None:
    lines = [
        segment(1, "N1", (38, "20260101 10"), (49, "N")),
        segment(2, "N1", (38, "13AC"), (45, "20"), (53, "99 "), (62, "88")),
        segment(7, "A1", (38, "01"), (40, "20260230"), (48, "O"), (49, "90D"), (58, "33  MWNR")),
        segment(7, "A2", (38, "01"), (40, "20260303"), (48, "O"), (49, "90D"), (58, "33  MWNR")),
    ]
    hurt = lines[3].replace("0066", "00x6", 1)
    (home / "sources" / "nibrs.txt").write_text("\n".join([*lines[:3], hurt]) + "\n", "ascii")
    (home / "mappings" / "s.yaml").write_text(
        NIBRS.read_text("utf-8").replace("source: nibrs", "source: s"), "utf-8"
    )
    at = ["--home", str(home)]
    path = str(home / "mappings" / "s.yaml")
    rows = json.loads(run("mapping", "preview", path, "--json"))
    assert [bool(r.get("records")) for r in rows] == [True, False, False]
    run("import", "s", *at)
    file = tmp_path / "rows.csv"
    run("source", "set-aside", "s", "--export", str(file), *at)
    cut = {"ORI": "NM9990000", "NUMBER": "A2", "SEQUENCE": "01", "KIND": "arrest"}
    cut |= {"DATE": "20260303", "UCR": "90D"}
    # A correction says all by which it is decided who may see an arrest, and no more than that.
    some = cut | {"AGE": "33"}

    def right(row: dict[str, str]) -> None:
        row |= {"DATE": "20260228"} if row["NUMBER"] == "A1" else some

    edited(file, right)
    said = run("source", "set-aside", "s", "--retry", str(file), *at, fails=True)
    assert "what stands in UNDER_18 (#blank: nothing)" in " ".join(
        re.sub("[│|]", " ", said).split()
    )
    some["UNDER_18"] = "#blank"
    edited(file, right)
    said = run("source", "set-aside", "s", "--retry", str(file), *at)
    assert "1 corrected row became records" in said
