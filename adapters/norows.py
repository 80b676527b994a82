"""Lines of a text file that are no rows, as its mapping says: headings of pages, totals, a trailer.

They are set aside like other lines, under a reason of their own, so that the sums add up and nobody
has to trust a pattern. But they are nobody's: no record waits for one of them to be mended.
"""

from collections.abc import Sequence
from typing import Final

from adapters.conditions import pattern_of
from adapters.rows import BadRow

NO_ROW: Final = "row.no_row"
_WHY: Final = "the mapping says under `no_rows` that such a line is no row"


class NoRows:
    """Patterns of whole lines. Blanks and form feeds at a line's ends do not count."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Take patterns with `*` and `?`; everything else stands for itself."""
        self._fits = pattern_of([p.strip() for p in patterns]) if patterns else None

    def of(self, number: int, text: str) -> BadRow | None:
        """Give a line that is no row as one set aside; None for any other."""
        if self._fits is None or self._fits.fullmatch(text.strip()) is None:
            return None
        return BadRow(number, text, NO_ROW, _WHY, no_record=True)
