"""A search whose matter has no number yet: it may be asked, and the number is owed within a day."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from demo.__main__ import question
from demo.world import World, an_officer
from gateway.model import parse_stamp
from tests.scenarios.conftest import entries
from tests.scenarios.two import MARISOL, POLICE, SHERIFF

PENDING = {"type": "pending"}
NUMBER = {"reference": {"type": "citation", "number": "C-5512"}}
DAY = timedelta(hours=24)


@pytest.fixture
def officer(two: World) -> Iterator[httpx.Client]:
    with two[POLICE].client(an_officer(), "search") as client:
        yield client


def asked(officer: httpx.Client, reference: Any, purpose: str = "traffic_stop") -> httpx.Response:
    more = {"purpose": purpose, "reference": reference, "agencies": [SHERIFF]}
    body = question(MARISOL, "warrant", **more)
    if purpose == "traffic_stop":
        del body["iii_purpose_code"]
    return officer.post("/v1/searches", json={k: v for k, v in body.items() if v is not None})


def stopped(officer: httpx.Client) -> tuple[str, str]:
    """Stop a car: search with a reference to come. Gives the search's id, and when it is due."""
    response = asked(officer, PENDING)
    assert response.status_code == 200, response.text
    outcome = response.json()
    assert outcome["agencies"][0]["status"] == "answered"
    return outcome["search_id"], outcome["reference_due"]


def queued(world: World, search: str) -> list[dict[str, Any]]:
    """Give what the police's auditor finds of a search in the review queue."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with world[POLICE].client(auditor, "audit") as client:
        queue = client.get("/v1/audit/review-queue").json()["overdue"]
    return [o for o in queue if o["search_id"] == search]


def time_passes(world: World, search: str, seconds: int) -> None:
    """Have a search been asked so much earlier: what its row says of when is all that counts."""
    with sqlite3.connect(world[POLICE].home / "data" / "state.db", timeout=10) as c:
        changed = c.execute(
            "UPDATE search SET asked_at = asked_at - ? WHERE id = ?", (seconds, search)
        )
        assert changed.rowcount == 1
    c.close()


def notices(world: World, search: str) -> list[str]:
    return [e["decision"] for e in entries(world, POLICE, search) if e["type"] == "notice"]


def test_the_number_comes_in_time(two: World, officer: httpx.Client) -> None:
    search, due = stopped(officer)
    # Both sides have it in the log that there was no number, and the owner that one is to come.
    for ori, kind in ((POLICE, "query_out"), (SHERIFF, "query_in")):
        (entry,) = [e for e in entries(two, ori, search) if e["type"] == kind]
        within = parse_stamp(due) - parse_stamp(entry["time"])
        assert abs(within - DAY) < timedelta(seconds=30)
    assert queued(two, search) == []
    given = officer.patch(f"/v1/searches/{search}", json=NUMBER)
    assert (given.status_code, given.json()) == (200, {"search_id": search, "in_time": True})
    assert notices(two, search) == ["reference_completed"]
    time_passes(two, search, 90_000)
    assert queued(two, search) == []


def test_the_number_comes_too_late_and_stays_in_the_review_queue(
    two: World, officer: httpx.Client
) -> None:
    search, _ = stopped(officer)
    time_passes(two, search, 86_390)
    assert queued(two, search) == []  # ten seconds are left
    time_passes(two, search, 20)
    (overdue,) = queued(two, search)
    assert overdue["completed_late"] is False
    given = officer.patch(f"/v1/searches/{search}", json=NUMBER)
    assert given.json() == {"search_id": search, "in_time": False}
    assert notices(two, search) == ["reference_late"]
    (overdue,) = queued(two, search)
    assert overdue["completed_late"] is True
    again = officer.patch(f"/v1/searches/{search}", json=NUMBER)
    assert (again.status_code, again.json()["code"]) == (409, "search.not_pending")
    assert notices(two, search) == ["reference_late"]


def test_only_who_asked_gives_it_and_only_a_whole_one(two: World, officer: httpx.Client) -> None:
    search, _ = stopped(officer)
    path = f"/v1/searches/{search}"
    with two[POLICE].client(an_officer("p9999"), "search") as other:
        assert other.patch(path, json=NUMBER).status_code == 404
    with two[SHERIFF].client(an_officer(), "search") as elsewhere:
        assert elsewhere.patch(path, json=NUMBER).status_code == 404
    for wrong in (PENDING, {"type": "case"}, {"type": "rumour", "number": "1"}):
        assert officer.patch(path, json={"reference": wrong}).status_code == 422
    assert notices(two, search) == []
    assert officer.patch(path, json=NUMBER).json()["in_time"] is True


@pytest.mark.parametrize(
    ("reference", "purpose"),
    [(None, "traffic_stop"), (PENDING, "criminal_investigation")],
    ids=["none at all", "a purpose that has its number from the start"],
)
def test_no_number_is_no_way_round_it(officer: httpx.Client, reference: Any, purpose: str) -> None:
    refused = asked(officer, reference, purpose)
    assert refused.status_code == 403
    assert [r["code"] for r in refused.json()["reasons"]] == ["reference.required"]
