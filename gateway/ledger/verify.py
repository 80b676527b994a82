"""Verification: recompute the log from its entries, and hold it against what is kept elsewhere.

In one pass over the entries, in one snapshot, read-only, while the gateway works:

1  the file       its schema is ours, its pages and indexes are whole
2  each entry     form, repeated columns, tag, its writer's sequence, its sealed part
3  the tree       its leaf is the stored one; every stored node follows from the leaves
4  checkpoints    each stored one is signed and is the root over the entries
5  elsewhere      each kept checkpoint likewise, and each receipt's leaf is in the log

1 to 4 find what anybody did who lacks the keys. Whoever holds the keys too can write another log
that passes them; only 5 finds that. So keep checkpoints elsewhere: `sallyport audit checkpoint`.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_sqlite
from gateway.errors import LedgerUnavailable
from gateway.ledger import schema
from gateway.ledger.checkpoint import BadCheckpoint, Checkpoint, verify
from gateway.ledger.evidence import HeldReceipt
from gateway.ledger.findings import Report
from gateway.ledger.growth import tiles_of
from gateway.ledger.nonces import row_bytes
from gateway.ledger.rows import Rows
from gateway.ledger.seal import CannotOpen, MonthKey, SealingKey
from gateway.ledger.stored_tree import StoredTree

Progress = Callable[[int, int], None]
"""Called now and then with entries done and entries in all."""

_CHUNK = 1_000
_ENTRIES = "SELECT * FROM entries WHERE position IS NOT NULL ORDER BY position"
_REST = "SELECT * FROM entries WHERE position IS NULL ORDER BY id"


class Verification:
    """One run over one ledger.db. Without `sealing`, parts, tags and nonces stay unchecked."""

    def __init__(
        self,
        path: Path,
        *,
        origin: str,
        key: Ed25519PublicKey,
        sealing: SealingKey | None = None,
        kept: Sequence[Checkpoint] = (),
        receipts: Sequence[HeldReceipt] = (),
        progress: Progress | None = None,
    ) -> None:
        self._path = path
        self._key = key
        self._sealing = sealing
        self._kept = kept
        self._progress = progress
        self._report = Report(origin)
        self._receipts: dict[bytes, list[HeldReceipt]] = defaultdict(list)
        for receipt in receipts:
            self._receipts[receipt.leaf].append(receipt)
        self._report.receipts = len(receipts)

    def run(self) -> Report:
        """Verify, and say what was found. Blocking. Raises LedgerUnavailable if there is no log."""
        if not self._path.is_file():
            raise LedgerUnavailable("There is no access log there.")
        engine = open_sqlite(self._path, read_only=True, pooled=False)
        event.listen(engine, "connect", _tolerant)
        event.listen(engine, "begin", _snapshot)
        try:
            with engine.connect() as connection, connection.begin():
                self._all(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            self._report.add("file", f"The file can't be read to its end ({kind}).")
        finally:
            engine.dispose()
        return self._report

    def _all(self, connection: Connection) -> None:
        self._file(connection)
        months = self._month_keys(connection)
        self._nonces(connection)
        rows = Rows(self._report, self._sealing, months)
        tree = StoredTree(self._report, tiles_of(connection))
        self._checkpoints(connection, tree)
        self._numbered(connection, rows, tree)
        self._unnumbered(connection, rows)
        tree.finish(connection)
        self._erasures(rows)
        for missing in self._receipts.values():
            for receipt in missing:
                self._report.add(
                    "receipt",
                    f"{receipt.where}: another agency was given this leaf ({receipt.type}, "
                    f"{receipt.transaction}), and it is not in the log: removed or rewritten.",
                )

    # -- 1: the file -------------------------------------------------------------------------

    def _file(self, connection: Connection) -> None:
        expected = _expected_schema()
        found = schema.described(connection)
        for kind, name, _ in sorted(found ^ expected):
            self._report.add("schema", f"The file's {kind} {name} is not as this gateway makes it.")
        for row in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if row[0] != "ok":
                self._report.add("file", f"SQLite finds the file damaged: {row[0]}")

    def _month_keys(self, connection: Connection) -> dict[int, MonthKey]:
        found: dict[int, MonthKey] = {}
        if self._sealing is None:
            self._report.notes.append(
                "Without the sealing key, sealed parts, tags and nonces were not checked."
            )
            return found
        for row in connection.exec_driver_sql("SELECT * FROM month_keys"):
            try:
                found[row.id] = self._sealing.open_month(row.month, row.retention, row.wrapped)
            except (CannotOpen, TypeError, ValueError):
                self._report.add("month_key", f"Month key {row.id} is not as it was made.")
        return found

    def _nonces(self, connection: Connection) -> None:
        if self._sealing is None:
            return
        for row in connection.exec_driver_sql("SELECT * FROM nonces"):
            try:
                ours = self._sealing.made(row_bytes(row.id, row.expires), row.tag)
            except (TypeError, AttributeError, OverflowError):
                ours = False
            if not ours:
                name = row.id.hex() if isinstance(row.id, bytes) else str(row.id)
                self._report.add("nonce", f"Nonce {name[:16]} is not as it was kept.")

    # -- 2 and 3: entries and tree -----------------------------------------------------------

    def _numbered(self, connection: Connection, rows: Rows, tree: StoredTree) -> None:
        total = connection.exec_driver_sql("SELECT max(position) FROM entries").scalar()
        total = total + 1 if isinstance(total, int) else 0
        seen = 0
        for row in _stream(connection, _ENTRIES):
            seen += 1
            if not isinstance(row.position, int):
                self._report.add("column", "A row's position is no number.")
                continue
            if row.position < 0:
                self._report.add("column", "A row's position is below zero.")
                continue
            tree.missing_up_to(row.position)
            checked = rows.check(row, row.position)
            if row.id != row.position + 1:
                self._report.add(
                    "column",
                    "The row's id does not fit its position: moved, or inserted.",
                    position=row.position,
                    entry=checked.name,
                )
            tree.add(row.position, checked.name, checked.leaf)
            self._received(checked.leaf, checked.fields)
            if self._progress and not seen % _CHUNK:
                self._progress(seen, total)
        self._report.entries = seen
        if self._progress:
            self._progress(seen, seen)

    def _unnumbered(self, connection: Connection, rows: Rows) -> None:
        last = self._report.entries
        for row in _stream(connection, _REST):
            self._report.unnumbered += 1
            checked = rows.check(row, None)
            if row.id <= last:
                self._report.add(
                    "column", "It lost its number: its position was emptied.", entry=checked.name
                )
            last = max(last, row.id)
            self._received(checked.leaf, checked.fields)

    def _received(self, leaf: bytes, fields: dict[str, Any]) -> None:
        for receipt in self._receipts.pop(leaf, ()):
            if fields.get("transaction", "") != receipt.transaction:
                self._report.add(
                    "receipt", f"{receipt.where}: its leaf is another transaction's in this log."
                )

    def _erasures(self, rows: Rows) -> None:
        for name, position in rows.absent.items():
            if name in rows.erased:
                self._report.erased += 1
            else:
                self._report.add(
                    "part",
                    "Its sealed part is gone, and no erase entry says so.",
                    position=position,
                    entry=name,
                )
        for name, by in rows.erased.items():
            if name not in rows.absent:
                self._report.add("part", f"{by} says that it was erased; it was not.", entry=name)

    # -- 4 and 5: checkpoints ----------------------------------------------------------------

    def _checkpoints(self, connection: Connection, tree: StoredTree) -> None:
        """Register every checkpoint with the tree, which compares roots as it passes them."""
        for row in connection.exec_driver_sql("SELECT size, note FROM checkpoints ORDER BY size"):
            self._report.checkpoints += 1
            try:
                signed = verify(str(row.note), origin=self._report.origin, key=self._key)
            except BadCheckpoint as error:
                self._report.add("checkpoint", f"Stored checkpoint {row.size} is bad: {error}.")
                continue
            if signed.size != row.size or signed.signatures != 1:
                self._report.add("checkpoint", f"Stored checkpoint {row.size} has another size.")
                continue
            tree.expect(signed, kept=False)
        for checkpoint in self._kept:
            self._report.kept_checkpoints += 1
            try:
                verify(checkpoint.note, origin=self._report.origin, key=self._key)
            except BadCheckpoint as error:
                self._report.add(
                    "kept_checkpoint",
                    f"The kept checkpoint of size {checkpoint.size} is not of this log and its "
                    f"present key: {error}.",
                )
                continue
            tree.expect(checkpoint, kept=True)


def _stream(connection: Connection, query: str) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=_CHUNK).exec_driver_sql(query)


def _expected_schema() -> frozenset[tuple[str, str, str]]:
    engine: Engine = create_engine("sqlite://")
    try:
        schema.create(engine)
        with engine.connect() as connection:
            return schema.described(connection)
    finally:
        engine.dispose()


def _tolerant(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    # A damaged text is a finding, not the end of the reading.
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")


def _snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
