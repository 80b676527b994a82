"""The personal part of an entry, sealed so that one part, or a month of them, can be erased.

Each part is encrypted under a key of its own (AES-256-GCM); that key is wrapped by the key of its
month and retention class, which is wrapped by the gateway's sealing key. The plain text starts with
32 bytes of salt, so the entry's commitment is the SHA-256 of the plain text as it stands. To erase
a part, delete its wrapped key and itself: salt and text are gone, and no guess can be tried.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.ledger.entry import SALT_BYTES

KEY_BYTES = 32
NONCE_BYTES = 12
_PART = b"sallyport ledger part v1\n"
_PART_KEY = b"sallyport ledger part key v1\n"
_MONTH_KEY = b"sallyport ledger month key v1\n"


class CannotOpen(Exception):
    """A sealed thing does not open with this key, or is not what was committed to."""


@dataclass(frozen=True, slots=True)
class SealedPart:
    """A sealed personal part. `wrapped` and `sealed` start with their 12-byte nonce."""

    commitment: bytes
    wrapped: bytes
    sealed: bytes


class MonthKey:
    """The key that wraps the keys of all parts of one month and retention class."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, document: bytes) -> SealedPart:
        """Seal a document under a fresh key and salt."""
        random = os.urandom(SALT_BYTES + KEY_BYTES + 2 * NONCE_BYTES)
        plain = random[:SALT_BYTES] + document
        key = random[SALT_BYTES : SALT_BYTES + KEY_BYTES]
        wrap_nonce, nonce = random[-2 * NONCE_BYTES : -NONCE_BYTES], random[-NONCE_BYTES:]
        commitment = hashlib.sha256(plain).digest()
        return SealedPart(
            commitment,
            wrap_nonce + self._aead.encrypt(wrap_nonce, key, _PART_KEY + commitment),
            nonce + AESGCM(key).encrypt(nonce, plain, _PART + commitment),
        )

    def open(self, part: SealedPart) -> bytes:
        """Give the document. Raises CannotOpen if anything about it is not as committed."""
        key = _decrypt(self._aead, part.wrapped, _PART_KEY + part.commitment)
        plain = _decrypt(AESGCM(key), part.sealed, _PART + part.commitment)
        if not hmac.compare_digest(hashlib.sha256(plain).digest(), part.commitment):
            raise CannotOpen("it is not what the entry commits to")
        return plain[SALT_BYTES:]


class SealingKey:
    """The gateway's own key over all month keys. Never used itself: two keys derive from it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("the sealing key has 32 bytes")
        self._aead = AESGCM(derive_key(key, b"sallyport ledger wrap v1"))
        self._tag_key = derive_key(key, b"sallyport ledger tag v1")

    def new_month(self, month: str, retention: str) -> tuple[MonthKey, bytes]:
        """Make a month's key, and its wrapped form to be stored."""
        key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
        return MonthKey(key), nonce + self._aead.encrypt(nonce, key, _month(month, retention))

    def open_month(self, month: str, retention: str, wrapped: bytes) -> MonthKey:
        """Unwrap a month's key. Raises CannotOpen."""
        return MonthKey(_decrypt(self._aead, wrapped, _month(month, retention)))

    def tag(self, data: bytes) -> bytes:
        """Mark a row as written by this gateway: HMAC-SHA-256, 32 bytes."""
        return hmac.digest(self._tag_key, data, "sha256")

    def made(self, data: bytes, tag: bytes) -> bool:
        """Tell whether a row's mark is this gateway's."""
        return hmac.compare_digest(self.tag(data), tag)


def ledger_key(master: bytes) -> bytes:
    """Derive the log's sealing key from the gateway's master key, which serves other ends too."""
    return derive_key(master, b"sallyport ledger")


def _month(month: str, retention: str) -> bytes:
    return _MONTH_KEY + f"{month}/{retention}".encode()


def derive_key(key: bytes, purpose: bytes) -> bytes:
    """Derive 32 bytes for one purpose (HKDF-SHA-256), so that no key serves two."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)


def _decrypt(aead: AESGCM, sealed: bytes, about: bytes) -> bytes:
    try:
        return aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        raise CannotOpen("it was altered, or is another key's") from None
