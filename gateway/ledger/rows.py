"""Checks of one stored row against itself: form, repeated columns, tag, lane, sealed part."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.ledger.entry import VERSION, EntryType, canonical, commit, entry_id
from gateway.ledger.findings import Report
from gateway.ledger.schema import REPEATED
from gateway.ledger.seal import CannotOpen, MonthKey, SealedPart, SealingKey
from gateway.ledger.tree import HASH_BYTES, leaf_hash
from gateway.model import parse_stamp

PREFIX = "sha-256:"
_DIGEST = re.compile(r"sha-256:[0-9a-f]{64}")
_WRITER = re.compile(r"[0-9a-f]{16}")
_TYPES = frozenset(t.value for t in EntryType)

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _integer(value: Any) -> bool:
    return type(value) is int


def _digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _time(value: Any) -> bool:
    try:
        parse_stamp(value)
    except (ValueError, TypeError):
        return False
    return True


_REQUIRED: dict[str, Check] = {
    "v": lambda v: type(v) is int and v == VERSION,
    "log": _text,
    "writer": lambda v: isinstance(v, str) and _WRITER.fullmatch(v) is not None,
    "seq": lambda v: type(v) is int and v > 0,
    "time": _time,
    "type": lambda v: v in _TYPES,
}
_FORM: dict[str, Check] = _REQUIRED | {
    **dict.fromkeys(
        ("transaction", "peer", "subject", "purpose", "policy", "decision", "granularity"), _text
    ),
    **dict.fromkeys(("case", "request", "response", "signature", "peer_leaf", "personal"), _digest),
    **dict.fromkeys(("reasons", "entries"), _texts),
    "results": _integer,
}


@dataclass(slots=True)
class _Lane:
    sequence: int = 0
    time: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a row comes to: its name and leaf, and its entry if that could be read."""

    name: str
    leaf: bytes
    fields: dict[str, Any]


class Rows:
    """Checks rows in the log's order. Without the sealing key, parts and tags stay unchecked."""

    def __init__(
        self, report: Report, sealing: SealingKey | None, months: Mapping[int, MonthKey]
    ) -> None:
        self._report = report
        self._sealing = sealing
        self._months = months
        self._lanes: dict[str, _Lane] = {}
        self.absent: dict[str, int | None] = {}
        """Entries whose sealed part is gone, with their positions."""
        self.erased: dict[str, str] = {}
        """Entries said to be erased, with the entry that says so."""

    def check(self, row: Any, position: int | None) -> Checked:
        """Check one row and add what is wrong to the report."""
        name = entry_id(str(row.writer), row.sequence)
        data = (
            row.entry if isinstance(row.entry, bytes) else str(row.entry).encode(errors="replace")
        )
        leaf = leaf_hash(data)

        def wrong(kind: str, text: str) -> None:
            self._report.add(kind, text, position=position, entry=name)

        if self._sealing and not (isinstance(row.tag, bytes) and self._sealing.made(data, row.tag)):
            wrong("not_ours", "This gateway did not write this entry as it stands.")
        fields = _read(data) if isinstance(row.entry, bytes) else None
        if fields is None:
            wrong("malformed", "The entry is not in the log's format.")
            return Checked(name, leaf, {})
        if fields["log"] != self._report.origin:
            wrong("malformed", "The entry belongs to another log.")
        self._columns(row, fields, wrong)
        self._lane(fields, wrong)
        self._part(row, fields, name, position, wrong)
        if fields["type"] == EntryType.ERASE:
            for erased in fields.get("entries", ()):
                self.erased[erased] = name
        return Checked(name, leaf, fields)

    def _columns(self, row: Any, fields: dict[str, Any], wrong: Callable[[str, str], None]) -> None:
        differing = [n for n in REPEATED if getattr(row, n) != fields.get(n)]
        if row.sequence != fields["seq"]:
            differing.append("sequence")
        if differing:
            wrong("column", f"The row says something else than its entry: {', '.join(differing)}.")

    def _lane(self, fields: dict[str, Any], wrong: Callable[[str, str], None]) -> None:
        lane = self._lanes.get(fields["writer"])
        if lane is None:
            lane = self._lanes[fields["writer"]] = _Lane()
            if fields["type"] != EntryType.START:
                wrong("sequence", "Its writer's log does not begin with a start.")
        if fields["seq"] != lane.sequence + 1:
            wrong(
                "sequence",
                f"It is its writer's entry {fields['seq']}; {lane.sequence + 1} was to follow.",
            )
        if fields["time"] < lane.time:
            wrong("sequence", "Its time is before that of the entry it follows.")
        lane.sequence, lane.time = fields["seq"], max(lane.time, fields["time"])

    def _part(
        self,
        row: Any,
        fields: dict[str, Any],
        name: str,
        position: int | None,
        wrong: Callable[[str, str], None],
    ) -> None:
        stored = (row.month_key, row.part_key, row.part)
        if "personal" not in fields:
            if "case" in fields:
                wrong("malformed", "It commits to a case without a personal part.")
            if stored != (None, None, None):
                wrong("part", "It has a sealed part that the entry does not commit to.")
            return
        if stored == (None, None, None):
            self.absent[name] = position
            return
        if self._sealing is None:
            if None in stored:
                wrong("part", "Some of its sealed part is missing.")
            return
        month = self._months.get(row.month_key)
        if month is None or not (isinstance(row.part_key, bytes) and isinstance(row.part, bytes)):
            wrong("part", "Its sealed part can't be opened: the month's key or some of it is gone.")
            return
        commitment = bytes.fromhex(fields["personal"].removeprefix(PREFIX))
        try:
            document = orjson.loads(month.open(SealedPart(commitment, row.part_key, row.part)))
            held = _case(document) == fields.get("case")
        except (CannotOpen, orjson.JSONDecodeError):
            wrong("part", "Its sealed part is not what the entry commits to.")
            return
        self._report.opened += 1
        if not held:
            wrong("part", "Its case is not what the entry commits to.")


def _case(document: Any) -> str | None:
    try:
        case = document.get("case")
        if case is None:
            return None
        salt = bytes.fromhex(case["salt"])
        if len(salt) != HASH_BYTES:
            return ""
        return commit(salt, case["reference"].encode())
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict) or not _REQUIRED.keys() <= fields.keys():
        return None
    for name, value in fields.items():
        check = _FORM.get(name)
        if check is None or not check(value):
            return None
    return fields if canonical(fields) == data else None
