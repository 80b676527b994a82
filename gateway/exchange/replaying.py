"""Decide logged decisions again, from the sealed input and the kept set, and compare.

An entry's decision is its own, or, where one decision was for several agencies, that of the first
entry of its search. What was decided then is the sealed outcome; the entry's own words (decision,
reasons, granularity, what was given) have to follow from it as well. The reading is logged before:
see who calls.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.errors import NotFound, PolicyRejected, PolicyUnavailable
from gateway.ledger import EntryType, Filters, LogEntry, Page, PageOf
from gateway.policy.kept import KeptSets
from gateway.policy.redeciding import Again, Redecider

Result = Literal[
    "same", "different", "erased", "no_decision", "set_missing", "damaged", "unrecorded"
]
RESULTS: Mapping[Result, str] = {
    "same": "decided again: the same",
    "different": "decided again: different",
    "erased": "the personal part was erased, and the input with it",
    "no_decision": "no policy decision stands in this entry",
    "set_missing": "the policy set is not kept here, or was changed",
    "damaged": "the personal part does not open: verify the log",
    "unrecorded": "the input was not recorded",
}
DECIDING = (
    EntryType.QUERY_OUT,
    EntryType.QUERY_IN,
    EntryType.RESPONSE_OUT,
    EntryType.RESPONSE_IN,
    EntryType.DENY,
)
"""The kinds of entries that a policy decision can stand in."""
_ASKED = (EntryType.QUERY_OUT, EntryType.DENY)
_OPEN_SETS = 4
_MOST_DIFFERENCES = 50
_BY_GATEWAY = frozenset({"question.nothing_left", "search.too_vague", "search.nobody_to_ask"})
"""Reasons of the gateway's own, which it gives where policy alone would allow."""


class Entries(Protocol):
    """The log as it is read here."""

    async def entries(
        self, filters: Filters, page: PageOf | None = None, *, unseal: bool = False
    ) -> Page:
        """Give a page."""

    async def entry(self, name: str, *, unseal: bool = False) -> LogEntry | None:
        """Give one entry, None if there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two outcomes differ. `at` is a JSON pointer; absent is None."""

    at: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """What deciding again came to, for one entry. `detail` says why it could not be done."""

    entry_id: str
    fields: Mapping[str, Any]
    result: Result
    entrypoint: str | None = None
    differences: tuple[Difference, ...] = ()
    detail: str | None = None
    case: str | None = field(default=None, repr=False)
    outcome: Any = None

    def as_json(self) -> dict[str, Any]:
        """Give it for machines: no personal data."""
        names = ("time", "type", "transaction", "peer", "purpose", "decision", "policy")
        found: dict[str, Any] = {"entry_id": self.entry_id, "result": self.result}
        found |= {n: self.fields[n] for n in names if n in self.fields}
        if self.entrypoint:
            found["entrypoint"] = self.entrypoint
        if self.differences:
            found["differences"] = [
                {"at": d.at, "then": d.then, "now": d.now} for d in self.differences
            ]
        return found | ({"detail": self.detail} if self.detail else {})


@dataclass(frozen=True, slots=True)
class Recorded:
    """The decision of one entry, as it was sealed. `outcome` None: of before it was recorded."""

    entry: LogEntry
    entrypoint: str
    case: str
    outcome: Any


@dataclass(slots=True)
class Summary:
    """How many entries came to what, and those that differ."""

    counts: Counter[str] = field(default_factory=Counter)
    different: list[Replay] = field(default_factory=list)
    most: int = 100

    def add(self, replay: Replay) -> None:
        """Count one; the first that differ are kept."""
        self.counts[replay.result] += 1
        if replay.result == "different" and len(self.different) < self.most:
            self.different.append(replay)


async def recorded(log: Entries, entry: LogEntry) -> Recorded | Replay:
    """Give an entry's decision as it was sealed, or why there is none."""
    found = own_decision(entry)
    if isinstance(found, Replay) and found.result == "unrecorded" and _shares(entry):
        page = await log.entries(
            Filters(transaction=entry.fields["transaction"], types=_ASKED), unseal=True
        )
        for other in page.entries:
            theirs = own_decision(other)
            if isinstance(theirs, Recorded) and theirs.entrypoint == "ask":
                return Recorded(entry, theirs.entrypoint, theirs.case, theirs.outcome)
            if other.personal_state == "erased" and other.fields.get("policy"):
                return Replay(entry.entry_id, entry.fields, "erased")
    return found


def own_decision(entry: LogEntry) -> Recorded | Replay:
    """Give the decision that stands in this very entry, or why there is none."""

    def no(result: Result, detail: str | None = None) -> Replay:
        return Replay(entry.entry_id, entry.fields, result, detail=detail)

    if entry.fields["type"] not in DECIDING:
        return no("no_decision", "Only questions, answers and refusals are decided.")
    if entry.personal_state == "erased":
        return no("erased")
    if entry.personal_state == "damaged":
        return no("damaged")
    decision = (entry.personal or {}).get("decision")
    if isinstance(decision, dict):
        return Recorded(entry, decision["entrypoint"], decision["input"], decision.get("outcome"))
    if entry.fields.get("policy"):
        return no("unrecorded")
    reasons = ", ".join(entry.fields.get("reasons", ()))
    return no("no_decision", f"Nothing was decided: {reasons}." if reasons else None)


def _shares(entry: LogEntry) -> bool:
    return entry.fields["type"] in _ASKED and "transaction" in entry.fields


class Replayer:
    """Decides again by the sets that were in force. Use it with `async with`."""

    def __init__(self, log: Entries, kept: KeptSets) -> None:
        self._log = log
        self._kept = kept
        self._open: dict[str, Redecider] = {}

    async def __aenter__(self) -> "Replayer":  # noqa: PYI034 - nobody derives from it
        return self

    async def __aexit__(self, *_: object) -> None:
        for redecider in self._open.values():
            await redecider.close()
        self._open.clear()

    async def one(self, name: str) -> Replay:
        """Replay one entry, by its id or number. Raises NotFound, Invalid, PolicyUnavailable."""
        entry = await self._log.entry(name, unseal=True)
        if entry is None:
            raise NotFound("No entry of this log has that id or number.", code="audit.no_entry")
        [replay] = await self.these([entry])
        return replay

    async def all(
        self, filters: Filters, *, after: str | None = None
    ) -> AsyncIterator[tuple[list[Replay], str | None]]:
        """Replay page after page; each comes with the cursor of the next."""
        while True:
            page = await self._log.entries(filters, PageOf(after=after, limit=500), unseal=True)
            yield await self.these(page.entries), page.next
            if page.next is None:
                return
            after = page.next

    async def these(self, entries: Sequence[LogEntry]) -> list[Replay]:
        """Replay some entries, in their order."""
        found: dict[str, Replay] = {}
        by_set: dict[str, list[Recorded]] = {}
        for entry in entries:
            one = await recorded(self._log, entry)
            if isinstance(one, Replay):
                found[entry.entry_id] = one
            else:
                by_set.setdefault(str(entry.fields.get("policy")), []).append(one)
        for revision, some in by_set.items():
            found |= {r.entry_id: r for r in await self._by_set(revision, some)}
        return [found[e.entry_id] for e in entries]

    async def _by_set(self, revision: str, some: Sequence[Recorded]) -> list[Replay]:
        try:
            redecider = await self._set(revision)
        except PolicyRejected as error:
            return [
                Replay(
                    r.entry.entry_id,
                    r.entry.fields,
                    "set_missing",
                    entrypoint=r.entrypoint,
                    detail=f"{revision}: {error.detail}",
                )
                for r in some
            ]
        decided = await redecider.decide([(r.entrypoint, r.case) for r in some])
        return [compare(r, again) for r, again in zip(some, decided, strict=True)]

    async def _set(self, revision: str) -> Redecider:
        found = self._open.get(revision)
        if found is None:
            while len(self._open) >= _OPEN_SETS:
                oldest = next(iter(self._open))
                await self._open.pop(oldest).close()
            found = await Redecider(self._kept.get(revision)).__aenter__()
            self._open[revision] = found
        return found

    async def explain(self, one: Recorded) -> dict[str, Any]:
        """Tell what a recorded decision rests on. Raises PolicyRejected, PolicyUnavailable."""
        revision = str(one.entry.fields.get("policy"))
        grounds = await (await self._set(revision)).explain(one.entrypoint, one.case)
        if "failed" in grounds:
            raise PolicyUnavailable(str(grounds["failed"]))
        return grounds


def compare(one: Recorded, again: Again) -> Replay:
    """Compare what was decided with what is decided now, and with what the entry says."""
    entry = one.entry
    if again.failed is not None:
        found = [Difference("", "a decision", None)]
    elif one.outcome is not None:
        found = list(differences(one.outcome, again.outcome))
    else:
        found = []
    if again.failed is None:
        found += _of_entry(one, again.outcome)
    return Replay(
        entry.entry_id,
        entry.fields,
        "different" if found else "same",
        entrypoint=one.entrypoint,
        differences=tuple(found[:_MOST_DIFFERENCES]),
        detail=again.failed or _only_words(one),
        case=one.case,
        outcome=again.outcome,
    )


def _only_words(one: Recorded) -> str | None:
    if one.outcome is None:
        return "The outcome was not recorded then: compared with what the entry says alone."
    return None


def differences(then: Any, now: Any, at: str = "") -> Iterator[Difference]:
    """Walk two values of JSON and give every place where they differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            step = key.replace("~", "~0").replace("/", "~1")
            yield from differences(then.get(key), now.get(key), f"{at}/{step}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from differences(one, other, f"{at}/{i}")
    elif type(then) is not type(now) or then != now:
        yield Difference(at, then, now)


# -- what an entry itself says -----------------------------------------------------------------


def _of_entry(one: Recorded, outcome: Any) -> list[Difference]:
    """Give where the entry's own words do not follow from the outcome."""
    read = {"ask": _ask, "answer": _answer, "release": _release, "admit": _admit}[one.entrypoint]
    return [
        Difference(f"/entry/{name}", said, follows)
        for name, said, follows in read(one.entry, outcome)
        if said != follows
    ]


_Said = list[tuple[str, Any, Any]]


def _verdict(entry: LogEntry, allow: bool, reasons: Sequence[Mapping[str, Any]]) -> _Said:  # noqa: FBT001 - the outcome's own
    codes = list(entry.fields.get("reasons", ()))
    denied = entry.fields.get("decision") == "deny"
    if allow and denied and set(codes) & _BY_GATEWAY:
        return []  # policy allowed; what was left was no search
    said: _Said = [("decision", "deny" if denied else "allow", "allow" if allow else "deny")]
    if denied:
        said.append(("reasons", sorted(codes), sorted(str(r["code"]) for r in reasons)))
    return said


def _ask(entry: LogEntry, outcome: Any) -> _Said:
    peer = outcome["agencies"].get(entry.fields.get("peer"))
    if not outcome["allow"] or peer is None:
        return _verdict(entry, outcome["allow"], outcome["reasons"])
    said = _verdict(entry, peer["allow"], peer["reasons"])
    if entry.fields["type"] == EntryType.QUERY_OUT:
        said.append(("granularity", entry.fields.get("granularity"), peer["granularity"]))
    return said


def _answer(entry: LogEntry, outcome: Any) -> _Said:
    if entry.fields["type"] == EntryType.RESPONSE_OUT:
        status = entry.fields.get("decision")
        if set(entry.fields.get("reasons", ())) & _BY_GATEWAY:
            return []
        said = "allow" if status in {"answered", "not_understood"} else "deny"
        return [("decision", said, "allow" if outcome["allow"] else "deny")]
    return _verdict(entry, outcome["allow"], outcome["reasons"])


def _release(entry: LogEntry, outcome: Any) -> _Said:
    """Nothing may have been given that no action gives."""
    given = {c for g in (entry.personal or {}).get("given", ()) for c in g["classes"]}
    shown = [a for a in outcome["actions"] if a["show"] == "record"]
    could = {c for a in shown for c, action in a["classes"].items() if action in {"give", "mask"}}
    return [("given", sorted(given), sorted(given & could))]


def _admit(entry: LogEntry, outcome: Any) -> _Said:
    taken = entry.fields.get("decision") != "not_admitted"
    return [("decision", "allow" if taken else "deny", "allow" if outcome["allow"] else "deny")]
