"""What a candidate set would have decided on what was asked: logged decisions, decided by it.

Each is decided as of its own moment, on the input that was sealed then, in a process of its own.
What comes out otherwise is counted by whom it is about, with entries for example.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import PolicyRejected
from gateway.exchange.replaying import DECIDING, Entries, Recorded, own_decision
from gateway.ledger import Filters, LogEntry, PageOf
from gateway.policy.agreements import KEY, with_agreements
from gateway.policy.comparing import Effect, effects, fits, views
from gateway.policy.kept import KeptSets
from gateway.policy.lacking import Lacking
from gateway.policy.reclassed import Reclassed, of_records, reclassed
from gateway.policy.redeciding import Again, Redecider
from gateway.policy.rules import words_of
from gateway.policy.sets import PolicySet

EXAMPLES = 5
_PAGE = 500
_OPEN_SETS = 4
_DOORS = frozenset({"ask", "answer", "release", "admit"})


@dataclass(slots=True)
class Tally:
    """How many decisions, and the first of them by their entries' ids."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, entry_id: str) -> None:
        """Count one entry; one that counts twice is one example."""
        self.count += 1
        if entry_id not in self.examples and len(self.examples) < EXAMPLES:
            self.examples.append(entry_id)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What some decisions have in common: one line of the report."""

    way: str
    what: str
    door: str
    agency: str
    purpose: str
    name: str
    codes: tuple[str, ...]


@dataclass(slots=True)
class Impact:
    """The whole report. `skipped` counts what could not be replayed, by why.

    Of it, `not_comparable` are inputs that lack what a rule of the candidate asks, since they were
    logged under an older schema; `lacking` counts those by the paths.
    """

    revision: str
    decisions: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    rows: dict[Row, Tally] = field(default_factory=dict)

    @property
    def replayed(self) -> int:
        """How many decisions were made again."""
        return self.decisions.total()

    def add(self, one: Recorded, found: Sequence[Effect], purpose: str) -> None:
        """Count one decision and what would be otherwise."""
        self.decisions[one.entrypoint] += 1
        self.changed += bool(found)
        # One decision counts once in a line, however many records it was about.
        for row in dict.fromkeys(
            Row(e.way, e.what, one.entrypoint, e.agency, purpose, e.name, e.codes) for e in found
        ):
            self.rows.setdefault(row, Tally()).add(one.entry.entry_id)

    def as_json(self) -> dict[str, Any]:
        """Give it for machines. No personal data."""
        return {
            "candidate": self.revision,
            "replayed": self.replayed,
            "by_door": dict(sorted(self.decisions.items())),
            "changed": self.changed,
            "unchanged": self.replayed - self.changed,
            "candidate_failed": self.failed,
            "skipped": dict(sorted(self.skipped.items())),
            "lacking": dict(sorted(self.lacking.items())),
            "effects": [
                {
                    "way": row.way,
                    "what": row.what,
                    "door": row.door,
                    "agency": row.agency,
                    "purpose": row.purpose,
                    "name": row.name or None,
                    "codes": list(row.codes),
                    "decisions": tally.count,
                    "examples": tally.examples,
                }
                for row, tally in sorted(self.rows.items())
            ],
        }


class Measure:
    """Decides logged decisions again by a candidate. Use it with `async with`.

    Agreements are no part of a candidate folder: each decision gets those that counted then, so
    that what changed since is not laid at the candidate's door. `agreed` takes others for all.
    """

    def __init__(
        self,
        log: Entries,
        kept: KeptSets,
        candidate: PolicySet,
        *,
        agreed: Mapping[str, Any] | None = None,
    ) -> None:
        """Take a candidate. Raises `PolicyRejected` where it or its vocabulary can't be read."""
        self._log = log
        self._kept = kept
        self._base = candidate
        self._agreed = agreed
        self._words = words_of(candidate)
        self._sets: dict[str, PolicySet | None] = {}
        self._open: dict[str, Redecider] = {}
        self._lacking = Lacking(candidate)
        self.impact = Impact(candidate.revision)

    async def __aenter__(self) -> "Measure":  # noqa: PYI034 - nobody derives from it
        await self._deciding(self._base)  # a candidate that does not compile is told at once
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self._open.values():
            await one.close()
        self._open.clear()

    async def run(
        self, filters: Filters, *, after: str | None = None
    ) -> AsyncIterator[tuple[int, str | None]]:
        """Go through the log; give after each page how many entries it had, and the next cursor.

        Raises PolicyUnavailable if the process that decides breaks down.
        """
        while True:
            page = await self._log.entries(filters, PageOf(after=after, limit=_PAGE), unseal=True)
            await self._page(page.entries)
            yield len(page.entries), page.next
            if page.next is None:
                return
            after = page.next

    async def _page(self, entries: Sequence[LogEntry]) -> None:
        some = []
        for entry in entries:
            one = own_decision(entry)
            if isinstance(one, Recorded) and one.entrypoint in _DOORS:
                some.append(one)
            elif not isinstance(one, Recorded) and one.result in {"erased", "damaged"}:
                self.impact.skipped[one.result] += 1
        by_set: dict[str, list[Recorded]] = {}
        for one in filter(self._comparable, some):
            by_set.setdefault(str(one.entry.fields.get("policy")), []).append(one)
        for revision, theirs in by_set.items():
            await self._by_set(revision, theirs)

    def _comparable(self, one: Recorded) -> bool:
        paths = self._lacking.of(one.entrypoint, orjson.loads(one.case))
        self.impact.lacking.update(paths)
        self.impact.skipped["not_comparable"] += bool(paths)
        return not paths

    async def _by_set(self, revision: str, some: Sequence[Recorded]) -> None:
        """Decide what one set decided, by the candidate with that set's agreements."""
        then = self._kept_set(revision)
        if then is None:
            self.impact.skipped["set_missing"] += len(some)
            return
        agreed = then.data.get(KEY, {}) if self._agreed is None else self._agreed
        candidate = self._base if KEY in self._base.data else with_agreements(self._base, agreed)
        cases = [(o.entrypoint, o.case) for o in some]
        decided = await (await self._deciding(candidate)).decide(cases)
        # What was not recorded then is decided by the set of then.
        bare = any(o.outcome is None for o in some)
        before = await (await self._deciding(then)).decide(cases) if bare else []
        outcomes = [a.outcome for a in before] if bare else [o.outcome for o in some]
        changes = reclassed(then.data, self._base.data)
        for one, outcome, again in zip(some, outcomes, decided, strict=True):
            self._count(one, outcome if one.outcome is None else one.outcome, again, changes)

    def _kept_set(self, revision: str) -> PolicySet | None:
        if revision not in self._sets:
            try:
                self._sets[revision] = self._kept.get(revision)
            except PolicyRejected:
                self._sets[revision] = None
        return self._sets[revision]

    async def _deciding(self, policy_set: PolicySet) -> Redecider:
        found = self._open.get(policy_set.revision)
        if found is None:
            while len(self._open) >= _OPEN_SETS:
                oldest = next(iter(self._open))
                await self._open.pop(oldest).close()
            found = await Redecider(policy_set).__aenter__()
            self._open[policy_set.revision] = found
        return found

    def _count(
        self, one: Recorded, outcome: Any, again: Again, changes: tuple[Reclassed, ...]
    ) -> None:
        case: Mapping[str, Any] = orjson.loads(one.case)
        again_now = None if again.failed is not None else again.outcome
        if again_now is None or not fits(one.entrypoint, case, again_now, self._words):
            self.impact.failed += 1
            again_now = None
        then, now = (views(one.entrypoint, case, o) for o in (outcome, again_now))
        found = (*effects(then, now), *of_records(changes, then, now))
        self.impact.add(one, found, str(case["search"]["purpose"]))


def deciding(filters: Filters) -> Filters:
    """Give a filter for the entries that a decision can stand in."""
    return Filters(
        since=filters.since,
        until=filters.until,
        types=DECIDING,
        purpose=filters.purpose,
        peer=filters.peer,
    )
