"""The demo tells its story to the end, and what it tells is true."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_tells_its_story() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--people", "400"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    told = done.stdout
    for spelling in ("MARISOL QUESADA BRANOCK", "MARISOL Q BRANNOCK", "MARYSOL QUEZADA"):
        assert spelling in told
    assert "ARMED AND DANGEROUS" in told
    assert "7284.6(a)(1)" in told
    assert "FENWRAITH" not in told  # expunged
    assert "unreachable" in told
    assert told.count("The log is intact.") == 4
