"""Tickets for records: what was given to an agency once, that agency may ask for again by its id.

A record's id is its owner's, often a plain number in a row, and so easily guessed. The ticket that
comes beside it says that this very agency was given it. It opens nothing: whether the record is
given again is decided anew.
"""

import hashlib
import hmac
from secrets import compare_digest

from gateway.model import Ori
from gateway.trust.jwk import b64url

_DOMAIN = b"sallyport record ticket v1"


class Tickets:
    """Makes and knows this gateway's tickets. `key` is its pairwise key, 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def ticket(self, asker: Ori, record_id: str) -> str:
        """Give the ticket of an agency for a record: 43 characters, the same each time."""
        message = b"\0".join((_DOMAIN, asker.encode(), record_id.encode()))
        return b64url(hmac.digest(self._key, message, hashlib.sha256))

    def holds(self, asker: Ori, record_id: str, ticket: str | None) -> bool:
        """Tell in constant time whether a ticket is that agency's for that record."""
        return compare_digest(self.ticket(asker, record_id), ticket or "")
