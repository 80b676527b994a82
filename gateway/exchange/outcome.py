"""What a search comes to, as the agency's own system gets it: api.md's answer, whole."""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import TypeAdapter

from gateway.model import (
    Blind,
    Confirm,
    GranularityGiven,
    Match,
    Obligation,
    OriText,
    Reason,
    Status,
    Text,
    Timestamp,
    Word,
    new_blind,
)

NOTICE = "Possible matches, not probable cause. No match is no clearance."


ConfirmationState: TypeAlias = Literal["unconfirmed", "requested", "overdue", "confirmed", "denied"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the confirmation of one hit stands."""

    # Without slots: a class can't have two bases that have some.

    id: str
    state: ConfirmationState
    do: str
    priority: Word | None = None
    requests: int | None = None
    requested_at: Timestamp | None = None
    due: Timestamp | None = None
    by: Text | None = None
    responded_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToConfirm(Standing, Confirm):
    """What its owner confirms before anyone acts on it, and how that stands: `do` says it in words.

    `id` names it at /v1/confirmations. `requests` were made, the last with `priority`, at
    `requested_at`, to be answered until `due`; `by` is who answered for the owner, and when.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOutcome(Match):
    """One match as the officer's system gets it."""

    confirm: ToConfirm | None = None

    @classmethod
    def of(cls, match: Match, confirm: ToConfirm | None) -> Self:
        """Take a match as it came in, with what is known here of its confirmation."""
        came = {f.name: getattr(match, f.name) for f in fields(Match)}
        return cls(**came | {"confirm": confirm})


DutyState: TypeAlias = Literal["open", "overdue", "done", "done_late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a person here has to do after a search, till `due`, and how it stands: `do` says it.

    `type` is the obligation's word, `owners` the agencies whose answers oblige to it. `id` names it
    at /v1/duties. Done at `done_at`, it is found elsewhere by `reference`.
    """

    id: str
    type: Word
    owners: tuple[OriText, ...]
    state: DutyState
    do: str
    due: Timestamp
    done_at: Timestamp | None = None
    reference: Text | None = None

    def plain(self) -> dict[str, Any]:
        """Give it without what it does not say."""
        said = ((f.name, getattr(self, f.name)) for f in fields(Duty))
        return {name: value for name, value in said if value is not None}


@dataclass(frozen=True, slots=True)
class AgencyOutcome:
    """What became of the question at one agency. `ms` from sending to verified answer.

    `asked` is False where this gateway's own policy refused, so that nothing was sent.
    `confirm` stands where the answer has to be confirmed as a whole: a hit, a count or a pointer.
    """

    ori: OriText
    status: Status
    asked: Literal[False] | None = None
    ms: int | None = None
    granularity: GranularityGiven | None = None
    data_as_of: Timestamp | None = None
    stale: bool | None = None
    hit: bool | None = None
    count: int | None = None
    more: bool | None = None
    terms_not_used: tuple[Word, ...] | None = None
    classes_never_shared: tuple[Word, ...] | None = None
    reasons: tuple[Reason, ...] | None = None
    matches: tuple[MatchOutcome, ...] | None = None
    retry_after_s: int | None = None
    obligations: tuple[Obligation, ...] | None = None
    confirm: ToConfirm | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who was asked and what came of it: the completeness of one search, signed.

    `not_asked` are the agencies that this gateway's own policy let nobody ask; the other counts are
    of those that were asked. `complete`: somebody was, and all of them settled it.
    `content` is the digest of the answer without this receipt, which the answer's line in our log
    holds too; `log_leaf` is that line's leaf. `signature` is ES256 (base64url) by `key_id` over the
    canonical JSON of search_id, the agencies' statuses and every other field of this receipt.
    """

    asked: int
    not_asked: int
    answered: int
    refused: int
    not_understood: int
    timed_out: int
    failed: int
    capped: int
    complete: bool
    content: str = ""
    log_leaf: str = ""
    key_id: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """The whole answer to one search."""

    search_id: str
    status: Literal["complete", "partial", "none"]
    agencies: tuple[AgencyOutcome, ...]
    receipt: Receipt
    notice: str = NOTICE
    reference_due: Timestamp | None = field(default=None)
    """For a pending reference: until when its number must be given."""
    duties: tuple[Duty, ...] | None = field(default=None)
    blind: Blind = field(default_factory=new_blind)
    """Chance alone: what the log holds of the answer confirms no guess at it."""

    adapter: ClassVar["TypeAdapter[SearchOutcome]"]

    def plain(self) -> dict[str, Any]:
        """Give what its JSON says."""
        said: dict[str, Any] = SearchOutcome.adapter.dump_python(
            self, mode="json", exclude_none=True
        )
        return said

    def body(self) -> bytes:
        """Write it as JSON."""
        return SearchOutcome.adapter.dump_json(self, exclude_none=True)


SearchOutcome.adapter = TypeAdapter(SearchOutcome)

_FAILED = frozenset(
    {
        Status.UNREACHABLE,
        Status.BACKING_OFF,
        Status.BAD_SIGNATURE,
        Status.BAD_ANSWER,
        Status.UNAVAILABLE,
    }
)


def count(agencies: tuple[AgencyOutcome, ...]) -> Receipt:
    """Count the agencies' statuses into a receipt that is not signed yet."""
    asked = [a for a in agencies if a.asked is not False]

    def of(*statuses: Status) -> int:
        return sum(a.status in statuses for a in asked)

    settled = of(Status.ANSWERED, Status.REFUSED, Status.NOT_UNDERSTOOD)
    capped = sum(bool(a.more) for a in asked) + of(Status.TOO_MANY)
    return Receipt(
        asked=len(asked),
        not_asked=len(agencies) - len(asked),
        answered=of(Status.ANSWERED),
        refused=of(Status.REFUSED),
        not_understood=of(Status.NOT_UNDERSTOOD),
        timed_out=of(Status.TIMEOUT),
        failed=of(*_FAILED),
        capped=capped,
        # Where nobody was asked, nothing is complete.
        complete=bool(asked) and settled == len(asked) and not capped,
    )


def overall(agencies: tuple[AgencyOutcome, ...]) -> Literal["complete", "partial", "none"]:
    """Complete: every agency that was asked answered. None: not one did. Else partial."""
    answered = sum(a.status is Status.ANSWERED for a in agencies)
    if not answered:
        return "none"
    return "complete" if answered == len(agencies) else "partial"
