"""Rows of delimited text that a quote makes of several lines, and whether it swallowed rows."""

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


def swallows(found: Followed, opened: int, delimiter: str, least: int) -> bool:
    """Whether one of a row's lines may be a row that an open quote took in.

    `opened` is the number of fields in its first line, whose last goes on. A line may be a row if
    it has the `least` delimiters of one. Of those in text that runs over several lines, commas as
    sentences have them do not count, but where every line has enough.
    """
    plain = [p.count(delimiter) for p in found.parts if p.strip()]
    if all(n >= least for n in plain):
        return True
    inner = found.fields[opened - 1].split("\n")
    if len(inner) != len(found.parts):  # several fields of several lines
        first, *others = (p.count(delimiter) for p in found.parts)
    else:
        first, *others = (0 if _is_prose(x, delimiter) else x.count(delimiter) for x in inner)
        first += opened - 1
        others[-1] += len(found.fields) - opened
    return first >= least and any(n >= least for n in others)


def _is_prose(text: str, delimiter: str) -> bool:
    """Whether behind each delimiter of a text stands a blank, or its end where blanks are in it."""
    spaced = text.count(delimiter + " ") + (text.endswith(delimiter) and " " in text)
    return delimiter in _IN_PROSE and spaced == text.count(delimiter)
