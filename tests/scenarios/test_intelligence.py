"""Criminal intelligence under 28 CFR 23.20, between real gateways: who is given it, who is not.

The sheriff's intelligence is kept in a source of its own. The border sector has an agreement that
covers it, the city police has one that does not.
"""

from typing import Any

import pytest

from demo.__main__ import BORDER, POLICE, SHERIFF, person
from demo.cast import INTELLIGENCE, MARISOL, UNVALIDATED, VIEWS, Member
from demo.world import World, an_officer
from tests.scenarios.conftest import Search, by_agency

CERTIFIED = ("sworn", "cfr28_part23")
ENTITLED = an_officer("agent.23", unit="Cargo Theft", attributes=CERTIFIED)
NOBODY = Member("CAST-NOBODY", "EUDORIC", "WINTERMOTTLE", "M", INTELLIGENCE.birth)


def asked(
    search: Search, member: Member, officer: Any = ENTITLED, asker: str = BORDER, **more: Any
) -> dict[str, Any]:
    """Ask the sheriff for intelligence on somebody; give its part of the outcome."""
    outcome = search(
        asker, person(member), "intelligence", officer=officer, agencies=[SHERIFF], **more
    )
    return by_agency(outcome)[SHERIFF]


def bare(part: dict[str, Any]) -> dict[str, Any]:
    """Leave out how long it took."""
    return {k: v for k, v in part.items() if k != "ms"}


def test_it_is_given_to_who_needs_it_and_may_know(search: Search) -> None:
    part = asked(search, INTELLIGENCE)
    assert part["status"] == "answered"
    (match,) = part["matches"]
    assert (match["record_type"], match["record_id"]) == ("intelligence", "CI-00514")
    assert match["record"]["nc:Metadata"]["j:IntelligenceInformationIndicator"] is True
    assert "YARD" in match["record"]["nc:Metadata"]["nc:DescriptionText"]
    assert match["contact"]["unit"] == "Intelligence Section"


@pytest.mark.parametrize(
    ("officer", "asker", "more", "code"),
    [
        # No right to know: not certified.
        (an_officer(), BORDER, {}, "intelligence.right_to_know"),
        # No need to know: a unit that does not investigate.
        (
            an_officer(unit="Patrol", unit_function="patrol", attributes=CERTIFIED),
            BORDER,
            {},
            "intelligence.need_to_know",
        ),
        # No need to know: no case.
        (
            ENTITLED,
            BORDER,
            {"reference": {"type": "cad_call", "number": "26-1"}},
            "intelligence.need_to_know",
        ),
        # An agency whose agreement does not cover it.
        (ENTITLED, POLICE, {}, "agreement.record_types_not_covered"),
    ],
)
def test_others_are_refused_alike_whether_there_is_some_or_not(
    search: Search, officer: Any, asker: str, more: dict[str, Any], code: str
) -> None:
    there_is = asked(search, INTELLIGENCE, officer, asker, **more)
    assert there_is["status"] == "refused"
    assert code in [r["code"] for r in there_is["reasons"]]
    assert there_is.get("matches", []) == []
    assert bare(there_is) == bare(asked(search, NOBODY, officer, asker, **more))


@pytest.mark.parametrize("member", [UNVALIDATED, VIEWS])
def test_what_may_not_be_kept_or_shared_is_not_there_even_for_the_entitled(
    search: Search, member: Member
) -> None:
    part = asked(search, member)
    assert (part["status"], part["matches"]) == ("answered", [])
    assert bare(part) == bare(asked(search, NOBODY))


def test_asking_for_other_records_shows_no_sign_of_it(search: Search) -> None:
    def others(member: Member) -> dict[str, Any]:
        outcome = search(BORDER, person(member), "person", "warrant", agencies=[SHERIFF])
        return bare(by_agency(outcome)[SHERIFF])

    assert others(INTELLIGENCE) == others(NOBODY)
    assert others(INTELLIGENCE)["matches"] == []


def test_in_imminent_danger_the_assessment_alone_goes_to_whoever_is_in_it(search: Search) -> None:
    patrol = an_officer(unit="Station 4", unit_function="border_patrol")
    danger = {
        "purpose": "officer_safety",
        "reason": {"code": "imminent_danger", "text": "Armed man, on the way to the yard"},
    }
    part = asked(search, INTELLIGENCE, patrol, **danger)
    assert [m["record_id"] for m in part["matches"]] == ["CI-00514"]
    unvalidated = asked(search, UNVALIDATED, patrol, **danger)
    assert bare(unvalidated) == bare(asked(search, NOBODY, patrol, **danger))


def test_both_logs_say_who_was_given_what_for_which_purpose_and_when(
    world: World, search: Search
) -> None:
    outcome = search(
        BORDER, person(INTELLIGENCE), "intelligence", officer=ENTITLED, agencies=[SHERIFF]
    )
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    wanted = {SHERIFF: {"query_in", "response_out"}, BORDER: {"query_out", "response_in"}}
    for ori, types in wanted.items():
        with world[ori].client(auditor, "audit") as client:
            read = client.get(
                "/v1/audit/entries",
                params={"transaction": outcome["search_id"], "limit": 100, "unseal": "true"},
            )
        written = read.json()["entries"]
        assert all(e["time"] for e in written)
        assert types <= {e["type"] for e in written}
        told = str(written)
        assert ENTITLED.unit in told
        assert "criminal_investigation" in told
        assert "26-004417" in told
        # The owner writes down what went to whom, by agency and unit; the asker, to which officer.
        came, went = ("response_in", "received") if ori == BORDER else ("response_out", "given")
        (answer,) = [e for e in written if e["type"] == came and went in (e["personal"] or {})]
        assert "CI-00514" in str(answer["personal"][went])
        assert (ENTITLED.subject in told) == (ori == BORDER)


def test_its_own_officers_see_no_more_of_it(search: Search) -> None:
    """The sheriff's own questions pass the same second door."""
    part = asked(search, INTELLIGENCE, an_officer(), SHERIFF)
    assert [r["code"] for r in part["reasons"]] == ["intelligence.right_to_know"]
    assert asked(search, MARISOL, ENTITLED, SHERIFF)["matches"] == []
