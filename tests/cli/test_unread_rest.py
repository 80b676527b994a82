"""A file that can't be read to its end: what may stand in the rest is not taken for gone."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.cli.records import REFUSED

pytestmark = pytest.mark.usefixtures("wide")

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
    fields: [{{to: "person/nc:PersonName/nc:PersonFullName", column: NAME}}]
"""
XML = "{type: xml, path: ../sources/f, record: x, columns: {ID: '@id', NAME: v}}"
EXCEL = "{type: excel, path: ../sources/f}"
ROWS = 1_000


def record(number: int) -> str:
    return f'<x id="{number}"><v>TESTER {number}</v></x>\n'


def xml(path: Path, hurt: Callable[[list[str]], str] = "".join) -> None:
    lines = ["<r>\n", *map(record, range(ROWS)), "</r>\n"]
    path.write_text(hurt(lines))


def cut(lines: list[str]) -> str:
    return "".join(lines[:951]) + lines[951][:20]


def commented(lines: list[str]) -> str:
    lines[931] = f"& <!-- {lines[931]}"
    return "".join(lines)


def excel(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["ID", "NAME"])
    for number in range(ROWS):
        sheet.append([str(number), f"TESTER {number}"])
    book.save(path)


def cut_sheet(path: Path) -> None:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = next(n for n in parts if n.startswith("xl/worksheets/sheet"))
    parts[sheet] = parts[sheet][: parts[sheet].index(b'<row r="952"') + 20]
    with zipfile.ZipFile(path, "w") as book:
        for name, data in parts.items():
            book.writestr(name, data)


@pytest.fixture
def source(home: Path) -> Path:
    (home / "mappings/s.yaml").write_text(MAPPING.format(form=XML))
    xml(home / "sources/f")
    return home / "sources/f"


def invoke(home: Path, *words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)], catch_exceptions=False)


def imported(home: Path, *words: object) -> dict[str, Any]:
    done = invoke(home, "import", "--json", *words)
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)
    return dict(found)


def refused(home: Path) -> str:
    """Give why an import was refused. The records from before still serve."""
    done = invoke(home, "import")
    assert done.exit_code == REFUSED
    [listed] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert listed["records"] == ROWS
    assert (listed["last_result"], listed["last_code"]) == ("refused", "import.unread")
    return done.stderr


@pytest.mark.parametrize(("hurt", "line", "left"), [(cut, 952, 950), (commented, 932, 930)])
def test_what_follows_damage_in_xml_is_not_taken_for_gone(
    home: Path, source: Path, hurt: Callable[[list[str]], str], line: int, left: int
) -> None:
    assert imported(home)["new"] == ROWS
    xml(source, hurt)
    said = refused(home)
    assert f"from line {line} on" in said
    assert f"{ROWS - left} of 1,000 records would go" in said
    assert "--allow-unread" in said
    assert "would stop and ask" in invoke(home, "import", "--dry-run").stdout
    done = imported(home, "--allow-unread")
    assert (done["records"], done["removed"], done["set_aside"]) == (left, ROWS - left, 1)


def test_what_follows_damage_in_a_sheet_is_not_taken_for_gone(home: Path) -> None:
    (home / "mappings/s.yaml").write_text(MAPPING.format(form=EXCEL))
    excel(home / "sources/f")
    assert imported(home)["new"] == ROWS
    cut_sheet(home / "sources/f")
    assert "from line 952 on" in refused(home)
    assert imported(home, "--allow-unread")["removed"] == 50


def test_a_rest_that_is_larger_than_may_go_takes_both_words(home: Path, source: Path) -> None:
    imported(home)
    xml(source, lambda lines: "".join(lines[:500]))
    refused(home)
    assert invoke(home, "import", "--allow-unread").exit_code == REFUSED
    assert imported(home, "--allow-unread", "--allow-shrink")["records"] == 499


def test_what_can_be_read_of_a_first_export_is_taken_once_somebody_says_so(
    home: Path, source: Path
) -> None:
    xml(source, cut)
    done = invoke(home, "import")
    assert done.exit_code == REFUSED
    said = " ".join(done.stderr.split())
    assert "from line 952 on" in said
    assert ". 950 would be new. What was not read may say otherwise" in said
    assert "Nothing was changed. Have it exported anew" in said
    [listed] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert "records" not in listed
    assert listed["last_code"] == "import.unread"
    said = invoke(home, "import", "--dry-run").stdout
    assert "950 would be new. What was not read may say otherwise" in said
    assert "who may see them: the import would stop and ask." in said
    taken = imported(home, "--allow-unread")
    assert (taken["records"], taken["set_aside"]) == (950, 1)


def test_an_open_record_is_not_taken_while_its_sealed_twin_may_stand_in_the_rest(
    home: Path, source: Path
) -> None:
    codes = "disclosure: {column: SEAL, codes: {N: open, S: sealed}}"
    form = XML.replace("NAME: v", "NAME: v, SEAL: '@seal'")
    text = MAPPING.format(form=form).replace("disclosure: open", codes)
    (home / "mappings/s.yaml").write_text(text)

    def row(number: int, seal: str = "N") -> str:
        return record(number).replace("<x ", f'<x seal="{seal}" ')

    source.write_text(f"<r>\n{row(1)}{row(2)}</r>\n")
    assert imported(home)["records"] == 2
    source.write_text(f"<r>\n{row(1)}{row(2)}{row(3)}<!-- cut {row(3, 'S')}</r>\n")
    assert invoke(home, "import").exit_code == REFUSED
    [listed] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert (listed["records"], listed["last_code"]) == (2, "import.unread")
    source.write_text(f"<r>\n{row(1)}{row(2)}{row(3)}{row(3, 'S')}</r>\n")
    done = imported(home)
    assert (done["records"], done["set_aside"]) == (2, 2)


def test_one_damaged_record_is_no_reason_to_stop(home: Path, source: Path) -> None:
    imported(home)
    xml(source, lambda lines: "".join(lines).replace("TESTER 7<", "TESTER & 7<"))
    done = imported(home)
    assert (done["records"], done["removed"], done["set_aside"]) == (ROWS - 1, 1, 1)


def test_a_rest_that_is_not_read_is_not_corrected_as_one_row(
    home: Path, source: Path, tmp_path: Path
) -> None:
    imported(home)
    xml(source, cut)
    imported(home, "--allow-unread")
    file = tmp_path / "aside.csv"
    assert invoke(home, "source", "set-aside", "s", "--export", file).exit_code == 0
    mended = tmp_path / "mended.csv"
    head, first, *_ = file.read_text().splitlines()
    cells = first.rsplit(",", 2)[0]
    mended.write_text(f"{head}\n{cells},951,TESTER\n")
    assert invoke(home, "source", "set-aside", "s", "--retry", mended).exit_code == 1
    [listed] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert listed["records"] == 950


def test_what_a_joined_file_told_is_not_taken_for_gone(home: Path) -> None:
    """It costs no record, but what was known of those behind the damage."""
    (home / "sources/main.csv").write_text("NO\n" + "".join(f"{n}\n" for n in range(ROWS)))
    csv = "{type: csv, path: ../sources/main.csv, encoding: utf-8, delimiter: ','}"
    join = f"    join: {{of: {{format: {XML}, key: ID, from: NO}}}}\n    handling:"
    text = MAPPING.format(form=csv).replace("    handling:", join, 1).replace("{ID}", "{NO}")
    fields = text.replace("column: NAME}", "column: of.NAME}, ").replace(
        "fields: [",
        'fields: [{to: "person/nc:PersonStateIdentification/nc:IdentificationID", column: NO}, ',
    )
    (home / "mappings/s.yaml").write_text(fields)
    xml(home / "sources/f")
    assert imported(home)["new"] == ROWS
    xml(home / "sources/f", cut)
    said = refused(home)
    assert "f, joined as of: " in said
    assert "0 of 1,000 records would go, and 50 would change" in said
    done = imported(home, "--allow-unread")
    assert (done["rows"], done["changed"], done["set_aside"]) == (ROWS + 1, 50, 1)
