"""Names that must be found nowhere but in an answer: logs, metrics, traces, problems, databases.

Here they are asked for in every way that goes wrong. What all scenarios leave is looked through at
the end of their gateways: see `sweep.py`.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF, person, question
from demo.cast import MARISOL, YURIY
from demo.world import Gateway, World, an_officer
from tests.scenarios.conftest import Search
from tests.scenarios.sweep import CANARY, NUMBER, found_in, shown, written


def ask_all_ways(world: World, search: Search) -> list[str]:
    """Use the canary in searches that work, are refused, are wrong, and fail. Give the problems."""
    who = {
        "person": {
            "names": [{"given": CANARY, "surname": f"{CANARY}SON"}],
            "birth_date": "1987-03-12",
            "identifiers": [{"type": "driver_license", "number": NUMBER, "jurisdiction": "TX"}],
        }
    }
    agent = an_officer(f"{CANARY.lower()}.officer", unit_function="civil_enforcement")
    search(POLICE, who, "person", "warrant", reason={"code": "x", "text": f"{CANARY} was seen"})
    search(POLICE, who, "person", attention=CANARY, reference={"type": "case", "number": NUMBER})
    search(BORDER, who, "person", officer=agent, purpose="civil_immigration", iii_purpose_code=None)
    problems = []
    with world[POLICE].client(an_officer(), "search") as client:
        for wrong in (
            {"purpose": CANARY},
            {"purpose": CANARY.lower()},
            {CANARY: 1},
            {"subject": {"person": {CANARY: CANARY}}},
            {"subject": {"person": {"names": [{"given": CANARY}], "birth_date": CANARY}}},
            {"record_types": [CANARY.lower()]},
        ):
            response = client.post("/v1/searches", json=wrong)
            assert 400 <= response.status_code < 500
            problems.append(response.text)
        problems.append(client.get(f"/v1/{CANARY}").text)
        problems.append(client.get(f"/v1/records/{SHERIFF}/{CANARY}").text)
    problems.append(
        httpx.get(
            world[POLICE].url + "/v1/agencies", headers={"authorization": f"Bearer {CANARY}"}
        ).text
    )
    form = {"grant_type": CANARY, "client_assertion": CANARY, "scope": CANARY}
    problems.append(httpx.post(world[POLICE].url + "/oauth2/token", data=form).text)
    return problems


def test_canaries_are_found_nowhere(world: World, search: Search) -> None:
    search(POLICE, person(MARISOL), "person")
    problems = ask_all_ways(world, search)
    # One more that fails in the middle: the peer is down.
    world[BUREAU].stop()
    search(POLICE, person(MARISOL), "incident", attention=CANARY, deadline_ms=500)
    world[BUREAU].start()
    world[BUREAU].ready()
    for text in problems:
        assert not found_in(text), text
    shown(world.gateways)
    written(world.gateways)


@contextmanager
def damaged(gateway: Gateway, record_id: str) -> Iterator[None]:
    """Cut a stored record off in its middle, as a broken disk would, and mend it afterwards."""
    query = "SELECT id, message FROM records WHERE record_id = ?"
    change = "UPDATE records SET message = ? WHERE id = ?"
    with closing(sqlite3.connect(gateway.home / "data" / "records.db", timeout=20)) as db:
        before = db.execute(query, [record_id]).fetchall()
        assert before
        cut = [(message[:-9], key) for key, message in before]
        assert all(found_in(message.decode()) for message, _ in cut)
        with db:
            db.executemany(change, cut)
        try:
            yield
        finally:
            with db:
                db.executemany(change, [(message, key) for key, message in before])


def test_a_gateway_that_fails_shows_nothing_of_what_it_held(two: World) -> None:
    # Nobody else asks for this record: the gateway keeps for a while what it read.
    sheriff = two[SHERIFF]
    with sheriff.client(an_officer(), "search") as client:
        with damaged(sheriff, "P-000512"):
            body = question(person(YURIY), "person", agencies=[SHERIFF])
            failed = client.post("/v1/searches", json=body)
        # One agency's failure, as any other's, also where it is the agency's own.
        assert failed.status_code == 200
        assert not found_in(failed.text)
        (part,) = failed.json()["agencies"]
        assert part["status"] == "unavailable"
        assert not failed.json()["receipt"]["complete"]
        # The next caller is unharmed.
        body = question(person(MARISOL), "warrant", agencies=[SHERIFF])
        assert client.post("/v1/searches", json=body).json()["status"] == "complete"
    # Its kind and place stand in the log, and no more.
    events = [json.loads(line) for line in sheriff.log.read_text().splitlines()]
    (told,) = [e for e in events if e["event"] == "an answer failed"]
    assert told["kind"] == "JSONDecodeError"
    assert told["at"].startswith("gateway.records.")
    shown(two.gateways)
    written(two.gateways)
