import asyncio
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Invalid, LedgerUnavailable, Replayed, TooLarge
from gateway.ledger import Draft, EntryType, Filters, Ledger, Nonce, PageOf
from gateway.ledger.checkpoint import verify
from gateway.ledger.tree import leaf_hash
from tests.ledger.made import LOG_KEY, ORIGIN, LogOnDisk, draft, use, write

NOW = datetime(2026, 11, 23, 21, 0, 0, 123456, tzinfo=UTC)


def nonce(value: str = "n", *, at: datetime | None = None, seconds: int = 60) -> Nonce:
    return Nonce("key", value, (at or datetime.now(UTC)) + timedelta(seconds=seconds))


async def test_a_line_is_durable_numbered_and_signed(log: LogOnDisk) -> None:
    ledger = log.open(clock=lambda: NOW)
    await ledger.start()
    [logged] = await ledger.begin([draft(1)])
    assert logged.time == datetime(2026, 11, 23, 21, 0, 0, 120000, tzinfo=UTC)
    [(entry,)] = log.query("SELECT entry FROM entries WHERE type = 'query_in'")
    assert logged.leaf == "sha-256:" + leaf_hash(entry).hex()
    await asyncio.sleep(0.5)
    assert not log.query("SELECT 1 FROM entries WHERE position IS NULL")
    note = await ledger.checkpoint()
    assert note is not None
    assert verify(note, origin=ORIGIN, key=LOG_KEY.public_key()).size == 2
    await ledger.stop()
    assert log.verify().intact


async def test_checkpoints_are_signed_only_when_there_is_something_new(log: LogOnDisk) -> None:
    ledger = log.open(checkpoint_every_s=0.01)
    await ledger.start()
    await ledger.begin([draft()])
    await asyncio.sleep(0.3)
    assert log.query("SELECT size FROM checkpoints") == [(1,), (2,)]
    await ledger.stop()


async def test_every_start_is_logged_and_begins_a_writer(log: LogOnDisk) -> None:
    for _ in range(3):
        await use(log, write(1))
    found = log.query("SELECT writer, sequence, type FROM entries ORDER BY position")
    assert [(n, t) for _, n, t in found] == [(1, "start"), (2, "query_in")] * 3
    assert len({w for w, _, _ in found}) == 3


async def test_lines_of_one_call_are_written_all_in_order(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    logged = await ledger.begin([draft(i) for i in range(200)])
    await ledger.stop()
    numbers = [int(one.entry_id.split(".")[1]) for one in logged]
    assert numbers == list(range(2, 202))
    assert log.verify().entries == 201


async def test_a_replayed_nonce_fails_alone(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    await ledger.begin([draft(0)], nonce=nonce("old"))
    results = await asyncio.gather(
        ledger.begin([draft(1)], nonce=nonce("a")),
        ledger.begin([draft(2)], nonce=nonce("old")),
        ledger.begin([draft(3)], nonce=nonce("a")),
        ledger.begin([draft(4)]),
        ledger.begin([draft(5)], nonce=nonce("b")),
        return_exceptions=True,
    )
    assert [type(r) for r in results] == [tuple, Replayed, Replayed, tuple, tuple]
    await ledger.stop()
    written = {n for (n,) in log.query('SELECT substr("transaction", -1) FROM entries')}
    assert written == {None, "0", "1", "4", "5"}
    # And after a restart.
    with pytest.raises(Replayed):
        await use(log, lambda again: again.begin([draft(6)], nonce=nonce("b")))
    assert log.verify().intact


async def test_the_same_nonce_of_another_key_is_another_nonce(log: LogOnDisk) -> None:
    one, other = nonce("n"), Nonce("other", "n", nonce().expires)
    await use(
        log,
        lambda ledger: ledger.begin([draft()], nonce=one),
        lambda ledger: ledger.begin([draft()], nonce=other),
    )


async def test_expired_nonces_are_purged_and_never_taken_again(log: LogOnDisk) -> None:
    now = NOW
    ledger = log.open(clock=lambda: now, checkpoint_every_s=0.01)
    await ledger.start()
    await ledger.begin([draft()], nonce=nonce("a", at=now))
    now += timedelta(minutes=5)
    await ledger.begin([draft()], nonce=nonce("b", at=now))
    async with asyncio.timeout(5):
        while len(log.query("SELECT id FROM nonces WHERE id <> zeroblob(32)")) != 1:
            await ledger.begin([draft()])
            await asyncio.sleep(0.02)
    # The clock is set back: the purged message looks fresh again, and is refused.
    now = NOW
    with pytest.raises(Replayed):
        await ledger.begin([draft()], nonce=nonce("a", at=now))
    await ledger.stop()
    with pytest.raises(Replayed):
        await use(
            log,
            lambda again: again.begin([draft()], nonce=nonce("a", at=NOW)),
            clock=lambda: NOW,
        )
    assert log.verify().intact


async def test_a_clock_that_goes_back_is_logged_and_times_never_do(log: LogOnDisk) -> None:
    now = NOW
    ledger = log.open(clock=lambda: now)
    await ledger.start()
    first = (await ledger.begin([draft()]))[0]
    now -= timedelta(hours=2)
    second = (await ledger.begin([draft()]))[0]
    await ledger.begin([draft()])
    now += timedelta(hours=3)
    third = (await ledger.begin([draft()]))[0]
    await ledger.stop()
    assert first.time == second.time < third.time
    page = [d for (d,) in log.query("SELECT decision FROM entries WHERE type = 'notice'")]
    assert page == ["clock_went_back"]
    assert log.verify().intact


async def test_many_callers_share_commits_and_each_gets_its_own(log: LogOnDisk) -> None:
    ledger = log.open(checkpoint_every_s=0.02)
    await ledger.start()
    logged = await asyncio.gather(*(ledger.begin([draft(i), draft(i)]) for i in range(500)))
    await ledger.stop()
    stored = {
        (f"{w}.{n}", t)
        for w, n, t in log.query('SELECT writer, sequence, "transaction" FROM entries')
    }
    for i, pair in enumerate(logged):
        for one in pair:
            assert (one.entry_id, draft(i).transaction) in stored
    assert Counter(len(p) for p in logged) == {2: 500}
    assert log.verify().entries == 1_001


async def test_a_caller_that_gives_up_harms_nobody(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    tasks = [asyncio.create_task(ledger.begin([draft(i)])) for i in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(d) for d in done[1::2]] == [tuple] * 10
    await ledger.stop()
    assert log.verify().entries == 21


async def test_a_draft_that_does_not_fit_harms_nobody(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    done = await asyncio.gather(
        ledger.begin([draft(purpose="x" * 1000)]),
        ledger.begin([draft(personal={"x": object()})]),
        ledger.begin([draft()]),
        return_exceptions=True,
    )
    assert [type(d) for d in done] == [TooLarge, TypeError, tuple]
    await ledger.stop()


async def test_before_the_start_and_after_the_end_it_refuses(log: LogOnDisk) -> None:
    ledger = log.open()
    with pytest.raises(LedgerUnavailable):
        await ledger.begin([draft()])
    with pytest.raises(LedgerUnavailable):
        await ledger.entries(Filters())
    await ledger.start()
    await ledger.stop()
    with pytest.raises(LedgerUnavailable):
        await ledger.begin([draft()])
    with pytest.raises(LedgerUnavailable):
        await ledger.checkpoint()
    assert (await ledger.status())["status"] == "failed"


async def test_one_process_writes_at_a_time(log: LogOnDisk) -> None:
    ledger, other = log.open(), log.open()
    await ledger.start()
    with pytest.raises(LedgerUnavailable, match="Another process"):
        await other.start()
    await ledger.begin([draft()])
    await ledger.stop()
    await use(log, write(1))


async def test_a_folder_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        await LogOnDisk(tmp_path / "nowhere" / "ledger.db").open().start()


async def test_a_file_that_others_lock_is_a_refusal_and_then_works_again(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    holder = sqlite3.connect(log.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable):
        await ledger.begin([draft(1)])
    holder.execute("ROLLBACK")
    holder.close()
    await ledger.begin([draft(2)])
    assert (await ledger.status())["status"] == "ok"
    await ledger.stop()
    assert log.query("SELECT substr(\"transaction\", -1) FROM entries WHERE type = 'query_in'") == [
        ("2",)
    ]
    assert log.verify().intact


async def test_a_file_that_is_full_refuses_and_says_so(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    connection = ledger._store._connection
    assert connection is not None
    raw = connection.connection.driver_connection
    assert raw is not None
    await asyncio.to_thread(lambda: raw.execute("PRAGMA max_page_count = 30").fetchall())
    big = {"text": "x" * 100_000}
    done = await asyncio.gather(
        *(ledger.begin([draft(i, personal=big)]) for i in range(4)), return_exceptions=True
    )
    assert LedgerUnavailable in {type(d) for d in done}
    # The limit went with the connection: the next one finds room.
    await ledger.begin([draft(9)])
    await ledger.stop()
    assert log.verify().intact


async def test_a_file_removed_under_it_is_a_refusal(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    log.path.rename(log.path.with_suffix(".away"))
    with pytest.raises(LedgerUnavailable):
        await ledger.begin([draft()])
    with pytest.raises(LedgerUnavailable):  # and no new log begins in its place
        await ledger.begin([draft()])
    assert not log.path.exists()
    assert (await ledger.status())["status"] == "failed"
    await ledger.stop()
    with pytest.raises(LedgerUnavailable, match="is gone"):
        await log.open().start()
    log.path.with_suffix(".away").rename(log.path)
    await use(log, write(1))
    assert log.verify().intact


async def test_a_log_altered_while_it_was_closed_is_not_continued(log: LogOnDisk) -> None:
    await use(log, write(5))
    for sql in (
        "DELETE FROM entries WHERE position = 5",
        "UPDATE tiles SET hashes = zeroblob(32 * 6)",
        "UPDATE tiles SET hashes = 'text'",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
    ):
        copy = log.copy(log.path.parent / "copy")
        copy.change(sql)
        with pytest.raises(LedgerUnavailable, match="altered"):
            await copy.open().start()
        copy.path.unlink()


async def test_the_wrong_key_does_not_continue_a_log(log: LogOnDisk) -> None:
    await use(log, write(2))
    ledger = Ledger(log.path, origin=ORIGIN, log_key=LOG_KEY, sealing_key=bytes(32))
    await ledger.start()
    with pytest.raises(LedgerUnavailable):  # it can't open this month's key
        await ledger.begin([draft()])
    await ledger.stop()
    with pytest.raises(LedgerUnavailable):
        await Ledger(
            log.path, origin="sallyport/ZZ9990001", log_key=LOG_KEY, sealing_key=bytes(32)
        ).start()


async def test_no_name_stands_in_clear_on_disk(log: LogOnDisk) -> None:
    canary = "XOCHITLZZCANARY"
    personal = {"subject": {"surname": canary}, "officer": canary}

    def found() -> list[str]:
        names = [canary.encode(), canary.lower().encode(), canary.encode("utf-16-le")]
        return [
            f.name for f in log.path.parent.iterdir() if any(n in f.read_bytes() for n in names)
        ]

    ledger = log.open()
    await ledger.start()
    [logged] = await ledger.begin([draft(1, personal=personal, reference=f"case:{canary}")])
    assert not found()  # with the write-ahead log
    page = await ledger.entries(Filters(), unseal=True)
    assert (page.entries[-1].personal or {})["officer"] == canary
    assert page.entries[-1].reference == f"case:{canary}"
    assert canary not in repr(page)
    await ledger.erase([logged.entry_id], reason="test", personal={"by": "x"})
    await ledger.stop()
    assert not found()


async def test_an_erased_part_is_gone_and_the_log_still_proves_itself(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    [logged] = await ledger.begin([draft(1)])
    await ledger.begin([draft(2)])
    [(wrapped, part)] = log.query(
        "SELECT part_key, part FROM entries WHERE writer || '.' || sequence = ?", logged.entry_id
    )
    await ledger.erase([logged.entry_id], reason="court.order", personal={"by": "clerk"})
    page = await ledger.entries(Filters(types=(EntryType.QUERY_IN,)), unseal=True)
    assert [e.personal_state for e in page.entries] == ["erased", "opened"]
    assert page.entries[0].leaf == logged.leaf
    on_disk = b"".join(f.read_bytes() for f in log.path.parent.iterdir())
    assert wrapped not in on_disk
    assert part not in on_disk
    with pytest.raises(Invalid):
        await ledger.erase(["no-id"], reason="x", personal={})
    await ledger.stop()
    report = log.verify()
    assert report.intact, report.findings
    assert report.erased == 1


async def test_file_modes_are_private(log: LogOnDisk) -> None:
    await use(log, write(1))
    for file in log.path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


# -- reading -----------------------------------------------------------------------------------


async def test_pages_give_every_entry_once_in_order(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    await ledger.begin([draft(i) for i in range(25)])
    for newest_first in (False, True):
        seen: list[str] = []
        after: str | None = None
        while True:
            page = await ledger.entries(
                Filters(), PageOf(after=after, limit=7, newest_first=newest_first)
            )
            seen += [e.entry_id for e in page.entries]
            after = page.next
            if after is None:
                break
        numbers = [int(s.split(".")[1]) for s in seen]
        assert numbers == sorted(range(1, 27), reverse=newest_first)
    await ledger.stop()


async def test_filters(log: LogOnDisk) -> None:
    now = NOW
    ledger = log.open(clock=lambda: now)
    await ledger.start()
    await ledger.begin([draft(1), draft(2, peer="ZZ9990200", decision="deny")])
    now += timedelta(hours=1)
    await ledger.begin(
        [draft(3, purpose="another"), draft(4, subject="q" * 32, type=EntryType.DENY)]
    )

    async def numbers(**filters: Any) -> list[int]:
        page = await ledger.entries(Filters(**filters))
        return [e.fields["results"] for e in page.entries if "results" in e.fields]

    assert await numbers() == [1, 2, 3, 4]
    assert await numbers(since=NOW + timedelta(minutes=1)) == [3, 4]
    assert await numbers(until=NOW + timedelta(minutes=1)) == [1, 2]
    assert await numbers(types=(EntryType.DENY, EntryType.ADMIN)) == [4]
    assert await numbers(transaction=draft(3).transaction) == [3]
    assert await numbers(purpose="another") == [3]
    assert await numbers(peer="ZZ9990200") == [2]
    assert await numbers(decision="deny") == [2]
    assert await numbers(subject="q" * 32) == [4]
    assert await numbers(decision="deny", purpose="another") == []
    for cursor in ("x", "-1", "1 OR 1=1", "9" * 40, "\u0661"):
        with pytest.raises(Invalid):
            await ledger.entries(Filters(), PageOf(after=cursor))
    await ledger.stop()


async def test_parts_stay_sealed_unless_asked_for(log: LogOnDisk) -> None:
    ledger = log.open()
    await ledger.start()
    await ledger.begin([draft(1)])
    [_, sealed] = (await ledger.entries(Filters())).entries
    assert (sealed.personal_state, sealed.personal, sealed.reference) == ("sealed", None, None)
    [start, opened] = (await ledger.entries(Filters(), unseal=True)).entries
    assert start.personal_state == "none"
    assert opened.personal == {"officer": "badge 1", "reason": "a reason"}
    assert opened.reference == "case:26-00001"
    log.change("UPDATE entries SET part = zeroblob(99) WHERE type = 'query_in'")
    [_, damaged] = (await ledger.entries(Filters(), unseal=True)).entries
    assert (damaged.personal_state, damaged.personal) == ("damaged", None)
    await ledger.stop()


async def test_receipts_are_the_leaves_that_one_peer_gave(log: LogOnDisk) -> None:
    leaf = "sha-256:" + "ab" * 32
    ledger = log.open()
    await ledger.start()
    await ledger.begin(
        [
            draft(1, type=EntryType.RESPONSE_IN, peer_leaf=leaf),
            draft(2, type=EntryType.RESPONSE_IN),
            draft(3, type=EntryType.RESPONSE_IN, peer="ZZ9990200", peer_leaf=leaf),
        ]
    )
    [receipt] = await ledger.receipts("ZZ9990100")
    assert receipt["leaf"] == leaf
    assert receipt["transaction"] == draft(1).transaction
    assert receipt["type"] == "response_in"
    assert receipt["holder"] == ORIGIN
    await ledger.stop()


async def test_status_counts(log: LogOnDisk) -> None:
    ledger = log.open(checkpoint_every_s=60)
    await ledger.start()
    await ledger.begin([Draft(EntryType.NOTICE)])
    status = await ledger.status()
    assert status["status"] == "ok"
    assert (status["entries"], status["unnumbered"]) == (1, 1)
    await ledger.stop()
