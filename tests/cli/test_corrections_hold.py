"""A correction by hand holds as long as the source says the same: a seal ends it, wherever it is.

In the row's own text, in a joined file or table, or in an object that the row refers to.
"""

import csv
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.main import app
from gateway.records.corrections import Corrections
from gateway.records.source import Correction, Said

pytestmark = pytest.mark.usefixtures("wide")

MAPPING = """\
mapping: 1
source: s
format: {form}
records:
  - type: warrant{table}
    id: "{{NO}}"
    {join}
    handling:
      dissemination: GREEN
      disclosure: {disclosure}
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: false
    objects: {{person: "nc:Person", warrant: "j:Warrant"}}
    fields:
      - {{to: "person/nc:PersonName/nc:PersonFullName", column: NAME}}
      - {{to: "person/j:DriverLicense/nc:IdentificationID", column: {oln}}}
      - {{to: "warrant/nc:ActivityIdentification/nc:IdentificationID", column: NO}}
      - {{to: "warrant/j:CourtOrderIssuingDate", column: ISSUED, date: YYYYMMDD}}
"""
CSV = '{type: csv, path: ../sources/w.csv, encoding: utf-8, delimiter: ","}'
PERSONS = '{type: csv, path: ../sources/p.csv, encoding: utf-8, delimiter: ","}'
SQL = "{type: sql, mode: mirror, path: ../sources/w.db}"
XML = (
    '{type: xml, path: ../sources/w.xml, namespaces: {s: "urn:s"}, record: W, columns: {NO: "@no",'
    ' NAME: NAME, ISSUED: ISSUED, SEAL: "P/SEAL", OLN: "P/OLN"}}'
)
CODES = "codes: {O: open, S: sealed, E: expunged}"
SEAL = f"{{column: master.SEAL, {CODES}}}"
ROW = ("W1", "DOE ANA", "20250101", "P1")


def serving(home: Path) -> dict[str, str]:
    """Give the disclosure of each record that serves."""
    query = (
        "SELECT record_id, handling FROM records JOIN generations g ON g.id = generation"
        " WHERE g.state = 'current'"
    )
    with closing(sqlite3.connect(home / "data/records.db")) as db:
        return {i: json.loads(h)["disclosure"] for i, h in db.execute(query)}


class Source:
    """One source: a warrant, and a person of whom another file, table or object says the seal."""

    def __init__(self, home: Path, form: str) -> None:
        self.home = home
        self.write: Callable[..., None] = getattr(self, f"_{form}")
        self.prefix = "" if form == "xml" else "master."
        self.map(SEAL if self.prefix else f"{{column: SEAL, {CODES}}}", form)

    def map(self, disclosure: str, form: str = "csv", more: str = "missing: set_aside") -> None:
        join = {
            "csv": f"join: {{master: {{format: {PERSONS}, key: ID, from: PERSON, {more}}}}}",
            "sql": f"join: {{master: {{table: p, key: ID, from: PERSON, {more}}}}}",
            "xml": "",
        }[form]
        text = MAPPING.format(
            form={"csv": CSV, "sql": SQL, "xml": XML}[form],
            table="\n    table: w" if form == "sql" else "",
            join=join,
            disclosure=disclosure,
            oln=f"{self.prefix}OLN",
        )
        (self.home / "mappings/s.yaml").write_text(text)

    def _csv(self, seal: str, row: tuple[str, ...] = ROW, *, oln: str = "", also: str = "") -> None:
        (self.home / "sources/w.csv").write_text(f"NO,NAME,ISSUED,PERSON\n{','.join(row)}\n")
        (self.home / "sources/p.csv").write_text(f"ID,SEAL,OLN\nP1,{seal},{oln}\n{also}")

    def _sql(self, seal: str, row: tuple[str, ...] = ROW, *, oln: str = "") -> None:
        path = self.home / "sources/w.db"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE w (NO TEXT PRIMARY KEY, NAME TEXT, ISSUED TEXT, PERSON TEXT)")
            db.execute("CREATE TABLE p (ID TEXT PRIMARY KEY, SEAL TEXT, OLN TEXT)")
            db.execute("INSERT INTO w VALUES (?, ?, ?, ?)", row)
            db.execute("INSERT INTO p VALUES ('P1', ?, ?)", (seal, oln))

    def _xml(self, seal: str, row: tuple[str, ...] = ROW, *, oln: str = "") -> None:
        no, name, issued, person = row
        told = "".join(f"<SEAL>{one}</SEAL>" for one in seal.split("+"))
        (self.home / "sources/w.xml").write_text(
            f'<a xmlns:s="urn:s"><W no="{no}"><NAME>{name}</NAME><ISSUED>{issued}</ISSUED>'
            f'<P s:ref="{person}"/></W><X s:id="P1">{told}<OLN>{oln}</OLN></X></a>'
        )

    def run(self, *words: object) -> Result:
        done = CliRunner().invoke(app, [*map(str, words), "--home", str(self.home)])
        assert done.exit_code in {0, 1}, done.output
        return done

    def imported(self, *words: object) -> dict[str, Any]:
        [done] = json.loads(self.run("import", "--json", "--allow-shrink", *words).stdout)
        return dict(done)

    def export(self) -> Path:
        file = self.home / "aside.csv"
        file.unlink(missing_ok=True)
        assert self.run("source", "set-aside", "s", "--export", file).exit_code == 0
        return file

    def retry(self, file: Path, **cells: str) -> dict[str, Any]:
        """Correct cells of every row set aside."""
        mended = self.home / "mended.csv"
        with file.open(newline="") as source, mended.open("w", newline="") as target:
            rows = csv.DictReader(source)
            out = csv.DictWriter(target, [*(rows.fieldnames or [])])
            out.writeheader()
            for one in rows:
                out.writerow(one | {self.named(k): v for k, v in cells.items()})
        found = self.run("source", "set-aside", "s", "--retry", mended, "--json")
        return dict(json.loads(found.stdout))

    def named(self, column: str) -> str:
        return f"{self.prefix}{column}" if column in {"SEAL", "OLN"} else column

    def correct(self, **cells: str) -> None:
        assert self.imported()["set_aside"] == 1
        assert self.retry(self.export(), **cells)["became_records"] == 1
        assert self.said() == {"W1": "open"}

    def said(self) -> dict[str, str]:
        return serving(self.home)

    def kept(self) -> list[Mapping[str, Any]]:
        path = self.home / "data/corrections/s.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(params=["csv", "sql", "xml"])
def source(home: Path, request: pytest.FixtureRequest) -> Source:
    return Source(home, request.param)


@pytest.fixture
def files(home: Path) -> Source:
    return Source(home, "csv")


def test_a_seal_outside_of_the_row_ends_its_correction(source: Source) -> None:
    source.write("?")
    source.correct(SEAL="O")
    source.write("S")
    told = source.run("import", "--dry-run").stdout
    assert "s: 1 correction by hand would be forgotten, and the source counts" in told
    done = source.imported()
    assert (done["forgotten"], done["records"], done["set_aside"]) == (1, 1, 0)
    assert source.said() == {"W1": "sealed"}
    assert source.kept() == []
    # Nor does it come back when the seal is gone again.
    source.write("?")
    source.imported()
    assert source.said() == {}


def meanwhile(patch: pytest.MonkeyPatch, write: Callable[[], None]) -> None:
    """Have something written when an import is about to settle corrections."""
    settle = Corrections.settle

    def first(corrections: Corrections, held: Mapping[str, Said]) -> tuple[int, bool]:
        write()
        return settle(corrections, held)

    patch.setattr(Corrections, "settle", first)


def test_an_export_that_comes_while_corrections_are_settled_is_read_by_the_next_import(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write("?")
    source.correct(SEAL="O")
    source.write("E")
    with monkeypatch.context() as patch:
        meanwhile(patch, lambda: source.write("S"))
        assert source.imported()["forgotten"] == 1
    assert source.kept() == []
    source.imported()
    assert source.said() == {"W1": "sealed"}


def test_what_a_person_corrects_while_an_import_ends_is_kept(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def correct() -> None:
        kept = Corrections(source.home / "data", "s")
        kept.put("0" * 32, Correction({"NAME": "ROE EVA"}, said={}))
        kept.save()

    source.write("?")
    source.correct(SEAL="O")
    source.write("S")
    with monkeypatch.context() as patch:
        meanwhile(patch, correct)
        source.imported()
    assert "0" * 32 in {one["row"] for one in source.kept()}
    # The next import reads everything again, and sees which still hold.
    assert source.imported()["forgotten"] == 2
    assert source.kept() == []


def test_what_is_damaged_otherwise_is_set_aside_anew(source: Source) -> None:
    source.write("?")
    source.correct(SEAL="O")
    source.write("!")
    done = source.imported()
    assert (done["forgotten"], done["records"], done["set_aside"]) == (1, 0, 1)


def test_it_holds_while_the_source_says_the_same(source: Source) -> None:
    source.write("?")
    source.correct(SEAL="O")
    kept = source.kept()
    source.write("?")
    done = source.imported("--anew")
    assert (done["forgotten"], done["corrected"], done["records"]) == (0, 1, 1)
    assert source.said() == {"W1": "open"}
    assert source.kept() == kept


def test_it_ends_with_what_stands_beside_the_corrected_column(source: Source) -> None:
    """The person got another licence: the row that was looked at is another."""
    source.write("?", oln="1")
    source.correct(SEAL="O", OLN="2")
    source.write("?", oln="3")
    assert source.imported()["forgotten"] == 1
    assert source.said() == {}


def test_a_conflict_in_what_is_referred_to_ends_with_another_conflict(home: Path) -> None:
    source = Source(home, "xml")
    source.write("O+?")
    source.correct(SEAL="O")
    source.write("O+S")
    assert source.imported()["forgotten"] == 1
    assert source.said() == {}


def test_what_comes_to_be_where_nothing_was_ends_it(files: Source) -> None:
    """The reference led nowhere, and a person said what stands there."""
    files.map(f"{{column: master.SEAL, {CODES}}}", more="missing: blank")
    files.write("O", (*ROW[:3], "P2"))
    files.correct(SEAL="O")
    files.write("O", (*ROW[:3], "P2"), also="P2,S,\n")
    assert files.imported()["forgotten"] == 1
    assert files.said() == {"W1": "sealed"}


def test_a_column_that_decides_ends_it_though_another_was_corrected(files: Source) -> None:
    files.map(
        "{cases: [{when: {column: master.OLN, is: [A]}, is: open},"
        " {when: {column: master.SEAL, is: [S]}, is: sealed}]}"
    )
    files.write("", oln="?")
    files.correct(OLN="A")
    files.write("S", oln="?")
    assert files.imported()["forgotten"] == 1
    assert files.said() == {"W1": "sealed"}


def test_a_seal_where_a_corrected_key_leads_to_ends_it(files: Source) -> None:
    files.write("O", (*ROW[:3], "PX"))
    files.correct(PERSON="P1")
    assert files.imported("--anew")["corrected"] == 1
    files.write("S", (*ROW[:3], "PX"))
    assert files.imported()["forgotten"] == 1
    assert files.said() == {}


def test_a_key_and_then_what_it_leads_to_are_corrected_one_after_the_other(files: Source) -> None:
    files.write("?", (*ROW[:3], "PX"))
    files.imported()
    first = files.retry(files.export(), PERSON="P1")
    assert (first["became_records"], len(first["still_set_aside"])) == (0, 1)
    assert files.retry(files.export(), SEAL="O")["became_records"] == 1
    assert files.imported("--anew")["corrected"] == 1
    assert files.said() == {"W1": "open"}
    files.write("S", (*ROW[:3], "PX"))
    assert files.imported()["forgotten"] == 1
    assert files.said() == {}


def test_what_nobody_saw_is_not_corrected(files: Source) -> None:
    """Of a row with a cell too many nothing is joined: the person did not see the seal."""
    files.write("S", (*ROW, "MORE"))
    files.imported()
    told = files.retry(files.export(), NO="W1", NAME="DOE", ISSUED="", PERSON="P1", SEAL="O")
    assert (told["became_records"], told["outdated"]) == (0, 1)
    assert files.said() == {}


def test_a_row_that_changed_since_it_was_exported_is_not_corrected(files: Source) -> None:
    """It is set aside still, for another reason, and sealed meanwhile."""
    row = (*ROW[:2], "99999999", "P1")
    files.write("?", row)
    files.imported()
    old = files.export()
    files.write("S", row)
    files.imported()
    told = files.retry(old, SEAL="O", ISSUED="20250101")
    assert (told["became_records"], told["outdated"]) == (0, 1)
    assert files.said() == {}
    text = files.run("source", "set-aside", "s", "--retry", old).stdout
    assert "1 row not as the source has it now: what it says counts. Export anew" in text


def test_a_seal_between_export_and_retry_counts(files: Source) -> None:
    files.write("?")
    files.imported()
    old = files.export()
    files.write("S")
    told = files.retry(old, SEAL="O")
    assert (told["became_records"], told["outdated"]) == (0, 1)
    assert files.said() == {"W1": "sealed"}


def test_a_correction_of_which_nobody_noted_what_was_said_holds_for_nothing(files: Source) -> None:
    files.write("?")
    files.correct(SEAL="O")
    path = files.home / "data/corrections/s.jsonl"
    [one] = files.kept()
    path.write_text(json.dumps({k: v for k, v in one.items() if k != "said"}) + "\n")
    told = files.run("import", "--allow-shrink").stdout
    assert "1 correction by hand is forgotten, and the source counts" in told
    assert "or nobody noted what it said then" in told
    assert files.said() == {}


BLANK = f"{{column: SEAL, {CODES}, blank: open}}"


def test_a_damaged_row_whose_flag_is_blank_is_corrected_by_a_word(files: Source) -> None:
    files.write("O")
    files.map(BLANK, more="missing: blank")
    path = files.home / "sources/w.csv"
    path.write_text("NO,NAME,ISSUED,PERSON,SEAL\nW1,DOE,ANA,20250101,P1,\n")
    files.prefix = ""
    files.imported()
    cells = {"NO": "W1", "NAME": "DOE ANA", "ISSUED": "20250101", "PERSON": "P1"}
    told = files.retry(files.export(), **cells)
    [still] = told["still_set_aside"]
    assert still["code"] == "correction.lacks"
    assert "has to say what stands in SEAL (#blank: nothing)" in still["why"]
    assert files.retry(files.export(), SEAL=" #BLANK ")["became_records"] == 1
    assert files.said() == {"W1": "open"}
    assert files.imported("--anew")["corrected"] == 1
    path.write_text("NO,NAME,ISSUED,PERSON,SEAL\nW1,DOE,ANA,20250101,P1,S\n")
    files.imported()
    assert files.said() == {}


def test_a_correction_says_whether_the_row_is_a_record_at_all(files: Source) -> None:
    files.write("O")
    files.map(BLANK, more="missing: blank")
    files.prefix = ""
    mapping = files.home / "mappings/s.yaml"
    when = "    when: {column: KIND, is: [W]}\n    id:"
    mapping.write_text(mapping.read_text().replace("    id:", when, 1))
    path = files.home / "sources/w.csv"
    # The damaged row may seal the open one before it, so neither serves.
    path.write_text(
        "NO,KIND,NAME,ISSUED,PERSON,SEAL\nW1,W,DOE ANA,20250101,P1,O\nW1,W,DOE,ANA,20250101,P1,S\n"
    )
    assert files.imported()["records"] == 0
    # What is said is kept, and the rest of it asked for.
    for cells, lacks in (({"NO": "W1"}, "KIND"), ({"KIND": "W"}, "SEAL")):
        still = files.retry(files.export(), **cells)["still_set_aside"]
        why = f"has to say what stands in {lacks} (#blank: nothing)"
        assert any(why in one["why"] for one in still), still
        assert files.said() == {}
    files.retry(files.export(), SEAL="S")
    assert files.said() == {"W1": "sealed"}
