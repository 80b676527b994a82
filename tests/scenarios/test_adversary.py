"""Attempts to get round the doors: by a peer, by a client, by an officer, by what fails."""

import csv
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF, person, question
from demo.cast import (
    EXPUNGED,
    JUVENILE,
    MARISOL,
    NONDISCLOSURE,
    PLATE,
    RED,
    STOLEN_ON,
    Member,
)
from demo.world import World, an_officer
from gateway.model import Answer, Granularity, Ori
from gateway.peers import ANSWER
from gateway.trust import keys as key_files
from gateway.trust.tickets import Tickets
from tests.scenarios.conftest import Search, by_agency, entries
from tests.scenarios.test_forged import make_wire, verified

Post = Callable[..., httpx.Response]

BIRTH = MARISOL.birth.isoformat()
NO_LETTERS = ("---", "...", "\u0640")


# -- fishing ----------------------------------------------------------------------------------

FISHING: dict[str, dict[str, Any]] = {
    "nobody": {"person": {}},
    "a surname alone": {"person": {"names": [{"surname": "GARCIA"}]}},
    "a birth date with an empty name": {"person": {"names": [{}], "birth_date": BIRTH}},
    "all ages": {"person": {"names": [{"surname": "GARCIA"}], "age": {"low": 0, "high": 120}}},
    "a make": {"vehicle": {"make": "FORD"}},
    "a century of trucks": {
        "vehicle": {"category": "truck", "date_from": "1926-01-01", "date_to": "2026-01-01"}
    },
    "a century of robberies": {
        "incident": {"offense": "ROBBERY", "date_from": "1926-01-01", "date_to": "2026-01-01"}
    },
    "a name hidden behind an unknown number": {
        "person": {
            "names": [{"given": MARISOL.given, "surname": MARISOL.surname}],
            "identifiers": [{"type": "shoe_size", "number": "1"}],
        }
    },
}


@pytest.mark.parametrize("name", FISHING)
def test_a_peer_does_not_fish(world: World, name: str) -> None:
    every = ["person", "warrant", "arrest", "incident", "vehicle"]
    wire = make_wire(world, subject=FISHING[name], record_types=every, max_matches=100)
    signed = wire.signed()
    response = wire.send(signed)
    assert response.status_code == 200
    verified(wire, signed, response)
    answer = ANSWER.validate_json(response.content)
    assert (answer.status, answer.matches) == ("refused", ())
    assert [r.code for r in answer.reasons] == ["search.too_vague"]
    logged = entries(world, SHERIFF, wire.transaction)
    assert [e["type"] for e in logged] == ["deny", "response_out"]


@pytest.mark.parametrize("subject", [{}, {**person(MARISOL), "item": {"serial": "X1"}}])
def test_a_peers_question_has_one_subject(world: World, subject: dict[str, Any]) -> None:
    wire = make_wire(world, subject=subject)
    signed = wire.signed()
    response = wire.send(signed)
    assert response.status_code == 422
    verified(wire, signed, response)


@pytest.mark.parametrize("text", NO_LETTERS[:2])
@pytest.mark.parametrize(
    "subject",
    [
        {"person": {"names": [{"surname": "?"}], "birth_date": BIRTH}},
        {"person": {"identifiers": [{"type": "driver_license", "number": "?"}]}},
        {"vehicle": {"plate": "?", "plate_state": "TX"}},
        {"vehicle": {"vin": "?????"}},
        {"incident": {"number": "?"}},
        {"item": {"serial": "?"}},
    ],
)
def test_punctuation_is_no_search(post: Post, subject: dict[str, Any], text: str) -> None:
    response = post(POLICE, filled(subject, text), "vehicle", "incident", "person")
    assert response.status_code == 422, response.text


def test_letters_that_leave_nothing_find_nothing(search: Search) -> None:
    # A letter to Unicode, but nothing that names can be compared by.
    for subject in (
        {"person": {"names": [{"surname": NO_LETTERS[2]}], "birth_date": BIRTH}},
        {"vehicle": {"plate": NO_LETTERS[2], "plate_state": "TX"}},
        {"incident": {"number": NO_LETTERS[2]}},
    ):
        every = ("person", "warrant", "arrest", "incident", "vehicle")
        for part in search(POLICE, subject, *every, max_matches=100)["agencies"]:
            assert not part.get("matches"), (part["ori"], subject)


def filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {k: filled(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(v, text) for v in value]
    return value.replace("?", text) if isinstance(value, str) else value


# -- what is never shared ----------------------------------------------------------------------


def test_what_is_never_shared_is_no_way_to_search(world: World, search: Search) -> None:
    # A hit by an alien number would say what the agreement keeps back: the status.
    line = next(
        text
        for text in (world[BORDER].home / "sources" / "encounters.txt").read_text().splitlines()
        if text[129:138].strip() and text[139] == "G" and text[138] != "J"
    )
    numbers = [{"type": "alien_registration", "number": line[129:138]}]
    outcome = search(
        SHERIFF, {"person": {"identifiers": numbers}}, "crossing", "person", agencies=[BORDER]
    )
    part = by_agency(outcome)[BORDER]
    assert part["status"] == "refused"
    assert [r["code"] for r in part["reasons"]] == ["search.too_vague"]

    born = f"{line[67:71]}-{line[71:73]}-{line[73:75]}"
    name = {"given": line[42:67].strip(), "surname": line[12:42].strip()}
    named = {"person": {"names": [name], "birth_date": born, "identifiers": numbers}}
    part = by_agency(search(SHERIFF, named, "crossing", agencies=[BORDER]))[BORDER]
    assert part["matches"]
    assert part["terms_not_used"] == ["alien_registration"]
    assert "alien_registration" not in str(part["matches"])
    # Nor by a number of which only the last digits are shared: each guess would be confirmed.
    persons = (world[SHERIFF].home / "sources" / "persons.csv").read_text(encoding="cp1252")
    row = next(r for r in csv.DictReader(persons.splitlines()) if r["SSN"].strip())
    social = {"identifiers": [{"type": "ssn", "number": row["SSN"].replace("-", "")}]}
    part = by_agency(search(POLICE, {"person": social}, "person", agencies=[SHERIFF]))[SHERIFF]
    assert part["status"] == "refused"
    assert [r["code"] for r in part["reasons"]] == ["search.too_vague"]
    # The sector's own officers search by it.
    agent = an_officer("agent.12", unit="Line Watch", unit_function="border_patrol")
    own = search(
        BORDER, {"person": {"identifiers": numbers}}, "crossing", officer=agent, agencies=[BORDER]
    )
    assert by_agency(own)[BORDER]["matches"]


def test_arrests_inside_an_incident_need_the_purpose_code_too(search: Search) -> None:
    day = STOLEN_ON.isoformat()
    theft = {"incident": {"date_from": day, "date_to": day, "offense": "MOTOR_VEHICLE_THEFT"}}
    with_code = by_agency(search(SHERIFF, theft, "incident", agencies=[BUREAU]))[BUREAU]
    assert "j:Arrest" in str(with_code["matches"])
    without = search(SHERIFF, theft, "incident", agencies=[BUREAU], iii_purpose_code=None)
    part = by_agency(without)[BUREAU]
    assert part["matches"]
    assert "criminal_history" in part["classes_never_shared"]
    assert "Arrest" not in str(part["matches"])


# -- the officer and the clients ----------------------------------------------------------------


def test_the_records_system_reads_no_log_without_an_auditor(world: World) -> None:
    for who in (None, an_officer()):
        with world[POLICE].client(who, "audit") as client:
            for path in ("entries?unseal=true", "checkpoint", "review-queue"):
                assert client.get(f"/v1/audit/{path}").status_code == 403, path


def test_a_kept_search_is_its_officers_alone(world: World, search: Search) -> None:
    found = search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF])
    path = f"/v1/searches/{found['search_id']}"
    record = f"/v1/records/{SHERIFF}/W-26-00417?search={found['search_id']}"
    for other in (an_officer("okafor.447"), an_officer("OKAFOR.4471")):
        with world[POLICE].client(other, "search") as client:
            assert client.get(path).status_code == 404
            assert client.get(record).status_code == 404
            change = {"reference": {"type": "case", "number": "26-1"}}
            assert client.patch(path, json=change).status_code == 404
    with world[POLICE].client(an_officer(), "search") as client:
        assert client.get(record).status_code == 200
        # Of the same search, but a record that it did not name.
        elsewhere = f"/v1/records/{SHERIFF}/W-26-00418?search={found['search_id']}"
        assert client.get(elsewhere).status_code == 404
        assert client.get(elsewhere.replace(SHERIFF, BORDER)).status_code == 404


def test_a_peer_gets_no_record_by_an_id_that_it_was_never_given(world: World) -> None:
    """Ids are easily guessed: a right one says no more than one that no record has."""

    def asked(record_id: str, ticket: str | None) -> tuple[Answer, bytes, list[dict[str, Any]]]:
        subject = {"record": {"record_id": record_id} | ({"ticket": ticket} if ticket else {})}
        wire = make_wire(world, subject=subject)
        signed = wire.signed()
        response = wire.send(signed)
        assert response.status_code == 200
        verified(wire, signed, response)
        answer = ANSWER.validate_json(response.content)
        assert answer.leaf is not None
        body = response.content
        for own in (answer.leaf, answer.blind, answer.transaction):
            body = body.replace(own.encode(), b"-")
        return answer, body, entries(world, SHERIFF, wire.transaction)

    first = make_wire(world)
    given = ANSWER.validate_json(first.send(first.signed()).content)
    ticket = given.tickets["W-26-00417"]
    answer, _, logged = asked("W-26-00417", ticket)
    assert [m.record_id for m in answer.matches] == ["W-26-00417"]
    assert [e.get("reasons") for e in logged] == [None, None]

    pairwise = key_files.load(world[SHERIFF].home).pairwise
    of_another = Tickets(pairwise).ticket(Ori(BUREAU), "W-26-00417")
    _, nothing, _ = asked("W-26-99999", None)
    for wrong in (None, of_another, given.tickets.get("W-26-00418") or "A" * 43):
        answer, body, logged = asked("W-26-00417", wrong)
        assert (answer.status, answer.matches, answer.tickets) == ("answered", (), {})
        assert body == nothing
        assert [e.get("reasons") for e in logged] == [None, ["record.never_given"]]


# -- what fails ---------------------------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.mark.parametrize(
    ("database", "code"),
    [("state.db", "searches.unavailable"), ("ledger.db", "ledger.unavailable")],
)
def test_nothing_goes_out_that_can_not_be_written_down(
    world: World, database: str, code: str
) -> None:
    body = question(person(MARISOL), "warrant", agencies=[SHERIFF])
    with world[POLICE].client(an_officer(), "search") as client:
        with locked(world[POLICE].home / "data" / database):
            response = client.post("/v1/searches", json=body)
            assert (response.status_code, response.json()["code"]) == (503, code)
            assert "W-26-00417" not in response.text
        assert client.post("/v1/searches", json=body).status_code == 200


def test_a_peer_that_can_not_log_gives_nothing(world: World, search: Search) -> None:
    with locked(world[SHERIFF].home / "data" / "ledger.db"):
        part = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF]))[SHERIFF]
    assert part["status"] == "unavailable"
    assert "matches" not in part


# -- purposes that are said of oneself -------------------------------------------------------------


def test_a_purpose_of_other_agencies_is_no_way_round_a_reference(world: World, post: Post) -> None:
    without = {"reference": None, "agencies": [SHERIFF, BORDER]}
    for purpose in ("border_inspection", "exercise"):
        response = post(SHERIFF, person(MARISOL), "person", purpose=purpose, **without)
        if response.status_code == 200:
            assert {a["status"] for a in response.json()["agencies"]} == {"refused"}
        else:
            assert response.json()["code"] == "policy.refused"
    # The second door does not believe it either.
    wire = make_wire(world, purpose="border_inspection", reference=None)
    answer = ANSWER.validate_json(wire.send(wire.signed()).content)
    assert answer.status == "refused"
    assert "purpose.agency" in {r.code for r in answer.reasons}


def test_an_expired_agreement_opens_nothing(search: Search) -> None:
    truck = {"vehicle": {"plate": PLATE, "plate_state": "TX"}}
    part = by_agency(search(BUREAU, truck, "vehicle", agencies=[BORDER]))[BORDER]
    assert part["status"] == "refused"
    assert [r["code"] for r in part["reasons"]] == ["agreement.expired"]


@pytest.mark.parametrize("granularity", list(Granularity))
def test_hidden_records_show_at_no_granularity(search: Search, granularity: str) -> None:
    types = ("person", "warrant", "arrest", "incident", "caution", "vehicle")
    for member in (EXPUNGED, RED):
        asked = {"granularity": granularity, "agencies": [SHERIFF]}
        assert parts(search(POLICE, person(member), *types, **asked)) == parts(
            search(POLICE, nobody_like(member), *types, **asked)
        )


def test_juveniles_and_nondisclosure_do_not_show_to_those_who_hire_or_license(
    search: Search,
) -> None:
    hires = an_officer("hr.1", unit="Personnel", unit_function="personnel")
    licenses = an_officer("lic.1", unit="Licensing", unit_function="licensing")
    cases = (
        (JUVENILE, ("person", "arrest"), hires, "employment", "J"),
        (JUVENILE, ("person",), licenses, "licensing", None),
        (NONDISCLOSURE, ("arrest",), hires, "employment", "J"),
    )
    for member, types, officer, purpose, code in cases:
        for granularity in Granularity:
            asked = {"agencies": [SHERIFF], "officer": officer, "purpose": purpose}
            asked |= {"granularity": granularity, "iii_purpose_code": code}
            assert parts(search(SHERIFF, person(member), *types, **asked)) == parts(
                search(SHERIFF, nobody_like(member), *types, **asked)
            )
        found = search(SHERIFF, person(member), *types, agencies=[SHERIFF])
        assert by_agency(found)[SHERIFF]["matches"]


def parts(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    """All that was said, but for the time it took."""
    return [{k: v for k, v in a.items() if k != "ms"} for a in outcome["agencies"]]


def nobody_like(member: Member) -> dict[str, Any]:
    asked = person(member)
    asked["person"]["names"] = [{"given": "ZENOBIA", "surname": "HOLLOWQUIST"}]
    return asked
