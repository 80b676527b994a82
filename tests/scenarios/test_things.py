"""Things and events, found by number or by description, between two real gateways.

The sheriff's property room exports stolen firearms with their serial numbers, and a month each of
thefts that nothing but day and kind tells apart.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo import agreements
from demo.__main__ import question
from demo.world import World, an_officer
from tests.scenarios.conftest import entries
from tests.scenarios.two import POLICE, SHERIFF, a_text, apply, desks, only, until

MOST = 100
"""`too_many` of the shipped vocabulary: so many matches that are only possible are still given."""

FIREARMS = """mapping: 1
source: firearms
description: Stolen and recovered firearms of the property room.
format: {type: csv, path: ../sources/firearms.csv, encoding: utf-8}
codes:
  dissemination: {G: GREEN, R: RED}
  disclosure: {O: open, E: expunged}
records:
  - type: firearm
    id: "{TAG}"
    handling:
      dissemination: {column: DISSEM, codes: dissemination}
      disclosure: {column: SEAL, codes: disclosure}
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: false
    contact: {unit: Property Room, phone: (915) 555-0146}
    objects:
      gun: j:Firearm
    fields:
      - {to: "gun/nc:ItemSerialIdentification/nc:IdentificationID", column: SERIAL}
      - {to: "gun/nc:ItemMakeName", column: MAKE}
      - {to: "gun/j:FirearmCategoryText", column: KIND}
"""
GUNS = [
    # TAG, SERIAL, MAKE, KIND, DISSEM, SEAL
    ("F-1", "ZX-40417", "FICTIVE ARMS", "PISTOL", "G", "O"),
    ("F-2", "ZX40471", "FICTIVE ARMS", "RIFLE", "G", "O"),
    ("F-3", "QW 77 0102", "FICTIVE ARMS", "PISTOL", "R", "O"),
    ("F-4", "QW770204", "FICTIVE ARMS", "PISTOL", "G", "E"),
]
THEFTS = """mapping: 1
source: thefts
description: Thefts as the property room counts them.
format: {type: csv, path: ../sources/thefts.csv, encoding: utf-8}
codes:
  dissemination: {G: GREEN, R: RED}
records:
  - type: incident
    id: "{NO}"
    handling:
      dissemination: {column: DISSEM, codes: dissemination}
      disclosure: open
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: false
    contact: {unit: Investigations, phone: (915) 555-0143}
    objects:
      incident: nc:Incident
      offense: j:Offense
      offense_of: j:OffenseIncidentAssociation
    fields:
      - {to: "incident/nc:ActivityIdentification/nc:IdentificationID", column: NO}
      - {to: "incident/nc:ActivityDate", column: DAY, date: YYYY-MM-DD}
      - {to: "offense/j:OffenseUCRCode", column: UCR, codes: nibrs_offense}
      - {to: "offense_of/nc:Incident", link: incident}
      - {to: "offense_of/j:Offense", link: offense}
"""
MONTHS = {date(2011, 3, 1): (MOST, 60), date(2011, 6, 1): (MOST + 1, 0), date(2011, 9, 1): (2, 300)}
"""By its first day: how many thefts of that month may be shown, and how many are hidden."""


def thefts() -> Iterator[tuple[str, str, str, str]]:
    for first, (shown, hidden) in MONTHS.items():
        for n in range(shown + hidden):
            # The hidden ones stand among the others, and on the latest days, which come first.
            day = first + timedelta(days=27 if n >= shown else n % 27)
            yield f"TH-{first:%m}-{n:03d}", day.isoformat(), "23C", "R" if n >= shown else "G"


def put(
    home: Path, source: str, mapping: str, columns: str, rows: Sequence[tuple[str, ...]]
) -> None:
    with (home / "sources" / f"{source}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns.split(), *rows])
    (home / "mappings" / f"{source}.yaml").write_text(mapping, encoding="utf-8")


@pytest.fixture(scope="module")
def stocked(two: World) -> World:
    """The sheriff with what its property room exports."""
    sheriff = two[SHERIFF]
    put(sheriff.home, "firearms", FIREARMS, "TAG SERIAL MAKE KIND DISSEM SEAL", GUNS)
    put(sheriff.home, "thefts", THEFTS, "NO DAY UCR DISSEM", list(thefts()))
    for source in ("firearms", "thefts"):
        done = sheriff.command("import", source, "--json", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    own = {"incident": {"number": "TH-09-001"}}
    assert until(lambda: bool(asked(two, own, "incident", by=SHERIFF).get("matches")), 30)
    return two


@pytest.fixture
def armed(stocked: World, kept: World) -> World:
    """The same, with an agreement that names firearms too."""
    only(kept, "nothing")
    text = a_text(id="mou-firearms")
    grant = {**text["shares"][SHERIFF][0]}
    grant["record_types"] = [*grant["record_types"], "firearm"]
    agreements.agree(desks(kept), {**text, "shares": {**text["shares"], SHERIFF: [grant]}})
    for gateway in stocked.gateways.values():
        apply(gateway)
    return stocked


def searched(
    world: World, subject: dict[str, Any], *types: str, by: str = POLICE, **more: Any
) -> dict[str, Any]:
    body = question(subject, *types, agencies=[SHERIFF], **more)
    with world[by].client(an_officer(), "search") as client:
        response = client.post("/v1/searches", json=body)
    assert response.status_code == 200, response.text
    outcome: dict[str, Any] = response.json()
    return outcome


def asked(world: World, subject: dict[str, Any], *types: str, **more: Any) -> dict[str, Any]:
    (part,) = searched(world, subject, *types, **more)["agencies"]
    return dict(part)


# -- by serial number -------------------------------------------------------------------------


def serial(number: str, **more: str) -> dict[str, Any]:
    return {"item": {"serial": number, **more}}


def test_a_stolen_firearm_is_found_by_its_serial_number(armed: World) -> None:
    outcome = searched(armed, serial("zx 40417", type="firearm"), "firearm")
    (part,) = outcome["agencies"]
    best, other = part["matches"]
    assert (best["record_type"], best["record_id"]) == ("firearm", "F-1")
    assert best["compared"]["serial"] == "same"
    assert best["band"] in {"exact", "probable"}
    gun = best["record"]["j:Firearm"]
    assert gun["nc:ItemSerialIdentification"] == {"nc:IdentificationID": "ZX-40417"}
    assert gun["j:FirearmCategoryText"] == "PISTOL"
    # A stolen thing is confirmed by its owner before anyone acts.
    assert best["confirm"]["required"] is True
    assert best["confirm"]["phone"] == "(915) 555-0146"
    # Two digits that change places count as one that is off: shown, below it, for what it is.
    assert (other["record_id"], other["compared"]["serial"]) == ("F-2", "one_digit_off")
    assert other["score"] < best["score"]
    # Both logs hold it, and neither holds the number where it is open.
    for ori in (POLICE, SHERIFF):
        lines = entries(armed, ori, outcome["search_id"])
        assert {e["type"] for e in lines} >= {"response_out"}
        assert "40417" not in str(lines)
    with armed[POLICE].client(an_officer(), "search") as client:
        where = f"/v1/records/{SHERIFF}/F-1"
        again = client.get(where, params={"search": outcome["search_id"]}).json()
    assert [m["record_id"] for m in again["agencies"][0]["matches"]] == ["F-1"]


def test_an_expunged_or_red_firearm_is_as_if_it_were_not_there(armed: World) -> None:
    none = asked(armed, serial("PL993388"), "firearm")
    assert (none["status"], none["matches"]) == ("answered", [])
    for number in ("QW770102", "QW770204"):
        hidden = asked(armed, serial(number), "firearm")
        assert {**hidden, "ms": 0} == {**none, "ms": 0}


def test_a_serial_number_is_needed_and_the_paper_has_to_name_firearms(stocked: World) -> None:
    with stocked[POLICE].client(an_officer(), "search") as client:
        for item, code in (
            ({"type": "firearm"}, "request.invalid"),
            ({"serial": "--"}, "search.too_vague"),
        ):
            body = question({"item": item}, "firearm", agencies=[SHERIFF])
            refused = client.post("/v1/searches", json=body)
            assert (refused.status_code, refused.json()["code"]) == (422, code)
    part = asked(stocked, serial("ZX40417"), "firearm")
    assert part["status"] == "refused"
    assert "matches" not in part
    # The sheriff's own officers need no paper.
    own = asked(stocked, serial("ZX40417"), "firearm", by=SHERIFF)
    assert [m["record_id"] for m in own["matches"]] == ["F-1", "F-2"]


# -- too many ---------------------------------------------------------------------------------


def month(first: date) -> dict[str, Any]:
    last = first + timedelta(days=27)
    days = {"date_from": first.isoformat(), "date_to": last.isoformat()}
    return {"incident": {**days, "offense": "SHOPLIFTING"}}


def test_more_than_anybody_looks_through_are_too_many(stocked: World) -> None:
    few, many, hidden = MONTHS
    outcome = searched(stocked, month(many), "incident")
    (part,) = outcome["agencies"]
    assert part["status"] == "too_many"
    assert [r["code"] for r in part["reasons"]] == ["search.too_many"]
    assert part.keys() == {"ori", "status", "ms", "reasons"}
    receipt = outcome["receipt"]
    assert (outcome["status"], receipt["answered"], receipt["capped"]) == ("none", 0, 1)
    assert not receipt["complete"]
    # Both logs say so, and that nothing was given.
    for ori, kind in ((SHERIFF, "response_out"), (POLICE, "response_in")):
        line = next(e for e in entries(stocked, ori, outcome["search_id"]) if e["type"] == kind)
        assert (line["decision"], line["reasons"]) == ("too_many", ["search.too_many"])
        assert not line.get("results")
    # One less, and the first of them are given. Sixty hidden ones more do not count.
    part = asked(stocked, month(few), "incident", max_matches=100)
    assert (part["status"], len(part["matches"]), part.get("more")) == ("answered", MOST, None)
    assert {m["band"] for m in part["matches"]} == {"possible"}
    assert asked(stocked, month(few), "incident")["more"] is True
    # Three hundred hidden ones are none.
    part = asked(stocked, month(hidden), "incident")
    assert {m["record_id"] for m in part["matches"]} == {"TH-09-000", "TH-09-001"}
    assert part.get("more") is None


def test_a_number_or_fewer_days_are_no_longer_too_many(stocked: World) -> None:
    _, many, _ = MONTHS
    one = asked(stocked, {"incident": {"number": "TH-06-042"}}, "incident")
    assert [m["record_id"] for m in one["matches"]][:1] == ["TH-06-042"]
    days = month(many)
    days["incident"]["date_to"] = (many + timedelta(days=6)).isoformat()
    assert asked(stocked, days, "incident")["status"] == "answered"
    for granularity, told in (("hit", {"hit": True}), ("count", {"count": 10, "more": True})):
        part = asked(stocked, month(many), "incident", granularity=granularity)
        assert part["status"] == "answered"
        assert told.items() <= part.items()


def test_its_own_officers_are_told_the_same(stocked: World) -> None:
    _, many, _ = MONTHS
    assert asked(stocked, month(many), "incident", by=SHERIFF)["status"] == "too_many"
