"""What an agreement obliges the receiver to, between two real gateways: it comes with every answer
that tells something, is shown, and is done; what the receiver can't do is not taken in."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from demo import agreements
from demo.__main__ import question
from demo.world import World, an_officer
from tests.scenarios.two import (
    MARISOL,
    POLICE,
    SHERIFF,
    a_text,
    apply,
    ask,
    desks,
    logged,
    only,
    run,
    said,
    until,
)
from tests.soak import SOAK

DUTIES = [
    {"type": "delete_after", "days": 0},
    {"type": "onward_sharing", "rule": "none"},
    {"type": "confirm_before_acting"},
    {"type": "caveat", "text": "For the task force alone."},
]


def agree(world: World, duties: list[dict[str, Any]], **changes: Any) -> None:
    """Sign a text in which the sheriff wants this done for what it gives, at both."""
    only(world, "nothing")
    text = a_text(id="mou-duties")
    grant = {**text["shares"][SHERIFF][0], "obligations": duties, **changes}
    shares = {**text["shares"], SHERIFF: [grant]}
    agreements.agree(desks(world), {**text, "shares": shares})
    for gateway in world.gateways.values():
        apply(gateway)


def told(part: dict[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("obligations", []))


@pytest.fixture
def strict(kept: World) -> World:
    agree(
        kept,
        DUTIES,
        handling={"keep_days": 30, "onward_sharing": "criminal_justice", "caveat": "As agreed."},
    )
    return kept


def test_they_come_with_the_answer_the_stricter_of_both(strict: World) -> None:
    part = ask(strict)
    assert part["status"] == "answered"
    assert told(part) == [
        {"type": "delete_after", "days": 0},
        {"type": "onward_sharing", "rule": "none"},
        {"type": "caveat", "text": "As agreed."},
        {"type": "caveat", "text": "For the task force alone."},
        {"type": "confirm_before_acting"},
    ]
    for match in part["matches"]:
        assert match["handling"]["keep_days"] == 0
        assert match["handling"]["onward_sharing"] == "none"
        assert match["handling"]["caveat"] == "As agreed."
        # A person's record needs no confirmation by itself.
        assert match["confirm"]["required"] is True


def searched(world: World, **more: Any) -> tuple[dict[str, Any], str]:
    """Ask as an officer of the police; give the sheriff's part and the search's id."""
    body = {k: v for k, v in question(MARISOL, "person", agencies=[SHERIFF], **more).items() if v}
    with world[POLICE].client(an_officer(), "search") as client:
        response = client.post("/v1/searches", json=body)
        assert response.status_code == 200, response.text
        outcome = response.json()
    (part,) = outcome["agencies"]
    return part, outcome["search_id"]


def fetched(world: World, search: str, officer: Any = None) -> int:
    with world[POLICE].client(officer or an_officer(), "search") as client:
        return client.get(f"/v1/searches/{search}").status_code


def test_no_day_means_that_nothing_is_kept(strict: World) -> None:
    _, search = searched(strict)
    assert fetched(strict, search) == 404
    database = strict[POLICE].home / "data" / "state.db"

    def rows() -> int:
        with sqlite3.connect(database) as c:
            (number,) = c.execute("SELECT count(*) FROM search WHERE id = ?", (search,)).fetchone()
        c.close()
        return int(number)

    # Within half a minute it is erased, and not only no longer given: waited for in `make soak`.
    if SOAK:
        assert until(lambda: rows() == 0, seconds=40)


def test_days_are_counted_from_the_strictest_and_nobody_else_is_given_it(kept: World) -> None:
    agree(kept, [{"type": "delete_after", "days": 5}, {"type": "onward_sharing", "rule": "none"}])
    part, search = searched(kept)
    assert told(part)[0] == {"type": "delete_after", "days": 5}
    with sqlite3.connect(kept[POLICE].home / "data" / "state.db") as c:
        query = "SELECT (keep_until - asked_at) / 86400 FROM search WHERE id = ?"
        (days,) = c.execute(query, (search,)).fetchone()
    c.close()
    assert round(days, 6) == 5
    assert fetched(kept, search) == 200
    assert fetched(kept, search, an_officer("p9999")) == 404


@pytest.mark.parametrize("granularity", ["hit", "count", "pointer"])
def test_they_come_where_no_record_is_given_too(strict: World, granularity: str) -> None:
    part, search = searched(strict, granularity=granularity)
    assert part["granularity"] == {"asked": granularity, "given": granularity}
    # A bare answer says no more than it is asked for: not who, not even how many.
    whole = ask(strict)["matches"]
    assert len(whole) == 2
    bare = ask(strict, granularity=granularity)
    told_of = {k: bare[k] for k in ("hit", "count", "matches") if k in bare}
    if granularity == "hit":
        assert told_of == {"hit": True, "matches": []}
    elif granularity == "count":
        assert told_of == {"count": len(whole), "matches": []}
    else:
        assert len(told_of["matches"]) == len(whole)
        assert not [m for m in told_of["matches"] if {"record", "record_id"} & set(m)]
    assert {o["type"] for o in told(part)} >= {"delete_after", "confirm_before_acting", "caveat"}
    assert fetched(strict, search) == 404


def test_an_answer_that_tells_nothing_asks_for_nothing(strict: World) -> None:
    nobody = {
        "person": {"names": [{"given": "Zqx", "surname": "Vhjkw"}], "birth_date": "1931-01-01"}
    }
    body = question(nobody, "person", agencies=[SHERIFF])
    with strict[POLICE].client(an_officer(), "search") as client:
        outcome = client.post("/v1/searches", json=body).json()
    (part,) = outcome["agencies"]
    assert (part["status"], part["matches"], told(part)) == ("answered", [], [])
    assert fetched(strict, outcome["search_id"]) == 200
    for granularity, says in (("hit", {"hit": False}), ("count", {"count": 0})):
        with strict[POLICE].client(an_officer(), "search") as client:
            asked = client.post("/v1/searches", json=body | {"granularity": granularity}).json()
        (part,) = asked["agencies"]
        assert {k: part[k] for k in ("hit", "count") if k in part} == says


def test_what_a_person_has_to_do_has_a_clock_until_it_is_recorded(kept: World) -> None:
    """Also where nothing of the answer may be kept, and for nobody but the officer who asked."""
    agree(kept, [*DUTIES, {"type": "fingerprints_within", "days": 60}])
    body = question(MARISOL, "person", agencies=[SHERIFF])
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with (
        kept[POLICE].client(an_officer(), "search") as desk,
        kept[POLICE].client(an_officer("p9999"), "search") as other,
        kept[POLICE].client(auditor, "audit") as audit,
    ):
        outcome = desk.post("/v1/searches", json=body).json()
        search = outcome["search_id"]
        assert {"type": "fingerprints_within", "days": 60} in told(outcome["agencies"][0])
        (duty,) = outcome["duties"]
        assert (duty["type"], duty["state"], duty["owners"]) == (
            *("fingerprints_within", "open"),
            [SHERIFF],
        )
        left = datetime.fromisoformat(duty["due"]) - datetime.now(UTC)
        assert timedelta(days=59, hours=23) < left < timedelta(days=60)
        assert duty["do"].startswith(f"By {duty['due']}: Send in the fingerprints")
        assert desk.get(f"/v1/searches/{search}").status_code == 404
        where = f"/v1/duties/{duty['id']}"
        assert desk.get(where).json() == {**duty, "search_id": search}

        def queued() -> list[dict[str, Any]]:
            found = audit.get("/v1/audit/review-queue").json()["duties"]
            return [d for d in found if d["duty_id"] == duty["id"]]

        assert queued() == []
        with sqlite3.connect(kept[POLICE].home / "data" / "state.db", timeout=10) as c:
            c.execute("UPDATE duty SET due = due - 61 * 86400 WHERE id = ?", (duty["id"],))
        c.close()
        late = desk.get(where).json()
        assert late["state"] == "overdue"
        assert late["do"].startswith(f"Overdue since {late['due']}: Send in the fingerprints")
        (line,) = queued()
        assert line == {
            "duty_id": duty["id"],
            "search_id": search,
            "type": "fingerprints_within",
            "due": late["due"],
            "done_late": False,
        }
        done = f"{where}/completion"
        for client, body, status in (
            (other, {"reference": "TCN-1"}, 404),
            (desk, {}, 422),
            (desk, {"reference": " "}, 422),
            (desk, {"reference": "TCN-1", "done": True}, 422),
        ):
            assert client.post(done, json=body).status_code == status, body
        assert other.get(where).json()["code"] == "duty.not_found"
        assert desk.get(f"/v1/duties/duty_{'0' * 32}").status_code == 404
        recorded = desk.post(done, json={"reference": "TCN-26-0417"})
        assert recorded.status_code == 200, recorded.text
        assert recorded.json()["state"] == "done_late"
        assert recorded.json()["reference"] == "TCN-26-0417"
        assert desk.get(where).json() == recorded.json()
        again = desk.post(done, json={"reference": "TCN-26-0418"})
        assert (again.status_code, again.json()["code"]) == (409, "duty.done")
        (line,) = queued()
        assert line["done_late"] is True
    (entry,) = [e for e in logged(kept[POLICE], "duty_done_late") if e["transaction"] == search]
    assert "TCN-26-0417" not in str(entry)


def test_what_the_receiver_cannot_do_is_not_signed(kept: World) -> None:
    only(kept, "nothing")
    text = a_text(id="mou-forget")
    draft = kept.root / "forget.yaml"
    for duty, why in (
        ({"type": "forget"}, "'forget' is not among the vocabulary's obligations"),
        ({"type": "delete_after"}, "'delete_after' takes `days`"),
        ({"type": "onward_sharing", "rule": "press"}, "'press' is not among the vocabulary's"),
    ):
        shares = {**text["shares"]}
        shares[SHERIFF] = [{**shares[SHERIFF][0], "obligations": [duty]}]
        draft.write_text(yaml.safe_dump({**text, "shares": shares}, sort_keys=False))
        refused = said(run(kept[SHERIFF], "sign", str(draft), "--yes", fails=True))
        assert why in refused
        assert refused.startswith("forget.yaml:")


def test_what_the_receiver_does_not_know_is_not_taken_in(kept: World) -> None:
    """The owner's set has a word that the asker's has not: its answers are thrown away."""
    agree(kept, [])
    rego = kept[SHERIFF].home / "policies/sallyport/answer/answer.rego"
    words = kept[POLICE].home / "policies/sallyport/vocabulary/data.yaml"
    admit = kept[POLICE].home / "policies/sallyport/admit/admit.rego"
    tests = [
        gateway.home / f"policies/sallyport/{name}/{name}_test.rego"
        for gateway in kept.gateways.values()
        for name in ("admit", "answer", "obligations")
    ]
    before = {p: p.read_text() for p in (rego, words, admit, *tests)}
    owed = '"obligations": data.sallyport.shared.owed'
    stale = '[{"type": "stale_data"} | input.answer.stale == true]'
    try:
        assert owed in before[rego]
        rego.write_text(before[rego].replace(owed, '"obligations": [{"type": "stale_data"}]'))
        for path in tests:
            path.unlink()
        kept[SHERIFF].command("policy", "apply")
        assert {"type": "stale_data"} in told(ask(kept))
        # The asker's vocabulary no longer has it. Its rules may not name it then either.
        words.write_text(
            before[words].replace("confirm_before_acting, stale_data, ", "confirm_before_acting, ")
        )
        assert words.read_text() != before[words]
        refused = kept[POLICE].command("policy", "apply", check=False)
        assert refused.returncode != 0
        assert "'stale_data' is no obligation of the vocabulary" in refused.stderr
        assert stale in before[admit]
        admit.write_text(before[admit].replace(stale, "[]"))
        done = kept[POLICE].command("policy", "apply", check=False)
        assert done.returncode == 0, done.stderr
        part = ask(kept)
        assert part["status"] == "bad_answer"
        assert "matches" not in part
    finally:
        for path, text in before.items():
            path.write_text(text)
        for gateway in kept.gateways.values():
            gateway.command("policy", "apply")
