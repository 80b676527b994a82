"""What is acknowledged is there: after kill -9, after a full disk, after a file that can't grow."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.tree import leaf_hash
from tests.ledger.made import LogOnDisk
from tests.soak import count

PROGRAM = Path(__file__).with_name("acknowledge.py")
ROOT = PROGRAM.parent.parent.parent


class Running:
    """The program, and the lines that it wrote so far."""

    def __init__(self, log: LogOnDisk, *arguments: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.acknowledge", str(log.path)]
            + [str(a) for a in arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.lines.append(line.strip())

    def wait_for(self, lines: int, text: str = "", within: float = 60.0) -> None:
        end = time.monotonic() + within
        while sum(text in line for line in list(self.lines)) < lines:
            assert time.monotonic() < end, (self.process.poll(), self.lines[-3:])
            time.sleep(0.005)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def acknowledged(self) -> set[str]:
        return {line for line in self.lines if "sha-256:" in line}


@pytest.fixture
def processes() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.kill()


def in_log(log: LogOnDisk) -> set[str]:
    return {
        f"{writer}.{number} sha-256:{leaf_hash(entry).hex()}"
        for writer, number, entry in log.query("SELECT writer, sequence, entry FROM entries")
    }


@pytest.mark.timeout(3_600)  # a thousand kills each in the soak
@pytest.mark.parametrize("callers", [1, 32])
def test_nothing_acknowledged_is_missing_after_kill_9(
    log: LogOnDisk, processes: list[Running], callers: int
) -> None:
    chance = random.Random(callers)
    acknowledged: set[str] = set()
    for _ in range(count(3, 1_000)):
        running = Running(log, callers)
        processes.append(running)
        running.wait_for(1, "ready")
        time.sleep(chance.uniform(0.0, 0.25))
        running.kill()
        acknowledged |= running.acknowledged()
        assert acknowledged <= in_log(log)
    assert acknowledged
    report = log.verify()
    assert report.intact, report.findings  # before anybody repaired anything


def test_a_full_disk_refuses_and_loses_nothing(log: LogOnDisk, processes: list[Running]) -> None:
    running = Running(log, 8, 400_000)
    processes.append(running)
    running.wait_for(10, "refused")
    while_full = len(running.lines)
    assert running.acknowledged()
    running.wait_for(20, "refused")
    assert running.process.poll() is None
    assert running.process.stdin is not None
    running.process.stdin.write("room\n")
    running.process.stdin.flush()
    before = len(running.acknowledged())
    running.wait_for(before + 30, "sha-256:")
    assert len(running.lines) > while_full
    running.kill()
    assert running.acknowledged() <= in_log(log)
    report = log.verify()
    assert report.intact, report.findings
