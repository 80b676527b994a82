"""The demo tells its story to the end, what it tells is true, and what it offers works."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.__main__ import POLICE, Demo, person, question
from demo.cast import MARISOL
from demo.world import World
from tests.conftest import have
from tests.soak import SOAK

ROOT = Path(__file__).resolve().parents[2]
LAST = "# the same as an auditor"


@pytest.fixture(scope="module")
def staying(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo when it has told its story and stays up, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    with (folder / "errors").open("w") as errors:
        demo = subprocess.Popen(
            [sys.executable, "-u", "-m", "demo", "--people", "400", "--stay"],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "200", "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert demo.stdout is not None
    try:
        told = []
        for line in demo.stdout:
            told.append(line)
            if line.startswith(LAST):
                break
        assert told, (folder / "errors").read_text()
        assert told[-1].startswith(LAST), "".join(told)[-2_000:] + (folder / "errors").read_text()
        yield demo, "".join(told)
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


def test_the_demo_tells_its_story(staying: tuple[subprocess.Popen[str], str]) -> None:
    _, told = staying
    for spelling in ("MARISOL QUESADA BRANOCK", "MARISOL Q BRANNOCK", "MARYSOL QUEZADA"):
        assert spelling in told
    assert "ARMED AND DANGEROUS" in told
    assert "7284.6(a)(1)" in told
    assert "FENWRAITH" not in told  # expunged
    assert "unreachable" in told
    assert told.count("The log is intact.") == 4


def test_its_tables_show_how_well_how_old_and_how_long(
    staying: tuple[subprocess.Popen[str], str],
) -> None:
    _, told = staying
    searches = re.findall(r"search (srch_\w+): (\w+) *\n(.*?)\nreceipt: ", told, re.DOTALL)
    assert [status for _, status, _ in searches].count("none") == 1
    answered = 0
    for _, _, tables in searches:
        rows = [[c.strip() for c in re.split("[│┃]", line)[1:-1]] for line in tables.splitlines()]
        agencies = [r for r in rows if len(r) == 6 and re.fullmatch(r"[A-Z]{2}\w{7}", r[0])]
        assert agencies
        for row in agencies:
            if len(row) != 6 or row[1] != "answered":
                continue
            answered += 1
            assert row[2] in {"record", "pointer"}
            assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", row[3]), row
            assert re.fullmatch(r"\d+", row[4]), row
    assert answered > 8
    assert re.search(r"│ (exact|probable) 0\.\d{3} +│ .*surname", told)
    assert re.search(r"│ possible", told)
    found = told.partition("Who is found?")[2]
    for k in (1, 10):  # at each of three agencies, and at all
        (shares,) = re.findall(rf"│ recall at {k} +(│.*)", found)
        assert len(re.findall(r"│ +\d+\.\d% ", shares)) == 4, shares


def test_both_sides_logs_show_the_same_search(
    staying: tuple[subprocess.Popen[str], str],
) -> None:
    told = staying[1]
    (first, *_) = re.findall(r"search (srch_\w+): ", told)
    logs: dict[str, list[dict[str, str]]] = {}
    for ori, about, table in re.findall(r"log of (\w+): search (\S+) *\n(.*?)└", told, re.DOTALL):
        assert about == first
        rows = [[c.strip() for c in re.split("[│┃]", line)[1:-1]] for line in table.splitlines()]
        head, *lines = [r for r in rows if len(r) > 1]
        logs[ori] = [dict(zip(head, line, strict=True)) for line in lines]
    asker, *owners = logs
    assert (asker, len(owners)) == ("CA9990000", 3)
    for owner in owners:
        (came,) = [e for e in logs[owner] if e["type"] == "query_in"]
        assert came["peer"] == asker
        (heard,) = [e for e in logs[asker] if (e["type"], e["peer"]) == ("response_in", owner)]
        # The answer carries the leaf of the line that the question got in the other one's log.
        assert came["leaf"] == heard["peer's leaf"] != ""


def test_a_question_that_is_not_answered_ends_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = question(person(MARISOL), "person", purpose="curiosity")
    with pytest.raises(SystemExit, match="The story ends here"):
        Demo(world)._search(POLICE, wrong)
    assert "search.unknown_purpose" in capsys.readouterr().out


@pytest.mark.skipif(not SOAK, reason="the whole demo once more: `make soak`")
def test_without_staying_it_ends_well_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--people", "400"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr
    assert re.search(r"Told in \d+ s\.\n$", done.stdout)
    assert list(tmp_path.iterdir()) == []


def test_what_a_receipt_counts_adds_up(staying: tuple[subprocess.Popen[str], str]) -> None:
    receipts = re.findall(r"receipt: asked (\d+)(.*?); ", staying[1])
    assert receipts
    for asked, rest in receipts:
        counted = dict(re.findall(r"(\w[\w ]*) (\d+)", rest))
        counted.pop("capped", None)
        assert sum(map(int, counted.values())) == int(asked), (asked, rest)


@pytest.mark.skipif(not have("curl"), reason="curl is missing")
def test_the_lines_that_it_prints_work(staying: tuple[subprocess.Popen[str], str]) -> None:
    offered = staying[1].partition("TOKEN=")
    script = "".join(offered[1:]).replace("\n\ncurl", "\necho\ncurl")
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True)
    searched, agencies, ready = (json.loads(line) for line in done.stdout.splitlines() if line)
    assert searched["receipt"]["answered"] == 3
    assert len(agencies["agencies"]) == 4
    assert ready["status"] == "ok"


def test_enter_makes_another_token(staying: tuple[subprocess.Popen[str], str]) -> None:
    demo, told = staying
    assert demo.stdin is not None
    assert demo.stdout is not None
    demo.stdin.write("\n")
    demo.stdin.flush()
    name, _, token = demo.stdout.readline().strip().partition("=")
    assert name == "TOKEN"
    assert token not in told
    (url,) = re.findall(r"curl -s (\S+)/v1/agencies", told)
    listed = httpx.get(f"{url}/v1/agencies", headers={"Authorization": f"Bearer {token}"})
    assert listed.status_code == 200


def test_nothing_outlives_it(staying: tuple[subprocess.Popen[str], str]) -> None:
    demo, told = staying
    gateways = re.findall(r"127\.0\.0\.1:(\d+) .*SALLYPORT_HOME=(\S+)", told)
    assert len(gateways) == 4
    demo.terminate()
    assert demo.wait(60) == 0
    for port, home in gateways:
        assert not Path(home).exists()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)), 5).close()
