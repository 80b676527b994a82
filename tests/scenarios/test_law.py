"""The law between real gateways: a warrant and who releases on it, obligations, onward sharing."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF, person
from demo.cast import MARISOL
from demo.world import Gateway, World, an_officer
from gateway.cli import admin_client
from tests.scenarios.conftest import Search, by_agency, entries

PAPER = b"IN THE UNITED STATES DISTRICT COURT ... a made-up warrant"
WARRANT: dict[str, Any] = {
    "court": "U.S. District Court, Southern District of California",
    "number": "26-MJ-0417",
    "person": "MARISOL QUEZADA BRANNOCK",
    "document": {"digest": "sha-256:" + hashlib.sha256(PAPER).hexdigest()},
}
OTHERS: tuple[dict[str, Any], ...] = (
    {"court": "U.S. District Court, District of New Mexico"},
    {"number": "26-MJ-0418"},
    {"person": "SOMEBODY ELSE ENTIRELY"},
    {"person": "MARISOL QUEZADA BRANNOCK JR"},
    {"person": "—"},
    {"document": {"digest": "sha-256:" + hashlib.sha256(PAPER + b".").hexdigest()}},
)
PURPOSE = "criminal_investigation"
AGENT = an_officer("agent.88", unit="Removal", unit_function="civil_enforcement")


@contextmanager
def edited(
    gateway: Gateway, *edits: tuple[str, str, str], gone: Sequence[str] = ()
) -> Iterator[None]:
    """Change texts of the gateway's policy folder, apply; put all back afterwards."""
    policies = gateway.home / "policies"
    before: dict[Path, str] = {}
    try:
        for name, old, new in edits:
            text = (policies / name).read_text()
            assert old in text
            before.setdefault(policies / name, text)
            (policies / name).write_text(text.replace(old, new))
        for name in gone:
            before[policies / name] = (policies / name).read_text()
            (policies / name).unlink()
        gateway.command("policy", "apply")
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)
        gateway.command("policy", "apply")


def marisols(search: Search) -> list[str]:
    """Give the ids of the police's own records of her, her master name's first."""
    own = by_agency(search(POLICE, person(MARISOL), "person", "incident", agencies=[POLICE]))
    matches = sorted(own[POLICE]["matches"], key=lambda m: m["record_type"] != "person")
    return [m["record_id"] for m in matches]


def asked_with(search: Search, warrant: dict[str, Any] | None) -> dict[str, Any]:
    outcome = search(
        BORDER,
        person(MARISOL),
        "person",
        "incident",
        officer=AGENT,
        agencies=[POLICE],
        warrant=warrant,
    )
    return by_agency(outcome)[POLICE]


def released(world: World, tmp_path: Path, record: str) -> str:
    paper = tmp_path / "warrant.pdf"
    paper.write_bytes(PAPER)
    done = world[POLICE].command(
        *("release", "record", "--basis", "judicial_warrant", "--asker", BORDER),
        *(
            "--record",
            record,
            "--class",
            "identity",
            "--until",
            "2099-01-01",
            "--by",
            "LT WINSLADE",
        ),
        *("--court", WARRANT["court"], "--number", WARRANT["number"]),
        *("--person", WARRANT["person"], "--document", str(paper), "--json"),
        check=False,
    )
    assert done.returncode != 0
    assert "within 366 days" in done.stderr
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 20 * 86_400))
    done = world[POLICE].command(
        *("release", "record", "--basis", "judicial_warrant", "--asker", BORDER),
        *("--record", record, "--class", "identity", "--until", until, "--by", "LT WINSLADE"),
        *("--court", WARRANT["court"], "--number", WARRANT["number"]),
        *("--person", WARRANT["person"], "--document", str(paper), "--json"),
    )
    return str(json.loads(done.stdout)["id"])


def test_a_warrant_counts_once_a_person_at_the_owner_released_on_it(
    world: World, search: Search, tmp_path: Path
) -> None:
    assert [r["code"] for r in asked_with(search, None)["reasons"]] == ["ca.values_act.function"]
    # The first door lets the claim out; the second refuses it as long as nobody released.
    claimed = asked_with(search, WARRANT)
    assert (claimed["status"], claimed["reasons"][0]["code"]) == (
        "refused",
        "ca.values_act.function",
    )
    mine, *others = marisols(search)
    assert others
    release = released(world, tmp_path, mine)
    try:
        given = asked_with(search, WARRANT)
        assert given["status"] == "answered"
        # Her other record at the owner, which the release does not name, stays there.
        assert [m["record_id"] for m in given["matches"]] == [mine]
        assert "nc:PersonName" in given["matches"][0]["record"]["nc:Person"]
        assert "physical" in given["classes_never_shared"]
        assert "nc:PersonResidenceAddress" not in str(given["matches"])
        # Another warrant, or none, gives nothing.
        for warrant in (None, *({**WARRANT, **other} for other in OTHERS)):
            assert asked_with(search, warrant)["status"] == "refused", warrant
        # The same name, written as another clerk writes it, is the same person.
        written = {**WARRANT, "person": "Quezada-Brannock, Marisol"}
        assert [m["record_id"] for m in asked_with(search, written)["matches"]] == [mine]
        listed = json.loads(world[POLICE].command("release", "list", "--json").stdout)
        assert [r["state"] for r in listed["releases"] if r["id"] == release] == ["in force"]
        # In a narrow window too its id stands whole: it is what `revoke` takes.
        assert release in world[POLICE].command("release", "list").stdout
        exposed_while_it_is_in_force(world, release)
    finally:
        world[POLICE].command("release", "revoke", release)
    assert asked_with(search, WARRANT)["status"] == "refused"
    assert world[POLICE].command("release", "revoke", release, check=False).returncode != 0
    # What it got on it stays told when nothing of it can be seen any more.
    found = exposed(world)
    assert release not in str(found["by_person"])
    assert release in {r["release"] for r in found["got"]["by_person"]}


def exposed(world: World, *more: str) -> dict[str, Any]:
    done = world[POLICE].command(
        *("policy", "exposure", BORDER, "--purpose", PURPOSE, "--json", *more)
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def exposed_while_it_is_in_force(world: World, release: str) -> None:
    found = exposed(world)
    [one] = [b for b in found["by_person"] if release in str(b)]
    assert (one["basis"], one["classes"]) == ("judicial_warrant", ["identity"])
    assert [r["records"] for r in one["releases"] if r["id"] == release] == [1]
    [opened] = [o for o in one["opens"] if "person" in o["record_types"]]
    assert opened["unit_functions"] == ["civil_enforcement"]
    assert opened["give"] == ["identity"]
    # Two answers gave it: as the warrant has the name, and as another clerk writes it.
    [got] = [r for r in found["got"]["by_person"] if r["release"] == release]
    assert (got["basis"], got["record_type"], got["count"]) == ("judicial_warrant", "person", 2)
    # The gateway tells the same as the command, which reads beside it.
    path = f"/v1/admin/exposure?ori={BORDER}&purpose={PURPOSE}"
    told = admin_client.call(world[POLICE].home, "GET", path)
    assert told["by_person"] == found["by_person"]
    table = world[POLICE].command("policy", "exposure", BORDER, "--purpose", PURPOSE).stdout
    assert release in table
    assert "Opens, of the records that it names" in table
    # For publication one case is not told from another.
    public = exposed(world, "--public")
    assert release not in json.dumps(public)
    assert WARRANT["number"] not in json.dumps(found)
    assert [b["count"] for b in public["by_person"]] == [None]
    assert {r["count"] for r in public["got"]["by_person"]} == {None}


def test_a_warrant_is_never_a_boolean(post: Any) -> None:
    for claim in (True, {"court": "X"}, {**WARRANT, "document": True}):
        response = post(BORDER, person(MARISOL), "person", agencies=[POLICE], warrant=claim)
        assert response.status_code == 422
        assert response.json()["pointer"].startswith("/warrant")


def test_each_release_stands_in_the_log(world: World, search: Search, tmp_path: Path) -> None:
    release = released(world, tmp_path, marisols(search)[0])
    world[POLICE].command("release", "revoke", release)
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with world[POLICE].client(auditor, "audit") as client:
        newest = {"type": "admin", "limit": 100, "newest_first": True}
        found = client.get("/v1/audit/entries", params=newest).json()
    decisions = [e["decision"] for e in found["entries"]]
    assert {"release_recorded", "release_revoked"} <= set(decisions)


@pytest.mark.parametrize("granularity", ["hit", "count", "pointer", "record"])
def test_what_officers_are_told_with_every_hit_and_with_none(
    world: World, search: Search, granularity: str
) -> None:
    told = "Possible matches, not probable cause. No match is no clearance."
    nobody = {"person": {"names": [{"given": "NOBODY", "surname": "OF THIS NAME"}]}}
    nobody["person"]["birth_date"] = "1951-02-03"
    hit = search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF], granularity=granularity)
    none = search(POLICE, nobody, "warrant", agencies=[SHERIFF], granularity=granularity)
    for outcome in (hit, none):
        assert by_agency(outcome)[SHERIFF]["status"] == "answered"
        assert outcome["notice"] == told
    with world[POLICE].client(an_officer(), "search") as client:
        assert client.get(f"/v1/searches/{hit['search_id']}").json()["notice"] == told


def test_what_has_to_be_done_is_told(search: Search) -> None:
    part = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF]))[SHERIFF]
    told = {o["type"]: o for o in part["obligations"]}
    assert told["delete_after"]["days"] == 30
    assert told["onward_sharing"]["rule"] == "none"
    assert told["caveat"]["text"] == "Confirm with the owner before acting."
    assert told["confirm_before_acting"] == {"type": "confirm_before_acting"}
    assert all(m["confirm"]["required"] for m in part["matches"])


def test_an_answer_with_an_obligation_that_is_not_known_is_thrown_away(
    world: World, search: Search
) -> None:
    words = "onward_sharing: [none, "
    grant = "data.sallyport.shared.handling"
    with edited(
        world[SHERIFF],
        ("sallyport/vocabulary/data.yaml", words, words + "by_radio, "),
        (
            "sallyport/release/release.rego",
            f'"handling": told_with({grant},',
            f'"handling": told_with(object.union({grant}, {{"onward_sharing": "by_radio"}}),',
        ),
        gone=[f"sallyport/{n}/{n}_test.rego" for n in ("release", "obligations")],
    ):
        part = by_agency(search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF]))[SHERIFF]
    assert part["status"] == "bad_answer"
    assert "matches" not in part


def test_an_answer_is_kept_as_long_as_the_shortest_time_that_it_came_with(
    world: World, search: Search
) -> None:
    both = search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF, POLICE])["search_id"]
    with edited(world[POLICE], ("local/data.yaml", "keep_days: 365,", "keep_days: 1,")):
        own = search(POLICE, person(MARISOL), "person", agencies=[POLICE])["search_id"]
    database = world[POLICE].home / "data" / "state.db"
    with sqlite3.connect(database) as c:
        kept = dict(c.execute("SELECT id, (keep_until - asked_at) / 86400 FROM search"))
    c.close()
    assert (round(kept[both], 6), round(kept[own], 6)) == (30, 1)


@contextmanager
def remapped(gateway: Gateway, old: str, new: str) -> Iterator[None]:
    """Change how the gateway's warrants are mapped."""
    mapping = gateway.home / "mappings" / "warrants.yaml"
    before = mapping.read_text()
    assert old in before
    try:
        mapping.write_text(before.replace(old, new))
        gateway.command("import", "--json")
        yield
    finally:
        mapping.write_text(before)
        gateway.command("import", "--json")


@contextmanager
def received_from(gateway: Gateway, owner: str) -> Iterator[None]:
    """Make the gateway's warrants ones that another agency gave it."""
    more = f"    handling:\n      received_from: {owner}\n      onward_sharing: none\n"
    with remapped(gateway, "    handling:\n", more):
        yield


def soon(seen: Callable[[], list[str]], record: str, *, there: bool) -> bool:
    """Whether it is so within some seconds: a gateway switches to a new import by itself."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if (record in seen()) is there:
            return True
        time.sleep(0.1)
    return False


def test_what_another_agency_gave_is_not_passed_on(world: World, search: Search) -> None:
    def seen(asker: str) -> list[str]:
        found = search(asker, person(MARISOL), "warrant", agencies=[SHERIFF])
        return [m["record_id"] for m in by_agency(found)[SHERIFF]["matches"]]

    def police() -> list[str]:
        return seen(POLICE)

    assert soon(police, "W-26-00417", there=True)
    with received_from(world[SHERIFF], BORDER):
        assert soon(police, "W-26-00417", there=False)
        assert "W-26-00417" in seen(SHERIFF)
        assert "W-26-00417" in seen(BORDER)
    assert soon(police, "W-26-00417", there=True)


def test_a_civil_warrant_that_is_mapped_as_a_warrant_is_no_hit(
    world: World, search: Search
) -> None:
    def seen(asker: str, **more: Any) -> dict[str, Any]:
        found = search(asker, person(MARISOL), "warrant", agencies=[SHERIFF], **more)
        return by_agency(found)[SHERIFF]

    def police() -> list[str]:
        return [m["record_id"] for m in seen(POLICE)["matches"]]

    right = 'j:WarrantCategoryCode", column: WTYPE, codes: warrant_type}'
    assert soon(police, "W-26-00417", there=True)
    assert seen(POLICE, granularity="hit")["hit"] is True
    with remapped(world[SHERIFF], right, 'scr:WarrantCategoryCode", value: Deportation}'):
        assert soon(police, "W-26-00417", there=False)
        assert seen(POLICE, granularity="hit")["hit"] is False
        # Who may act on it is shown it.
        inspected = seen(BORDER, purpose="border_inspection")
        assert "W-26-00417" in [m["record_id"] for m in inspected["matches"]]
    assert soon(police, "W-26-00417", there=True)


def test_the_question_is_minimised_and_the_answer_says_so(world: World, search: Search) -> None:
    subject = person(MARISOL)
    number = "999-00-4417"
    subject["person"]["identifiers"] = [{"type": "ssn", "number": number}]
    outcome = search(BUREAU, subject, "person", agencies=[SHERIFF])
    part = by_agency(outcome)[SHERIFF]
    assert "ssn" in part["terms_not_used"]
    theirs = entries(world, SHERIFF, outcome["search_id"])
    question = next(e for e in theirs if e["type"] == "query_in")
    assert number not in json.dumps(question)
    # The police share only its last digits, and do not search by it: each guess would be confirmed.
    # By a number that is shared whole they do.
    outcome = search(SHERIFF, subject, "person", agencies=[POLICE])
    assert by_agency(outcome)[POLICE]["terms_not_used"] == ["ssn"]
    subject["person"]["identifiers"] = [{"type": "driver_license", "number": "D9990417"}]
    with_it = by_agency(search(SHERIFF, subject, "person", agencies=[POLICE]))[POLICE]
    assert "terms_not_used" not in with_it


@pytest.mark.parametrize(("asker", "listed"), [(POLICE, False), (SHERIFF, True)])
def test_what_the_law_always_denies_is_not_listed(
    world: World, asker: str, *, listed: bool
) -> None:
    with world[asker].client(an_officer(), "search") as client:
        agencies = client.get("/v1/agencies").json()["agencies"]
    own = next(a for a in agencies if a["ori"] == asker)
    purposes = {p["purpose"]: p for p in own["purposes"]}
    assert ("civil_immigration" in purposes) is listed
    assert "court_case" not in purposes
    assert "civil_warrant" not in purposes["criminal_investigation"]["record_types"]
