"""A warrant found at another agency says "do not act" until its owner has confirmed it: through the
real routes of two gateways, with every step in the log and nothing of it for anybody else."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from demo.__main__ import question
from demo.world import World, an_officer
from tests.scenarios.test_obligations import DUTIES, agree
from tests.scenarios.two import MARISOL, POLICE, SHERIFF, logged

WARRANT = "W-26-00417"
GOOD = {"response": "confirmed", "by": "Deputy Ana Terrazas, warrants desk"}


@pytest.fixture
def desk(kept: World) -> Iterator[httpx.Client]:
    """The asking officer's system."""
    with kept[POLICE].client(an_officer(), "search") as client:
        yield client


def found(desk: httpx.Client, *types: str, **more: Any) -> tuple[str, dict[str, Any]]:
    body = question(MARISOL, *types, agencies=[SHERIFF], **more)
    response = desk.post("/v1/searches", json={k: v for k, v in body.items() if v})
    assert response.status_code == 200, response.text
    (part,) = response.json()["agencies"]
    return response.json()["search_id"], part


def warrant(part: dict[str, Any]) -> dict[str, Any]:
    return dict(next(m for m in part["matches"] if m["record_id"] == WARRANT))


def code(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["code"])


def given_minutes(asked: dict[str, Any]) -> float:
    """Give how long the owner has: ten minutes and an hour in NCIC's hit confirmation."""
    due, at = (datetime.fromisoformat(asked[name]) for name in ("due", "requested_at"))
    return (due - at) / timedelta(minutes=1)


def test_a_warrant_is_not_to_be_acted_on_until_its_owner_has_confirmed_it(
    kept: World, desk: httpx.Client
) -> None:
    search, part = found(desk, "person", "warrant")
    hit = warrant(part)["confirm"]
    assert hit["state"] == "unconfirmed"
    assert hit["do"].startswith("Unconfirmed, do not act on it")
    assert hit["phone"]
    # A person's record by itself needs none, and each warrant has its own.
    assert all("confirm" not in m for m in part["matches"] if m["record_type"] == "person")
    assert "confirm" not in part

    where = f"/v1/confirmations/{hit['id']}"
    asked = desk.post(f"{where}/requests", json={"priority": "urgent"}).json()
    assert (asked["state"], asked["requests"], asked["ori"]) == ("requested", 1, SHERIFF)
    assert asked["search_id"] == search
    assert given_minutes(asked) == 10
    assert "do not act" in asked["do"]
    again = desk.post(f"{where}/requests", json={"priority": "routine"})
    assert code(again, 409) == "confirmation.requested"
    assert asked["due"] in again.json()["detail"]
    kept_hit = warrant(desk.get(f"/v1/searches/{search}").json()["agencies"][0])["confirm"]
    assert kept_hit == {
        "required": True,
        "phone": hit["phone"],
        **{k: v for k, v in asked.items() if k not in {"search_id", "ori"}},
    }

    said = desk.post(f"{where}/responses", json={**GOOD, "note": "Still active."}).json()
    assert (said["state"], said["by"]) == ("confirmed", GOOD["by"])
    assert "due" not in said
    assert desk.get(where).json() == said
    kept_hit = warrant(desk.get(f"/v1/searches/{search}").json()["agencies"][0])["confirm"]
    assert (kept_hit["state"], kept_hit["by"]) == ("confirmed", GOOD["by"])

    # Asked once more, it does not count as confirmed any longer; and then the owner says no.
    assert desk.post(f"{where}/requests", json={"priority": "routine"}).json()["requests"] == 1
    assert desk.get(where).json()["state"] == "requested"
    denied = desk.post(f"{where}/responses", json={**GOOD, "response": "denied"}).json()
    assert denied["state"] == "denied"
    assert denied["do"].startswith("Do not act on it")

    for what, times in (("confirmation_requested", 2), ("hit_confirmed", 1), ("hit_denied", 1)):
        entries = [e for e in logged(kept[POLICE], what) if e["transaction"] == search]
        assert len(entries) == times, what
        assert all(e["peer"] == SHERIFF for e in entries)
        # Who asked and who answered is sealed.
        assert GOOD["by"] not in str(entries)


def test_a_record_fetched_anew_is_unconfirmed_anew(desk: httpx.Client) -> None:
    search, part = found(desk, "person", "warrant")
    first = warrant(part)["confirm"]
    desk.post(f"/v1/confirmations/{first['id']}/responses", json=GOOD)
    fresh = desk.get(f"/v1/records/{SHERIFF}/{WARRANT}", params={"search": search}).json()
    hit = warrant(fresh["agencies"][0])["confirm"]
    assert hit["id"] != first["id"]
    assert hit["state"] == "unconfirmed"


@pytest.mark.parametrize("granularity", ["hit", "count", "pointer"])
def test_what_names_no_record_is_to_be_confirmed_as_a_whole(
    desk: httpx.Client, granularity: str
) -> None:
    _, part = found(desk, "warrant", granularity=granularity)
    assert {"type": "confirm_before_acting"} in part["obligations"]
    assert all("confirm" not in m for m in part["matches"])
    hit = part["confirm"]
    assert hit["state"] == "unconfirmed"
    said = desk.post(f"/v1/confirmations/{hit['id']}/responses", json=GOOD)
    assert said.json()["state"] == "confirmed"


def test_it_runs_where_nothing_of_the_answer_may_be_kept(kept: World, desk: httpx.Client) -> None:
    agree(kept, DUTIES)
    search, part = found(desk, "warrant")
    hits = [m["confirm"] for m in part["matches"]]
    assert hits
    assert desk.get(f"/v1/searches/{search}").status_code == 404
    asked = desk.post(f"/v1/confirmations/{hits[0]['id']}/requests", json={"priority": "urgent"})
    assert asked.json()["state"] == "requested"
    data = kept[POLICE].home / "data"
    state = b"".join(file.read_bytes() for file in data.glob("state.db*"))
    assert hits[0]["id"].encode() in state
    assert WARRANT.encode() not in state


def test_an_owner_that_does_not_answer_in_time_is_asked_again_and_then_reviewed(
    kept: World, desk: httpx.Client
) -> None:
    _, part = found(desk, "warrant")
    hit = warrant(part)["confirm"]["id"]
    where = f"/v1/confirmations/{hit}"

    def time_passes() -> None:
        with sqlite3.connect(kept[POLICE].home / "data" / "state.db", timeout=10) as c:
            c.execute("UPDATE confirmation SET due = due - 3601 WHERE id = ?", (hit,))
        c.close()

    for requests, words in ((1, "Ask again"), (2, "supervisor")):
        asked = desk.post(f"{where}/requests", json={"priority": "routine"}).json()
        assert (asked["state"], asked["requests"]) == ("requested", requests)
        assert given_minutes(asked) == 60
        time_passes()
        late = desk.get(where).json()
        assert late["state"] == "overdue"
        assert words in late["do"]
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with kept[POLICE].client(auditor, "audit") as client:
        queue = client.get("/v1/audit/review-queue").json()["unanswered"]
    (mine,) = (u for u in queue if u["confirmation_id"] == hit)
    assert (mine["owner"], mine["requests"]) == (SHERIFF, 2)
    assert mine["due"] == late["due"]


def test_nobody_else_confirms_it_and_nothing_unknown_counts(
    kept: World, desk: httpx.Client
) -> None:
    _, part = found(desk, "warrant")
    where = f"/v1/confirmations/{warrant(part)['confirm']['id']}"
    with kept[POLICE].client(an_officer("p9999"), "search") as other:
        assert code(other.get(where), 404) == "confirmation.not_found"
        assert code(other.post(f"{where}/responses", json=GOOD), 404) == "confirmation.not_found"
        asked = other.post(f"{where}/requests", json={"priority": "urgent"})
        assert code(asked, 404) == "confirmation.not_found"
    nowhere = f"/v1/confirmations/conf_{'0' * 32}"
    assert code(desk.post(f"{nowhere}/responses", json=GOOD), 404) == "confirmation.not_found"
    unknown = desk.post(f"{where}/requests", json={"priority": "whenever"})
    assert code(unknown, 422) == "confirmation.unknown_priority"
    assert "routine, urgent" in unknown.json()["detail"]
    for body in ({"response": "confirmed"}, {**GOOD, "response": "maybe"}, {**GOOD, "by": ""}):
        assert desk.post(f"{where}/responses", json=body).status_code == 422, body
    assert desk.get(where).json()["state"] == "unconfirmed"
    assert httpx.get(kept[POLICE].url + where).status_code == 401
