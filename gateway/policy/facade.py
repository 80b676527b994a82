"""The room's door: decisions for the use cases, by the set in force.

    permit_search   first door: whom may this officer ask, what of the question may each be told
    permit_answer   second door: may we answer this question, within what
    release         what of the records found may leave; refuse: the answer that says no
    admit           may the answer come in, and what must be done for it

Whatever is missing, malformed, unknown or late is `PolicyUnavailable`: nothing goes out.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.errors import Forbidden, PolicyUnavailable
from gateway.model import (
    Answer,
    Caller,
    FindResult,
    Ori,
    Question,
    Reason,
    Search,
)
from gateway.policy import decisions, inputs, release
from gateway.policy.active import ActiveSet
from gateway.policy.admitting import not_as_asked
from gateway.policy.in_force import InForce
from gateway.policy.proof import (
    MINT,
    AdmitRefusal,
    AnswerPermit,
    AnswerRefusal,
    AskDecision,
    Evidence,
    PeerRefusal,
    Permit,
    Released,
)
from gateway.policy.questions import enough, minimised
from gateway.policy.released import PersonRelease

_NOTHING_LEFT = Reason(
    "question.nothing_left",
    "What may be told to that agency of this question is no search. Ask with other terms.",
)
_TOO_VAGUE = Reason(
    "search.too_vague",
    "What may be searched by here is too little to be a search. Ask with other or further terms.",
)


class Policy(InForce):
    """Decides by the set in force. Made by `start`, on the event loop that uses it."""

    async def permit_search(self, search: Search, *, now: datetime) -> AskDecision:
        """First door: one decision for all agencies. Raises `Forbidden` where no officer asks."""
        officer = search.caller.officer
        if officer is None:
            raise Forbidden("A search needs an officer.", code="auth.officer_needed")
        case = inputs.ask_input(search, officer, self._self, now)
        active, raw, value = await self._decide("ask", case)
        outcome = decisions.read_ask(value, active.vocabulary)
        evidence = Evidence("ask", active.revision, raw, value, outcome.rules)
        if not outcome.allow:
            return AskDecision(
                allow=False, reasons=outcome.reasons, permits=(), refusals=(), evidence=evidence
            )
        _known_words(active, search.purpose, search.record_types)
        _named_are_decided(search, outcome)
        permits, refusals = [], []
        for ori, peer in outcome.agencies.items():
            mine = replace(evidence, rules=peer.rules)
            owner = Ori(ori)
            name = self._pairwise(officer.subject, owner) if peer.allow else ""
            question = (
                minimised(
                    search,
                    officer,
                    peer,
                    owner=owner,
                    self_ori=self._self,
                    name=name,
                    today=now.date(),
                )
                if peer.allow
                else None
            )
            if question is None:
                refusals.append(PeerRefusal(ori, peer.reasons or (_NOTHING_LEFT,), mine))
                continue
            withheld = set(search.subject.query.terms()) - set(question.subject.query.terms())
            permits.append(
                Permit(
                    owner=owner,
                    question=question,
                    terms_withheld=tuple(sorted(withheld)),
                    evidence=mine,
                    mint=MINT,
                )
            )
        return AskDecision(
            allow=True,
            reasons=outcome.reasons,
            permits=tuple(permits),
            refusals=tuple(refusals),
            evidence=evidence,
        )

    async def permit_answer(
        self, question: Question, *, now: datetime, releases: Sequence[PersonRelease] = ()
    ) -> AnswerPermit | AnswerRefusal:
        """Second door. Raises `Forbidden` for a question to another agency.

        `releases`: what persons here have released to this asker.
        """
        if question.owner != self._self:
            raise Forbidden("The question is for another agency.", code="question.other_owner")
        case = inputs.answer_input(question, self._self, now, releases)
        active, raw, value = await self._decide("answer", case)
        outcome = decisions.read_answer(value, active.vocabulary)
        evidence = Evidence("answer", active.revision, raw, value, outcome.rules)
        if not outcome.allow:
            return AnswerRefusal(question, outcome.reasons, evidence)
        _known_words(active, question.purpose, ())
        if (
            outcome.granularity.rank > question.granularity.rank
            or not set(outcome.record_types) <= set(question.record_types)
            or not set(outcome.terms) <= set(question.subject.query.terms())
        ):
            raise PolicyUnavailable("the policy gives more than was asked, at 'answer'")
        if enough(question.subject.query, frozenset(outcome.terms), now.date()) is None:
            return AnswerRefusal(question, (_TOO_VAGUE,), evidence)
        return AnswerPermit(
            question=question,
            granularity=outcome.granularity,
            record_types=outcome.record_types,
            terms=outcome.terms,
            classes_never_shared=outcome.classes_never_shared,
            freshness=outcome.freshness,
            obligations=outcome.obligations,
            reasons=outcome.reasons,
            evidence=evidence,
            releases=tuple(releases),
            mint=MINT,
        )

    async def foresee(self, question: Question, *, now: datetime) -> decisions.AnswerOutcome | None:
        """Tell what the other agency would answer by this agency's copy of law and agreements.

        A forecast: the other decides by its own set. None where nothing can be told.
        """
        case = inputs.answer_input(question, question.owner, now)
        try:
            active, _, value = await self._decide("answer", case)
            return decisions.read_answer(value, active.vocabulary)
        except PolicyUnavailable:
            return None

    async def release(
        self,
        permit: AnswerPermit,
        result: FindResult,
        *,
        leaf: str,
        now: datetime,
        ticket: release.MakeTicket | None = None,
    ) -> Released:
        """Decide on what was found, and build the answer. Nothing found is decided on alike.

        `ticket`: without it, the asker can't ask again for a record by its id.
        """
        question = permit.question
        if not result.understood:
            answer = release.plain_answer(
                question,
                "not_understood",
                (release.NO_SUCH_TERMS,),
                leaf=leaf,
                revision=permit.evidence.revision,
            )
            return Released(answer=answer, evidence=(permit.evidence,), mint=MINT)
        kinds = {
            n: k for n, k in enumerate(result.found.kinds) if k.record_type in permit.record_types
        }
        stale = release.stale_types(permit, result.data_as_of, now)
        facts, places = release.distinct_facts(tuple(kinds.values()), stale, permit.releases)
        facts = release.with_stand_in(facts, permit, stale, self.vocabulary.stand_in)
        case = inputs.release_input(
            question, permit.granularity, facts, self._self, now, releases=permit.releases
        )
        active, raw, value = await self._decide("release", case)
        actions = decisions.read_release(value, len(facts), active.vocabulary)
        by_kind = {kind: actions[place] for kind, place in zip(kinds, places, strict=True)}
        best = release.Shortlist(permit, result.found, by_kind, active, self._failures)
        await best.fill()
        answer, given = release.build_answer(
            permit, result, best, stale, leaf=leaf, revision=active.revision, ticket=ticket
        )
        rules = tuple(dict.fromkeys(r for a in actions for r in a.rules))
        evidence = Evidence("release", active.revision, raw, value, rules)
        why = (permit.evidence, evidence)
        released = Released(answer=answer, evidence=why, given=given, mint=MINT)
        excess = len(released.body()) - self._answer_bytes
        if excess > 0 and answer.matches:
            answer, given = release.without_largest(answer, given, excess)
            released = Released(answer=answer, evidence=why, given=given, mint=MINT)
        return released

    def refuse(self, refusal: AnswerRefusal, *, leaf: str) -> Released:
        """Build the answer that refuses, with its reasons."""
        answer = release.plain_answer(
            refusal.question,
            "refused",
            refusal.reasons,
            leaf=leaf,
            revision=refusal.evidence.revision,
        )
        return Released(answer=answer, evidence=(refusal.evidence,), mint=MINT)

    async def admit(
        self, permit: Permit, answer: Answer, *, now: datetime
    ) -> Released | AdmitRefusal:
        """Take a peer's answer in, or not: if it is not what was asked, or if policy says no."""
        fault = not_as_asked(permit, answer)
        if fault is not None:
            return AdmitRefusal(permit.owner, (fault,), None)
        case = inputs.admit_input(permit.question, answer, self._self, now)
        active, raw, value = await self._decide("admit", case)
        outcome = decisions.read_admit(value, active.vocabulary)
        evidence = Evidence("admit", active.revision, raw, value, outcome.rules)
        if not outcome.allow:
            return AdmitRefusal(permit.owner, outcome.reasons, evidence)
        unused = tuple(dict.fromkeys((*permit.terms_withheld, *answer.terms_not_used)))
        return Released(
            answer=replace(answer, terms_not_used=unused),
            evidence=(permit.evidence, evidence),
            obligations=outcome.obligations,
            mint=MINT,
        )

    async def agencies(self, caller: Caller, *, now: datetime) -> dict[str, Any]:
        """List whom this caller may ask, for what, at which granularity, how fresh."""
        active, _, value = await self._decide(
            "agencies", inputs.agencies_input(caller, self._self, now)
        )
        return {"agencies": decisions.read_agencies(value, active.vocabulary)}


def _known_words(active: ActiveSet, purpose: str, record_types: tuple[str, ...]) -> None:
    words = active.vocabulary
    if purpose not in words.purposes or not set(record_types) <= words.record_types.keys():
        raise PolicyUnavailable("the policy allows a word that its vocabulary does not hold")


def _named_are_decided(search: Search, outcome: decisions.AskOutcome) -> None:
    named = set(search.agencies or ())
    decided = set(outcome.agencies)
    if "*" in named or search.agencies is None:
        missing = named - decided - {"*"}
    else:
        missing = named ^ decided
    if missing:
        raise PolicyUnavailable("the policy decided on other agencies than were named")
