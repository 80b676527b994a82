"""What an exposure tells: what one agency can see of another, and what that takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


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
    """What may be seen for one purpose. `give` and `mask` are classes of elements."""

    purpose: str
    record_types: tuple[str, ...]
    unit_functions: tuple[str, ...]
    granularity: str
    give: tuple[str, ...]
    mask: tuple[str, ...]
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
    """What is refused for one purpose, whoever asks there, and the fewest reasons against it."""

    purpose: str
    record_types: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What `agency` can see of `owner`, by the set `revision`, as of `now`."""

    agency: str
    owner: str
    revision: str
    seen: tuple[Seen, ...]
    refused: tuple[Refused, ...]
    decisions: int


def merged(seen: Sequence[Seen]) -> list[Seen]:
    """Put record types together that are seen alike."""
    found: dict[Seen, list[str]] = {}
    for one in seen:
        found.setdefault(replace(one, record_types=()), []).extend(one.record_types)
    return [replace(one, record_types=tuple(types)) for one, types in found.items()]
