"""Imports as an administrator runs them: nothing lost, nothing half read, rows mended by hand."""

import csv
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import adapters
from gateway.cli import exports, records
from gateway.cli.importing import How, Import, Shown
from gateway.cli.main import app
from gateway.cli.sources import Known
from gateway.errors import Conflict, Invalid, Misconfigured, NotFound, RecordsUnavailable
from gateway.model import SetAside
from gateway.records.doubts import Most
from gateway.records.importer import Importer
from gateway.records.store import Reader
from tests.cli.people_csv import MAPPING

pytestmark = pytest.mark.usefixtures("wide")

HEADER = "ID,NAME,BORN\n"


def row(number: int, born: str = "03/12/1987") -> str:
    return f'{number},"TESTER{number}, QUILL",{born}\n'


@pytest.fixture
def home(home: Path) -> Path:
    add(home, "persons", *map(row, range(1, 21)))
    return home


def add(home: Path, name: str, *rows: str) -> None:
    (home / "mappings" / f"{name}.yaml").write_text(MAPPING.format(name=name))
    write(home, *rows, name=name)


def write(home: Path, *rows: str, name: str = "persons") -> Path:
    """Put a new export in the place of the old one, as an export should be put there."""
    path = home / "sources" / f"{name}.csv"
    new = path.with_suffix(".tmp")
    new.write_text(HEADER + "".join(rows))
    new.replace(path)
    return path


def invoke(home: Path, *words: object, said: str | None = None) -> Result:
    words = (*map(str, words), "--home", str(home))
    return CliRunner().invoke(app, words, input=said, catch_exceptions=False)


def run(home: Path, *words: object) -> str:
    done = invoke(home, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def imported(home: Path, *words: object) -> dict[str, Any]:
    [done] = json.loads(run(home, "import", "--json", *words))
    assert isinstance(done, dict)
    assert done["rows"] == done["new"] + done["changed"] + done["unchanged"] + done["set_aside"]
    assert done["records"] == done["new"] + done["changed"] + done["unchanged"]
    return done


def rows_of(home: Path) -> dict[str, bytes]:
    """Give what stands in the records now, by record id."""
    reader = Reader(home / "data" / "records.db")
    [generation] = [g for g in reader.generations() if g.source == "persons"]
    low = generation.id << 32
    found = reader.fetch(list(range(low, low + generation.records)))
    reader.close()
    return {r.record_id: r.message for r in found.values()}


def sources(home: Path) -> dict[str, dict[str, Any]]:
    return {r["source"]: r for r in json.loads(run(home, "source", "list", "--json"))}


# -- nothing lost -----------------------------------------------------------------------------


def test_each_row_is_counted_as_what_became_of_it(home: Path) -> None:
    done = imported(home)
    assert (done["new"], done["removed"], done["set_aside"]) == (20, 0, 0)
    kept = [row(n) for n in range(1, 19)]
    write(home, *kept, row(19, "03/13/1987"), row(21), row(22, "02/30/1990"), row(1))
    done = imported(home)
    assert (done["new"], done["changed"], done["unchanged"]) == (1, 1, 18)
    assert (done["removed"], done["set_aside"], done["rows"]) == (1, 2, 22)
    assert {(r["code"], r["column"], r["count"]) for r in done["reasons"]} == {
        ("date.none", "BORN", 1),
        ("record.duplicate_id", "record_id", 1),
    }
    # A row that another one's id keeps out is shown with its own line and text.
    doubled = [
        s
        for s in json.loads(run(home, "source", "set-aside", "persons", "--json"))
        if s["code"] == "record.duplicate_id"
    ]
    assert (doubled[0]["line"], doubled[0]["value"]) == (23, "1")
    said = run(home, "import", "--anew")
    assert "Why rows were set aside" in said
    assert "there is no such day or time" in said
    assert "persons: unchanged, 20 records." in said


def test_eighty_columns_cut_no_heading_and_no_number(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(home, "persons_with_an_administrative_warrant", *map(row, range(1, 1_235)))
    monkeypatch.setenv("COLUMNS", "80")
    said = run(home, "import")
    assert "unchanged" in said
    assert "removed" in said
    assert said.count("1,234") >= 2  # rows read, and new
    assert "…" not in said


def test_one_source_that_fails_does_not_hold_up_the_others(home: Path) -> None:
    add(home, "broken", row(1))
    (home / "sources" / "broken.csv").unlink()
    done = invoke(home, "import")
    assert done.exit_code == 1
    assert "broken" in done.stderr
    assert sources(home)["persons"]["records"] == 20
    broken = sources(home)["broken"]
    assert (broken["last_result"], broken["last_code"]) == ("failed", "source.missing")
    assert "no such file" in broken["last_text"]
    assert "no such file" in run(home, "source", "list")


# -- what is the same -------------------------------------------------------------------------


def test_an_unchanged_source_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = imported(home)

    def unread(_: object) -> None:
        pytest.fail("the source was read")

    with monkeypatch.context() as patched:
        patched.setattr(adapters, "load", unread)
        done = imported(home)
        assert done["same"]
        assert done["generation"] == first["generation"]
        assert done["unchanged"] == 20
    assert sources(home)["persons"]["last_result"] == "unchanged"
    # Written anew with the same content: only younger.
    path = home / "sources" / "persons.csv"
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with monkeypatch.context() as patched:
        patched.setattr(Importer, "run", unread)
        assert imported(home)["same"]
    assert sources(home)["persons"]["as_of"].startswith("2023-11-14")
    # Asked for, or with another mapping, all of it is read.
    assert imported(home, "--anew")["same"]
    mapping = home / "mappings" / "persons.yaml"
    mapping.write_text(mapping.read_text().replace("MM/DD/YYYY", "DD/MM/YYYY"))
    assert imported(home)["changed"] == 20


def test_a_file_that_changes_while_it_is_read_is_not_taken_in(home: Path) -> None:
    imported(home)
    path = write(home, *map(row, range(1, 31)))
    importer = Importer(home / "data" / "records.db")

    def writes_on(_: object) -> None:
        with path.open("a") as file:
            file.write(row(31))

    one = Import(home, importer, home / "mappings" / "persons.yaml", How(Most(shrink=10)))
    with pytest.raises(RecordsUnavailable, match="changed while it was read"):
        one.run(Shown(progress=writes_on))
    importer.close()
    assert len(rows_of(home)) == 20
    assert sources(home)["persons"]["last_code"] == "import.moving"
    assert imported(home)["records"] == 31


# -- a source that shrinks --------------------------------------------------------------------


def test_a_source_that_shrinks_stops_and_asks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(home)
    write(home, *map(row, range(1, 18)))
    done = invoke(home, "import")
    assert done.exit_code == records.REFUSED
    assert "3 of 20 records (15.0 %)" in done.stderr
    assert "--allow-shrink" in done.stderr
    assert len(rows_of(home)) == 20
    refused = sources(home)["persons"]
    assert (refused["last_result"], refused["last_code"]) == ("refused", "import.shrinks")
    assert "at once (max_shrink): the import would stop and ask" in run(home, "import", "--dry-run")
    monkeypatch.setattr(records, "_interactive", lambda: True)
    assert invoke(home, "import", said="n\n").exit_code == records.REFUSED
    assert len(rows_of(home)) == 20
    done = invoke(home, "import", said="y\n")
    assert done.exit_code == 0
    assert "were there from before" in done.stdout  # what was read is kept, and not written again
    assert len(rows_of(home)) == 17
    assert sources(home)["persons"]["last_result"] == "imported"


def test_how_much_may_go_is_set_in_the_settings_or_the_mapping(home: Path) -> None:
    imported(home)
    write(home, *map(row, range(1, 11)), *map(row, range(101, 111)))
    # As many records as before, but half of them others.
    assert invoke(home, "import", "--json").exit_code == records.REFUSED
    toml = home / "sallyport.toml"
    toml.write_text(toml.read_text() + "max_shrink_percent = 50\n")
    mapping = home / "mappings" / "persons.yaml"
    mapping.write_text(mapping.read_text() + "max_shrink: 49\n")
    assert invoke(home, "import", "--json").exit_code == records.REFUSED
    mapping.write_text(mapping.read_text().replace("max_shrink: 49\n", ""))
    assert imported(home)["removed"] == 10
    write(home, row(1))
    assert imported(home, "--allow-shrink")["removed"] == 19


# -- dry runs ---------------------------------------------------------------------------------


def test_a_dry_run_tells_and_writes_nothing(home: Path) -> None:
    def everything() -> dict[str, bytes]:
        kept = (p for p in home.rglob("*") if p.is_file() and not p.name.endswith(("-shm", "-wal")))
        return {str(p): p.read_bytes() for p in kept}

    before = everything()
    done = imported(home, "--dry-run")
    assert (done["new"], done["dry_run"], done["generation"]) == (20, True, None)
    assert everything() == before
    imported(home)
    write(home, *map(row, range(2, 21)), row(20), row(21), row(22, "?"))
    before = everything()
    dry = imported(home, "--dry-run")
    assert everything() == before
    real = imported(home)
    counts = ("rows", "new", "changed", "unchanged", "removed", "set_aside", "reasons")
    assert {c: dry[c] for c in counts} == {c: real[c] for c in counts}


# -- correcting -------------------------------------------------------------------------------


def corrected(home: Path, file: Path, change: Callable[[dict[str, str]], None]) -> None:
    """Export what is set aside, and correct it as with a spreadsheet."""
    run(home, "source", "set-aside", "persons", "--export", file)
    with file.open(newline="") as opened:
        found = list(csv.DictReader(opened))
    for one in found:
        change(one)
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(found[0]), delimiter=";")  # as some countries have it
        writer.writeheader()
        writer.writerows(found)


def born(to: str) -> Callable[[dict[str, str]], None]:
    def change(one: dict[str, str]) -> None:
        one["BORN"] = to

    return change


def test_a_corrected_row_counts_until_its_source_says_something_else(
    home: Path, tmp_path: Path
) -> None:
    write(home, *map(row, range(1, 20)), row(20, "02/30/1990"))
    assert imported(home)["set_aside"] == 1
    file = tmp_path / "rows.csv"
    corrected(home, file, born("02/28/1990"))
    assert file.stat().st_mode & 0o777 == 0o600
    said = run(home, "source", "set-aside", "persons", "--retry", file)
    assert "1 corrected row became records" in said
    assert b"1990-02-28" in rows_of(home)["20"]
    kept = home / "data" / "corrections" / "persons.jsonl"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert "BORN" in run(home, "source", "corrections", "persons")
    # The same file again corrects nothing.
    assert "no longer set aside" in run(home, "source", "set-aside", "persons", "--retry", file)
    # It counts in the next import, too, wherever the row stands now.
    write(home, row(20, "02/30/1990"), *map(row, range(1, 20)), row(21))
    done = imported(home)
    assert (done["set_aside"], done["corrected"], done["new"]) == (0, 1, 1)
    assert b"1990-02-28" in rows_of(home)["20"]
    # The source corrects the row itself: its word counts, and the correction is forgotten.
    write(home, *map(row, range(1, 20)), row(20, "02/27/1990"), row(21))
    done = imported(home)
    assert (done["corrected"], done["changed"]) == (0, 1)
    assert b"1990-02-27" in rows_of(home)["20"]
    assert "1990" not in kept.read_text()
    assert "Nothing of persons" in run(home, "source", "corrections", "persons")
    assert imported(home)["same"]


def test_a_row_that_is_gone_takes_its_correction_along(home: Path, tmp_path: Path) -> None:
    write(home, *map(row, range(1, 20)), row(20, "02/30/1990"))
    imported(home)
    corrected(home, tmp_path / "rows.csv", born("02/28/1990"))
    run(home, "source", "set-aside", "persons", "--retry", tmp_path / "rows.csv")
    write(home, *map(row, range(1, 20)))
    assert imported(home)["removed"] == 1
    assert (home / "data" / "corrections" / "persons.jsonl").read_text() == ""
    # Were it there again, it would be set aside anew: nobody has said anything of it.
    write(home, *map(row, range(1, 20)), row(20, "02/30/1990"))
    assert imported(home)["set_aside"] == 1


def test_what_is_still_wrong_stays_set_aside_with_what_was_tried(
    home: Path, tmp_path: Path
) -> None:
    write(home, *map(row, range(1, 20)), row(20, "02/30/1990"))
    imported(home)
    corrected(home, tmp_path / "one.csv", born("02/31/1990"))
    done = invoke(home, "source", "set-aside", "persons", "--retry", tmp_path / "one.csv")
    assert done.exit_code == 1
    assert "02/31/1990" in done.stdout
    assert "still can't be translated" in done.stdout
    corrected(home, tmp_path / "two.csv", born("02/28/1990"))
    run(home, "source", "set-aside", "persons", "--retry", tmp_path / "two.csv")
    assert b"1990-02-28" in rows_of(home)["20"]
    # Taken back, the source's own word counts again.
    run(home, "source", "corrections", "persons", "--forget", "all")
    assert imported(home)["set_aside"] == 1
    with pytest.raises(NotFound, match="no correction"):
        run(home, "source", "corrections", "persons", "--forget", "0" * 32)


def test_a_row_that_could_not_be_read_can_be_filled_in(home: Path, tmp_path: Path) -> None:
    write(home, *map(row, range(1, 20)), "20,TESTER20,QUILL,03/12/1987\n")
    assert imported(home)["reasons"][0]["code"] == "row.columns"
    file = tmp_path / "rows.jsonl"
    run(home, "source", "set-aside", "persons", "--export", file)
    assert file.stat().st_mode & 0o777 == 0o600
    [line] = map(json.loads, file.read_text().splitlines())
    assert line["#raw"] == "20,TESTER20,QUILL,03/12/1987"
    assert line["fields"] == {"ID": "", "NAME": "", "BORN": ""}
    line["fields"] = {"ID": "20", "NAME": "TESTER20, QUILL"}
    file.write_text(json.dumps(line) + "\n")
    run(home, "source", "set-aside", "persons", "--retry", file)
    assert b"Tester20" in rows_of(home)["20"] or b"TESTER20" in rows_of(home)["20"]


def test_wrong_files_are_refused_with_what_to_do(home: Path, tmp_path: Path) -> None:
    write(home, *map(row, range(1, 20)), row(20, "02/30/1990"))
    imported(home)
    file = tmp_path / "rows.csv"
    corrected(home, file, lambda _: None)
    untouched = run(home, "source", "set-aside", "persons", "--retry", file)
    assert "not corrected in the file, whose columns with # are not read back" in untouched
    assert "nothing to retry" in untouched
    with pytest.raises(Conflict, match="there already"):
        run(home, "source", "set-aside", "persons", "--export", file)
    for name, text, said in (
        ("rows.txt", "", "must end with"),
        ("other.csv", "ID,BORN\n1,2\n", "no column #row"),
        ("bad.jsonl", "{}\n", "line 1"),
        ("none.csv", None, "can't be read"),
    ):
        path = tmp_path / name
        if text is not None:
            path.write_text(text)
        with pytest.raises(Invalid, match=said):
            run(home, "source", "set-aside", "persons", "--retry", path)
    file.write_text(file.read_text().replace("BORN", "BORNE").replace("02/30", "02/28"))
    with pytest.raises(Invalid, match=r"no column BORNE\. Did you mean BORN"):
        run(home, "source", "set-aside", "persons", "--retry", file)
    kept = home / "data" / "corrections"
    kept.mkdir(exist_ok=True)
    (kept / "persons.jsonl").write_text("{}\n")
    with pytest.raises(Misconfigured, match=r"persons.jsonl:1: this is no correction"):
        run(home, "source", "corrections", "persons")


def test_an_export_is_no_program_for_a_spreadsheet(tmp_path: Path) -> None:
    """A cell that begins like a formula is text, and comes back as it was."""
    wild = ["=1+1", "+1", "-5", "@SUM(A1)", "'=1", "''-", "\t=2", "plain", "'quoted", "1-2", ""]
    rows = [
        SetAside("s", n, "c", "why", f"{value},", "A", value, {"A": value, "g": [{"B": value}]})
        for n, value in enumerate(wild)
    ]
    path = tmp_path / "rows.csv"
    assert exports.write(path, lambda: rows, ["A"]) == len(wild)
    with path.open(newline="") as file:
        for cells in csv.reader(file):
            assert not any(c.startswith(("=", "+", "-", "@", "\t")) for c in cells)
    back = list(exports.read(path))
    assert [b.fields["A"] for b in back] == wild
    assert all(exports.correction(r, b.fields) is None for r, b in zip(rows, back, strict=True))
    changed = exports.correction(rows[0], back[0].fields | {"g[1].B": "x", "g[2].B": "y"})
    assert changed is not None
    assert (changed.values, changed.groups) == ({}, {"g": [{"B": "x"}, {"B": "y"}]})


# -- freshness and schedules ------------------------------------------------------------------


def test_the_list_shows_age_limit_and_the_next_poll(home: Path) -> None:
    mapping = home / "mappings" / "persons.yaml"
    mapping.write_text(mapping.read_text() + 'poll: {daily: "02:30"}\n')
    limits = home / "policies" / "local"
    limits.mkdir(parents=True)
    (limits / "rules.rego").write_text("package local\n")
    (limits / "data.yaml").write_text("own: {freshness_minutes: {person: 60}}\n")
    other = home / "policies" / "agreements" / "CA9990000"
    other.mkdir(parents=True)
    # What another agency promises is no limit of ours.
    (other / "data.yaml").write_text("freshness_minutes: {person: 1}\n")
    assert sources(home)["persons"]["kind"] == "not imported"
    imported(home)
    listed = sources(home)["persons"]
    assert (listed["limit_minutes"], listed["limit_of"]) == (60, "person")
    assert (listed["age_minutes"], listed["stale"]) == (0, False)
    assert listed["poll"] == "daily 02:30 UTC"
    assert listed["next_poll"].endswith("02:30:00.00Z")
    path = home / "sources" / "persons.csv"
    then = path.stat().st_mtime - 7_300
    os.utime(path, (then, then))
    imported(home)
    assert sources(home)["persons"]["stale"]
    said = run(home, "source", "list")
    assert "2 h, STALE" in said
    assert "60 min (person)" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("poll: {every: 15}", "every"),
        ("poll: {}", "poll"),
        ('poll: {daily: "24:00"}', "daily"),
        ('poll: {every: 5m, daily: "01:00"}', "poll"),
        ("max_shrink: 101", "max_shrink"),
    ],
)
def test_a_wrong_poll_is_refused_with_its_line(home: Path, line: str, said: str) -> None:
    mapping = home / "mappings" / "persons.yaml"
    mapping.write_text(mapping.read_text() + f"{line}\n")
    with pytest.raises(Misconfigured, match=rf"persons.yaml:13: .*{said}"):
        adapters.upkeep(mapping)


def test_a_wrong_mapping_is_told_and_holds_up_no_other_source(home: Path) -> None:
    add(home, "others", row(1))
    wrong = home / "mappings" / "others.yaml"
    wrong.write_text(wrong.read_text().replace("    id:", "    idd:"))
    # As the schedule does it: by name.
    assert imported(home, "persons")["new"] == 20
    done = invoke(home, "import", "--json")
    assert done.exit_code == 1
    results = {r["source"]: r for r in json.loads(done.stdout)}
    assert results["persons"]["records"] == 20
    assert "others.yaml:5: records.0: id must be there" in results["others"]["error"]["text"]
    listed = sources(home)["others"]
    assert (listed["kind"], listed["fault"]) == ("not imported", "mapping.wrong")
    assert listed["fault_text"] == results["others"]["error"]["text"]
    assert f"others: {listed['fault_text']}" in run(home, "source", "list")
    assert invoke(home, "import", "persons").exit_code == 0


def test_two_mappings_of_one_name_are_told_and_neither_is_imported(home: Path) -> None:
    add(home, "others", row(1))
    folder = home / "mappings"
    copy = folder / "copy.yaml"
    copy.write_text((folder / "others.yaml").read_text())  # copied, and the name forgotten
    done = invoke(home, "import", "--json")
    assert done.exit_code == 1
    results = {r["source"]: r for r in json.loads(done.stdout)}
    assert results["persons"]["records"] == 20
    said = results["others"]["error"]["text"]
    assert said.startswith("copy.yaml and others.yaml both say `source: others`")
    listed = sources(home)["others"]
    assert (listed["kind"], listed["fault"], listed["fault_text"]) == (
        *("not imported", "mapping.wrong"),
        said,
    )
    [polled] = [u for u in Known(home).upkeep() if u.name == "others"]
    assert polled.wrong == said
    assert invoke(home, "import", "others").exit_code == 1
    copy.unlink()
    assert imported(home, "others")["new"] == 1


def test_the_list_of_sources_says_what_was_found_out_of_a_file(home: Path) -> None:
    path = home / "sources" / "persons.csv"
    path.write_text((HEADER + row(1)).replace("\n", "\r"))
    imported(home)
    told = "persons.csv: lines end with CR"
    assert sources(home)["persons"]["found_out"] == [told]
    assert f"persons: found out of {told}" in run(home, "source", "list")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("folder", "a folder stands under that name"),
        ("link", "the link leads to nothing"),
        ("pipe", "no plain file stands under that name"),
    ],
)
def test_what_stands_in_the_place_of_a_file_is_named(home: Path, kind: str, said: str) -> None:
    imported(home)
    path = home / "sources" / "persons.csv"
    path.unlink()
    {
        "folder": path.mkdir,
        "link": lambda: path.symlink_to("gone"),
        "pipe": lambda: os.mkfifo(path),
    }[kind]()
    done = invoke(home, "import")
    assert done.exit_code == 1
    assert said in done.stderr
    listed = sources(home)["persons"]
    assert (listed["last_code"], listed["records"]) == ("source.missing", 20)


def test_records_that_another_program_holds_are_told_and_left(home: Path) -> None:
    imported(home)
    write(home, *map(row, range(1, 22)))
    with closing(sqlite3.connect(home / "data/records.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        done = invoke(home, "import", "--json")
        assert done.exit_code == 1
        [found] = json.loads(done.stdout)
        assert found["error"]["code"] == "import.unwritable"
        assert "database is locked" in found["error"]["text"]
        assert sources(home)["persons"]["records"] == 20
    assert imported(home)["records"] == 21
