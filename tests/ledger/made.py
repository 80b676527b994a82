"""A log on disk, and what tests do to it from outside."""

import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger import Draft, EntryType, Ledger
from gateway.ledger.checkpoint import Checkpoint
from gateway.ledger.evidence import HeldReceipt
from gateway.ledger.findings import Report
from gateway.ledger.seal import SealingKey
from gateway.ledger.verify import Verification

ORIGIN = "sallyport/ZZ9990000"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SEALING_KEY = bytes(range(100, 132))


@dataclass(frozen=True, slots=True)
class LogOnDisk:
    """One ledger.db with its keys."""

    path: Path

    def open(self, **options: Any) -> Ledger:
        return Ledger(self.path, origin=ORIGIN, log_key=LOG_KEY, sealing_key=SEALING_KEY, **options)

    def verify(
        self,
        *,
        kept: Sequence[Checkpoint] = (),
        receipts: Sequence[HeldReceipt] = (),
        sealed: bool = False,
    ) -> Report:
        return Verification(
            self.path,
            origin=ORIGIN,
            key=LOG_KEY.public_key(),
            sealing=None if sealed else SealingKey(SEALING_KEY),
            kept=kept,
            receipts=receipts,
        ).run()

    def change(self, sql: str, *values: Any) -> int:
        """Do what somebody with the file could do."""
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                return connection.execute(sql, values).rowcount
        finally:
            connection.close()

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        names = ", ".join(f'"{c}"' for c in columns) or "*"
        return self.query(f"SELECT {names} FROM {table}")  # noqa: S608 - the schema's own names

    def set(self, table: str, column: str, value: Any, where: dict[str, Any]) -> int:
        keys = " AND ".join(f"{k} = ?" for k in where)
        sql = f'UPDATE {table} SET "{column}" = ? WHERE {keys}'  # noqa: S608 - as above
        return self.change(sql, value, *where.values())

    def copy(self, folder: Path) -> "LogOnDisk":
        """Copy a log that nobody has open."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / self.path.name
        shutil.copy(self.path, target)
        return LogOnDisk(target)


def draft(number: int = 0, **changes: Any) -> Draft:
    fields: dict[str, Any] = {
        "type": EntryType.QUERY_IN,
        "transaction": f"srch_{number:026d}",
        "peer": "ZZ9990100",
        "subject": "p" * 32,
        "purpose": "some_purpose",
        "policy": "sha-256:" + "1" * 64,
        "decision": "allow",
        "reasons": ("rule.one",),
        "granularity": "record",
        "results": number,
        "reference": f"case:26-{number:05d}",
        "request": "sha-256:" + f"{number:064x}",
        "personal": {"officer": f"badge {number}", "reason": "a reason"},
    }
    return Draft(**(fields | changes))


Act = Callable[[Ledger], Awaitable[Any]]


async def use(log: LogOnDisk, *acts: Act, **options: Any) -> list[Any]:
    """Start a log, do things one after the other, and stop it."""
    ledger = log.open(**options)
    await ledger.start()
    try:
        return [await act(ledger) for act in acts]
    finally:
        await ledger.stop()


def write(count: int, first: int = 0) -> Act:
    """Write entries one after the other."""

    async def act(ledger: Ledger) -> list[Any]:
        return [(await ledger.begin([draft(first + i)]))[0] for i in range(count)]

    return act
