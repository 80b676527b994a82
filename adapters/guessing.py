"""What a column seems to be: by its name, held against its values, or by its values alone.

Values decide more than names do: a column called SSN that holds names is none. What stands in
`draft.yaml` is tried in its order.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

from adapters.document import Document
from adapters.profile import Profile

FITS: Final = 0.8
"""The share of a column's values that have to look like something."""
_FEW: Final = 0.2
_MOST_UNLIKE: Final = 0.5
_SHORTEST: Final = 5
"""Letters of a name that may be several words run together."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PREFIX: Final = re.compile(r"[A-Za-z0-9]{1,8}[-_. ](?=.)")
_LEAST_BEGUN: Final = 4
_MANY_BEGUN: Final = 0.4
_OTHER: Final = re.compile(r"[^A-Za-z0-9#]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to be: an entry of `guesses`, and what makes it doubtful."""

    entry: Mapping[str, Any]
    doubts: tuple[str, ...] = ()
    by_name: bool = True

    @property
    def what(self) -> str:
        """Its name in `draft.yaml`."""
        found: str = self.entry["is"]
        return found


@cache
def knowledge() -> Mapping[str, Any]:
    """Give what is guessed by."""
    with resources.as_file(resources.files("adapters").joinpath("draft.yaml")) as path:
        found: Mapping[str, Any] = Document(path).content
        return found


@lru_cache(maxsize=4_096)
def spellings(column: str) -> tuple[str, ...]:
    """Give a column's name as words in lower case, parted by _, in the ways it may be meant."""
    known = knowledge()
    plain = unicodedata.normalize("NFKD", column)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    written = "_".join(_OTHER.split(_CAMEL.sub("_", plain))).strip("_").lower()
    words = [known["same"].get(w, w) for w in written.split("_") if w not in known["dropped"]]
    turned = list(words)
    while turned and turned[0] in known["behind"] and set(turned) - set(known["behind"]):
        turned.append(turned.pop(0))
    found = [written, "_".join(words), "_".join(turned)]
    apart = [_apart(w) if w not in known["same"] else w for w in written.split("_")]
    if apart != written.split("_"):
        found += spellings("_".join(apart))
    own = known["roles"]["own"]
    found += [shorter for name in tuple(found) if (shorter := re.sub(own, "", name))]
    return tuple(dict.fromkeys(found))


def _apart(word: str) -> str:
    """Give a word as the words that are run together in it, parted by _, or as it is."""
    found = _splits(word)
    return "_".join(found) if found and len(word) >= _SHORTEST else word


def _splits(word: str) -> list[str] | None:
    """Take a word apart into known ones, the longest first; None if something is left."""
    if not word:
        return []
    for known in _joined():
        if word.startswith(known) and (rest := _splits(word[len(known) :])) is not None:
            return [known, *rest]
    return None


@cache
def _joined() -> tuple[str, ...]:
    return tuple(sorted(knowledge()["joined"], key=len, reverse=True))


def guess(profile: Profile) -> Guess | None:
    """Give what a column seems to be, or None."""
    names = spellings(profile.title)
    if any(re.search(knowledge()["roles"]["others"], name) for name in names):
        return None  # somebody else's: a victim's name is not the suspect's
    for entry in knowledge()["guesses"]:
        if any(re.search(entry["names"], name) for name in names):
            doubts = _against(entry, profile)
            if doubts is not None:
                return Guess(entry, tuple(doubts))
    return _alone(profile)


def _against(entry: Mapping[str, Any], profile: Profile) -> list[str] | None:
    """Say what values make doubtful; None: they are something else."""
    if not profile.filled:
        return []
    if "never" in entry and profile.looks_like(entry["never"]) >= _MOST_UNLIKE:
        return None
    doubts = [entry["unsure"]] if "unsure" in entry else []
    look = entry.get("looks")
    if look is None:
        return doubts
    share = profile.looks_like(look)
    if share < _FEW:
        return None
    return [*doubts, "some of its values do not look like it"] if share < FITS else doubts


def _alone(profile: Profile) -> Guess | None:
    entries = {g["is"]: g for g in knowledge()["guesses"]}
    for look in knowledge()["alone"]:
        different = len(profile.values)
        if not look["least"] <= different <= look.get("most", different):
            continue
        if profile.looks_like(look["looks"]) >= FITS:
            doubts = () if look.get("sure") else ("guessed by its values alone",)
            return Guess(entries[look["is"]], doubts, by_name=False)
    return None


def guesses(looked: Mapping[str, Profile]) -> dict[str, Guess]:
    """Guess at all columns. One that a name speaks for is not guessed at by values besides."""
    found = {c: g for c, p in looked.items() if (g := guess(p)) is not None}
    found |= _behind_prefix(looked, found)
    named = {g.what for g in found.values() if g.by_name}
    found = {c: g for c, g in found.items() if g.by_name or g.what not in named}
    return {c: _by_neighbours(c, g, found, looked) for c, g in found.items()}


def _behind_prefix(
    looked: Mapping[str, Profile], found: Mapping[str, Guess]
) -> Iterator[tuple[str, Guess]]:
    """Guess anew without the word that many names begin with, as a mainframe's record names it."""
    begun = Counter(m[0] for p in looked.values() if (m := _PREFIX.match(p.title)))
    prefix, count = begun.most_common(1)[0] if begun else ("", 0)
    if count < max(_LEAST_BEGUN, _MANY_BEGUN * len(looked)):
        return
    if any(re.search(knowledge()["roles"]["others"], name) for name in spellings(prefix + "x")):
        return  # all of it is somebody else's
    for column, profile in looked.items():
        named = column in found and found[column].by_name
        if not named and profile.title.startswith(prefix):
            rest = guess(replace(profile, title=profile.title.removeprefix(prefix)))
            if rest is not None and rest.by_name:
                doubt = f"guessed without {prefix}, which many names begin with"
                yield column, replace(rest, doubts=(*rest.doubts, doubt))


def _by_neighbours(
    column: str, one: Guess, found: Mapping[str, Guess], looked: Mapping[str, Profile]
) -> Guess:
    """Guess anew at a column whose name says too little, by what stands beside it."""
    rather: Mapping[str, str] = one.entry.get("rather", {})
    plain = spellings(looked[column].title)[:2]
    if not one.by_name or not rather or not any(re.search(one.entry["bare"], n) for n in plain):
        return one
    order = list(looked)
    at = order.index(column)
    beside = {
        found[c].what for c in (*order[max(0, at - 1) : at], *order[at + 1 : at + 2]) if c in found
    }
    there = {g.what for g in found.values()}
    entries = {g["is"]: g for g in knowledge()["guesses"]}
    for number, own in rather.items():
        if number not in there or own in there:
            continue
        doubt = f"of the {number}, or of the address?"
        if number in beside and not beside & set(one.entry["unless"]):
            return Guess(entries[own], (*one.doubts, doubt))
        if number in beside or not beside & set(one.entry["unless"]):
            return Guess(one.entry, (*one.doubts, doubt))
    return one


@dataclass(frozen=True, slots=True)
class Flag:
    """A column that tells a fact: what a mapping says of it, and what is to be checked."""

    column: str
    spec: Mapping[str, Any]
    doubt: str = "are these its meanings?"


def flags(looked: Mapping[str, Profile]) -> dict[str, list[Flag]]:
    """Find the columns that tell the facts policy decides by: all of their values must be known."""
    found: dict[str, list[Flag]] = {}
    for flag in knowledge()["flags"]:
        every = [f for f in (_of_one_word(flag, p) for p in looked.values()) if f is not None]
        taken = {f.column for f in every}
        for column, profile in _named(flag, looked):
            words = {c: flag["words"].get(c.upper()) for c in profile.codes()}
            if column not in taken and words and None not in words.values():
                every.insert(0, Flag(column, {"column": column, "codes": words}))
                break
        if every:
            found[flag["fact"]] = every
    return found


def _of_one_word(flag: Mapping[str, Any], profile: Profile) -> Flag | None:
    """Find what a column says that is there for one word: by days, by yes and no, or not yet."""
    column, names = profile.column, spellings(profile.title)
    word = next(
        (
            word
            for word, pattern in flag.get("stand_for", {}).items()
            if any(re.search(pattern, name) for name in names)
        ),
        None,
    )
    if word is None:
        return None
    strict = knowledge()["handling"][flag["fact"]]
    codes = {c: c.upper() for c in profile.codes()}
    if codes and set(codes.values()) <= {*flag["yes"], *flag["no"]}:
        # Where all say no so far, what says yes is known all the same.
        other = dict(zip(flag["no"], flag["yes"], strict=False))
        words = {other[u]: word for u in codes.values() if u in other}
        words |= {c: word if u in flag["yes"] else flag["none"] for c, u in codes.items()}
        spec = {"column": column, "codes": words, "blank": strict}
        return Flag(
            column,
            spec,
            f"are these its meanings? What is blank stays {strict} until you say {flag['none']}",
        )
    formats, not_days = profile.dates()
    if profile.filled and not formats and len(not_days) < len(profile.values):
        return None
    filled: dict[str, Any] = {"column": column, "blank": False}
    blank: dict[str, Any] = {"column": column, "blank": True}
    if not_days:
        filled = {**filled, "not": not_days}
        blank = {"any": [blank, {"column": column, "is": not_days}]}
    spec = {"cases": [{"when": filled, "is": word}, {"when": blank, "is": strict}]}
    doubt = f"is what is filled {word}? What is blank stays {strict} until you say {flag['none']}"
    return Flag(column, spec, doubt)


def order_of(fact: str) -> list[str]:
    """Give the words of a fact, the strictest last."""
    found: list[str] = next(f["order"] for f in knowledge()["flags"] if f["fact"] == fact)
    return found


def flags_named(looked: Mapping[str, Profile]) -> dict[str, list[str]]:
    """Give the columns that each fact seems to stand in by their names, whatever they hold."""
    found: dict[str, list[str]] = {}
    for flag in knowledge()["flags"]:
        columns = [c for c, _ in _named(flag, looked)]
        if columns:
            found[flag["fact"]] = columns
    return found


def _named(flag: Mapping[str, Any], looked: Mapping[str, Profile]) -> Iterator[tuple[str, Profile]]:
    patterns = [flag["names"], *flag.get("stand_for", {}).values()]
    for column, profile in looked.items():
        names = spellings(profile.title)
        if profile.filled and any(re.search(p, name) for p in patterns for name in names):
            yield column, profile
