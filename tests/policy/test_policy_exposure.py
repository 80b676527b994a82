"""What an exposure tells of refusals and of a person's releases, held against single decisions."""

import asyncio
import copy
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from gateway.cli.exposure import _effects, _refused, _seen, show
from gateway.exchange.exposure import Exposure, Got
from gateway.policy.agreements import with_agreements, with_examples
from gateway.policy.explaining import Described
from gateway.policy.exposure import Grid
from gateway.policy.reach import Opened, Reach
from gateway.policy.redeciding import Redecider
from gateway.policy.refusals import Opening, Refusals
from gateway.policy.released import FACT, PersonRelease
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.trial import Trial
from gateway.policy.widest import Widest, codes_of
from tests.policy.made import OPEN
from tests.soak import count

SHIPPED = Path(__file__).parents[2] / "policies"
NOW = datetime(2026, 11, 23, 20, 46, tzinfo=UTC)
CALIFORNIA, TEXAS, BORDER = "CA9990000", "TX9990000", "USBPX9900"
PAPER = {"court": "a court", "number": "26-1", "person": "m", "document": "sha-256:1"}


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(SHIPPED))


def released(basis: str, *classes: str, name: str = "rel_1", asker: str = BORDER) -> PersonRelease:
    return PersonRelease(
        id=name,
        basis=basis,
        asker=asker,
        records=frozenset({"W-1", "W-2"}),
        classes=classes or ("identity",),
        until=NOW + timedelta(days=9),
        warrant=PAPER if basis == "judicial_warrant" else None,
    )


ON_A_WARRANT = released("judicial_warrant", "identity", "photo")


@pytest.fixture(scope="module")
def border(shipped: PolicySet) -> Reach:
    asked = ["criminal_investigation"]
    return asyncio.run(reach_of(shipped, BORDER, CALIFORNIA, asked, [ON_A_WARRANT]))


async def reach_of(
    policy_set: PolicySet,
    agency: str,
    owner: str,
    purposes: Sequence[str],
    releases: Sequence[PersonRelease] = (),
) -> Reach:
    async with Redecider(policy_set) as by:
        grid = Grid(by, agency=agency, owner=owner, now=NOW, releases=releases)
        return await grid.reach(purposes)


def reasons(reach: Reach) -> dict[tuple[str, str], tuple[tuple[str, ...], ...]]:
    return {(r.purpose, t): r.reasons for r in reach.refused for t in r.record_types}


def by_basis(reach: Reach) -> dict[str, tuple[Opened, ...]]:
    return {one.basis: one.opens for one in reach.by_person}


# -- refusals ------------------------------------------------------------------------------------


async def test_no_reason_is_one_that_a_fuller_question_would_not_get(shipped: PolicySet) -> None:
    asked = ["border_inspection", "court_case"]
    found = reasons(await reach_of(shipped, BORDER, TEXAS, asked))
    # Not `reference.required`: with the case it is still no type that was agreed on.
    assert found["border_inspection", "booking"] == (("agreement.record_types_not_covered",),)
    # Not `purpose.function`: a unit whose work it is may act on civil warrants, and gets none.
    assert found["border_inspection", "civil_warrant"] == (("agreement.record_types_not_covered",),)
    # Not `chri.purpose_code_required`: no code is for this agency.
    assert found["court_case", "arrest"] == (
        ("agreement.purpose_not_covered", "chri.code_not_for_agency", "purpose.agency"),
    )


def test_a_reason_that_stands_against_what_is_added_is_not_told(border: Reach) -> None:
    """Who does not ask because of an abortion is not refused for that."""
    found = reasons(border)
    assert found["criminal_investigation", "booking"] == (("agreement.record_types_not_covered",),)


async def test_reasons_of_which_each_is_met_in_place_of_the_other_are_both_told(
    shipped: PolicySet,
) -> None:
    """The unit whose work it is may not be answered, and the others do not have this work."""
    data = copy.deepcopy(shipped.data)
    agreed = data["agreements"]
    for others in agreed.values():
        for papers in others.values():
            for paper in papers.values():
                for grant in [g for grants in paper["shares"].values() for g in grants]:
                    grant["purposes"] += ["employment"]
    purposes = data["sallyport"]["vocabulary"]["purposes"]
    purposes["employment"]["functions"] = ["civil_enforcement"]
    purposes["employment"].pop("agency_types", None)
    data["law"]["california"]["task_forces"] = {}
    made = make_set(shipped.modules, data)
    found = reasons(await reach_of(made, BORDER, CALIFORNIA, ["employment"]))
    assert found["employment", "person"] == (("ca.values_act.function",), ("purpose.function",))


@pytest.mark.parametrize(
    ("agency", "owner", "purpose"),
    [
        (BORDER, CALIFORNIA, "civil_immigration"),
        (BORDER, TEXAS, "civil_immigration"),
        (CALIFORNIA, TEXAS, "criminal_investigation"),
    ],
)
async def test_whatever_is_asked_meets_one_of_the_sets_whole(
    shipped: PolicySet, agency: str, owner: str, purpose: str
) -> None:
    chance = random.Random(f"{agency} {owner} {purpose}")
    async with Redecider(shipped) as by:
        trial = Trial(by, owner=owner, now=NOW)
        widest = Widest(trial, shipped, agency=agency, owner=owner)
        refusals = Refusals(trial, widest)
        checked = 0
        for case, outcome in (await widest.best([purpose])).values():
            if outcome is not None and outcome["allow"]:
                continue
            met = await refusals.against(case)
            assert not isinstance(met, Opening)
            fullest = await refusals.fullest(met)
            assert fullest
            assert set(fullest) <= set(met)
            tried = [_any(case, widest, chance) for _ in range(count(60, 2_000))]
            for one, other in zip(tried, await trial.answers(tried), strict=True):
                assert other is not None
                assert not other["allow"], one
                codes = set(codes_of(other))
                # What only a reason of its own brings is not looked for.
                assert one.reason_code != case.reason_code or any(s <= codes for s in met), one
                checked += 1
    assert checked


def _any(case: Described, widest: Widest, chance: random.Random) -> Described:
    for changes in widest.dimensions:
        case = replace(case, **chance.choice(list(changes)))
    return case


# -- how classes are told ------------------------------------------------------------------------


async def test_what_is_only_counted_or_pointed_at_stands_apart(
    shipped: PolicySet, capsys: pytest.CaptureFixture[str]
) -> None:
    purpose = "criminal_investigation"
    agreed = copy.deepcopy(shipped.data["agreements"])
    (paper,) = agreed[CALIFORNIA][TEXAS].values()
    for grant in paper["shares"][TEXAS]:
        grant["classes"] = {
            "identity": "give",
            "identifier": "mask",
            "contact": "nothing",
            "photo": "count",
            "physical": "pointer",
            "order": "pointer",
        }
    changed = with_agreements(make_set(shipped.modules, shipped.data), agreed)
    reach = await reach_of(changed, CALIFORNIA, TEXAS, [purpose])
    (seen,) = [s for s in reach.seen if "person" in s.record_types]
    assert (seen.give, seen.mask) == (("identity",), ("identifier",))
    assert (seen.count, seen.pointer) == (("photo",), ("order", "physical"))
    assert "contact" in seen.never
    body = Exposure(reach, Got(), NOW, NOW)
    for public in (False, True):
        (told,) = [
            s for s in body.as_json(public=public)["can_see"] if "person" in s["record_types"]
        ]
        assert (list(told["count"]), list(told["pointer"])) == (["photo"], ["order", "physical"])
        show(body.as_json(public=public), public=public)
        printed = capsys.readouterr().out
        for line in (
            "given: identity",
            "masked: identifier",
            "only counted: photo",
            "only pointed at: order, physical",
        ):
            assert line in printed, printed


# -- releases by a person ------------------------------------------------------------------------


def test_what_a_warrant_opens_is_told_and_only_that(border: Reach) -> None:
    [one] = border.by_person
    assert (one.with_warrant, one.releases) == (True, (ON_A_WARRANT,))
    [opened] = one.opens
    # Other units see these without it; this one sees nothing without it.
    assert opened.unit_functions == ("civil_enforcement",)
    assert opened.give == ("identity", "photo")
    assert opened.only_if == ()
    assert {"person", "warrant"} <= set(opened.record_types)
    # Criminal history of one person needs no warrant.
    assert "arrest" not in opened.record_types
    # Without it such a unit sees people in a task force alone.
    seen = [s for s in border.seen if "civil_enforcement" in s.unit_functions]
    assert {s.needs.unit for s in seen if "person" in s.record_types} == {
        "Freight Theft Task Force"
    }


async def test_it_is_what_the_doors_decide(shipped: PolicySet, border: Reach) -> None:
    [opened] = by_basis(border)["judicial_warrant"]
    async with Redecider(shipped) as by:
        trial = Trial(by, owner=CALIFORNIA, now=NOW)
        widest = Widest(trial, shipped, agency=BORDER, owner=CALIFORNIA)
        ((case, _),) = [
            found
            for (_, types), found in (await widest.best(["criminal_investigation"])).items()
            if "person" in types
        ]
        agent = replace(case, unit_function=opened.unit_functions[0], record_types=("person",))
        asked = [replace(agent, release=r) for r in (ON_A_WARRANT, None)]
        with_it, without = await trial.answers(asked)
        assert with_it is not None
        assert without is not None
        assert (with_it["allow"], without["allow"]) == (True, False)
        facts = {"record_type": "person", "stale": False, **OPEN}
        named, other = await trial.released(asked[0], "record", [{**facts, FACT: ["rel_1"]}, facts])
    assert {c for c, a in named["classes"].items() if a == "give"} == set(opened.give)
    assert other["show"] == "none"


async def test_a_courts_order_opens_what_is_sealed_and_nothing_else(shipped: PolicySet) -> None:
    releases = [released("court_order", name=f"rel_{n}") for n in range(3)]
    reach = await reach_of(shipped, BORDER, TEXAS, ["criminal_investigation"], releases)
    [one] = reach.by_person
    assert one.releases == tuple(releases)
    assert {o.only_if for o in one.opens} == {(("disclosure", "sealed"),)}


async def test_a_release_that_opens_nothing_is_told_as_that(shipped: PolicySet) -> None:
    """The agreement does not cover the purpose: no paper lifts that."""
    releases = [released("consent"), released("judicial_warrant", name="rel_2")]
    reach = await reach_of(shipped, BORDER, CALIFORNIA, ["civil_immigration"], releases)
    assert by_basis(reach) == {"consent": (), "judicial_warrant": ()}
    assert not [r for r in reach.refused if r.opened_by]


async def test_what_a_release_would_have_answered_is_told(shipped: PolicySet) -> None:
    agreed: Mapping[str, Any] = copy.deepcopy(shipped.data["agreements"])
    for others in agreed.values():
        for papers in others.values():
            for paper in papers.values():
                for grant in [g for grants in paper["shares"].values() for g in grants]:
                    grant["purposes"] += ["civil_immigration"]
    made = with_agreements(shipped, agreed)
    reach = await reach_of(made, BORDER, CALIFORNIA, ["civil_immigration"])
    told = {t: r for r in reach.refused for t in r.record_types}
    assert told["person"].reasons == (("ca.values_act.purpose",),)
    assert told["person"].opened_by == ("judicial_warrant",)
    # A type that was not agreed on is not opened by a warrant either.
    assert told["booking"].opened_by == ()


# -- the papers that count, and how it reads ----------------------------------------------------


async def test_the_examples_of_a_set_are_no_papers_between_agencies(shipped: PolicySet) -> None:
    agreed = copy.deepcopy(shipped.data["agreements"])
    for paper in agreed[CALIFORNIA][TEXAS].values():
        paper["digest"] = f"sha-256:{'b' * 64}"
    reach = await reach_of(with_agreements(shipped, agreed), CALIFORNIA, TEXAS, ["court_case"])
    codes = {c for some in reasons(reach).values() for alike in some for c in alike}
    assert "agreement.purpose_not_covered" in codes
    assert "agreement.differs" not in codes


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_its_words_stand_whole_in_any_window(border: Reach, width: int) -> None:
    seen, refused = ([asdict(s) for s in some] for some in (border.seen, border.refused))
    tables = [_seen(seen, width, public=False), _effects(seen, width), _refused(refused, width)]
    for table in tables:
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(table)
        shown = console.export_text()
        assert max(map(len, shown.splitlines())) <= width
        cells = [cell for column in table.columns for cell in column._cells]
        words = {word for cell in cells for word in Text.from_markup(str(cell)).plain.split()}
        assert words
        assert not words - set(shown.split())
