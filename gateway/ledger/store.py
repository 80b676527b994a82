"""The log's SQLite file, as its one writer sees it. Used from one thread; blocking.

One transaction a batch: nonces, entries and, when it is time, the numbers of all entries that have
none yet, the tree's new tiles, and the signed root. Nothing of it counts before the commit returns.

A store on PostgreSQL would differ in three points: several writers, each with a lane of its own;
`pg_advisory_xact_lock` at the start of `_number`, and the tree's edge read there, not kept.
"""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, event, select

from gateway.database import open_sqlite
from gateway.errors import LedgerUnavailable, Replayed, SallyportError
from gateway.ledger import schema
from gateway.ledger.checkpoint import BadCheckpoint, sign, verify
from gateway.ledger.entry import (
    Draft,
    EntryType,
    Logged,
    Nonce,
    Prepared,
    canonical,
    entry_id,
    prepare,
)
from gateway.ledger.growth import Growth
from gateway.ledger.nonces import Nonces
from gateway.ledger.schema import Altered, insert_rows
from gateway.ledger.seal import CannotOpen, MonthKey, SealingKey
from gateway.ledger.tree import BadProof, leaf_hash
from gateway.model import parse_stamp, stamp

BUSY_MS = 1_000
"""How long another process may hold the file before this one refuses."""
_WAL_PAGES = 2_000
_ROWS = 64
_PAGE_BYTES = 8_192
_BEGUN = b"1\n"
"""Stands in the lock's file once there is a log."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_CLOCK_TOLERANCE = timedelta(seconds=1)

_NUMBER = """
UPDATE entries SET position = ? + n.rank FROM (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS rank FROM entries WHERE position IS NULL
) AS n WHERE entries.id = n.id"""
_FORGET = """
UPDATE entries SET month_key = NULL, part_key = NULL, part = NULL
WHERE writer = ? AND sequence = ?"""


@dataclass(slots=True)
class Work:
    """What one caller wants written together, and what became of it."""

    drafts: tuple[Prepared, ...]
    nonce: Nonce | None = None
    erased: tuple[tuple[str, int], ...] = ()
    outcome: tuple[Logged, ...] | SallyportError | None = None


class Store:
    """The writer's side. What is public may be read from other threads."""

    def __init__(
        self,
        path: Path,
        *,
        origin: str,
        log_key: Ed25519PrivateKey,
        sealing: SealingKey,
        clock: Callable[[], datetime],
    ) -> None:
        self._path = path
        self._origin = origin
        self._log_key = log_key
        self._sealing = sealing
        self._clock = clock
        self._writer = secrets.token_hex(8)
        self._lock = -1
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._inode = -1
        self._lingering = False
        self._told = 0
        self.pending: list[bytes] = []
        """The leaves of entries that have no number yet."""
        self.foreign: set[int] = set()
        """The rows found in the file that this gateway did not write."""

    @property
    def size(self) -> int:
        """How many entries are numbered."""
        return self._growth.size

    # -- open and close ----------------------------------------------------------------------

    def open(self) -> None:
        """Take the log for this process and write its `start`. Raises LedgerUnavailable."""
        self._take_lock()
        try:
            self._require_not_removed()
            self._load()
            found = len(self.pending)
            recovered = ("log.recovered",) if found else ()
            draft = Draft(
                EntryType.START, decision="started", reasons=recovered, results=found or None
            )
            self.commit([Work((prepare(draft),))], sequence=True)
            os.pwrite(self._lock, _BEGUN, 0)
        except LedgerUnavailable:
            self.close()
            raise
        except Exception as error:  # noqa: BLE001 - a file altered from outside can fail in any way
            self.close()
            raise LedgerUnavailable(_why(error)) from None

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._drop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_lock(self) -> None:
        try:
            self._lock = os.open(
                lock_path(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1
            raise LedgerUnavailable(
                "Another process writes this access log, or its folder can't be written to."
            ) from None

    def _require_not_removed(self) -> None:
        if os.pread(self._lock, 1, 0) and not self._path.exists():
            raise LedgerUnavailable(
                f"{self._path.name} was there and is gone. Restore it; to begin a new log instead, "
                f"remove {lock_path(self._path).name}."
            )

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # whatever state it is in, it is not used again
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _load(self) -> Connection:
        """Open the file and take up the log from what stands in it."""
        self._drop()
        if self._inode >= 0:
            self._require_same_file()  # never begin a new log in place of one that went away
        _set_page_size(self._path)
        engine = open_sqlite(self._path, pooled=False)
        event.listen(engine, "connect", _prepare_connection)
        event.listen(engine, "begin", _begin)
        self._engine = engine
        schema.create(engine)
        self._connection = connection = engine.connect()
        self._inode = self._path.stat().st_ino
        with connection.begin():
            self._growth = self._load_tree(connection)
            self._load_entries(connection)
            self._nonces = Nonces(connection, self._sealing)
        self._months: dict[tuple[str, str], tuple[int, MonthKey]] = {}
        self._clock_behind = False
        return connection

    def _load_tree(self, connection: Connection) -> Growth:
        newest = connection.execute(
            select(schema.checkpoints).order_by(schema.checkpoints.c.size.desc()).limit(1)
        ).first()
        size, note = (newest.size, newest.note) if newest else (0, "")
        top = connection.exec_driver_sql("SELECT max(position) FROM entries").scalar()
        if (0 if top is None else top + 1) != size:
            raise Altered
        try:
            growth = Growth(connection, size)
            if newest:
                key = self._log_key.public_key()
                signed = verify(note, origin=self._origin, key=key)
                if (signed.size, signed.root) != (size, growth.root()):
                    raise Altered
        except (BadProof, BadCheckpoint):
            raise Altered from None
        return growth

    def _load_entries(self, connection: Connection) -> None:
        rows = connection.exec_driver_sql(
            "SELECT id, entry, tag FROM entries WHERE position IS NULL ORDER BY id"
        ).all()
        self.pending = [leaf_hash(row.entry) for row in rows]
        self.foreign |= {r.id for r in rows if not self._sealing.made(r.entry, r.tag)}
        state = connection.exec_driver_sql(
            "SELECT max(id), max(time), max(CASE writer WHEN ? THEN sequence END) FROM entries",
            (self._writer,),
        ).one()
        self._next_id = (state[0] or 0) + 1
        self._last_time = parse_stamp(state[1]) if state[1] else _LONG_AGO
        self._sequence_number = state[2] or 0

    # -- writing -----------------------------------------------------------------------------

    def commit(self, works: Sequence[Work], *, sequence: bool) -> None:
        """Write all of it durably, or raise and leave nothing of it acknowledged.

        Gives each work its outcome: what was logged, or Replayed for that one alone.
        """
        try:
            connection = self._connection or self._load()
            self._require_same_file()
            with connection.begin():
                self.pending += self._write(connection, works)
                if sequence and self.pending:
                    self._number(connection)
            if self._lingering or any(work.erased for work in works):
                self._empty_wal(connection)
        except BaseException:
            # Whether it was written is not known now: the state is read anew before the next.
            self._drop()
            raise

    def _require_same_file(self) -> None:
        if self._path.stat().st_ino != self._inode:
            raise Altered  # removed or replaced while we hold it: what we write would be lost

    def _write(self, connection: Connection, works: Sequence[Work]) -> list[bytes]:
        now = self._clock()
        fresh = self._nonces.claim(connection, [work.nonce for work in works])
        rows: list[tuple[Any, ...]] = []
        leaves: list[bytes] = []
        moment = max(now, self._last_time)
        # UTC, hundredths, and never backwards: the log's order is the order of its times.
        moment = moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)
        notices = [prepare(notice) for notice in self._own_notices(now)]
        self._last_time = moment
        when = (moment, stamp(moment))
        for work, accepted in zip(works, fresh, strict=True):
            if not accepted:
                work.outcome = Replayed("The message was received before.")
                continue
            work.outcome = tuple(
                self._row(connection, draft, when, rows, leaves) for draft in work.drafts
            )
        for notice in notices:  # last, since a writer's first line is its start
            self._row(connection, notice, when, rows, leaves)
        for i in range(0, len(rows), _ROWS):
            chunk = rows[i : i + _ROWS]
            connection.exec_driver_sql(
                insert_rows("entries", schema.COLUMNS, len(chunk)),
                tuple(v for r in chunk for v in r),
            )
        for work in works:
            for name in work.erased:
                connection.exec_driver_sql(_FORGET, name)
        return leaves

    def _own_notices(self, now: datetime) -> Iterator[Draft]:
        """Give what the log has to say about itself."""
        late = self._last_time - now
        behind = self._last_time != _LONG_AGO and late > _CLOCK_TOLERANCE
        if behind and not self._clock_behind:
            seconds = int(late.total_seconds())
            yield Draft(EntryType.NOTICE, decision="clock_went_back", results=seconds)
        self._clock_behind = behind
        if len(self.foreign) > self._told:
            self._told = len(self.foreign)
            yield Draft(EntryType.NOTICE, decision="foreign_entries", results=self._told)

    def _row(
        self,
        connection: Connection,
        draft: Prepared,
        moment: tuple[datetime, str],
        rows: list[tuple[Any, ...]],
        leaves: list[bytes],
    ) -> Logged:
        self._sequence_number += 1
        at, time = moment
        fields = draft.fields | {
            "log": self._origin,
            "writer": self._writer,
            "seq": self._sequence_number,
            "time": time,
        }
        month_id: int | None = None
        wrapped: bytes | None = None
        sealed: bytes | None = None
        if draft.document is not None:
            month_id, month = self._month(connection, time[:7], draft.retention)
            part = month.seal(draft.document)
            fields["personal"] = "sha-256:" + part.commitment.hex()
            wrapped, sealed = part.wrapped, part.sealed
        entry = canonical(fields)
        leaf = leaf_hash(entry)
        leaves.append(leaf)
        rows.append(
            (
                self._next_id,
                None,
                self._writer,
                self._sequence_number,
                time,
                *(fields.get(name) for name in schema.REPEATED[2:]),
                self._sealing.tag(entry),
                entry,
                month_id,
                wrapped,
                sealed,
            )
        )
        self._next_id += 1
        name = entry_id(self._writer, self._sequence_number)
        return Logged(name, "sha-256:" + leaf.hex(), at)

    def _month(self, connection: Connection, month: str, retention: str) -> tuple[int, MonthKey]:
        known = self._months.get((month, retention))
        if known:
            return known
        row = connection.exec_driver_sql(
            "SELECT id, wrapped FROM month_keys WHERE month = ? AND retention = ?",
            (month, retention),
        ).first()
        if row:
            try:
                found = (int(row.id), self._sealing.open_month(month, retention, row.wrapped))
            except CannotOpen:
                raise Altered from None
        else:
            key, wrapped = self._sealing.new_month(month, retention)
            done = connection.exec_driver_sql(
                "INSERT INTO month_keys (month, retention, wrapped) VALUES (?, ?, ?) RETURNING id",
                (month, retention, wrapped),
            )
            found = (int(done.scalar_one()), key)
        self._months[month, retention] = found
        return found

    def _number(self, connection: Connection) -> None:
        """Give every entry its number, extend the tree, store and sign its root."""
        done = connection.exec_driver_sql(_NUMBER, (self._growth.size,))
        if done.rowcount != len(self.pending):
            raise Altered
        self._growth.extend(connection, self.pending)
        size, root = self._growth.size, self._growth.root()
        # Signed in the transaction that stores the root, and shown only after its commit.
        note = sign(self._origin, size, root, self._log_key).note
        connection.exec_driver_sql(
            "INSERT INTO checkpoints (size, note) VALUES (?, ?)", (size, note)
        )
        self._nonces.purge(connection, self._clock())
        self.pending = []

    def _empty_wal(self, connection: Connection) -> None:
        """Empty the write-ahead log after an erasure, so that nothing lingers in it.

        A reader can stand in the way for a while; then it is tried again at the next commit.
        """
        raw = connection.connection.driver_connection
        if raw is not None:
            [busy, *_] = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._lingering = bool(busy)


def lock_path(path: Path) -> Path:
    """Give the file whose lock is held by the process that writes the log."""
    return path.with_suffix(".lock")


def _why(error: BaseException) -> str:
    if isinstance(error, Altered | TypeError | ValueError):
        return "The access log's file was altered from outside. See `sallyport audit verify`."
    return f"The access log can't be opened ({type(error).__name__})."


def _set_page_size(path: Path) -> None:
    """Make a new file with pages that fit several entries; an old file keeps what it has."""
    if not path.exists() or not path.stat().st_size:
        path.touch(mode=0o600)
        connection = sqlite3.connect(path)
        try:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            connection.execute("VACUUM")
        finally:
            connection.close()


def _prepare_connection(connection: Any, _record: object) -> None:
    # Our own BEGIN: the driver would take the write lock only at the first change.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    connection.execute("PRAGMA secure_delete=ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
