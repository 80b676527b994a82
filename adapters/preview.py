"""Rows of a source beside what they become: for who writes a mapping."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from adapters.source import MappedSource
from gateway.model import Record, SetAside
from gateway.records.source import Origin


@dataclass(frozen=True, slots=True)
class Shown:
    """One legacy row: its columns, and its records; or why it is set aside.

    `place` is its line, or of a database's row its table and key.
    """

    place: int | str
    columns: Mapping[str, Any]
    records: tuple[Record, ...] = ()
    aside: SetAside | None = None


def preview(source: MappedSource, *, most: int, only_aside: bool = False) -> Iterator[Shown]:
    """Give the first rows of a source, or the first that are set aside. Personal data."""
    wanted = (one for one in _rows(source) if one.aside is not None or not only_aside)
    yield from islice(wanted, most)


def _rows(source: MappedSource) -> Iterator[Shown]:
    waiting: Shown | None = None
    last: Origin | None = None
    for one in source.rows():
        origin = source.origin()
        if waiting is not None and (origin is not last or isinstance(one, SetAside)):
            yield waiting
            waiting = None
        last = origin
        if isinstance(one, SetAside):
            yield Shown(one.key or one.line, one.fields or {"": one.raw}, aside=one)
        elif waiting is not None:
            waiting = replace(waiting, records=(*waiting.records, one))
        elif origin is not None:
            waiting = Shown(origin.key or origin.line, origin.fields() or {"": origin.raw}, (one,))
    if waiting is not None:
        yield waiting
