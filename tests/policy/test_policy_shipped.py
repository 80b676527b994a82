"""The shipped policies: they pass vetting for each agency, and both engines decide alike."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyUnavailable
from gateway.policy import decisions
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import ENTRYPOINTS, Engine, Limits
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.rules import words_of
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vet import vet
from gateway.policy.vocabulary import Vocabulary
from tests.policy.conftest import StartOpa
from tests.policy.generated import SELVES, Entitled, Inputs, varied
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(POLICIES))


@pytest.mark.parametrize("self_ori", SELVES)
def test_the_shipped_set_passes_vetting(shipped: PolicySet, self_ori: str) -> None:
    assert vet(shipped, self_ori, Limits(case_ms=100))["tests"] > 0


async def outcome(engine: Engine, entrypoint: str, case: dict[str, Any]) -> Any:
    try:
        return (await engine.decide(entrypoint, orjson.dumps(case))).outcome
    except PolicyUnavailable:
        return "refused"


def readers(words: Vocabulary) -> dict[str, Callable[[Any, Any], object]]:
    return {
        "ask": lambda o, _: decisions.read_ask(o, words),
        "answer": lambda o, _: decisions.read_answer(o, words),
        "release": lambda o, c: decisions.read_release(o, len(c["facts"]), words),
        "admit": lambda o, _: decisions.read_admit(o, words),
        "agencies": lambda o, _: decisions.read_agencies(o, words),
    }


def gives(kind: str, decided: Any) -> bool:
    """Whether an outcome gives anything at all."""
    if kind == "release":
        return any(action["show"] != "none" for action in decided["actions"])
    if kind == "ask":
        return any(agency["allow"] for agency in decided["agencies"].values())
    return bool(decided["agencies"] if kind == "agencies" else decided["allow"])


def codes_in(decided: Any) -> set[str]:
    if isinstance(decided, str):
        return {decided}
    inside = decided.values() if isinstance(decided, dict) else decided
    return set().union(*map(codes_in, inside)) if isinstance(decided, dict | list) else set()


def codes_of(rules: PolicySet) -> set[str]:
    """Give the rules' ids that outcomes can name: those that stand in a rule as a text."""
    whole = "\n".join(rules.rules.values())
    return {i for i in re.findall(r"#   id: (\S+)", whole) if f'"{i}"' in whole}


@pytest.mark.opa
async def test_both_engines_decide_alike(start_opa: StartOpa, shipped: PolicySet) -> None:
    # Beside the shipped data some with all that the rules know of: limits, suspensions, other kinds
    # of agencies, codes that no shipped data use.
    sets = [shipped, *(varied(shipped, seed) for seed in range(1, count(2, 5)))]
    embedded, server = EmbeddedEngine(), OpaServerEngine(start_opa(shipped))
    asked, given, codes = Counter[str](), Counter[str](), set[str]()
    try:
        for number, policy_set in enumerate(sets):
            await embedded.activate(policy_set)
            await server.activate(policy_set)
            read = readers(words_of(policy_set))
            each = count(500, 10_000) // len(sets)
            entitled = Entitled(policy_set, seed=20261123 + number).each(each - each // 5)
            for kind, case in (*entitled, *Inputs(policy_set, seed=number).each(each // 5)):
                here, there = await outcome(embedded, kind, case), await outcome(server, kind, case)
                assert here == there, (kind, case)
                asked[kind] += 1
                if here == "refused":
                    continue
                if kind != "release" or "facts" in case:
                    read[kind](here, case)
                given[kind] += gives(kind, here)
                codes |= codes_in(here)
    finally:
        await server.close()
        await embedded.close()
    # They agree on more than refusals, and by more than the first rule that looks.
    assert all(given[kind] > asked[kind] / 5 for kind in ENTRYPOINTS), (asked, given)
    known = codes_of(shipped)
    assert len(known) > 60
    unseen = sorted(known - codes)
    assert len(unseen) <= count(len(known) // 3, 0), unseen
