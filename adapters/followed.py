"""Rows of delimited text that a quote makes of several lines, and whether it swallowed rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.textfile import Line

_IN_PROSE: Final = ",;"
"""Delimiters that stand in sentences, too, with a blank behind."""


@dataclass(slots=True)
class Followed:
    """A row of several lines: their texts, and its fields. `taken` are the lines behind the first.

    `wrong`: one of those has bytes that are no text.
    """

    parts: list[str]
    taken: list[Line] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    wrong: bool = False


def swallows(
    found: Followed, loose: Callable[[str], Sequence[str]], delimiter: str, least: int
) -> bool:
    """Whether one of a row's lines may be a row that an open quote took in.

    A line may be a row if it has the `least` delimiters of one. Of those in text that runs over
    several lines, commas as sentences have them do not count, but where every line has enough.
    `loose` gives the fields of a line whose last one is open.
    """
    first, *others = (p.count(delimiter) for p in found.parts)
    if first < least or max(others, default=0) < least:
        return False
    if all(n >= least or not p.strip() for n, p in zip(others, found.parts[1:], strict=True)):
        return True
    opened = len(loose(found.parts[0]))
    inner = found.fields[opened - 1].split("\n")
    if len(inner) == len(found.parts):  # one field runs over all of the lines
        first, *others = (0 if _is_prose(x, delimiter) else x.count(delimiter) for x in inner)
        first += opened - 1
        others[-1] += len(found.fields) - opened
    return first >= least and max(others) >= least


def _is_prose(text: str, delimiter: str) -> bool:
    """Whether behind each delimiter of a text stands a blank, or its end where blanks are in it."""
    spaced = text.count(delimiter + " ") + (text.endswith(delimiter) and " " in text)
    return delimiter in _IN_PROSE and spaced == text.count(delimiter)
