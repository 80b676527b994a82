"""What a decision rests on, which rules and papers led to it, and what would lift a refusal."""

import asyncio
import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.agreements import with_agreements, with_examples
from gateway.policy.explaining import Described, Explanation, explained
from gateway.policy.exposure import Grid
from gateway.policy.grounds import Grounds
from gateway.policy.reach import Reach
from gateway.policy.redeciding import Redecider
from gateway.policy.rules import all_papers, papers_of, rules_of
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.widest import resting
from tests.policy.made import OPEN, SMALL, write_set

SHIPPED = Path(__file__).parents[2] / "policies"
NOW = datetime(2026, 11, 23, 20, 46, tzinfo=UTC)
CALIFORNIA, TEXAS = "CA9990000", "TX9990000"


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(SHIPPED))


@pytest.fixture(scope="module")
def grounds(shipped: PolicySet) -> Grounds:
    return Grounds(shipped)


def asking(**changes: Any) -> Described:
    plain = {
        "asker": CALIFORNIA,
        "purpose": "criminal_investigation",
        "record_types": ("person", "arrest"),
        "unit_function": "investigation",
        "roles": ("officer",),
        "attributes": ("chri_certified", "sworn"),
        "assurance": 2,
        "purpose_code": "C",
        "reference": ("case", "26-1"),
        "terms": ("name", "birth_date"),
    }
    return Described(**{**plain, **changes})


def digest_between(shipped: PolicySet) -> str:
    [text] = [p for p in all_papers(shipped) if p.way[:3] == ("agreements", CALIFORNIA, TEXAS)]
    content: Any = shipped.data
    for step in text.way:
        content = content[step]
    return str(content["digest"])


def explain(shipped: PolicySet, grounds: Grounds, case: Mapping[str, Any]) -> Explanation:
    return explained(shipped, "answer", grounds.of("answer", case))


def paths(found: Any) -> set[str]:
    return {g["path"] for g in found}


def test_an_allowed_question_rests_on_its_paper_the_law_and_the_officer(
    shipped: PolicySet, grounds: Grounds
) -> None:
    case = asking(agreement=digest_between(shipped)).answer_input(TEXAS, NOW)
    one = explain(shipped, grounds, case)
    assert one.outcome["allow"] is True
    assert one.complete
    assert [p.way[:3] for p in one.papers] == [("agreements", CALIFORNIA, TEXAS)]
    assert one.papers[0].citation
    assert any(p.startswith("law.federal.iii_purpose_codes.C") for p in paths(one.data))
    assert any(p.startswith(f"agreements.{CALIFORNIA}.{TEXAS}.") for p in paths(one.data))
    assert {"search.purpose", "search.iii_purpose_code", "asker.ori"} <= paths(one.facts)
    assert "asker.unit" not in paths(one.facts)  # no rule here looks at it
    assert one.lifted_by == ()
    # Other agencies' papers have nothing to do with it.
    assert not any("USBPX9900" in p for p in paths(one.data))


def test_a_refusal_names_its_rules_and_what_would_lift_each(
    shipped: PolicySet, grounds: Grounds
) -> None:
    case = asking(
        agreement=digest_between(shipped), purpose_code=None, attributes=("sworn",), assurance=1
    ).answer_input(TEXAS, NOW)
    one = explain(shipped, grounds, case)
    assert one.outcome["allow"] is False
    rules = {r.id: r for r in one.rules}
    assert {"chri.purpose_code_required", "chri.officer_not_certified", "officer.assurance"} == set(
        rules
    )
    rule = rules["chri.purpose_code_required"]
    assert rule.citation
    file, _, line = rule.where.rpartition(":")
    assert "# METADATA" in (SHIPPED / file).read_text().splitlines()[int(line) - 1]
    lifted = {(c["path"], str(c["value"])): c["lifts"] for c in one.lifted_by}
    assert lifted["search.iii_purpose_code", "C"] == ["chri.purpose_code_required"]
    assert lifted["asker.assurance", "2"] == ["officer.assurance"]
    assert lifted["asker.attributes", "['sworn', 'chri_certified']"] == [
        "chri.officer_not_certified"
    ]


def test_what_hides_a_record_is_named(shipped: PolicySet, grounds: Grounds) -> None:
    fact = {
        "record_type": "person",
        "stale": False,
        "dissemination": "RED",
        "disclosure": "open",
        "juvenile": False,
        "source_kind": "own",
        "intelligence": False,
        "criminal_history": False,
    }
    case = asking(agreement=digest_between(shipped)).release_input(TEXAS, [fact], NOW)
    one = explained(shipped, "release", grounds.of("release", case))
    assert one.outcome["actions"][0]["show"] == "none"
    assert [r.id for r in one.rules] == ["dissemination.red"]
    lifted = {str(c["value"]) for c in one.lifted_by if c["path"] == "facts.0.dissemination"}
    assert lifted == {"GREEN", "YELLOW"}


def test_rules_and_papers_of_the_shipped_set(shipped: PolicySet) -> None:
    rules = rules_of(shipped)
    assert len(rules) > 50
    assert all(
        r.title and r.citation and r.where.rpartition(":")[2].isdigit() for r in rules.values()
    )
    # Of an agreement and the example that it was made from, the one that counts is meant.
    assert all(p.way[0] != "sallyport" for p in papers_of(shipped).values())


async def test_the_child_process_decides_and_explains_as_the_engine_does(
    shipped: PolicySet, grounds: Grounds
) -> None:
    case = asking(agreement=digest_between(shipped)).answer_input(TEXAS, NOW)
    text = orjson.dumps(case, option=orjson.OPT_SORT_KEYS).decode()
    async with Redecider(shipped) as by:
        [again, none] = await by.decide([("answer", text), ("answer", "[]")])
        assert again.outcome == grounds.of("answer", case)["outcome"]
        assert none.outcome is None or none.outcome["allow"] is False
        assert await by.explain("answer", text) == grounds.of("answer", orjson.loads(text))
        found = await resting(by, asking(), owner=TEXAS, now=NOW)
        assert found.agreement == digest_between(shipped)
    with pytest.raises(PolicyUnavailable):
        await by.decide([("answer", text)])


async def test_a_set_that_does_not_compile_is_rejected_with_its_place(tmp_path: Path) -> None:
    bad = load_set(write_set(tmp_path, {"x.rego": "package x\ny := [\n"}))
    with pytest.raises(PolicyRejected) as caught:
        async with Redecider(bad):
            pass
    assert caught.value.where is not None
    assert caught.value.where.startswith("x.rego:")


async def test_a_failing_decision_leaves_the_next_unharmed(tmp_path: Path) -> None:
    asks = (SMALL / "sallyport/ask/ask.rego").read_text()
    asks += (
        "\nofficer_may_ask if {\n\tinput.officer.assurance == 0\n"
        "\tto_number(input.client) == 1\n}\n"
    )
    made = load_set(write_set(tmp_path, {"sallyport/ask/ask.rego": asks}))
    case = asking().ask_input([CALIFORNIA], NOW)
    weak = {**case, "officer": {**case["officer"], "assurance": 0}}
    texts = [orjson.dumps(c).decode() for c in (case, weak, case)]
    async with Redecider(made) as by:
        good, failed, after = await by.decide([("ask", t) for t in texts])
    assert failed.failed is not None
    assert "described" not in failed.failed  # no value of the input in an error
    assert good.outcome is not None
    assert good.outcome == after.outcome


# -- what an agency can see -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def reach(shipped: PolicySet) -> Reach:
    async def found() -> Reach:
        async with Redecider(shipped) as by:
            grid = Grid(by, agency=CALIFORNIA, owner=TEXAS, now=NOW)
            return await grid.reach(["criminal_investigation", "civil_immigration"])

    return asyncio.run(found())


@pytest.mark.parametrize(
    ("owner", "purpose", "needs"),
    [
        # A task force is one unit's, with its case.
        (
            CALIFORNIA,
            "criminal_investigation",
            {"unit": "Freight Theft Task Force", "cases": ("26-007700",), "reason_codes": ()},
        ),
        # In imminent danger no unit has to investigate.
        (TEXAS, "traffic_stop", {"unit": None, "cases": (), "reason_codes": ("imminent_danger",)}),
    ],
)
async def test_what_a_unit_with_its_case_or_a_reason_opens_is_seen(
    shipped: PolicySet, owner: str, purpose: str, needs: dict[str, Any]
) -> None:
    agreed = copy.deepcopy(shipped.data["agreements"])
    for others in agreed.values():
        for papers in others.values():
            for paper in papers.values():
                for grant in [g for grants in paper["shares"].values() for g in grants]:
                    grant["record_types"] += ["intelligence"]
                    grant["purposes"] += ["traffic_stop"]
    policy_set = with_agreements(shipped, agreed)
    async with Redecider(policy_set) as by:
        reach = await Grid(by, agency="USBPX9900", owner=owner, now=NOW).reach([purpose])
    wanted = "civil_enforcement" if needs["unit"] else "patrol"
    record_type = "warrant" if needs["unit"] else "intelligence"
    found = [s for s in reach.seen if wanted in s.unit_functions and record_type in s.record_types]
    assert [{k: getattr(s.needs, k) for k in needs} for s in found] == [needs]
    assert not [r for r in reach.refused if record_type in r.record_types]


def test_what_may_be_seen_and_what_it_takes(reach: Reach) -> None:
    seen = {t: s for s in reach.seen for t in s.record_types}
    assert {s.purpose for s in reach.seen} == {"criminal_investigation"}
    assert {"person", "warrant", "arrest"} <= set(seen)
    person = seen["person"]
    assert person.granularity == "record"
    assert "identity" in person.give
    assert person.mask == ("ssn",)
    assert "victim" in person.never
    assert not {*person.give, *person.mask} & set(person.never)
    assert person.needs.roles == ("officer", "supervisor")
    assert person.needs.attributes == ("chri_certified",)
    assert person.needs.assurance == 2
    assert person.needs.purpose_codes == ("C",)
    assert "case" in person.needs.references
    assert "personnel" not in person.unit_functions
    assert person.keep_days is not None


def test_what_a_record_handling_changes(reach: Reach) -> None:
    seen = {t: s for s in reach.seen for t in s.record_types}
    effects = {(e.fact, e.value): e for e in seen["warrant"].effects}
    assert effects["dissemination", "RED"].show == "none"
    assert effects["dissemination", "YELLOW"].show == "pointer"
    assert effects["disclosure", "expunged"].show == "none"
    assert effects["stale", True].without == ("order_status",)
    # A fact that is neither true nor false is tried with values that it may have.
    tried = {value for s in reach.seen for e in s.effects for value in [e.value]}
    assert "another agency" in tried
    facts = {fact for (fact, value) in effects if isinstance(value, bool)}
    assert not facts & {"age_at_offense", "validated_on", "received_from"}


def test_what_is_refused_says_why(shipped: PolicySet, reach: Reach) -> None:
    refused = {(r.purpose, t): r.reasons for r in reach.refused for t in r.record_types}
    assert refused["criminal_investigation", "civil_warrant"] == (("civil_warrant.may_not_act",),)
    # Not `reference.required`: with the case's number it is still no type that was agreed on.
    assert refused["criminal_investigation", "intelligence"] == (
        ("agreement.record_types_not_covered",),
    )
    # The question rests on the paper that there is: it differs from nothing.
    assert refused["civil_immigration", "person"] == (("agreement.purpose_not_covered",),)
    every = {t for s in reach.seen for t in s.record_types} | {
        t for p, t in refused if p == "criminal_investigation"
    }
    assert every == set(shipped.data["sallyport"]["vocabulary"]["record_types"])


async def test_it_is_what_the_doors_decide(shipped: PolicySet, reach: Reach) -> None:
    """The shown class and no other: taken from an answer to one real question."""
    one = next(s for s in reach.seen if "person" in s.record_types)
    facts = {"record_type": "person", "stale": False, **OPEN}
    case = asking(agreement=digest_between(shipped), record_types=("person",))
    text = orjson.dumps(case.release_input(TEXAS, [facts], NOW)).decode()
    async with Redecider(shipped) as by:
        [again] = await by.decide([("release", text)])
    classes = again.outcome["actions"][0]["classes"]
    given = {c for c, a in classes.items() if a == "give"}
    assert given == set(one.give)
