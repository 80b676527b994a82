"""When sources are due, and what the schedule does about it, with real processes."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from gateway.model import stamp
from gateway.records import fingerprint
from gateway.records.freshness import freshness, span
from gateway.records.importer import Importer
from gateway.records.schedule import BUSY, LONGEST_S, WRONG, Schedule, described, look, next_due
from gateway.records.source import Poll, Upkeep
from gateway.records.store import Run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run(outcome: str = "imported", failures: int = 0, at: datetime = NOW) -> Run:
    return Run("s", at - MINUTE, at, outcome, failures=failures)


def test_a_source_that_was_never_imported_is_due_at_once() -> None:
    assert next_due(Poll(every_s=900), None, NOW) == NOW


def test_every_so_often_counts_from_the_last_look() -> None:
    poll = Poll(every_s=900)
    assert next_due(poll, run(), NOW) == NOW + 15 * MINUTE
    later = NOW + 10 * MINUTE
    assert next_due(poll, run(), later, later) == NOW + 25 * MINUTE


@pytest.mark.parametrize("poll", [Poll(every_s=900), Poll(daily=(time(2, 30),))])
def test_a_clock_that_is_put_back_holds_up_nothing(poll: Poll) -> None:
    back = NOW - timedelta(days=3)
    assert next_due(poll, run(), back) == back
    assert next_due(poll, run("failed", 5), back) == back
    assert next_due(poll, run(), back, NOW) == back
    # What was looked at since is looked at as ever.
    assert next_due(Poll(every_s=900), run(), back + MINUTE, back) == back + 15 * MINUTE


@pytest.mark.parametrize(
    ("day", "due"),
    [
        # 02:30 in Denver is 09:30 UTC in winter, 08:30 in summer.
        (datetime(2026, 11, 23, 9, 29, tzinfo=UTC), datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
        (datetime(2026, 11, 23, 9, 30, tzinfo=UTC), datetime(2026, 11, 23, 21, 15, tzinfo=UTC)),
        (datetime(2026, 11, 23, 22, 0, tzinfo=UTC), datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        (datetime(2026, 7, 1, 1, 0, tzinfo=UTC), datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_daily_is_by_the_clock_of_the_zone(day: datetime, due: datetime) -> None:
    poll = Poll(daily=(time(2, 30), time(14, 15)), zone="America/Denver")
    assert next_due(poll, run(at=day), day) == due


def test_the_wait_doubles_after_each_failure_up_to_a_limit() -> None:
    poll = Poll(every_s=600)
    waits = [
        (next_due(poll, run("failed", n), NOW) - NOW).total_seconds() for n in (1, 2, 3, 4, 30)
    ]
    assert waits == [600, 1_200, 2_400, 4_800, LONGEST_S]
    # One that is polled more seldom than the longest wait is never asked more often for failing.
    assert next_due(Poll(every_s=86_400), run("failed", 9), NOW) == NOW + timedelta(days=1)
    daily = Poll(daily=(time(12, 4),))
    assert next_due(daily, run("failed", 1), NOW) == NOW + 4 * MINUTE
    later = NOW + 5 * MINUTE
    assert next_due(daily, run("failed", 1, later), later) == NOW + 10 * MINUTE


def test_a_poll_is_written_as_the_mapping_has_it() -> None:
    assert described(None) is None
    assert [described(Poll(every_s=s)) for s in (90, 900, 7_200, 86_400)] == [
        *("every 90s", "every 15m", "every 2h", "every 1d")
    ]
    assert described(Poll(daily=(time(2, 30),), zone="UTC")) == "daily 02:30 UTC"


def test_an_age_is_held_against_the_strictest_limit() -> None:
    limits = {"warrant": 60, "vehicle": 1_440}
    exact = NOW - timedelta(minutes=60)
    assert not freshness(exact, ["warrant", "vehicle"], limits, NOW).stale
    late = freshness(exact - timedelta(seconds=1), ["vehicle", "warrant"], limits, NOW)
    assert (late.stale, late.limit, late.limited, late.age) == (True, 60, "warrant", 60)
    assert not freshness(exact - 60 * MINUTE, ["vehicle", "person"], limits, NOW).stale
    unknown = freshness(None, ["warrant"], limits, NOW)
    assert (unknown.stale, unknown.age) == (True, None)
    assert not freshness(None, ["person"], limits, NOW).stale
    # Once a clock that was wrong is put back, nobody knows how old what was read then is.
    ahead = freshness(NOW + 11 * MINUTE, ["warrant"], limits, NOW)
    assert (ahead.stale, ahead.age) == (True, None)
    assert freshness(NOW + 9 * MINUTE, ["warrant"], limits, NOW).age == 0
    assert [span(m) for m in (None, 0, 119, 120, 2_879, 2_880)] == [
        *("", "0 min", "119 min", "2 h", "47 h", "2 d")
    ]


# -- with processes ---------------------------------------------------------------------------

# What an import leaves behind, without its second of loading: the schedule sees nothing else of it.
IMPORT = """
import sqlite3, sys, time
from pathlib import Path
store, file, now, quick = sys.argv[1:]
text = Path(file).read_text()
if text == "die":
    sys.exit(9)
if text == "busy":
    sys.exit(4)
if text == "long":
    Path(file + ".started").touch()
    time.sleep(60)
records = sqlite3.connect(store)
failures = 0
if text == "bad":
    failures = 1 + next(records.execute("SELECT failures FROM runs"), (0,))[0]
else:
    records.execute("UPDATE generations SET state = 'retired'")
    records.execute(
        "INSERT INTO generations (source, state, rows, records, set_aside, digest, record_types,"
        " types, terms, index_format, quick) VALUES"
        " ('s', 'current', ?, ?, 0, '', '[]', '[]', '{}', '', ?)", (int(text), int(text), quick))
outcome = "failed" if failures else "imported"
records.execute(
    "INSERT OR REPLACE INTO runs VALUES ('s', ?, ?, ?, NULL, NULL, 1, ?, ?)",
    (now, now, outcome, failures, quick))
records.commit()
sys.exit(failures > 0)
"""


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "s.txt"
    write(path, "3")
    return path


def write(path: Path, text: str, *, age_s: float = 600) -> None:
    """Write a file that was left alone for so long."""
    path.write_text(text)
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))


def moved(file: Path, name: str = "away") -> Path:
    """Give a file another name; it stays what it is."""
    return file.rename(file.with_name(name))


class Polled:
    """A schedule of one source, its clock, and the imports that it started."""

    def __init__(self, file: Path) -> None:
        self.store = file.with_name("records.db")
        Importer(self.store).close()
        self.clock = Clock()
        self.started = 0
        self.results: list[tuple[str, str]] = []
        self.upkeep = Upkeep("s", False, frozenset(), (file,), Poll(every_s=60, settle_s=30))  # noqa: FBT003 - live
        self.schedule = Schedule(
            self.store,
            sources=lambda: [self.upkeep],
            files=lambda upkeep: upkeep.files,
            command=self._command,
            observe=lambda *result: self.results.append(result),
            now=self.clock,
        )

    def _command(self, _: str) -> Sequence[str]:
        self.started += 1
        file = (self.upkeep.files or ())[0]
        quick = fingerprint.quick([file])
        now = stamp(self.clock())
        return [sys.executable, "-S", "-c", IMPORT, str(self.store), str(file), now, quick]

    async def tick(self, ahead: timedelta = timedelta()) -> None:
        self.clock.ahead += ahead
        await self.schedule.tick()

    @property
    def rows(self) -> int:
        return look(self.store).generations["s"].rows


async def test_a_changed_file_is_imported_and_an_unchanged_one_costs_no_process(
    file: Path,
) -> None:
    polled = Polled(file)
    await polled.tick()
    assert (polled.started, polled.rows) == (1, 3)
    assert polled.results == [("s", "imported")]
    await polled.tick()
    await polled.tick(2 * MINUTE)
    await polled.tick(2 * MINUTE)
    assert polled.started == 1
    write(file, "4")
    await polled.tick()
    assert polled.started == 1  # not due yet
    await polled.tick(2 * MINUTE)
    assert (polled.started, polled.rows) == (2, 4)
    state = polled.schedule.status()["s"]
    assert state["last_result"] == "imported"
    assert state["poll"] == "every 1m"
    assert state["next_poll"] > state["last_import"]


async def test_a_file_that_was_written_to_just_now_is_left_alone(file: Path) -> None:
    polled = Polled(file)
    write(file, "12", age_s=0)
    await polled.tick()
    assert polled.started == 0
    await polled.tick(timedelta(seconds=31))
    assert polled.rows == 12


async def test_failures_are_counted_and_waited_for(file: Path) -> None:
    polled = Polled(file)
    write(file, "bad")
    await polled.tick()
    await polled.tick(timedelta(seconds=59))
    assert polled.started == 1
    await polled.tick(timedelta(seconds=2))
    assert polled.started == 2
    assert look(polled.store).runs["s"].failures == 2
    await polled.tick(timedelta(seconds=61))
    assert polled.started == 2  # two minutes now
    write(file, "5")
    await polled.tick(timedelta(seconds=61))
    assert polled.rows == 5
    assert look(polled.store).runs["s"].failures == 0
    assert [outcome for _, outcome in polled.results] == ["failed", "failed", "imported"]


async def test_after_a_failure_the_very_files_of_before_are_imported_and_clear_it(
    file: Path,
) -> None:
    polled = Polled(file)
    await polled.tick()
    away = moved(file)
    write(file, "bad")
    await polled.tick(timedelta(seconds=61))
    assert look(polled.store).runs["s"].failures == 1
    moved(away, file.name)
    assert look(polled.store).generations["s"].quick == fingerprint.quick([file])
    await polled.tick(timedelta(seconds=61))
    assert look(polled.store).runs["s"].failures == 0
    await polled.tick(timedelta(seconds=61))
    assert [outcome for _, outcome in polled.results] == ["imported", "failed", "imported"]


async def test_a_source_whose_mapping_is_wrong_is_told_and_not_polled(file: Path) -> None:
    polled = Polled(file)
    polled.upkeep = replace(polled.upkeep, wrong="m.yaml:3: it is wrong")
    await polled.tick()
    assert polled.started == 0
    assert polled.schedule.status()["s"] == {"fault": WRONG}


async def test_an_import_that_dies_without_a_word_is_a_failure_too(file: Path) -> None:
    polled = Polled(file)
    write(file, "die")
    await polled.tick()
    assert polled.results == [("s", "failed")]
    state = polled.schedule.status()["s"]
    assert (state["last_result"], state["last_code"]) == ("failed", "import.died")
    await polled.tick(timedelta(seconds=61))
    await polled.tick(timedelta(seconds=61))
    assert polled.started == 2


async def test_where_another_import_runs_it_is_tried_again_soon(file: Path) -> None:
    polled = Polled(file)
    write(file, "busy")
    await polled.tick()
    assert polled.results == []
    await polled.tick(timedelta(seconds=30))
    assert polled.started == 1
    write(file, "6")
    await polled.tick(timedelta(seconds=31))
    assert polled.rows == 6
    assert BUSY == 4  # what IMPORT above ends with


async def test_a_clock_that_is_put_back_lets_the_next_export_in(file: Path) -> None:
    polled = Polled(file)
    await polled.tick(timedelta(days=3))
    write(file, "busy")
    await polled.tick(2 * MINUTE)
    assert (polled.started, polled.rows) == (2, 3)
    write(file, "4")
    await polled.tick(timedelta(days=-3))
    assert polled.rows == 4
    # And it is not looked at each second from then on.
    await polled.tick(timedelta(seconds=1))
    assert polled.started == 3


async def test_what_was_refused_waits_for_a_person_or_for_another_file(file: Path) -> None:
    polled = Polled(file)
    importer = Importer(polled.store)
    then = datetime.now(UTC) - timedelta(hours=9)
    refused = Run("s", then, then, "refused", "import.shrinks", quick=fingerprint.quick([file]))
    importer.note(refused)
    importer.close()
    await polled.tick(24 * 60 * MINUTE)
    assert polled.started == 0
    write(file, "7")
    await polled.tick(24 * 60 * MINUTE)
    assert polled.rows == 7


async def test_stopping_ends_the_import_that_runs(file: Path) -> None:
    polled = Polled(file)
    write(file, "long")
    task = asyncio.create_task(polled.schedule.run())
    started = file.with_name(f"{file.name}.started")
    async with asyncio.timeout(20):
        while not started.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)
    assert polled.schedule.status()["s"]["importing"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert polled.schedule.running is None
