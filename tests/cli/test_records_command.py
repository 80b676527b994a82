"""`sallyport import` and `sallyport source`, as an administrator uses them."""

import fcntl
import getpass
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.errors import Conflict, Invalid, LedgerUnavailable, NotFound, RecordsUnavailable
from gateway.records import importer
from tests.cli.people_csv import MAPPING

pytestmark = pytest.mark.usefixtures("wide")

ROWS = (
    "ID,NAME,BORN\n"
    "1,QUILLBROOK ZELMA,03/12/1987\n"
    "2,FENWICK ODA,[red]\x1b[2J\n"
    "3,HOLT ANA,02/30/1990\n"
)


@pytest.fixture
def home(home: Path) -> Path:
    for name in ("persons", "later"):
        (home / "mappings" / f"{name}.yaml").write_text(MAPPING.format(name=name))
        (home / "sources" / f"{name}.csv").write_text(ROWS.replace("QUILL", name.upper()))
    return home


def run(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_import_says_what_was_set_aside_and_how_to_see_why(home: Path) -> None:
    said = run(home, "import", "persons")
    assert "2 rows set aside, and kept. Why: sallyport source set-aside persons" in said
    # Personal data stand in the list of rows set aside alone.
    for personal in ("FENWICK", "HOLT", "02/30/1990"):
        assert personal not in said
        assert personal not in run(home, "source", "list")


def test_the_list_names_sources_that_were_never_imported_or_have_no_mapping(home: Path) -> None:
    run(home, "import", "persons")
    rows = {r["source"]: r for r in json.loads(run(home, "source", "list", "--json"))}
    assert rows["later"] == {"source": "later", "kind": "not imported"}
    assert (rows["persons"]["records"], rows["persons"]["set_aside"]) == (1, 2)
    (home / "mappings" / "persons.yaml").unlink()
    assert "mirror, no mapping" in run(home, "source", "list")


def test_rows_set_aside_are_shown_as_they_are_and_drive_no_terminal(home: Path) -> None:
    run(home, "import", "persons")
    said = run(home, "source", "set-aside", "persons")
    assert "2 rows of persons set aside." in said
    assert "[red]" in said
    assert "\x1b" not in said
    assert "BORN" in said
    assert "02/30/1990" in said
    [first] = json.loads(run(home, "source", "set-aside", "persons", "--limit", "1", "--json"))
    assert first["line"] == 3
    assert first["column"] == "BORN"
    assert "the first 1 of 2 rows" in run(home, "source", "set-aside", "persons", "--limit", "1")


@pytest.mark.parametrize(
    ("name", "said"), [("persns", "There are: later, persons"), ("later", "not imported yet")]
)
def test_a_wrong_name_is_not_taken_for_nothing_set_aside(home: Path, name: str, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        run(home, "source", "set-aside", name)


def test_what_is_found_out_about_a_file_is_shown_and_kept(home: Path) -> None:
    text = MAPPING.format(name="persons").replace(', encoding: utf-8, delimiter: ","', "")
    (home / "mappings" / "persons.yaml").write_text(text, encoding="utf-8")
    first = "persons.csv: encoding utf-8 (certain), delimiter , (certain)"
    assert first in run(home, "import", "persons", "--dry-run")
    assert first in run(home, "import", "persons")
    assert first in run(home, "import", "persons")  # unchanged: not even read again
    path = home / "sources" / "persons.csv"
    path.write_bytes(ROWS.replace(",", ";").replace("HOLT", "MUÑOZ").encode("cp1252"))
    said = json.loads(run(home, "import", "persons", "--json"))[0]["stated"]
    assert said[0].startswith("persons.csv: encoding windows-1252 (likely), delimiter ;")
    assert said[1].startswith(f"Before, it was: {first}")
    assert "Found out: " in run_check(home / "mappings" / "persons.yaml")


def run_check(path: Path) -> str:
    return CliRunner().invoke(app, ["mapping", "check", str(path)]).output


def test_the_list_of_sources_is_read_at_80_columns_with_no_word_cut_off(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "warrants_of_the_county_court"
    for folder, ending in (("mappings", "yaml"), ("sources", "csv")):
        old = home / folder / f"persons.{ending}"
        old.rename(old.with_stem(name))
    mapping = home / "mappings" / f"{name}.yaml"
    mapping.write_text(mapping.read_text().replace("persons", name) + "poll: {every: 15m}\n")
    monkeypatch.setenv("COLUMNS", "80")
    run(home, "import", name)
    source = home / "sources" / f"{name}.csv"
    source.write_text(source.read_text().splitlines(keepends=True)[0])
    refused = CliRunner().invoke(app, ["import", name, "--home", str(home)])
    assert refused.exit_code == 3
    said = run(home, "source", "list")
    table, _, below = said.partition(f"{name}: 1 of 1 records")
    assert "…" not in table
    assert all(len(line) <= 80 for line in table.splitlines())
    [listed] = [r for r in json.loads(run(home, "source", "list", "--json")) if r["source"] == name]
    for word in ("mirror", name[:10], "refused", listed["as_of"][:16].replace("T", " ")):
        assert word in table
    assert "no longer in the source" in " ".join(below.split())


def test_an_import_without_a_mapping_says_how_to_begin(home: Path) -> None:
    for mapping in (home / "mappings").iterdir():
        mapping.unlink()
    for words in (["import"], ["source", "list"]):
        assert "sallyport mapping draft" in " ".join(run(home, *words).split())


def test_a_source_without_a_mapping_is_named_and_can_be_taken_away(home: Path) -> None:
    run(home, "import")
    (home / "mappings" / "persons.yaml").unlink()
    said = run(home, "import")
    assert "persons: 1 record serves on, and no import renews them" in said
    assert "sallyport source remove persons" in said
    assert "serves on" not in run(home, "import", "later")
    with pytest.raises(Invalid, match="--yes"):
        run(home, "source", "remove", "persons")
    corrected = home / "data" / "corrections" / "persons.jsonl"
    corrected.parent.mkdir(exist_ok=True)
    corrected.write_text("")
    assert run(home, "source", "remove", "persons", "--yes") == "persons: 1 record taken away.\n"
    rows = {r["source"]: r for r in json.loads(run(home, "source", "list", "--json"))}
    assert rows.keys() == {"later"}
    assert not corrected.exists()
    assert not holding(home, b"PERSONSBROOK")
    with pytest.raises(NotFound, match="There is none"):
        run(home, "source", "remove", "persons", "--yes")


def test_the_log_says_who_took_what_away_and_when_it_could_not_be(home: Path) -> None:
    run(home, "import")
    (home / "mappings" / "persons.yaml").unlink()
    with pytest.raises(Invalid, match="--yes"):
        run(home, "source", "remove", "persons")
    assert not (home / "data" / "ledger.db").exists()
    with (home / "data" / "records.db.import").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RecordsUnavailable, match="another import"):
            run(home, "source", "remove", "persons", "--yes")
    run(home, "source", "remove", "persons", "--yes")
    words = ("audit", "entries", "--type", "admin", "--unseal", "--json")
    logged = json.loads(run(home, *words))["entries"][:3]
    said = ["source_removed", "source_not_removed", "source_removed"]
    assert [(e["decision"], e["results"]) for e in logged] == [(word, 1) for word in said]
    for entry in logged:
        assert entry["peer"] == "TX9990000"
        assert entry["personal"]["about"]["source"] == "persons"
        assert entry["personal"]["user"] == entry["personal"]["about"]["user"] == getpass.getuser()
    assert json.loads(run(home, "audit", "verify", "--json"))["intact"] is True
    assert (home / "data" / "ledger.db").stat().st_mode & 0o077 == 0


def test_what_cannot_be_logged_is_not_taken_away(home: Path) -> None:
    run(home, "import")
    (home / "mappings" / "persons.yaml").unlink()
    (home / "data" / "ledger.db").write_bytes(b"no log")
    replica, corrected = put_beside(home, "persons")
    with pytest.raises(LedgerUnavailable):
        run(home, "source", "remove", "persons", "--yes")
    assert replica.exists()
    assert corrected.exists()
    assert holding(home, b"PERSONSBROOK")


def test_what_a_taking_away_left_that_broke_off_is_taken_away_by_the_next(home: Path) -> None:
    run(home, "import")
    (home / "mappings" / "persons.yaml").unlink()
    replica, corrected = put_beside(home, "persons")
    with replica.with_name("persons.db.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RecordsUnavailable):
            run(home, "source", "remove", "persons", "--yes")
    assert run(home, "source", "remove", "persons", "--yes") == "persons: 1 record taken away.\n"
    assert not replica.exists()
    assert not corrected.exists()
    # As if it had died before it took these away, or a mapping had been tried by itself.
    replica, corrected = put_beside(home, "persons")
    assert "persons: parts of an import that broke off are kept" in run(home, "import")
    run(home, "source", "remove", "persons", "--yes")
    assert not replica.exists()
    assert not corrected.exists()
    assert "broke off" not in run(home, "import")


def put_beside(home: Path, name: str) -> tuple[Path, Path]:
    """Keep a database's row and a correction of a source."""
    replica, corrected = (home / "data/mirrors" / f"{name}.db", home / "data/corrections")
    for folder in (replica.parent, corrected):
        folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(replica)) as db:
        db.executescript("CREATE TABLE t (name); INSERT INTO t VALUES ('PERSONSBROOK');")
    (corrected / f"{name}.jsonl").write_text("")
    return replica, corrected / f"{name}.jsonl"


def test_what_a_first_import_left_that_broke_off_is_taken_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importer, "make_index", die)
        CliRunner().invoke(app, ["import", "persons", "--home", str(home)])
    assert holding(home, b"PERSONSBROOK")
    with pytest.raises(Conflict, match=r"mappings/persons\.yaml"):
        run(home, "source", "remove", "persons", "--yes")
    (home / "mappings" / "persons.yaml").unlink()
    assert "persons: parts of an import that broke off are kept" in run(home, "import")
    run(home, "source", "remove", "persons", "--yes")
    assert not holding(home, b"PERSONSBROOK")


def holding(home: Path, text: bytes) -> bool:
    files = (f.read_bytes() for f in (home / "data").iterdir() if f.is_file())
    return any(text in data for data in files)


def test_what_an_import_left_of_a_source_that_is_live_now_is_called_so(home: Path) -> None:
    run(home, "import", "persons")
    text = (home / "mappings" / "persons.yaml").read_text()
    live = re.sub(r"(?m)^format: .*$", "format: {type: sql, mode: live, path: none.db}", text)
    live = live.replace("- type:", "- table: people\n    type:")
    (home / "mappings" / "persons.yaml").write_text(live)
    said = " ".join(run_any(home, "import").split())
    assert "persons: it is searched live, but 1 record of an import before is kept" in said
    put_beside(home, "persons")
    run_any(home, "source", "remove", "persons", "--yes")
    put_beside(home, "persons")
    left = " ".join(run_any(home, "import").split())
    assert "persons: it is searched live, but parts of an import before are kept" in left
    assert "no mapping" not in said


def test_a_source_with_a_mapping_is_not_taken_away(home: Path) -> None:
    run(home, "import")
    with pytest.raises(Conflict, match=r"mappings/persons\.yaml: the next import would bring"):
        run(home, "source", "remove", "persons", "--yes")
    text = (home / "mappings" / "persons.yaml").read_text()
    (home / "mappings" / "persons.yaml").rename(home / "mappings" / "other.yaml")
    (home / "mappings" / "other.yaml").write_text("{")
    assert "serves on" not in run_any(home, "import")
    with pytest.raises(Conflict, match=r"mappings/other\.yaml can't be read"):
        run(home, "source", "remove", "persons", "--yes")
    # Nor where its name is none: it may be any source's.
    for line in (
        "sorce: persons",
        'source: "The persons!"',
        "source:",
        "source: [a, b]",
        "source: 7",
    ):
        (home / "mappings" / "other.yaml").write_text(text.replace("source: persons", line))
        with pytest.raises(Conflict, match=r"mappings/other\.yaml can't be read"):
            run(home, "source", "remove", "persons", "--yes")
        assert "other" in run_any(home, "source", "list")


def run_any(home: Path, *words: str) -> str:
    return CliRunner().invoke(app, [*words, "--home", str(home)]).output
