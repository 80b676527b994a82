"""The gateway's own keys: made once, kept one a file (0600) in the home's keys folder (0700).

| file          | what                                                   |
|---------------|--------------------------------------------------------|
| message.pem   | ES256, P-256: signs messages to other gateways         |
| token.pem     | ES256, P-256: signs the access tokens of own clients   |
| log.pem       | Ed25519: signs checkpoints of the access log           |
| agreement.pem | Ed25519: signs agreements with other agencies          |
| sealing.key   | 32 bytes: wraps the keys of sealed parts of the log    |
| pairwise.key  | 32 bytes: makes pairwise names, and tickets of records |

A lost or opened key is not something to go on with: every doubt raises Misconfigured.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.errors import Misconfigured
from gateway.trust.files import read_secret, write_secret
from gateway.trust.jwk import Jwk, ec_jwk, ed_jwk, thumbprint

FOLDER = "keys"
MESSAGE, TOKEN, LOG = "message.pem", "token.pem", "log.pem"
AGREEMENT = "agreement.pem"
SEALING, PAIRWISE = "sealing.key", "pairwise.key"
SECRET_BYTES = 32
_RETIRED = ".retired-"
_HEX = re.compile(rb"[0-9a-f]{64}\n?")

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Keys:
    """All private keys of one gateway. Nothing of them shows in a repr."""

    message: ec.EllipticCurvePrivateKey = field(repr=False)
    token: ec.EllipticCurvePrivateKey = field(repr=False)
    log: Ed25519PrivateKey = field(repr=False)
    agreement: Ed25519PrivateKey = field(repr=False)
    sealing: bytes = field(repr=False)
    pairwise: bytes = field(repr=False)

    @property
    def message_jwk(self) -> Jwk:
        """The public key that other gateways verify our messages with."""
        return ec_jwk(self.message.public_key())

    @property
    def log_jwk(self) -> Jwk:
        """The public key that our log's checkpoints are verified with."""
        return ed_jwk(self.log.public_key())

    @property
    def agreement_jwk(self) -> Jwk:
        """The public key that our signatures on agreements are verified with."""
        return ed_jwk(self.agreement.public_key())

    @property
    def key_id(self) -> str:
        """The message key's id: its thumbprint."""
        return thumbprint(self.message_jwk)


def generate(home: Path) -> Keys:
    """Make every key in a new folder `home/keys`. Raises Misconfigured if there is one already."""
    folder = home / FOLDER
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise Misconfigured(
            "keys/ is there already: move it away first; other agencies hold its public keys"
        ) from None
    folder.chmod(0o700)
    write_private(folder, MESSAGE, ec.generate_private_key(ec.SECP256R1()))
    write_private(folder, TOKEN, ec.generate_private_key(ec.SECP256R1()))
    write_private(folder, LOG, Ed25519PrivateKey.generate())
    write_private(folder, AGREEMENT, Ed25519PrivateKey.generate())
    for name in (SEALING, PAIRWISE):
        write_secret(folder, name, secrets.token_hex(SECRET_BYTES).encode() + b"\n")
    return load(home)


def renew(home: Path, name: str) -> Path:
    """Put a new key in the place of one of the renewable ones; give the old one's new name.

    The old key is kept, since earlier evidence was signed with it. Raises Misconfigured for the
    other keys: what they hold together would fall apart.
    """
    if name not in {MESSAGE, TOKEN, AGREEMENT}:
        raise Misconfigured(f"only {MESSAGE}, {TOKEN} and {AGREEMENT} can be renewed")
    folder = home / FOLDER
    old = read_secret(folder, name)
    fresh = f"{name}.new"
    retired = folder / f"{name}{_RETIRED}{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    (folder / fresh).unlink(missing_ok=True)  # of a renewal that was interrupted
    made: PrivateKey = (
        Ed25519PrivateKey.generate()
        if name == AGREEMENT
        else ec.generate_private_key(ec.SECP256R1())
    )
    write_private(folder, fresh, made)
    write_secret(folder, retired.name, old)
    (folder / fresh).replace(folder / name)
    return retired


def load(home: Path) -> Keys:
    """Read every key. Raises Misconfigured for a missing, open, linked or wrong one."""
    folder = home / FOLDER
    keys = Keys(
        message=read_ec_private(folder, MESSAGE),
        token=read_ec_private(folder, TOKEN),
        log=_read_ed(folder, LOG),
        agreement=_read_ed(folder, AGREEMENT),
        sealing=_read_bytes(folder, SEALING),
        pairwise=_read_bytes(folder, PAIRWISE),
    )
    if ec_jwk(keys.message.public_key()) == ec_jwk(keys.token.public_key()):
        raise Misconfigured("keys/message.pem and keys/token.pem are one key: they must differ")
    if ed_jwk(keys.log.public_key()) == keys.agreement_jwk:
        raise Misconfigured("keys/log.pem and keys/agreement.pem are one key: they must differ")
    if secrets.compare_digest(keys.sealing, keys.pairwise):
        raise Misconfigured("keys/sealing.key and keys/pairwise.key are one key: they must differ")
    return keys


def write_private(folder: Path, name: str, key: PrivateKey) -> None:
    """Write a private key as PKCS #8 PEM to a new file of mode 0600."""
    write_secret(folder, name, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_ec_private(folder: Path, name: str) -> ec.EllipticCurvePrivateKey:
    """Read a private P-256 key. Raises Misconfigured."""
    key = _parse(read_secret(folder, name), f"{folder.name}/{name}", _load_pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured(f"{folder.name}/{name} must be a private key on P-256, in PEM")
    return key


def message_keys(home: Path) -> tuple[list[ec.EllipticCurvePublicKey], list[str]]:
    """Give the public halves of the message key and of those before it.

    The private keys are read, as nothing else holds them. Gives also why one of those before could
    not be: the others can still be told by. Raises Misconfigured for the key in use.
    """
    folder = home / FOLDER
    found, unread = [read_ec_private(folder, MESSAGE).public_key()], list[str]()
    for name in sorted(p.name for p in folder.glob(f"{MESSAGE}{_RETIRED}*")):
        try:
            found.append(read_ec_private(folder, name).public_key())
        except Misconfigured as error:
            unread.append(error.detail)
    return found, unread


def read_agreement(home: Path) -> Ed25519PrivateKey:
    """Read the key that signs agreements, alone. Raises Misconfigured."""
    return _read_ed(home / FOLDER, AGREEMENT)


def _read_ed(folder: Path, name: str) -> Ed25519PrivateKey:
    key = _parse(read_secret(folder, name), f"{folder.name}/{name}", _load_pem)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"{folder.name}/{name} must be a private Ed25519 key, in PEM")
    return key


def _load_pem(data: bytes) -> object:
    return load_pem_private_key(data, password=None)


def _read_bytes(folder: Path, name: str) -> bytes:
    def parse(data: bytes) -> bytes:
        if not _HEX.fullmatch(data) or len(set(data[: 2 * SECRET_BYTES])) == 1:
            raise ValueError
        return bytes.fromhex(data.decode("ascii"))

    return _parse(read_secret(folder, name), f"{folder.name}/{name}", parse)


def _parse(data: bytes, where: str, parse: Callable[[bytes], V]) -> V:
    try:
        return parse(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misconfigured(
            f"{where} is damaged, encrypted or of another kind: restore it from its backup"
        ) from None
