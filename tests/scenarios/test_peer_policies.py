"""Each gateway shows by which policy set its peer decides, as the peer signed it, since when."""

import json
from typing import Any

import httpx

from demo.world import Gateway, World
from tests.scenarios.two import MOU, POLICE, SHERIFF, apply, ask, logged, run, until


def shown(gateway: Gateway, peer: str) -> dict[str, Any]:
    listed = json.loads(gateway.command("peer", "list", "--json").stdout)
    (found,) = [p for p in listed["peers"] if p["ori"] == peer]
    return dict(found["policy"])


def decides_by(gateway: Gateway) -> str:
    return str(gateway.ready()["components"]["policy"]["revision"])


def told(gateway: Gateway, decision: str, peer: str) -> list[dict[str, Any]]:
    return [e for e in logged(gateway, decision) if e["peer"] == peer]


def test_a_partners_set_is_known_and_its_change_is_noticed(kept: World) -> None:
    police, sheriff = kept[POLICE], kept[SHERIFF]
    assert ask(kept)["status"] == "answered"
    before = shown(police, SHERIFF)
    assert before["revision"] == decides_by(sheriff)
    (seen,) = told(police, "peer_policy_seen", SHERIFF)
    assert seen["type"] == "notice"
    number = len(told(police, "peer_policy_changed", SHERIFF))

    local = sheriff.home / "policies" / "local" / "data.yaml"
    text = local.read_text()
    try:
        local.write_text(text.replace("max_matches: ", "max_matches: 1", 1))
        assert local.read_text() != text
        sheriff.command("policy", "apply")
        assert decides_by(sheriff) != before["revision"]
        assert ask(kept)["status"] == "answered"
        after = shown(police, SHERIFF)
        assert (after["revision"], after["before"]) == (decides_by(sheriff), before["revision"])
        assert after["changed"] is True
        assert after["since"] > before["since"]
        changes = told(police, "peer_policy_changed", SHERIFF)
        assert len(changes) == number + 1
        assert (changes[-1]["request"], changes[-1]["response"]) == (
            before["revision"],
            after["revision"],
        )
        # Without a token, on the page that watches over it; and for people.
        ready = httpx.get(police.url + "/readyz").json()["components"]["peers"]
        assert ready["policies"][SHERIFF]["revision"] == after["revision"]
        table = police.command("peer", "list").stdout
        assert after["revision"][8:20] in table
        assert before["revision"][8:20] in table
        # It outlasts a restart, without a question asked.
        police.stop()
        police.start()
        police.ready()
        again = shown(police, SHERIFF)
        assert {**again, "seen": after["seen"]} == after
    finally:
        local.write_text(text)
        sheriff.command("policy", "apply")


def test_it_is_known_without_a_question_from_the_messages_on_agreements(kept: World) -> None:
    police, sheriff = kept[POLICE], kept[SHERIFF]
    run(sheriff, "suspend", MOU, "--reason", "An audit is open")
    apply(sheriff)
    # What the sheriff told it by is the set that the suspension made.
    assert until(lambda: shown(police, SHERIFF)["revision"] == decides_by(sheriff))
