"""The log's lines on answers: a write that fails is known, also where nobody waits for it."""

import asyncio
import gc
from typing import Any, cast

import pytest

from gateway.errors import LedgerUnavailable
from gateway.exchange.arrived import TOGETHER_S, Arrived
from gateway.ledger import Draft, EntryType, Ledger

LINE = Draft(type=EntryType.RESPONSE_IN, decision="answered")


class Failing:
    """A log whose first writes fail, as with a disk that was full for a moment."""

    def __init__(self, times: int) -> None:
        self._left = times
        self.written = 0

    async def finish(self, drafts: list[Draft]) -> tuple[str, ...]:
        await asyncio.sleep(0)
        if self._left:
            self._left -= 1
            raise LedgerUnavailable("The log's disk is full.")
        self.written += len(drafts)
        return tuple(f"logged {n}" for n in range(len(drafts)))


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_what_could_not_be_written_fails_the_search(times: int) -> None:
    log = Failing(times)
    arrived = Arrived(cast("Ledger", log))
    arrived.note(LINE)
    await asyncio.sleep(5 * TOGETHER_S)  # the first line's write is over
    arrived.note(LINE)
    if times:
        with pytest.raises(LedgerUnavailable):
            await arrived.finish(LINE)
    else:
        assert await arrived.finish(LINE) == cast("Any", "logged 1")
        assert log.written == 3


async def test_nobody_has_to_read_the_error_of_a_search_that_is_given_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unread: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: unread.append(about))
    arrived = Arrived(cast("Ledger", Failing(1)))
    arrived.note(LINE)
    await asyncio.sleep(5 * TOGETHER_S)
    del arrived
    gc.collect()
    await asyncio.sleep(0)
    assert not unread
    assert "lines on answers could not be logged" in capsys.readouterr().out
