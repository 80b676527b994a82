"""What an exposure tells: what one agency can see of another, and what that takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.model import Granularity
from gateway.policy.released import PersonRelease


@dataclass(frozen=True, slots=True)
class Effect:
    """What one handling fact does to a record: how it is shown then, and the classes it loses."""

    fact: str
    value: Any
    show: str
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes. Of `roles`, `references` and codes of each kind any one; `attributes` all.

    An empty tuple of `references` or of codes: none is needed. `assurance` is the least.
    """

    roles: tuple[str, ...]
    attributes: tuple[str, ...]
    assurance: int
    references: tuple[str, ...]
    purpose_codes: tuple[str, ...]
    reason_codes: tuple[str, ...] = ()
    unit: str | None = None
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be seen for one purpose.

    `give`, `mask`, `count` and `pointer` are classes of elements: given, given in part, told how
    many there are of it, and told whom to ask. Whatever is in none of them is not told at all.
    """

    purpose: str
    record_types: tuple[str, ...]
    unit_functions: tuple[str, ...]
    granularity: str
    give: tuple[str, ...]
    mask: tuple[str, ...]
    count: tuple[str, ...]
    pointer: tuple[str, ...]
    never: tuple[str, ...]
    terms: tuple[str, ...]
    papers: tuple[str, ...]
    needs: Needs
    keep_days: int | None
    onward_sharing: str | None
    caveat: str | None
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """What is refused for one purpose, whoever asks there, and the fewest reasons against it.

    Each of `reasons` is a set of codes that stands against some question together: whatever is
    asked meets all of one of them, if it lacks nothing. `opened_by`: the grounds on which a
    person's release would have it answered; no such release need be there.
    """

    purpose: str
    record_types: tuple[str, ...]
    reasons: tuple[tuple[str, ...], ...]
    opened_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a release opens for one purpose, beyond what is seen without it.

    `give`, `mask`, `count` and `pointer` are the classes of the records that it names, as in
    `Seen`. `only_if` lists facts and values: it opens only records that have one of these. Empty:
    plain ones too.
    """

    purpose: str
    record_types: tuple[str, ...]
    unit_functions: tuple[str, ...]
    granularity: str
    give: tuple[str, ...]
    mask: tuple[str, ...]
    count: tuple[str, ...]
    pointer: tuple[str, ...]
    only_if: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ByPerson:
    """Releases in force on one ground, of the same classes. `opens` empty: they open nothing."""

    basis: str
    classes: tuple[str, ...]
    with_warrant: bool
    releases: tuple[PersonRelease, ...]
    opens: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What `agency` can see of `owner`, by the set `revision`, as of `now`."""

    agency: str
    owner: str
    revision: str
    seen: tuple[Seen, ...]
    refused: tuple[Refused, ...]
    by_person: tuple[ByPerson, ...]
    decisions: int


TOLD_AS = ("give", "mask", "count", "pointer")
"""How a class is told of, the most first: the names of the fields of `Seen` and `Opened`."""
_Row = TypeVar("_Row", Seen, Opened)


def merged(seen: Sequence[_Row]) -> list[_Row]:
    """Put record types together that are seen alike."""
    found: dict[_Row, list[str]] = {}
    for one in seen:
        found.setdefault(replace(one, record_types=()), []).extend(one.record_types)
    return [replace(one, record_types=tuple(types)) for one, types in found.items()]


def as_shown(granularity: str, action: Mapping[str, Any] | None) -> str:
    """Give how a record shows: at most as the answer's granularity has it."""
    if action is None or action["show"] == "record" or granularity != Granularity.RECORD:
        return granularity
    return str(action["show"])


def classes_of(action: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Give the classes that a decision on a record gives, masks, counts and points at, in order."""
    done = action["classes"] if action else {}
    return {how: tuple(sorted(c for c, one in done.items() if one == how)) for how in TOLD_AS}
