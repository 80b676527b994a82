"""What of an outcome its owner has to confirm before anyone acts on it, and how that stands."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from gateway.exchange.outcome import AgencyOutcome, ConfirmationState, MatchOutcome, ToConfirm
from gateway.model import Match, stamp

OBLIGATION = "confirm_before_acting"
ESCALATE = 2
"""After so many requests without a response in time somebody above has to know."""
Said = Literal["confirmed", "denied"]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One hit's confirmation. `due`: when the last request has to be answered, else None.

    `requests` counts those since it was last confirmed or denied. `response` is what the owner
    said, `by` whom and when; None while it has not.
    """

    id: str
    search_id: str
    owner: str
    requests: int = 0
    priority: str | None = None
    requested_at: datetime | None = None
    due: datetime | None = None
    response: Said | None = None
    by: str | None = None
    responded_at: datetime | None = None

    def state(self, now: datetime) -> ConfirmationState:
        """Tell where it stands."""
        if self.response is not None:
            return self.response
        if self.due is None:
            return "unconfirmed"
        return "requested" if now <= self.due else "overdue"

    def shown(self, now: datetime) -> dict[str, Any]:
        """Give it for the officer: the state, and what to do."""
        state = self.state(now)
        found = {
            "id": self.id,
            "state": state,
            "do": self._to_do(state),
            "priority": self.priority,
            "requests": self.requests or None,
            "requested_at": stamp(self.requested_at) if self.requested_at else None,
            "due": stamp(self.due) if self.due else None,
            "by": self.by,
            "responded_at": stamp(self.responded_at) if self.responded_at else None,
        }
        return {k: v for k, v in found.items() if v is not None}

    def _to_do(self, state: ConfirmationState) -> str:
        if state == "confirmed":
            return "Confirmed by its owner. Ask once more if you act on it at another time."
        if state == "denied":
            return "Do not act on it: its owner says that it does not stand."
        if state == "requested":
            return "Unconfirmed, do not act on it: the owner was asked and has not answered yet."
        if state == "unconfirmed":
            return "Unconfirmed, do not act on it: ask the owner to confirm it first."
        if self.requests < ESCALATE:
            return "Unconfirmed, do not act on it: the owner did not answer in time. Ask again."
        return (
            "Unconfirmed, do not act on it: the owner did not answer "
            f"{self.requests} requests in time. Tell your supervisor, who tells the owner's."
        )


def mark(agency: AgencyOutcome, matches: Sequence[Match]) -> AgencyOutcome:
    """Add what was found to an agency's outcome; what is to be confirmed gets an id of its own.

    A hit, a count or a pointer names no record: then the answer as a whole is to be confirmed.
    """
    outcomes = tuple(
        MatchOutcome.of(
            m, _unconfirmed(m.confirm.phone) if m.confirm and m.confirm.required else None
        )
        for m in matches
    )
    owed = any(o.type == OBLIGATION for o in agency.obligations or ())
    each = any(m.confirm for m in outcomes) and all(m.record_id for m in outcomes)
    return replace(
        agency, matches=outcomes, confirm=_unconfirmed(None) if owed and not each else None
    )


def marked(agencies: Sequence[AgencyOutcome]) -> list[tuple[str, str | None, ToConfirm]]:
    """List what is to be confirmed: its owner, its record's id if it has one, and the mark."""
    return [
        (agency.ori, record_id, hit)
        for agency in agencies
        for record_id, hit in (
            (None, agency.confirm),
            *((m.record_id, m.confirm) for m in agency.matches or ()),
        )
        if hit is not None
    ]


def _unconfirmed(phone: str | None) -> ToConfirm:
    new = Confirmation(f"conf_{secrets.token_hex(16)}", "", "")
    now = new.shown(datetime.now(UTC))
    return ToConfirm(required=True, phone=phone, id=now["id"], state=now["state"], do=now["do"])
