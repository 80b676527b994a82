"""Of what moment a file is, where it says so itself: an old export that is copied stays old."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.cli.records import REFUSED
from gateway.cli.sources import Known
from gateway.records import fingerprint

pytestmark = pytest.mark.usefixtures("wide")

MAPPING = """\
mapping: 1
source: s
%s
format: {type: csv, path: ../sources/s.csv, encoding: utf-8, delimiter: ","%s}
records:
  - type: person
    id: "{ID}"
    handling: {dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}
    objects: {person: "nc:Person"}
    fields: [{to: "person/nc:PersonName/nc:PersonFullName", column: NAME}]
max_shrink: 100
"""
COLUMN = ", as_of: {column: MADE, date: [YYYY-MM-DD HH:MI, YYYYMMDD]}"
NAME = ', as_of: {name: "s_{YYYYMMDDHHMI}.csv"}'


def mapped(home: Path, as_of: str = COLUMN, top: str = "zone: America/Denver") -> None:
    (home / "mappings/s.yaml").write_text(MAPPING % (top, as_of))


def write(home: Path, *made: str, name: str = "TESTER") -> Path:
    """Write an export, a row for each moment that one says. It is written now."""
    path = home / "sources/s.csv"
    rows = "".join(f"{n},{name} {n},{moment}\n" for n, moment in enumerate(made))
    path.with_suffix(".tmp").write_text("ID,NAME,MADE\n" + rows)
    return path.with_suffix(".tmp").replace(path)


def invoke(home: Path, *words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)], catch_exceptions=False)


def checked(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["mapping", "check", str(home / "mappings/s.yaml"), *words])


def imported(home: Path) -> dict[str, Any]:
    """Import, and give what the list says then."""
    done = invoke(home, "import")
    assert done.exit_code == 0, done.output
    return listed(home)


def listed(home: Path) -> dict[str, Any]:
    [found] = json.loads(invoke(home, "source", "list", "--json").stdout)
    return dict(found)


def test_the_oldest_of_its_rows_says_how_old_a_file_is(home: Path) -> None:
    mapped(home)
    write(home, "2026-01-31 10:00", "2026-01-30 23:30", "20260131")
    assert imported(home)["as_of"] == "2026-01-31T06:30:00.00Z"
    # What is copied, or touched, is no younger for that.
    os.utime(home / "sources/s.csv")
    assert imported(home)["as_of"] == "2026-01-31T06:30:00.00Z"
    # A day alone: of its first moment, where the agency is.
    write(home, "20260203", "2026-02-04 10:00")
    assert imported(home)["as_of"] == "2026-02-03T07:00:00.00Z"
    assert "2026-02-03 07:00" in invoke(home, "source", "list").stdout
    assert "MADE" not in checked(home).stdout


def test_it_is_never_later_than_the_file_nor_than_now(home: Path) -> None:
    mapped(home)
    path = write(home, "2026-01-31 10:00")
    old = datetime(2025, 6, 1, tzinfo=UTC).timestamp()
    os.utime(path, (old, old))
    assert imported(home)["as_of"] == "2025-06-01T00:00:00.00Z"
    # A time of change ahead of the clock makes nothing younger than now.
    mapped(home, "")
    ahead = (datetime.now(UTC) + timedelta(days=400)).timestamp()
    os.utime(path, (ahead, ahead))
    said = datetime.fromisoformat(imported(home)["as_of"])
    assert timedelta() <= datetime.now(UTC) - said < timedelta(minutes=5)


def test_an_old_export_that_is_put_there_again_stops_and_asks(home: Path) -> None:
    mapped(home)
    write(home, "2026-02-01 10:00", "2026-02-01 10:00")
    before = imported(home)
    write(home, "2026-01-31 10:00", "2026-01-31 10:00", name="OLDER")
    assert "the import would stop and ask" in invoke(home, "import", "--dry-run").stdout
    done = invoke(home, "import", "--allow-shrink")
    assert done.exit_code == REFUSED
    assert "it is of 2026-01-31 17:00 UTC, and the records that serve are of 2026" in done.stderr
    after = listed(home)
    assert (after["last_result"], after["last_code"]) == ("refused", "import.older")
    assert (after["generation"], after["as_of"]) == (before["generation"], before["as_of"])
    assert invoke(home, "import", "--allow-older").exit_code == 0
    assert listed(home)["as_of"] == "2026-01-31T17:00:00.00Z"
    # Of a file that says nothing itself, nobody knows that it is.
    mapped(home, "")
    os.utime(write(home, "-", "-", name="NEWER"), (1_700_000_000, 1_700_000_000))
    assert imported(home)["as_of"].startswith("2023-11-14")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("", "in line 3, column MADE, nobody can read how old it is"),
        ("31/01/2026", "not written as YYYY-MM-DD HH:MI, YYYYMMDD"),
        ("20260231", "no such day"),
        ("20260732", "no such day"),
    ],
)
def test_where_nobody_can_read_it_nothing_is_imported(home: Path, moment: str, said: str) -> None:
    mapped(home)
    write(home, "2026-01-31 10:00")
    before = imported(home)
    write(home, "2026-02-01 10:00", moment)
    done = invoke(home, "import")
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Nothing was changed" in done.stderr
    assert checked(home).exit_code == 0
    of_rows = checked(home, "--rows")
    assert of_rows.exit_code == 1
    assert said in of_rows.stdout
    after = listed(home)
    assert (after["last_result"], after["last_code"]) == ("failed", "import.as_of")
    assert [after[k] for k in ("generation", "as_of", "records")] == [
        before[k] for k in ("generation", "as_of", "records")
    ]
    # No value of the row stands in what is kept.
    assert not moment or moment not in after["last_text"]
    write(home, "2026-02-01 10:00", "20260201")
    assert imported(home)["records"] == 2


def test_a_moment_that_lies_ahead_is_refused(home: Path) -> None:
    mapped(home)
    write(home, f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d %H:%M}")
    done = invoke(home, "import")
    assert done.exit_code == 1
    assert "that lies ahead" in done.stderr
    assert "`zone`" in done.stderr
    assert "that lies ahead" in checked(home, "--rows").stdout


def test_of_a_file_without_rows_nobody_knows_it(home: Path) -> None:
    (home / "policies/agencies/TX9990000").mkdir(parents=True, exist_ok=True)
    mapped(home)
    write(home)
    assert imported(home)["as_of"] is None
    assert "age unknown" in invoke(home, "source", "list").stdout


def test_rows_that_cannot_be_read_say_nothing_of_it(home: Path) -> None:
    mapped(home)
    path = write(home, "2026-01-31 10:00", "2026-02-01 10:00")
    with path.open("a") as file:
        file.write("9,TOO,MANY,20200101\n")
    assert imported(home)["as_of"] == "2026-01-31T17:00:00.00Z"


def joined(home: Path) -> None:
    join = """join:
      m:
        format: {type: csv, path: ../sources/m.csv, encoding: utf-8, delimiter: ","%s}
        key: ID
        from: ID
    id:"""
    text = MAPPING % ("zone: UTC", COLUMN)
    text = text.replace("id:", join % COLUMN.replace("MADE", "WHEN"), 1)
    (home / "mappings/s.yaml").write_text(text)


def test_a_joined_file_says_it_too(home: Path) -> None:
    joined(home)
    write(home, "2026-01-31 10:00")
    (home / "sources/m.csv").write_text("ID,ALIAS,WHEN\n0,A,20260102\n7,B,20260101\n")
    assert imported(home)["as_of"] == "2026-01-01T00:00:00.00Z"
    said = checked(home).stdout
    assert "ALIAS" in said
    assert "WHEN" not in said


def test_an_old_export_is_seen_beside_a_joined_file_without_rows(home: Path) -> None:
    joined(home)
    write(home, "2026-01-31 10:00")
    (home / "sources/m.csv").write_text("ID,ALIAS,WHEN\n0,A,20260131\n")
    imported(home)
    write(home, "2026-01-01 10:00", name="OLDER")
    (home / "sources/m.csv").write_text("ID,ALIAS,WHEN\n")
    assert "the import would stop and ask" in invoke(home, "import", "--dry-run").stdout
    assert invoke(home, "import", "--allow-shrink").exit_code == REFUSED
    assert listed(home)["last_code"] == "import.older"


def test_the_name_of_what_a_link_leads_to_says_it(home: Path) -> None:
    """And that the link leads to another export is seen by the schedule."""
    mapped(home, NAME, "zone: UTC")
    path, folder = home / "sources/s.csv", home / "sources"
    known = Known(home)
    marks = set()
    for name in ("s_202601310930.csv", "s_202602010930.csv"):
        write(home, "-", name=name).replace(folder / name)
        path.unlink(missing_ok=True)
        path.symlink_to(name)
        day = name[8:10]
        assert imported(home)["as_of"] == f"2026-{name[6:8]}-{day}T09:30:00.00Z"
        [upkeep] = known.upkeep()
        marks.add(fingerprint.quick(upkeep.files))
    assert len(marks) == 2
    path.unlink()
    path.symlink_to(write(home, "-").replace(folder / "s_new.csv").name)
    done = invoke(home, "import")
    assert done.exit_code == 1
    assert "in its name nobody can read how old it is" in done.stderr
    assert listed(home)["as_of"] == "2026-02-01T09:30:00.00Z"
    assert listed(home)["last_code"] == "import.as_of"
    assert "s.yaml:4" in listed(home)["last_text"]
    assert "in its name nobody can read how old it is" in checked(home).stdout
    path.unlink()
    assert "there is no such file" in invoke(home, "import").stderr
    path.symlink_to(path.name)
    assert "the link leads to nothing" in invoke(home, "import").stderr


@pytest.mark.parametrize(
    ("as_of", "top", "said"),
    [
        (COLUMN, "", "of which time zone"),
        (COLUMN.replace("MADE", "MAED"), "zone: UTC", "MAED: no such column"),
        (COLUMN.replace("YYYYMMDD", "MMDD"), "zone: UTC", "needs YYYY"),
        (', as_of: {name: "s.csv"}', "zone: UTC", "stands in braces, once"),
        (', as_of: {name: "s_{YYYYMMDD}.csv", date: YYYY}', "zone: UTC", "date is no key here"),
        (", as_of: {column: MADE}", "zone: UTC", "date must be there"),
        (COLUMN, "zone: Mars/Olympus", "no such time zone"),
    ],
)
def test_what_is_wrong_with_it_is_said_with_its_line(
    home: Path, as_of: str, top: str, said: str
) -> None:
    mapped(home, as_of, top)
    write(home, "2026-01-31 10:00")
    done = checked(home)
    assert done.exit_code == 1
    assert said in done.stdout
    assert "line 4" in done.stdout or "s.yaml:4" in done.stdout or "Mars" in top


def test_the_head_of_an_xml_file_says_it(home: Path) -> None:
    """By a column that no record uses, and that is read all the same."""
    form = """{type: xml, path: ../sources/s.xml, record: x,
      columns: {ID: '@id', NAME: v, MADE: /r/made}, as_of: {column: MADE, date: [%s]}}"""
    text = MAPPING % ("zone: UTC", "")
    csv = text[text.index("{type: csv") : text.index("\nrecords:")]
    text = text.replace(csv, form % '"YYYY-MM-DDTHH:MI:SSZZ"').replace("zone: UTC", "")
    (home / "mappings/s.yaml").write_text(text)
    rows = "".join(f'<x id="{n}"><v>TESTER</v></x>' for n in range(3))
    made = "<made>2026-01-31T10:00:00-07:00</made>"
    (home / "sources/s.xml").write_text(f"<r>{made}{rows}</r>")
    assert imported(home)["as_of"] == "2026-01-31T17:00:00.00Z"
    (home / "sources/s.xml").write_text(f"<r>{rows}</r>")
    assert "nobody can read how old it is" in invoke(home, "import").stderr


def test_rows_that_are_one_may_say_several(home: Path) -> None:
    text = MAPPING % ("zone: UTC\ntogether: {key: ID, part: line}", COLUMN)
    (home / "mappings/s.yaml").write_text(text)
    path = write(home, "2026-01-31 10:00", "20260130")
    path.write_text(path.read_text() + "0,TESTER 0,20260129\n")
    done = imported(home)
    assert (done["as_of"], done["records"]) == ("2026-01-29T00:00:00.00Z", 2)
    assert done["set_aside"] == 0
