"""Columns that stand at fixed places in a text, cut out all at once."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from adapters.rows import Values


class Cut:
    """Columns of one text, by their places in it. `part` stands before their names."""

    __slots__ = ("_names", "_pick")

    def __init__(self, columns: Mapping[str, slice], part: str | None = None) -> None:
        self._names = tuple(columns) if part is None else tuple(f"{part}.{c}" for c in columns)
        places = tuple(columns.values())
        pick: Callable[[str], Any] = itemgetter(*places, slice(0))  # so that it gives a tuple
        self._pick = pick

    def of(self, text: str) -> Values:
        """Give the columns, without blanks at their ends."""
        # The last, which is no column, falls away.
        return dict(zip(self._names, map(str.strip, self._pick(text)), strict=False))
