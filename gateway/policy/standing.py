"""How each agreement stands: for lists, for health, for warnings. It decides nothing.

What decides is `agreed_data` with the rules; this says the same in words for administrators.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.policy.agreements import Agreed, pairs, said_last
from gateway.trust.agreement_files import Held

WARN_DAYS = (90, 30, 7)
"""Before its end an agreement is warned of this many days ahead, each once."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """One document.

    `state` is broken, awaiting, not_begun, in_force, expired, superseded, suspended or revoked.
    `by` are the parties whose signature is missing, or who said so. `days_left` counts begun days
    up to its end, for what is in force or suspended.
    """

    held: Held
    state: str
    by: tuple[str, ...] = ()
    days_left: int | None = None
    mine: bool = True
    """Whether this agency is a party that has signed."""

    @property
    def warning(self) -> int | None:
        """The warning that holds now: 7, 30 or 90 days; None further away or out of force."""
        if self.state != "in_force" or self.days_left is None or self.days_left < 1:
            return None
        return next((d for d in sorted(WARN_DAYS) if self.days_left <= d), None)

    def plain(self) -> dict[str, Any]:
        """Give it as JSON."""
        agreement = self.held.document.agreement
        return {
            "id": agreement.id,
            "version": agreement.version,
            "title": agreement.title,
            "parties": list(agreement.parties),
            "signed_by": sorted(self.held.signers),
            "state": self.state,
            "by": list(self.by),
            "valid": {"from": agreement.valid.from_, "to": agreement.valid.to},
            "days_left": self.days_left,
            "warning_days": self.warning,
            "digest": self.held.document.digest,
            "task_force": agreement.task_force.name if agreement.task_force else None,
            "faults": list(self.held.faults),
        }


def standings(agreed: Agreed, own: str, now: datetime) -> Iterator[Standing]:
    """Tell how every document stands now, by id and version."""
    ends = _ends(agreed.data)
    key = lambda h: (h.document.agreement.id, h.document.agreement.version)  # noqa: E731 - an order
    for held in sorted(agreed.book.documents, key=key):
        yield _standing(agreed, held, own, now, ends)


def _standing(
    agreed: Agreed, held: Held, own: str, now: datetime, ends: Mapping[str, str]
) -> Standing:
    agreement = held.document.agreement
    mine = own in held.signers
    if held.faults:
        return Standing(held, "broken", mine=mine)
    waits = held.missing if mine else tuple(dict.fromkeys((*held.missing, own)))
    if waits or not any(pairs(held, agreed.types)):
        return Standing(held, "awaiting", waits, mine=mine)
    end = datetime.fromisoformat(ends.get(held.document.digest, agreement.valid.to))
    left = -((now - end) // _DAY) if end > now else 0
    status, by = said_last(agreed.book, held, sorted(held.signers))
    if status != "in_force":
        return Standing(held, status, by, left, mine)
    if end <= now:
        over = "expired" if datetime.fromisoformat(agreement.valid.to) <= now else "superseded"
        return Standing(held, over, mine=mine)
    if datetime.fromisoformat(agreement.valid.from_) > now:
        return Standing(held, "not_begun", days_left=left, mine=mine)
    return Standing(held, "in_force", days_left=left, mine=mine)


def _ends(data: Mapping[str, Any]) -> dict[str, str]:
    return {
        paper["digest"]: paper["valid"]["to"]
        for others in data.values()
        for papers in others.values()
        for paper in papers.values()
    }
