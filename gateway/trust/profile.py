"""The one profile of signed messages: what is covered, what is signed, what it yields."""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from gateway.trust.fields import TRANSACTION
from gateway.trust.registry import Peer

TAG = "sallyport-v1"
MAX_LIFETIME_S = 60
MAX_SKEW_S = 5
"""How far another gateway's clock may run ahead of ours."""

REQUEST = f'("@method" "@target-uri" "content-type" "content-digest" "{TRANSACTION}")'
RESPONSE = (
    '("@status" "content-type" "content-digest" "@method";req "@target-uri";req '
    '"content-digest";req "signature";req;key="sig1")'
)


@dataclass(frozen=True, slots=True)
class Binding:
    """What of a request its answer is bound to. `digest` and `signature` as their headers say."""

    method: str
    target_uri: str
    digest: str
    signature: str
    created: int


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the asker sends and keeps: headers to send, and the binding to check the answer with.

    The digests are `sha-256:` and hex, as the log has them.
    """

    headers: tuple[tuple[str, str], ...]
    binding: Binding
    nonce: str
    expires: datetime
    request_digest: str
    signature_digest: str


@dataclass(frozen=True, slots=True)
class SignedResponse:
    """What the answerer sends: headers, and the digests that its log keeps."""

    headers: tuple[tuple[str, str], ...]
    response_digest: str
    signature_digest: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A request that its peer really sent to us, just now. Whether its nonce is new is open."""

    peer: Peer
    transaction: str
    nonce: str
    created: datetime
    expires: datetime
    request_digest: str
    signature_digest: str
    binding: Binding = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedResponse:
    """An answer that this peer really gave to this question."""

    peer: Peer
    created: datetime
    response_digest: str
    signature_digest: str


def content_digest(body: bytes) -> str:
    """Give the Content-Digest header's value (RFC 9530), SHA-256 only."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def request_base(parts: tuple[str, str, str, str, str], params: str) -> bytes:
    """Give the bytes to sign of a request: method, URI, media type, digest, transaction.

    `params` is the value of the Signature-Input's member, as it goes over the wire.
    """
    method, target_uri, content_type, digest, transaction = parts
    return (
        f'"@method": {method}\n"@target-uri": {target_uri}\n"content-type": {content_type}\n'
        f'"content-digest": {digest}\n"{TRANSACTION}": {transaction}\n"@signature-params": {params}'
    ).encode("ascii")


def response_base(
    status: int, content_type: str, digest: str, request: Binding, params: str
) -> bytes:
    """Give the bytes to sign of a response, bound to its request."""
    return (
        f'"@status": {status}\n"content-type": {content_type}\n"content-digest": {digest}\n'
        f'"@method";req: {request.method}\n"@target-uri";req: {request.target_uri}\n'
        f'"content-digest";req: {request.digest}\n'
        f'"signature";req;key="sig1": {request.signature}\n"@signature-params": {params}'
    ).encode("ascii")
