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

import pytest

from tests.conftest import have

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
