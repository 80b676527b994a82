"""Code tables: the agency's code → a NIEM word. They stand in the mapping or in files."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from adapters.document import Document, Place

Word: TypeAlias = str | bool | int

_KEYS: Final = ("codes", "code_files")
"""Where a mapping's own tables stand."""


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One table. `words` maps a code to its word, or None where the code means "not known".

    `wordless` are known codes for which the standard has no word: the raw value is kept. `seen`,
    where it is not None, takes the codes that were looked up.
    """

    words: Mapping[str, Word | None]
    wordless: frozenset[str] = frozenset()
    seen: set[str] | None = None

    def find(self, code: str) -> Word | None:
        """Give a code's word; None if there is none."""
        if self.seen is not None:
            self.seen.add(code)
        return self.words.get(code)


@dataclass(slots=True)
class Use:
    """What a mapping does with one of its own code tables. `place` is where the table stands."""

    name: str
    place: Place
    codes: frozenset[str]
    used: bool = False
    seen: set[str] = field(default_factory=set)


class CodeTables:
    """The tables of a mapping file, those of files beside it, and those that its format brings.

    With `watch`, it is noted which codes occur: for who checks a mapping.
    """

    def __init__(
        self,
        doc: Document,
        built_in: Mapping[str, Mapping[str, Any]],
        from_files: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        watch: bool = False,
    ) -> None:
        self._doc = doc
        written = {k: t for k in _KEYS if isinstance(t := doc.content.get(k, {}), dict)}
        tables: Mapping[str, Mapping[str, Any]] = written.get("codes", {})
        own = {n: t for n, t in tables.items() if not doc.is_broken("codes", n)}
        files = from_files or {}
        self._unread = {n for t in written.values() for n in t}.difference(own, files)
        """Tables of the mapping that nobody could read: their fault is reported."""
        self._all_named = len(written) == len(_KEYS)
        """Whether it is known which tables there are."""
        for both in sorted(own.keys() & files.keys()):
            doc.note(doc.wrong(f"{both}: two code tables have this name", "code_files", both))
        self._tables = {**built_in, **files, **own}
        self._own = own
        self._watch = watch
        self._uses = {
            name: Use(name, (key, name), frozenset(table))
            for key, tables in (("codes", own), ("code_files", files))
            for name, table in tables.items()
        }

    def find(self, named: str | Mapping[str, Any], *place: str | int) -> CodeTable:
        """Give a table by name, or make one that stands in its place."""
        if not isinstance(named, str):
            at = (*place, "codes") if place[-1:] != ("codes",) else place
            use = Use("", at, frozenset(named), used=True)
            self._uses[str(at)] = use
            return self._made(named, use)
        if named in self._unread or (named not in self._tables and not self._all_named):
            raise self._doc.passed_over()
        if named not in self._tables:
            known = ", ".join(sorted(self._tables)) or "none"
            near = difflib.get_close_matches(named, self._tables, n=2, cutoff=0.6)
            hint = f"; did you mean {', '.join(near)}?" if near else f"; there are: {known}"
            raise self._doc.wrong(f"{named}: no such code table{hint}", *place)
        known_use = self._uses.get(named)
        if known_use is not None:
            known_use.used = True
        return self._made(self._tables[named], known_use)

    def place(self, named: str | Mapping[str, Any], code: str, *place: str | int) -> Place:
        """Say where a table's entry stands in the file."""
        if isinstance(named, str):
            return ("codes", named, code) if named in self._own else place
        return (*place, code)

    def uses(self) -> Iterator[Use]:
        """Tell what became of the mapping's own tables."""
        yield from self._uses.values()

    def _made(self, entries: Mapping[str, Any], use: Use | None) -> CodeTable:
        wordless = frozenset(code for code, word in entries.items() if isinstance(word, dict))
        words = {code: word for code, word in entries.items() if code not in wordless}
        return CodeTable(words, wordless, use.seen if use is not None and self._watch else None)
