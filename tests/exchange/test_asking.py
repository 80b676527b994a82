"""What the asking side does, in which order: a real log and policy, a peer on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import orjson
import pytest
from aiohttp import web

from gateway.database import open_sqlite
from gateway.errors import LedgerUnavailable
from gateway.exchange import Answering, Asking, Searches
from gateway.exchange.arrived import Arrived
from gateway.exchange.confirmations import Confirmations
from gateway.exchange.duties import Duties
from gateway.exchange.peer_policies import PeerPolicies
from gateway.ledger import EntryType
from gateway.model import Ori
from gateway.peers import PATH, AiohttpTransport, BackOff, Peers
from gateway.telemetry import Metrics, Tracing
from gateway.trust.registry import Registry
from gateway.trust.signatures import Verifier
from tests.exchange.logged import Agency, agency
from tests.ledger.made import draft
from tests.policy.made import TEXAS, search
from tests.trust.parties import Party, party

OWNER = "CA9990000"


@dataclass
class Peer:
    """The agency that is asked. It holds each answer back until `open` is set."""

    us: Party
    them: Party
    came: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[bytes] = field(default_factory=list)
    status: int = 200
    instead: dict[str, object] = field(default_factory=dict)
    """What its answer says in place of what it should; None leaves a member out."""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer that nothing was found."""
        body = await request.read()
        self.asked.append(body)
        self.came.set()
        verified = self.them.verifier.verify_request(
            method="POST",
            target_uri=self.them.peer.url + PATH,
            headers=list(request.raw_headers),
            body=body,
            now=datetime.now(UTC),
        )
        await self.open.wait()
        right = {
            "version": 1,
            "transaction": orjson.loads(body)["transaction"],
            "owner": OWNER,
            "asker": TEXAS,
            "status": "answered",
            "granularity": {"asked": "record", "given": "record"},
            "data_as_of": "2026-11-23T00:00:00.00Z",
            "leaf": "sha-256:" + 64 * "1",
        }
        said = {k: v for k, v in (right | self.instead).items() if v is not None}
        content = json.dumps(said).encode()
        signed = self.them.signer.sign_response(
            verified.binding, status=self.status, body=content, now=datetime.now(UTC)
        )
        return web.Response(body=content, status=self.status, headers=dict(signed.headers))


@asynccontextmanager
async def asking(home: Path, us: Agency) -> AsyncIterator[tuple[Asking, Peer]]:
    """Put the asking side together over an agency's log and policy, with one peer."""
    ours, theirs = party(TEXAS, "texas.example"), party(OWNER, "owner.example")
    peer = Peer(ours, theirs)
    app = web.Application()
    app.router.add_post(PATH, peer.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    theirs.peer = replace(theirs.peer, url=f"http://127.0.0.1:{port}")
    theirs.trust(ours)
    registry = Registry([theirs.peer], own_ori=Ori(TEXAS))
    state = open_sqlite(home / "state.db")
    async with AiohttpTransport(max_bytes=100_000) as http:
        peers = Peers(
            http=http,
            registry=registry,
            signer=ours.signer,
            verifier=Verifier(registry, count=lambda _: None),
            backoff=BackOff(state),
        )
        yield (
            Asking(
                ori=Ori(TEXAS),
                policy=us.policy,
                ledger=us.ledger,
                peers=peers,
                answering=cast("Answering", us.answering),
                searches=Searches(state, bytes(32)),
                confirmations=Confirmations(state, bytes(32), us.ledger),
                duties=Duties(
                    state,
                    bytes(32),
                    ori=Ori(TEXAS),
                    ledger=us.ledger,
                    texts=dict,
                    late_for=timedelta(days=1),
                ),
                peer_policies=PeerPolicies(state),
                sign=ours.signer.sign_detached,
                keep_days=1,
                metrics=Metrics(),
                tracing=Tracing(None, 0.0),
            ),
            peer,
        )
    peer.open.set()
    await runner.cleanup()
    state.dispose()


async def logged(us: Agency, count: int) -> None:
    """Wait until so many answers stand in the log."""
    for _ in range(4_000):
        if len(await us.read(EntryType.RESPONSE_IN)) == count:
            return
        await asyncio.sleep(0.005)
    pytest.fail("the log does not get them")


async def test_a_question_leaves_only_when_it_is_in_the_log(vetted: Path) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, peer):
        task = asyncio.create_task(side.search(search()))

        await asyncio.wait_for(peer.came.wait(), 20)
        [entry] = await us.read(EntryType.QUERY_OUT)
        assert entry.fields["peer"] == OWNER
        peer.open.set()
        outcome = await task
        assert outcome.receipt.answered == 1
        [came] = await us.read(EntryType.RESPONSE_IN)
        [went] = await us.read(EntryType.RESPONSE_OUT)
        assert came.fields["seq"] < went.fields["seq"]
        assert outcome.receipt.log_leaf


async def test_nothing_is_sent_when_the_log_can_t_be_written(vetted: Path) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, peer):
        await us.ledger.stop()
        with pytest.raises(LedgerUnavailable):
            await side.search(search())
        await asyncio.sleep(0.05)
        assert peer.asked == []


async def test_an_answer_does_not_go_out_when_the_log_fails_meanwhile(vetted: Path) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, peer):
        task = asyncio.create_task(side.search(search()))

        await asyncio.wait_for(peer.came.wait(), 20)
        await us.ledger.stop()
        peer.open.set()
        with pytest.raises(LedgerUnavailable):
            await task


async def test_own_records_that_are_late_time_out_and_their_answer_is_logged(vetted: Path) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, _):
        us.records.held = asyncio.Event()
        outcome = await side.search(search(agencies=(TEXAS,), deadline_ms=50))

        [own] = outcome.agencies
        assert (own.ori, own.status) == (TEXAS, "timeout")
        assert [r.code for r in own.reasons or ()] == ["peer.timeout"]
        receipt = outcome.receipt
        assert (receipt.timed_out, receipt.answered, receipt.complete) == (1, 0, False)
        [came] = await us.read(EntryType.RESPONSE_IN)
        assert came.fields["decision"] == "timeout"
        assert len(await us.read(EntryType.QUERY_IN)) == 1
        assert [e.fields["decision"] for e in await us.read(EntryType.RESPONSE_OUT)] == ["none"]

        us.records.held.set()
        await us.answering.settled()
        out = await us.read(EntryType.RESPONSE_OUT)
        assert [e.fields["decision"] for e in out] == ["none", "answered"]


async def test_own_records_that_fail_late_have_their_line_too(vetted: Path) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, _):
        us.records.held, us.records.broken = asyncio.Event(), RuntimeError("no one foresaw this")
        outcome = await side.search(search(agencies=(TEXAS,), deadline_ms=50))
        assert outcome.receipt.timed_out == 1

        us.records.held.set()
        await us.answering.settled()
        last = await us.last(EntryType.RESPONSE_OUT)
        assert (last.fields["decision"], last.fields["reasons"]) == ("error", ["gateway.error"])


async def test_own_records_that_fail_take_nobody_elses_answer_away(
    vetted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, peer):
        peer.open.set()
        us.records.broken = RuntimeError("Wexcombe")
        outcome = await side.search(search(agencies=(TEXAS, OWNER)))
        assert {a.ori: str(a.status) for a in outcome.agencies} == {
            TEXAS: "unavailable",
            OWNER: "answered",
        }
        assert (outcome.receipt.failed, outcome.receipt.complete) == (1, False)
        came = await us.read(EntryType.RESPONSE_IN)
        assert {e.fields["peer"]: e.fields["decision"] for e in came} == {
            TEXAS: "unavailable",
            OWNER: "answered",
        }
        decisions = [e.fields["decision"] for e in await us.read(EntryType.RESPONSE_OUT)]
        assert decisions == ["error", "partial"]
    told = capsys.readouterr().out
    assert "RuntimeError" in told
    assert "Wexcombe" not in told + str(outcome)


def pointer(phone: str) -> dict[str, object]:
    contact = {"unit": "Robbery", "phone": phone}
    return {"record_type": "person", "band": "possible", "contact": contact}


PERSON = {"record_type": "person", "band": "possible", "record_id": "P-1"}
COUNTED = {"granularity": {"asked": "record", "given": "count"}}
SIGNED = {
    "as it should be": (200, {}, "answered"),
    "busy": (503, {}, "unavailable"),
    "too often": (429, {}, "unavailable"),
    "not understood": (422, {}, "bad_answer"),
    "failed": (500, {}, "bad_answer"),
    "elsewhere": (302, {}, "bad_answer"),
    "another question's": (200, {"transaction": "srch_" + "1" * 26}, "bad_answer"),
    "another owner's": (200, {"owner": "NM9990000"}, "bad_answer"),
    "another asker's": (200, {"asker": "NM9990000"}, "bad_answer"),
    "a member too many": (200, {"verdict": "guilty"}, "bad_answer"),
    "a member too few": (200, {"granularity": None}, "bad_answer"),
    "another version": (200, {"version": 2}, "bad_answer"),
    "a word of no protocol": (200, {"status": "perhaps"}, "bad_answer"),
    "more than was asked": (
        200,
        {"granularity": {"asked": "record", "given": "everything"}},
        "bad_answer",
    ),
    "no line in its log": (200, {"leaf": None}, "bad_answer"),
    "a day that is none": (200, {"data_as_of": "2026-99-99T99:99:99.99Z"}, "bad_answer"),
    "more reasons than a line of the log holds": (
        200,
        {"reasons": [{"code": f"reason.n{n}", "text": "No."} for n in range(300)]},
        "bad_answer",
    ),
    "whom to ask": (200, {"matches": [pointer("+1-915-555-0177")]}, "answered"),
    "whom to ask, turned round": (
        200,
        {"matches": [pointer("\u202e7710-555-519-1+")]},
        "bad_answer",
    ),
    "a count beyond numbers": (200, COUNTED | {"count": 10**30}, "bad_answer"),
    "a count": (200, COUNTED | {"count": 7}, "answered"),
    "a class held beyond numbers": (
        200,
        {"matches": [PERSON | {"classes_held": {"photo": {"count": 2**53}}}]},
        "bad_answer",
    ),
    "a record beyond numbers": (
        200,
        {"matches": [PERSON | {"record": {"@context": {"nc": 10**30}}}]},
        "bad_answer",
    ),
    "more terms": (200, {"terms_not_used": [f"term_{n}" for n in range(300)]}, "bad_answer"),
}


async def test_a_rightly_signed_answer_counts_only_if_it_is_one_to_this_question(
    vetted: Path,
) -> None:
    async with agency(vetted) as us, asking(vetted, us) as (side, peer):
        peer.open.set()
        for n, (name, (peer.status, peer.instead, becomes)) in enumerate(SIGNED.items()):
            outcome = await side.search(replace(search(), id=f"srch_{n:026}"))
            [part] = outcome.agencies
            assert part.status == becomes, name
            receipt = outcome.receipt
            assert (receipt.answered, receipt.failed) == (
                (1, 0) if becomes == "answered" else (0, 1)
            ), name
            assert receipt.complete is (becomes == "answered")
            # It is no silence: it is logged as what it is, and the next question is asked. What
            # the protocol lets pass, and policy does not, is logged by another word.
            came = await us.read(EntryType.RESPONSE_IN)
            logged_as = "not_admitted" if name == "a member too few" else becomes
            assert came[-1].fields["decision"] == logged_as, name
            assert len(peer.asked) == n + 1


async def test_what_came_in_is_logged_while_others_are_awaited(vetted: Path) -> None:
    async with agency(vetted) as us:
        arrived = Arrived(us.ledger)
        early = [draft(n, type=EntryType.RESPONSE_IN) for n in range(3)]
        for one in early:
            arrived.note(one)

        await logged(us, len(early))
        arrived.note(draft(3, type=EntryType.RESPONSE_IN))
        last = await arrived.finish(draft(4, type=EntryType.RESPONSE_OUT))
        entries = await us.read(EntryType.RESPONSE_IN, EntryType.RESPONSE_OUT)
        assert [e.fields["results"] for e in entries] == [0, 1, 2, 3, 4]
        [out] = await us.read(EntryType.RESPONSE_OUT)
        assert out.leaf == last.leaf


async def test_an_early_line_that_can_t_be_written_is_told_at_the_end(vetted: Path) -> None:
    async with agency(vetted) as us:
        arrived = Arrived(us.ledger)
        arrived.note(draft(0, decision="x" * 10_000))
        await asyncio.sleep(0.05)
        with pytest.raises(Exception, match="decision of a log entry"):
            await arrived.finish(draft(1, type=EntryType.RESPONSE_OUT))
