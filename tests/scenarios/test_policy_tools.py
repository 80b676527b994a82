"""The auditor's, the administrator's and the officer's tools, on four real gateways."""

import getpass
import json
import shutil
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from demo.__main__ import POLICE, SHERIFF, person, question
from demo.cast import MARISOL, RED
from demo.world import World, an_officer
from gateway.cli import admin_client
from gateway.errors import SallyportError
from gateway.model import stamp
from tests.cli.people_csv import MAPPING
from tests.scenarios.conftest import Search, by_agency, entries

AUDITOR = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")


def audit(world: World, ori: str, method: str, path: str, **more: Any) -> httpx.Response:
    with world[ori].client(AUDITOR, "audit") as client:
        return client.request(method, path, **more)


def newest(world: World, ori: str, **filters: str) -> dict[str, Any]:
    """Give the newest entry, as the auditor reads it."""
    params = {"newest_first": "true", "limit": "1", "unseal": "true", **filters}
    found: dict[str, Any] = audit(world, ori, "GET", "/v1/audit/entries", params=params).json()
    entry: dict[str, Any] = found["entries"][0]
    return entry


def test_every_decision_of_an_exchange_is_decided_again_the_same(
    world: World, search: Search
) -> None:
    outcome = search(POLICE, person(MARISOL), "person", "warrant", "incident")
    doors = set()
    for ori in (POLICE, SHERIFF):
        for entry in entries(world, ori, outcome["search_id"]):
            path = f"/v1/audit/entries/{entry['entry_id']}/replay"
            replay = audit(world, ori, "GET", path).json()
            if replay["result"] == "no_decision":
                # Only what goes out to the officer at last rests on no decision of its own.
                assert (entry["type"], entry["peer"]) == ("response_out", POLICE)
                continue
            assert replay["result"] == "same", replay
            doors.add((ori, replay["entrypoint"]))
    assert {(POLICE, "ask"), (POLICE, "admit"), (SHERIFF, "answer"), (SHERIFF, "release")} <= doors


def test_a_replay_is_logged_and_is_the_auditors_alone(world: World, search: Search) -> None:
    outcome = search(POLICE, person(MARISOL), "person")
    name = entries(world, POLICE, outcome["search_id"])[0]["entry_id"]
    path = f"/v1/audit/entries/{name}/replay"
    assert audit(world, POLICE, "GET", path).status_code == 200
    entry = newest(world, POLICE, decision="decisions_replayed")
    assert entry["personal"]["officer"] == "auditor.0007"
    assert entry["personal"]["about"] == {"entry": name}
    with world[POLICE].client(an_officer(), "audit") as client:
        assert client.get(path).status_code == 403  # an officer who is no auditor
        body = {"what": "impact_measured", "about": {}}
        assert client.post("/v1/audit/readings", json=body).status_code == 403
    with world[POLICE].client(an_officer(), "search") as client:
        assert client.get(path).status_code == 403
    assert audit(world, POLICE, "GET", "/v1/audit/entries/abc/replay").status_code == 422
    assert audit(world, POLICE, "GET", "/v1/audit/entries/99999999/replay").status_code == 404
    body = {"what": "anything_else", "about": {}}
    assert audit(world, POLICE, "POST", "/v1/audit/readings", json=body).status_code == 422


def test_the_command_replays_beside_the_running_gateway(world: World, search: Search) -> None:
    outcome = search(POLICE, person(MARISOL), "person")
    entry = entries(world, POLICE, outcome["search_id"])[0]["entry_id"]
    one = world[POLICE].command("audit", "replay", entry, "--json")
    assert json.loads(one.stdout)["result"] == "same"
    every = world[POLICE].command("audit", "replay", "--all", "--since", "1h", "--json")
    counts = json.loads(every.stdout)["counts"]
    assert counts["same"] > 3
    assert set(counts) <= {"same", "no_decision"}
    assert newest(world, POLICE, decision="decisions_replayed")["personal"]["client"]


def test_the_auditor_sees_who_let_a_source_shrink_and_took_it_away_beside_the_gateway(
    world: World,
) -> None:
    gateway, name = world[SHERIFF], "taken_away"
    mapping = gateway.home / "mappings" / f"{name}.yaml"
    mapping.write_text(MAPPING.format(name=name))
    source = gateway.home / "sources" / f"{name}.csv"
    source.write_text("ID,NAME,BORN\n1,QUILLFEATHER ODALYS,05/06/1979\n2,FENWICK ODA,11/02/1971\n")
    gateway.command("import", name)
    third = "3,TESTER QUILL,01/01/1980\n"
    source.write_text(source.read_text() + third)
    gateway.command("import", name)
    source.write_text(source.read_text().removesuffix(third))
    gateway.command("import", name, "--allow-shrink")
    entry = newest(world, SHERIFF, type="admin", decision="import_allowed")
    assert (entry["results"], entry["personal"]["client"]) == (1, "local-admin")
    about = {"source": name, "allowed": "--allow-shrink", "user": getpass.getuser()}
    assert entry["personal"]["about"] == about
    mapping.unlink()
    gateway.command("source", "remove", name, "--yes")
    entry = newest(world, SHERIFF, type="admin", decision="source_removed")
    assert (entry["peer"], entry["results"]) == (SHERIFF, 2)
    assert entry["policy"]
    assert entry["personal"]["client"] == "local-admin"
    assert entry["personal"]["about"] == {"source": name, "user": getpass.getuser()}
    body = {"what": "source_removed", "results": 2, "about": {}}
    with gateway.client(an_officer(), "search") as client:
        assert client.post("/v1/admin/acts", json=body).status_code == 403
    for wrong in ({"what": "policy_applied"}, {"results": -1}, {"results": True}):
        with pytest.raises(SallyportError) as refused:
            admin_client.call(gateway.home, "POST", "/v1/admin/acts", body | wrong)
        assert refused.value.code == "request.invalid"
    source.unlink()


def test_the_auditor_reads_what_hid_a_record_and_nobody_else(world: World, search: Search) -> None:
    outcome = search(POLICE, person(RED), "person", agencies=[SHERIFF])
    part = by_agency(outcome)[SHERIFF]
    assert part["matches"] == []
    assert "dissemination" not in str(outcome)
    found = audit(
        world,
        SHERIFF,
        "GET",
        "/v1/audit/entries",
        params={"transaction": outcome["search_id"], "type": "response_out", "unseal": "true"},
    ).json()["entries"]
    decision = found[0]["personal"]["decision"]
    rules = {r for a in decision["outcome"]["actions"] for r in a["rules"]}
    assert "dissemination.red" in rules
    explained = world[SHERIFF].command("policy", "explain", found[0]["entry_id"], "--json")
    told = json.loads(explained.stdout)
    assert "dissemination.red" in {r["id"] for r in told["rules"]}
    assert {"GREEN", "YELLOW"} <= {str(c["value"]) for c in told["lifted_by"]}
    # The asking side's log names no rule of the owner's.
    theirs = entries(world, POLICE, outcome["search_id"])
    assert "dissemination" not in str(theirs)


def rehearse(world: World, ori: str, **more: Any) -> httpx.Response:
    officer = more.pop("officer", an_officer())
    body = {k: v for k, v in question(person(MARISOL), "person", "arrest", **more).items() if v}
    with world[ori].client(officer, "search") as client:
        return client.post("/v1/policy/explanations", json=body)


def test_a_dry_run_tells_before_what_a_search_tells_after(world: World, search: Search) -> None:
    told = rehearse(world, POLICE).json()
    assert told["allowed"] is True
    before = {a["ori"]: a for a in told["agencies"]}
    after = by_agency(search(POLICE, person(MARISOL), "person", "arrest"))
    assert before.keys() == after.keys()
    for ori, part in after.items():
        assert before[ori]["would_be_asked"] == (part["status"] != "refused"), ori
        if part["status"] == "answered":
            foreseen = before[ori]["foreseen"]
            assert foreseen["granularity"] == part["granularity"]["given"]
            assert foreseen["classes_never_shared"] == part["classes_never_shared"]


def test_a_dry_run_says_why_not_and_what_to_do(world: World) -> None:
    weak = rehearse(world, POLICE, officer=an_officer(assurance=1))
    assert weak.status_code == 200  # told, not refused
    body = weak.json()
    assert (body["allowed"], body["agencies"]) == (False, [])
    [reason] = body["reasons"]
    assert reason["code"] == "officer.assurance"
    assert reason["text"]
    assert reason["citation"]
    codeless = rehearse(world, POLICE, iii_purpose_code=None).json()["agencies"]
    for agency in codeless:
        if not agency["would_be_asked"]:
            assert all(r["text"] for r in agency["reasons"])
    assert "chri.purpose_code_required" in str(codeless)


def test_a_dry_run_asks_nobody_and_stands_in_the_log_without_the_subject(world: World) -> None:
    def seen(ori: str) -> int:
        params = {"limit": "500", "since": "2020-01-01", "type": "query_in"}
        total, after = 0, None
        while True:
            more = {"after": after} if after else {}
            found = audit(world, ori, "GET", "/v1/audit/entries", params={**params, **more}).json()
            total += len(found["entries"])
            after = found.get("next")
            if after is None:
                return total

    before = {ori: seen(ori) for ori in world.gateways}
    assert rehearse(world, POLICE).status_code == 200
    assert {ori: seen(ori) for ori in world.gateways} == before
    entry = newest(world, POLICE, type="notice", decision="search_explained")
    assert entry["personal"]["officer"] == "okafor.4471"
    assert MARISOL.surname not in str(entry)


def test_a_dry_run_needs_an_officer_and_a_whole_question(world: World) -> None:
    with world[POLICE].client(None, "search") as client:
        body = {k: v for k, v in question(person(MARISOL), "person").items() if v}
        assert client.post("/v1/policy/explanations", json=body).status_code == 403
    assert rehearse(world, POLICE, purpose="curiosity").status_code == 422
    assert rehearse(world, POLICE, reason={"code": "x", "text": "test"}).status_code == 422


@pytest.fixture(scope="module")
def exposed(world: World) -> dict[str, Any]:
    done = world[SHERIFF].command(
        *("policy", "exposure", POLICE, "--purpose", "criminal_investigation", "--json")
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_exposure_agrees_with_what_a_search_gives(
    world: World, search: Search, exposed: dict[str, Any]
) -> None:
    seen = {t: s for s in exposed["can_see"] for t in s["record_types"]}
    part = by_agency(search(POLICE, person(MARISOL), "person", "warrant", agencies=[SHERIFF]))[
        SHERIFF
    ]
    for record_type in ("person", "warrant"):
        assert seen[record_type]["granularity"] == part["granularity"]["given"]
        assert seen[record_type]["never"] == part["classes_never_shared"]
    after = json.loads(
        world[SHERIFF]
        .command("policy", "exposure", POLICE, "--purpose", "criminal_investigation", "--json")
        .stdout
    )["got"]
    records = {(r["record_type"], r["show"]): r["count"] for r in after["records"]}
    assert records["warrant", "record"] >= 1
    assert sum(r["count"] for r in after["questions"]) >= 1
    # Only classes that may be seen were given.
    for row in after["classes"]:
        may = seen[row["record_type"]]
        assert row["class"] in {*may["give"], *may["mask"]}, row
    assert MARISOL.surname not in json.dumps(after)


def test_exposure_for_publication(world: World, exposed: dict[str, Any]) -> None:
    done = world[SHERIFF].command(
        *("policy", "exposure", POLICE, "--purpose", "criminal_investigation", "--public", "--json")
    )
    public = json.loads(done.stdout)
    counts = [
        row["count"]
        for name in ("questions", "records", "classes", "refusals")
        for row in public["got"][name]
    ]
    assert counts
    assert all(c is None or (c >= 10 and c % 10 == 0) for c in counts)
    assert all("effects" not in s and "cases" not in s["needs"] for s in public["can_see"])

    def given(found: dict[str, Any]) -> dict[str, Any]:
        return {t: s["give"] for s in found["can_see"] for t in s["record_types"]}

    assert given(public) == given(exposed)
    # Rows that only differed in what is not published are one.
    rows = [json.dumps({**s, "record_types": []}, sort_keys=True) for s in public["can_see"]]
    assert len(set(rows)) == len(rows)


def test_exposure_over_http_is_the_administrators(world: World) -> None:
    with world[SHERIFF].client(AUDITOR, "audit") as client:
        path = f"/v1/admin/exposure?ori={POLICE}"
        assert client.get(path).status_code == 403
    purpose = "criminal_investigation"
    path = f"/v1/admin/exposure?ori={POLICE}&purpose={purpose}&public=true"
    found = admin_client.call(world[SHERIFF].home, "GET", path)
    assert {s["purpose"] for s in found["can_see"]} == {purpose}
    assert (found["agency"], found["owner"]) == (POLICE, SHERIFF)
    told = {"give", "mask", "count", "pointer"}
    for row in found["can_see"]:
        assert told <= row.keys()
        assert sum(len(row[how]) for how in told) == len({c for how in told for c in row[how]})
    with pytest.raises(SallyportError):
        admin_client.call(world[SHERIFF].home, "GET", f"{path}_unknown&purpose=curiosity")
    entry = newest(world, SHERIFF, decision="exposure_measured")
    assert entry["type"] == "admin"
    assert entry["personal"]["client"] == "local-admin"
    assert entry["personal"]["about"]["agency"] == POLICE


def test_impact_of_the_set_in_force_is_nothing_and_of_another_is_shown(
    world: World, search: Search, tmp_path: Any
) -> None:
    # Not what other tests had decided by sets of their own, which this one would decide otherwise.
    began = ("--since", stamp(datetime.now(UTC)))
    search(POLICE, person(MARISOL), "person", "warrant", agencies=[SHERIFF])
    gateway = world[SHERIFF]
    same = gateway.command("policy", "impact", str(gateway.home / "policies"), *began, "--json")
    found = json.loads(same.stdout)
    assert found["changed"] == 0
    assert found["replayed"] >= 2
    new = tmp_path / "new"
    shutil.copytree(gateway.home / "policies", new)
    local = new / "local" / "data.yaml"
    text = local.read_text()
    assert "never_classes: []" in text
    local.write_text(text.replace("never_classes: []", "never_classes: [contact]"))
    other = gateway.command("policy", "impact", str(new), *began, "--json", check=False)
    assert other.returncode == 1
    effects = json.loads(other.stdout)["effects"]
    assert {(e["way"], e["what"], e["name"]) for e in effects} == {("fewer", "class", "contact")}
    assert {e["agency"] for e in effects} >= {POLICE}
    entry = newest(world, SHERIFF, decision="impact_measured")
    assert entry["personal"]["about"]["candidate"].startswith("sha-256:")
