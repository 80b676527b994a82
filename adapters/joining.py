"""From a mapping's `join` to joins: each checked against the columns on both sides."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.codes import CodeTables
from adapters.compile import FieldCompiler, nearest
from adapters.document import Document, Place
from adapters.joins import Join, listed
from adapters.rows import Columns


class JoinCompiler:
    """Compiles the joins of one record, one after the other: a later one may use an earlier."""

    def __init__(
        self,
        doc: Document,
        record: int,
        own: Columns,
        tables: CodeTables,
        used: set[str],
    ) -> None:
        self._doc = doc
        self._record = record
        self._tables = tables
        self._used = used
        self._plain = set(own.own)
        self._parents: dict[str, frozenset[str]] = dict(own.groups)

    def compile(self, lookup: Callable[[str, Mapping[str, Any]], Any]) -> list[Join]:
        """Give the joins. `lookup` makes what finds the rows of one. Raises Misconfigured."""
        found: list[Join] = []
        written = self._doc.content["records"][self._record].get("join", {})
        if not isinstance(written, dict):
            self._doc.unknown.add("")
            return found
        for name, spec in written.items():
            place = ("records", self._record, "join", name)
            if not self._doc.is_broken(*place):
                with self._doc.going_on():
                    found.append(self._join(name, spec, lookup(name, spec), place))
                    continue
            self._doc.unknown.add(name)
        return found

    def _join(self, name: str, spec: Mapping[str, Any], table: Any, place: Place) -> Join:
        doc = self._doc
        if name in self._parents:
            raise doc.wrong(f"{name}: there is a repeated part of that name", *place)
        theirs: frozenset[str] = table.columns().own
        keys, sources = listed(spec["key"]), listed(spec["from"])
        parent = self._parent(name, theirs, keys, sources, place)
        many, several = bool(spec.get("many")), spec.get("several")
        if many and parent is not None:
            raise doc.wrong("a repeated part can't have repeated parts", *place, "many")
        if many and several is not None:
            raise doc.wrong("`many` takes all: `several` does nothing here", *place, "several")
        of_join: set[str] = set()
        checker = FieldCompiler(doc, self._record, Columns(theirs), self._tables, of_join)
        when = checker.conditions(spec.get("when"), (*place, "when"))
        self._used |= {*sources, *(f"{name}.{c}" for c in (*keys, *of_join))}
        names = frozenset(f"{name}.{c}" for c in theirs)
        if parent is not None:
            self._parents[parent] |= names
        elif many:
            self._parents[name] = names
        else:
            self._plain |= names
        required = spec.get("missing") == "set_aside"
        return Join(name, table, tuple(sources), parent, many, when, required, several)

    def _parent(
        self,
        name: str,
        theirs: frozenset[str],
        keys: Sequence[str],
        sources: Sequence[str],
        place: Place,
    ) -> str | None:
        """Check the columns of both sides, and give the repeated part that ours belong to."""
        if len(keys) != len(sources):
            text = "`key` and `from` must name as many columns"
            raise self._doc.wrong(text, *place, "from")
        for key in keys:
            if key not in theirs:
                text = f"{key}: no such column in {name}{nearest(key, theirs)}"
                self._doc.note(self._doc.wrong(text, *place, "key"))
        parent = next((g for g, c in self._parents.items() if c.intersection(sources)), None)
        known = self._plain | self._parents.get(parent or "", frozenset())
        for source in sources:
            if source not in known:
                if "" in self._doc.unknown:
                    continue
                if source.partition(".")[0] in self._doc.unknown:
                    raise self._doc.passed_over()
                text = f"{source}: no such column{nearest(source, known)}"
                self._doc.note(self._doc.wrong(text, *place, "from"))
        return parent
