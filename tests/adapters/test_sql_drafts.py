"""Drafts of databases: joins by foreign keys and by values, padded keys, on both databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import adapters
from adapters.check import check
from gateway.cli.main import app
from gateway.model import Record
from tests import postgres

TABLES = """
CREATE TABLE person_mst (person_no CHAR(8) PRIMARY KEY, last_nm VARCHAR(30),
  first_nm VARCHAR(30), dob VARCHAR(10), sex CHAR(1));
CREATE TABLE alias_tbl (person_no CHAR(8) REFERENCES person_mst (person_no), alias_seq INTEGER,
  alias_name VARCHAR(40), PRIMARY KEY (person_no, alias_seq));
CREATE TABLE warrant_hdr (warrant_no CHAR(10) PRIMARY KEY,
  person_no CHAR(8) REFERENCES person_mst (person_no), warrant_type VARCHAR(4),
  issue_date VARCHAR(10), court_no VARCHAR(8));
CREATE TABLE court_lst (court_no VARCHAR(8), court_name VARCHAR(30));
CREATE TABLE colour_lst (colour VARCHAR(8));
"""


def statements() -> list[str]:
    rows: list[tuple[str, tuple[object, ...]]] = [("colour_lst", ("MAUVE",))]
    for n in range(24):
        key, born = f"P{n:04}   ", f"19{50 + n}-0{1 + n % 9}-11"
        rows.append(("person_mst", (key, f"TESTER{chr(65 + n)}", "QUILL", born, "MF"[n % 2])))
        if n % 3 == 0:
            rows.append(("alias_tbl", (key, 1, f"OAKENSHAW, BRAM{chr(65 + n)}")))
        rows.append(("court_lst", (f"CT-{n:04}", f"COURT OF TEST {n}")))
        rows.append(
            ("warrant_hdr", (f"W{n:06}   ", key, "FA", f"2020-03-{1 + n:02}", f"CT-{n:04}"))
        )
    # A row's tuple is written as SQL writes one, but for those of one value.
    return [f"INSERT INTO {t} VALUES {str(row).replace(',)', ')')}" for t, row in rows]  # noqa: S608 - made here


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> list[object]:
    """The words that name the database to the command."""
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "legacy.db")) as db:
            db.executescript(TABLES)
            for statement in statements():
                db.execute(statement)
            db.commit()
        return [tmp_path / "legacy.db"]
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = server.fresh("draft_test")
    with server.connect(name) as c:
        c.execute(TABLES)
        for statement in statements():
            c.execute(statement)  # type: ignore[arg-type] # made here
    postgres.password_file(tmp_path)
    return ["--with", f"url={server.url(name)}", "--with", "password_file=database.password"]


def test_a_draft_of_several_tables_loads_and_is_shown(source: list[object], tmp_path: Path) -> None:
    out = tmp_path / "draft.yaml"
    done = command("mapping", "draft", *source, "--table", "warrant_hdr", "--out", out)
    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert postgres.PASSWORD not in text
    assert "      person_mst:\n        table: person_mst\n        key: person_no" in text
    assert "court_lst:  # CHECK: the database does not say so" in text
    assert "Not joined: " in text
    assert "colour_lst" in text.partition("Not joined: ")[2].partition("\n")[0]
    if len(source) == 1:
        assert "warrant_hdr.warrant_no: 10" in text
        assert "person_mst.person_no: 8" in text
    assert check(out).faults == []
    records = [r for r in adapters.load(out).rows() if isinstance(r, Record)]
    assert len(records) == 24
    assert {r.record_type for r in records} == {"warrant"}
    first = next(r for r in records if r.record_id.strip().endswith("000003")).message
    assert first["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] == "TESTERD"
    assert first["nc:Person"]["nc:PersonBirthDate"] == {"nc:Date": "1953-04-11"}
    shown = command("mapping", "preview", out, "--rows", "2", "--json")
    assert shown.exit_code == 0
    assert "TESTERB" in shown.output


def test_what_points_to_a_row_is_a_repeated_part(source: list[object], tmp_path: Path) -> None:
    out = tmp_path / "draft.yaml"
    done = command("mapping", "draft", *source, "--table", "person_mst", "--out", out)
    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert "      alias_tbl:\n        table: alias_tbl\n        key: person_no" in text
    assert text.count("many: true") >= 1
    records = {r.record_id.strip(): r for r in adapters.load(out).rows() if isinstance(r, Record)}
    assert len(records) == 24
    assert "BRAMD" in str(records["P0003"].message)
    assert "BRAM" not in str(records["P0004"].message)


def test_a_table_has_to_be_named(
    source: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("mapping", "draft", *source)
    assert done.exit_code != 0
    assert "person_mst" in str(done.exception) + done.output


def test_a_source_has_to_be_named() -> None:
    done = command("mapping", "draft", "--table", "x")
    assert done.exit_code != 0
    assert "--with url=" in str(done.exception) + done.output


def numbers(path: Path) -> Path:
    """Make a database with numbers in ways that no search asks for."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE name_mst (name_id INTEGER PRIMARY KEY, last_nm TEXT, dob TEXT, ssn TEXT,"
            " oln TEXT)"
        )
        db.execute("CREATE TABLE veh (veh_no TEXT PRIMARY KEY, name_id INTEGER, plate TEXT)")
        for n in range(40):
            number = f"9{n:02}-{10 + n}-{1000 + n}" if n else "9" * 60 + "-" + "9" * 60
            person = (n, "QUILL", f"19{50 + n}-03-01", number, f"t{1000000 + n}")
            db.execute("INSERT INTO name_mst VALUES (?,?,?,?,?)", person)
            db.execute("INSERT INTO veh VALUES (?,?,?)", (f"V{n:04}", n, f"XQZ {1000 + n}"))
        db.commit()
    return path


def test_a_live_draft_says_where_numbers_are_searched_and_how_they_are_written(
    tmp_path: Path,
) -> None:
    out, database = tmp_path / "draft.yaml", numbers(tmp_path / "legacy.db")
    live = ("mapping", "draft", database, "--with", "mode=live", "--out", out, "--table")
    assert command(*live, "name_mst").exit_code == 0
    text = out.read_text()
    ways = '  written: {name_mst.ssn: ["###-##-####"], name_mst.oln: [lower]}'
    assert f"{ways}  # CHECK: so numbers stand there" in text
    assert "    found_by: {person: {column: name_id}}  # CHECK" in text
    assert "identifiers: {ssn: ssn, driver_license: oln}}  # CHECK" in text
    checked = check(out)
    assert checked.source is not None
    assert checked.source.terms["person"] >= {"ssn", "driver_license"}
    # But for the number that is written as no search could ask for it.
    assert [f.text for f in checked.findings if "name_mst.oln" in f.text] == []
    out.write_text(text.replace(", name_mst.oln: [lower]", ""))
    assert any("name_mst.oln: numbers stand there" in f.text for f in check(out).findings)
    out.unlink()
    assert command(*live, "veh").exit_code == 0
    assert 'veh.plate: ["### ####"]' in out.read_text()
    assert "vehicle: {plate: plate}" in out.read_text()
    assert check(out).faults == []
    out.unlink()
    mirror = [w if w != "mode=live" else "mode=mirror" for w in map(str, live)]
    assert command(*mirror, "name_mst").exit_code == 0
    for word in ("written", "found_by", "search"):
        assert f"{word}:" not in out.read_text()


def test_a_check_tells_of_live_records_that_no_search_finds(tmp_path: Path) -> None:
    out, database = tmp_path / "draft.yaml", numbers(tmp_path / "legacy.db")
    live = ("mapping", "draft", database, "--with", "mode=live", "--out", out, "--table")
    assert command(*live, "name_mst").exit_code == 0
    text = out.read_text()

    def warned(lines: list[str]) -> list[tuple[int, str]]:
        out.write_text("\n".join(lines) + "\n")
        return [
            (f.line, f.text.partition(":")[0])
            for f in check(out).findings
            if "no search finds" in f.text or "no person leads" in f.text
        ]

    whole = text.splitlines()
    record = next(n for n, line in enumerate(whole, 1) if line.startswith("  - type: person"))
    assert warned(whole) == []
    of_nobody = [line for line in whole if not line.startswith(("search:", "  person:"))]
    of_nobody = [line for line in of_nobody if not line.startswith("  written:")]
    line = next(n for n, line in enumerate(of_nobody, 1) if "found_by:" in line)
    assert warned(of_nobody) == [(line, "no person leads to them")]
    alone = [line for line in of_nobody if "found_by:" not in line]
    (found,) = warned(alone)
    assert found == (record - 1, "no search finds records of type person, but by their id")
