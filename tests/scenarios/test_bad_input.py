"""Bad input through the real route: a clear problem, never a 500, and the next caller unharmed."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from demo.__main__ import POLICE, SHERIFF, person, question
from demo.cast import MARISOL
from demo.world import World, an_officer
from tests.scenarios.conftest import Search, by_agency

JSON = "application/json"


def body(**more: Any) -> dict[str, Any]:
    made = question(person(MARISOL), "warrant", agencies=[SHERIFF])
    return {k: v for k, v in (made | more).items() if v is not None}


def named(**name: str) -> dict[str, Any]:
    return {"subject": {"person": {"names": [name], "birth_date": "1987-03-12"}}}


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown purpose": (body(purpose="curiosity"), 422, "search.unknown_purpose"),
    "unknown record type": (body(record_types=["gossip"]), 422, "search.unknown_record_type"),
    "no purpose": (body(purpose=None), 422, "request.invalid"),
    "unknown key": (body(purpos="x"), 422, "request.unknown_key"),
    "identity in the body": (body(officer="x"), 422, "request.unknown_key"),
    "two subjects": (
        body(subject=person(MARISOL) | {"item": {"serial": "1"}}),
        422,
        "request.invalid",
    ),
    "no subject": (body(subject={}), 422, "request.invalid"),
    "a name alone": (
        body(subject={"person": {"names": [{"surname": "QUEZADA"}]}}),
        422,
        "search.too_vague",
    ),
    "a wide age": (
        body(subject={"person": {"names": [{"surname": "Q"}], "age": {"low": 0, "high": 99}}}),
        422,
        "search.too_vague",
    ),
    "a future birth": (
        body(subject={"person": {"names": [{"surname": "Q"}], "birth_date": "2090-01-01"}}),
        422,
        "search.birth_date",
    ),
    "a birth in seconds": (
        body(subject={"person": {"names": [{"surname": "Q"}], "birth_date": 86_400}}),
        422,
        "request.invalid",
    ),
    "a birth in seconds as a text": (
        body(subject={"person": {"names": [{"surname": "Q"}], "birth_date": "86400"}}),
        422,
        "request.invalid",
    ),
    "no such day": (
        body(subject={"person": {"names": [{"surname": "Q"}], "birth_date": "1987-02-31"}}),
        422,
        "request.invalid",
    ),
    "an empty vehicle": (body(subject={"vehicle": {"color": "RED"}}), 422, "search.too_vague"),
    "an incident without a day": (
        body(subject={"incident": {"offense": "ROBBERY"}}),
        422,
        "search.too_vague",
    ),
    "a record": (body(subject={"record": {"record_id": "W-1"}}), 422, "request.invalid"),
    "a placeholder": (
        body(reason={"code": "robbery", "text": "n/a"}),
        422,
        "search.reason_placeholder",
    ),
    "an empty reason": (
        body(reason={"code": "robbery", "text": ""}),
        422,
        "request.invalid",
    ),
    "a blank reason": (
        body(reason={"code": "robbery", "text": "   "}),
        422,
        "request.invalid",
    ),
    "dots": (body(reason={"code": "robbery", "text": "....."}), 422, "search.reason_placeholder"),
    "xxxx": (body(reason={"code": "robbery", "text": "xxxxxx"}), 422, "search.reason_placeholder"),
    **{
        f"the reason {text}": (
            body(reason={"code": "robbery", "text": text}),
            422,
            "search.reason_placeholder",
        )
        for text in (
            "test test test",
            "Test, TEST - test!",
            "n/a, n/a",
            "N/A; n/a. N / A",
            "\uff54\uff45\uff53\uff54",  # in wide letters
            "robbery robbery",
            "test_test",
            "qwertyuiop",
            "12 34 56 78",
        )
    },
    **{
        f"the reference {number}": (
            body(reference={"type": "case", "number": number}),
            422,
            "request.invalid",
        )
        for number in (".", "-", "--/--", "\u2014", "\u00b7")
    },
    "no number": (body(reference={"type": "case"}), 422, "request.invalid"),
    "a numbered pending": (
        body(reference={"type": "pending", "number": "1"}),
        422,
        "request.invalid",
    ),
    "star and one": (body(agencies=["*", SHERIFF]), 422, "request.invalid"),
    "no ORI": (body(agencies=["sheriff"]), 422, "request.invalid"),
    "a deadline of a day": (body(deadline_ms=86_400_000), 422, "request.invalid"),
    "too many matches": (body(max_matches=10_000), 422, "request.invalid"),
    "a truth for a number": (body(max_matches=True), 422, "request.invalid"),
    "a text for a number": (body(deadline_ms="5000"), 422, "request.invalid"),
    "a list for an object": (body(subject=[]), 422, "request.invalid"),
    "a huge number": (body(max_matches=10**30), 422, "request.invalid"),
    "no letters": (body(**named(surname="%_%")), 422, "request.invalid"),
    "a picture": (body(**named(surname="\U0001f9d1\U0001f3fd")), 422, "request.invalid"),
    "a callback turned round": (body(callback="\u202e0010-555-916-1+"), 422, "request.invalid"),
    "attention in two lines": (body(attention="DET\u2028OKAFOR"), 422, "request.invalid"),
    "a name within an isolate": (body(**named(surname="\u2066QUE\u2069")), 422, "request.invalid"),
    "a nul": (body(**named(surname="QUE\x00ZADA")), 422, "request.invalid"),
}


def ok(world: World, search: Search) -> None:
    """The next caller is unharmed."""
    part = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF]))[SHERIFF]
    assert part["status"] == "answered"
    assert world[POLICE].ready()["status"] in {"ok", "degraded"}


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[httpx.Client]:
    with world[POLICE].client(an_officer(), "search") as made:
        yield made


@pytest.mark.parametrize("name", BAD)
def test_a_clear_problem(client: httpx.Client, name: str) -> None:
    sent, status, code = BAD[name]
    response = client.post("/v1/searches", json=sent)
    found = response.json()
    assert (response.status_code, found["code"]) == (status, code), found
    assert response.headers["content-type"] == "application/problem+json"
    assert len(found["detail"]) > 20
    # In words: no pattern, no word of the program.
    assert not re.search(r"\\|\^|tuple|regex|pattern", found["detail"], re.IGNORECASE), found
    assert found["reference"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 100_000, 400),
        (b'{"purpose":' * 2_000, 400),
        (b"null", 422),
        (b"[]", 422),
        (json.dumps(body())[:-1].encode() + b',"purpose":"criminal_investigation"}', 400),
        (json.dumps(body()).encode().replace(b'"sex"', b'"birth_date":"1990-01-01","sex"'), 400),
        (json.dumps(body())[:-1].encode() + b',"max_matches":NaN}', 400),
        (json.dumps(body())[:-1].encode() + b',"max_matches":' + b"9" * 6_000 + b"}", 400),
        (json.dumps(body()).encode("utf-16"), 400),
        (json.dumps(body()).encode() + b"}", 400),
        (b"x" * 10_000_000, 413),
    ],
    ids=[
        "empty",
        "cut",
        "no utf-8",
        "deep",
        "deep objects",
        "null",
        "list",
        "key twice",
        "key twice within",
        "NaN",
        "long number",
        "utf-16",
        "trailing",
        "10 MB",
    ],
)
def test_what_is_no_search(
    world: World, search: Search, client: httpx.Client, content: bytes, status: int
) -> None:
    response = client.post(
        "/v1/searches", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code == status, response.text
    ok(world, search)


@pytest.mark.parametrize(
    "name",
    [
        {"given": "MARISOL", "surname": "QUEZADA BRANNOCK"},
        {"given": "МАРИСОЛЬ", "surname": "КЕСАДА БРАННОК"},
        {"given": "ماريسول", "surname": "كيسادا برانوك"},
        {
            "given": "\u200f\u0645\u0627\u0631\u064a\u0633\u0648\u0644\u200e",
            "surname": "كيسادا برانوك",
        },
        {"given": "玛丽索尔", "surname": "克萨达"},
        {"given": "Ma\u0301risol", "surname": "Quezada\u200b Brannock"},
        {"full": "QUEZADA BRANNOCK, MARISOL"},
        {"surname": "Ω" * 256},
        {"surname": "' OR 1=1 --"},
    ],
    ids=lambda n: next(iter(n.values()))[:8].encode("unicode_escape").decode(),
)
def test_names_in_any_script_are_answered(client: httpx.Client, name: dict[str, str]) -> None:
    response = client.post("/v1/searches", json=body(**named(**name), agencies=None))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "text",
    [
        "%!s(MISSING)",
        "{{}}",
        "\ud83d",
        "x" * 64,
        "9" * 64,
        "2026-99-99T99:99:99Z",
        "-0",
        "1e999",
        "[a-",
        "(" * 60,
        "\u202e\u0000",
    ],
)
def test_crafted_strings_that_reach_the_policy(
    world: World, search: Search, client: httpx.Client, text: str
) -> None:
    content = json.dumps(body(reference={"type": "case", "number": text}))
    response = client.post(
        "/v1/searches", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code in {200, 400, 403, 422}, response.text
    ok(world, search)


@pytest.mark.parametrize(
    ("sent", "pointer", "says"),
    [
        (body(agencies=["tx9990000"]), "/agencies/0", "has not the form"),
        (body(agencies=[]), "/agencies", "A list of at least 1 is wanted"),
        (body(record_types="warrant"), "/record_types", "where a list belongs"),
        (body(subject=None), "/subject", "A field is missing"),
        (body(subject={"person": {"nam": []}}), "/subject/person", "Did you mean names?"),
        (body(purpos="x"), "", "Did you mean purpose?"),
        ([], "", "where a JSON object belongs"),
        (None, "", "The body is missing"),
    ],
)
def test_a_problem_points_to_the_field_in_words_of_json(
    client: httpx.Client, sent: Any, pointer: str, says: str
) -> None:
    content = b"" if sent is None else json.dumps(sent).encode()
    found = client.post("/v1/searches", content=content, headers={"content-type": JSON}).json()
    assert found["pointer"] == pointer
    assert says in found["detail"]


def test_a_missing_parameter_is_called_one(client: httpx.Client) -> None:
    found = client.get(f"/v1/records/{SHERIFF}/W-26-00417").json()
    assert (found["code"], found["pointer"]) == ("request.invalid", "/search")
    assert "A parameter of the address is missing" in found["detail"]


def test_unknown_addresses_and_methods(client: httpx.Client) -> None:
    for elsewhere in ("/v1/agencies/", "/v1//agencies", "//evil.example/", "/docs", "/metrics/"):
        found = client.get(elsewhere, headers={"host": "evil.example"})
        assert (found.status_code, found.json()["code"]) == (404, "request.not_found"), elsewhere
    assert client.get("/v1/nothing").json()["code"] == "request.not_found"
    assert client.delete("/v1/searches").json()["code"] == "request.method"
    assert client.get("/v1/searches/none").status_code == 422
    assert client.get("/v1/searches/srch_01KB0000000000000000000000").status_code == 404


CANARY = "ZEPHYRINEQUILL"


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Name every place in a body, however deep."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inside:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, *path, key)


WRONG: dict[str, Any] = {
    "text": CANARY,
    "long": CANARY * 5_000,
    "list": [CANARY],
    "object": {CANARY: CANARY},
    "null": None,
    "minus": -1,
    "great": 1e308,
}


def leads_there(problem: dict[str, Any], sent: Any, place: tuple[str | int, ...]) -> bool:
    """Tell whether a problem's pointer names a place of the body, at, above or below the fault."""
    assert not {"tuple", "dict", "validation"} & set(problem["detail"].casefold().split())
    steps = problem["pointer"].split("/")
    assert steps.pop(0) == ""
    for n, step in enumerate(steps):
        if n < len(place):
            assert step == str(place[n])
        elif isinstance(sent, dict) and step not in sent:
            return n == len(steps) - 1  # what is missing there
        sent = sent[int(step)] if isinstance(sent, list) else sent[step]
    return True


@pytest.mark.parametrize("wrong", WRONG)
def test_any_place_of_a_search_may_be_wrong(
    world: World, search: Search, client: httpx.Client, wrong: str
) -> None:
    for place in places(body()):
        sent = json.loads(json.dumps(body()))
        inside = sent
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = WRONG[wrong]
        response = client.post("/v1/searches", json=sent)
        assert response.status_code in {200, 403, 422}, (place, response.text)
        if response.status_code == 422:
            assert leads_there(response.json(), sent, place), (place, response.text)
        # What came in is said back by no problem, and stands in no log.
        assert CANARY not in response.text, place
    assert CANARY not in world[POLICE].log.read_text(encoding="utf-8")
    ok(world, search)


def test_a_head_without_end_is_hung_up_on(world: World, search: Search) -> None:
    counted = 'sallyport_connections_turned_away_total{code="request.too_large",how="told"} '

    def count() -> float:
        lines = httpx.get(world[POLICE].inside + "/metrics", timeout=20).text.splitlines()
        return sum(float(line.removeprefix(counted)) for line in lines if line.startswith(counted))

    before = count()
    with socket.create_connection(("127.0.0.1", world[POLICE].port), 20) as begun:
        begun.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000)
        assert begun.recv(100).startswith(b"HTTP/1.1 431 ")
    assert count() == before + 1
    ok(world, search)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_a_body_that_is_not_called_json(client: httpx.Client, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    response = client.post("/v1/searches", content=json.dumps(body()), headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "request.media_type")


def test_a_slash_in_a_records_id_is_part_of_it(client: httpx.Client) -> None:
    outcome = client.post("/v1/searches", json=body()).json()
    where = f"/v1/records/{SHERIFF}/26%2F004417"
    found = client.get(where, params={"search": outcome["search_id"]})
    assert found.json()["code"] == "record.not_found"  # the address is one of a record


@pytest.fixture(scope="module")
def auditor(world: World) -> Iterator[httpx.Client]:
    officer = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with world[POLICE].client(officer, "audit") as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("trasaction=x", "request.unknown_parameter"),
        ("limit=1&limit=2", "request.invalid"),
        ("unseal=perhaps", "request.invalid"),
        ("limit=501", "request.invalid"),
        ("after=nothing", "request.invalid"),
        ("peer=sheriff", "request.invalid"),
        ("type=gossip", "request.invalid"),
        ("since=yesterday", "request.invalid"),
        ("since=9999-12-31T23:59:59-23:59", "request.invalid"),
        ("until=0001-01-01T00:00:00%2B23:59", "request.invalid"),
    ],
)
def test_a_filter_that_is_none(auditor: httpx.Client, asked: str, code: str) -> None:
    response = auditor.get(f"/v1/audit/entries?{asked}")
    assert (response.status_code, response.json()["code"]) == (422, code), response.text


def test_a_reading_is_logged_with_every_filter(auditor: httpx.Client) -> None:
    response = auditor.get("/v1/audit/entries?type=query_out&type=deny&limit=500")
    assert {e["type"] for e in response.json()["entries"]} <= {"query_out", "deny"}
    newest = {"decision": "log_read", "newest_first": "true", "unseal": "true", "limit": "2"}
    read = auditor.get("/v1/audit/entries", params=newest).json()["entries"]
    assert {"type": "query_out deny"} in [e["personal"]["filters"] for e in read]
