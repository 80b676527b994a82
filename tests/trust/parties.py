"""Two gateways that know each other, and a forger who signs whatever he is told to."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.model import Ori
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.registry import Peer, Registry
from gateway.trust.signatures import Signer, Verifier

NOW = datetime(2026, 11, 23, 21, 0, 0, 250_000, tzinfo=UTC)
URI = "https://answerer.example/peer/v1/questions"
BODY = b'{"version":1,"purpose":"exercise"}'
TRANSACTION = "srch_01KBTESTTESTTESTTESTTEST00"

Wire = list[tuple[bytes, bytes]]


def wire(headers: Sequence[tuple[str, str]]) -> Wire:
    return [(k.encode(), v.encode()) for k, v in headers]


@dataclass
class Party:
    """One gateway: its key, its signer, and a verifier that trusts the other one."""

    ori: Ori
    key: ec.EllipticCurvePrivateKey
    peer: Peer
    signer: Signer
    causes: Counter[str] = field(default_factory=Counter)
    verifier: Verifier = field(init=False)

    def trust(self, *others: "Party") -> None:
        registry = Registry([o.peer for o in others], own_ori=self.ori)
        self.verifier = Verifier(
            registry,
            count=lambda cause: self.causes.update([cause]),
            max_request=64 * 1024,
            max_response=64 * 1024,
        )


def party(ori: str, host: str) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    peer = Peer(
        ori=Ori(ori),
        name=f"Agency {ori}",
        url=f"https://{host}",
        key_id=thumbprint(ec_jwk(key.public_key())),
        public_key=key.public_key(),
        log_key=Ed25519PrivateKey.generate().public_key(),
    )
    return Party(Ori(ori), key, peer, Signer(key))


def sign_like(
    key: ec.EllipticCurvePrivateKey,
    components: Sequence[tuple[str, str]],
    params: Sequence[tuple[str, int | str]],
) -> tuple[str, str]:
    """Sign any components and parameters, valid or not; written apart from the gateway's code.

    Gives the Signature-Input's and the Signature's value.
    """

    def shown(value: int | str) -> str:
        return str(value) if isinstance(value, int) else f'"{value}"'

    listed = " ".join(name for name, _ in components)
    tail = "".join(f";{name}={shown(value)}" for name, value in params)
    given = f"({listed}){tail}"
    lines = [f"{name}: {value}" for name, value in components]
    base = "\n".join([*lines, f'"@signature-params": {given}'])
    r, s = decode_dss_signature(key.sign(base.encode(), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"sig1={given}", f"sig1=:{base64.b64encode(raw).decode()}:"


def digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def forged_request(
    key: ec.EllipticCurvePrivateKey,
    *,
    drop: str | None = None,
    replace: dict[str, int | str] | None = None,
    add: tuple[tuple[str, int | str], ...] = (),
    without: frozenset[str] = frozenset(),
    signed_digest: str | None = None,
    content_type: str = "application/json",
) -> Wire:
    """A request as the profile has it, but for one thing; its signature is always right."""
    content_digest = signed_digest or digest(BODY)
    components = [
        ('"@method"', "POST"),
        ('"@target-uri"', URI),
        ('"content-type"', content_type),
        ('"content-digest"', content_digest),
        ('"sallyport-transaction"', TRANSACTION),
    ]
    created = int(NOW.timestamp())
    params: dict[str, int | str] = {
        "created": created,
        "expires": created + 60,
        "nonce": "AAAAAAAAAAAAAAAAAAAAAA",
        "keyid": thumbprint(ec_jwk(key.public_key())),
        "alg": "ecdsa-p256-sha256",
        "tag": "sallyport-v1",
    }
    params |= replace or {}
    given = [(k, v) for k, v in params.items() if k not in without]
    said, signature = sign_like(key, [c for c in components if c[0] != drop], [*given, *add])
    return wire(
        [
            ("Content-Type", content_type),
            ("Content-Digest", content_digest),
            ("Sallyport-Transaction", TRANSACTION),
            ("Signature-Input", said),
            ("Signature", signature),
        ]
    )
