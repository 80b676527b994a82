"""A record that policy hides, and one that is not there: the same answer, in the same time.

Times are compared as distributions, asked in turn: how often does one take longer than the other?
0.5 is never to be told apart, 1 is always. Processor time is compared, since it doesn't hang on
how busy the machine is; what differs there differs by the clock.
"""

import random
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.hidden import longer
from gateway.model import Answer, Found, Granularity, Question, Reference, stamp
from gateway.policy import release
from gateway.policy.agreements import with_examples
from gateway.policy.kept import KeptSets
from gateway.policy.rules import all_papers
from gateway.policy.sets import PolicySet, load_set
from tests.exchange.logged import Agency, agency
from tests.policy.made import CALIFORNIA, TEXAS, found, question
from tests.soak import count

SHIPPED = Path(__file__).parents[2] / "policies"
ROUNDS = count(100, 1_000)
ALIKE = 0.2
"""How far from 0.5 is still alike: chance alone does 0.04, a twentieth of a millisecond 0.1."""


def as_folder(policy_set: PolicySet, folder: Path) -> Path:
    """Write a set out, with its agreements."""
    for name, text in policy_set.modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "data.json").write_bytes(orjson.dumps(policy_set.data))
    return folder


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(SHIPPED))


@pytest.fixture
async def texas(shipped: PolicySet, tmp_path: Path) -> AsyncIterator[Agency]:
    home = tmp_path / "home"
    # It has been vetted elsewhere: see tests/policy/test_policy_shipped.py.
    KeptSets(home / "data").keep(shipped)
    async with agency(home, as_folder(shipped, tmp_path / "set")) as made:
        yield made


def asked(shipped: PolicySet, number: int, **changes: Any) -> Question:
    parties = {str(TEXAS), str(CALIFORNIA)}
    paper = next(p for p in all_papers(shipped) if p.way[0] == "agreements" and parties <= {*p.way})
    content: Any = shipped.data
    for step in paper.way:
        content = content[step]
    plain = question(
        purpose="criminal_investigation",
        record_types=("person", "warrant"),
        agreement=content["digest"],
        iii_purpose_code="C",
        **changes,
    )
    asker = replace(
        plain.asker,
        attributes=("chri_certified", "sworn"),
        auth_time=stamp(datetime.now(UTC)),
    )
    made = replace(plain, asker=asker)
    return replace(made, reference=Reference("case", f"26-{number:06d}"))


async def answered(made: Agency, asked_for: Question, records: tuple[Found, ...]) -> Answer:
    made.records.records = records
    return (await made.answering.answer(asked_for)).answer


HIDDEN = {
    "red": {"dissemination": "RED"},
    "expunged": {"disclosure": "expunged"},
    "sealed": {"disclosure": "sealed"},
    "unknown": {"nobody_knows_this": True},
    "intelligence": {"intelligence": True},
}


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("granularity", list(Granularity))
async def test_not_a_byte_differs(
    texas: Agency, shipped: PolicySet, kind: str, granularity: Granularity
) -> None:
    one = asked(shipped, 1, granularity=granularity)
    bodies = []
    for records in (
        (),
        (found(**HIDDEN[kind]),),
        tuple(found(n, **HIDDEN[kind]) for n in range(9)),
    ):
        answer = await answered(texas, one, records)
        assert answer.status == "answered"
        assert answer.leaf is not None
        body = orjson.dumps(answer).replace(answer.leaf.encode(), b"leaf")
        bodies.append(body.replace(answer.blind.encode(), b"chance"))
    assert bodies[0] == bodies[1] == bodies[2]


async def measured(made: Agency, shipped: PolicySet, rounds: int) -> tuple[float, float]:
    """Give how often hidden takes longer, and how far apart the two distributions ever are."""
    chance = random.Random(3)
    times: dict[str, list[float]] = {"hidden": [], "absent": []}
    for number in range(rounds + 10):
        kind = list(HIDDEN)[number % len(HIDDEN)]
        record_type = ("person", "warrant")[number % 2]
        kinds = {"hidden": (found(record_type=record_type, **HIDDEN[kind]),), "absent": ()}
        for turn, name in enumerate(chance.sample(list(kinds), 2)):
            one = asked(shipped, 2 * number + turn)  # else the second finds its decision made
            before = time.thread_time()
            await answered(made, one, kinds[name])
            used = time.thread_time() - before
            if number >= 10:  # the first ones warm up
                times[name].append(used)
    return longer(times["hidden"], times["absent"]), apart(times["hidden"], times["absent"])


def apart(first: Sequence[float], second: Sequence[float]) -> float:
    """The distance of Kolmogorov and Smirnov: 0 is one distribution, 1 two without an overlap."""
    one, other = sorted(first), sorted(second)
    return max(
        abs(bisect_right(one, t) / len(one) - bisect_right(other, t) / len(other))
        for t in (*one, *other)
    )


async def test_the_times_are_distributed_alike(texas: Agency, shipped: PolicySet) -> None:
    often, distance = await measured(texas, shipped, ROUNDS)
    assert abs(often - 0.5) < ALIKE, often
    # A middle alike may still have other tails. Chance alone passes this once in a million runs.
    assert distance < 2.7 * (2 / ROUNDS) ** 0.5 + ALIKE / 2, distance


async def test_without_the_stand_in_this_very_test_tells_them_apart(
    texas: Agency, shipped: PolicySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "with_stand_in", lambda facts, *_: facts)
    often, distance = await measured(texas, shipped, ROUNDS)
    assert often > 0.5 + ALIKE
    assert distance > 0.5


def test_the_comparison_itself() -> None:
    assert longer([1, 2, 3], [1, 2, 3]) == 0.5
    assert longer([4, 5], [1, 2, 3]) == 1
    assert longer([1, 1], [1, 2]) == 0.25
    assert apart([1, 2, 3], [1, 2, 3]) == 0
    assert apart([4, 5], [1, 2, 3]) == 1
    # The same middle, other tails.
    assert apart([1, 1, 5, 5], [3, 3, 3, 3]) == 0.5
    assert longer([1, 1, 5, 5], [3, 3, 3, 3]) == 0.5
