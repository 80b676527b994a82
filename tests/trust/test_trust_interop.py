"""Our profile is RFC 9421: another library signs what we verify, and the other way."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import http_message_signatures as oracle
import pytest

from gateway.errors import SignatureInvalid
from gateway.trust.profile import TAG
from tests.trust.parties import BODY, TRANSACTION, URI, Party, wire

REQUEST = ("@method", "@target-uri", "content-type", "content-digest", "sallyport-transaction")
RESPONSE = (
    "@status",
    "content-type",
    "content-digest",
    '"@method";req',
    '"@target-uri";req',
    '"content-digest";req',
    '"signature";req;key="sig1"',
)


@dataclass
class Request:
    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Response:
    status_code: int
    request: Request
    headers: dict[str, str]
    url: str = URI


def resolver(party: Party) -> oracle.HTTPSignatureKeyResolver:
    class Keys(oracle.HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> object:
            return party.key.public_key() if key_id == party.peer.key_id else None

        def resolve_private_key(self, key_id: str) -> object:
            assert key_id == party.peer.key_id
            return party.key

    return Keys()


def verifier(party: Party) -> oracle.HTTPMessageVerifier:
    return oracle.HTTPMessageVerifier(
        signature_algorithm=oracle.algorithms.ECDSA_P256_SHA256, key_resolver=resolver(party)
    )


def signer(party: Party) -> oracle.HTTPMessageSigner:
    return oracle.HTTPMessageSigner(
        signature_algorithm=oracle.algorithms.ECDSA_P256_SHA256, key_resolver=resolver(party)
    )


def signed_by_us(asker: Party, now: datetime) -> Request:
    signed = asker.signer.sign_request(target_uri=URI, body=BODY, transaction=TRANSACTION, now=now)
    return Request("POST", URI, dict(signed.headers))


def test_the_library_verifies_our_request(asker: Party) -> None:
    message = signed_by_us(asker, datetime.now(UTC))
    (found,) = verifier(asker).verify(message, expect_tag=TAG, body=BODY)
    assert list(found.covered_components)[:5] == [f'"{c}"' for c in REQUEST]
    assert found.parameters["keyid"] == asker.peer.key_id
    message.url = URI + "x"
    with pytest.raises(oracle.InvalidSignature):
        verifier(asker).verify(message, expect_tag=TAG, body=BODY)


def test_we_verify_the_library_s_request(asker: Party, answerer: Party) -> None:
    now = datetime.now(UTC)
    message = Request(
        "POST",
        URI,
        {
            "Content-Type": "application/json",
            "Sallyport-Transaction": TRANSACTION,
        },
    )
    signer(asker).sign(
        message,
        key_id=asker.peer.key_id,
        created=now,
        expires=now + timedelta(seconds=60),
        nonce="abcdefghijklmnopqrstuA",
        label="sig1",
        tag=TAG,
        covered_component_ids=REQUEST,
        body=BODY,
    )
    headers = wire(list(message.headers.items()))
    verified = answerer.verifier.verify_request(
        method="POST", target_uri=URI, headers=headers, body=BODY, now=now
    )
    assert verified.peer is asker.peer
    with pytest.raises(SignatureInvalid):
        answerer.verifier.verify_request(
            method="POST", target_uri=URI, headers=headers, body=BODY + b" ", now=now
        )


def test_the_library_verifies_our_answer(asker: Party, answerer: Party) -> None:
    now = datetime.now(UTC)
    asked = signed_by_us(asker, now)
    verified = answerer.verifier.verify_request(
        method="POST",
        target_uri=URI,
        headers=wire(list(asked.headers.items())),
        body=BODY,
        now=now,
    )
    signed = answerer.signer.sign_response(
        verified.binding, status=422, body=b"{}", now=now, content_type="application/problem+json"
    )
    message = Response(422, asked, dict(signed.headers))
    (found,) = verifier(answerer).verify(message, expect_tag=TAG, body=b"{}")
    assert len(found.covered_components) == len(RESPONSE) + 1
    message.status_code = 200
    with pytest.raises(oracle.InvalidSignature):
        verifier(answerer).verify(message, expect_tag=TAG, body=b"{}")


def test_we_verify_the_library_s_answer(asker: Party, answerer: Party) -> None:
    now = datetime.now(UTC)
    signed = asker.signer.sign_request(target_uri=URI, body=BODY, transaction=TRANSACTION, now=now)
    message = Response(
        200,
        Request("POST", URI, dict(signed.headers)),
        {"Content-Type": "application/json"},
    )
    signer(answerer).sign(
        message,
        key_id=answerer.peer.key_id,
        created=now,
        label="sig1",
        tag=TAG,
        covered_component_ids=RESPONSE,
        body=b"{}",
    )
    verified = asker.verifier.verify_response(
        answerer.peer,
        signed.binding,
        status=200,
        headers=wire(list(message.headers.items())),
        body=b"{}",
        now=now,
    )
    assert verified.peer is answerer.peer
