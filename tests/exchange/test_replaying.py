"""Deciding again from the sealed input: same, different, erased, or why it can't be done."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import Invalid, NotFound
from gateway.exchange.replaying import DECIDING, Recorded, Replay, Replayer, Summary, recorded
from gateway.ledger import EntryType, Filters
from gateway.model import Granularity
from tests.exchange.logged import Agency, agency
from tests.policy.made import STRANGER, found, question


@pytest.fixture
async def texas(vetted: Path) -> AsyncIterator[Agency]:
    async with agency(vetted) as made:
        yield made
    if (child := REPLAYERS.pop(id(made), None)) is not None:
        await child.__aexit__()


REPLAYERS: dict[int, Replayer] = {}
"""One for each test: each starts a process."""


async def replay(made: Agency, name: str) -> Replay:
    return await REPLAYERS.setdefault(id(made), Replayer(made.ledger, made.kept)).one(name)


async def replay_anew(made: Agency, name: str) -> Replay:
    async with Replayer(made.ledger, made.kept) as replayer:
        return await replayer.one(name)


async def everything(made: Agency) -> Summary:
    summary = Summary()
    async with Replayer(made.ledger, made.kept) as replayer:
        async for some, _ in replayer.all(Filters(types=DECIDING)):
            for one in some:
                summary.add(one)
    return summary


async def test_what_was_decided_is_decided_again(texas: Agency) -> None:
    await texas.answer(found(), found(2, dissemination="RED"), found(3, dissemination="YELLOW"))
    await texas.answer()
    await texas.answer(purpose="stop", granularity=Granularity.RECORD)
    stranger = question().asker
    await texas.answer(asker=type(stranger)(**{**_fields(stranger), "ori": STRANGER}))
    await texas.ask(agencies=("CA9990000", "NM9990000"))
    summary = await everything(texas)
    assert summary.counts == {"same": 10}
    one = await replay(texas, (await texas.last(EntryType.RESPONSE_OUT)).entry_id)
    assert (one.result, one.entrypoint, one.differences) == ("same", "answer", ())


def _fields(asker: object) -> dict[str, object]:
    return {n: getattr(asker, n) for n in asker.__slots__}  # type: ignore[attr-defined] # a slotted dataclass


async def test_an_entry_is_named_by_its_id_or_its_number(texas: Agency) -> None:
    await texas.answer(found())
    for entry in await texas.read():
        assert (await replay(texas, entry.entry_id)).entry_id == entry.entry_id
        if entry.position is not None:
            assert (await replay(texas, str(entry.position))).entry_id == entry.entry_id
    with pytest.raises(NotFound):
        await replay(texas, "999999")
    with pytest.raises(Invalid):
        await replay(texas, "nonsense")


async def test_another_outcome_is_shown_place_by_place(texas: Agency) -> None:
    await texas.answer(found())
    entry = await texas.last(EntryType.RESPONSE_OUT)
    outcome = (entry.personal or {})["decision"]["outcome"]
    action = outcome["actions"][0]
    wider = {**action, "classes": {**action["classes"], "contact": "give"}}
    name = await texas.rewritten(entry, outcome={"actions": [wider]})
    one = await replay(texas, name)
    assert one.result == "different"
    [difference] = one.differences
    assert (difference.at, difference.then, difference.now) == (
        "/actions/0/classes/contact",
        "give",
        None,
    )


async def test_an_entry_that_says_otherwise_than_was_decided(texas: Agency) -> None:
    await texas.answer(found())
    asked = await texas.last(EntryType.QUERY_IN)
    one = await replay(texas, await texas.reworded(asked, type=EntryType.DENY, decision="deny"))
    assert {(d.at, d.then, d.now) for d in one.differences} == {
        ("/entry/decision", "deny", "allow")
    }
    given = await texas.last(EntryType.RESPONSE_OUT)
    personal = {**(given.personal or {})}
    personal["given"] = [{**personal["given"][0], "classes": ["contact", "identity"]}]
    one = await replay(texas, await texas.reworded(given, personal=personal))
    [difference] = one.differences
    assert difference.at == "/entry/given"
    assert set(difference.then) - set(difference.now) == {"contact"}


async def test_an_erased_one_says_so(texas: Agency) -> None:
    await texas.answer(found())
    entry = await texas.last(EntryType.RESPONSE_OUT)
    await texas.ledger.erase([entry.entry_id], reason="court.order", personal={"by": "clerk"})
    assert (await replay(texas, entry.entry_id)).result == "erased"
    assert (await everything(texas)).counts == {"same": 1, "erased": 1}


async def test_a_set_that_is_not_kept_or_was_changed(texas: Agency, vetted: Path) -> None:
    await texas.answer(found())
    entry = await texas.last(EntryType.QUERY_IN)
    digest = texas.policy.revision.removeprefix("sha-256:")
    kept = vetted / "data" / "policy_sets" / digest / "set.json"
    good = kept.read_bytes()
    kept.write_bytes(good.replace(b"test.answer", b"test.anzwer"))
    one = await replay_anew(texas, entry.entry_id)
    assert one.result == "set_missing"
    assert one.detail is not None
    assert digest in one.detail
    assert "changed" in one.detail
    kept.unlink()
    assert (await replay_anew(texas, entry.entry_id)).result == "set_missing"
    kept.write_bytes(good)
    assert (await replay_anew(texas, entry.entry_id)).result == "same"


async def test_one_decision_for_several_agencies_is_found_in_the_first_entry(texas: Agency) -> None:
    await texas.ask(agencies=("CA9990000", "NM9990000"))
    entries = await texas.read(EntryType.QUERY_OUT, EntryType.DENY)
    assert [e.fields["decision"] for e in entries] == ["allow", "deny"]
    assert "decision" not in (entries[1].personal or {})
    assert [(await replay(texas, e.entry_id)).result for e in entries] == ["same", "same"]
    # The refused one has to have been refused by that decision, with these very reasons.
    name = await texas.reworded(entries[1], reasons=("ask.nobody",))
    assert [d.at for d in (await replay(texas, name)).differences] == ["/entry/reasons"]
    first = entries[0].entry_id
    await texas.ledger.erase([first], reason="court.order", personal={"by": "clerk"})
    assert (await replay(texas, entries[1].entry_id)).result == "erased"


async def test_what_holds_no_decision(texas: Agency) -> None:
    [started] = await texas.read(EntryType.START)
    assert (await replay(texas, started.entry_id)).result == "no_decision"


async def test_an_outcome_that_was_not_recorded_is_held_against_the_entry(texas: Agency) -> None:
    await texas.answer(found())
    asked = await texas.last(EntryType.QUERY_IN)
    old = {"entrypoint": "answer", "input": (asked.personal or {})["decision"]["input"]}
    name = await texas.reworded(asked, personal={"decision": old})
    one = await replay(texas, name)
    assert one.result == "same"
    assert one.detail is not None
    assert "not recorded" in one.detail
    # The very input that was decided on is what is decided again.
    entry = await texas.ledger.entry(name, unseal=True)
    assert entry is not None
    kept = await recorded(texas.ledger, entry)
    assert isinstance(kept, Recorded)
    assert kept.case == old["input"]


async def test_no_personal_data_in_what_is_told(texas: Agency) -> None:
    await texas.answer(found())
    for entry in await texas.read(*DECIDING):
        one = await replay(texas, entry.entry_id)
        assert "QUEZADA" not in str(one.as_json())
        assert "QUEZADA" not in repr(one)
