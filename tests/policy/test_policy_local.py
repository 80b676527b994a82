"""The agency's own rules only narrow: whatever stands in `local/`, nothing more is given."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine, syntax_trees
from gateway.policy.engine import Engine, Limits
from gateway.policy.folders import misplaced
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.vet import vet
from gateway.policy.vocabulary import read_vocabulary
from tests.policy.conftest import StartOpa
from tests.policy.generated import Entitled
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"
SHOWS = ("none", "pointer", "record")
GRANULARITIES = ("hit", "count", "pointer", "record")


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(POLICIES))


class Rules:
    """Made-up local rules: refusals, hidden places and classes left out, sensible and odd."""

    def __init__(self, words: Any, seed: int) -> None:
        self.chance = random.Random(seed)
        self.classes = [*words.classes, "gossip"]
        self.types = [*words.record_types]
        self.purposes = [*words.purposes]

    def one(self) -> str:
        pick = self.chance.choice
        when = pick(
            [
                "true",
                f'input.search.purpose == "{pick(self.purposes)}"',
                'input.search.iii_purpose_code != "C"',
                "count(input.search.record_types) > 1",
                f'"{pick(self.types)}" in input.search.record_types',
            ]
        )
        return pick(
            [
                f'deny contains {{"code": "local.x", "text": "No."}} if {when}',
                f'never contains "{pick(self.classes)}" if {when}',
                f"never contains {pick(['1', 'null', 'true', '[]'])} if {when}",
                f'hide contains [p, "local.x"] if {{\n\tsome p, _ in input.facts\n\t{when}\n}}',
                (
                    'hide contains [place, "local.x"] if {\n\tsome place, fact in input.facts\n'
                    f'\tfact.record_type == "{pick(self.types)}"\n}}'
                ),
                f'hide contains [{pick(["99", "null", "true"])}, "local.x"] if {when}',
            ]
        )

    def module(self) -> str:
        rules = "\n\n".join(self.one() for _ in range(self.chance.randint(1, 4)))
        return f"package local\n\nimport rego.v1\n\n{rules}\n"


def narrowed(base: PolicySet, module: str) -> PolicySet:
    return make_set({**base.modules, "local/more.rego": module}, base.data)


@dataclass(frozen=True)
class Given:
    """What an outcome gives, so that two can be compared."""

    parts: frozenset[Any]


def given(kind: str, outcome: Any) -> Given:
    if outcome == "refused":
        return Given(frozenset())
    parts: set[Any] = set()
    if kind == "ask":
        for ori, peer in outcome["agencies"].items():
            if peer["allow"]:
                parts |= {(ori, t) for t in [*peer["terms"], *peer["record_types"], "asked"]}
    elif kind == "answer" and outcome["allow"]:
        parts |= {("type", t) for t in outcome["record_types"]}
        parts |= {("term", t) for t in outcome["terms"]}
        parts |= {("up to", g) for g in GRANULARITIES[: _rank(outcome["granularity"])]}
    elif kind == "release":
        for place, action in enumerate(outcome["actions"]):
            parts |= {(place, s) for s in SHOWS[: SHOWS.index(action["show"]) + 1] if s != "none"}
            parts |= {(place, *pair) for pair in action["classes"].items()}
    return Given(frozenset(parts))


def _rank(granularity: str) -> int:
    return GRANULARITIES.index(granularity) + 1


async def decided(engine: Engine, kind: str, case: dict[str, Any]) -> Any:
    try:
        return (await engine.decide(kind, orjson.dumps(case))).outcome
    except PolicyUnavailable:
        return "refused"


async def widened(plain: Engine, with_local: Engine, cases: list[Any]) -> tuple[list[Any], int]:
    """Give the cases in which local rules gave something more, and how many gave less."""
    more, fewer = [], 0
    for kind, case in cases:
        before = given(kind, await decided(plain, kind, case))
        after = given(kind, await decided(with_local, kind, case))
        if after.parts - before.parts:
            more.append((kind, case, after.parts - before.parts))
        fewer += before.parts != after.parts
    return more, fewer


def some_cases(shipped: PolicySet, seed: int, number: int) -> list[Any]:
    """Made-up questions, most of which the shipped rules answer with something."""
    cases = Entitled(shipped, seed, spoilt=0.2).each(number * 5 // 3)
    return [(kind, case) for kind, case in cases if kind in {"ask", "answer", "release"}]


async def test_no_local_rule_gives_more(shipped: PolicySet) -> None:
    rules = Rules(read_vocabulary(shipped.data), seed=5)
    plain, with_local = EmbeddedEngine(), EmbeddedEngine()
    await plain.activate(shipped)
    fewer = 0
    for n in range(count(12, 400)):
        module = rules.module()
        await with_local.activate(narrowed(shipped, module))
        more, less = await widened(plain, with_local, some_cases(shipped, n, 100))
        assert more[:1] == [], module
        fewer += less
    # They do something, so the comparison is one.
    assert fewer > 20


@pytest.mark.opa
async def test_nor_in_the_opa_server(start_opa: StartOpa, shipped: PolicySet) -> None:
    rules = Rules(read_vocabulary(shipped.data), seed=8)
    plain, server = EmbeddedEngine(), OpaServerEngine(start_opa(shipped))
    await plain.activate(shipped)
    fewer = 0
    try:
        for n in range(count(3, 40)):
            module = rules.module()
            await server.activate(narrowed(shipped, module))
            more, less = await widened(plain, server, some_cases(shipped, n, 80))
            assert more[:1] == [], module
            fewer += less
    finally:
        await server.close()
    assert fewer > 0


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("local/more.rego", "sallyport.release"),
        ("local/deep/more.rego", "law.texas"),
        ("local/more.rego", "localities"),
        ("law/texas/more.rego", "law.california"),
        ("law/texas/more.rego", "sallyport.shared"),
    ],
)
def test_a_file_adds_only_to_what_its_folder_is_for(
    shipped: PolicySet, path: str, package: str
) -> None:
    module = f'package {package}\n\nimport rego.v1\n\nshow(_) := "record" if true\n'
    candidate = make_set({**shipped.modules, path: module}, shipped.data)
    with pytest.raises(PolicyRejected, match=f"not '{package}'") as caught:
        vet(candidate, "TX9990000", Limits(case_ms=100))
    assert caught.value.where == f"{path}:1"


def test_the_shipped_files_are_where_they_belong(shipped: PolicySet) -> None:
    assert list(misplaced(syntax_trees(shipped.modules))) == []
