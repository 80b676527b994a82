"""Damaged rows that may be anybody's: few enough are passed over, where the mapping says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.cli.records import REFUSED
from tests.cli.people_csv import MAPPING as PEOPLE
from tests.cli.test_import_opened import logged
from tests.cli.test_joined_rows import MAPPING as JOINED
from tests.cli.test_unread_rest import MAPPING as XML_MAPPING
from tests.cli.test_unread_rest import XML, cut, xml

pytestmark = pytest.mark.usefixtures("wide")

DAMAGED = "\udcff1,NOBODY,03/12/1987\n"
"""A byte that is no UTF-8 stands in the id."""
ROWS = 50


def people(home: Path, most: int | None, damaged: str = "", name: str = "TESTER") -> None:
    top = "" if most is None else f"max_unread: {most}\n"
    (home / "mappings/s.yaml").write_text(PEOPLE.format(name="s") + top)
    rows = (f'{n},"{name}{n}, QUILL",03/12/1987\n' for n in range(ROWS))
    text = "ID,NAME,BORN\n" + "".join(rows) + damaged
    (home / "sources/s.csv").write_text(text, encoding="utf-8", errors="surrogateescape")


def joined(home: Path, most: int | None, *more: str) -> None:
    top = "" if most is None else f"max_unread: {most}\n"
    (home / "mappings/c.yaml").write_text(JOINED % "several: last" + top)
    rows = range(ROWS)
    (home / "sources/c.csv").write_text(
        "NO,PERSON,TITLE\n" + "".join(f"C{n},{n},ONE\n" for n in rows)
    )
    (home / "sources/p.csv").write_text(
        "KEY,NAME,SEAL\n" + "".join(f"{n},DOE,N\n" for n in rows) + "".join(more)
    )


def invoke(home: Path, *words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)], catch_exceptions=False)


def imported(home: Path) -> dict[str, Any]:
    done = invoke(home, "import", "--json")
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)
    return dict(found)


def listed(home: Path) -> dict[str, Any]:
    [found] = json.loads(invoke(home, "source", "list", "--json").stdout)
    return dict(found)


@pytest.mark.parametrize("most", [None, 0, 1])
def test_more_than_the_mapping_lets_pass_stop_the_import(home: Path, most: int | None) -> None:
    people(home, most)
    imported(home)
    people(home, most, DAMAGED * 2, "NEWER")
    done = invoke(home, "import")
    assert done.exit_code == REFUSED
    assert "lines 52, 53" in done.stderr
    assert listed(home)["last_code"] == "import.unread"
    assert not (home / "data/ledger.db").exists()


def test_as_many_as_the_mapping_lets_pass_are_told_and_logged(home: Path) -> None:
    people(home, 2)
    assert imported(home)["passed_over"] is None
    people(home, 2, DAMAGED * 2, "NEWER")
    assert "2 rows were passed over" in invoke(home, "import", "--dry-run").stdout
    assert not (home / "data/ledger.db").exists()
    done = imported(home)
    assert (done["changed"], done["set_aside"]) == (ROWS, 2)
    assert "2 rows were passed over, as max_unread lets" in done["passed_over"]
    assert "lines 52, 53" in done["passed_over"]
    [entry] = logged(home)
    about = entry["personal"]["about"]
    assert (entry["decision"], entry["results"]) == ("import_allowed", 2)
    assert (about["source"], about["allowed"]) == ("s", "max_unread")
    assert (listed(home)["last_result"], listed(home)["last_text"]) == (
        "imported",
        done["passed_over"],
    )
    assert "2 rows were passed over" in invoke(home, "source", "list").stdout


def test_what_cannot_be_logged_is_not_passed_over(home: Path) -> None:
    people(home, 1)
    imported(home)
    people(home, 1, DAMAGED, "NEWER")
    (home / "data/ledger.db").write_bytes(b"no log")
    assert invoke(home, "import").exit_code == 1
    assert listed(home)["last_result"] == "failed"
    assert listed(home)["generation"] == 1


def test_the_rest_of_a_file_is_never_passed_over(home: Path) -> None:
    (home / "mappings/s.yaml").write_text(
        XML_MAPPING.format(form=XML) + "max_unread: 1000\nmax_shrink: 100\n"
    )
    xml(home / "sources/f")
    imported(home)
    xml(home / "sources/f", cut)
    assert "from line 952 on" in invoke(home, "import").stderr
    assert listed(home)["last_code"] == "import.unread"


def test_a_joined_row_without_a_key_says_how_many_it_holds_back(home: Path) -> None:
    joined(home, None)
    imported(home)
    joined(home, None, ",ROE,Y\n")
    done = invoke(home, "import")
    assert done.exit_code == REFUSED
    said = " ".join(done.stderr.split())
    assert f"{ROWS} rows are held back" in said
    assert "p.csv, line 52" in said
    assert "max_unread" in said
    assert f"{ROWS} rows are held back" in invoke(home, "import", "--dry-run").stdout
    assert f"{ROWS} rows are held back" in listed(home)["last_text"]


def test_joined_rows_without_a_key_are_passed_over_where_the_mapping_lets_them(home: Path) -> None:
    joined(home, 1, ",ROE,Y\n")
    done = imported(home)
    assert (done["new"], done["set_aside"]) == (ROWS, 1)
    assert "p.csv, line 52" in done["passed_over"]
    [entry] = logged(home)
    assert (entry["decision"], entry["results"]) == ("import_allowed", 1)
    # One more, and all are held back again.
    joined(home, 1, ",ROE,Y\n", ",POE,Y\n")
    assert invoke(home, "import").exit_code == REFUSED


def test_a_joined_row_that_may_have_a_key_by_its_place_holds_back_what_has_it(home: Path) -> None:
    """It may be the flag of that one record: that is known, and not passed over."""
    joined(home, 1, "7,DOE,S,TOO MANY\n")
    done = imported(home)
    assert (done["records"], done["set_aside"]) == (ROWS - 1, 2)
    assert "1 row was passed over" in done["passed_over"]


def test_one_row_that_holds_back_many_is_seen_in_the_list(home: Path) -> None:
    joined(home, None, ",ROE,Y\n")
    imported(home)
    said = " ".join(invoke(home, "source", "set-aside", "c", "--limit", 3).stdout.split())
    assert f"{ROWS} rows set aside: PERSON: nobody can say who may see it" in said
    assert "p.csv, line 52" in said
    assert "1 row set aside: m.KEY: p.csv, joined as m: the row has no key" in said
    assert f"the first 3 of {ROWS + 1} rows of c set aside" in said
    # Where all are shown, nothing is said twice.
    said = " ".join(invoke(home, "source", "set-aside", "c", "--limit", 99).stdout.split())
    assert "rows set aside: PERSON" not in said
