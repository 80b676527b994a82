"""Progress is drawn for people at a terminal, and never for machines. Real processes, real pty."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.cli.people_csv import MAPPING

ROWS = 1_200
TOTAL = ROWS + 1
"""What a bar of a CSV file counts to is its lines."""
COLOURS = re.compile(r"\x1b\[[\d;]*m")
BAR = re.compile(r"persons(?:: (\w+))? +[━╸╺]{40} +(\d+)/(\d+)")
PROGRAM = Path(sys.executable).with_name("sallyport")


@pytest.fixture
def home(home: Path) -> Path:
    lines = [f"P{n:05},TESTER{n},{1 + n % 12:02}/{1 + n % 28:02}/1980" for n in range(ROWS)]
    (home / "sources" / "persons.csv").write_text("\n".join(["ID,NAME,BORN", *lines, ""]))
    (home / "mappings" / "persons.yaml").write_text(MAPPING.format(name="persons"))
    return home


def at_a_terminal(home: Path, *words: str) -> tuple[int, str, bytes]:
    """Run the command with its errors on a terminal; give its exit code, that, and its output."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    environment = {**os.environ, "TERM": "xterm", "SALLYPORT_HOME": str(home)}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [PROGRAM, *words], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    assert process.stdout is not None
    reading, shown, output = {ours, process.stdout.fileno()}, b"", b""
    try:
        while reading:
            for one in select.select(list(reading), [], [], 60)[0]:
                try:
                    data = os.read(one, 2**16)
                except OSError:  # so a pty says that the other side is gone
                    data = b""
                if not data:
                    reading.discard(one)
                elif one == ours:
                    shown += data
                else:
                    output += data
    finally:
        os.close(ours)
        process.stdout.close()
        code = process.wait(60)
    return code, shown.decode(), output


def bars(shown: str) -> list[tuple[str, int, int]]:
    """Give what was drawn, one after the other: the step, the rows done, and of how many."""
    plain = COLOURS.sub("", shown)
    return [(step, int(done), int(total)) for step, done, total in BAR.findall(plain)]


def test_an_import_draws_a_bar_of_its_rows_and_takes_it_away(home: Path) -> None:
    code, shown, output = at_a_terminal(home, "import")
    assert (code, output.count(b"\n") > 1) == (0, True)
    drawn = bars(shown)
    assert {total for _, _, total in drawn} == {TOTAL}
    done = [rows for _, rows, _ in drawn]
    assert done == sorted(done)
    assert done[-1] == ROWS
    steps = list(dict.fromkeys(step for step, _, _ in drawn))
    assert steps == [step for step in ("", "reading", "indexing", "switching") if step in steps]
    assert steps[-1] == "switching"
    # The line is erased at the end, and the cursor is shown again.
    assert shown.endswith("\x1b[1A\x1b[2K")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_json_draws_none(home: Path) -> None:
    code, shown, output = at_a_terminal(home, "import", "--json")
    assert (code, shown) == (0, "")
    assert [one["records"] for one in json.loads(output)] == [ROWS]


def test_a_retry_as_json_draws_none_either(home: Path, tmp_path: Path) -> None:
    source, file = home / "sources" / "persons.csv", tmp_path / "rows.csv"
    source.write_text(source.read_text().replace("03/03/1980", "03/33/1980", 1))
    run = partial(CliRunner().invoke, app, catch_exceptions=False)
    assert run(["import", "--home", str(home)]).exit_code == 0
    words = ("source", "set-aside", "persons")
    assert run([*words, "--export", str(file), "--home", str(home)]).exit_code == 0
    file.write_text(file.read_text().replace("03/33/1980", "03/03/1980"))
    code, shown, output = at_a_terminal(home, *words, "--retry", str(file), "--json")
    assert (code, shown) == (0, "")
    assert json.loads(output) == {
        "became_records": 1,
        "still_set_aside": [],
        "no_longer_set_aside": 0,
        "not_corrected": 0,
        "outdated": 0,
    }
