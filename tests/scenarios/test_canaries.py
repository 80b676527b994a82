"""Names that must be found nowhere but in an answer: logs, metrics, traces, problems, databases."""

import time
from pathlib import Path

import httpx

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF, person
from demo.cast import MARISOL
from demo.world import World, an_officer
from tests.scenarios.conftest import Search

CANARY = "ZEPHYRINEQUILL"
NUMBER = "77CANARY4417"


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
    time.sleep(6)  # the spans are written every five seconds
    for text in problems:
        assert CANARY.lower() not in text.lower()
        assert NUMBER not in text
    traced = 0
    for gateway in world.gateways.values():
        metrics = httpx.get(gateway.url + "/metrics").text
        assert "sallyport_http_seconds" in metrics
        ready = httpx.get(gateway.url + "/readyz").text
        for text in (metrics, ready, gateway.log.read_text()):
            assert CANARY.lower() not in text.lower()
            assert NUMBER not in text
            assert "QUEZADA" not in text
        traces = gateway.home / "data" / "trace.jsonl"
        traced += traces.read_text().count('"name"')
        # Sealed at rest: the log, the kept searches and the traces don't hold them in clear.
        for name in ("ledger.db", "ledger.db-wal", "state.db", "state.db-wal", "trace.jsonl"):
            assert_not_in(gateway.home / "data" / name)
    assert traced > 0


def assert_not_in(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    for word in (CANARY, CANARY.lower(), NUMBER, "QUEZADA"):
        assert word.encode() not in content, (path.name, word)
