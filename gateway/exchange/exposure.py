"""What one agency can see of this one's records, and what it got in a period: no names.

The first half is policy's own word, over a grid of questions and with what persons here have
released; the second is counted from the log.
For publication small counts are left out, all others rounded down to tens so that none can be
subtracted from another, and so is what depends on records or names a case.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson

from gateway.exchange.replaying import Entries
from gateway.ledger import EntryType, Filters, LogEntry, PageOf
from gateway.model import stamp
from gateway.policy.exposure import Grid
from gateway.policy.reach import ByPerson, Reach
from gateway.policy.redeciding import Redecider
from gateway.policy.released import FACT, PersonRelease
from gateway.policy.sets import PolicySet

_Key = TypeVar("_Key", tuple[str, str], tuple[str, str, str], tuple[str, str, str, str])

FEWEST = 10
"""Counts below this are not published."""
NOT_RECORDED = "not recorded"
_PAGE = 500


@dataclass(slots=True)
class Got:
    """What an agency asked and got. Counters by (purpose, …); `erased` answers tell no records."""

    questions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By purpose and answered, refused, or error."""
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By purpose and reason."""
    records: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By purpose, record type and how it was shown."""
    classes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By purpose, record type and class: in how many records it was given."""
    by_person: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """By purpose, ground, release and record type: records given that the release named."""
    erased: int = 0
    damaged: int = 0

    def add(self, entry: LogEntry) -> None:
        """Count one entry of the answering side."""
        purpose = str(entry.fields.get("purpose", ""))
        kind, decision = entry.fields["type"], str(entry.fields.get("decision", ""))
        if kind == EntryType.DENY:
            self.questions[purpose, "refused" if decision == "deny" else "error"] += 1
            self.refusals.update((purpose, str(c)) for c in entry.fields.get("reasons", ()))
        elif decision not in {"refused", "error"}:
            self.questions[purpose, decision] += 1
            self._given(entry, purpose)
        elif decision == "error":
            self.questions[purpose, "error"] += 1

    def _given(self, entry: LogEntry, purpose: str) -> None:
        self.erased += entry.personal_state == "erased"
        self.damaged += entry.personal_state == "damaged"
        bases: dict[str, str] | None = None
        for given in (entry.personal or {}).get("given", ()):
            record_type = str(given.get("record_type", NOT_RECORDED))
            self.records[purpose, record_type, str(given.get("show", NOT_RECORDED))] += 1
            self.classes.update((purpose, record_type, str(c)) for c in given["classes"])
            for release in given.get(FACT, ()):
                bases = _bases(entry) if bases is None else bases
                basis = bases.get(release, NOT_RECORDED)
                self.by_person[purpose, basis, str(release), record_type] += 1


@dataclass(frozen=True, slots=True)
class Exposure:
    """Both halves. Times are UTC."""

    reach: Reach
    got: Got
    since: datetime
    until: datetime

    def as_json(self, *, public: bool = False) -> dict[str, Any]:
        """Give it for machines; `public`, for publication."""
        seen = [asdict(s) for s in self.reach.seen]
        if public:
            for one in seen:
                del one["effects"], one["needs"]["unit"], one["needs"]["cases"]
            seen = together(seen, "record_types")
        got: dict[str, Any] = {
            "since": stamp(self.since),
            "until": stamp(self.until),
            "questions": _rows(("purpose", "outcome"), self.got.questions, public=public),
            "refusals": _rows(("purpose", "reason"), self.got.refusals, public=public),
            "records": _rows(("purpose", "record_type", "show"), self.got.records, public=public),
            "classes": _rows(("purpose", "record_type", "class"), self.got.classes, public=public),
        }
        by_person = self.got.by_person
        if public:
            # A release is one case's: none is told by itself.
            summed: Counter[tuple[str, str, str]] = Counter()
            for (purpose, basis, _, record_type), n in by_person.items():
                summed[purpose, basis, record_type] += n
            names = ("purpose", "basis", "record_type")
            got["by_person"] = _rows(names, summed, public=True)
            got["counts"] = f"rounded down to tens; fewer than {FEWEST} are not told"
        else:
            each = ("purpose", "basis", "release", "record_type")
            got["by_person"] = _rows(each, by_person, public=False)
            got |= {"answers_erased": self.got.erased, "answers_damaged": self.got.damaged}
        return {
            "agency": self.reach.agency,
            "owner": self.reach.owner,
            "policy": self.reach.revision,
            "can_see": seen,
            "refused": [asdict(r) for r in self.reach.refused],
            "by_person": [_in_force(b, public=public) for b in self.reach.by_person],
            "got": got,
        }


def _bases(entry: LogEntry) -> dict[str, str]:
    """Give the ground of each release that an answer was decided with: its sealed input has it."""
    decision = (entry.personal or {}).get("decision") or {}
    case = orjson.loads(decision.get("input") or "{}")
    return {str(r["id"]): str(r["basis"]) for r in case.get("releases", ())}


def _in_force(one: ByPerson, *, public: bool) -> dict[str, Any]:
    """Give releases of one kind. For publication without what would tell one case from another."""
    told: dict[str, Any] = {
        "basis": one.basis,
        "classes": list(one.classes),
        "with_warrant": one.with_warrant,
    }
    if public:
        return told | {"count": published(len(one.releases))}
    releases = [
        {"id": r.id, "until": stamp(r.until), "records": len(r.records)} for r in one.releases
    ]
    opens = [{**asdict(o), "only_if": [list(pair) for pair in o.only_if]} for o in one.opens]
    return told | {"count": len(one.releases), "releases": releases, "opens": opens}


def together(
    rows: Iterable[Mapping[str, Any]], joined: str, *, but: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Put rows together that are alike but for `joined`, which lists theirs all; without `but`."""
    found: dict[bytes, dict[str, Any]] = {}
    for row in rows:
        rest = {k: v for k, v in row.items() if k != joined and k not in but}
        key = orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)
        held = found.setdefault(key, {joined: [], **rest})[joined]
        several = [row[joined]] if isinstance(row[joined], str) else row[joined]
        held += [one for one in several if one not in held]
    return list(found.values())


def published(count: int) -> int | None:
    """Give a count as it may be published: None if it is small, else rounded down to tens."""
    return None if count < FEWEST else count - count % 10


def _rows(
    names: tuple[str, ...], counted: Mapping[_Key, int], *, public: bool
) -> list[dict[str, Any]]:
    return [
        {**dict(zip(names, key, strict=True)), "count": published(n) if public else n}
        for key, n in sorted(counted.items())
    ]


async def reach(
    deciding: PolicySet,
    *,
    agency: str,
    owner: str,
    now: datetime,
    purposes: Iterable[str] | None,
    releases: Sequence[PersonRelease],
) -> Reach:
    """Find what an agency can see, by `releases` in force too. In another process, some 10 s.

    Raises PolicyUnavailable.
    """
    async with Redecider(deciding) as by:
        grid = Grid(by, agency=agency, owner=owner, now=now, releases=releases)
        return await grid.reach(purposes)


async def count_got(
    log: Entries, got: Got, *, agency: str, since: datetime, until: datetime, purpose: str | None
) -> AsyncIterator[int]:
    """Count from the log, page after page; gives how many entries each had.

    Sealed parts are opened for record types and classes: who calls has logged the reading.
    """
    filters = asked_by(agency, since=since, until=until, purpose=purpose)
    after: str | None = None
    while True:
        page = await log.entries(filters, PageOf(after=after, limit=_PAGE), unseal=True)
        for entry in page.entries:
            # What this agency asked of others stands under their names too, without an asker.
            if "subject" in entry.fields:
                got.add(entry)
        yield len(page.entries)
        after = page.next
        if after is None:
            return


def asked_by(agency: str, *, since: datetime, until: datetime, purpose: str | None) -> Filters:
    """Give the filter for an agency's answers and refusals."""
    return Filters(
        since=since,
        until=until,
        types=(EntryType.DENY, EntryType.RESPONSE_OUT),
        peer=agency,
        purpose=purpose,
    )
