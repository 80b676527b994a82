import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.database import open_sqlite
from gateway.errors import Conflict, NotFound, RecordsUnavailable
from gateway.exchange import Searches
from gateway.exchange import searches as searches_room
from gateway.model import (
    Caller,
    Granularity,
    Officer,
    Ori,
    PersonQuery,
    ReasonGiven,
    Reference,
    Search,
    Subject,
)

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CANARY = b"ZEPHYRINEQUILL"


def caller(name: str = "okafor") -> Caller:
    officer = Officer(name, "Robbery", "x", frozenset({"y"}), 2, NOW)
    return Caller("rms", Ori("ZZ9990000"), frozenset({"search"}), officer)


def a_search(number: int, reference: Reference | None = None) -> Search:
    return Search(
        id=f"srch_{number:026d}",
        caller=caller(),
        purpose="p",
        subject=Subject(person=PersonQuery()),
        record_types=("r",),
        granularity=Granularity.RECORD,
        reason=ReasonGiven("x", "y"),
        reference=reference,
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_sqlite(tmp_path / "state.db")
    yield made
    made.dispose()


def kept(engine: Engine, *searches: Search, days: int = 30, key: bytes = b"k" * 32) -> Searches:
    store = Searches(engine, key)
    for s in searches:
        store.keep(s, {"a": 1}, CANARY, asked_at=NOW, keep_until=NOW + days * DAY)
    return store


def test_only_the_officer_who_asked_gets_it_back(engine: Engine) -> None:
    store = kept(engine, a_search(1))
    assert store.get(a_search(1).id, caller(), NOW).body == CANARY
    for other in (caller("else"), Caller("rms", Ori("ZZ9990000"), frozenset())):
        with pytest.raises(NotFound):
            store.get(a_search(1).id, other, NOW)
    with pytest.raises(NotFound):
        store.get(a_search(2).id, caller(), NOW)


def test_it_goes_when_its_days_are_over(engine: Engine) -> None:
    store = kept(engine, a_search(1), days=2)
    with pytest.raises(NotFound):
        store.get(a_search(1).id, caller(), NOW + 3 * DAY)
    store.keep(a_search(2), {}, b"{}", asked_at=NOW + 3 * DAY, keep_until=NOW + 9 * DAY)
    assert store.sweep(NOW + 3 * DAY) == NOW + 9 * DAY
    with engine.connect() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM search").scalar() == 1


def test_nothing_stands_there_in_clear(engine: Engine, tmp_path: Path) -> None:
    kept(engine, a_search(1))
    for name in os.listdir(tmp_path):  # noqa: PTH208 - names only
        content = (tmp_path / name).read_bytes()
        assert CANARY not in content
        assert b"okafor" not in content


def test_another_key_or_a_moved_row_opens_nothing(engine: Engine) -> None:
    kept(engine, a_search(1), a_search(2))
    with pytest.raises(RecordsUnavailable):
        Searches(engine, b"x" * 32).get(a_search(1).id, caller(), NOW)
    with engine.begin() as c:
        c.exec_driver_sql(
            "UPDATE search SET sealed = (SELECT sealed FROM search WHERE id = ?) WHERE id = ?",
            (a_search(2).id, a_search(1).id),
        )
    with pytest.raises(RecordsUnavailable):
        Searches(engine, b"k" * 32).get(a_search(1).id, caller(), NOW)


def test_a_pending_reference_in_time_late_and_twice(engine: Engine) -> None:
    pending = Reference("pending")
    store = kept(engine, a_search(1, pending), a_search(2, pending), a_search(3))
    number = Reference("case", "26-1")
    assert store.complete(store.get(a_search(1).id, caller(), NOW), number, NOW + DAY)
    assert [o.id for o in store.overdue(NOW + DAY)] == []
    late = NOW + DAY + timedelta(seconds=1)
    assert [(o.id, o.completed_late) for o in store.overdue(late)] == [(a_search(2).id, False)]
    assert not store.complete(store.get(a_search(2).id, caller(), NOW), number, late)
    assert [(o.id, o.completed_late) for o in store.overdue(late)] == [(a_search(2).id, True)]
    for done in (a_search(1), a_search(3)):
        with pytest.raises(Conflict):
            store.complete(store.get(done.id, caller(), NOW), number, NOW)


def test_a_pending_reference_is_not_swept_away(engine: Engine) -> None:
    store = kept(engine, a_search(1, Reference("pending")), days=1)
    store.keep(a_search(2), {}, b"{}", asked_at=NOW + 9 * DAY, keep_until=NOW + 10 * DAY)
    assert [o.id for o in store.overdue(NOW + 9 * DAY)] == [a_search(1).id]


def test_a_pending_reference_can_be_completed_past_its_days(engine: Engine) -> None:
    # A peer's answer may be kept for no day at all; the officer still owes the number.
    store = kept(engine, a_search(1, Reference("pending")), days=0)
    later = NOW + DAY / 2
    with pytest.raises(NotFound):
        store.get(a_search(1).id, caller(), later)
    found = store.get(a_search(1).id, caller(), later, to_complete=True)
    assert store.complete(found, Reference("case", "26-1"), later)
    with pytest.raises(NotFound):
        store.get(a_search(1).id, caller(), later, to_complete=True)


def test_a_reference_is_completed_once_also_side_by_side(engine: Engine) -> None:
    store = kept(engine, a_search(1, Reference("pending")))
    first = store.get(a_search(1).id, caller(), NOW)
    second = store.get(a_search(1).id, caller(), NOW)
    assert store.complete(first, Reference("case", "26-1"), NOW)
    with pytest.raises(Conflict):
        store.complete(second, Reference("case", "26-2"), NOW)
    assert store.get(a_search(1).id, caller(), NOW).request["reference"] == {
        "type": "case",
        "number": "26-1",
    }


def test_a_locked_or_broken_database_is_unavailable(engine: Engine) -> None:
    store = kept(engine, a_search(1))
    with engine.begin() as c:
        c.exec_driver_sql("DROP TABLE search")
    for attempt in (
        lambda: store.get(a_search(1).id, caller(), NOW),
        lambda: store.overdue(NOW),
        lambda: kept_again(store),
    ):
        with pytest.raises(RecordsUnavailable) as caught:
            attempt()
        assert "srch" not in str(caught.value)
        assert caught.value.__cause__ is None


def kept_again(store: Searches) -> None:
    store.keep(a_search(2), {}, CANARY, asked_at=NOW, keep_until=NOW + DAY)


def test_what_waits_for_its_reference_stays_without_its_answer(engine: Engine) -> None:
    store = kept(engine, a_search(1, reference=Reference("pending")), days=2)
    assert store.sweep(NOW + 2 * DAY) is None
    left = store.get(a_search(1).id, caller(), NOW + 2 * DAY, to_complete=True)
    assert left.body == b""
    assert left.request == {"a": 1}
    store.sweep(NOW + 3 * DAY)
    assert store.complete(left, Reference("case", "26-1"), NOW + 2 * DAY) is False
    store.sweep(NOW + 3 * DAY)
    with engine.connect() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM search").scalar() == 0


async def test_it_is_erased_on_time_by_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches_room, "SWEEP_S", 0.05)
    store = Searches(engine, b"k" * 32)
    now = datetime.now(UTC)

    def count() -> int:
        with engine.connect() as c:
            return int(c.exec_driver_sql("SELECT count(*) FROM search").scalar() or 0)

    store.keep(a_search(1), {}, CANARY, asked_at=now, keep_until=now)
    async with AsyncExitStack() as stack:
        await searches_room.sweep_on_time(stack, store)
        assert count() == 0
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        store.keep(a_search(2), {}, CANARY, asked_at=now, keep_until=soon)
        store.keep(a_search(3), {}, CANARY, asked_at=now, keep_until=now + DAY)
        assert count() == 2
        for _ in range(100):
            await asyncio.sleep(0.05)
            if count() == 1:
                break
        assert datetime.now(UTC) >= soon
        assert count() == 1
