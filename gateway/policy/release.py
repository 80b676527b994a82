"""From what the records gave to what may leave: actions applied, and the answer built.

A record that policy hides leaves no trace: not in the matches, a count, `more`, `stale`, a reason
or a size. The answer with every record hidden is, byte for byte, the answer with none found.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import compress
from typing import Any, Literal

import orjson

from gateway.model import (
    AT_ONCE,
    Answer,
    Band,
    ClassHeld,
    Confirm,
    Findings,
    FindResult,
    Found,
    FoundKind,
    Granularity,
    GranularityGiven,
    Match,
    Message,
    Ori,
    Question,
    Reason,
    age_of,
    stamp,
)
from gateway.policy.active import ActiveSet
from gateway.policy.decisions import Action
from gateway.policy.elements import Kept, holds, keep
from gateway.policy.proof import AnswerPermit, Given
from gateway.policy.released import FACT, PersonRelease
from gateway.policy.standard import as_standard

_LEFT_OUT = Reason(
    "answer.too_large",
    "Records that may be given are larger than one answer can be, and were left out. Ask with "
    "terms that fewer records meet, or ask the agency itself.",
)
NO_SUCH_TERMS = Reason("search.no_such_terms", "These records hold none of the terms asked for.")

TOO_MANY = Reason(
    "search.too_many",
    "More records fit than anybody could look through, and none of the best better than possibly: "
    "none is given. Ask for less: a birth date instead of an age, a number, fewer days.",
)

MakeTicket = Callable[[Ori, str], str]
"""Makes the ticket of an agency for a record id."""

STAND_IN = "stand_in"
"""The fact that marks what stands for a record where none was found. No record has it."""


@dataclass(slots=True)
class Failures:
    """Records that were withheld since the start, because what was left of them was no message."""

    count: int = 0
    last_type: str | None = None
    by_type: dict[str, int] = field(default_factory=dict)

    def add(self, record_type: str) -> None:
        """Count one."""
        self.count += 1
        self.last_type = record_type
        self.by_type[record_type] = self.by_type.get(record_type, 0) + 1


def stale_types(permit: AnswerPermit, as_of: datetime | None, now: datetime) -> Mapping[str, bool]:
    """Tell for each permitted record type whether its source is older than agreed.

    An unknown age counts as too old where a limit is agreed. No limit: never stale.
    """
    stale, age = {}, age_of(as_of, now)
    for record_type in permit.record_types:
        minutes = permit.freshness.get(record_type)
        stale[record_type] = minutes is not None and (
            age is None or age > timedelta(minutes=minutes)
        )
    return stale


def distinct_facts(
    kinds: Sequence[FoundKind], stale: Mapping[str, bool], releases: Sequence[PersonRelease] = ()
) -> tuple[list[dict[str, Any]], list[int]]:
    """Give the distinct facts of the records found, and for each kind the place of its own."""
    places: dict[tuple[Any, ...], int] = {}
    facts: list[dict[str, Any]] = []
    index = []
    for record in kinds:
        under = tuple(r.id for r in releases if record.record_id in r.records)
        key = (record.record_type, record.handling, under)
        place = places.get(key)
        if place is None:
            place = places[key] = len(facts)
            own: dict[str, Any] = {
                **record.handling.as_dict(),
                "record_type": record.record_type,
                "stale": stale[record.record_type],
            }
            # A mapping can't claim what only a person may record.
            own.pop(FACT, None)
            own.pop(STAND_IN, None)
            if under:
                own[FACT] = list(under)
            facts.append(own)
        index.append(place)
    return facts, index


def with_stand_in(
    facts: list[dict[str, Any]],
    permit: AnswerPermit,
    stale: Mapping[str, bool],
    hidden: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Give the facts to decide on: where nothing was found, those of a record that is `hidden`.

    Rules are evaluated for each fact. With none there is next to nothing to do, and the time of the
    answer would tell a record that policy hides from one that is not there: see docs/adr.
    """
    if facts:
        return facts
    record_type = permit.record_types[0]
    own = {"record_type": record_type, "stale": stale[record_type], STAND_IN: True}
    return [{**hidden, **own}]


@dataclass(frozen=True, slots=True)
class Shown:
    """One record as it may be seen."""

    match: Match
    given: Given


def show(
    found: Found,
    action: Action,
    granularity: Granularity,
    active: ActiveSet,
    failures: Failures,
) -> Shown | None:
    """Apply one action to one record. None: no sign of it."""
    by_value = action.hidden_by_value
    if action.show == "none" or (by_value and holds(found.message, by_value)):
        return None
    left = _left(action, found, active, failures) if action.only_with else None
    if action.only_with and (left is None or not _tells(action, *left, active)):
        return None
    if granularity.rank < Granularity.POINTER.rank:
        match = Match(record_type=found.record_type, band=found.band)
        return Shown(match, Given(found.record_id, found.record_type, str(granularity), ()))
    if action.show == "pointer" or granularity is Granularity.POINTER:
        match = Match(record_type=found.record_type, band=found.band, contact=found.contact)
        return Shown(match, Given(found.record_id, found.record_type, "pointer", ()))
    left = left or _left(action, found, active, failures)
    if left is None:
        return None
    kept, record = left
    phone = found.contact.phone if found.contact else None
    match = Match(
        record_type=found.record_type,
        band=found.band,
        record_id=found.record_id,
        score=found.score,
        compared=_compared(found.compared, dict(action.classes), active.vocabulary.terms),
        cautions=active.vocabulary.caution_words(kept.cautions),
        confirm=Confirm(required=True, phone=phone) if action.confirm else None,
        handling=action.handling,
        contact=found.contact,
        record=record,
        classes_held={c: ClassHeld(count=n) if n else ClassHeld(ask=True) for c, n in kept.held}
        or None,
    )
    return Shown(match, Given(found.record_id, found.record_type, "record", kept.classes))


def _left(
    action: Action, found: Found, active: ActiveSet, failures: Failures
) -> tuple[Kept, Message] | None:
    """Give what is left of a record, and that as a message of the standard; None if nothing is."""
    kept = keep(active.plan(action.classes), found.message)
    record = _standard(kept, found, failures) if kept else None
    return None if kept is None or record is None else (kept, record)


def _tells(action: Action, kept: Kept, record: Message, active: ActiveSet) -> bool:
    """Tell whether something would leave of a class that the record is shown only with.

    What only leads to something that was withheld goes with that, so it is looked for in the end.
    """
    some = tuple((c, "give") for c, how in action.classes if how in {"give", "mask"})
    rest = keep(active.plan(some), record)
    told = {*(rest.classes if rest else ()), *(c for c, _ in kept.held)}
    return not action.only_with.isdisjoint(told)


def _compared(
    compared: Mapping[str, str], given: Mapping[str, str], classes: Mapping[str, str]
) -> dict[str, str]:
    """Give how terms agreed, of what is given itself: the rest it would confirm."""
    return {t: how for t, how in compared.items() if given.get(classes.get(t, "")) == "give"}


def _standard(kept: Kept, found: Found, failures: Failures) -> Message | None:
    """Give the rest as a message of the standard schema, or None, counted: then it is withheld."""
    context = found.message.get("@context")
    message: Message = {"@context": context if isinstance(context, dict) else {}, **kept.message}
    try:
        return as_standard(message)
    except ValueError:
        failures.add(found.record_type)
        return None


class Shortlist:
    """What is shown of the records found, best first, and when enough of them were read.

    A hit speaks of all that was found. Otherwise one beyond the question's limit tells that there
    are more. Beyond `too_many`, and none of these better than possible, the order says next to
    nothing and the first are as good as any: then nothing is given. All this is counted in records
    that are shown, so that it tells nothing of others.
    """

    def __init__(
        self,
        permit: AnswerPermit,
        found: Findings,
        actions: Mapping[int, Action],
        active: ActiveSet,
        failures: Failures,
    ) -> None:
        self.shown: list[Shown] = []
        self.too_many = False
        """Whether there are so many that none is given."""
        self._given = permit.granularity
        self._found = found
        # What is hidden is not even read: it costs what comparing it did, and no more.
        self._actions = {k: a for k, a in actions.items() if a.show != "none"}
        self._active = active
        self._failures = failures
        self._most = permit.question.max_matches
        # A count is no list to look through, and says itself that there are more.
        some = self._given.rank >= Granularity.POINTER.rank
        self._limit = active.vocabulary.too_many if some else None
        self._sure = False
        self._few: bool | None = None

    async def fill(self) -> None:
        """Read and build what is shown, as far as needed; others have their turn in between.

        What a record holds decides whether it is shown, so that many can't be known for too many
        before they are built. Raises RecordsChanged if an import took one of them away meanwhile.
        """
        for number, (kind, found) in enumerate(self._found.best(self._actions), 1):
            seen = show(found, self._actions[kind], self._given, self._active, self._failures)
            if seen is not None:
                self.shown.append(seen)
                self._sure = self._sure or seen.match.band is not Band.POSSIBLE
            if self._enough():
                break
            if not number % AT_ONCE:
                await asyncio.sleep(0)

    def _enough(self) -> bool:
        """Tell whether no more have to be read."""
        if self._limit is not None and len(self.shown) > self._limit and not self._sure:
            self.too_many = True
            return True
        if self._given is Granularity.HIT or len(self.shown) <= self._most:
            return False
        if self._limit is None or self._sure:
            return True
        if self._few is None:  # as it most often is: known without reading them
            self._few = not self._found.exceed(self._actions, self._limit)
        return self._few


def build_answer(
    permit: AnswerPermit,
    result: FindResult,
    best: Shortlist,
    stale: Mapping[str, bool],
    *,
    leaf: str,
    revision: str,
    ticket: MakeTicket | None = None,
) -> tuple[Answer, tuple[Given, ...]]:
    """Build the answer at the granularity given. It tells of the shown records alone."""
    question, given, shown = permit.question, permit.granularity, best.shown
    if best.too_many:
        return plain_answer(question, "too_many", (TOO_MANY,), leaf=leaf, revision=revision), ()
    limit = question.max_matches
    some = shown[:limit]
    more = len(shown) > limit
    counted = given is Granularity.COUNT
    matches = tuple(s.match for s in some) if given.rank >= Granularity.POINTER.rank else ()
    named = [m.record_id for m in matches if m.record_id is not None]
    asker = Ori(question.asker.ori)
    answer = Answer(
        version=1,
        transaction=question.transaction,
        owner=question.owner,
        asker=question.asker.ori,
        status="answered",
        granularity=GranularityGiven(asked=question.granularity, given=given),
        data_as_of=stamp(result.data_as_of) if result.data_as_of else None,
        stale=any(stale.values()),
        hit=bool(shown) if given is Granularity.HIT else None,
        count=len(some) if counted else None,
        more=more and given is not Granularity.HIT,
        terms_not_used=_not_used(permit, result),
        classes_never_shared=permit.classes_never_shared,
        reasons=permit.reasons,
        obligations=permit.obligations,
        matches=matches,
        tickets={record_id: ticket(asker, record_id) for record_id in named} if ticket else {},
        leaf=leaf,
        policy=revision,
    )
    return answer, tuple(s.given for s in (shown if given is Granularity.HIT else some))


def without_largest(
    answer: Answer, given: tuple[Given, ...], excess: int
) -> tuple[Answer, tuple[Given, ...]]:
    """Leave out the largest matches until at least `excess` bytes are gone, and say so.

    Who asked would refuse the whole answer. Only what may be seen is counted and left out, so this
    tells nothing of what is hidden.
    """
    sizes = [len(orjson.dumps(m)) for m in answer.matches]
    left_out: set[int] = set()
    excess += len(orjson.dumps(_LEFT_OUT)) + 1
    for place in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        left_out.add(place)
        excess -= sizes[place]
    kept = [n not in left_out for n in range(len(sizes))]
    matches = tuple(compress(answer.matches, kept))
    named = {m.record_id for m in matches}
    fitting = replace(
        answer,
        more=True,
        reasons=(*answer.reasons, _LEFT_OUT),
        matches=matches,
        tickets={i: ticket for i, ticket in answer.tickets.items() if i in named},
    )
    return fitting, tuple(compress(given, kept))


def _not_used(permit: AnswerPermit, result: FindResult) -> tuple[str, ...]:
    """Give the terms asked that were not searched by: not permitted, or not in the sources."""
    permitted, unused = set(permit.terms), set(result.terms_not_used)
    asked = permit.question.subject.query.terms()
    return tuple(t for t in asked if t not in permitted or t in unused)


def plain_answer(
    question: Question,
    status: Literal["refused", "not_understood", "too_many"],
    reasons: tuple[Reason, ...],
    *,
    leaf: str,
    revision: str,
) -> Answer:
    """Build an answer with a status and reasons alone."""
    return Answer(
        version=1,
        transaction=question.transaction,
        owner=question.owner,
        asker=question.asker.ori,
        status=status,
        reasons=reasons,
        leaf=leaf,
        policy=revision,
    )
