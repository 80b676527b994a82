"""What is acknowledged is there: after kill -9, after a full disk, after a file that can't grow."""

import random
import time
from collections.abc import Iterator

import pytest

from gateway.ledger.tree import leaf_hash
from tests.forked import Forked
from tests.ledger.acknowledge import acknowledge
from tests.ledger.made import LogOnDisk
from tests.soak import count


def acknowledged(running: Forked) -> set[str]:
    return {line for line in list(running.lines) if "sha-256:" in line}


@pytest.fixture
def processes() -> Iterator[list[Forked]]:
    started: list[Forked] = []
    yield started
    for one in started:
        if one.runs():
            one.kill()


def in_log(log: LogOnDisk, after: int = 0) -> set[str]:
    rows = log.query("SELECT writer, sequence, entry FROM entries WHERE rowid > ?", after)
    return {f"{writer}.{number} sha-256:{leaf_hash(entry).hex()}" for writer, number, entry in rows}


def newest(log: LogOnDisk) -> int:
    ((row,),) = log.query("SELECT coalesce(max(rowid), 0) FROM entries")
    return int(row)


@pytest.mark.timeout(3_600)  # a thousand kills each in the soak
@pytest.mark.parametrize("callers", [1, 32])
def test_nothing_acknowledged_is_missing_after_kill_9(
    log: LogOnDisk, processes: list[Forked], callers: int
) -> None:
    chance = random.Random(callers)
    everything: set[str] = set()
    for _ in range(count(3, 1_000)):
        before = newest(log) if log.path.exists() else 0
        running = Forked(acknowledge, log.path, callers)
        processes.append(running)
        running.wait_for(1, "ready")
        time.sleep(chance.uniform(0.0, 0.25))
        running.kill()
        assert acknowledged(running) <= in_log(log, after=before)
        everything |= acknowledged(running)
    assert everything
    assert everything <= in_log(log)  # the later kills took nothing of the earlier either
    report = log.verify()
    assert report.intact, report.findings  # before anybody repaired anything


def test_a_full_disk_refuses_and_loses_nothing(log: LogOnDisk, processes: list[Forked]) -> None:
    running = Forked(acknowledge, log.path, 8, 400_000)
    processes.append(running)
    running.wait_for(10, "refused")
    while_full = len(running.lines)
    assert acknowledged(running)
    running.wait_for(20, "refused")
    assert running.runs()
    running.say("room")
    running.wait_for(len(acknowledged(running)) + 30, "sha-256:")
    assert len(running.lines) > while_full
    running.kill()
    assert acknowledged(running) <= in_log(log)
    report = log.verify()
    assert report.intact, report.findings
