"""A search that names no agency goes to whom the routing data choose, by place and purpose."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF, person
from demo.cast import MARISOL
from demo.world import World, an_officer
from tests.scenarios.conftest import Search, by_agency, entries

STOP: dict[str, Any] = {
    "purpose": "traffic_stop",
    "iii_purpose_code": None,
    "reference": {"type": "citation", "number": "C-7781"},
}


@pytest.mark.parametrize(
    ("asker", "purpose", "chosen"),
    [
        (POLICE, {}, {POLICE, SHERIFF, BUREAU, BORDER}),
        (BUREAU, {}, {BUREAU, SHERIFF, POLICE}),  # the same purpose, from another place
        (SHERIFF, STOP, {SHERIFF, BUREAU}),
        (POLICE, STOP, {POLICE, SHERIFF}),  # nothing is set for the purpose: the place's own
    ],
    ids=["investigation", "another place", "stop", "otherwise"],
)
def test_nobody_named_the_routing_data_choose_by_place_and_purpose(
    world: World, search: Search, asker: str, purpose: dict[str, Any], chosen: set[str]
) -> None:
    outcome = search(asker, person(MARISOL), "person", agencies=None, **purpose)
    agencies = by_agency(outcome)
    assert agencies.keys() == chosen
    assert agencies[asker]["status"] in {"answered", "not_understood"}
    assert outcome["receipt"]["asked"] == len(chosen)
    # The doors decide on each as if it had been named: the logs of both sides say the same.
    mine = [e for e in entries(world, asker, outcome["search_id"]) if e["peer"] in chosen]
    decided = {e["peer"]: e["decision"] for e in mine if e["type"] in {"query_out", "deny"}}
    assert decided.keys() == chosen
    for ori in world.gateways.keys() - {asker}:
        heard = any(e["type"] == "query_in" for e in entries(world, ori, outcome["search_id"]))
        assert heard == (agencies.get(ori, {}).get("status") in {"answered", "not_understood"})


def test_who_is_chosen_answers_as_if_named(search: Search) -> None:
    named = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF]))[SHERIFF]
    routed = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=None))[SHERIFF]
    assert [m["record_id"] for m in routed["matches"]] == [m["record_id"] for m in named["matches"]]
    assert "W-26-00417" in {m["record_id"] for m in routed["matches"]}


def test_the_log_tells_a_search_without_names_from_one_to_everybody(
    world: World, search: Search
) -> None:
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    for named, logged in ((None, None), (["*"], ["*"])):
        outcome = search(POLICE, person(MARISOL), "person", agencies=named)
        with world[POLICE].client(auditor, "audit") as client:
            asked = {"transaction": outcome["search_id"], "type": "query_out", "unseal": "true"}
            first = client.get("/v1/audit/entries", params=asked).json()["entries"][0]
        assert first["personal"]["search"].get("agencies") == logged


def test_where_nobody_is_set_they_have_to_be_named(
    world: World, post: Callable[..., httpx.Response]
) -> None:
    """The administrator takes the route away: refused, with what to do; named, it goes."""
    routes = world[BUREAU].home / "policies" / "routing" / "data.yaml"
    before = routes.read_text(encoding="utf-8")
    route = "[NM9990000, TX9990000, CA9990000]"
    assert before.count(route) == 1
    routes.write_text(before.replace(route, "[]"), encoding="utf-8")
    try:
        world[BUREAU].command("policy", "apply")
        refused = post(BUREAU, person(MARISOL), "person", agencies=None)
        assert refused.status_code == 403
        (reason,) = refused.json()["reasons"]
        assert reason["code"] == "ask.nobody"
        assert "Name the agencies" in reason["text"]
        assert post(BUREAU, person(MARISOL), "person", agencies=[SHERIFF]).status_code == 200
    finally:
        routes.write_text(before, encoding="utf-8")
        world[BUREAU].command("policy", "apply")
    assert by_agency(post(BUREAU, person(MARISOL), "person", agencies=None).json()).keys() == {
        BUREAU,
        SHERIFF,
        POLICE,
    }
