"""Questions that differ in their matter's number alone share a decision, where no rule can tell."""

import asyncio
import copy
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.policy import embedded
from gateway.policy.agreements import with_agreements, with_examples
from gateway.policy.alike import Alike
from gateway.policy.embedded import Compiled, EmbeddedEngine, syntax_trees
from gateway.policy.sets import PolicySet, load_set, make_set
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"
OTHERS = {
    f"{name}.rego": f"package sallyport.{name}\nimport rego.v1\ndecision := {{}}\n"
    for name in ("ask", "release", "admit", "agencies")
}
ANSWER = "package sallyport.answer\nimport rego.v1\n"
CLAIMS = {"assurance": 2, "logged_on_hours": 3, "attributes": ["chri_certified", "sworn"]}
DATA = {"deals": {"a": {"cases": ["26-1"]}}}


def set_of(answer: str, **more: str) -> PolicySet:
    modules = {**OTHERS, "answer.rego": ANSWER + answer}
    return make_set({**modules, **{f"{k}.rego": v for k, v in more.items()}}, DATA)


def alike(policy_set: PolicySet) -> Alike:
    return asyncio.run(Alike.of(syntax_trees(policy_set.rules), policy_set.data))


def case(number: Any, **more: Any) -> bytes:
    search = {"purpose": "p", "reference": {"type": "case", "number": number}}
    return orjson.dumps({"v": 1, "search": search, **more}, option=orjson.OPT_SORT_KEYS)


SAFE = [
    'decision := {"allow": is_string(input.search.reference.number)}',
    'decision := {"allow": input.search.reference.number != "26-2"}',
    'decision := {"allow": "26-2" == input.search["reference"].number}',
    "decision := {input.search.reference.number in data.deals.a.cases}",
    (
        "decision := {n |\n\tsome n, _ in data.deals\n"
        "\tinput.search.reference.number in data.deals[n].cases\n}"
    ),
    'decision := {"allow": is_null(input.search.reference), "for": input.search.purpose}',
    'decision := {"allow": input.search.reference.type in data.deals.a.cases, "m": input.max}',
]
TELLING = {
    "given out": "decision := input.search.reference.number",
    "its object given out": "decision := input.search.reference",
    "the search given out": "decision := input.search",
    "the input given out": "decision := input",
    "another built-in": 'decision := startswith(input.search.reference.number, "26")',
    "its length": "decision := count(input.search.reference.number)",
    "in order": 'decision := input.search.reference.number < "26-5"',
    "with what is computed": (
        'decision := input.search.reference.number == concat("-", ["26", input.v])'
    ),
    "with another part": "decision := input.search.reference.number == input.other",
    "in what is computed": (
        'decision := input.search.reference.number in [concat("-", ["26", "9"])]'
    ),
    "in a local name": (
        "decision := x if {\n\tcases := data.deals.a.cases\n"
        "\tx := input.search.reference.number in cases\n}"
    ),
    "in what a rule makes": (
        'decision := input.search.reference.number in data.sallyport.answer.odd\nodd := ["26-9"]'
    ),
    "in what a rule beside makes": (
        "decision := input.search.reference.number in data.made.by.cases"
    ),
    "in anything": (
        'decision := [k |\n\tk := "deals"\n\tinput.search.reference.number in data[k].a.cases\n]'
    ),
    "by a name": "decision := x if { x := input.search.reference.number }",
    "step by step": "decision := y if { x := input.search; y := x.reference.number }",
    "by a step of the input": "decision := input.search[input.step].number",
    "by any step": "decision := [v | some k; v := input.search.reference[k]]",
    "gone through": "decision := [v | some v in input.search.reference]",
    "handed over": "decision := f(input.search.reference)\nf(r) := r.number",
    "as an index": "decision := data.deals[input.search.reference.number]",
    "as an index of the input": "decision := input.facts[input.search.reference.number]",
    "in the data's index": (
        "decision := input.search.reference.number in "
        "data.deals[input.search.reference.number].cases"
    ),
    "with its place": "decision := [i | input.search.reference.number == data.deals.a.cases[i]]",
    "a rule called as the test": (
        "decision := is_string(input.search.reference.number)\nis_string(x) := x"
    ),
    "put in elsewhere": (
        "decision := x if { x := odd with input.other as input.search.reference.number }\n"
        "odd := input.other"
    ),
    "another list put in": (
        "decision := x if { x := odd with data.deals as input.deals }\n"
        "odd := input.search.reference.number in data.deals.a.cases"
    ),
    "in a default": (
        "decision := f(1)\ndefault f(_) := {}\nf(x) := input.search.reference.number if x > 0"
    ),
    "in another's else": (
        "decision := 1 if { input.v == 2 } else := input.search.reference.number"
    ),
    "for every": (
        "decision if { every c in data.deals.a.cases { input.search.reference.number > c } }"
    ),
}


@pytest.mark.parametrize("rule", SAFE)
def test_what_can_not_tell_numbers_apart_shares(rule: str) -> None:
    found = alike(set_of(rule))
    assert found.holds
    assert found.key(case("26-100")) == found.key(case("26-101")) == found.key(case("x" * 99))
    # What the data hold or a rule compares with stands for itself, and so does what is no text.
    for other in ("26-1", "", None, 26, ["26-100"], {"a": 1}, True):
        assert found.key(case(other)) == case(other)
    if "26-2" in rule:
        assert found.key(case("26-2")) == case("26-2")
    assert found.key(case("26-100", v=2)) != found.key(case("26-100"))
    assert found.key(case("26-100", other="26-100")) != found.key(case("26-100"))


@pytest.mark.parametrize("rule", TELLING.values(), ids=TELLING)
def test_what_could_tell_numbers_apart_shares_nothing(rule: str) -> None:
    beside = "package made.by\nimport rego.v1\ncases contains input.v\n"
    found = alike(set_of(rule, beside=beside) if "made.by" in rule else set_of(rule))
    assert not found.holds
    assert found.key(case("26-100")) == case("26-100")


def test_an_import_of_the_input_shares_nothing() -> None:
    rule = "import input.search as s\ndecision := s.reference.number"
    assert not alike(set_of(rule)).holds


@pytest.mark.parametrize("odd", [b"", b"{}", b"[]", b'{"search":null}', b'{"search":{}}', b"{"])
def test_an_input_without_a_number_stands_for_itself(odd: bytes) -> None:
    assert alike(set_of(SAFE[0])).key(odd) == odd


def limited_to_cases() -> PolicySet:
    """Give the shipped set with its examples, each pair's agreements for two cases alone too."""
    shipped = with_examples(load_set(POLICIES))
    agreed = copy.deepcopy(shipped.data["agreements"])
    for others in agreed.values():
        for papers in others.values():
            for name, paper in list(papers.items()):
                limits = {"hours": None, "cases": ["26-004417", "26-5"], "roster": None}
                papers[f"{name}.special"] = {**paper, "limited": True, "limits": limits}
    return with_agreements(shipped, agreed)


def question(self_ori: str, asker: str, unit: str, function: str, number: str) -> bytes:
    who = {"ori": asker, "unit": unit, "unit_function": function, "roles": ["officer"]}
    search = {
        "purpose": "criminal_investigation",
        "iii_purpose_code": "C",
        "reference": {"type": "case", "number": number},
        "reason_code": "robbery",
        "subject": {"kind": "person", "terms": ["name", "birth_date"]},
        "record_types": ["person", "arrest"],
        "granularity": "record",
        "max_matches": 10,
    }
    case = {
        "v": 1,
        "now": "2026-11-23T20:46:10.00Z",
        "self": self_ori,
        "search": search,
        "asker": {**who, **CLAIMS},
        "agreement": "sha-256:" + "a" * 64,
    }
    return orjson.dumps(case, option=orjson.OPT_SORT_KEYS)


async def test_the_shipped_policies_share_and_decide_each_number_as_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy_set = limited_to_cases()
    engine, alone, seen = EmbeddedEngine(), embedded._warmed(policy_set), []
    await engine.activate(policy_set)
    assert engine._looking is not None
    await engine._looking  # until then each is decided by itself
    decide = Compiled.decide

    def watched(self: Compiled, rule: str, input_json: bytes) -> bytes:
        seen.append(rule)
        return decide(self, rule, input_json)

    monkeypatch.setattr(embedded.Compiled, "decide", watched)
    chance, outcomes = random.Random(7), set()
    trees = syntax_trees(policy_set.rules)
    known = sorted((await Alike.of(trees, policy_set.data))._known)
    numbers = [f"26-{n:06}" for n in range(100, 100 + count(20, 1_000))]
    written = ["26-004417", "26-5", "26-007700", "", *chance.sample(known, 10)]
    askers = [
        ("TX9990000", "CA9990000", "Robbery", "investigation"),
        ("CA9990000", "TX9990000", "Robbery", "investigation"),
        ("CA9990000", "USBPX9900", "Border Crime", "civil_enforcement"),
    ]
    for asker in askers:
        seen.clear()
        for number in (*numbers, *written, *numbers):
            raw = question(*asker, number)
            here = (await engine.decide("answer", raw)).outcome
            there = decide(alone, "data.sallyport.answer.decision", raw)
            assert here == orjson.loads(there)
            outcomes.add(there)
        assert len(seen) == 1 + len(written)
    assert len(outcomes) > len(askers)  # the number did make a difference where it is written out


async def test_what_rests_on_records_is_decided_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, seen = EmbeddedEngine(), []
    await engine.activate(set_of(SAFE[0]))
    decide = Compiled.decide

    def watched(self: Compiled, rule: str, input_json: bytes) -> bytes:
        seen.append(rule)
        return decide(self, rule, input_json)

    monkeypatch.setattr(embedded.Compiled, "decide", watched)
    for _ in range(3):
        await engine.decide("release", case("26-1"))
        await engine.decide("answer", case("26-1"))
    assert seen.count("data.sallyport.release.decision") == 3
    assert seen.count("data.sallyport.answer.decision") == 1
