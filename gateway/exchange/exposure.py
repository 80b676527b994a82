"""What one agency can see of this one's records, and what it got in a period: no names.

The first half is policy's own word, over a grid of questions; the second is counted from the log.
For publication small counts are left out, all others rounded down to tens so that none can be
subtracted from another, and so is what depends on records or names a case.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson

from gateway.exchange.replaying import Entries
from gateway.ledger import EntryType, Filters, LogEntry, PageOf
from gateway.model import stamp
from gateway.policy.exposure import Grid
from gateway.policy.reach import Reach
from gateway.policy.redeciding import Redecider
from gateway.policy.sets import PolicySet

_Key = TypeVar("_Key", tuple[str, str], tuple[str, str, str])

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
        for given in (entry.personal or {}).get("given", ()):
            record_type = str(given.get("record_type", NOT_RECORDED))
            self.records[purpose, record_type, str(given.get("show", NOT_RECORDED))] += 1
            self.classes.update((purpose, record_type, str(c)) for c in given["classes"])


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
        if public:
            got["counts"] = f"rounded down to tens; fewer than {FEWEST} are not told"
        else:
            got |= {"answers_erased": self.got.erased, "answers_damaged": self.got.damaged}
        return {
            "agency": self.reach.agency,
            "owner": self.reach.owner,
            "policy": self.reach.revision,
            "can_see": seen,
            "refused": [asdict(r) for r in self.reach.refused],
            "got": got,
        }


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
    deciding: PolicySet, *, agency: str, owner: str, now: datetime, purposes: Iterable[str] | None
) -> Reach:
    """Find what an agency can see. Some seconds, in another process. Raises PolicyUnavailable."""
    async with Redecider(deciding) as by:
        return await Grid(by, agency=agency, owner=owner, now=now).reach(purposes)


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
