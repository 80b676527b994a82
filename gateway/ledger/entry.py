"""What one line of the access log says, and its canonical bytes. The format: docs/ledger.md.

An entry holds no personal data: whatever names a person is in the personal part (see `seal`), and
the entry only commits to it, with a salt. The order of the names below is that of the document.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from gateway.errors import TooLarge
from gateway.model import digest

VERSION = 1
SALT_BYTES = 32
STANDARD = "standard"
"""The retention class of a draft that names none."""

MAX_TEXT = 256
MAX_LIST = 256
MAX_PERSONAL = 4 * 2**20
_DIGEST = re.compile(r"sha-256:[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")


class EntryType(StrEnum):
    """What happened. Append only: a reader of old logs must know them all."""

    START = "start"
    QUERY_OUT = "query_out"
    QUERY_IN = "query_in"
    RESPONSE_OUT = "response_out"
    RESPONSE_IN = "response_in"
    DENY = "deny"
    NOTICE = "notice"
    ADMIN = "admin"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Draft:
    """One line to be written. Digests are `sha-256:` and 64 hex digits.

    `reference` (the case) and `personal` are sealed; the entry commits to each with a salt of its
    own. `subject` is pairwise. `retention` names the class of the key that wraps the sealed part's.
    `entries` are the ids of the entries that an `erase` speaks of.
    """

    type: EntryType
    transaction: str | None = None
    peer: str | None = None
    subject: str | None = None
    purpose: str | None = None
    policy: str | None = None
    decision: str | None = None
    reasons: tuple[str, ...] = ()
    granularity: str | None = None
    results: int | None = None
    reference: str | None = field(default=None, repr=False)
    request: str | None = None
    response: str | None = None
    signature: str | None = None
    peer_leaf: str | None = None
    personal: Mapping[str, Any] | None = field(default=None, repr=False)
    retention: str = STANDARD
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Logged:
    """A line that is durable. `leaf` is its hash in the tree, `sha-256:` and hex."""

    entry_id: str
    leaf: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Nonce:
    """A signed message's nonce, committed with the entry. `value` may be any text."""

    key_id: str
    value: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked draft. `document` is the personal part's plain bytes, None if there is none."""

    fields: dict[str, Any]
    document: bytes | None
    retention: str


def _bounded(text: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise TooLarge(f"{name} of a log entry is over {MAX_TEXT} characters")
    return str(text)


def _digest(text: str, name: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError(f"{name} of a log entry must be a digest")
    return text


def _list(texts: tuple[str, ...], name: str) -> list[str]:
    if len(texts) > MAX_LIST:
        raise TooLarge(f"{name} of a log entry has over {MAX_LIST} items")
    return [_bounded(text, name) for text in texts]


_TEXTS = ("transaction", "peer", "subject", "purpose", "policy", "decision", "granularity")
_FIELDS = (
    *((name, _bounded) for name in _TEXTS),
    *((name, _digest) for name in ("request", "response", "signature", "peer_leaf")),
)


def prepare(draft: Draft) -> Prepared:
    """Check a draft and fix what it says. Raises TooLarge, ValueError, TypeError."""
    fields: dict[str, Any] = {"v": VERSION, "type": draft.type.value}
    for name, check in _FIELDS:
        text = getattr(draft, name)
        if text is not None:
            fields[name] = check(text, name)
    if draft.results is not None:
        fields["results"] = int(draft.results)
    for name, texts in (("reasons", draft.reasons), ("entries", draft.entries)):
        if texts:
            fields[name] = _list(texts, name)
    if not _WORD.fullmatch(draft.retention):
        raise ValueError("a retention class is a word")
    return Prepared(fields, _document(draft, fields), draft.retention)


def _document(draft: Draft, fields: dict[str, Any]) -> bytes | None:
    document: dict[str, Any] = {}
    if draft.reference is not None:
        salt = secrets.token_bytes(SALT_BYTES)
        fields["case"] = commit(salt, draft.reference.encode())
        document["case"] = {"reference": draft.reference, "salt": salt.hex()}
    if draft.personal is not None:
        document["personal"] = draft.personal
    if not document:
        return None
    data = canonical(document)
    if len(data) > MAX_PERSONAL:
        raise TooLarge(f"the personal part of a log entry is over {MAX_PERSONAL} bytes")
    return data


def commit(salt: bytes, data: bytes) -> str:
    """Commit to data: SHA-256(salt ‖ data), `sha-256:` and hex. The salt hides what is short."""
    return digest(salt + data)


def canonical(document: Any) -> bytes:
    """Give the one way to write a document: JSON in UTF-8, no spaces, names sorted (RFC 8785).

    Entries hold strings, integers, booleans and lists of strings, where this and RFC 8785 agree.
    """
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def entry_id(writer: str, sequence: int) -> str:
    """Name an entry by who wrote it and as their how-manieth."""
    return f"{writer}.{sequence}"
