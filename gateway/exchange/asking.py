"""The first door: an officer's system asks, and only what policy permits goes out.

1  policy        may this officer ask this, and whom? one decision for all agencies
2  ledger.begin  every question that goes out and every refusal, durable
3  peers         all at once, a deadline each; the agency's own records go the same way
4  policy.admit  takes each verified answer in when it comes, while others are awaited
5  ledger.finish what came in, soon after it came, and what goes out to the officer, durable
6  only then the outcome leaves, with its signed completeness receipt
"""

import asyncio
import dataclasses
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter

from gateway.errors import (
    NotFound,
    PeerError,
    PeerTimeout,
    PolicyUnavailable,
    RecordsUnavailable,
    Refused,
    SallyportError,
    Unavailable,
)
from gateway.exchange import receipt as receipts
from gateway.exchange.answering import Answering, decided, reference_text
from gateway.exchange.arrived import Arrived
from gateway.exchange.confirmations import Confirmations
from gateway.exchange.duties import Duties
from gateway.exchange.outcome import AgencyOutcome, Receipt, SearchOutcome, count, overall
from gateway.exchange.peer_policies import PeerPolicies
from gateway.exchange.searches import PENDING, Kept, Searches, Tickets, due
from gateway.exchange.to_confirm import mark, marked
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import (
    Answer,
    Caller,
    Obligation,
    Ori,
    Reason,
    RecordQuery,
    Reference,
    Search,
    Status,
    Subject,
    new_blind,
)
from gateway.peers import Failure, Peers, Prepared, Reply, Signed, prepare
from gateway.policy import AskDecision, Evidence, Permit, Policy, Released
from gateway.telemetry import Metrics, Tracing

SEARCH = TypeAdapter(Search)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one agency's part comes to, with its line for the log."""

    outcome: AgencyOutcome
    draft: Draft
    policy: str | None = None
    """The set that a peer's verified answer names."""
    tickets: Mapping[str, str] = field(default_factory=dict)
    """With which the records that it names can be asked for again."""


class Asking:
    """Search on behalf of the agency's officers."""

    def __init__(
        self,
        *,
        ori: Ori,
        policy: Policy,
        ledger: Ledger,
        peers: Peers,
        answering: Answering,
        searches: Searches,
        confirmations: Confirmations,
        duties: Duties,
        peer_policies: PeerPolicies,
        sign: receipts.Sign,
        keep_days: int,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._ori = ori
        self._policy = policy
        self._ledger = ledger
        self._peers = peers
        self._answering = answering
        self._searches = searches
        self._confirmations = confirmations
        self._duties = duties
        self._peer_policies = peer_policies
        self._sign = sign
        self._keep_days = keep_days
        self._metrics = metrics
        self._tracing = tracing

    async def search(self, search: Search, *, owed: Collection[str] = ()) -> SearchOutcome:
        """Ask, and give what came back. Raises Refused, with reasons, if nobody may be asked.

        Raises PolicyUnavailable and LedgerUnavailable: then nothing was sent. `owed`: duties that
        an earlier search owes, and this one does not again.
        """
        with self._tracing.span("search"):
            return await self._search(search, owed)

    async def _search(self, search: Search, owed: Collection[str]) -> SearchOutcome:
        asked_at = datetime.now(UTC)
        decision = await self._permit(search, asked_at)
        mine = [p for p in decision.permits if p.owner == self._ori]
        prepared = [prepare(p) for p in decision.permits if p.owner != self._ori]
        # Signed while the log's thread writes. Nothing leaves before both are done.
        _, signed = await asyncio.gather(
            self._ledger.begin(self._begun(search, decision, mine, prepared)),
            self._written(prepared),
        )
        arrived = Arrived(self._ledger)
        async with asyncio.TaskGroup() as side_by_side:
            tasks = [side_by_side.create_task(self._own(p, search, arrived)) for p in mine]
            tasks += [
                side_by_side.create_task(self._asked(q.permit, s, search, arrived))
                for q, s in zip(prepared, signed, strict=True)
            ]
        refused = [
            AgencyOutcome(ori=r.owner, status=Status.REFUSED, asked=False, reasons=r.reasons)
            for r in decision.refusals
        ]
        taken = [t.result() for t in tasks]
        agencies = (*(t.outcome for t in taken), *refused)
        for a in agencies:
            self._metrics.asked.labels(a.status).inc()
        return await self._finished(search, asked_at, agencies, taken, arrived, owed=owed)

    async def again(self, search_id: str, caller: Caller) -> bytes:
        """Give a kept outcome to its officer once more, as JSON. Logged as a disclosure."""
        kept = await self._kept(search_id, caller)
        outcome = orjson.loads(kept.body)
        await self._confirmations.present(outcome)
        await self._duties.present(outcome)
        # Some of it stands otherwise by now: a content, a line and a receipt of its own.
        outcome["blind"] = new_blind()
        content = receipts.content_digest(outcome)
        [logged] = await self._ledger.begin(
            [
                Draft(
                    type=EntryType.RESPONSE_OUT,
                    transaction=search_id,
                    peer=self._ori,
                    decision="again",
                    response=content,
                    personal=_who(caller),
                )
            ]
        )
        outcome["receipt"] = receipts.signed(
            outcome, content=content, leaf=logged.leaf, sign=self._sign
        )
        return orjson.dumps(outcome)

    async def complete(self, search_id: str, reference: Reference, caller: Caller) -> bool:
        """Give a pending search its reference. Tells whether it came within 24 hours."""
        kept = await self._kept(search_id, caller, to_complete=True)
        now = datetime.now(UTC)
        in_time = self._searches.in_time(kept, now)
        await self._ledger.begin(
            [
                Draft(
                    type=EntryType.NOTICE,
                    transaction=search_id,
                    peer=self._ori,
                    decision="reference_completed" if in_time else "reference_late",
                    reference=f"{reference.type}:{reference.number or ''}",
                    personal=_who(caller),
                )
            ]
        )
        # Logged first: what can't be logged changes nothing.
        return await asyncio.to_thread(self._searches.complete, kept, reference, now)

    async def retrieve(
        self, owner: Ori, record_id: str, search_id: str, new_id: str, caller: Caller
    ) -> SearchOutcome:
        """Fetch one record that an earlier search named: decided and logged anew by both sides."""
        kept = await self._kept(search_id, caller)
        ticket = kept.tickets.get(owner, {}).get(record_id)
        if ticket is None:
            raise NotFound(
                "That search named no such record of that agency. Search again.",
                code="record.not_found",
            )
        before: Search = SEARCH.validate_python({**kept.request, "caller": _PLACEHOLDER})
        search = dataclasses.replace(
            before,
            id=new_id,
            caller=caller,
            subject=Subject(record=RecordQuery(record_id, ticket)),
            agencies=(owner,),
            max_matches=1,
        )
        owed = [duty["type"] for duty in orjson.loads(kept.body).get("duties") or ()]
        return await self.search(search, owed=owed)

    async def agencies(self, caller: Caller) -> dict[str, Any]:
        """Whom may this officer ask, for what, at which granularity, how fresh."""
        return await self._policy.agencies(caller, now=datetime.now(UTC))

    # -- steps ----------------------------------------------------------------------------

    async def _permit(self, search: Search, now: datetime) -> AskDecision:
        try:
            decision = await self._policy.permit_search(search, now=now)
        except PolicyUnavailable as error:
            await self._ledger.begin([self._denied(search, (error.code,), None, "error")])
            raise
        if not decision.allow:
            codes = tuple(r.code for r in decision.reasons)
            await self._ledger.begin([self._denied(search, codes, decision.evidence, "deny")])
            raise Refused(
                "Policy does not permit this search. The reasons say why and what to do.",
                reasons=decision.reasons,
            )
        return decision

    def _denied(
        self, search: Search, codes: tuple[str, ...], evidence: Evidence | None, decision: str
    ) -> Draft:
        return Draft(
            type=EntryType.DENY,
            transaction=search.id,
            peer=self._ori,
            purpose=search.purpose,
            policy=evidence.revision if evidence else None,
            decision=decision,
            reasons=codes,
            granularity=search.granularity,
            personal=_who(search.caller) | {"search": _request(search)} | decided(evidence),
        )

    def _begun(
        self,
        search: Search,
        decision: AskDecision,
        mine: Sequence[Permit],
        prepared: Sequence[Prepared],
    ) -> list[Draft]:
        """One entry for each agency that is asked, and for each that may not be."""
        evidence = decision.evidence
        # The decision for all agencies is one: its input stands once, in the first entry.
        shared = {"search": _request(search)} | decided(evidence)
        drafts = [
            Draft(
                type=EntryType.QUERY_OUT,
                transaction=search.id,
                peer=p.owner,
                subject=p.question.asker.officer,
                purpose=search.purpose,
                policy=evidence.revision,
                decision="allow",
                granularity=p.question.granularity,
                reference=reference_text(p.question),
                request=request,
                personal=_who(search.caller),
            )
            for p, request in [
                *((p, None) for p in mine),
                *((q.permit, q.digest) for q in prepared),
            ]
        ]
        drafts += [
            Draft(
                type=EntryType.DENY,
                transaction=search.id,
                peer=r.owner,
                purpose=search.purpose,
                policy=evidence.revision,
                decision="deny",
                reasons=tuple(x.code for x in r.reasons),
                granularity=search.granularity,
                personal=_who(search.caller),
            )
            for r in decision.refusals
        ]
        if not drafts:
            # Nobody fits the question: that was decided, so it is logged.
            drafts = [self._denied(search, ("search.nobody_to_ask",), evidence, "deny")]
        first = drafts[0]
        drafts[0] = dataclasses.replace(first, personal={**(first.personal or {}), **shared})
        return drafts

    async def _written(self, prepared: Sequence[Prepared]) -> list[Signed | Failure]:
        return [self._peers.sign(q) for q in prepared]

    async def _own(self, permit: Permit, search: Search, arrived: Arrived) -> _Taken:
        """Ask the agency's own records, through the same second door."""
        started = time.monotonic()
        try:
            released = await self._answering.answer_within(
                permit.question, search.deadline_ms / 1000
            )
        except TimeoutError:
            late = PeerTimeout("The records did not answer in time.")
            taken = self._failed(permit, late, _ms(started))
        except Unavailable as error:
            taken = self._failed(permit, PeerError(error.detail), _ms(started))
        except Exception:  # noqa: BLE001 - one agency's failure, as any other's; it is logged there
            broken = PeerError("The agency's own records failed. Tell your administrator.")
            taken = self._failed(permit, broken, _ms(started))
        else:
            taken = await self._admitted(permit, released.answer, _ms(started))
        arrived.note(taken.draft)
        return taken

    async def _asked(
        self, permit: Permit, signed: Signed | Failure, search: Search, arrived: Arrived
    ) -> _Taken:
        """Ask one peer, and take its answer in as soon as it is there: others may take longer."""
        reply = (
            signed
            if isinstance(signed, Failure)
            else await self._peers.ask(signed, deadline_ms=search.deadline_ms)
        )
        if isinstance(reply, Failure):
            taken = self._failed(permit, reply.error, reply.ms)
        else:
            taken = await self._admitted(permit, reply.answer, reply.ms, reply=reply)
            taken = dataclasses.replace(taken, policy=reply.answer.policy)
        arrived.note(taken.draft)
        return taken

    async def _admitted(
        self, permit: Permit, answer: Answer, ms: int, *, reply: Reply | None = None
    ) -> _Taken:
        """Let policy take an answer in; what it does not admit goes no further."""
        try:
            admitted = await self._policy.admit(permit, answer, now=datetime.now(UTC))
        except SallyportError as error:
            return self._failed(permit, PeerError(error.detail), ms, reply=reply)
        if not isinstance(admitted, Released):
            reason = Reason(
                code="answer.not_admitted",
                text=(
                    "The answer was not what may be taken in here, and was thrown away. Ask your "
                    "administrator: the access log says why."
                ),
            )
            outcome = AgencyOutcome(
                ori=permit.owner, status=Status.BAD_ANSWER, ms=ms, reasons=(reason,)
            )
            codes = tuple(r.code for r in admitted.reasons)
            draft = self._received(
                permit, "not_admitted", codes, reply=reply, evidence=admitted.evidence
            )
            return _Taken(outcome, draft)
        a = admitted.answer
        outcome = AgencyOutcome(
            ori=permit.owner,
            status=Status(a.status),
            ms=ms,
            granularity=a.granularity,
            data_as_of=a.data_as_of,
            stale=a.stale or None,
            hit=a.hit,
            count=a.count,
            more=a.more or None,
            terms_not_used=a.terms_not_used or None,
            classes_never_shared=a.classes_never_shared or None,
            reasons=a.reasons or None,
            obligations=tuple(Obligation(**o) for o in admitted.obligations) or None,
        )
        if a.status == "answered":
            outcome = mark(outcome, a.matches)
        codes = tuple(r.code for r in a.reasons)
        evidence = admitted.evidence[-1] if admitted.evidence else None
        draft = self._received(permit, a.status, codes, reply=reply, evidence=evidence, answer=a)
        return _Taken(outcome, draft, tickets=a.tickets)

    def _failed(
        self, permit: Permit, error: PeerError, ms: int, *, reply: Reply | None = None
    ) -> _Taken:
        outcome = AgencyOutcome(
            ori=permit.owner,
            status=Status(error.status),
            ms=ms,
            reasons=(Reason(code=error.code, text=error.detail),),
            retry_after_s=error.retry_after_s,
        )
        return _Taken(outcome, self._received(permit, error.status, (error.code,), reply=reply))

    def _received(
        self,
        permit: Permit,
        decision: str,
        codes: tuple[str, ...],
        *,
        reply: Reply | None = None,
        evidence: Evidence | None = None,
        answer: Answer | None = None,
    ) -> Draft:
        question = permit.question
        personal: dict[str, Any] = decided(evidence)
        if answer is not None:
            personal["received"] = [m.record_id for m in answer.matches if m.record_id]
        if reply is not None:
            personal["times"] = {
                "sent": reply.sent.isoformat(),
                "received": reply.received.isoformat(),
            }
        return Draft(
            type=EntryType.RESPONSE_IN,
            transaction=question.transaction,
            peer=permit.owner,
            subject=question.asker.officer,
            purpose=question.purpose,
            policy=evidence.revision if evidence else None,
            decision=decision,
            reasons=codes,
            granularity=answer.granularity.given if answer and answer.granularity else None,
            results=len(answer.matches) if answer else None,
            response=reply.response if reply else None,
            signature=reply.signature if reply else None,
            peer_leaf=answer.leaf if answer else None,
            personal=personal or None,
        )

    async def _finished(
        self,
        search: Search,
        asked_at: datetime,
        agencies: tuple[AgencyOutcome, ...],
        taken: Sequence[_Taken],
        arrived: Arrived,
        *,
        owed: Collection[str],
    ) -> SearchOutcome:
        pending = search.reference is not None and search.reference.type == PENDING
        outcome = SearchOutcome(
            search_id=search.id,
            status=overall(agencies),
            agencies=agencies,
            receipt=count(agencies),
            reference_due=due(asked_at) if pending else None,
            duties=self._duties.owed(agencies, asked_at, already=owed) or None,
        )
        said = outcome.plain()
        content = receipts.content_digest(said)
        # By these an auditor finds what was done to confirm which record, and what was owed.
        told: dict[str, Any] = {}
        if to_confirm := {hit.id: [ori, record_id] for ori, record_id, hit in marked(agencies)}:
            told["to_confirm"] = to_confirm
        if outcome.duties:
            told["duties"] = {d.id: [d.type, d.due, *d.owners] for d in outcome.duties}
        out = Draft(
            type=EntryType.RESPONSE_OUT,
            transaction=search.id,
            peer=self._ori,
            purpose=search.purpose,
            decision=outcome.status,
            results=sum(len(a.matches or ()) for a in agencies),
            response=content,
            personal=_who(search.caller) | told,
        )
        sets = [(t.outcome.ori, t.policy) for t in taken if t.policy is not None]
        with self._peer_policies.noting(sets, datetime.now(UTC)) as news:
            logged = await arrived.finish(*news, out)
        await self._peer_policies.keep()
        receipt = receipts.signed(said, content=content, leaf=logged.leaf, sign=self._sign)
        outcome = dataclasses.replace(outcome, receipt=Receipt(**receipt))
        tickets = {t.outcome.ori: t.tickets for t in taken if t.tickets}
        await asyncio.to_thread(self._keep, search, outcome, asked_at, tickets)
        return outcome

    def _keep(
        self, search: Search, outcome: SearchOutcome, asked_at: datetime, tickets: Tickets
    ) -> None:
        # Nothing of the answer is in these: they run on where the answer is not kept. They come
        # first, so that no answer can be fetched whose clocks do not run.
        longest = asked_at + timedelta(days=self._keep_days)
        try:
            self._duties.keep(search, outcome.duties or (), longest)
            self._confirmations.keep(search, outcome.agencies, longest)
        except RecordsUnavailable:
            raise self._searches.trouble() from None
        self._searches.keep(
            search,
            _request(search),
            outcome.body(),
            asked_at=asked_at,
            keep_until=asked_at + timedelta(days=_days(outcome.agencies, self._keep_days)),
            tickets=tickets,
        )

    async def _kept(self, search_id: str, caller: Caller, *, to_complete: bool = False) -> Kept:
        now = datetime.now(UTC)
        return await asyncio.to_thread(
            self._searches.get, search_id, caller, now, to_complete=to_complete
        )


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


DELETE_AFTER = "delete_after"
_PLACEHOLDER = {"client": "", "ori": "", "scopes": []}


def _who(caller: Caller) -> dict[str, Any]:
    officer = caller.officer
    return {
        "client": caller.client,
        "officer": officer.subject if officer else None,
        "unit": officer.unit if officer else None,
        "device": officer.device if officer else None,
    }


def _request(search: Search) -> dict[str, Any]:
    body: dict[str, Any] = SEARCH.dump_python(
        search, mode="json", exclude_none=True, exclude={"caller"}
    )
    return body


def _days(agencies: Sequence[AgencyOutcome], longest: int) -> int:
    """Give the shortest time that anyone lets us keep what they gave."""
    given = [o.days for a in agencies for o in a.obligations or () if o.type == DELETE_AFTER]
    return min([longest, *(d for d in given if d is not None)])
