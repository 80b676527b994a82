"""A verifier written from docs/ledger.md alone: no code of the gateway's."""

import base64
import hashlib
import json
import sqlite3

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.ledger.made import LOG_KEY, ORIGIN, SEALING_KEY, LogOnDisk


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def tree_head(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01" + tree_head(leaves[:k]) + tree_head(leaves[k:]))


def opened(key: bytes, data: bytes, about: bytes) -> bytes:
    return AESGCM(key).decrypt(data[:12], data[12:], about)


def test_an_outsider_verifies_the_log_by_its_description(written: LogOnDisk) -> None:
    connection = sqlite3.connect(f"file:{written.path}?mode=ro", uri=True)
    entries = [e for (e,) in connection.execute("SELECT entry FROM entries ORDER BY position")]
    leaves = [sha(b"\x00" + e) for e in entries]
    public: Ed25519PublicKey = LOG_KEY.public_key()
    notes = connection.execute("SELECT size, note FROM checkpoints").fetchall()
    assert len(notes) > 2
    for size, note in notes:
        body, _, signature = note.partition("\n\n")
        origin, count, root = body.split("\n")
        assert (origin, int(count)) == (ORIGIN, size)
        assert base64.b64decode(root) == tree_head(leaves[:size])
        marked = base64.b64decode(signature.split(" ")[2])
        name = origin.encode() + b"\n\x01" + public.public_bytes_raw()
        assert marked[:4] == sha(name)[:4]
        public.verify(marked[4:], body.encode() + b"\n")
    for level, number, tile in connection.execute("SELECT * FROM tiles"):
        width = 256**level
        for i in range(len(tile) // 32):
            start = (number * 256 + i) * width
            assert tile[i * 32 : i * 32 + 32] == tree_head(leaves[start : start + width])


def test_an_outsider_with_the_key_opens_the_parts(written: LogOnDisk) -> None:
    connection = sqlite3.connect(f"file:{written.path}?mode=ro", uri=True)
    wrapping = HKDF(hashes.SHA256(), 32, None, b"sallyport ledger wrap v1").derive(SEALING_KEY)
    months = {
        number: opened(
            wrapping, wrapped, f"sallyport ledger month key v1\n{month}/{retention}".encode()
        )
        for number, month, retention, wrapped in connection.execute("SELECT * FROM month_keys")
    }
    assert len(months) == 2
    rows = connection.execute(
        "SELECT entry, month_key, part_key, part FROM entries WHERE part IS NOT NULL"
    ).fetchall()
    assert len(rows) > 500
    for entry, month, wrapped, sealed in rows:
        fields = json.loads(entry)
        commitment = bytes.fromhex(fields["personal"].removeprefix("sha-256:"))
        key = opened(months[month], wrapped, b"sallyport ledger part key v1\n" + commitment)
        plain = opened(key, sealed, b"sallyport ledger part v1\n" + commitment)
        assert sha(plain) == commitment
        document = json.loads(plain[32:])
        if "case" in document:
            case = document["case"]
            found = sha(bytes.fromhex(case["salt"]) + case["reference"].encode())
            assert fields["case"] == "sha-256:" + found.hex()
