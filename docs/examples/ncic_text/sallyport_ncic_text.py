"""Text messages of `CODE/value` fields parted by full stops, as terminals of NCIC write them.

    EW.TX9990000.NAM/VANTERPOOL,QUILL J.SEX/F.DOB/19780511.OCA/W-0001.

What stands before the first field is the message key and the ORI. A message is a line, or, with
`messages: blocks`, the lines up to a blank one, as a terminal folds them. Each is a row with the
columns KEY, ORI and one for each code; a code that may stand several times (`repeated: [SMT]`) is
a part of its own, named in small letters: `smt.VALUE`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import textfile
from adapters.rows import BadRow, Columns, Fault, Row

HEAD = ("KEY", "ORI")
FIELDS = (
    *("NAM", "DOB", "SEX", "RAC", "HGT", "WGT", "EYE", "HAI", "SOC", "OLN", "OLS", "FBI", "SMT"),
    *("OFF", "DOW", "MKE", "OCA", "NIC", "LIC", "LIS", "LIT", "LIY", "VIN", "VYR", "VMA", "VMO"),
    *("VST", "VCO", "SER", "BRA", "TYP"),
)
LARGEST = 2**14
"""Letters of a message. What is longer is none; its beginning is kept with the row set aside."""
_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})/(.*)", re.DOTALL)
_CODE = {"type": "string", "pattern": "^[A-Z][A-Z0-9]{2}$"}


class MessageReader:
    """Reads messages one by one. Nothing in one is lost: what is not understood sets it aside."""

    SCHEMA: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "encoding": {"enum": list(textfile.ENCODINGS)},
            "messages": {"enum": ["lines", "blocks"]},
            "more": {"type": "array", "items": _CODE, "uniqueItems": True},
            "repeated": {"type": "array", "items": _CODE, "uniqueItems": True},
        },
    }

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._encoding: str = spec.get("encoding", "ascii")
        self._blocks = spec.get("messages") == "blocks"
        self._parts = {code: code.lower() for code in spec.get("repeated", ())}
        codes = {*FIELDS, *spec.get("more", ())} - {*HEAD, *self._parts}
        self._columns = dict.fromkeys([*HEAD, *sorted(codes)], "")

    def columns(self) -> Columns:
        """Name KEY, ORI and the codes. Raises Misconfigured if the file is not there."""
        textfile.require(self._path)
        parts = dict.fromkeys(self._parts.values(), frozenset({"VALUE"}))
        return Columns(frozenset(self._columns), parts)

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> int | None:
        """Count lines: of messages in blocks there are fewer."""
        return textfile.line_count(self._path)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give each message as a row, in order."""
        for number, data, whole in self._messages():
            raw = textfile.shown(data, self._encoding)
            if not whole:
                yield BadRow(number, raw, "ncic_text.long", _TOO_LONG)
                continue
            try:
                yield self._row(number, raw, data.decode(self._encoding))
            except UnicodeDecodeError as error:
                why = f"byte {error.start + 1} of the message is no {self._encoding}"
                yield BadRow(number, raw, "ncic_text.encoding", why, placed=self._placed(raw))
            except Fault as fault:
                why = fault.text
                placed = self._placed(raw)
                yield BadRow(number, raw, fault.code, why, fault.column, fault.value, placed=placed)

    def _messages(self) -> Iterator[tuple[int, bytes, bool]]:
        """Give each message with its first line's number, and whether it is not too long."""
        first, held, whole = 0, b"", True
        for line in textfile.lines(self._path):
            if not line.data.strip():
                if first:
                    yield first, held, whole
                first, held, whole = 0, b"", True
                continue
            first = first or line.number
            room = LARGEST - len(held)
            whole = whole and line.whole and len(line.data) <= room
            held += line.data[: max(room, 0)]
            if not self._blocks:
                yield first, held, whole
                first, held, whole = 0, b"", True
        if first:
            yield first, held, whole

    def _row(self, number: int, raw: str, text: str) -> Row:
        parts = [part.strip() for part in text.split(".")]
        row = Row(number, raw, dict(self._columns), {name: [] for name in self._parts.values()})
        head = 0
        while head < len(parts) and not _FIELD.fullmatch(parts[head]):
            head += 1
        if head == len(parts):
            raise Fault("ncic_text.none", "there is no CODE/value in the message", None, None)
        if head > len(HEAD):
            raise Fault("ncic_text.head", _HEAD_ONLY, None, None)
        row.values.update(zip(HEAD, parts[:head], strict=False))
        seen: set[str] = set()
        for at, part in enumerate(parts[head:], head + 1):
            if not part and at == len(parts):
                break  # the last full stop ends the message
            self._field(row, part, at, seen)
        return row

    def _placed(self, raw: str) -> tuple[dict[str, str], ...]:
        """Give the fields that can be read of a wrong message: they say which record it may be.

        One that stands twice is none of them, nor one with a byte that can't be read.
        """
        found = [_FIELD.fullmatch(part.strip()) for part in raw.split(".")]
        codes = [one[1] for one in found if one is not None]
        return ({
            one[1]: one[2].strip()
            for one in found
            if one is not None and codes.count(one[1]) == 1 and "\\x" not in one[2]
        },)  # fmt: skip

    def _field(self, row: Row, part: str, at: int, seen: set[str]) -> None:
        found = _FIELD.fullmatch(part)
        if found is None:
            raise Fault("ncic_text.field", f"part {at} of the message is no CODE/value", None, part)
        code, value = found[1], found[2].strip()
        if code in self._parts:
            if value:
                row.groups[self._parts[code]].append({"VALUE": value})
        elif code not in row.values or code in HEAD:
            raise Fault("ncic_text.unknown", _UNKNOWN, code, value)
        elif code in seen:
            raise Fault("ncic_text.repeated", _REPEATED, code, value)
        else:
            row.values[code] = value
        seen.add(code)


_TOO_LONG = f"the message has more than {LARGEST} letters"
_HEAD_ONLY = "more than a message key and an ORI stand before the first field"
_UNKNOWN = "this code is not known: name it under `more`, or `repeated`, in the mapping's format"
_REPEATED = "this code stands twice: name it under `repeated` in the mapping's format"
