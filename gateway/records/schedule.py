"""Imports on a schedule: each in a process of its own, one at a time, with back-off after failure.

A source whose files are those of its last import is not read: looking at their sizes and times of
change is all. A file that changed a moment ago may be half written, and is left for the next look.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from gateway.errors import SallyportError
from gateway.model import stamp
from gateway.records import fingerprint
from gateway.records.source import Poll, Upkeep
from gateway.records.store import Generation, Reader, Run

TICK_S: Final = 1.0
LONGEST_S: Final = 6 * 3_600
"""The longest wait after failures, unless the regular one is longer."""
_DAILY_BASE_S: Final = 300
_STOP_S: Final = 5
_BUSY_WAIT_S: Final = 60
_ROUNDED: Final = timedelta(minutes=1)
"""A look that is ahead of the clock by less was written down rounded, or the clock was trimmed."""
BUSY: Final = 4
"""What an import's process ends with where another import is running."""
WRONG: Final = "mapping.wrong"
"""The fault of a source whose mapping can't be used: its last records go on serving."""
TROUBLE: Final = frozenset({"failed", "refused"})
"""Results of an import that somebody has to look at."""
_log = structlog.get_logger(__name__)


def next_due(
    poll: Poll, run: Run | None, now: datetime, checked: datetime | None = None
) -> datetime:
    """Say when a source is due: at once if it was never imported.

    So it is where the last look lies ahead, as the clock was put back since. `checked` is when it
    was last seen to be unchanged. After failures the wait doubles each time.
    """
    looks = [] if run is None else [run.finished, *([] if checked is None else [checked])]
    past = [look for look in looks if look <= now + _ROUNDED]
    if run is None or not past:
        return now
    last = max(past)
    regular = _regular(poll, last)
    if not run.failures:
        return regular
    base = poll.every_s or _DAILY_BASE_S
    wait = min(max(LONGEST_S, base), base * 2 ** min(run.failures - 1, 20))
    later = last + timedelta(seconds=wait)
    return min(later, regular) if poll.daily else later


def _regular(poll: Poll, last: datetime) -> datetime:
    if poll.every_s is not None:
        return last + timedelta(seconds=poll.every_s)
    zone = ZoneInfo(poll.zone)
    here = last.astimezone(zone)
    days = (here.date() + timedelta(days=n) for n in range(3))
    times = (datetime.combine(day, at, zone) for day in days for at in poll.daily)
    return min(t for t in times if t > here).astimezone(UTC)


def described(poll: Poll | None) -> str | None:
    """Write a poll as the mapping has it."""
    if poll is None:
        return None
    if poll.every_s is not None:
        for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60)):
            if poll.every_s % seconds == 0:
                return f"every {poll.every_s // seconds}{unit}"
        return f"every {poll.every_s}s"
    return f"daily {', '.join(f'{t:%H:%M}' for t in poll.daily)} {poll.zone}"


@dataclass(frozen=True, slots=True)
class Look:
    """What `records.db` says: current generations and last imports, by source."""

    generations: dict[str, Generation]
    runs: dict[str, Run]


def look(path: Path) -> Look:
    """Read it. Blocks. Raises RecordsUnavailable."""
    reader = Reader(path)
    try:
        return Look({g.source: g for g in reader.generations()}, reader.runs())
    finally:
        reader.close()


class Schedule:
    """Polls sources. `sources` names them; `command` gives the import of one as a program's words.

    `files` gives all that an import of a source reads. `observe` is told each result.
    """

    def __init__(
        self,
        path: Path,
        *,
        sources: Callable[[], Sequence[Upkeep]],
        files: Callable[[Upkeep], Sequence[Path] | None],
        command: Callable[[str], Sequence[str]],
        observe: Callable[[str, str], None] = lambda _, __: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        enabled: bool = True,
    ) -> None:
        self._path = path
        self._sources = sources
        self._files = files
        self._command = command
        self._observe = observe
        self._now = now
        self._enabled = enabled
        self._known: Sequence[Upkeep] = ()
        self._look = Look({}, {})
        self._checked: dict[str, datetime] = {}
        self._died: dict[str, Run] = {}
        self._not_before: dict[str, datetime] = {}
        self._failing = False
        self.running: str | None = None

    async def run(self) -> None:
        """Poll until cancelled; an import that runs then is ended, and goes on the next time."""
        while True:
            await self.tick()
            await asyncio.sleep(TICK_S)

    async def tick(self) -> None:
        """Look once, and import what is due, one after the other."""
        try:
            self._known = await asyncio.to_thread(self._sources)
            self._look = await asyncio.to_thread(look, self._path)
            self._failing = False
        except SallyportError as error:
            if not self._failing:
                _log.warning("schedule.look_failed", code=error.code)
            self._failing = True
            return
        if not self._enabled:
            return
        for source in self._known:
            if source.poll is None or source.live or source.wrong:
                continue
            now = self._now()
            if self._due(source, source.poll, now) <= now:
                await self._poll(source, source.poll, now)

    def status(self) -> dict[str, dict[str, Any]]:
        """Tell of each source when it is polled next, and what became of its last import."""
        return {s.name: self._status(s) for s in self._known}

    def _status(self, source: Upkeep) -> dict[str, Any]:
        run = self._last(source.name)
        found: dict[str, Any] = {}
        if run is not None:
            found["last_import"] = stamp(run.finished)
            found["last_result"] = run.outcome
            if run.code is not None:
                found["last_code"] = run.code
        if source.wrong is not None:
            found["fault"] = WRONG
        elif source.poll is not None and self._enabled:
            found["poll"] = described(source.poll)
            found["importing"] = self.running == source.name
            found["next_poll"] = stamp(self._due(source, source.poll, self._now()))
        return found

    def _due(self, source: Upkeep, poll: Poll, now: datetime) -> datetime:
        due = next_due(poll, self._last(source.name), now, self._checked.get(source.name))
        later = self._not_before.get(source.name, due)
        # One that is further ahead than any wait was set before the clock was put back.
        longest = timedelta(seconds=max(poll.settle_s, _BUSY_WAIT_S))
        return max(due, later) if later <= now + longest else due

    def _last(self, name: str) -> Run | None:
        """Give the last import: what it wrote itself, or that it died and wrote nothing."""
        run, died = self._look.runs.get(name), self._died.get(name)
        return died if died is not None and (run is None or run.finished < died.finished) else run

    async def _poll(self, source: Upkeep, poll: Poll, now: datetime) -> None:
        quick = await asyncio.to_thread(fingerprint.quick, self._files(source))
        run = self._last(source.name)
        # What was refused waits for a person, or for other files.
        waiting = run is not None and run.outcome == "refused" and quick and run.quick == quick
        # After a failure the same files are imported all the same: that is quick, and clears it.
        well = run is None or run.outcome not in TROUBLE
        current = self._look.generations.get(source.name)
        if waiting or (well and fingerprint.is_same(current, quick)):
            self._checked[source.name] = now
            return
        if not fingerprint.settled(source, now):
            self._not_before[source.name] = now + timedelta(seconds=poll.settle_s)
            return
        await self._import(source.name, now)

    async def _import(self, name: str, started: datetime) -> None:
        self.running = name
        process = await asyncio.create_subprocess_exec(
            *self._command(name),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        finally:
            self.running = None
        self._checked.pop(name, None)
        if code == BUSY:
            self._not_before[name] = self._now() + timedelta(seconds=_BUSY_WAIT_S)
            return
        before = self._look.runs.get(name)
        self._look = await asyncio.to_thread(look, self._path)
        run = self._look.runs.get(name)
        if run is None or run == before:
            run = self._note_death(name, started, code)
        else:
            self._died.pop(name, None)
        self._observe(name, run.outcome)
        if run.outcome in TROUBLE:
            _log.warning("schedule.import", source=name, outcome=run.outcome, code=run.code)
        else:
            _log.info("schedule.import", source=name, outcome=run.outcome)

    def _note_death(self, name: str, started: datetime, code: int) -> Run:
        before = self._last(name)
        run = Run(
            *(name, started, self._now(), "failed", "import.died"),
            f"the import ended with code {code} and said nothing",
            scheduled=True,
            failures=(before.failures if before else 0) + 1,
        )
        self._died[name] = run
        return run


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
