"""`sallyport mapping draft` and `schema`, as they are run from a shell."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapters.document import Document
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
