"""Rows of a joined file that can't be read: told and counted, and they open no record."""

import csv
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.cli.test_corrections_hold import serving

pytestmark = pytest.mark.usefixtures("wide")

MAPPING = """\
mapping: 1
source: c
format: {type: csv, path: ../sources/c.csv, encoding: utf-8, delimiter: ","}
records:
  - type: person
    id: "{NO}"
    join:
      m:
        format: {type: csv, path: ../sources/p.csv, encoding: utf-8, delimiter: ","}
        key: KEY
        from: PERSON
        missing: blank
        %s
    handling:
      dissemination: GREEN
      disclosure: {column: m.SEAL, codes: {N: open, Y: sealed}, blank: open}
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: false
    objects: {person: "nc:Person"}
    fields:
      - {to: "person/nc:PersonName/nc:PersonFullName", column: TITLE}
      - {to: "person/nc:PersonName[other]/nc:PersonFullName", column: m.NAME}
"""
CASES = "NO,PERSON,TITLE\nC1,1,ONE\nC2,2,TWO\nC3,3,THREE\n"
HEAD = "KEY,NAME,SEAL\n"


@pytest.fixture
def home(home: Path) -> Path:
    (home / "sources/c.csv").write_text(CASES)
    write(home)
    return home


def write(home: Path, more: str = "") -> None:
    (home / "mappings/c.yaml").write_text(MAPPING % more)


def people(home: Path, *rows: str) -> None:
    (home / "sources/p.csv").write_text(HEAD + "".join(f"{r}\n" for r in rows))


def run(home: Path, *words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words), "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def imported(home: Path) -> dict[str, Any]:
    [done] = json.loads(run(home, "import", "--json"))
    assert done["rows"] == done["new"] + done["changed"] + done["unchanged"] + done["set_aside"]
    return dict(done)


def aside(home: Path) -> dict[tuple[str, int], str]:
    """Give why rows are set aside, by code and line."""
    found = json.loads(run(home, "source", "set-aside", "c", "--json"))
    return {(one["code"], one["line"]): one["why"] for one in found}


def test_a_joined_row_that_cannot_be_read_is_told_and_opens_nothing(home: Path) -> None:
    people(home, "1,DOE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    done = imported(home)
    assert (done["rows"], done["new"], done["set_aside"]) == (4, 2, 2)
    why = aside(home)
    assert why.keys() == {("row.columns", 3), ("join.damaged", 3)}
    assert why["row.columns", 3] == "p.csv, joined as m: the row has 4 columns, not 3"
    assert why["join.damaged", 3].endswith("p.csv, line 3")


def test_a_joined_row_that_cannot_be_read_may_be_a_second_one_of_a_key(home: Path) -> None:
    people(home, "1,DOE,N", "2,ROE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    assert (imported(home)["new"], ("join.damaged", 3) in aside(home)) == (2, True)


def test_a_joined_row_without_a_key_is_told_and_opens_nothing(home: Path) -> None:
    people(home, "1,DOE,N", ",ROE,Y", "3,POE,N")
    assert imported(home)["set_aside"] == 2
    assert aside(home).keys() == {("join.no_key", 3), ("join.damaged", 3)}


def test_what_nobody_can_read_may_be_the_row_that_counts_of_several(home: Path) -> None:
    write(home, "several: last")
    people(home, "1,DOE,N", "2,ROE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    done = imported(home)
    assert (done["rows"], done["new"]) == (4, 0)


def test_a_key_that_has_no_row_is_blank_where_all_rows_can_be_read(home: Path) -> None:
    people(home, "1,DOE,N", "3,POE,N")
    done = imported(home)
    assert (done["rows"], done["new"], done["set_aside"]) == (3, 3, 0)


SEAL = "{column: m.SEAL, codes: {N: open, Y: sealed}, blank: open}"
CHAIN = """\
      n:
        format: {type: csv, path: ../sources/n.csv, encoding: utf-8}
        key: K
        from: m.KEY
        missing: blank
    handling:"""


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("missing: blank", "", "m"),
        (f"disclosure: {SEAL}", "disclosure: open", ""),
        ("    handling:", "    when: {column: m.NAME, not: [X]}\n    handling:", "m"),
        ("    handling:", CHAIN, "m"),
    ],
    ids=["handling", "nothing", "when", "a join that decides"],
)
def test_what_no_row_means_is_said_where_a_join_decides(
    home: Path, old: str, new: str, refused: str
) -> None:
    """Else an empty file would say of everybody that nothing is flagged."""
    people(home, "1,DOE,N")
    (home / "sources/n.csv").write_text("K,SEAL\n")
    path = home / "mappings/c.yaml"
    assert old in path.read_text()
    text = path.read_text().replace(old, new)
    if old != "missing: blank":
        text = text.replace("        missing: blank\n", "")
    if old == "    handling:":
        text = text.replace("column: m.SEAL", f"column: {'n.SEAL' if new == CHAIN else 'TITLE'}")
    path.write_text(text)
    done = CliRunner().invoke(app, ["mapping", "check", str(path)])
    assert done.exit_code == (1 if refused else 0), done.output
    said = " ".join(done.output.split())
    assert (f"{refused}: `handling` or `when` reads it" in said) == bool(refused)
    assert ("`missing: set_aside`, or `missing: blank`" in said) == bool(refused)
    # Nothing is imported by such a mapping, so nothing is shown that was not.
    done = CliRunner().invoke(app, ["import", "--home", str(home)])
    assert done.exit_code == (1 if refused else 0), done.output


def test_what_decides_nothing_costs_no_record(home: Path) -> None:
    path = home / "mappings/c.yaml"
    path.write_text(
        path.read_text().replace(
            "{column: m.SEAL, codes: {N: open, Y: sealed}, blank: open}", "open"
        )
    )
    people(home, "1,DOE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    done = imported(home)
    assert (done["rows"], done["new"], done["set_aside"]) == (4, 3, 1)


def test_a_joined_row_is_corrected_as_others_are(home: Path, tmp_path: Path) -> None:
    people(home, "1,DOE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    assert "1 corrected row became records." in correct(home, tmp_path)
    done = imported(home)
    assert (done["rows"], done["records"], done["set_aside"]) == (3, 3, 0)


def test_a_joined_row_of_several_is_corrected_as_others_are(home: Path, tmp_path: Path) -> None:
    write(home, "many: true")
    path = home / "mappings/c.yaml"
    text = path.read_text().replace(
        "{column: m.SEAL, codes: {N: open, Y: sealed}, blank: open}", "open"
    )
    path.write_text(text.replace("column: m.NAME}", "column: m.NAME, for: m}"))
    people(home, "1,DOE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    assert "1 corrected row became records." in correct(home, tmp_path)
    done = imported(home)
    assert (done["rows"], done["records"], done["set_aside"]) == (3, 3, 0)


MANY = """\
      - {to: "person/nc:PersonName/nc:PersonFullName", column: TITLE, required: true}
      - {to: "person/nc:PersonName[other]/nc:PersonFullName", column: m.NAME, for: m}
"""


@pytest.mark.parametrize("column", ["m.NAME", "m[1].m.NAME", "m[1].NAME", "x[1].NAME"])
def test_a_correction_that_its_row_cannot_have_is_refused_and_not_lost(
    home: Path, tmp_path: Path, column: str
) -> None:
    write(home, "many: true")
    path = home / "mappings/c.yaml"
    text = path.read_text().replace(
        "{column: m.SEAL, codes: {N: open, Y: sealed}, blank: open}", "open"
    )
    path.write_text(text.partition("    fields:\n")[0] + "    fields:\n" + MANY)
    (home / "sources/c.csv").write_text(CASES.replace("TWO", ""))
    people(home, "1,DOE,N", "2,ROE,Y", "3,POE,N")
    said = correct(home, tmp_path, "", {"TITLE": "TWO", column: "SOMEBODY"})
    assert "correction.column" in said
    assert f"its correction says {column}, which such a row does not have" in said
    assert imported(home)["set_aside"] == 1
    # What it was is what is exported, and the same without that column counts.
    said = correct(home, tmp_path, "its correction says", {"TITLE": "TWO"})
    assert "1 corrected row became records." in said
    assert imported(home)["set_aside"] == 0


def test_a_joined_row_is_not_corrected_by_a_column_of_the_others(
    home: Path, tmp_path: Path
) -> None:
    people(home, "1,DOE,N", "2,ROE,Y,EXTRA", "3,POE,N")
    said = correct(home, tmp_path, "4 columns", MENDED | {"TITLE": "SOMETHING"})
    assert "its correction says TITLE, which such a row does not have" in said
    assert imported(home)["set_aside"] == 2


def test_a_file_joined_to_itself_is_corrected_by_either_name(home: Path, tmp_path: Path) -> None:
    path = home / "mappings/c.yaml"
    text = path.read_text().replace("column: m.SEAL", "column: TITLE").replace("m.NAME", "m.TITLE")
    text = text.replace("p.csv", "c.csv").replace("key: KEY", "key: NO")
    path.write_text(text.replace("Y: sealed}", "Y: sealed, A: open}"))
    (home / "sources/c.csv").write_text("NO,PERSON,TITLE\nC1,C2,N\nC2,C1,?\n")
    said = correct(home, tmp_path, "", {"TITLE": "A"})
    assert "1 corrected row became records." in said
    assert imported(home)["set_aside"] == 0


TABLES = """CREATE TABLE c (NO TEXT PRIMARY KEY, PERSON TEXT, TITLE TEXT);
INSERT INTO c VALUES ('C1', '1', 'ONE'), ('C2', '2', 'TWO'), ('C3', '3', 'THREE');
CREATE TABLE p (N INTEGER PRIMARY KEY, KEY TEXT, NAME TEXT, SEAL TEXT);
INSERT INTO p VALUES (71, '1', 'DOE', 'N'), (72, NULL, 'ROE', 'Y'), (73, '3', 'POE', 'N'),
  (74, ' ', 'LOE', 'N');
"""


@pytest.mark.parametrize("changes", ["", ", changes: {c: {key: NO}, p: {key: N}}"])
def test_rows_of_a_joined_table_without_a_key_are_told_counted_and_corrected(
    home: Path, tmp_path: Path, changes: str
) -> None:
    with closing(sqlite3.connect(home / "sources/c.db")) as db:
        db.executescript(TABLES)
    write(home)
    path = home / "mappings/c.yaml"
    csv_of = 'format: {type: csv, path: ../sources/%s.csv, encoding: utf-8, delimiter: ","}'
    text = path.read_text().replace(csv_of % "p", "table: p")
    sql_of = "format: {type: sql, mode: mirror, path: ../sources/c.db%s}"
    text = text.replace(csv_of % "c", sql_of % changes)
    path.write_text(text.replace("- type: person", "- type: person\n    table: c"))
    done = imported(home)
    assert (done["rows"], done["new"], done["set_aside"]) == (5, 2, 3)
    found = json.loads(run(home, "source", "set-aside", "c", "--json"))
    assert {one["key"]: one["code"] for one in found} == {
        "c C2": "join.damaged",
        "p 72": "join.no_key",
        "p 74": "join.no_key",
    }
    said = correct(home, tmp_path, "joined as m", {"m.KEY": "2"}, only="ROE")
    assert "1 corrected row became records." in said
    done = imported(home)
    # The other one may still be anybody's, but not one that has a row.
    assert (done["rows"], done["records"], done["set_aside"]) == (4, 3, 1)
    assert serving(home) == {"C1": "open", "C2": "sealed", "C3": "open"}


MENDED = {"m.KEY": "2", "m.NAME": "ROE", "m.SEAL": "Y"}


def correct(
    home: Path,
    folder: Path,
    why: str = "4 columns",
    change: Mapping[str, str] = MENDED,
    only: str = "",
) -> str:
    """Correct the rows that are set aside for a reason; give what is said of them."""
    imported(home)
    number = len(list(folder.glob("aside*.csv")))
    file, mended = folder / f"aside{number}.csv", folder / f"mended{number}.csv"
    run(home, "source", "set-aside", "c", "--export", file)
    with file.open(newline="") as source, mended.open("w", newline="") as target:
        rows = csv.DictReader(source)
        names = dict.fromkeys([*(rows.fieldnames or []), *change])
        out = csv.DictWriter(target, names)
        out.writeheader()
        for one in rows:
            meant = why in one["#why"] and only in one["#raw"]
            out.writerow({**one, **change} if meant else one)
    words = ["source", "set-aside", "c", "--retry", str(mended), "--home", str(home)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code in {0, 1}
    return done.stdout
