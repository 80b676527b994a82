"""An agency's own data keep the words of a reason from its peers, and its own log has them."""

import json
from typing import Any

from demo.world import Gateway, World
from tests.scenarios.two import POLICE, SHERIFF, ask

WORDS = "Seen by the witness at the quarry"


def newest(gateway: Gateway, kind: str) -> dict[str, Any]:
    words = ("audit", "entries", "--unseal", "--json", "--newest-first", "--limit", "1")
    (entry,) = json.loads(gateway.command(*words, "--type", kind).stdout)["entries"]
    return dict(entry)


def test_the_words_of_a_reason_stay_here(two: World) -> None:
    police, sheriff = two[POLICE], two[SHERIFF]
    reason = {"code": "robbery", "text": WORDS}
    assert ask(two, reason=reason)["status"] == "answered"
    assert WORDS in json.dumps(newest(sheriff, "query_in"))
    local = police.home / "policies" / "local" / "data.yaml"
    text = local.read_text()
    try:
        local.write_text(text.replace("kept_from_others: []", "kept_from_others: [reason]"))
        police.command("policy", "apply")
        assert ask(two, reason=reason)["status"] == "answered"
    finally:
        local.write_text(text)
        police.command("policy", "apply")
    told = json.dumps(newest(sheriff, "query_in"))
    assert WORDS not in told
    assert "Kept by the asking agency" in told
    assert "robbery" in told
    asked = newest(police, "query_out")
    assert asked["personal"]["search"]["reason"] == reason
    assert asked["transaction"] == newest(sheriff, "query_in")["transaction"]
