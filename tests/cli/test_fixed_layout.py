"""Fixed width from a layout file: imported, watched, drafted, and wrong with its line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import adapters
from adapters.document import Document
from gateway.cli.main import app
from gateway.errors import SallyportError

pytestmark = pytest.mark.usefixtures("wide")

MAPPING = """\
mapping: 1
source: s
format: {type: fixed, path: ../sources/f.txt, encoding: ascii, layout: ../sources/f.csv%s}
records:
  - type: person
    id: "{ID}"
    handling: {dissemination: GREEN, disclosure: open, juvenile: false, source_kind: own,
      intelligence: false, criminal_history: false}
    objects: {person: "nc:Person"}
    fields: [{to: "person/nc:PersonName/nc:PersonSurName", column: SURNAME}]
"""
PLACES = "name,first,last,what it is\nID,1,4,a key\nSURNAME,7,16,\n"
LENGTHS = "Name, Length\nID,4\nFILLER,2\nSURNAME,10\n,4\n"
DATA = "".join(f"{n:04}XX{'TESTER':10}    \n" for n in range(1, 13))


@pytest.fixture
def home(home: Path) -> Path:
    (home / "sources/f.txt").write_text(DATA)
    return home


def write(home: Path, layout: str, more: str = ", width: 20") -> Path:
    (home / "sources/f.csv").write_text(layout)
    (home / "mappings/s.yaml").write_text(MAPPING % more)
    return home / "mappings/s.yaml"


def invoke(home: Path, *words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)], catch_exceptions=False)


@pytest.mark.parametrize(("layout", "more"), [(PLACES, ", width: 20"), (LENGTHS, ", width: 20")])
def test_columns_stand_where_the_layout_says(home: Path, layout: str, more: str) -> None:
    path = write(home, layout, more)
    [done] = json.loads(invoke(home, "import", "--json").stdout)
    assert (done["rows"], done["new"], done["set_aside"]) == (12, 12, 0)
    assert adapters.load(path).columns == {"ID", "SURNAME"}


def test_another_layout_is_another_source(home: Path) -> None:
    write(home, PLACES)
    invoke(home, "import")
    write(home, PLACES.replace("7,16", "7,9"))
    [done] = json.loads(invoke(home, "import", "--json").stdout)
    assert done["changed"] == 12
    files = adapters.upkeep(home / "mappings/s.yaml").files or ()
    assert home / "sources/f.csv" in {file.resolve() for file in files}


def test_a_line_ends_with_the_last_column_where_nothing_else_is_said(home: Path) -> None:
    write(home, PLACES, "")
    [done] = json.loads(invoke(home, "import", "--json").stdout)
    assert done["set_aside"] == 12
    (home / "sources/f.txt").write_text("".join(f"{one[:16]}\n" for one in DATA.splitlines()))
    [done] = json.loads(invoke(home, "import", "--json").stdout)
    assert done["set_aside"] == 0


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("", "f.csv:1: its first line says name,first,last or name,length"),
        ("name,first,last,length\nA,1,2,2\n", "f.csv:1: its first line says"),
        ("name,first,last\nID,0,4\n", "f.csv:2: ID: first and last must be numbers from 1"),
        ("name,first,last\nID,1\n", "f.csv:2: ID: first and last must be numbers from 1"),
        ("name,first,last\nID,1,4\n\nB,9,5\n", "f.csv:4: B: its first position stands behind"),
        ("name,first,last\nID,1,4\nB,5,21\n", "f.csv:3: B ends at 21, behind the line"),
        (
            "name,length\nID,4\nB,x\nB,3\nB,3\n",
            "f.csv:3: B: length must be numbers from 1; f.csv:5: B",
        ),
        ("name,length\nFILLER,4\n", "f.csv: it names no column"),
        ('name,length\nID,4\n"B,3\n', "f.csv:3: it is no CSV"),
        ("name,length\nID,99999999999\n", "f.csv:2: ID: length must be numbers"),
    ],
)
def test_what_is_wrong_with_a_layout_is_said_with_its_line(
    home: Path, layout: str, said: str
) -> None:
    path = write(home, layout)
    done = CliRunner().invoke(app, ["mapping", "check", str(path)])
    assert done.exit_code == 1
    assert f"s.yaml:3: fault: {said}" in done.stdout


def test_a_layout_that_is_not_there_or_stands_twice_is_said(home: Path) -> None:
    path = write(home, PLACES, ", width: 20, columns: {ID: [1, 4]}")
    assert "take one of them out" in CliRunner().invoke(app, ["mapping", "check", str(path)]).stdout
    path = write(home, PLACES)
    (home / "sources/f.csv").unlink()
    assert (
        "f.csv: there is no such file"
        in CliRunner().invoke(app, ["mapping", "check", str(path)]).stdout
    )
    path.write_text(path.read_text().replace(", layout: ../sources/f.csv", ""))
    assert (
        "columns must be there" in CliRunner().invoke(app, ["mapping", "check", str(path)]).stdout
    )


def test_a_draft_takes_the_layout(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, LENGTHS.rpartition(",4\n")[0])
    (home / "mappings/s.yaml").unlink()
    monkeypatch.chdir(home)
    words = ["mapping", "draft", "sources/f.txt", "--format", "fixed"]
    words += ["--with", "layout=sources/f.csv", "--type", "person", "--out", "mappings/d.yaml"]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    text = (home / "mappings/d.yaml").read_text()
    form = Document(home / "mappings/d.yaml").content["format"]
    assert (form["layout"], form["width"]) == ("../sources/f.csv", 20)
    assert "CHECK: lines go on to 20 behind" in text
    assert "surname: SURNAME" in text
    done = CliRunner().invoke(app, ["mapping", "check", "mappings/d.yaml", "--rows"])
    assert "12 mapped" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", r"f\.txt:3: the line is no text in utf-8"),
        ("klingon", "klingon: there is no such encoding"),
        ("hex", "hex: there is no such encoding"),
        ("437", "437: there is no such encoding"),
    ],
)
def test_a_draft_says_what_is_wrong_with_an_encoding(
    home: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, said: str
) -> None:
    write(home, LENGTHS.rpartition(",4\n")[0])
    lines = DATA.replace("0003XXTESTER", "0003XXTESTÉR")
    (home / "sources/f.txt").write_text(lines, encoding="iso-8859-1")
    monkeypatch.chdir(home)
    words = ["mapping", "draft", "sources/f.txt", "--format", "fixed", "--type", "person"]
    words += ["--with", "layout=sources/f.csv", "--with", f"encoding={encoding}"]
    with pytest.raises(SallyportError, match=said):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_a_layout_is_no_endless_file(home: Path) -> None:
    path = write(home, PLACES + "#" * 2**20)
    with pytest.raises(SallyportError, match="at most"):
        adapters.load(path)
