"""Leaves a failing peer alone for a while: 1 s, doubled at each failure, up to 60 s.

The state is kept across restarts. One success, or a valid message from the peer, clears it. It is
reported as a status, never hidden.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from gateway.model import Ori

FIRST_S = 1.0
LONGEST_S = 60.0

_log = structlog.get_logger("sallyport.backoff")

_metadata = MetaData()
_table = Table(
    "peer_backoff",
    _metadata,
    Column("ori", String(9), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class _State:
    failures: int
    until: datetime


class BackOff:
    """Which peers are left alone, and until when. Small writes, only when a state changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        _metadata.create_all(engine)
        with engine.connect() as c:
            self._states = {
                r.ori: _State(r.failures, datetime.fromtimestamp(r.until, UTC))
                for r in c.execute(select(_table))
            }

    def wait_s(self, peer: Ori, now: datetime) -> int:
        """Whole seconds until the peer may be tried again; 0 if it may be tried now."""
        state = self._states.get(peer)
        if state is None or state.until <= now:
            return 0
        # A clock that was set back must not lock a peer out for longer than the rule says.
        seconds = (state.until - now).total_seconds()
        return math.ceil(min(seconds, LONGEST_S))

    def failed(self, peer: Ori, now: datetime) -> int:
        """Take note of a failure; give the seconds until the next try."""
        with self._lock:
            state = self._states.get(peer)
            failures = (state.failures if state else 0) + 1
            seconds = min(FIRST_S * 2.0 ** min(failures - 1, 10), LONGEST_S)
            until = now + timedelta(seconds=seconds)
            self._states[peer] = _State(failures, until)
            row = {"ori": peer, "failures": failures, "until": until.timestamp()}
            with self._kept() as c:
                c.execute(
                    insert(_table)
                    .values(row)
                    .on_conflict_do_update(
                        index_elements=["ori"],
                        set_={"failures": failures, "until": until.timestamp()},
                    )
                )
        return math.ceil(seconds)

    def cleared(self, peer: Ori) -> None:
        """Forget the peer's failures: it answered, or sent a valid message."""
        if peer not in self._states:
            return
        with self._lock:
            self._states.pop(peer, None)
            with self._kept() as c:
                c.execute(delete(_table).where(_table.c.ori == peer))

    @contextmanager
    def _kept(self) -> Iterator[Connection]:
        """Write, if it can be: what isn't written is only forgotten at a restart."""
        try:
            with self._engine.begin() as c:
                yield c
        except SQLAlchemyError as error:
            _log.error("back-off not kept", kind=type(error).__name__)
