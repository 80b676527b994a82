"""A record whose values say what its mapping does not: it leaves no trace, at any granularity."""

from pathlib import Path
from typing import Any

import pytest

from gateway.model import Found, Granularity
from gateway.policy import AnswerPermit, Policy
from gateway.policy.elements import holds
from tests.policy.made import LEAF, NOW, found, person_message, question, result, start

KEY = "scr:WarrantCategoryCode"
VALUES = {KEY: frozenset({"Deportation"})}


def civil(number: int) -> Found:
    """An administrative warrant that a mapping calls a warrant."""
    message = person_message()
    message["j:Warrant"][KEY] = "Deportation"
    return found(number, message=message)


async def plainly(policy: Policy, *records: Found, **changes: Any) -> bytes:
    """Give the answer's bytes, but for the chance that each answer holds."""
    permit = await policy.permit_answer(question(**changes), now=NOW)
    assert isinstance(permit, AnswerPermit)
    out = await policy.release(permit, result(*records), leaf=LEAF, now=NOW)
    return out.body().replace(out.answer.blind.encode(), b"chance")


@pytest.mark.parametrize("granularity", list(Granularity))
async def test_it_gives_the_answer_that_no_record_gives(
    vetted_dir: Path, granularity: Granularity
) -> None:
    policy = await start(vetted_dir)
    asked: dict[str, Any] = {"granularity": granularity, "max_matches": 2}
    nothing = await plainly(policy, **asked)
    assert await plainly(policy, *(civil(n) for n in range(5)), **asked) == nothing
    # Others beside it are shown, and it takes nobody's place.
    one = await plainly(policy, found(9), **asked)
    assert one != nothing
    assert await plainly(policy, civil(1), civil(2), found(9), civil(3), **asked) == one


@pytest.mark.parametrize("granularity", list(Granularity))
@pytest.mark.parametrize("shown", ["GREEN", "YELLOW"])
async def test_without_what_it_is_shown_with_neither(
    vetted_dir: Path, granularity: Granularity, shown: str
) -> None:
    policy = await start(vetted_dir)
    asked: dict[str, Any] = {"granularity": granularity, "max_matches": 2}
    nothing = await plainly(policy, **asked)
    # The small set shows a plate reader's record only with something of an order.
    facts = {"source_kind": "plate_reader", "dissemination": shown}
    bare = person_message()
    del bare["j:Warrant"]
    assert await plainly(policy, found(1, message=bare, **facts), **asked) == nothing
    # Nor does it count what goes with what is left out: a reference to a victim who is.
    led = bare | {"j:Warrant": {"j:CourtOrderDesignatedSubject": {"@id": "#V1"}}}
    led |= {"j:Victim": {"@id": "#V1", "j:VictimAgeText": "30"}}
    assert await plainly(policy, found(1, message=led, **facts), **asked) == nothing
    one = await plainly(policy, found(1, **facts), **asked)
    assert one != nothing
    both = (found(2, message=bare, **facts), found(1, **facts))
    assert await plainly(policy, *both, **asked) == one


@pytest.mark.parametrize(
    "message",
    [
        {"j:Warrant": {KEY: "Deportation"}},
        {"j:Warrant": {KEY: ["Search", "Deportation"]}},
        {"j:Warrant": [{"nc:X": 1}, {KEY: "Deportation"}]},
        {"a": {"b": [{"c": [[{KEY: "Deportation"}]]}]}},
    ],
)
def test_a_value_is_seen_wherever_it_stands(message: dict[str, Any]) -> None:
    assert holds(message, VALUES)


@pytest.mark.parametrize(
    "message",
    [
        {"j:Warrant": {KEY: "Search"}},
        {"j:Warrant": {KEY: ["Search", None, {"x": "Deportation"}]}},
        {"j:Warrant": {KEY: True}},
        {"j:Warrant": {"j:WarrantCategoryText": "Deportation"}},
        {KEY: {"nc:X": "Deportation"}},
        {},
    ],
)
def test_another_value_or_place_is_not(message: dict[str, Any]) -> None:
    assert not holds(message, VALUES)
