"""A joint task force of three agencies: one text, three signatures, a roster, its cases, an end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo import agreements
from demo.__main__ import question
from demo.world import World, an_officer
from gateway.cli import agreement_work
from tests.scenarios.sweep import swept
from tests.scenarios.two import MARISOL, POLICE, SHERIFF, a_text, apply, only, run, until

BORDER = "USBPX9900"
UNIT, CASE = "Joint Task Force Meridian", "26-004417"
TYPES = {POLICE: ("person", "arrest"), SHERIFF: ("person", "warrant"), BORDER: ("crossing",)}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three agencies that have agreed on nothing yet."""
    made = World(tmp_path_factory.mktemp("three"))
    made.build(people=60, agencies=(SHERIFF, POLICE, BORDER))
    for gateway in made.gateways.values():
        gateway.command("import", "--json")
    only(made, "nothing")
    with swept(made):
        yield made


def a_force(name: str, **changes: Any) -> dict[str, Any]:
    """A text of the three, each sharing with the others what they may find."""
    (grant,) = [g for g in a_text()["shares"][SHERIFF] if "criminal_investigation" in g["purposes"]]
    shared = {
        "purposes": ["criminal_investigation"],
        "granularity": "record",
        "handling": grant["handling"],
        "classes": {"identity": "give", "criminal_history": "give", "safety": "give"},
    }
    return a_text(
        id=name,
        title="Joint Task Force Meridian",
        parties=sorted(TYPES),
        signatories={
            ori: {"name": agreements.SIGNATORIES[ori], "title": "Head", "signed_on": "2026-01-02"}
            for ori in TYPES
        },
        shares={ori: [{**shared, "record_types": list(types)}] for ori, types in TYPES.items()},
        cases=[CASE],
        task_force={"name": UNIT, "roster": {ori: {"units": [UNIT]} for ori in TYPES}},
        **changes,
    )


def agree(world: World, text: dict[str, Any]) -> None:
    """Have every party sign it."""
    desks = [agreement_work.open_desk(world[ori].home) for ori in text["parties"]]
    agreements.agree(desks, text)
    for gateway in world.gateways.values():
        apply(gateway)


def outcome(world: World, asker: str, owner: str, *, unit: str = UNIT, case: str = CASE) -> str:
    """Ask for Marisol: what came of it, and with an answer how many records."""
    reference = {"type": "case", "number": case}
    body = question(MARISOL, *TYPES[owner], agencies=[owner], reference=reference)
    with world[asker].client(an_officer(unit=unit), "search") as client:
        response = client.post("/v1/searches", json={k: v for k, v in body.items() if v})
    assert response.status_code == 200, response.text
    (part,) = response.json()["agencies"]
    if part["status"] == "answered":
        return f"{len(part['matches'])} found"
    return str(part["reasons"][0]["code"])


def test_it_gives_nothing_from_its_last_moment_on(three: World) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=10)
    valid = {
        "from": "2026-01-02T00:00:00Z",
        "to": ends.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
    }
    assert outcome(three, SHERIFF, BORDER) == "agreement.none"
    agree(three, a_force("jtf-2026-01", valid=valid))
    assert outcome(three, SHERIFF, BORDER).endswith(" found")
    assert until(lambda: datetime.now(UTC) > ends, 40)
    assert {outcome(three, SHERIFF, BORDER), outcome(three, BORDER, SHERIFF)} == {
        "agreement.expired"
    }


PAIRS = [(asker, owner) for asker in TYPES for owner in TYPES if asker != owner]


def test_each_asks_each_within_roster_and_cases_until_it_ends_or_one_leaves(three: World) -> None:
    agree(three, a_force("jtf-2026-02"))
    for asker, owner in PAIRS:
        assert outcome(three, asker, owner) not in {"0 found", "agreement.none"}, (asker, owner)
        assert outcome(three, asker, owner).endswith(" found"), (asker, owner)
        assert outcome(three, asker, owner, unit="Robbery") == "agreement.outside_limits"
        assert outcome(three, asker, owner, case="26-000001") == "agreement.outside_limits"

    # One leaves: the other two go on, and nobody asks it or answers it.
    run(three[BORDER], "revoke", "jtf-2026-02", "--reason", "Ended here", "--yes")
    for gateway in three.gateways.values():
        apply(gateway)
    stays = {(POLICE, SHERIFF), (SHERIFF, POLICE)}

    def as_it_should_be() -> bool:
        found = {pair: outcome(three, *pair) for pair in PAIRS}
        return all(said.endswith(" found") == (pair in stays) for pair, said in found.items())

    assert until(as_it_should_be, 60)


def test_in_a_force_and_beside_it_and_while_it_is_suspended(three: World) -> None:
    (grant,) = [g for g in a_text()["shares"][SHERIFF] if "criminal_investigation" in g["purposes"]]
    agree(three, a_text(id="mou-general", shares={SHERIFF: [grant], POLICE: [grant]}))
    narrow = a_force("jtf-2026-03")
    narrow["shares"] = {
        ori: [{**g, "record_types": ["warrant"]} for g in grants]
        for ori, grants in narrow["shares"].items()
    }
    agree(three, narrow)
    # The force's case, and all that was asked for: by the general text.
    assert asked_types(three, CASE) == ["person", "warrant"]
    assert outcome(three, POLICE, SHERIFF, case="26-000001").endswith(" found")
    run(three[SHERIFF], "suspend", "jtf-2026-03", "--reason", "A leak is looked into")
    apply(three[SHERIFF])
    assert until(lambda: outcome(three, POLICE, SHERIFF) == "agreement.suspended", 60)
    # What is not the force's goes on: another case, another unit.
    assert outcome(three, POLICE, SHERIFF, case="26-000001").endswith(" found")
    assert outcome(three, POLICE, SHERIFF, unit="Robbery").endswith(" found")
    run(three[SHERIFF], "revoke", "jtf-2026-03", "--reason", "Ended here", "--yes")
    apply(three[SHERIFF])
    assert until(lambda: outcome(three, POLICE, SHERIFF).endswith(" found"), 60)


def asked_types(world: World, case: str) -> list[str]:
    """Ask the sheriff for persons and warrants: which of them the agreement that decided covers."""
    reference = {"type": "case", "number": case}
    body = question(MARISOL, "person", "warrant", agencies=[SHERIFF], reference=reference)
    with world[POLICE].client(an_officer(unit=UNIT), "search") as client:
        (part,) = client.post("/v1/searches", json={k: v for k, v in body.items() if v}).json()[
            "agencies"
        ]
    assert part["status"] == "answered", part
    said = {r["code"] for r in part.get("reasons", [])}
    if "agreement.record_types_not_covered" in said:
        return ["warrant"]
    return sorted({m["record_type"] for m in part["matches"]})
