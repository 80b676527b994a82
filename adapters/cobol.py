"""COBOL files: a copybook says how records are laid out; the data is in EBCDIC or ASCII.

Numbers are read as `adapters.cobol_values` says, repeated items become repeated parts, and each
item of a redefinition is a column. A column that the mapping does not use is not read: what stands
in it can set no row aside.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters import textfile
from adapters.cobol_copybook import Copybook
from adapters.cobol_layout import MAX_RECORD, Layout
from adapters.cobol_plan import NO_LAYOUT, Block, Decoding
from adapters.cobol_records import Frame, Framing, frames, hint
from adapters.cobol_values import Machine
from adapters.rows import BadRow, Columns, Fault, Row, Values
from gateway.errors import Misconfigured

_ALL_PAIRS: Final = bytes(
    b for first in range(256) for second in range(256) for b in (first, second)
)


class CobolReader:
    """Reads one file. `line` of a row is the record's number, from 1."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        personal = spec.get("machine", "mainframe") == "pc"
        sizes = tuple(spec.get("binary_sizes", (2, 4, 8)))
        self._machine = Machine(spec.get("encoding", "cp037"), personal, sizes)
        # Any byte can stand in a record: what a code page does not know must not shift the rest.
        self._whole = self._check_encoding()
        book = Copybook(Path(spec["copybook"]), free=spec.get("copybook_lines") == "free")
        self._layout = Layout(
            book,
            self._machine,
            moves=spec.get("depending", "moves") == "moves",
            variants=spec.get("variants", {}),
        )
        self._framing = self._frame(spec)
        self._block: Block = self._layout.plan(None)
        self._chosen: frozenset[str] | None = None

    def select(self, names: Collection[str]) -> None:
        """Read these columns alone, of the row itself and of its parts."""
        self._chosen = frozenset(names)
        self._block = self._layout.plan(self._chosen)

    def columns(self) -> Columns:
        """Name the columns. Raises Misconfigured if the data is not there."""
        textfile.require(self._path)
        return self._layout.columns

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> int | None:
        """Count records, or estimate their number."""
        return hint(self._path, self._framing)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows."""
        columns = self._layout.columns
        chosen = self._chosen
        own = (c for c in self._layout.order if chosen is None or c in chosen)
        blank: Values = dict.fromkeys(own, "")
        parts = [p for p in columns.groups if self._uses(p)]
        for number, frame in enumerate(frames(self._path, self._framing), 1):
            yield self._row(number, frame, blank.copy(), {p: [] for p in parts})

    def _row(
        self, number: int, frame: Frame, values: Values, groups: dict[str, list[Values]]
    ) -> Row | BadRow:
        data = frame.data
        text = data.decode(self._machine.encoding, "replace")
        raw = text if self._whole else data.decode("iso-8859-1")
        if frame.wrong is not None:
            placed = () if frame.begins is None else self._placed(data[frame.begins :], values)
            return BadRow(
                *(number, raw, *frame.wrong, None, frame.where), rest=frame.rest, placed=placed
            )
        decoding = Decoding(data, text, values, groups, lenient=self._chosen is None)
        try:
            end = decoding.run(self._block)
        except Fault as error:
            first = next(iter(decoding.faults), error)
            return BadRow(
                *(number, raw, first.code, first.text, first.column, first.value),
                placed=_read(values),
                no_record=error.code == NO_LAYOUT,
            )
        if end < len(data) and self._framing.kind == "rdw":
            why = (
                f"the record has {len(data)} bytes and its layout {end}: add a FILLER for the rest"
            )
            return BadRow(number, raw, "cobol.length", why, placed=_read(values))
        row = Row(number, raw, values, groups)
        if not decoding.faults:
            return row
        first = decoding.faults[0]
        unread = frozenset(f.column for f in decoding.faults if f.column is not None)
        # What decides how a record is laid out has to be read before anything is.
        deciding = self._layout.deciding
        partly = None if any(u.rpartition(".")[2] in deciding for u in unread) else row
        return BadRow(
            *(number, raw, first.code, first.text, first.column, first.value),
            row=partly,
            unread=unread,
            placed=_read(values),
        )

    def _placed(self, data: bytes, values: Values) -> tuple[Values, ...]:
        """Say what the columns are of a record that is cut short, or has more behind it."""
        text = data.decode(self._machine.encoding, "replace")
        with suppress(Fault):
            Decoding(data, text, values, {}, lenient=True).run(self._block)
        return _read(values)

    def _uses(self, part: str) -> bool:
        return self._chosen is None or any(n.startswith(f"{part}.") for n in self._chosen)

    def _check_encoding(self) -> bool:
        encoding = self._machine.encoding
        try:
            found = _ALL_PAIRS.decode(encoding, "replace")
        except LookupError:
            raise Misconfigured(f"{encoding}: there is no such encoding") from None
        if len(found) != len(_ALL_PAIRS):
            raise Misconfigured(f"{encoding}: in a COBOL file one byte is one character")
        return "\ufffd" not in found

    def _frame(self, spec: Mapping[str, Any]) -> Framing:
        kind = spec.get("record", "fixed")
        length = spec.get("length", self._layout.size)
        if "length" in spec and kind != "fixed":
            raise Misconfigured("`length` is for records of one length")
        if not self._layout.size <= length <= MAX_RECORD:
            raise Misconfigured(f"length: the layout has {self._layout.size} bytes")
        if kind == "lines" and self._machine.ebcdic:
            raise Misconfigured("lines are read in ASCII and its kin alone, not in EBCDIC")
        return Framing(
            kind,
            length,
            little=spec.get("rdw_order", "big") == "little",
            counts_itself=spec.get("rdw_counts_itself", True),
            blocked=spec.get("blocks", False),
        )


def _read(values: Values) -> tuple[Values, ...]:
    """Give what was read of a row before it was known that it is wrong."""
    return ({column: value for column, value in values.items() if value},)
