"""What an auditor brings from elsewhere: kept checkpoints and a peer's receipts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.errors import Invalid
from gateway.ledger.checkpoint import BadCheckpoint, Checkpoint, notes, read

_LEAF = re.compile(r"sha-256:[0-9a-f]{64}")
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A leaf of this log that another agency was given. `where` is its file and line."""

    leaf: bytes
    transaction: str
    type: str
    where: str


def read_checkpoints(paths: Iterable[Path]) -> list[Checkpoint]:
    """Read files of one or more checkpoints each. Raises Invalid for a file that holds none."""
    found: list[Checkpoint] = []
    for path in paths:
        try:
            some = [read(note) for note in notes(_text(path))]
        except BadCheckpoint as error:
            raise Invalid(f"{path.name} holds something else than checkpoints: {error}.") from None
        if not some:
            raise Invalid(f"{path.name} holds no checkpoint.")
        found += some
    return found


def read_receipts(paths: Iterable[Path]) -> list[HeldReceipt]:
    """Read files of receipts: one JSON object a line, as `audit receipts` writes them.

    Raises Invalid, with file and line.
    """
    found: list[HeldReceipt] = []
    for path in paths:
        for number, line in enumerate(_text(path).split("\n"), 1):
            if line.strip():
                found.append(_receipt(line, f"{path.name}:{number}"))
    return found


def _receipt(line: str, where: str) -> HeldReceipt:
    try:
        data = orjson.loads(line)
        leaf, transaction, kind = (str(data[n]) for n in ("leaf", "transaction", "type"))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Invalid(f"{where} is no receipt: leaf, transaction and type are needed.") from None
    if not _LEAF.fullmatch(leaf):
        raise Invalid(f"{where} is no receipt: its leaf is no digest.")
    digest = bytes.fromhex(leaf.removeprefix("sha-256:"))
    return HeldReceipt(digest, transaction, kind, where)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise Invalid(f"{path.name} is too large.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} can't be read ({type(error).__name__}).") from None
