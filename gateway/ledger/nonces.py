"""Nonces of signed messages, kept in the same transaction as the entries they came with.

A nonce is kept until two minutes after its message expired. What expired before the last purge is
refused: if the clock was set back, nobody can tell any more whether it was seen.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from gateway.ledger.entry import Nonce
from gateway.ledger.schema import insert_rows
from gateway.ledger.seal import SealingKey

KEPT = timedelta(minutes=2)
PURGE_EVERY = timedelta(seconds=10)
PURGED = bytes(32)
"""The id of the row that says up to which expiry nonces were purged."""
_ROWS = 256
_COLUMNS = ("id", "expires", "tag")
_PUT = """
INSERT INTO nonces (id, expires, tag) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, tag = excluded.tag"""


class Nonces:
    """The writer's view of the nonces."""

    def __init__(self, connection: Connection, sealing: SealingKey) -> None:
        self._sealing = sealing
        row = connection.exec_driver_sql(
            "SELECT expires FROM nonces WHERE id = ?", (PURGED,)
        ).first()
        self._purged_until: int = row.expires if row else 0
        self._due = datetime.min.replace(tzinfo=UTC)

    def claim(self, connection: Connection, nonces: Sequence[Nonce | None]) -> list[bool]:
        """Keep what is new, and tell for each whether it is. None needs nothing and is True."""
        claims = [(_id(n), _ms(n.expires)) if n else None for n in nonces]
        first: dict[bytes, int] = {}
        rows: list[tuple[bytes, int, bytes]] = []
        for i, claim in enumerate(claims):
            if claim and claim[1] > self._purged_until and claim[0] not in first:
                first[claim[0]] = i
                rows.append((*claim, self._sealing.tag(row_bytes(*claim))))
        kept: set[bytes] = set()
        for i in range(0, len(rows), _ROWS):
            chunk = rows[i : i + _ROWS]
            insert = insert_rows("nonces", _COLUMNS, len(chunk))
            done = connection.exec_driver_sql(
                f"{insert} ON CONFLICT DO NOTHING RETURNING id", tuple(v for r in chunk for v in r)
            )
            kept.update(row.id for row in done)
        return [c is None or (c[0] in kept and first[c[0]] == i) for i, c in enumerate(claims)]

    def purge(self, connection: Connection, now: datetime) -> None:
        """Drop what expired long ago, now and then."""
        if now < self._due:
            return
        self._due = now + PURGE_EVERY
        until = _ms(now - KEPT)
        if until <= self._purged_until:
            return
        gone = connection.exec_driver_sql(
            "DELETE FROM nonces WHERE expires <= ? AND id <> ?", (until, PURGED)
        )
        if gone.rowcount:
            tag = self._sealing.tag(row_bytes(PURGED, until))
            connection.exec_driver_sql(_PUT, (PURGED, until, tag))
            self._purged_until = until


def row_bytes(key: bytes, expires: int) -> bytes:
    """Give what a nonce's tag is over."""
    return b"nonce\n" + key + expires.to_bytes(8, "big", signed=True)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _id(nonce: Nonce) -> bytes:
    return hashlib.sha256(f"{nonce.key_id}\0{nonce.value}".encode()).digest()
