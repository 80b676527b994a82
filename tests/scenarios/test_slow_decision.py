"""A decision that takes too long is refused through the gateway's own route, with a plain problem,
and harms none after it. Vetting keeps slow rules out: this one is slow for one question alone."""

import time
from typing import Any

import httpx
import pytest

from demo.world import CLIENT, an_officer
from gateway.cli import setup
from gateway.trust.clients import ClientEntry, OfficersEntry
from gateway.trust.jwk import ec_jwk
from tests.scenarios.test_policy_changes import Office, office

__all__ = ["office"]

SLOW = "26-999999"
CANARY = "ZEBULON"
RULE = f"""package sallyport.ask

import rego.v1

slow if {{
	input.search.reference.number == "{SLOW}"
	digits := ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
	count([1 |
		some a in digits
		some b in digits
		some c in digits
		some d in digits
		some e in digits
		some f in digits
		concat("", [a, b, c, d, e, f]) != ""
	]) > 0
}}
"""


@pytest.fixture
def asking(office: Office) -> Office:
    """A gateway whose client may search, by the small set with a rule that is slow."""
    gateway = office.gateway
    entry = ClientEntry(
        client_id=CLIENT,
        key=ec_jwk(gateway.client_key.public_key()),
        scopes=["search", "audit"],
        officers=OfficersEntry(
            roles=["officer", "auditor"], attributes=["sworn", "chri_certified"], assurance=3
        ),
    )
    setup.add_client(gateway.home, entry)
    office.edit(
        "sallyport/ask/ask.rego", "\tofficer_may_ask\n}", "\tofficer_may_ask\n\tnot slow\n}"
    )
    (office.policies / "sallyport/ask/slow.rego").write_text(RULE)
    gateway.start()
    gateway.ready()
    return office


def body(number: str) -> dict[str, Any]:
    return {
        "purpose": "investigation",
        "reference": {"type": "case", "number": number},
        "reason": {"code": "robbery", "text": "Named suspect"},
        "subject": {
            "person": {
                "names": [{"given": CANARY, "surname": "QUILLFEATHER"}],
                "birth_date": "1987-03-12",
            }
        },
        "record_types": ["person"],
        "agencies": ["CA9990000"],
    }


def test_it_is_refused_with_a_plain_problem_and_the_next_is_unharmed(asking: Office) -> None:
    gateway = asking.gateway
    officer = an_officer(roles=("officer",), attributes=("sworn",))
    with gateway.client(officer, "search") as client:

        def ask(number: str) -> tuple[httpx.Response, float]:
            began = time.monotonic()
            response = client.post("/v1/searches", json=body(number))
            return response, time.monotonic() - began

        before, _ = ask("26-000001")
        assert before.status_code == 200, before.text
        late, took = ask(SLOW)
        assert took > 1.0, "the rule is not slow here: there is nothing to refuse"
        assert late.status_code == 503
        assert late.headers["content-type"] == "application/problem+json"
        said = late.json()
        assert said["code"] == "policy.unavailable"
        assert said["detail"].startswith("the policy took too long in 'ask', so nothing is asked")
        assert said["detail"].endswith("tell the administrator of the policies")
        assert CANARY not in late.text
        # The next is decided as the one before, by the same set.
        after, _ = ask("26-000002")
        assert after.status_code == 200, after.text
        assert after.json()["agencies"][0]["status"] == before.json()["agencies"][0]["status"]
    assert gateway.ready()["components"]["policy"]["status"] == "ok"
    assert CANARY not in gateway.log.read_text()
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with gateway.client(auditor, "audit") as client:
        entries = client.get("/v1/audit/entries", params={"limit": 100}).json()["entries"]
    decided = [e["decision"] for e in entries if e["type"] in {"query_out", "deny"}]
    assert decided == ["allow", "error", "allow"]
