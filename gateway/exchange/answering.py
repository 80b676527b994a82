"""The second door: another agency asks, and this one answers, or refuses.

    1  policy        may we answer, at what granularity?
    2  ledger.begin  the question, with its nonce, durable; refusals too
    3  records       what matches
    4  release       what may be seen of it
    5  ledger.finish what is given, durable
    6  only then the answer leaves

The agency's own officers go the same way, in process, without a signature.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from gateway.errors import PolicyUnavailable, RecordsChanged, SallyportError
from gateway.exchange.releases import Releases
from gateway.ledger import Draft, EntryType, Ledger, Logged, Nonce
from gateway.model import Ori, Question, RecordQuery, Subject, digest
from gateway.peers import QUESTION as WIRE
from gateway.policy import AnswerPermit, AnswerRefusal, Evidence, PersonRelease, Policy, Released
from gateway.policy.released import FACT
from gateway.records.find import Records
from gateway.telemetry import Metrics, Tracing, what_failed
from gateway.trust.tickets import Tickets

NEVER_GIVEN = "record.never_given"
"""For the log alone: a record was asked for by its id that no answer had given to this agency."""

_log = structlog.get_logger("sallyport.answering")


@dataclass(frozen=True, slots=True)
class Received:
    """What proves a question that came over the wire. Digests are `sha-256:` and hex."""

    request: str
    signature: str
    nonce: Nonce


class Answering:
    """Answer one question at a time; any number at once."""

    def __init__(
        self,
        *,
        policy: Policy,
        ledger: Ledger,
        records: Records,
        metrics: Metrics,
        tracing: Tracing,
        tickets: Tickets,
        releases: Releases | None = None,
    ) -> None:
        self._tickets = tickets
        self._releases = releases
        self._policy = policy
        self._ledger = ledger
        self._records = records
        self._metrics = metrics
        self._tracing = tracing
        self._begun: set[asyncio.Task[Released]] = set()

    async def answer_within(self, question: Question, seconds: float) -> Released:
        """Answer, for an asker in this process. Raises TimeoutError past these seconds.

        What has begun goes on to its end and into the log all the same, as at any other agency that
        is late: the question stands there already, and must not stay without its answer.
        """
        task = asyncio.create_task(self.answer(question))
        self._begun.add(task)
        task.add_done_callback(self._ended)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)

    async def settled(self) -> None:
        """Wait for the end of answers that nobody waits for any more."""
        await asyncio.gather(*self._begun, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Released]) -> None:
        self._begun.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, SallyportError):
            _log.error("an answer failed", **what_failed(error))

    async def answer(self, question: Question, received: Received | None = None) -> Released:
        """Answer, or refuse with reasons. What is returned is in the log already.

        Raises Replayed, PolicyUnavailable, LedgerUnavailable, RecordsUnavailable: in each case
        nothing is released.
        """
        with self._tracing.span("answer", local=received is None):
            released = await self._answer(question, received)
        self._metrics.answers.labels(released.answer.status).inc()
        return released

    async def _answer(self, question: Question, received: Received | None) -> Released:
        try:
            now = datetime.now(UTC)
            by_persons = self._releases.for_asker(question.asker.ori, now) if self._releases else ()
            verdict = await self._policy.permit_answer(question, now=now, releases=by_persons)
        except PolicyUnavailable as error:
            await self._begin(question, received, "error", (error.code,), None)
            raise
        refused = isinstance(verdict, AnswerRefusal)
        reasons = (
            tuple(r.code for r in verdict.reasons) if isinstance(verdict, AnswerRefusal) else ()
        )
        decision = "deny" if refused else "allow"
        begun = await self._begin(question, received, decision, reasons, verdict.evidence)
        asked = self._as_given(question)
        try:
            if isinstance(verdict, AnswerRefusal):
                released = self._policy.refuse(verdict, leaf=begun.leaf)
            else:
                released = await self._found(verdict, asked, leaf=begun.leaf)
        except Exception as error:
            code = error.code if isinstance(error, SallyportError) else SallyportError.default_code
            await self._finish_failed(question, code)
            raise
        await self._finish(question, released, by_persons, never_given=asked is not question)
        return released

    def _as_given(self, question: Question) -> Question:
        """Give the question as it may be looked up: a record that was never given is none.

        It is looked up under an id that no record has, and so it comes to the same, in the same
        time, whether there is such a record or not.
        """
        query, asker = question.subject.record, question.asker.ori
        if query is None or self._tickets.holds(Ori(asker), query.record_id, query.ticket):
            return question
        return replace(question, subject=Subject(record=RecordQuery(record_id="")))

    async def _found(
        self, permit: AnswerPermit, asked: Question, *, leaf: str, again: bool = True
    ) -> Released:
        """Find, and release what may be seen of it; anew if an import came between."""
        try:
            result = await self._records.find(
                asked,
                terms=frozenset(permit.terms),
                record_types=frozenset(permit.record_types),
                named=frozenset[str]().union(*(r.records for r in permit.releases)),
            )
            return await self._policy.release(
                permit, result, leaf=leaf, now=datetime.now(UTC), ticket=self._tickets.ticket
            )
        except RecordsChanged:
            if not again:
                raise
        await self._records.refresh()
        return await self._found(permit, asked, leaf=leaf, again=False)

    async def _begin(
        self,
        question: Question,
        received: Received | None,
        decision: str,
        reasons: tuple[str, ...],
        evidence: Evidence | None,
    ) -> Logged:
        draft = Draft(
            type=EntryType.QUERY_IN if decision == "allow" else EntryType.DENY,
            transaction=question.transaction,
            peer=question.asker.ori,
            subject=question.asker.officer,
            purpose=question.purpose,
            policy=evidence.revision if evidence else None,
            decision=decision,
            reasons=reasons,
            granularity=question.granularity,
            reference=reference_text(question),
            request=received.request if received else None,
            signature=received.signature if received else None,
            personal=_asked(question) | decided(evidence),
        )
        logged = await self._ledger.begin([draft], nonce=received.nonce if received else None)
        return logged[0]

    async def _finish(
        self,
        question: Question,
        released: Released,
        by_persons: Sequence[PersonRelease],
        *,
        never_given: bool,
    ) -> None:
        answer = released.answer
        evidence = released.evidence[-1] if released.evidence else None
        draft = Draft(
            type=EntryType.RESPONSE_OUT,
            transaction=question.transaction,
            peer=question.asker.ori,
            subject=question.asker.officer,
            purpose=question.purpose,
            policy=evidence.revision if evidence else None,
            decision=answer.status,
            reasons=(*(r.code for r in answer.reasons), *([NEVER_GIVEN] if never_given else [])),
            granularity=answer.granularity.given if answer.granularity else None,
            results=len(answer.matches) if answer.status == "answered" else None,
            response=digest(released.body()),
            personal={
                "given": [
                    {
                        "record_id": g.record_id,
                        "record_type": g.record_type,
                        "show": g.show,
                        "classes": sorted(g.classes),
                    }
                    | _named(g.record_id, by_persons)
                    for g in released.given
                ]
            }
            | decided(evidence),
        )
        await self._ledger.finish([draft])

    async def _finish_failed(self, question: Question, code: str) -> None:
        draft = Draft(
            type=EntryType.RESPONSE_OUT,
            transaction=question.transaction,
            peer=question.asker.ori,
            subject=question.asker.officer,
            purpose=question.purpose,
            decision="error",
            reasons=(code,),
        )
        await self._ledger.finish([draft])


def _named(record_id: str, by_persons: Sequence[PersonRelease]) -> dict[str, list[str]]:
    """Give the releases that name a record, as its decision saw them; nothing where none does."""
    under = [r.id for r in by_persons if record_id in r.records]
    return {FACT: under} if under else {}


def reference_text(question: Question) -> str | None:
    """Give the matter as the log commits to it."""
    reference = question.reference
    return f"{reference.type}:{reference.number or ''}" if reference else None


def decided(evidence: Evidence | None) -> dict[str, Any]:
    """Give the decision's whole input, for the sealed part: an auditor replays it.

    The outcome stands beside it: what was decided then is compared with what is decided again, and
    the rules that hid a record are read there, since no reason ever names them.
    """
    if evidence is None:
        return {}
    decision: dict[str, Any] = {
        "entrypoint": evidence.entrypoint,
        "input": evidence.input.decode(),
        "outcome": evidence.outcome,
    }
    return {"decision": decision}


def _asked(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = WIRE.dump_python(question, mode="json", exclude_none=True)
    return {"question": body}
