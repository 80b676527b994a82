"""Proof by type: what only a decision can make.

A `Permit` lets a question out, an `AnswerPermit` lets records be read for one, a `Released` lets an
answer out. The peer client takes only a `Permit`, the routes serialise only a `Released`. Each
wants a `Mint`, and only this room has one: leaving it out is a type error, and making one fails at
run time. Nothing here may be copied with changes, or unpickled.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any, NoReturn, final

import orjson

from gateway.model import Answer, Granularity, Obligation, Ori, Question, Reason
from gateway.policy.released import PersonRelease


@final
class Mint:
    """The right to make a proof. There is one, and it is made here."""

    __slots__ = ()
    _made = False

    def __new__(cls) -> "Mint":
        """Make the one. Raises TypeError for a second."""
        if cls._made:
            raise TypeError("only the policy room can mint a proof")
        cls._made = True
        return super().__new__(cls)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a mint can't be copied")


MINT = Mint()
"""For `gateway.policy` alone; a test looks for other users."""


def _demand(mint: object) -> None:
    if mint is not MINT:
        raise TypeError("only a policy decision can make this")


class _Proof:
    """Refuses to be pickled, which would make one without a decision."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a proof can't be copied or pickled")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an auditor needs to decide again: the set, the whole input, and what came out."""

    entrypoint: str
    revision: str
    input: bytes
    outcome: Mapping[str, Any]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One record of which something was given: how it was shown, and the classes of elements.

    `show` is record, pointer, count or hit; `classes` is empty for all but record.
    """

    record_id: str
    record_type: str
    show: str
    classes: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Permit(_Proof):
    """The first door is open: this question, as minimised, may be asked of this one agency.

    `terms_withheld` are those of the search that this agency is not told.
    """

    owner: Ori
    question: Question
    terms_withheld: tuple[str, ...]
    evidence: Evidence
    _: KW_ONLY
    mint: InitVar[Mint]

    def __post_init__(self, mint: Mint) -> None:
        _demand(mint)


@dataclass(frozen=True, slots=True)
class PeerRefusal:
    """The first door is shut for this one agency. `reasons` are safe for the one who asked."""

    owner: str
    reasons: tuple[Reason, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AskDecision:
    """What the first door said. `allow` False: nobody is asked at all, and `reasons` say why."""

    allow: bool
    reasons: tuple[Reason, ...]
    permits: tuple[Permit, ...]
    refusals: tuple[PeerRefusal, ...]
    evidence: Evidence


@final
@dataclass(frozen=True, slots=True)
class AnswerPermit(_Proof):
    """The second door is open: this question may be answered from the records, within this.

    `terms` are those that may be searched by. `freshness` maps a record type to the minutes that
    its source may be old before it counts as stale. `obligations` come with the answer.
    """

    question: Question
    granularity: Granularity
    record_types: tuple[str, ...]
    terms: tuple[str, ...]
    classes_never_shared: tuple[str, ...]
    freshness: Mapping[str, int]
    obligations: tuple[Obligation, ...]
    reasons: tuple[Reason, ...]
    evidence: Evidence
    releases: tuple[PersonRelease, ...] = ()
    """What persons here released to this asker: the release of each record sees it too."""
    _: KW_ONLY
    mint: InitVar[Mint]

    def __post_init__(self, mint: Mint) -> None:
        _demand(mint)


@dataclass(frozen=True, slots=True)
class AnswerRefusal:
    """The second door is shut. `reasons` are safe for the one who asked."""

    question: Question
    reasons: tuple[Reason, ...]
    evidence: Evidence


@final
@dataclass(frozen=True, slots=True)
class Released(_Proof):
    """An answer that may go out, with why. `obligations` come with an admitted answer."""

    answer: Answer
    evidence: tuple[Evidence, ...]
    given: tuple[Given, ...] = ()
    obligations: tuple[Mapping[str, Any], ...] = ()
    _: KW_ONLY
    mint: InitVar[Mint]
    _body: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self, mint: Mint) -> None:
        _demand(mint)

    def body(self) -> bytes:
        """Give the answer as JSON, always the same bytes."""
        if not self._body:
            self._body.append(orjson.dumps(self.answer))
        return self._body[0]


@dataclass(frozen=True, slots=True)
class AdmitRefusal:
    """A peer's answer is not taken in. `reasons` are safe for the one who asked."""

    owner: str
    reasons: tuple[Reason, ...]
    evidence: Evidence | None
