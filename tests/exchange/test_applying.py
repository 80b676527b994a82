"""Each switch of the policy set stands in the log, whoever or whatever brought it about."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import LedgerUnavailable, PolicyRejected
from gateway.exchange.applying import Applying
from gateway.ledger import EntryType, Ledger
from gateway.policy.sets import load_set
from tests.exchange.logged import Agency, agency
from tests.policy.made import TEXAS, write_set

ASK = "sallyport/ask/ask.rego"
WHO = {"client": "local-admin", "officer": None}


def applying(one: Agency) -> Applying:
    return Applying(ori=TEXAS, policy=one.policy, ledger=one.ledger)


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / ASK
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def until(seen: Callable[[], bool]) -> None:
    for _ in range(500):
        if seen():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about within 10 s")


async def test_a_saved_edit_counts_by_itself_and_is_written_down(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", {})
    async with agency(tmp_path, folder) as one:
        before = one.policy.revision
        watching = asyncio.create_task(applying(one).watch())
        await asyncio.sleep(0.3)
        edit(folder, "Log on with a second factor.", "Use your key.")
        expected = load_set(folder).revision
        assert before != expected
        await until(lambda: one.policy.revision == expected)
        edit(folder, "import rego.v1", "broken :=")
        await until(lambda: one.policy.status()["status"] == "degraded")
        assert one.policy.status()["rejected"]["file"] == ASK
        assert one.policy.revision == expected
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        *_, entry = await one.read(EntryType.NOTICE)
        assert (entry.fields["decision"], entry.fields["policy"]) == ("policy_applied", expected)
        assert entry.personal == {
            "by": "saved edit",
            "about": {"before": before, "signed_by": []},
        }


async def test_what_an_administrator_applies_is_written_down_also_if_it_is_rejected(
    tmp_path: Path,
) -> None:
    folder = write_set(tmp_path / "set", {})
    async with agency(tmp_path, folder) as one:
        before = one.policy.revision
        edit(folder, "Log on with a second factor.", "Use your key.")
        done = await applying(one).apply(WHO)
        assert (done["before"], done["changed"], done["signed_by"]) == (before, True, [])
        edit(folder, "import rego.v1", "broken :=")
        with pytest.raises(PolicyRejected):
            await applying(one).apply(WHO)
        entries = await one.read(EntryType.ADMIN)
        assert [e.fields["decision"] for e in entries] == ["policy_applied", "policy_rejected"]
        assert {e.fields["policy"] for e in entries} == {done["revision"]}
        assert all(e.personal and e.personal["client"] == "local-admin" for e in entries)


async def test_what_changed_while_it_stood_still_is_written_down_at_the_start(
    tmp_path: Path,
) -> None:
    folder = write_set(tmp_path / "set", {})
    earlier = 0
    for changed in (True, False, True):
        async with agency(tmp_path, folder) as one:
            entries = await one.read(EntryType.NOTICE)
            assert len(entries) - earlier == changed
            earlier = len(entries)
            assert entries[-1].personal is not None
            assert entries[-1].personal["by"] == "start"
            revision = one.policy.revision
        if not changed:
            edit(folder, "Log on with a second factor.", "Use your key.")
    assert entries[-1].fields["policy"] == revision


async def test_a_start_on_the_last_good_set_brings_nothing_new(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", {})
    async with agency(tmp_path, folder):
        pass
    edit(folder, "import rego.v1", "broken :=")
    async with agency(tmp_path, folder) as one:
        assert len(await one.read(EntryType.NOTICE)) == 1


async def test_what_can_not_be_written_down_does_not_come_into_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same whichever way it comes: applied, a saved edit, or brought by a start."""

    async def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the log's disk is full.")

    folder = write_set(tmp_path / "set", {})
    async with agency(tmp_path, folder) as one:
        before = one.policy.revision
        watching = asyncio.create_task(applying(one).watch())
        await asyncio.sleep(0.3)
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "begin", full)
            edit(folder, "Log on with a second factor.", "Use your key.")
            await until(lambda: one.policy.status()["status"] == "degraded")
            assert "could not be written down" in one.policy.status()["rejected"]["reason"]
            with pytest.raises(LedgerUnavailable):
                await applying(one).apply(WHO)
            assert one.policy.revision == before
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "begin", full)
        with pytest.raises(LedgerUnavailable):
            async with agency(tmp_path, folder):
                pass
    # Nothing is lost: the next start brings it, and says so.
    async with agency(tmp_path, folder) as one:
        assert one.policy.revision != before
        said = [
            (e.fields["decision"], e.fields["policy"]) for e in await one.read(EntryType.NOTICE)
        ]
        assert said == [("policy_applied", before), ("policy_applied", one.policy.revision)]
