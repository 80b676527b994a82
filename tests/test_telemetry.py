"""What a gateway's process writes to its standard error: one event a line, and no value of others'.

Held in a process of its own, as standard error is one for a whole process.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from gateway.telemetry import Metrics

CANARY = "ZEBULON QUILLFEATHER"
PROGRAM = f"""
import asyncio, logging, os, sys, threading, time, warnings
import regorus
from gateway.telemetry import configure_logging, own_error_output

CANARY = {CANARY!r}
library = logging.getLogger("a.library")

def fails():
    raise ValueError(CANARY)

def panics():
    engine = regorus.Engine()
    engine.add_policy("a.rego", "package a\\nr := time.parse_duration_ns(input.text)")
    engine.set_input_json('{{"text": "1' + chr(0xE9) + '"}}')
    engine.eval_rule_as_json("data.a.r")

with own_error_output() as log:
    configure_logging(as_json=True, to=log)
    exec(sys.argv[1])
    sys.stderr.flush()
sys.stderr.write("afterwards\\n")
"""


def written(what: str) -> list[dict[str, Any]]:
    """Give the events of a program that does something, and see that none holds the canary."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], capture_output=True, text=True, check=False
    )
    assert CANARY not in done.stdout + done.stderr, what
    *lines, last = done.stderr.splitlines()
    assert last == "afterwards", done.stderr  # it is as it was: the command's own errors are seen
    return [json.loads(line) for line in lines]


LINES: dict[str, dict[str, Any]] = {
    'library.warning("a plain word")': {"template": "a plain word"},
    'library.warning("heard of %s", CANARY)': {"template": "heard of %s"},
    'library.warning(f"heard of {CANARY}")': {"template": None},
    'library.warning(f"heard of {CANARY}, %s", 1)': {"template": None},
    "library.error(ValueError(CANARY))": {"template": None, "kind": "ValueError"},
    "library.error(OSError(98, f'no place for {CANARY}'))": {
        "template": None,
        "kind": "OSError",
        "system": "Address already in use",
    },
    "import ssl; library.error(ssl.SSLError(1, CANARY))": {"kind": "SSLError", "system": None},
    "import socket; library.error(socket.gaierror(-2, CANARY))": {
        "kind": "gaierror",
        "system": None,
    },
    "library.error(OSError(CANARY, CANARY))": {"kind": "OSError", "system": None},
    "try:\n fails()\nexcept ValueError:\n library.exception('it failed')": {
        "template": "it failed",
        "kind": "ValueError",
    },
    """
async def main():
    asyncio.get_running_loop().call_soon(fails)
    await asyncio.sleep(0.01)
asyncio.run(main())""": {"kind": "ValueError"},
}


def test_a_librarys_line_loses_its_values() -> None:
    events = written("\n".join(LINES))
    assert len(events) == len(LINES)
    for event, (what, told) in zip(events, LINES.items(), strict=True):
        assert event["event"] == "library"
        assert event["at"].rpartition(":")[2].isdigit()
        assert {k: event.get(k) for k in told} == told, what


@pytest.mark.parametrize(
    ("what", "at"),
    [
        ("thread = threading.Thread(target=fails); thread.start(); thread.join()", ".py:"),
        ("warnings.warn(CANARY)", None),
        ("os.write(2, CANARY.encode())", None),
        ("try:\n panics()\nexcept BaseException:\n pass", "time/compat.rs:"),
    ],
    ids=["a thread", "a warning", "native", "panic"],
)
def test_what_else_writes_there_is_told_of_and_not_shown(what: str, at: str | None) -> None:
    events = written(what)
    assert sum(e["bytes"] for e in events) > 10
    assert {e["event"] for e in events} == {"not shown, it may hold values"}
    places = [place for e in events for place in e["at"]]
    assert not at or any(at in place for place in places), events


def test_more_than_anybody_reads_is_lost_and_waited_for_by_nobody() -> None:
    # Held as a panic holds it: the interpreter is not let go of between the writes.
    flood = (
        "sys.setswitchinterval(60)\n"
        "import ctypes\n"
        "write = ctypes.PyDLL(None).write\n"
        "print(sum(write(2, b'x' * 4096, 4096) > 0 for _ in range(64)))"
    )
    events = written(flood)
    assert 0 < sum(e["bytes"] for e in events) <= 64 * 4096


def test_every_metric_is_in_the_documents_with_its_labels() -> None:
    text = (Path(__file__).parents[1] / "docs/settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(sallyport_\w+)` \| (.*?) \|", text, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    made = [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]
    assert made
    suffix = {"counter": "_total"}
    assert told == {m._name + suffix.get(m._type, ""): set(m._labelnames) for m in made}
