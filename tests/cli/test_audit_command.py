"""`sallyport audit` on a gateway's folder: verify, read, checkpoints, receipts."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from gateway.cli import admin_client, audit
from gateway.cli.setup import init_home
from gateway.errors import Invalid, LedgerUnavailable, NotFound, Unavailable
from gateway.exchange.receipt import content_digest, signed
from gateway.ledger import Draft, EntryType, Ledger, origin_of
from gateway.ledger.checkpoint import read
from gateway.ledger.seal import ledger_key
from gateway.trust import keys as key_files
from gateway.trust.signatures import Signer

ORI = "ZZ9990000"
CANARY = "XOCHITLZZCANARY"


def run(home: Path, *words: object) -> Result:
    return CliRunner().invoke(
        audit.app, [str(words[0]), "--home", str(home), *map(str, words[1:])], catch_exceptions=True
    )


def good(home: Path, *words: object) -> str:
    done = run(home, *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def ledger_of(home: Path) -> Ledger:
    keys = key_files.load(home)
    return Ledger(
        home / "data" / "ledger.db",
        origin=origin_of(ORI),
        log_key=keys.log,
        sealing_key=ledger_key(keys.sealing),
    )


def write(home: Path, *drafts: Draft) -> list[Any]:
    async def act() -> list[Any]:
        ledger = ledger_of(home)
        await ledger.start()
        try:
            return list(await ledger.begin(drafts))
        finally:
            await ledger.stop()

    return asyncio.run(act())


@pytest.fixture
def home(tmp_path: Path, free_port: int) -> Path:
    folder = tmp_path / "home"
    init_home(folder, ori=ORI, name="An agency", url=f"http://127.0.0.1:{free_port}")
    write(
        folder,
        Draft(
            EntryType.QUERY_IN,
            transaction="srch_1",
            peer="ZZ9990100",
            decision="allow",
            reference="case:1",
            personal={"officer": CANARY},
        ),
        Draft(
            EntryType.RESPONSE_IN,
            transaction="srch_2",
            peer="ZZ9990200",
            peer_leaf="sha-256:" + "ab" * 32,
        ),
    )
    return folder


def test_an_intact_log(home: Path) -> None:
    text = good(home, "verify")
    assert "entries 3" in text
    assert "intact" in text
    assert "kept elsewhere" in text  # it says what this can't show
    report = json.loads(good(home, "verify", "--json"))
    assert report["intact"] is True
    assert (report["entries"], report["opened"]) == (3, 1)


def test_an_altered_log_is_named_and_ends_with_1(home: Path) -> None:
    connection = sqlite3.connect(home / "data" / "ledger.db")
    with connection:
        connection.execute("UPDATE entries SET decision = 'deny' WHERE position = 1")
    connection.close()
    done = run(home, "verify")
    assert done.exit_code == 1
    assert "decision" in done.stdout
    done = run(home, "verify", "--json")
    assert done.exit_code == 1
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["position"] == 1


def test_a_checkpoint_kept_elsewhere_finds_a_log_that_was_put_back(
    home: Path, tmp_path: Path
) -> None:
    file = home / "data" / "ledger.db"
    yesterday = file.read_bytes()
    write(home, Draft(EntryType.NOTICE))
    kept = tmp_path / "kept"
    kept.write_text(good(home, "checkpoint"), encoding="utf-8")
    assert read(kept.read_text(encoding="utf-8")).size == 5
    assert "checkpoints kept elsewhere 1" in good(home, "verify", "--checkpoint", kept)
    file.write_bytes(yesterday)
    assert run(home, "verify").exit_code == 0
    done = run(home, "verify", "--checkpoint", kept)
    assert done.exit_code == 1
    assert "end was removed" in " ".join(done.stdout.split())


def test_receipts_of_a_peer(home: Path, tmp_path: Path) -> None:
    [logged] = write(home, Draft(EntryType.QUERY_IN, transaction="srch_9"))
    held = tmp_path / "held"
    line = {"leaf": logged.leaf, "transaction": "srch_9", "type": "response_in"}
    held.write_text(json.dumps(line) + "\n", encoding="utf-8")
    good(home, "verify", "--receipts", held)
    held.write_text(json.dumps(line | {"leaf": "sha-256:" + "0" * 64}), encoding="utf-8")
    done = run(home, "verify", "--receipts", held, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["kinds"] == {"receipt": 1}
    held.write_text("nonsense", encoding="utf-8")
    assert isinstance(run(home, "verify", "--receipts", held).exception, Invalid)


def test_receipts_are_printed_and_their_reading_is_logged(home: Path) -> None:
    [line] = good(home, "receipts", "--peer", "ZZ9990200").splitlines()
    assert json.loads(line)["leaf"] == "sha-256:" + "ab" * 32
    assert good(home, "receipts", "--peer", "ZZ9990300") == ""
    assert decisions(home).count("receipts_read") == 2


def decisions(home: Path) -> list[str]:
    found = json.loads(good(home, "entries", "--json", "--type", "admin"))
    return [e["decision"] for e in found["entries"]]


def test_reading_without_a_gateway_is_logged_before_it_is_shown(home: Path) -> None:
    found = json.loads(good(home, "entries", "--json"))
    assert [e["type"] for e in found["entries"]] == [
        *("start", "query_in", "response_in"),
        *("start", "admin"),
    ]
    assert CANARY not in json.dumps(found)
    opened = json.loads(good(home, "entries", "--json", "--unseal", "--transaction", "srch_1"))
    assert opened["entries"][0]["personal"] == {"officer": CANARY}
    assert opened["entries"][0]["reference"] == "case:1"
    assert decisions(home)[:2] == ["log_read", "log_unsealed"]
    assert run(home, "verify").exit_code == 0


def test_entries_as_a_table_with_filters_and_pages(home: Path) -> None:
    text = good(home, "entries", "--peer", "ZZ9990100")
    assert "query_in" in text
    assert "response_in" not in text
    assert CANARY not in text
    first = json.loads(good(home, "entries", "--json", "--limit", "2"))
    assert len(first["entries"]) == 2
    then = json.loads(good(home, "entries", "--json", "--limit", "2", "--after", first["next"]))
    assert then["entries"][0]["index"] == 2
    assert good(home, "entries", "--until", "2001-01-01").count("query_in") == 0


def test_a_running_gateway_is_asked_and_logs_the_reading(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def call(where: Path, method: str, path: str) -> dict[str, Any]:
        asked.append((where, method, path))
        entry = {"index": 0, "time": "t", "type": "start", "personal_state": "none"}
        return {"entries": [entry], "receipts": [{"leaf": "x"}]}

    monkeypatch.setattr(admin_client, "call", call)
    before = (home / "data" / "ledger.db").read_bytes()
    good(home, "entries", "--type", "deny", "--type", "start", "--unseal", "--since", "2026-11-23")
    assert good(home, "receipts", "--peer", "ZZ9990200") == '{"leaf":"x"}\n'
    assert (home / "data" / "ledger.db").read_bytes() == before
    assert asked == [
        (
            home,
            "GET",
            (
                "/v1/audit/entries?since=2026-11-23T00%3A00%3A00%2B00%3A00&type=deny&type=start"
                "&limit=100&unseal=true"
            ),
        ),
        (home, "GET", "/v1/audit/receipts?peer=ZZ9990200"),
    ]


def test_a_gateway_that_runs_but_does_not_answer_is_not_gone_round(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(*_: object) -> dict[str, Any]:
        raise Unavailable("no answer")

    monkeypatch.setattr(admin_client, "call", call)

    async def while_running() -> Result:
        ledger = ledger_of(home)
        await ledger.start()
        try:
            return await asyncio.to_thread(run, home, "entries")
        finally:
            await ledger.stop()

    done = asyncio.run(while_running())
    assert isinstance(done.exception, LedgerUnavailable)
    assert "query_in" not in done.stdout


def test_an_earlier_key_that_cannot_be_read_keeps_no_answer_from_being_checked(
    home: Path, tmp_path: Path
) -> None:
    before = key_files.load(home).message
    damaged = key_files.renew(home, key_files.MESSAGE)
    damaged.write_bytes(b"damaged")
    key_files.write_private(damaged.parent, f"{damaged.name[:-1]}X", before)
    outcome: dict[str, Any] = {
        "search_id": "srch_3",
        "agencies": [{"ori": "ZZ9990100", "status": "answered"}],
        "receipt": {},
    }
    content = content_digest(outcome)
    drafts = Draft(EntryType.RESPONSE_OUT, transaction="srch_3", response=content)
    [entry] = write(home, drafts)
    outcome["receipt"] = signed(
        outcome, content=content, leaf=entry.leaf, sign=Signer(before).sign_detached
    )
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(outcome))
    found = json.loads(good(home, "answer", file, "--json"))
    assert found["as_given"] is True
    [why] = found["unread_keys"]
    assert damaged.name in why
    told = " ".join(good(home, "answer", file).split())
    assert f"An earlier key is not read, nor is what it signed known: keys/{damaged.name}" in told
    assert "is as it was given out" in told


def test_before_the_first_start_there_is_nothing(home: Path) -> None:
    for file in (home / "data").iterdir():
        file.unlink()
    for words in (("entries",), ("checkpoint",), ("receipts", "--peer", "ZZ9990200")):
        assert isinstance(run(home, *words).exception, NotFound)
    assert isinstance(run(home, "verify").exception, LedgerUnavailable)


def test_the_key_is_printed_for_other_tools(home: Path) -> None:
    assert good(home, "key").startswith(f"sallyport/{ORI}+")


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_log_reads_in_any_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    entry = {
        "index": 101,
        "time": "2026-11-29T11:34:28.33Z",
        "type": "query_in",
        "peer": ORI,
        "purpose": "criminal_investigation",
        "decision": "refused",
        "reasons": ["agreement.purpose_not_covered", "officer.role"],
        "transaction": "srch_01M8KHBHQ1GHGATFZS7FP1K6D",
    }
    monkeypatch.setattr(audit, "_console", lambda: Console(width=width))
    audit._table("A gateway", [entry, entry], unseal=False)
    shown = capsys.readouterr().out
    words = shown.split()
    assert words.count("criminal_investigation") == words.count(entry["transaction"]) == 2
    assert words.count("agreement.purpose_not_covered,") == 2
    assert max(map(len, shown.splitlines())) <= width
