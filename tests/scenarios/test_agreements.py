"""Agreements between two real gateways: what is not signed by both, in force and the same at both
gives nothing, and whoever suspends is heard at once."""

import json
import shutil
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from demo import agreements
from demo.world import ROOT, Gateway, World
from gateway.cli import agreement_work
from gateway.model import digest
from gateway.trust.agreements import Agreement, document_of
from tests.scenarios.two import (
    MOU,
    POLICE,
    SHERIFF,
    a_text,
    apply,
    ask,
    desks,
    listed,
    logged,
    only,
    outcome,
    remove,
    run,
    said,
    until,
)


def test_what_both_signed_gives(two: World) -> None:
    assert outcome(two) == "answered"
    assert outcome(two, SHERIFF, POLICE) == "answered"
    assert listed(two[POLICE])["state"] == listed(two[SHERIFF])["state"] == "in_force"
    assert listed(two[POLICE])["digest"] == listed(two[SHERIFF])["digest"]
    for gateway in two.gateways.values():
        run(gateway, "verify")
        part = httpx.get(gateway.url + "/readyz").json()["components"]["agreements"]
        assert part["status"] == "ok"
        assert part["in_force"] == 1


def test_suspending_counts_from_the_next_decision_and_the_partner_is_told(kept: World) -> None:
    done = run(kept[SHERIFF], "suspend", MOU, "--reason", "An audit is open")
    assert "suspended" in done.stdout
    # At once at whoever suspended: neither asks nor answers.
    assert outcome(kept, POLICE, SHERIFF) == "agreement.suspended"
    assert outcome(kept, SHERIFF, POLICE) == "agreement.suspended"
    # The partner is told, and keeps what was said.
    assert until(lambda: listed(kept[POLICE])["state"] == "suspended")
    assert listed(kept[POLICE])["by"] == [SHERIFF]
    shown = run(kept[POLICE], "show", MOU, "--json")
    assert json.loads(shown.stdout)["statements"][0]["reason"] == "An audit is open"
    assert until(lambda: bool(logged(kept[POLICE], "agreement_suspended")))
    (here,) = logged(kept[SHERIFF], "agreement_suspended")
    assert (here["type"], here["reasons"]) == ("admin", [f"{MOU}.1", SHERIFF])
    # Only who suspended can resume.
    refused = run(kept[POLICE], "resume", MOU, "--reason", "x", fails=True)
    assert "has not suspended" in said(refused)
    assert outcome(kept) == "agreement.suspended"
    run(kept[SHERIFF], "resume", MOU, "--reason", "Closed")
    assert until(lambda: outcome(kept) == "answered")


def test_a_suspension_is_told_also_where_a_draft_is_not_taken(kept: World) -> None:
    """Each signed another text under one name; neither takes the other's, but hears the rest."""
    police, sheriff = desks(kept)
    if police.ori != POLICE:
        police, sheriff = sheriff, police
    for desk, title in ((police, "Ours"), (sheriff, "Theirs")):
        document = document_of(Agreement.model_validate(a_text(id="a-draft", title=title)))
        agreement_work.sign_here(desk, document)
    for gateway in kept.gateways.values():
        apply(gateway)
    run(kept[POLICE], "suspend", MOU, "--reason", "An audit is open")
    assert until(lambda: listed(kept[SHERIFF])["by"] == [POLICE])
    run(kept[POLICE], "resume", MOU, "--reason", "Closed")
    assert until(lambda: listed(kept[SHERIFF])["state"] == "in_force")
    # They differ until both have signed a new version.
    assert until(lambda: bool(differing(kept[SHERIFF])))
    assert "signed another text" in run(kept[SHERIFF], "list", fails=True).stdout
    agreements.agree(desks(kept), a_text(id="a-draft", version=2, title="Agreed"))
    for gateway in kept.gateways.values():
        apply(gateway)
    for gateway in kept.gateways.values():
        assert until(lambda g=gateway: not differing(g))
        assert "signed another text" not in run(gateway, "list").stdout


def test_who_lost_its_file_is_noticed_and_takes_it_in_again(kept: World) -> None:
    """The text and what was said of it: a suspension is not lost with the file."""
    run(kept[SHERIFF], "suspend", MOU, "--reason", "An audit is open")
    assert until(lambda: listed(kept[POLICE])["state"] == "suspended")
    remove(kept[SHERIFF].home / "agreements" / MOU)
    apply(kept[SHERIFF])
    assert until(lambda: bool(differing(kept[POLICE])))
    (found,) = differing(kept[POLICE])
    assert found == {"agreement": f"{MOU}.1", "peer": SHERIFF, "missing_there": True}
    assert logged(kept[POLICE], "agreement_differs")[-1]["reasons"] == [f"{MOU}.1"]
    assert outcome(kept) == "agreement.suspended"
    run(kept[SHERIFF], "receive", str(kept[POLICE].home / "agreements" / MOU / "1.json"))
    assert until(lambda: not differing(kept[POLICE]))
    assert listed(kept[SHERIFF])["state"] == "suspended"
    assert outcome(kept, SHERIFF, POLICE) == "agreement.suspended"


def differing(gateway: Gateway) -> list[dict[str, Any]]:
    ready = httpx.get(gateway.url + "/readyz").json()
    return list(ready["components"]["agreements"]["differing"])


def test_a_repeated_old_statement_changes_nothing(kept: World) -> None:
    statements = kept[POLICE].home / "agreements" / MOU / "statements.json"
    run(kept[POLICE], "suspend", MOU, "--reason", "first")
    run(kept[POLICE], "resume", MOU, "--reason", "second")
    both = json.loads(statements.read_text())
    statements.write_text(json.dumps([*both, both[0]]))
    apply(kept[POLICE])
    assert listed(kept[POLICE])["state"] == "in_force"


def test_who_put_an_old_backup_back_is_heard_all_the_same(kept: World) -> None:
    """Its numbers go on by the clock, not from what its own folder knows."""
    folder, backup = kept[POLICE].home / "agreements", kept.root / "backup"
    shutil.copytree(folder, backup)
    run(kept[POLICE], "suspend", MOU, "--reason", "first")
    run(kept[POLICE], "resume", MOU, "--reason", "second")
    assert until(lambda: len(statements_of(kept[SHERIFF])) == 2)
    remove(folder)
    shutil.move(backup, folder)
    apply(kept[POLICE])
    run(kept[POLICE], "suspend", MOU, "--reason", "third")
    assert until(lambda: listed(kept[SHERIFF])["state"] == "suspended")
    assert outcome(kept, SHERIFF, POLICE) == "agreement.suspended"


def statements_of(gateway: Gateway) -> list[dict[str, Any]]:
    shown = json.loads(run(gateway, "show", MOU, "--json").stdout)
    return list(shown["statements"])


def test_who_signs_a_new_version_is_told_of_the_suspension_that_it_leaves(kept: World) -> None:
    draft = kept.root / "second.yaml"
    run(kept[POLICE], "renew", MOU, str(draft), "--to", "3001-01-01")
    assert "Note:" not in run(kept[POLICE], "sign", str(draft), "--yes").stdout
    run(kept[SHERIFF], "suspend", MOU, "--reason", "An audit is open")
    told = " ".join(run(kept[SHERIFF], "sign", str(draft), "--yes").stdout.split())
    assert f"Note: {SHERIFF} suspended the version before." in told
    assert "suspend it too" in told


def test_revoked_is_for_ever(kept: World) -> None:
    run(kept[POLICE], "revoke", MOU, "--reason", "Ended", "--yes")
    assert outcome(kept) == "agreement.revoked"
    assert until(lambda: listed(kept[SHERIFF])["state"] == "revoked")
    assert outcome(kept, SHERIFF, POLICE) == "agreement.revoked"
    again = run(kept[POLICE], "resume", MOU, "--reason", "x", fails=True)
    assert "was revoked" in said(again)


def test_a_text_changed_after_signing_gives_nothing_and_is_named(kept: World) -> None:
    file = kept[SHERIFF].home / "agreements" / MOU / "1.json"
    file.write_text(file.read_text().replace('"keep_days": 30', '"keep_days": 31', 1))
    apply(kept[SHERIFF])
    assert outcome(kept) == "agreement.none"
    done = run(kept[SHERIFF], "verify", fails=True)
    assert "changed after signing" in done.stdout
    ready = httpx.get(kept[SHERIFF].url + "/readyz").json()["components"]["agreements"]
    assert ready["status"] == "degraded"
    assert ready["troubles"][0]["where"].startswith(f"agreements/{MOU}/1.json")


def test_a_suspension_whose_file_was_tampered_with_still_gives_nothing(kept: World) -> None:
    run(kept[SHERIFF], "suspend", MOU, "--reason", "An audit is open")
    file = kept[SHERIFF].home / "agreements" / MOU / "statements.json"
    file.write_text(file.read_text().replace('"suspend"', '"resume"'))
    apply(kept[SHERIFF])
    assert outcome(kept) != "answered"
    file.write_text("[")
    apply(kept[SHERIFF])
    assert outcome(kept) != "answered"


def test_one_signature_is_not_enough(kept: World) -> None:
    only(kept, "nothing")
    police, sheriff = (agreement_work.open_desk(kept[o].home) for o in (POLICE, SHERIFF))
    document = document_of(Agreement.model_validate(a_text(id="mou-half")))
    agreement_work.sign_here(police, document)
    for gateway in kept.gateways.values():
        apply(gateway)
    assert outcome(kept) == "agreement.none"
    # The proposal reaches the other by itself; signed there, it counts at both.
    assert until((sheriff.folder.path / "mou-half" / "1.json").exists)
    assert outcome(kept) == "agreement.none"
    assert listed(kept[SHERIFF], "mou-half")["state"] == "awaiting"
    run(kept[SHERIFF], "sign", "mou-half", "--yes")
    assert until(lambda: outcome(kept) == "answered")
    assert listed(kept[POLICE], "mou-half")["state"] == "in_force"


def moments(begins: timedelta, ends: timedelta) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "from": f"{now + begins:%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{now + ends:%Y-%m-%dT%H:%M:%SZ}",
    }


@pytest.mark.parametrize(
    ("begins", "ends", "state", "code"),
    [
        (timedelta(days=1), timedelta(days=9), "not_begun", "agreement.expired"),
        (-timedelta(days=9), -timedelta(days=1), "expired", "agreement.expired"),
        (-timedelta(days=9), timedelta(days=9), "in_force", "answered"),
    ],
)
def test_its_time(kept: World, begins: timedelta, ends: timedelta, state: str, code: str) -> None:
    only(kept, "nothing")
    agreements.agree(desks(kept), a_text(id="mou-time", valid=moments(begins, ends)))
    for gateway in kept.gateways.values():
        apply(gateway)
    assert outcome(kept) == code
    assert listed(kept[POLICE], "mou-time")["state"] == state


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(-1, 1, "answered"), (2, 3, "agreement.outside_limits"), (-3, -2, "agreement.outside_limits")],
)
def test_its_hours(kept: World, first: int, last: int, code: str) -> None:
    """In hours from now, at an offset that is neither party's own; it may go over midnight."""
    only(kept, "nothing")
    there = datetime.now(timezone(timedelta(hours=5, minutes=30)))
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    hours = {
        "days": days,
        "from": f"{there + timedelta(hours=first):%H:%M}",
        "to": f"{there + timedelta(hours=last):%H:%M}",
        "utc_offset": "+05:30",
    }
    agreements.agree(desks(kept), a_text(id="mou-hours", hours=hours))
    for gateway in kept.gateways.values():
        apply(gateway)
    assert outcome(kept) == code
    assert listed(kept[POLICE], "mou-hours")["state"] == "in_force"


def test_two_texts_under_one_name_are_refused_and_noticed(kept: World) -> None:
    only(kept, "nothing")
    wide, narrow = (a_text(id="mou-two", title=t) for t in ("Wide", "Narrow"))
    # Both signed both; each gateway keeps another one.
    for text, desk in zip((wide, narrow), desks(kept), strict=True):
        document = document_of(Agreement.model_validate(text))
        signed = [
            agreement_work.sign(document, agreement_work.keys.read_agreement(d.home), d.ori)
            for d in desks(kept)
        ]
        desk.folder.put(document.signed_by(signed))
    for gateway in kept.gateways.values():
        apply(gateway)
    assert outcome(kept) == "agreement.differs"
    assert outcome(kept, SHERIFF, POLICE) == "agreement.differs"
    for gateway in kept.gateways.values():
        assert until(lambda g=gateway: bool(logged(g, "agreement_differs")))
        assert [d["agreement"] for d in differing(gateway)] == ["mou-two.1"]
        ready = httpx.get(gateway.url + "/readyz").json()["components"]["agreements"]
        assert ready["status"] == "degraded"


def test_unsigned_data_in_the_policy_folder_are_refused(kept: World) -> None:
    folder = kept[SHERIFF].home / "policies" / "agreements" / POLICE / SHERIFF / "mine"
    folder.mkdir(parents=True)
    example = ROOT / "policies/sallyport/example/agreements" / POLICE / SHERIFF / MOU / "data.yaml"
    try:
        (folder / "data.yaml").write_text(example.read_text())
        done = kept[SHERIFF].command("policy", "apply", check=False)
        assert done.returncode != 0
        assert "is not signed" in done.stderr
        assert "agreements/CA9990000/TX9990000/mine/data.yaml:1" in done.stderr
        assert outcome(kept) == "answered"
    finally:
        shutil.rmtree(kept[SHERIFF].home / "policies" / "agreements")
        kept[SHERIFF].command("policy", "apply")


def test_it_ends_soon(kept: World) -> None:
    only(kept, "nothing")
    left = {"mou-soon": 6, "mou-month": 29, "mou-quarter": 89}
    for name, days in left.items():
        soon = moments(-timedelta(days=9), timedelta(days=days, hours=1))
        agreements.agree(desks(kept), a_text(id=name, valid=soon))
    for gateway in kept.gateways.values():
        apply(gateway)
    expected = {f"{name}.1": [days + 1] for name, days in left.items()}
    for gateway in kept.gateways.values():

        def warnings(gateway: Gateway = gateway) -> dict[str, list[int]]:
            found = logged(gateway, "agreement_ending")
            return {n: [e["results"] for e in found if e["reasons"] == [n]] for n in expected}

        # At 90, 30 and 7 days, each once, at both parties.
        assert until(lambda: warnings() == expected), warnings()
        metrics = httpx.get(gateway.url + "/metrics").text
        for name, days in left.items():
            assert f'sallyport_agreement_days_left{{agreement="{name}"}} {days + 1}.0' in metrics
        ready = httpx.get(gateway.url + "/readyz").json()["components"]["agreements"]
        assert ready["status"] == "degraded"
        warned = {e["id"]: e["warning_days"] for e in ready["ending"]}
        assert warned == {"mou-soon": 7, "mou-month": 30, "mou-quarter": 90}


def test_a_task_force_is_for_its_units_and_cases(kept: World) -> None:
    only(kept, "nothing")
    roster = {POLICE: {"units": ["Border Task Force"]}, SHERIFF: {"units": ["CID"]}}
    text = a_text(
        id="jtf-2026-01",
        cases=["26-004417"],
        task_force={"name": "Joint Task Force Meridian", "roster": roster},
    )
    agreements.agree(desks(kept), text)
    for gateway in kept.gateways.values():
        apply(gateway)
    case = {"reference": {"type": "case", "number": "26-004417"}}
    other = {"reference": {"type": "case", "number": "26-000001"}}
    assert outcome(kept, unit="Border Task Force", **case) == "answered"
    assert outcome(kept, unit="Robbery", **case) == "agreement.outside_limits"
    assert outcome(kept, unit="Border Task Force", **other) == "agreement.outside_limits"


def test_draft_sign_and_renew_by_hand(kept: World, tmp_path: Path) -> None:
    police, sheriff = kept[POLICE], kept[SHERIFF]
    only(kept, "nothing")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"a made-up paper")
    draft = tmp_path / "draft.yaml"
    run(
        police,
        *("draft", str(draft), "--with", SHERIFF),
        *("--id", "mou-hand", "--paper", str(paper)),
    )
    assert "criminal_investigation" in draft.read_text()
    # As it was drafted it is not whole: refused, with file and line.
    refused = run(police, "sign", str(draft), "--yes", fails=True)
    assert said(refused).startswith("draft.yaml:")
    text = yaml.safe_load(draft.read_text())
    assert text["paper"]["digest"] == digest(b"a made-up paper")
    filled = a_text(id="mou-hand", paper=text["paper"], valid=text["valid"])
    filled["shares"][SHERIFF][0]["purposes"][1] = "curiosity"
    draft.write_text(yaml.safe_dump(filled, sort_keys=False))
    line = next(n for n, t in enumerate(draft.read_text().splitlines(), 1) if "curiosity" in t)
    refused = run(police, "sign", str(draft), "--yes", fails=True)
    assert f"draft.yaml:{line}: 'curiosity' is not among the vocabulary's purposes" in said(refused)
    draft.write_text(draft.read_text().replace("curiosity", "traffic_stop"))
    sent = tmp_path / "sent.json"
    run(police, "sign", str(draft), "--yes", "--out", str(sent))
    back = tmp_path / "back.json"
    run(sheriff, "sign", str(sent), "--yes", "--out", str(back))
    run(police, "receive", str(back))
    assert until(lambda: outcome(kept) == "answered")
    # A next version, from now on: the earlier one is superseded.
    renewed = tmp_path / "renewed.yaml"
    now = datetime.now(UTC)
    run(
        police,
        *("renew", "mou-hand", str(renewed)),
        *("--from", now.isoformat(), "--to", f"{now.year + 3}-01-01"),
    )
    run(police, "sign", str(renewed), "--yes")
    assert until(lambda: listed(sheriff, "mou-hand")["version"] == 2)
    run(sheriff, "sign", "mou-hand", "--yes")
    assert until(lambda: listed(police, "mou-hand")["state"] == "in_force")
    assert until(lambda: outcome(kept) == "answered")
    done = json.loads(run(police, "list", "--json").stdout)["agreements"]
    assert [a["state"] for a in done] == ["superseded", "in_force"]
    # In a narrow window too the ids stand whole: they are what every other command takes.
    table = run(police, "list").stdout
    assert all(table.count(word) == 2 for word in ("mou-hand", SHERIFF, POLICE))


def test_a_suspension_outlasts_a_restart_and_a_bad_edit(kept: World) -> None:
    sheriff = kept[SHERIFF]
    run(sheriff, "suspend", MOU, "--reason", "An audit is open")
    rego = sheriff.home / "policies" / "local" / "local.rego"
    before = rego.read_text()
    try:
        rego.write_text("package local\n\nx := ")
        sheriff.stop()
        sheriff.start()
        sheriff.ready()
        assert outcome(kept, SHERIFF, POLICE) == "agreement.suspended"
        # Whoever was not told asks, and is refused.
        held = kept[POLICE].home / "agreements"
        (held / MOU / "statements.json").unlink(missing_ok=True)
        (held / ".said" / f"{MOU}.json").unlink(missing_ok=True)
        apply(kept[POLICE])
        part = ask(kept)
        assert part["reasons"][0]["code"] == "agreement.suspended"
    finally:
        rego.write_text(before)
