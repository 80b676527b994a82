"""Rows of a joined file that can't be read: told and counted, and they open no record."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app

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
    correct(home, tmp_path)
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
    correct(home, tmp_path)
    done = imported(home)
    assert (done["rows"], done["records"], done["set_aside"]) == (3, 3, 0)


def correct(home: Path, folder: Path) -> None:
    """Correct the joined row that has a cell too many."""
    imported(home)
    file, mended = folder / "aside.csv", folder / "mended.csv"
    run(home, "source", "set-aside", "c", "--export", file)
    with file.open(newline="") as source, mended.open("w", newline="") as target:
        rows = csv.DictReader(source)
        out = csv.DictWriter(target, rows.fieldnames or [])
        out.writeheader()
        for one in rows:
            if "4 columns" in one["#why"]:
                one |= {"m.KEY": "2", "m.NAME": "ROE", "m.SEAL": "Y"}
            out.writerow(one)
    said = run(home, "source", "set-aside", "c", "--retry", mended)
    assert "1 corrected row became records." in said
