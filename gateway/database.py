"""One way to open a SQLite file: write-ahead log, full synchronisation, short waits for a lock."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

BUSY_MS = 5_000


def open_sqlite(path: Path, *, read_only: bool = False, pooled: bool = True) -> Engine:
    """Open `path`, made 0600 if it is new. Durable: a commit that returned survives a crash.

    `read_only` connections can't write at all. Raises sqlalchemy.exc.OperationalError.
    """
    if not read_only:
        path.touch(mode=0o600, exist_ok=True)
    url = f"sqlite:///file:{path}?mode={'ro' if read_only else 'rw'}&uri=true"
    engine = create_engine(
        url,
        poolclass=QueuePool if pooled else NullPool,
        hide_parameters=True,  # an error's text must not hold what was stored
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine
