"""`audit replay`, `policy explain`, `impact` and `exposure` on a folder where no gateway runs."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from gateway.cli import (
    audit,
    main,  # noqa: F401 - it registers the commands
    policy,
    replay,
)
from gateway.cli.periods import moment
from gateway.cli.setup import init_home
from gateway.errors import Invalid, NotFound, PolicyRejected
from gateway.exchange.answering import decided
from gateway.exchange.exposure import together
from gateway.ledger import Draft, EntryType, Filters, Ledger, origin_of
from gateway.ledger.seal import ledger_key
from gateway.policy import AnswerPermit
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set
from gateway.trust import keys as key_files
from tests.policy.made import NOW, SMALL, TEXAS, question, start, write_set

ANSWER = "sallyport/answer/answer.rego"


def run(app: Any, home: Path, *words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)])


def with_ledger(home: Path, act: Callable[[Ledger], Awaitable[Any]]) -> Any:
    async def used() -> Any:
        keys = key_files.load(home)
        ledger = Ledger(
            home / "data" / "ledger.db",
            origin=origin_of(TEXAS),
            log_key=keys.log,
            sealing_key=ledger_key(keys.sealing),
        )
        await ledger.start()
        try:
            return await act(ledger)
        finally:
            await ledger.stop()

    return asyncio.run(used())


def draft(evidence: Any, **changes: Any) -> Draft:
    plain: dict[str, Any] = {
        "type": EntryType.QUERY_IN,
        "peer": question().asker.ori,
        "purpose": question().purpose,
        "policy": evidence.revision,
        "decision": "allow",
        "personal": {"name": "XOCHITLZZCANARY", **decided(evidence)},
    }
    return Draft(**{**plain, **changes})


@pytest.fixture
def home(tmp_path: Path, free_port: int) -> Path:
    """A home whose log holds one decision, twice: as it was, and with other words."""
    folder = tmp_path / "home"
    init_home(folder, ori=TEXAS, name="An agency", url=f"http://127.0.0.1:{free_port}")
    shutil.rmtree(folder / "policies", ignore_errors=True)
    write_set(folder / "policies", {})
    KeptSets(folder / "data").keep(load_set(SMALL))

    async def evidence() -> Any:
        made = await start(folder / "data")
        verdict = await made.permit_answer(question(), now=NOW)
        await made.close()
        assert isinstance(verdict, AnswerPermit)
        return verdict.evidence

    found = asyncio.run(evidence())
    with_ledger(folder, lambda ledger: ledger.begin([draft(found)]))
    return folder


def names(home: Path, *types: EntryType) -> list[str]:
    page = with_ledger(home, lambda ledger: ledger.entries(Filters(types=types)))
    return [e.entry_id for e in page.entries]


def test_the_same_is_0_and_the_reading_is_logged(home: Path) -> None:
    [name] = names(home, EntryType.QUERY_IN)
    done = run(audit.app, home, "replay", name)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "the same" in done.stdout
    assert "XOCHITL" not in done.stdout
    [logged] = with_ledger(
        home, lambda ledger: ledger.entries(Filters(types=(EntryType.ADMIN,)), unseal=True)
    ).entries
    assert logged.fields["decision"] == "decisions_replayed"
    assert logged.personal["about"] == {"entry": name}
    assert logged.personal["user"]


def test_no_digest_is_cut_off_in_a_narrow_window(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_console", lambda: Console(width=60))
    [name] = names(home, EntryType.QUERY_IN)
    policy_digest = json.loads(run(audit.app, home, "replay", name, "--json").stdout)["policy"]
    shown = run(audit.app, home, "replay", name).stdout
    folded = "".join(line.split("│")[2].strip() for line in shown.splitlines() if "│" in line)
    assert policy_digest in folded


def test_different_is_1_with_what_differs(home: Path) -> None:
    async def again(ledger: Ledger) -> None:
        [entry] = (await ledger.entries(Filters(types=(EntryType.QUERY_IN,)), unseal=True)).entries
        fields = {n: entry.fields[n] for n in ("peer", "purpose", "policy")}
        await ledger.begin(
            [Draft(EntryType.DENY, **fields, decision="deny", personal=entry.personal)]
        )

    with_ledger(home, again)
    [name] = names(home, EntryType.DENY)
    done = run(audit.app, home, "replay", name, "--json")
    assert done.exit_code == 1
    assert (
        json.loads(done.stdout)["differences"]
        == [
            {"at": "/entry/decision", "then": "deny", "now": "allow"},
            {"at": "/entry/reasons", "then": [], "now": []},
        ][:1]
    )
    every = run(audit.app, home, "replay", "--all", "--json")
    assert every.exit_code == 1
    assert json.loads(every.stdout)["counts"] == {"same": 1, "different": 1}
    table = run(audit.app, home, "replay", "--all")
    assert "/entry/decision" in table.stdout


def test_what_cannot_be_replayed_is_3(home: Path) -> None:
    [started, *_] = names(home, EntryType.START)
    assert run(audit.app, home, "replay", started).exit_code == 3
    [name] = names(home, EntryType.QUERY_IN)
    with_ledger(home, lambda log: log.erase([name], reason="court.order", personal={"by": "x"}))
    done = run(audit.app, home, "replay", name)
    assert done.exit_code == 3
    assert "erased" in done.stdout
    # That entries are erased is no fault of a log: all of it is as good as it can be.
    assert run(audit.app, home, "replay", "--all").exit_code == 0


def test_a_set_that_is_gone_is_3_for_one_and_for_all(home: Path) -> None:
    [name] = names(home, EntryType.QUERY_IN)
    shutil.rmtree(home / "data" / "policy_sets")
    done = run(audit.app, home, "replay", name, "--json")
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (3, "set_missing")
    assert run(audit.app, home, "replay", "--all").exit_code == 3


def test_one_entry_or_all(home: Path) -> None:
    assert isinstance(run(audit.app, home, "replay").exception, Invalid)
    assert isinstance(run(audit.app, home, "replay", "1", "--all").exception, Invalid)
    assert isinstance(run(audit.app, home, "replay", "12345").exception, NotFound)


def test_explain_an_entry_and_a_described_question(home: Path) -> None:
    [name] = names(home, EntryType.QUERY_IN)
    done = run(policy.app, home, "explain", name, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    told = json.loads(done.stdout)
    assert told["outcome"]["allow"] is True
    assert "asker.ori" in {f["path"] for f in told["facts"]}
    assert "XOCHITL" not in done.stdout
    described = run(
        policy.app,
        home,
        *("explain", "--asker", "NM9990000", "--purpose", "stop", "--type", "person"),
    )
    assert described.exit_code == 0, (described.output, described.exception)
    assert "agreement.none" in described.stdout
    nothing = run(policy.app, home, "explain")
    assert isinstance(nothing.exception, Invalid)


def test_explain_by_another_set_and_a_whole_input(home: Path, tmp_path: Path) -> None:
    text = (SMALL / ANSWER).read_text().replace('{"TX9990000", "CA9990000"}', '{"TX9990000"}')
    new = write_set(tmp_path / "new", {ANSWER: text})
    [name] = names(home, EntryType.QUERY_IN)
    done = run(policy.app, home, "explain", name, "--set", new, "--json")
    assert json.loads(done.stdout)["outcome"]["allow"] is False
    whole = tmp_path / "input.json"
    whole.write_text('{"answer": {"stale": true, "handling": []}}')
    done = run(policy.app, home, "explain", "--input", whole, "--door", "admit", "--json")
    assert json.loads(done.stdout)["outcome"]["reasons"][0]["code"] == "admit.stale"
    whole.write_text("[")
    bad = run(policy.app, home, "explain", "--input", whole, "--door", "admit")
    assert isinstance(bad.exception, Invalid)


@pytest.mark.parametrize(
    ("fact", "rules"),
    [("dissemination=RED", ["dissemination.red"]), ("age_at_offense=12", ["tx.juvenile"])],
)
def test_a_fact_is_explained_beside_a_plain_record(home: Path, fact: str, rules: list[str]) -> None:
    """Nothing else speaks against the record: what is not stated is as of one that is shown."""
    shipped = Path(__file__).parents[2] / "policies"
    question = ("--asker", "TX9990000", "--purpose", "traffic_stop", "--type", "person")
    officer = ("--role", "officer", "--unit-function", "patrol", "--reference", "cad_call:26-1")
    done = run(
        policy.app,
        home,
        *("explain", "--set", shipped, *question, *officer, "--fact", fact, "--json"),
    )
    assert done.exit_code == 0, (done.output, done.exception)
    [action] = json.loads(done.stdout)["outcome"]["actions"]
    assert (action["show"], action["rules"]) == ("none", rules)


def test_impact_tells_by_its_exit_code(home: Path, tmp_path: Path) -> None:
    same = run(policy.app, home, "impact", SMALL)
    assert same.exit_code == 0, (same.output, same.exception)
    assert "Nothing would come out otherwise" in same.stdout
    text = (SMALL / ANSWER).read_text().replace('{"TX9990000", "CA9990000"}', '{"TX9990000"}')
    new = write_set(tmp_path / "new", {ANSWER: text})
    other = run(policy.app, home, "impact", new)
    assert other.exit_code == 1
    assert "Allowed then, refused by the candidate" in other.stdout
    assert names(home, EntryType.QUERY_IN)[0] in other.stdout
    nothing = run(policy.app, home, "impact", new, "--until", "2020-01-01")
    assert nothing.exit_code == 3
    assert "otherwise." not in nothing.stdout
    bad = write_set(tmp_path / "bad", {"x.rego": "package x\ny := [\n"})
    assert isinstance(run(policy.app, home, "impact", bad).exception, PolicyRejected)


def test_exposure_as_tables_and_as_json(home: Path) -> None:
    done = run(policy.app, home, "exposure", "CA9990000")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "May be seen" in done.stdout
    told = json.loads(run(policy.app, home, "exposure", "CA9990000", "--json").stdout)
    assert {s["purpose"] for s in told["can_see"]} == {"investigation", "stop"}
    assert {s["granularity"] for s in told["can_see"] if s["purpose"] == "stop"} == {"pointer"}
    none = json.loads(run(policy.app, home, "exposure", "NM9990000", "--json").stdout)
    assert none["can_see"] == []
    assert {tuple(codes) for r in none["refused"] for codes in r["reasons"]} == {
        ("agreement.none",)
    }
    unknown = run(policy.app, home, "exposure", "CA9990000", "--purpose", "curiosity")
    assert isinstance(unknown.exception, Invalid)


def test_rows_that_are_alike_are_one() -> None:
    rows = [
        {"purpose": "stop", "records": ["person"], "gives": ["a"], "effects": [1]},
        {"purpose": "stop", "records": ["arrest", "person"], "gives": ["a"], "effects": [2]},
        {"purpose": "stop", "records": ["vehicle"], "gives": ["b"], "effects": [1]},
        {"purpose": "raid", "records": ["vehicle"], "gives": ["b"], "effects": [1]},
    ]
    assert together(rows, "records", but=["effects"]) == [
        {"purpose": "stop", "records": ["person", "arrest"], "gives": ["a"]},
        {"purpose": "stop", "records": ["vehicle"], "gives": ["b"]},
        {"purpose": "raid", "records": ["vehicle"], "gives": ["b"]},
    ]
    assert len(together(rows, "records")) == 4
    [*_, last] = together(rows, "purpose")
    assert last["purpose"] == ["stop", "raid"]


def test_moments() -> None:
    assert moment("2026-11-23").isoformat() == "2026-11-23T00:00:00+00:00"
    assert moment("2026-11-23T10:00:00-05:00").isoformat() == "2026-11-23T10:00:00-05:00"
    assert (moment("1d") - moment("25h")).total_seconds() == pytest.approx(3_600, abs=5)
    with pytest.raises(Exception, match="how long ago"):
        moment("yesterday")
