"""Every way in which a signed message can be wrong is refused, for that reason and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PeerBadSignature, SignatureInvalid
from gateway.model import digest as digest_of
from gateway.trust.fields import Unsound, read_request_fields, read_response_fields
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.registry import Registry
from gateway.trust.signatures import (
    Binding,
    SignedRequest,
    Signer,
    Verified,
    Verifier,
    content_digest,
    verify_detached,
)
from tests.trust.parties import (
    BODY,
    NOW,
    TRANSACTION,
    URI,
    Party,
    Wire,
    digest,
    forged_request,
    party,
    sign_like,
    wire,
)


def ask(asker: Party, **changes: object) -> SignedRequest:
    given = {"target_uri": URI, "body": BODY, "transaction": TRANSACTION, "now": NOW}
    return asker.signer.sign_request(**(given | changes))  # type: ignore[arg-type]  # by name


def check(answerer: Party, headers: Wire, **changes: object) -> Verified:
    given = {"method": "POST", "target_uri": URI, "headers": headers, "body": BODY, "now": NOW}
    return answerer.verifier.verify_request(**(given | changes))  # type: ignore[arg-type]  # by name


def refused(answerer: Party, cause: str, headers: Wire, **changes: object) -> None:
    with pytest.raises(SignatureInvalid) as caught:
        check(answerer, headers, **changes)
    assert dict(answerer.causes) == {cause: 1}
    assert caught.value.detail.startswith("The message does not prove")
    assert caught.value.code == "signature.invalid"


def test_a_signed_request_verifies_and_says_what_the_log_needs(
    asker: Party, answerer: Party
) -> None:
    signed = ask(asker)
    verified = check(answerer, wire(signed.headers))
    assert verified.peer is asker.peer
    assert verified.transaction == TRANSACTION
    assert verified.nonce == signed.nonce
    assert verified.binding == signed.binding
    assert verified.request_digest == signed.request_digest == digest_of(BODY)
    assert verified.signature_digest == signed.signature_digest
    assert verified.created == NOW.replace(microsecond=0)
    assert verified.expires == signed.expires == verified.created + timedelta(seconds=60)
    assert not answerer.causes


def test_nonces_are_128_bits_and_never_the_same(asker: Party) -> None:
    nonces = {ask(asker).nonce for _ in range(50)}
    assert len(nonces) == 50
    assert {len(n) for n in nonces} == {22}


def test_the_forger_forges_well_where_nothing_is_wrong(asker: Party, answerer: Party) -> None:
    assert check(answerer, forged_request(asker.key)).peer is asker.peer


def test_a_changed_body_is_refused(asker: Party, answerer: Party) -> None:
    refused(answerer, "digest", wire(ask(asker).headers), body=BODY.replace(b"1", b"2"))


def test_a_changed_body_with_its_own_digest_is_refused(asker: Party, answerer: Party) -> None:
    other = BODY + b" "
    headers = [
        (k, content_digest(other).encode() if k == b"content-digest" else v)
        for k, v in wire(ask(asker).headers)
    ]
    refused(answerer, "signature", headers, body=other)


def test_an_old_question_is_refused(asker: Party, answerer: Party) -> None:
    headers = wire(ask(asker).headers)
    check(answerer, headers, now=NOW + timedelta(seconds=59))
    refused(answerer, "expired", headers, now=NOW + timedelta(seconds=60))


def test_a_question_from_the_future_is_refused(asker: Party, answerer: Party) -> None:
    headers = wire(ask(asker).headers)
    check(answerer, headers, now=NOW - timedelta(seconds=5))
    refused(answerer, "future", headers, now=NOW - timedelta(seconds=7))


@pytest.mark.parametrize("lifetime", [61, 3600, 315_360_000, 0, -1])
def test_a_question_that_lives_too_long_or_never_lived_is_refused(
    asker: Party, answerer: Party, lifetime: int
) -> None:
    expires = int(NOW.timestamp()) + lifetime
    refused(answerer, "lifetime", forged_request(asker.key, replace={"expires": expires}))


def test_an_unknown_key_is_refused(answerer: Party) -> None:
    stranger = party("CC9990000", "stranger.example")
    refused(answerer, "unknown_key", wire(ask(stranger).headers))


def test_a_registered_key_id_over_another_key_is_refused(asker: Party, answerer: Party) -> None:
    stranger = party("CC9990000", "stranger.example")
    headers = forged_request(stranger.key, replace={"keyid": asker.peer.key_id})
    refused(answerer, "signature", headers)


def test_one_peer_cannot_speak_for_another(asker: Party, answerer: Party) -> None:
    third = party("CC9990000", "third.example")
    answerer.trust(asker, third)
    verified = check(answerer, wire(ask(third).headers))
    assert verified.peer.ori == "CC9990000"
    headers = forged_request(third.key, replace={"keyid": asker.peer.key_id})
    refused(answerer, "signature", headers)


@pytest.mark.parametrize(
    "uri",
    [
        "https://third.example/peer/v1/questions",
        "http://answerer.example/peer/v1/questions",
        "https://answerer.example/peer/v1/other",
        "https://answerer.example/peer/v1/questions?x=1",
        "https://answerer.example:8443/peer/v1/questions",
    ],
)
def test_a_question_for_another_address_is_refused(asker: Party, answerer: Party, uri: str) -> None:
    refused(answerer, "signature", wire(ask(asker).headers), target_uri=uri)


def test_another_method_is_refused(asker: Party, answerer: Party) -> None:
    refused(answerer, "signature", wire(ask(asker).headers), method="PUT")


def test_another_transaction_is_refused(asker: Party, answerer: Party) -> None:
    headers = [
        (k, b"srch_OTHER" if k == b"sallyport-transaction" else v)
        for k, v in wire(ask(asker).headers)
    ]
    refused(answerer, "signature", headers)


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("alg", "ed25519", "algorithm"),
        ("alg", "hmac-sha256", "algorithm"),
        ("alg", "none", "algorithm"),
        ("alg", "ecdsa-p384-sha384", "algorithm"),
        ("tag", "sallyport-v2", "tag"),
        ("tag", "web-bot-auth", "tag"),
        ("nonce", "short", "malformed"),
        ("nonce", "AAAAAAAAAAAAAAAAAAAAAB", "malformed"),
        ("nonce", 1234567890, "malformed"),
        ("created", "1795467600", "malformed"),
        ("expires", "1795467660", "malformed"),
        ("keyid", "someone", "malformed"),
    ],
)
def test_parameters_of_another_kind_are_refused(
    asker: Party, answerer: Party, name: str, value: int | str, cause: str
) -> None:
    refused(answerer, cause, forged_request(asker.key, replace={name: value}))


@pytest.mark.parametrize("name", ["created", "expires", "nonce", "keyid", "alg", "tag"])
def test_a_missing_parameter_is_refused(asker: Party, answerer: Party, name: str) -> None:
    refused(answerer, "malformed", forged_request(asker.key, without=frozenset({name})))


@pytest.mark.parametrize(
    "extra", [("created", 1), ("context", "x"), ("tag", "sallyport-v1"), ("nonce", "x")]
)
def test_a_repeated_or_unknown_parameter_is_refused(
    asker: Party, answerer: Party, extra: tuple[str, int | str]
) -> None:
    refused(answerer, "malformed", forged_request(asker.key, add=(extra,)))


@pytest.mark.parametrize(
    "component",
    [
        '"@method"',
        '"@target-uri"',
        '"content-type"',
        '"content-digest"',
        '"sallyport-transaction"',
    ],
)
def test_a_component_that_is_not_covered_is_refused(
    asker: Party, answerer: Party, component: str
) -> None:
    refused(answerer, "components", forged_request(asker.key, drop=component))


@pytest.mark.parametrize(
    "name",
    ["Content-Type", "Content-Digest", "Sallyport-Transaction", "Signature-Input", "Signature"],
)
def test_a_header_that_is_missing_or_stands_twice_is_refused(
    asker: Party, answerer: Party, name: str
) -> None:
    headers = forged_request(asker.key)
    line = next(h for h in headers if h[0] == name.encode())
    refused(answerer, "duplicate_header", [*headers, (line[0].lower(), line[1])])
    answerer.causes.clear()
    missing = {"Content-Type": "media_type", "Sallyport-Transaction": "malformed"}
    refused(answerer, missing.get(name, "unsigned"), [h for h in headers if h != line])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Signature-Input", lambda v: v + b", sig2=()"),
        ("Signature-Input", lambda v: b" " * 20 + v.replace(b";created", b"; created")),
        ("Signature-Input", lambda v: v.replace(b"sig1=", b"sig2=")),
        ("Signature-Input", lambda v: v.replace(b"created=", b"created=0")),
        ("Signature-Input", lambda v: v.replace(b"created=", b"created=-")),
        ("Signature-Input", lambda v: v.replace(b"@method", "@m\u00e9thod".encode())),
        ("Signature", lambda v: v + b", sig2=:AAAA:"),
        ("Signature", lambda v: v.replace(b"==:", b":")),
        ("Signature", lambda v: v.replace(b"sig1=:", b"sig1=")),
        ("Content-Digest", lambda v: v.replace(b"sha-256", b"sha-512")),
        ("Content-Digest", lambda v: v + b", sha-512=:AA==:"),
        ("Content-Digest", lambda v: v.upper()),
        ("Sallyport-Transaction", lambda _: b"two words"),
        ("Sallyport-Transaction", lambda _: b""),
    ],
)
def test_another_spelling_is_refused(
    asker: Party, answerer: Party, name: str, change: Callable[[bytes], bytes]
) -> None:
    headers = [(k, change(v) if k == name.encode() else v) for k, v in forged_request(asker.key)]
    with pytest.raises(SignatureInvalid):
        check(answerer, headers)
    assert set(answerer.causes) <= {"malformed", "too_large"}


def test_the_second_spelling_of_a_signature_is_refused(asker: Party, answerer: Party) -> None:
    headers = forged_request(asker.key)
    signature = dict(headers)[b"Signature"]
    last = signature[-4:-3]
    twin = bytes([last[0] + 1])  # the four spare bits of the last character
    changed = signature[:-4] + twin + signature[-3:]
    refused(
        answerer,
        "malformed",
        [(k, changed if k == b"Signature" else v) for k, v in headers],
    )


@pytest.mark.parametrize("media", ["text/plain", "application/json; charset=utf-8"])
def test_another_media_type_is_refused(asker: Party, answerer: Party, media: str) -> None:
    refused(answerer, "media_type", forged_request(asker.key, content_type=media))


def test_large_things_are_refused_before_they_are_parsed(asker: Party, answerer: Party) -> None:
    headers = wire(ask(asker).headers)
    refused(answerer, "too_large", headers, body=b"x" * (64 * 1024 + 1))
    answerer.causes.clear()
    refused(answerer, "too_large", headers, target_uri="https://answerer.example/" + "x" * 3000)
    answerer.causes.clear()
    refused(answerer, "too_large", [*headers, *[(b"x-more", b"1")] * 128])
    answerer.causes.clear()
    long = [(k, v + b" " * 800 if k == b"signature-input" else v) for k, v in headers]
    refused(answerer, "too_large", long)


def test_a_zero_signature_is_refused(asker: Party, answerer: Party) -> None:
    zero = b"sig1=:" + b"A" * 86 + b"==:"
    headers = [(k, zero if k == b"Signature" else v) for k, v in forged_request(asker.key)]
    refused(answerer, "signature", headers)


def test_a_time_that_is_too_large_for_a_date_is_refused(asker: Party, answerer: Party) -> None:
    headers = forged_request(asker.key, replace={"created": 99_999_999_999})
    refused(answerer, "future", headers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lifetime_s": 61},
        {"lifetime_s": 0},
        {"transaction": "two words"},
        {"transaction": "x\ny"},
        {"target_uri": "https://a.example/ x"},
        {"target_uri": "/peer"},
        {"content_type": "text/plain"},
        {"method": "post"},
    ],
)
def test_we_never_sign_what_we_would_refuse(asker: Party, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"profile|second"):
        ask(asker, **wrong)


# -- answers ----------------------------------------------------------------------------------


def answered(
    answerer: Party, binding: Binding, *, status: int = 200, body: bytes = b'{"status":"answered"}'
) -> tuple[Wire, bytes]:
    signed = answerer.signer.sign_response(binding, status=status, body=body, now=NOW)
    return wire(signed.headers), body


def test_an_answer_verifies_for_its_question_errors_too(asker: Party, answerer: Party) -> None:
    binding = ask(asker).binding
    for status, media in ((200, "application/json"), (503, "application/problem+json")):
        signed = answerer.signer.sign_response(
            binding, status=status, body=b"{}", now=NOW, content_type=media
        )
        verified = asker.verifier.verify_response(
            answerer.peer,
            binding,
            status=status,
            headers=wire(signed.headers),
            body=b"{}",
            now=NOW,
        )
        assert verified.peer is answerer.peer
        assert verified.response_digest == signed.response_digest
        assert verified.signature_digest == signed.signature_digest


def answer_refused(
    asker: Party,
    answerer: Party,
    cause: str,
    binding: Binding,
    headers: Wire,
    *,
    status: int = 200,
    body: bytes = b'{"status":"answered"}',
    now: datetime = NOW,
) -> None:
    with pytest.raises(PeerBadSignature):
        asker.verifier.verify_response(
            answerer.peer, binding, status=status, headers=headers, body=body, now=now
        )
    assert dict(asker.causes) == {f"response_{cause}": 1}
    asker.causes.clear()


def test_a_changed_status_or_body_is_refused(asker: Party, answerer: Party) -> None:
    binding = ask(asker).binding
    headers, body = answered(answerer, binding)
    answer_refused(asker, answerer, "signature", binding, headers, status=403)
    answer_refused(asker, answerer, "digest", binding, headers, body=body + b" ")


def test_an_answer_to_another_question_is_refused(asker: Party, answerer: Party) -> None:
    first, second = ask(asker).binding, ask(asker).binding
    headers, _ = answered(answerer, first)
    answer_refused(asker, answerer, "signature", second, headers)
    for change in (
        {"method": "PUT"},
        {"target_uri": "https://third.example/peer/v1/questions"},
        {"digest": digest(b"other")},
        {"signature": second.signature},
    ):
        answer_refused(asker, answerer, "signature", replace(first, **change), headers)


def test_an_answer_by_another_peer_is_refused(asker: Party, answerer: Party) -> None:
    third = party("CC9990000", "third.example")
    asker.trust(answerer, third)
    binding = ask(asker).binding
    headers, _ = answered(third, binding)
    answer_refused(asker, answerer, "unknown_key", binding, headers)


def test_an_old_or_early_answer_is_refused(asker: Party, answerer: Party) -> None:
    binding = ask(asker).binding
    headers, _ = answered(answerer, binding)
    answer_refused(asker, answerer, "future", binding, headers, now=NOW - timedelta(seconds=30))
    later = replace(binding, created=binding.created + 30)
    answer_refused(asker, answerer, "expired", later, headers)


def test_an_answer_without_a_signature_or_that_covers_less_is_refused(
    asker: Party, answerer: Party
) -> None:
    binding = ask(asker).binding
    headers, body = answered(answerer, binding)
    unsigned = [h for h in headers if not h[0].startswith(b"signature")]
    answer_refused(asker, answerer, "unsigned", binding, unsigned)
    answer_refused(asker, answerer, "duplicate_header", binding, [*headers, headers[-1]])
    components = [
        ('"@status"', "200"),
        ('"content-type"', "application/json"),
        ('"content-digest"', digest(body)),
    ]
    params: list[tuple[str, int | str]] = [
        ("created", int(NOW.timestamp())),
        ("keyid", answerer.peer.key_id),
        ("alg", "ecdsa-p256-sha256"),
        ("tag", "sallyport-v1"),
    ]
    said, signature = sign_like(answerer.key, components, params)
    unbound = wire(
        [
            ("content-type", "application/json"),
            ("content-digest", digest(body)),
            ("signature-input", said),
            ("signature", signature),
        ]
    )
    answer_refused(asker, answerer, "components", binding, unbound)


def own_answer(
    answerer: Party,
    binding: Binding,
    *,
    media: str = "application/json",
    more: tuple[tuple[str, int | str], ...] = (),
) -> Wire:
    """An answer signed in full, but of another media type or with parameters of a request."""
    body = b'{"status":"answered"}'
    said, signature = sign_like(
        answerer.key,
        [
            ('"@status"', "200"),
            ('"content-type"', media),
            ('"content-digest"', digest(body)),
            ('"@method";req', binding.method),
            ('"@target-uri";req', binding.target_uri),
            ('"content-digest";req', binding.digest),
            ('"signature";req;key="sig1"', binding.signature),
        ],
        [
            ("created", int(NOW.timestamp())),
            ("keyid", answerer.peer.key_id),
            ("alg", "ecdsa-p256-sha256"),
            ("tag", "sallyport-v1"),
            *more,
        ],
    )
    return wire(
        [
            ("content-type", media),
            ("content-digest", digest(body)),
            ("signature-input", said),
            ("signature", signature),
        ]
    )


def test_an_answer_of_another_make_is_refused(asker: Party, answerer: Party) -> None:
    binding = ask(asker).binding
    asker.verifier.verify_response(
        answerer.peer,
        binding,
        status=200,
        headers=own_answer(answerer, binding),
        body=b'{"status":"answered"}',
        now=NOW,
    )
    html = own_answer(answerer, binding, media="text/html")
    answer_refused(asker, answerer, "media_type", binding, html)
    extras: tuple[tuple[str, int | str], ...] = (
        ("expires", int(NOW.timestamp()) + 60),
        ("nonce", "A" * 22),
        ("tag", "sallyport-v1"),
        ("created", int(NOW.timestamp())),
        ("context", "x"),
    )
    for extra in extras:
        headers = own_answer(answerer, binding, more=(extra,))
        answer_refused(asker, answerer, "malformed", binding, headers)


def test_an_oversized_answer_is_refused(asker: Party, answerer: Party) -> None:
    binding = ask(asker).binding
    headers, body = answered(answerer, binding, body=b"x" * (64 * 1024 + 1))
    answer_refused(asker, answerer, "too_large", binding, headers, body=body)


def test_an_error_to_an_unverified_question_is_bound_for_peers_only(
    asker: Party, answerer: Party
) -> None:
    signed = ask(asker)
    headers = wire(signed.headers)
    binding = answerer.verifier.binding_of(method="POST", target_uri=URI, headers=headers)
    assert binding == signed.binding
    stranger = party("CC9990000", "stranger.example")
    for theirs in (wire(ask(stranger).headers), headers[:-1], []):
        assert answerer.verifier.binding_of(method="POST", target_uri=URI, headers=theirs) is None


def test_a_response_is_signed_with_a_final_status_and_a_known_type_only(
    asker: Party, answerer: Party
) -> None:
    binding = ask(asker).binding
    for status, media in ((100, "application/json"), (600, "application/json"), (200, "text/html")):
        with pytest.raises(ValueError, match="final status"):
            answerer.signer.sign_response(
                binding, status=status, body=b"", now=NOW, content_type=media
            )


def test_a_document_signed_on_its_own_can_never_be_a_message(asker: Party) -> None:
    key_id, signature = asker.signer.sign_detached(b'{"a":1}')
    assert key_id == asker.peer.key_id
    assert len(signature) == 86
    public = asker.key.public_key()
    assert verify_detached(public, b'{"a":1}', signature)
    stranger = party("CC9990000", "stranger.example").key.public_key()
    assert not verify_detached(stranger, b'{"a":1}', signature)
    assert not verify_detached(public, b'{"a":2}', signature)
    twin = signature[:-1] + chr(ord(signature[-1]) + 1)
    for wrong in ("", "A" * 86, signature[:-1], signature + "=", signature + "A", "\u00e4", twin):
        assert not verify_detached(public, b'{"a":1}', wrong)
    with pytest.raises(ValueError, match="JSON object"):
        asker.signer.sign_detached(b'"@method": POST')


# -- any bytes at all -------------------------------------------------------------------------

_names = st.sampled_from(
    [
        b"signature",
        b"Signature-Input",
        b"content-digest",
        b"content-type",
        b"sallyport-transaction",
        b"x-other",
    ]
)
_pieces = st.sampled_from(
    [
        b"sig1=",
        b'("@method" "@target-uri" "content-type" "content-digest" "sallyport-transaction")',
        b";created=1795467600",
        b";expires=1795467660",
        b';nonce="AAAAAAAAAAAAAAAAAAAAAA"',
        b';keyid="' + b"A" * 43 + b'"',
        b';alg="ecdsa-p256-sha256"',
        b';tag="sallyport-v1"',
        b":" + b"A" * 86 + b"==:",
        b"sha-256=:" + b"A" * 43 + b"=:",
        b"application/json",
        b";",
        b'"',
        b"\x00",
        b"\xff",
        b"\r\n",
    ]
)
_values = st.one_of(st.binary(max_size=200), st.lists(_pieces, max_size=10).map(b"".join))
_headers = st.lists(st.tuples(_names, _values), max_size=8)

_FUZZ_KEY = party("AA9990000", "asker.example")
_FUZZ = Verifier(Registry([_FUZZ_KEY.peer], own_ori=party("BB9990000", "b").ori), count=str)


@given(headers=_headers, body=st.binary(max_size=40))
def test_whatever_comes_is_refused_and_nothing_else_is_raised(headers: Wire, body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        _FUZZ.verify_request(method="POST", target_uri=URI, headers=headers, body=body, now=NOW)
    for read in (
        lambda: read_request_fields(headers, "POST", URI),
        lambda: read_response_fields(headers),
    ):
        try:
            fields = read()
        except Unsound:
            continue
        assert len(fields.signature) == 64
        assert fields.params_text.startswith(fields.components)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255), which=st.integers(0, 4))
def test_any_byte_changed_in_any_header_is_refused(position: int, flip: int, which: int) -> None:
    headers = forged_request(_FUZZ_KEY.key)
    name, value = headers[which]
    at = position % len(value)
    changed = bytes([*value[:at], value[at] ^ flip, *value[at + 1 :]])
    if changed.strip(b" \t") == value:
        return
    headers[which] = (name, changed)
    with pytest.raises(SignatureInvalid):
        _FUZZ.verify_request(method="POST", target_uri=URI, headers=headers, body=BODY, now=NOW)


def test_the_profile_never_takes_longer_than_it_should() -> None:
    """A crafted header that made the parser slow would cost the whole gateway its time."""
    nasty = b"sig1=(" + b'"' * 320 + b")" + b';created="' * 60
    started = datetime.now(UTC)
    for _ in range(200):
        with pytest.raises(SignatureInvalid):
            _FUZZ.verify_request(
                method="POST",
                target_uri=URI,
                headers=[
                    (b"signature-input", nasty[:760]),
                    (b"signature", b"sig1=:" + b"A" * 86 + b"==:"),
                    (b"content-digest", content_digest(b"").encode()),
                    (b"content-type", b"application/json"),
                    (b"sallyport-transaction", b"x"),
                ],
                body=b"",
                now=NOW,
            )
    assert (datetime.now(UTC) - started).total_seconds() < 2


def test_the_key_id_is_the_thumbprint(asker: Party) -> None:
    assert Signer(asker.key).key_id == thumbprint(ec_jwk(asker.key.public_key()))
