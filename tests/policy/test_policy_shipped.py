"""The shipped policies: they pass vetting for each agency, and both engines decide alike."""

import copy
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyUnavailable
from gateway.policy import decisions, fixed
from gateway.policy.agreements import with_agreements, with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import ENTRYPOINTS, Engine
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vet import vet
from gateway.policy.vocabulary import read_vocabulary
from tests.policy.conftest import StartOpa
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"
SELVES = ("TX9990000", "CA9990000", "NM9990000", "USBPX9900")
FUNCTIONS = ("patrol", "investigation", "border_patrol", "civil_enforcement", "personnel", "x", "")
TERMS = ("name", "birth_date", "sex", "ssn", "driver_license", "plate", "number", "x")
ATTRIBUTES = ("sworn", "chri_certified", "cfr28_part23", "x")
OPTIONAL: dict[str, list[Any]] = {
    "age_at_offense": [12, 16, 17, 18, 40, "17", None],
    "reasonable_suspicion": [True, False, "x"],
    "validated_on": ["2025-01-01", "2021-11-24", "2021-11-23", "2030-01-01", "x", None, 5],
    "confidence": ["probable", "x", None],
    "protected_activity": ["none", "tied_to_crime", "political", None],
    "assessment": [True, False],
    "victim_applicant": [True, False, None],
    "qualifying_conviction": [True, False],
    "reproductive_care": [True, False],
    "received_from": ["", "TX9990000", "NM9990000", None],
    "onward_sharing": ["none", "criminal_justice", "x"],
    "released_under": [["rel_0"], ["rel_1", "rel_9"], "rel_0", []],
    "gossip": [True],
}
DUTIES: list[Any] = [
    {"type": "delete_after", "days": 10},
    {"type": "delete_after", "days": 90},
    {"type": "fingerprints_within", "days": 7},
    {"type": "onward_sharing", "rule": "criminal_justice"},
    {"type": "onward_sharing", "rule": "none"},
    {"type": "caveat", "text": "One."},
    {"type": "caveat", "text": "Another."},
    {"type": "confirm_before_acting"},
]
ODD: list[Any] = [
    *({"type": "forget"}, {"type": "onward_sharing", "rule": "press"}, {"type": None}),
    *({"days": 3}, "delete_after", None),
]
GRANULARITIES = ("hit", "count", "pointer", "record", "everything")


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(POLICIES))


@pytest.fixture(scope="module")
def obliging(shipped: PolicySet) -> PolicySet:
    """The shipped set, with obligations in every agreement."""
    agreed = copy.deepcopy(shipped.data["agreements"])
    chance = random.Random(4)
    for paper in [
        p for others in agreed.values() for papers in others.values() for p in papers.values()
    ]:
        for grant in [g for grants in paper["shares"].values() for g in grants]:
            grant["obligations"] = chance.sample(DUTIES, chance.randint(0, 5))
    return with_agreements(shipped, agreed)


@pytest.mark.parametrize("self_ori", SELVES)
def test_the_shipped_set_passes_vetting(shipped: PolicySet, self_ori: str) -> None:
    assert vet(shipped, self_ori, 100)["tests"] > 0


class Inputs:
    """Random inputs over the shipped vocabulary: mostly whole, some with a part missing or odd."""

    def __init__(self, shipped: PolicySet, seed: int) -> None:
        self.words = read_vocabulary(shipped.data)
        self.chance = random.Random(seed)
        self.purposes = [*self.words.purposes, "curiosity"]
        self.types = [*self.words.record_types]

    def some(self, options: Sequence[Any]) -> list[Any]:
        return self.chance.sample(list(options), self.chance.randint(0, min(4, len(options))))

    def person(self) -> dict[str, Any]:
        return {
            "unit": "Unit",
            "unit_function": self.chance.choice(FUNCTIONS),
            "roles": self.some(("officer", "supervisor", "auditor")),
            "assurance": self.chance.randint(0, 4),
            "attributes": self.some(ATTRIBUTES),
        }

    def search(self) -> dict[str, Any]:
        pick = self.chance.choice
        return {
            "purpose": pick(self.purposes),
            "iii_purpose_code": pick([None, *"ACDFHJXZ"]),
            "reference": pick([None, {"type": "case", "number": "1"}, {"type": "pending"}]),
            "reason_code": "robbery",
            "subject": {
                "kind": pick(["person", "vehicle", "incident", "item", "record"]),
                "terms": self.some(TERMS),
            },
            "record_types": self.some(self.types),
            "granularity": pick(GRANULARITIES),
            "max_matches": 10,
        }

    def facts(self) -> dict[str, Any]:
        pick = self.chance.choice
        whole = {
            "record_type": pick(self.types),
            "stale": pick([False, True]),
            "dissemination": pick(["GREEN", "GREEN", "YELLOW", "RED", "PINK"]),
            "disclosure": pick(["open", "open", "expunged", "sealed", "nondisclosure", "x"]),
            "juvenile": pick([False, False, True]),
            "source_kind": pick(["own", "motor_vehicle_department", "x"]),
            "intelligence": pick([False, True]),
            "criminal_history": pick([False, True]),
        }
        for name, values in OPTIONAL.items():
            if self.chance.random() < 0.15:
                whole[name] = pick(values)
        if self.chance.random() < 0.2:
            del whole[pick(list(whole))]
        return whole

    def releases(self) -> list[dict[str, Any]]:
        pick = self.chance.choice
        return [
            {
                "id": f"rel_{n}",
                "basis": pick(["judicial_warrant", "court_order", "consent", "waiver", "x"]),
                "asker": pick([*SELVES]),
                "classes": self.some(list(self.words.classes)),
                "until": pick(["2026-12-01T00:00:00Z", "2020-01-01T00:00:00Z"]),
                "warrant": pick([None, {"court": "c", "number": "n", "document": "d"}]),
            }
            for n in range(self.chance.randint(0, 2))
        ]

    def each(self, number: int) -> Iterator[tuple[str, dict[str, Any]]]:
        for n in range(number):
            kind = ENTRYPOINTS[n % len(ENTRYPOINTS)]
            case = self.case(kind)
            if self.chance.random() < 0.1:
                del case[self.chance.choice(list(case))]
            yield kind, case

    def case(self, kind: str) -> dict[str, Any]:
        pick = self.chance.choice
        owner = pick([*SELVES, "XX9990000"])
        base = {"v": 1, "now": pick([fixed.NOW, "2026-11-23T20:46:10.00Z"]), "self": pick(SELVES)}
        if kind == "agencies":
            return {**base, "officer": pick([None, self.person()])}
        base["search"] = self.search()
        if kind == "ask":
            agencies = pick([None, ["*"], [owner], [owner, *SELVES[:2]]])
            return {**base, "client": "rms", "officer": self.person(), "agencies": agencies}
        if kind == "admit":
            return {**base, "owner": owner, "answer": self.answer()}
        base["asker"] = {**self.person(), "ori": owner}
        if self.chance.random() < 0.3:
            base["releases"] = self.releases()
            base["search"]["warrant"] = pick(
                [True, None, {"court": "c", "number": "n", "document": "d"}]
            )
        base["agreement"] = pick([*["sha-256:" + "a" * 64] * 8, "sha-256:" + "b" * 64, None])
        if kind == "answer":
            return base
        facts = [self.facts() for _ in range(self.chance.randint(0, 3))]
        return {**base, "granularity": pick(GRANULARITIES[:4]), "facts": facts}

    def answer(self) -> dict[str, Any]:
        pick = self.chance.choice
        return {
            "status": pick(["answered", "refused"]),
            "granularity_asked": "record",
            "granularity_given": pick(["record", "pointer", None]),
            "record_types": self.some(self.types),
            "handling": [{"keep_days": 30, "onward_sharing": "none", "caveat": None}],
            "obligations": self.some(DUTIES if self.chance.random() < 0.8 else ODD),
            "told": self.chance.random() < 0.8,
            "stale": pick([False, True]),
        }


async def outcome(engine: Engine, entrypoint: str, case: dict[str, Any]) -> Any:
    try:
        return (await engine.decide(entrypoint, orjson.dumps(case))).outcome
    except PolicyUnavailable:
        return "refused"


@pytest.mark.opa
async def test_both_engines_decide_alike(start_opa: StartOpa, obliging: PolicySet) -> None:
    embedded, server = EmbeddedEngine(), OpaServerEngine(start_opa(obliging))
    await embedded.activate(obliging)
    await server.activate(obliging)
    inputs = Inputs(obliging, seed=20261123)
    readers = {
        "ask": lambda o, _: decisions.read_ask(o, inputs.words),
        "answer": lambda o, _: decisions.read_answer(o, inputs.words),
        "release": lambda o, c: decisions.read_release(o, len(c["facts"]), inputs.words),
        "admit": lambda o, _: decisions.read_admit(o, inputs.words),
        "agencies": lambda o, _: decisions.read_agencies(o, inputs.words),
    }
    differ, allowed = [], 0
    try:
        for kind, case in inputs.each(count(400, 10_000)):
            here, there = await outcome(embedded, kind, case), await outcome(server, kind, case)
            if here != there:
                differ.append((kind, case, here, there))
            if here == "refused":
                continue
            if kind != "release" or "facts" in case:
                readers[kind](here, case)
            allowed += bool(here.get("allow") or here.get("actions") or here.get("agencies"))
    finally:
        await server.close()
    assert differ[:3] == [], f"{len(differ)} differ"
    # They agree on more than refusals.
    assert allowed > 40
