"""Code tables: the agency's code → a NIEM word."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from adapters.document import Document, Place

Word: TypeAlias = str | bool | int
KEEP: Final = "keep"


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One table. `words` maps a code to its word, or None where the code means "not known".

    `wordless` are known codes for which the standard has no word: the raw value is kept.
    """

    words: Mapping[str, Word | None]
    wordless: frozenset[str]


class CodeTables:
    """The tables of a mapping file, and those that its format brings."""

    def __init__(self, doc: Document, built_in: Mapping[str, Mapping[str, Any]]) -> None:
        self._doc = doc
        own = doc.content.get("codes", {})
        self._tables = {**built_in, **own}
        self._own = own

    def find(self, named: str | Mapping[str, Any], *place: str | int) -> CodeTable:
        """Give a table by name, or make one that stands in its place."""
        if isinstance(named, str):
            if named not in self._tables:
                known = ", ".join(sorted(self._tables)) or "none"
                raise self._doc.wrong(f"{named}: no such code table; there are: {known}", *place)
            return _table(self._tables[named])
        return _table(named)

    def place(self, named: str | Mapping[str, Any], code: str, *place: str | int) -> Place:
        """Say where a table's entry stands in the file."""
        if isinstance(named, str):
            return ("codes", named, code) if named in self._own else place
        return (*place, code)


def _table(entries: Mapping[str, Any]) -> CodeTable:
    wordless = frozenset(code for code, word in entries.items() if isinstance(word, dict))
    words = {code: word for code, word in entries.items() if code not in wordless}
    return CodeTable(words, wordless)
