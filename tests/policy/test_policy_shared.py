"""Work shared among forked processes: each piece once, the first failure, and nobody left."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import PolicyRejected
from gateway.policy.shared import Shared


@pytest.fixture
def at(tmp_path: Path) -> Callable[[int], Path]:
    return lambda number: tmp_path / str(number)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.005)


def written(path: Path) -> int:
    """Read a number that another process writes just now."""
    until = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.005)
    return int(path.read_text())


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_each_piece_is_done_once(at: Callable[[int], Path], processes: int) -> None:
    def work(number: int) -> float:
        at(number).touch(exist_ok=False)
        return number / 2

    with Shared(300, work, processes) as shared:
        done = shared.finish()
    assert done == {n: n / 2 for n in range(300)}


def test_others_work_while_this_one_does_something_else(at: Callable[[int], Path]) -> None:
    def work(number: int) -> float:
        at(number).write_text(str(os.getpid()))
        return 0

    with Shared(3, work, 2) as shared:
        wait_for(at(2))
        assert shared.finish().keys() == {0, 1, 2}
    assert {int(at(n).read_text()) for n in range(3)}.isdisjoint({os.getpid()})


def test_the_first_failure_by_number_is_told(at: Callable[[int], Path]) -> None:
    def work(number: int) -> float:
        if number in {3, 4}:
            at(number).touch()
            wait_for(at(7 - number))  # both fail, each in a process of its own
            raise PolicyRejected(f"piece {number}", where=f"x.rego:{number}")
        return 0

    with pytest.raises(PolicyRejected, match="piece 3") as caught, Shared(9, work, 2) as shared:
        shared.finish()
    assert caught.value.where == "x.rego:3"


def test_a_process_that_breaks_down_is_no_pass() -> None:
    here = os.getpid()

    def work(_number: int) -> float:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        return 0

    with pytest.raises(PolicyRejected, match="broke down"), Shared(20, work, 2) as shared:
        shared.finish()


def test_an_error_of_the_program_is_no_pass() -> None:
    here = os.getpid()

    def work(_number: int) -> float:
        if os.getpid() != here:
            raise RuntimeError
        time.sleep(0.02)
        return 0

    with pytest.raises(PolicyRejected, match="broke down"), Shared(20, work, 2) as shared:
        shared.finish()


def test_nobody_is_left_when_it_is_given_up(at: Callable[[int], Path]) -> None:
    def work(number: int) -> float:
        at(number).write_text(str(os.getpid()))
        time.sleep(60)
        return 0

    with Shared(5, work, 3):
        wait_for(at(1))
        pids = [written(at(number)) for number in range(2)]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
