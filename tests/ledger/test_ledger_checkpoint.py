import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.ledger.checkpoint import (
    BadCheckpoint,
    key_id,
    notes,
    origin_of,
    read,
    sign,
    verifier_key,
    verify,
)
from tests.ledger.made import LOG_KEY, ORIGIN

ROOT = hashlib.sha256(b"a root").digest()
NOTE = sign(ORIGIN, 42, ROOT, LOG_KEY).note
PUBLIC = LOG_KEY.public_key()


def test_the_note_is_as_the_specification_writes_it() -> None:
    body, signature = NOTE.split("\n\n")
    assert body.split("\n") == [ORIGIN, "42", base64.b64encode(ROOT).decode()]
    mark, name, encoded = signature.rstrip("\n").split(" ")
    assert (mark, name) == ("\u2014", ORIGIN)
    data = base64.b64decode(encoded)
    raw = PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert data[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x01" + raw).digest()[:4]
    PUBLIC.verify(data[4:], (body + "\n").encode())


def test_the_key_id_of_a_published_verifier_key() -> None:
    """That of the Go checksum database."""
    name = "gro.gnalog.mus"[::-1]
    published = base64.b64decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    key = Ed25519PublicKey.from_public_bytes(published[1:])
    assert key_id(name, key).hex() == "033de0ae"
    assert verifier_key(name, key) == (
        f"{name}+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    )


def test_it_verifies_also_beside_witnesses() -> None:
    found = verify(NOTE, origin=ORIGIN, key=PUBLIC)
    assert (found.size, found.root, found.signatures) == (42, ROOT, 1)
    other = sign("witness.example", 42, ROOT, Ed25519PrivateKey.generate()).note
    both = NOTE + other.split("\n\n")[1]
    assert verify(both, origin=ORIGIN, key=PUBLIC).signatures == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("42\n", "43\n"),
        ("42\n", "042\n"),
        ("42\n", "-42\n"),
        ("42\n", "\u0664\u0662\n"),
        ("\n\n", "\n"),
        ("\u2014 ", "- "),
        (base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()),
        (base64.b64encode(ROOT).decode(), "AAAA"),
        (base64.b64encode(ROOT).decode(), "*"),
    ],
)
def test_a_changed_note_does_not_verify(old: str, new: str) -> None:
    assert old in NOTE
    with pytest.raises(BadCheckpoint):
        verify(NOTE.replace(old, new, 1), origin=ORIGIN, key=PUBLIC)


def test_every_changed_character_is_noticed() -> None:
    for i, character in enumerate(NOTE):
        other = "A" if character != "A" else "B"
        with pytest.raises(BadCheckpoint):
            verify(NOTE[:i] + other + NOTE[i + 1 :], origin=ORIGIN, key=PUBLIC)


def test_another_log_or_key_does_not_verify() -> None:
    with pytest.raises(BadCheckpoint):
        verify(NOTE, origin=origin_of("ZZ9990001"), key=PUBLIC)
    with pytest.raises(BadCheckpoint):
        verify(NOTE, origin=ORIGIN, key=Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb"])
def test_an_origin_is_a_plain_name(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        sign(origin, 1, ROOT, LOG_KEY)


def test_notes_are_taken_apart_as_they_were_put_together() -> None:
    several = [sign(ORIGIN, n, ROOT, LOG_KEY).note for n in range(3)]
    for between in ("", "\n", "\n\n\n"):
        assert list(notes(between.join(several))) == several
    assert list(notes("")) == []
    with pytest.raises(BadCheckpoint):
        read("".join(notes("what is this")))
