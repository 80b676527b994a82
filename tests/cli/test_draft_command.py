"""`sallyport mapping draft` and `schema`, as they are run from a shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapters import load
from adapters.document import Document
from gateway.model import Record
from tests.conftest import ROOT

DRAFT = ("-m", "gateway.cli", "mapping", "draft", "sources/warrants.csv", "--type", "warrant")
ROWS = "".join(f"W-{n:03},A,01/{n + 1:02}/2026\n" for n in range(12))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("sources", "mappings"):
        (tmp_path / name).mkdir()
    (tmp_path / "sources/warrants.csv").write_text(f"WARRANT_NO,STATUS,ISSUED\n{ROWS}")
    return tmp_path


def run(home: Path, *words: str, into: Path | None = None, code: int = 0) -> str:
    """Run a command as a shell would; with `into`, its output goes to that file."""
    environment = {**os.environ, "COLUMNS": "200"}
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(ROOT)])
    with (into or Path(os.devnull)).open("w") as file:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=home,
            env=environment,
            text=True,
            check=False,
            stdout=file if into else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == code, done.stderr
    return done.stdout or ""


@pytest.mark.parametrize("place", ["mappings/w2.yaml", "w2.yaml", "mappings/deep/w2.yaml"])
def test_a_draft_that_goes_to_a_file_by_the_shell_finds_its_source(home: Path, place: str) -> None:
    (home / place).parent.mkdir(exist_ok=True)
    run(home, *DRAFT, into=home / place)
    path = Document(home / place).content["format"]["path"]
    assert path == os.path.relpath(home / "sources/warrants.csv", (home / place).parent)
    assert " 12 mapped" in run(home, "-m", "gateway.cli", "mapping", "check", place, "--rows")


def test_a_draft_that_goes_to_another_program_finds_its_source_from_anywhere(home: Path) -> None:
    text = run(home, *DRAFT)
    (home / "mappings/deep").mkdir()
    (home / "mappings/deep/w.yaml").write_text(text)
    said = run(home, "-m", "gateway.cli", "mapping", "check", "mappings/deep/w.yaml", "--rows")
    assert " 12 mapped" in said


def test_a_few_short_values_in_a_text_are_asked_about(home: Path) -> None:
    [line] = [one for one in run(home, *DRAFT).splitlines() if "nc:StatusText" in one]
    assert line.endswith("# CHECK: what do these mean: A? A text says it, or `codes`")


def drafted(home: Path, header: str, *rows: str) -> tuple[str, str]:
    """Draft a mapping of a CSV file; give its text, and what a check with its rows says."""
    (home / "sources/list.csv").write_text("\n".join([header, *rows, ""]))
    text = run(home, "-m", "gateway.cli", "mapping", "draft", "sources/list.csv", "--out", "l.yaml")
    assert "to check" in text
    said = run(home, "-m", "gateway.cli", "mapping", "check", "l.yaml", "--rows", "--json")
    return (home / "l.yaml").read_text(), said


def line_of(text: str, *words: str) -> str:
    [line] = [one for one in text.splitlines() if all(word in one for word in words)]
    return line


def test_a_state_beside_a_plate_is_the_plates_and_marked(home: Path) -> None:
    cars = [f"FICTIO{n:011},FIC{n:04},{('TX', 'NM', 'CA')[n % 3]},TOYT" for n in range(20)]
    text, _ = drafted(home, "VIN,PLATE,STATE,MAKE", *cars)
    state = line_of(text, "column: STATE")
    assert "j:ConveyanceRegistrationPlateIdentification/nc:IdentificationJurisdiction" in state
    assert state.endswith("# CHECK: of the plate, or of the address?")
    assert "nc:PersonResidenceAddress" not in text


def test_a_state_in_an_address_is_the_address_though_there_is_a_plate(home: Path) -> None:
    rows = [f"P-{n},FIC{n:04},{n} MAIN ST,HOBBS,{('TX', 'NM')[n % 2]},88240" for n in range(20)]
    text, _ = drafted(home, "PERSON_ID,PLATE,ADDRESS,CITY,STATE,ZIP", *rows)
    state = line_of(text, "column: STATE")
    assert "nc:PersonResidenceAddress" in state
    assert "# CHECK" not in state


def test_a_day_or_a_yes_that_says_expunged_is_a_flag_and_marked(home: Path) -> None:
    rows = [
        f"P-{n},QUILL,ANA,{'2020-02-03' if n == 1 else ''},{'Y' if n == 2 else 'N'},O,"
        for n in range(12)
    ]
    text, said = drafted(
        home, "PERSON_ID,LAST,FIRST,EXPUNGED_DT,EXPUNGED,SEAL_FLG,SEALED_ON", *rows
    )
    assert json.loads(said)["rows"] == {"read": 12, "mapped": 12, "set_aside": 0}
    for column in ("EXPUNGED_DT", "EXPUNGED,", "SEAL_FLG", "SEALED_ON"):
        (line,) = {one for one in text.splitlines() if f"column: {column}" in one}
        assert "# CHECK: " in line
    facts = {r.record_id: r.handling.as_dict()["disclosure"] for r in records_of(home / "l.yaml")}
    assert facts == {f"P-{n}": "expunged" if n in {1, 2} else "sealed" for n in range(12)}
    # What stays closed opens only where a person says so, and never what is expunged.
    opened = (home / "l.yaml").read_text().replace("is: sealed", "is: open")
    (home / "l.yaml").write_text(opened)
    facts = {r.record_id: r.handling.as_dict()["disclosure"] for r in records_of(home / "l.yaml")}
    assert facts == {f"P-{n}": "expunged" if n in {1, 2} else "open" for n in range(12)}


def records_of(mapping: Path) -> list[Record]:
    return [one for one in load(mapping).rows() if isinstance(one, Record)]


def test_what_looks_like_social_security_numbers_is_marked_and_none_is_shown(home: Path) -> None:
    rows = [
        f"{n + 101}-45-{6000 + n},QUILL,HE GAVE 123-45-67{n + 10} AS HIS,{700000001 + 7 * n}"
        for n in range(12)
    ]
    text, _ = drafted(home, "PERSON_ID,LAST,TATTOO,NATL", *rows)
    told = "looks like social security numbers"
    assert told in line_of(text, 'id: "{PERSON_ID}"', "# CHECK")
    assert told in line_of(text, "column: TATTOO", "# CHECK")
    assert told in line_of(text, "#   NATL")
    assert not re.search(r"\d{3}-\d{2}-\d{4}|\d{9}", text)


def test_numbers_of_incidents_are_unique_within_an_agency_alone(home: Path) -> None:
    number = "NM2600000001"
    lines = [
        line
        for ori in ("NM9990000", "NM9990100")
        for line in (
            f"00871I112026    {ori}{number}20260301 12N".ljust(87),
            f"00667A112026    {ori}{number}0120260301O90J01    30  MWNR".ljust(66),
        )
    ]
    (home / "sources/nibrs.txt").write_text("\n".join([*lines, ""]))
    run(home, "-m", "gateway.cli", "mapping", "draft", "sources/nibrs.txt", "--out", "n.yaml")
    assert {r.record_id for r in records_of(home / "n.yaml")} == {
        f"{ori}-{number}{sequence}"
        for ori in ("NM9990000", "NM9990100")
        for sequence in ("", "-01")
    }


def test_an_editor_finds_the_schema_of_a_draft(home: Path) -> None:
    run(home, *DRAFT, "--out", "mappings/w.yaml")
    first = (home / "mappings/w.yaml").read_text().splitlines()[0]
    prefix, _, name = first.partition("$schema=")
    assert prefix == "# yaml-language-server: "
    schema = json.loads((home / "mappings" / name).read_text())
    validator = Draft202012Validator(schema)
    assert validator.is_valid(Document(home / "mappings/w.yaml").content)
    assert not validator.is_valid({"mapping": 1, "sourec": "w"})


def test_the_schema_is_written_where_it_is_wanted(home: Path) -> None:
    command = ("-m", "gateway.cli", "mapping", "schema")
    run(home, *command, "--out", "mappings/s.json")
    assert (home / "mappings/s.json").read_text() == run(home, *command)
    run(home, *command, "--out", "nowhere/s.json", code=1)
    # Over no file, though: it may be a mapping.
    run(home, *DRAFT, "--out", "mappings/w.yaml")
    before = (home / "mappings/w.yaml").read_text()
    run(home, *command, "--out", "mappings/w.yaml", code=1)
    assert (home / "mappings/w.yaml").read_text() == before
