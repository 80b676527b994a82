"""Joins of a draft: which column of another file the rows of the first lead to.

A column leads to a key where its values stand there, and more surely where both are called alike.
Values are held as their hashes; how many rows a key has tells whether one is joined, or several.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from adapters.draft import look_at
from adapters.draft_text import JoinDraft
from adapters.guessing import guess, knowledge, spellings
from adapters.profile import Profile
from adapters.rows import Reader, Row

READ: Final = 100_000
"""Rows of the other file that are held against the first one's."""
_NAMED: Final = 0.5
_UNNAMED: Final = 0.9
_NEARLY_ALL: Final = 0.98
_LEAST_DIFFERENT: Final = 10
_LEAST_LENGTH: Final = 4
"""Characters of a key that is told by its values alone: short ones meet by chance."""


def find_join(
    first: Mapping[str, Profile], reader: Reader, name: str, spec: Mapping[str, Any]
) -> JoinDraft | None:
    """Say how another file is joined to the first, or None if nothing in it fits."""
    held = _held(reader)
    best: tuple[float, str, str, bool, tuple[str, ...]] | None = None
    for column, profile in first.items():
        for other, counted in held.items():
            found = _fits(profile, other, counted)
            if found is not None and (best is None or found[0] > best[0]):
                best = (found[0], column, other, *found[1:])
    if best is None:
        return None
    _, source, key, many, doubts = best
    return JoinDraft(name, spec, key, source, many, look_at(reader, name), doubts)


def _held(reader: Reader) -> dict[str, Counter[int]]:
    """Count the values of each column, by their hashes."""
    unknown = frozenset(knowledge()["blank"])
    found: dict[str, Counter[int]] = {c: Counter() for c in sorted(reader.columns().own)}
    for row in islice((r for r in reader.rows() if isinstance(r, Row)), READ):
        for column, counted in found.items():
            value = row.values.get(column, "")
            if value and value.upper() not in unknown:
                counted[hash(value)] += 1
    return found


def _fits(
    profile: Profile, other: str, counted: Counter[int]
) -> tuple[float, bool, tuple[str, ...]] | None:
    """Say how well a column leads to another: a score, whether to several rows, and doubts."""
    if not profile.values or not counted:
        return None
    overlap = sum(hash(v) in counted for v in profile.values) / len(profile.values)
    alike = bool(set(spellings(profile.title)) & set(spellings(other)))
    one = max(counted.values()) == 1
    if alike:
        fits = overlap >= _NAMED and (one or _is_key(profile)) and _is_number(profile)
    else:
        fits = overlap >= _UNNAMED and len(profile.values) >= _LEAST_DIFFERENT and _is_long(profile)
        fits = fits and (one or _is_key(profile)) and _is_number(profile)
    if not fits:
        return None
    doubts = []
    if not alike:
        doubts.append("found by values alone")
    if overlap < _NEARLY_ALL:
        doubts.append(f"{1 - overlap:.0%} of the keys lead to no row")
    if not one:
        doubts.append("several rows to a key")
    return overlap + alike + one / 2, not one, tuple(doubts)


def _is_long(profile: Profile) -> bool:
    return sum(map(len, profile.values)) >= _LEAST_LENGTH * len(profile.values)


def _is_key(profile: Profile) -> bool:
    """Whether it is called like what names things, and is no code that many of them have."""
    found = guess(profile)
    if found is not None:
        return bool(found.entry.get("key"))
    return any(n.endswith(("_number", "_id", "_key")) for n in spellings(profile.title))


def _is_number(profile: Profile) -> bool:
    """Whether it may be a key: numbers and letters, and no dates."""
    formats, _ = profile.dates()
    return not formats and profile.looks_like("number") >= _UNNAMED
