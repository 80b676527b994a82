"""Signed tree heads: C2SP tlog-checkpoint in a C2SP signed-note, with Ed25519.

sallyport/ORI                        the log's origin, also the signing key's name
20852                                how many entries
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2…=   the root, base64

— sallyport/ORI Az3grlgtzPICa5OS…=    key id (4 bytes) and signature, base64
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.ledger.tree import HASH_BYTES

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_SIGNATURE_BYTES = 64
_MARK = "\u2014 "
_BODY_LINES = 3
_MAX_SIZE_DIGITS = 18


class BadCheckpoint(Exception):
    """It is no checkpoint, or not one that this key signed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: `root` over its first `size` entries. `note` is the signed text."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def signatures(self) -> int:
        """How many lines of signatures it has; witnesses add theirs."""
        return self.note.partition("\n\n")[2].count("\n")


def origin_of(ori: str) -> str:
    """Name an agency's log."""
    return f"sallyport/{ori}"


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """Give a note key's id: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + _raw(key)).digest()[:_KEY_ID_BYTES]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Write a public key as signed-note tools take it: name+id+base64(0x01 ‖ public key)."""
    encoded = base64.b64encode(_ED25519 + _raw(key)).decode()
    return f"{name}+{key_id(name, key).hex()}+{encoded}"


def sign(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> Checkpoint:
    """Sign a tree head."""
    if any(c.isspace() or c == "+" for c in origin) or not origin:
        raise ValueError("an origin has no spaces and no plus sign")
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    mark = key_id(origin, key.public_key()) + key.sign(body.encode())
    note = f"{body}\n{_MARK}{origin} {base64.b64encode(mark).decode()}\n"
    return Checkpoint(origin, size, root, note)


def read(note: str) -> Checkpoint:
    """Read a checkpoint without believing it. Raises BadCheckpoint."""
    body, gap, signatures = note.partition("\n\n")
    lines = body.split("\n")
    if not gap or len(lines) < _BODY_LINES or not signatures.endswith("\n"):
        raise BadCheckpoint("it is no signed checkpoint")
    origin, size, root = lines[:_BODY_LINES]
    plain = size.isascii() and size.isdigit() and len(size) <= _MAX_SIZE_DIGITS
    if not origin or not plain or (size != "0" and size.startswith("0")):
        raise BadCheckpoint("its origin or size is malformed")
    return Checkpoint(origin, int(size), _decoded(root, HASH_BYTES), note)


def verify(note: str, *, origin: str, key: Ed25519PublicKey) -> Checkpoint:
    """Read a checkpoint of this log that this key signed. Raises BadCheckpoint.

    Signatures by other keys (witnesses) may stand beside it and are passed over.
    """
    checkpoint = read(note)
    if checkpoint.origin != origin:
        raise BadCheckpoint("it is another log's")
    body, _, signatures = note.partition("\n\n")
    wanted, prefix = key_id(origin, key), f"{_MARK}{origin} "
    for line in signatures.removesuffix("\n").split("\n"):
        if not line.startswith(prefix):
            continue
        mark = _decoded(line.removeprefix(prefix), _KEY_ID_BYTES + _SIGNATURE_BYTES)
        if mark[:_KEY_ID_BYTES] != wanted:
            continue
        try:
            key.verify(mark[_KEY_ID_BYTES:], body.encode() + b"\n")
        except InvalidSignature:
            raise BadCheckpoint("its signature is not this log's key's") from None
        return checkpoint
    raise BadCheckpoint("this log's key did not sign it")


def notes(text: str) -> Iterator[str]:
    """Take a file of one or more checkpoints apart. What is between them is not checked here."""
    lines: list[str] = []
    signed = False
    for line in text.splitlines():
        if signed and not line.startswith(_MARK):
            yield "\n".join(lines) + "\n"
            lines, signed = [], False
        if lines or line:
            lines.append(line)
        signed = line.startswith(_MARK)
    if lines:
        yield "\n".join(lines) + "\n"


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _decoded(text: str, size: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadCheckpoint("it is not in base64") from None
    if len(data) != size or base64.b64encode(data).decode() != text:
        raise BadCheckpoint("a hash or signature in it has the wrong length")
    return data
