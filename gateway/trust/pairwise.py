"""An officer's name towards another agency: stable for that one, unlinkable between two."""

import hashlib
import hmac

from gateway.model import Ori
from gateway.trust.jwk import b64url

_DOMAIN = b"sallyport pairwise v1"


def pairwise_subject(key: bytes, peer: Ori, subject: str) -> str:
    """Give the subject that agency `peer` sees for local officer `subject`: 43 characters.

    HMAC-SHA-256 under the gateway's pairwise key. Without the key nobody can tell whether a
    guessed officer stands behind it, nor join two agencies' logs on it.
    """
    message = b"\0".join((_DOMAIN, peer.encode(), subject.encode()))
    return b64url(hmac.digest(key, message, hashlib.sha256))
