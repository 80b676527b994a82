"""Imports by which many sealed records would be opened: they stop and ask, one alone does not."""

import getpass
import json
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gateway.cli import records
from gateway.cli.main import app
from gateway.errors import LedgerUnavailable, NotFound
from gateway.records.corrections import Corrections
from gateway.records.store import Reader

pytestmark = pytest.mark.usefixtures("wide")

MAPPING = """\
mapping: 1
source: s
format: {type: csv, path: ../sources/s.csv, encoding: utf-8, delimiter: ","}
records:
  - type: person
    id: "{ID}"
    handling:
      dissemination: {column: LEVEL, codes: {R: RED, Y: YELLOW, G: GREEN}}
      disclosure: {column: SEALED, codes: {Y: sealed, E: expunged, N: open}, blank: open}
      juvenile: {column: JUV, codes: {Y: true, N: false}}
      source_kind: {column: FROM, codes: {D: motor_vehicle_department, A: own}}
      intelligence: false
      criminal_history: false
    objects: {person: "nc:Person"}
    fields: [{to: "person/nc:PersonName/nc:PersonFullName", column: NAME}]
"""
POLICIES = Path(__file__).parents[2] / "policies"
Row = tuple[str, str, str, str]
"""Level, sealed, juvenile, from."""
OPEN: Row = ("G", "N", "N", "A")
SEALED: Row = ("G", "Y", "N", "A")
BEFORE = [SEALED] * 10 + [("R", "E", "Y", "D")] * 5 + [OPEN] * 85


@pytest.fixture
def home(home: Path) -> Path:
    shutil.copytree(POLICIES, home / "policies", dirs_exist_ok=True)
    (home / "mappings/s.yaml").write_text(MAPPING)
    write(home, BEFORE)
    assert imported(home)["new"] == 100
    return home


def write(home: Path, rows: Iterable[Row]) -> None:
    lines = [f"{n},TESTER {n},{','.join(row)}\n" for n, row in enumerate(rows)]
    (home / "sources/s.csv").write_text("ID,NAME,LEVEL,SEALED,JUV,FROM\n" + "".join(lines))


def invoke(home: Path, *words: str, said: str | None = None) -> Result:
    words = (*words, "--home", str(home))
    return CliRunner().invoke(app, words, input=said, catch_exceptions=False)


def imported(home: Path, *words: str) -> dict[str, Any]:
    done = invoke(home, "import", "--json", *words)
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)
    return dict(found)


def refused(home: Path, *words: str) -> str:
    """Give what an import that stops says."""
    done = invoke(home, "import", *words)
    assert done.exit_code == records.REFUSED, done.output
    return " ".join(done.stderr.split())


def held(home: Path, fact: str) -> list[Any]:
    """Give a fact of every record in force."""
    with closing(Reader(home / "data/records.db")) as reader:
        [one] = reader.generations()
        first = one.id << 32
        found = reader.fetch(list(range(first, first + one.records))).values()
    return [r.handling.as_dict()[fact] for r in found]


def test_a_blank_column_of_seals_stops_the_import(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, [(level, "", juv, kind) for level, _, juv, kind in BEFORE])
    said = refused(home)
    assert "10 of 10 with disclosure sealed (person)" in said
    assert "5 of 5 with disclosure expunged (person)" in said
    assert "juvenile" not in said
    assert "At most 10 %" in said
    assert "the records from before go on serving" in said
    assert "--allow-opened" in said
    # What was read is kept, with what it would open; other permissions are none for this.
    assert "10 of 10" in refused(home, "--allow-shrink", "--allow-unread")
    assert "10 of 10" in refused(home, "--scheduled")
    assert held(home, "disclosure").count("sealed") == 10
    [row] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert (row["last_result"], row["last_code"]) == ("refused", "import.opens")
    assert "10 of 10" in row["last_text"]
    assert "the import would stop and ask" in invoke(home, "import", "--dry-run").stdout
    monkeypatch.setattr(records, "_interactive", lambda: True)
    assert invoke(home, "import", said="n\n").exit_code == records.REFUSED
    done = invoke(home, "import", said="y\n")
    assert "less strictly than before: 5 with disclosure expunged (person), 10 with" in done.stdout
    assert set(held(home, "disclosure")) == {"open"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # Without `blank` an unknown flag sets its row aside; another column's known ones do not.
        (lambda r: (*r[:2], "N", r[3]), "5 of 5 with juvenile true (person)"),
        (lambda r: (*r[:3], "A"), "5 of 5 with source_kind motor_vehicle_department (person)"),
        (lambda r: ("Y", *r[1:]) if r[0] == "R" else r, "5 of 5 with dissemination RED (person)"),
        (lambda r: (r[0], r[1].replace("E", "Y"), *r[2:]), "5 of 5 with disclosure exp"),
    ],
)
def test_whatever_is_handled_less_strictly_counts(home: Path, change: Any, said: str) -> None:
    write(home, map(change, BEFORE))
    assert said in refused(home)
    assert imported(home, "--allow-opened")["changed"] == 5


def test_what_is_handled_more_strictly_goes_through_at_once(home: Path) -> None:
    write(home, [("R", "E", "Y", "D") for _ in BEFORE])
    done = imported(home)
    assert (done["changed"], done["opened"]) == (95, {})


@pytest.mark.parametrize("sealed", [1, 10])
def test_one_record_that_the_agency_opens_goes_through(home: Path, sealed: int) -> None:
    write(home, [*BEFORE[:sealed], *[OPEN] * (100 - sealed)])
    imported(home, "--allow-opened")
    write(home, [OPEN, *BEFORE[1:sealed], *[OPEN] * (100 - sealed)])
    said = invoke(home, "import").stdout
    assert "s: handled less strictly than before: 1 with disclosure sealed (person)." in said
    assert held(home, "disclosure").count("sealed") == sealed - 1


def test_a_mapping_that_no_longer_reads_the_flag_stops(home: Path) -> None:
    flag = "{column: SEALED, codes: {Y: sealed, E: expunged, N: open}, blank: open}"
    (home / "mappings/s.yaml").write_text(MAPPING.replace(flag, "open"))
    assert "10 of 10 with disclosure sealed (person)" in refused(home)


def test_how_many_may_be_opened_is_set_in_the_settings_or_the_mapping(home: Path) -> None:
    write(home, [*[OPEN] * 3, *BEFORE[3:]])
    assert "3 of 10" in refused(home)
    toml, mapping = home / "sallyport.toml", home / "mappings/s.yaml"
    before = toml.read_text()
    toml.write_text(before + "max_opened_percent = 30\n")
    mapping.write_text(MAPPING + "max_opened: 29\n")
    assert "3 of 10" in refused(home)
    mapping.write_text(MAPPING)
    assert imported(home)["opened"] == {"disclosure sealed (person)": 3}
    # By 0 not even one goes through unasked.
    toml.write_text(before + "max_opened_percent = 0\n")
    write(home, [*[OPEN] * 4, *BEFORE[4:]])
    assert "1 of 7" in refused(home)


def test_where_the_policy_ranks_nothing_every_other_handling_counts(home: Path) -> None:
    file = home / "policies/sallyport/vocabulary/data.yaml"
    words = yaml.safe_load(file.read_text())
    del words["strictness"]
    file.write_text(yaml.safe_dump(words))
    write(home, [("R", "N", "N", "A")] * 100)
    assert "95 of 95 with dissemination GREEN (person)" in refused(home)
    shutil.rmtree(home / "policies")
    assert "95 of 95 with dissemination GREEN (person)" in refused(home, "--anew")


# -- joined files and tables ------------------------------------------------------------------

JOIN = """\
    join: {{other: {{{how}, key: ID, from: ID, missing: blank}}}}
    handling:
"""
FIELD = ', {to: "person/j:DriverLicense/nc:IdentificationID", column: other.OLN}]'


def joined(how: str) -> str:
    """Give the mapping with a file or table joined, of which a number is read."""
    text = MAPPING.replace("    handling:\n", JOIN.format(how=how))
    return text.replace("column: NAME}]", f"column: NAME}}{FIELD}")


def lines(count: int) -> str:
    return "ID,OLN\n" + "".join(f"{n},{90_000_000 + n}\n" for n in range(count))


def test_a_joined_file_that_shrinks_stops_though_no_record_goes(home: Path) -> None:
    how = "format: {type: csv, path: ../sources/f.csv}"
    (home / "mappings/s.yaml").write_text(joined(how))
    other = home / "sources/f.csv"
    other.write_text(lines(100))
    imported(home)
    other.write_text(lines(89))
    assert "the import would stop and ask" in invoke(home, "import", "--dry-run").stdout
    said = refused(home)
    assert "f.csv, which is joined, has 89 rows that can be joined, and had 100 (11.0 %" in said
    assert "--allow-shrink" in said
    [row] = json.loads(invoke(home, "source", "list", "--json").stdout)
    assert (row["last_result"], row["last_code"]) == ("refused", "import.shrinks")
    assert imported(home, "--allow-shrink")["changed"] == 11
    other.write_text(lines(81))
    assert imported(home)["changed"] == 8  # of 89


def test_a_joined_table_that_shrinks_stops_though_no_record_goes(home: Path) -> None:
    with closing(sqlite3.connect(home / "sources/s.db")) as c:
        c.execute('CREATE TABLE p (ID TEXT PRIMARY KEY, NAME, LEVEL, SEALED, JUV, "FROM")')
        c.execute("CREATE TABLE f (ID TEXT PRIMARY KEY, OLN TEXT)")
        c.executemany(
            "INSERT INTO p VALUES (?, ?, ?, ?, ?, ?)",
            [(str(n), f"TESTER {n}", *row) for n, row in enumerate(BEFORE)],
        )
        c.executemany("INSERT INTO f VALUES (?, ?)", [(str(n), str(n)) for n in range(100)])
        c.commit()
        text = joined("table: f").replace('id: "{ID}"\n', 'id: "{ID}"\n    table: p\n')
        of_database = "format: {type: sql, mode: mirror, path: ../sources/s.db}\n"
        (home / "mappings/s.yaml").write_text(re.sub("format: .*\n", of_database, text, count=1))
        imported(home)
        c.execute("DELETE FROM f WHERE ID LIKE '1%'")
        c.commit()
    assert "f, which is joined, has 89 rows that can be joined, and had 100" in refused(home)
    assert imported(home, "--allow-shrink")["changed"] == 11


# -- what the log says ------------------------------------------------------------------------


def logged(home: Path) -> list[dict[str, Any]]:
    """Give what commands did, in order."""
    words = ("audit", "entries", "--type", "admin", "--unseal", "--json")
    found = json.loads(invoke(home, *words).stdout)["entries"]
    return [e for e in found if e["decision"].startswith(("import_", "rows_", "corrections_"))]


def test_the_log_says_who_let_an_import_go_on_and_why_it_had_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, [(level, "", juv, kind) for level, _, juv, kind in BEFORE[:80]])
    refused(home)
    # Allowed in part it does not come about.
    refused(home, "--allow-shrink")
    monkeypatch.setattr(records, "_interactive", lambda: True)
    assert invoke(home, "import", "--allow-shrink", said="y\n").exit_code == 0
    found = logged(home)
    assert [(e["decision"], e["personal"]["about"]["allowed"], e["results"]) for e in found] == [
        ("import_allowed", "--allow-shrink", 20),
        ("import_not_made", "--allow-shrink", 20),
        ("import_allowed", "--allow-shrink", 20),
        ("import_allowed", "--allow-opened", 15),
    ]
    for entry in found:
        assert entry["personal"]["about"]["source"] == "s"
        assert entry["personal"]["user"] == getpass.getuser()
    imported(home, "--anew", "--allow-shrink", "--allow-opened")  # nothing was to be allowed
    assert len(logged(home)) == len(found)


def test_an_import_whose_permission_cannot_be_logged_does_not_go_on(home: Path) -> None:
    write(home, BEFORE[:80])
    (home / "data/ledger.db").write_bytes(b"no log")
    done = invoke(home, "import", "--allow-shrink")
    assert done.exit_code == 1
    assert "access log" in done.stderr
    assert len(held(home, "disclosure")) == 100


def test_the_log_says_who_corrected_how_many_rows(home: Path, tmp_path: Path) -> None:
    write(home, [*BEFORE[:98], ("?", "N", "N", "A"), ("?", "N", "N", "A")])
    assert imported(home)["set_aside"] == 2
    file = tmp_path / "rows.csv"
    invoke(home, "source", "set-aside", "s", "--export", str(file))
    whole = file.read_text()
    assert invoke(home, "source", "set-aside", "s", "--retry", str(file)).exit_code == 0
    assert not (home / "data/ledger.db").exists()  # nothing was corrected
    file.write_text(whole.replace("?", "G"))
    retried = ("source", "set-aside", "s", "--retry", str(file))
    log = home / "data/ledger.db"
    log.write_bytes(b"no log")
    with pytest.raises(LedgerUnavailable):
        invoke(home, *retried)
    assert not list((home / "data/corrections").glob("*.jsonl"))
    log.unlink()
    assert "2 corrected rows became records" in invoke(home, *retried).stdout
    [entry] = logged(home)
    assert (entry["decision"], entry["results"]) == ("rows_corrected", 2)
    assert entry["personal"]["about"]["source"] == "s"


def test_the_log_says_who_took_corrections_back(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, [*BEFORE[:98], ("?", "N", "N", "A"), ("?", "Y", "N", "A")])
    assert imported(home)["set_aside"] == 2
    file = tmp_path / "rows.csv"
    invoke(home, "source", "set-aside", "s", "--export", str(file))
    file.write_text(file.read_text().replace("?", "G"))
    assert invoke(home, "source", "set-aside", "s", "--retry", str(file)).exit_code == 0
    forget = ("source", "corrections", "s", "--forget")
    (kept,) = (home / "data/corrections").glob("*.jsonl")
    before, log = kept.read_bytes(), home / "data/ledger.db"
    row = json.loads(before.splitlines()[0])["row"]
    aside = log.rename(tmp_path / "ledger.db")
    log.write_bytes(b"no log")
    with pytest.raises(LedgerUnavailable):
        invoke(home, *forget, "all")
    assert kept.read_bytes() == before
    aside.replace(log)
    with pytest.raises(NotFound):
        invoke(home, *forget, "0" * 32)
    with monkeypatch.context() as patched:
        patched.setattr(Corrections, "save", full)
        with pytest.raises(OSError, match="no room"):
            invoke(home, *forget, "all")
    assert kept.read_bytes() == before
    assert "Took 1 back" in invoke(home, *forget, row).stdout
    assert "Took 1 back" in invoke(home, *forget, "all").stdout
    assert kept.read_bytes() == b""
    assert [
        (e["decision"], e["results"], e["personal"]["about"])
        for e in logged(home)
        if e["decision"] != "rows_corrected"
    ] == [
        ("corrections_taken_back", 2, {"source": "s", "row": "all", "user": getpass.getuser()}),
        ("corrections_not_taken_back", 2, {"source": "s", "row": "all", "user": getpass.getuser()}),
        ("corrections_taken_back", 1, {"source": "s", "row": row, "user": getpass.getuser()}),
        ("corrections_taken_back", 1, {"source": "s", "row": "all", "user": getpass.getuser()}),
    ]


def full(_: Corrections) -> None:
    """Fail to save, as a full disk does."""
    raise OSError("there is no room")
