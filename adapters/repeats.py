"""Repeated parts that stand in one row: columns CHARGE1, CHARGE2 …, or several values in one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from adapters.document import Document, Place
from adapters.rows import BadRow, Columns, Row, Values

_MARK: Final = "{n}"


@dataclass(frozen=True, slots=True)
class Numbered:
    """Columns with a number in their names. `columns` maps a part's column to each of them."""

    name: str
    columns: Mapping[str, Sequence[str]]

    def parts(self, values: Values) -> Iterator[Values]:
        """Give the parts that hold something."""
        for numbered in zip(*self.columns.values(), strict=True):
            found = dict(zip(self.columns, (values.get(c, "") for c in numbered), strict=True))
            if any(found.values()):
                yield {f"{self.name}.{k}": v for k, v in found.items()}


@dataclass(frozen=True, slots=True)
class Listed:
    """One column with several values, each of which may have parts of its own."""

    name: str
    column: str
    by: str
    parts_by: str | None
    into: Sequence[str]

    def parts(self, values: Values) -> Iterator[Values]:
        """Give the parts that hold something."""
        text = values.get(self.column, "")
        for piece in text.split() if self.by == " " else text.split(self.by):
            cut = piece.split(self.parts_by, len(self.into) - 1) if self.parts_by else [piece]
            found = [c.strip() for c in cut] + [""] * (len(self.into) - len(cut))
            if any(found):
                named = zip(self.into, found, strict=True)
                yield {f"{self.name}.{k}": v for k, v in named}


Repeat: TypeAlias = Numbered | Listed


def compile_repeats(
    doc: Document, record: int, own: Columns, used: set[str]
) -> tuple[list[Repeat], Columns]:
    """Compile a record's `repeat`, and give the columns with them. Raises Misconfigured."""
    found: list[Repeat] = []
    groups = dict(own.groups)
    written = doc.content["records"][record].get("repeat", {})
    if not isinstance(written, dict):
        doc.unknown.add("")
        return found, own
    for name, spec in written.items():
        place = ("records", record, "repeat", name)
        doc.unknown.add(name)
        if doc.is_broken(*place):
            continue
        with doc.going_on():
            if name in groups:
                raise doc.wrong(f"{name}: there is a repeated part of that name", *place)
            made = _numbered(doc, name, spec, place) if "times" in spec else _listed(name, spec)
            for column in sources(made):
                if column not in own.own and "" not in doc.unknown:
                    doc.note(doc.wrong(f"{column}: no such column", *place))
                used.add(column)
            found.append(made)
            inner = made.columns if isinstance(made, Numbered) else made.into
            groups[name] = frozenset(f"{name}.{c}" for c in inner)
            doc.unknown.discard(name)
    return found, Columns(own.own, groups)


def repeated(rows: Iterable[Row | BadRow], repeats: Sequence[Repeat]) -> Iterable[Row | BadRow]:
    """Add the repeated parts to each row."""
    return _repeated(rows, repeats) if repeats else rows


def _repeated(rows: Iterable[Row | BadRow], repeats: Sequence[Repeat]) -> Iterator[Row | BadRow]:
    for row in rows:
        if isinstance(row, Row):
            for repeat in repeats:
                row.groups[repeat.name] = list(repeat.parts(row.values))
        yield row


def _numbered(doc: Document, name: str, spec: Mapping[str, Any], place: Place) -> Numbered:
    columns: Mapping[str, str] = spec["columns"]
    for column, written in columns.items():
        if _MARK not in written:
            raise doc.wrong(f"{written}: put {_MARK} where the number stands", *place, column)
    numbers = [str(n).zfill(spec.get("digits", 1)) for n in range(1, spec["times"] + 1)]
    return Numbered(name, {c: [w.replace(_MARK, n) for n in numbers] for c, w in columns.items()})


def _listed(name: str, spec: Mapping[str, Any]) -> Listed:
    into: list[str] = spec.get("into", ["VALUE"])
    return Listed(name, spec["column"], spec["by"], spec.get("parts"), into)


def sources(repeat: Repeat) -> list[str]:
    """Name the columns that a repeated part is read off."""
    if isinstance(repeat, Listed):
        return [repeat.column]
    return [c for numbered in repeat.columns.values() for c in numbered]
