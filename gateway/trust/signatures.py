"""Signed messages between gateways: one fixed profile of RFC 9421 with RFC 9530, no negotiation.

A request is signed over its method, target URI, content type, content digest and transaction; a
response over its status, content type, content digest and, of the request, method, target URI,
digest and signature: an answer, an error too, belongs to one question and to no other.

Verification, in this order: size caps → strict parse → key registered → algorithm is the
registry's → times → digest → signature. The nonce is then committed together with the log's entry,
by the caller. Whoever fails learns one text; the cause goes to a counter only.
"""

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from gateway.errors import PeerBadSignature, SignatureInvalid
from gateway.model import digest as digest_of
from gateway.trust.fields import (
    MEDIA_TYPES,
    REQUEST_MEDIA_TYPE,
    TRANSACTION,
    Fields,
    Unsound,
    read_request_fields,
    read_response_fields,
)
from gateway.trust.jwk import b64url, ec_jwk, thumbprint
from gateway.trust.profile import (
    MAX_LIFETIME_S,
    MAX_SKEW_S,
    REQUEST,
    RESPONSE,
    TAG,
    Binding,
    SignedRequest,
    SignedResponse,
    Verified,
    VerifiedResponse,
    content_digest,
    request_base,
    response_base,
)
from gateway.trust.registry import ALG, Peer, Registry

__all__ = [
    "Binding",
    "Count",
    "Headers",
    "SignedRequest",
    "SignedResponse",
    "Signer",
    "Verified",
    "VerifiedResponse",
    "Verifier",
    "content_digest",
    "verify_detached",
]

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Header lines as they came, in order: names and values, a name once a line."""
Count: TypeAlias = Callable[[str], None]
"""Told the cause of each refusal: one word of a small fixed set, good as a metric's label."""

_ECDSA = ec.ECDSA(hashes.SHA256())
_HALF = 32


class Signer:
    """Signs this gateway's messages. One key, one profile; safe to share between tasks."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.key_id = thumbprint(ec_jwk(key.public_key()))

    def sign_request(
        self,
        *,
        target_uri: str,
        body: bytes,
        transaction: str,
        now: datetime,
        method: str = "POST",
        content_type: str = REQUEST_MEDIA_TYPE,
        lifetime_s: int = MAX_LIFETIME_S,
    ) -> SignedRequest:
        """Sign one request. `target_uri` is exactly what goes over the wire, encoded.

        Raises ValueError for what the profile does not hold: our own mistake, not a peer's.
        """
        if not 0 < lifetime_s <= MAX_LIFETIME_S:
            raise ValueError(f"a request lives 1 to {MAX_LIFETIME_S} seconds")
        created = int(now.timestamp())
        nonce = b64url(secrets.token_bytes(16))
        digest = content_digest(body)
        params = (
            f'{REQUEST};created={created};expires={created + lifetime_s};nonce="{nonce}"'
            f';keyid="{self.key_id}";alg="{ALG}";tag="{TAG}"'
        )
        base = request_base((method, target_uri, content_type, digest, transaction), params)
        signature, raw = self._sign(base)
        headers = (
            ("content-type", content_type),
            ("content-digest", digest),
            (TRANSACTION, transaction),
            ("signature-input", f"sig1={params}"),
            ("signature", f"sig1={signature}"),
        )
        # Our own verifier reads it first: what it would refuse never leaves.
        try:
            read_request_fields([(k.encode(), v.encode()) for k, v in headers], method, target_uri)
        except Unsound as cause:
            raise ValueError(f"this request does not fit the profile: {cause.code}") from None
        return SignedRequest(
            headers=headers,
            binding=Binding(method, target_uri, digest, signature, created),
            nonce=nonce,
            expires=_moment(created + lifetime_s),
            request_digest=digest_of(body),
            signature_digest=digest_of(raw),
        )

    def sign_response(
        self,
        request: Binding,
        *,
        status: int,
        body: bytes,
        now: datetime,
        content_type: str = REQUEST_MEDIA_TYPE,
    ) -> SignedResponse:
        """Sign one response, bound to its request. Raises ValueError as `sign_request`."""
        if content_type not in MEDIA_TYPES or not 200 <= status <= 599:  # noqa: PLR2004 - HTTP's
            raise ValueError("a response has a final status and one of the profile's media types")
        digest = content_digest(body)
        params = (
            f'{RESPONSE};created={int(now.timestamp())};keyid="{self.key_id}"'
            f';alg="{ALG}";tag="{TAG}"'
        )
        signature, raw = self._sign(response_base(status, content_type, digest, request, params))
        return SignedResponse(
            headers=(
                ("content-type", content_type),
                ("content-digest", digest),
                ("signature-input", f"sig1={params}"),
                ("signature", f"sig1={signature}"),
            ),
            response_digest=digest_of(body),
            signature_digest=digest_of(raw),
        )

    def sign_detached(self, document: bytes) -> tuple[str, str]:
        """Sign a JSON object on its own, such as a receipt: key id, and ES256 in base64url.

        Raises ValueError for anything else: a message's signature base never starts with a brace,
        so neither signature can stand for the other.
        """
        if not document.startswith(b"{"):
            raise ValueError("only a JSON object is signed on its own")
        return self.key_id, b64url(self._raw(document))

    def _sign(self, base: bytes) -> tuple[str, bytes]:
        raw = self._raw(base)
        return f":{base64.b64encode(raw).decode()}:", raw

    def _raw(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(data, _ECDSA))
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def verify_detached(key: ec.EllipticCurvePublicKey, data: bytes, signature: str) -> bool:
    """Whether `sign_detached` made this signature over `data` with the key's private half."""
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        if len(raw) != 2 * _HALF or b64url(raw) != signature:
            return False
        r, s = (int.from_bytes(raw[i : i + _HALF], "big") for i in (0, _HALF))
        key.verify(encode_dss_signature(r, s), data, _ECDSA)
    except (ValueError, InvalidSignature):
        return False
    return True


class Verifier:
    """Verifies other gateways' messages against the registry.

    `max_request` and `max_response` cap bodies in bytes. `count` is told the cause of a refusal.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        count: Count,
        max_request: int = 256 * 1024,
        max_response: int = 8 * 2**20,
    ) -> None:
        self._registry = registry
        self._count = count
        self._max_request = max_request
        self._max_response = max_response

    def verify_request(
        self, *, method: str, target_uri: str, headers: Headers, body: bytes, now: datetime
    ) -> Verified:
        """Verify one request that came to us. Raises SignatureInvalid, with one text for all.

        `target_uri` is made from our own base URL and the path as it came, never from a header of
        the request: so a question meant for another agency fails here.
        """
        try:
            return self._request(method, target_uri, headers, body, now.timestamp())
        except Unsound as cause:
            self._count(cause.code)
            raise SignatureInvalid(
                "The message does not prove who sent it, to whom, and when. Check both clocks, "
                "keys and addresses."
            ) from None

    def _request(
        self, method: str, target_uri: str, headers: Headers, body: bytes, now: float
    ) -> Verified:
        # 1. caps
        if len(body) > self._max_request:
            raise Unsound("too_large")
        # 2. strict parse
        fields = read_request_fields(headers, method, target_uri)
        params = fields.params
        # 3. key registered, 4. algorithm is the registry's
        peer = self._registry.by_key_id(params.keyid)
        if peer is None:
            raise Unsound("unknown_key")
        _require_suite(fields, peer, REQUEST)
        # 5. times
        created, expires = params.created, params.expires
        if expires is None or params.nonce is None:
            raise Unsound("malformed")
        if created > now + MAX_SKEW_S:
            raise Unsound("future")
        if not 0 < expires - created <= MAX_LIFETIME_S:
            raise Unsound("lifetime")
        if expires <= now:
            raise Unsound("expired")
        # 6. digest
        _require_digest(fields, body)
        # 7. signature
        base = request_base(
            (method, target_uri, fields.content_type, fields.digest, fields.transaction),
            fields.params_text,
        )
        _require_signature(peer, fields.signature, base)
        return Verified(
            peer=peer,
            transaction=fields.transaction,
            nonce=params.nonce,
            created=_moment(created),
            expires=_moment(expires),
            request_digest=digest_of(body),
            signature_digest=digest_of(fields.signature),
            binding=Binding(method, target_uri, fields.digest, fields.signature_text, created),
        )

    def binding_of(self, *, method: str, target_uri: str, headers: Headers) -> Binding | None:
        """Give what an error answer to an *unverified* request can be bound to.

        None where its headers don't parse or its key is not registered: such an error goes out
        unsigned, so that strangers can't make us sign.
        """
        try:
            fields = read_request_fields(headers, method, target_uri)
        except Unsound:
            return None
        if self._registry.by_key_id(fields.params.keyid) is None:
            return None
        return Binding(
            method, target_uri, fields.digest, fields.signature_text, fields.params.created
        )

    def verify_response(
        self,
        peer: Peer,
        request: Binding,
        *,
        status: int,
        headers: Headers,
        body: bytes,
        now: datetime,
    ) -> VerifiedResponse:
        """Verify that `peer` gave this answer to this request. Raises PeerBadSignature."""
        try:
            if len(body) > self._max_response:
                raise Unsound("too_large")  # noqa: TRY301 - one way out for every cause
            fields = read_response_fields(headers)
            return self._response(fields, peer, request, status=status, body=body, now=now)
        except Unsound as cause:
            self._count(f"response_{cause.code}")
            raise PeerBadSignature(
                "The answer is not signed by this agency for this question. Nothing of it is used."
            ) from None

    def _response(
        self,
        fields: Fields,
        peer: Peer,
        request: Binding,
        *,
        status: int,
        body: bytes,
        now: datetime,
    ) -> VerifiedResponse:
        params = fields.params
        if params.keyid != peer.key_id or self._registry.by_key_id(params.keyid) is not peer:
            raise Unsound("unknown_key")
        _require_suite(fields, peer, RESPONSE)
        if params.expires is not None or params.nonce is not None:
            raise Unsound("malformed")
        # It can't be older than its question; the request's signature makes a replay useless.
        if params.created > now.timestamp() + MAX_SKEW_S:
            raise Unsound("future")
        if params.created < request.created - MAX_SKEW_S:
            raise Unsound("expired")
        _require_digest(fields, body)
        base = response_base(
            status, fields.content_type, fields.digest, request, fields.params_text
        )
        _require_signature(peer, fields.signature, base)
        return VerifiedResponse(
            peer=peer,
            created=_moment(params.created),
            response_digest=digest_of(body),
            signature_digest=digest_of(fields.signature),
        )


def _require_suite(fields: Fields, peer: Peer, components: str) -> None:
    if fields.params.alg != peer.alg:
        raise Unsound("algorithm")
    if fields.params.tag != TAG:
        raise Unsound("tag")
    if fields.components != components:
        raise Unsound("components")


def _require_digest(fields: Fields, body: bytes) -> None:
    if not compare_digest(content_digest(body), fields.digest):
        raise Unsound("digest")


def _require_signature(peer: Peer, signature: bytes, base: bytes) -> None:
    r = int.from_bytes(signature[:_HALF], "big")
    s = int.from_bytes(signature[_HALF:], "big")
    try:
        peer.public_key.verify(encode_dss_signature(r, s), base, _ECDSA)
    except InvalidSignature:
        raise Unsound("signature") from None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
