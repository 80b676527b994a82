"""Rows of the state database whose content is sealed: it alone tells nothing but ids and times."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import RecordsUnavailable
from gateway.model import Caller

_NONCE = 12


class SealedRows:
    """Seals JSON objects with AES-256-GCM, each to its row's id. `key` is 32 bytes. Blocking.

    `code` and `unavailable` are the problem where the database can't be used; `not_ours` is said
    where a row can't be opened.
    """

    def __init__(
        self, engine: Engine, key: bytes, *, code: str, unavailable: str, not_ours: str
    ) -> None:
        self._engine = engine
        self._aead = AESGCM(key)
        self._code = code
        self._unavailable = unavailable
        self._not_ours = not_ours

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Give a connection. A full disk or a lock is Unavailable, and its text goes nowhere."""
        try:
            with self._engine.begin() as c:
                yield c
        except SQLAlchemyError:
            raise self.trouble() from None

    def trouble(self) -> RecordsUnavailable:
        """Give what is raised where the database can't be used."""
        return RecordsUnavailable(self._unavailable, code=self._code)

    def seal(self, row_id: str, inner: Mapping[str, Any]) -> bytes:
        """Seal an object: what it holds counts under this id alone."""
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, orjson.dumps(inner), row_id.encode())

    def unseal(self, row_id: str, sealed: bytes) -> dict[str, Any]:
        """Give the object. Raises RecordsUnavailable: another key's, another row's, or altered."""
        try:
            plain = self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], row_id.encode())
        except InvalidTag as error:
            raise RecordsUnavailable(self._not_ours) from error
        inner: dict[str, Any] = orjson.loads(plain)
        return inner

    def unseal_for(self, caller: Caller, row_id: str, sealed: bytes) -> dict[str, Any] | None:
        """Give the object if the caller is its `officer`, else None. Raises as `unseal` does."""
        inner = self.unseal(row_id, sealed)
        officer = caller.officer
        return inner if officer and inner["officer"] == officer.subject else None


def next_over(c: Connection, keep_until: Column[float], now: datetime) -> datetime | None:
    """Give when the next row's time is over, of those whose time is not; None if there is none.

    `keep_until` is a column of seconds since 1970.
    """
    left = keep_until > now.timestamp()
    soonest = c.execute(select(func.min(keep_until)).where(left)).scalar()
    return None if soonest is None else datetime.fromtimestamp(soonest, UTC)
