"""Which policy set each peer decided by last: its digest as the peer signed it, when, and changes.

Learnt from verified answers and from the messages on agreements, which partners exchange hourly. A
peer seen for the first time, and each change, is a notice in the log: `peer_policy_seen` and
`peer_policy_changed`, with the digest before as `request` and the one now as `response`.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Column, Engine, Float, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from gateway.ledger import Draft, EntryType
from gateway.model import stamp

WRITE_S = 60.0
"""How far the kept `seen` may lag behind; a change is kept at once."""

_log = structlog.get_logger("sallyport.peers")
_metadata = MetaData()
_table = Table(
    "peer_policy",
    _metadata,
    Column("ori", String(9), primary_key=True),
    Column("revision", String(80), nullable=False),
    Column("since", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("before", String(80)),
)


@dataclass(frozen=True, slots=True)
class PeerPolicy:
    """What one peer decides by. `since`: first seen with it; `before`: its set until then."""

    revision: str
    since: datetime
    seen: datetime
    before: str | None = None

    def plain(self) -> dict[str, Any]:
        """Give it for showing."""
        return {
            "revision": self.revision,
            "since": stamp(self.since),
            "seen": stamp(self.seen),
            "changed": self.before is not None,
            "before": self.before,
        }


class PeerPolicies:
    """The peers' sets, over restarts. Use from one event loop."""

    def __init__(self, state: Engine) -> None:
        self._state = state
        _metadata.create_all(state)
        with state.connect() as c:
            self._known = {
                row.ori: PeerPolicy(
                    row.revision,
                    datetime.fromtimestamp(row.since, UTC),
                    datetime.fromtimestamp(row.seen, UTC),
                    row.before,
                )
                for row in c.execute(select(_table))
            }
        self._kept = {ori: known.seen for ori, known in self._known.items()}
        self._under_way: set[tuple[str, str]] = set()

    def listing(self) -> dict[str, dict[str, Any]]:
        """Give each peer's by ORI."""
        return {ori: known.plain() for ori, known in sorted(self._known.items())}

    @contextmanager
    def noting(self, said: Iterable[tuple[str, str]], now: datetime) -> Iterator[list[Draft]]:
        """Give the notices for what peers said (ORI, digest), to be logged inside of the `with`.

        Only what was logged counts as known: where that fails, the next answer is news again.
        """
        sets = dict(said)
        news = {
            ori: revision
            for ori, revision in sets.items()
            if (known := self._known.get(ori)) is None or known.revision != revision
        }
        news = {o: r for o, r in news.items() if (o, r) not in self._under_way}
        self._under_way |= news.items()
        try:
            yield [self._notice(ori, revision) for ori, revision in news.items()]
        finally:
            self._under_way -= news.items()
        for ori, revision in sets.items():
            known = self._known.get(ori)
            if known is not None and known.revision == revision:
                self._known[ori] = replace(known, seen=now)
            elif ori in news:
                before = known.revision if known else None
                self._known[ori] = PeerPolicy(revision, now, now, before)
                self._kept.pop(ori, None)
                _log.info("a peer's policy set", peer=ori, revision=revision, before=before)

    def _notice(self, ori: str, revision: str) -> Draft:
        known = self._known.get(ori)
        return Draft(
            type=EntryType.NOTICE,
            peer=ori,
            decision="peer_policy_changed" if known else "peer_policy_seen",
            request=known.revision if known else None,
            response=revision,
        )

    async def keep(self) -> None:
        """Write down what changed, and now and then when each was seen. It never fails a search."""
        lag = timedelta(seconds=WRITE_S)
        due = {
            ori: known
            for ori, known in self._known.items()
            if ori not in self._kept or known.seen - self._kept[ori] >= lag
        }
        if not due:
            return
        self._kept |= {ori: known.seen for ori, known in due.items()}
        try:
            await asyncio.to_thread(self._write, due)
        except SQLAlchemyError:
            for ori in due:
                self._kept.pop(ori, None)
            _log.exception("the peers' policy sets can't be kept")

    def _write(self, due: dict[str, PeerPolicy]) -> None:
        with self._state.begin() as c:
            for ori, known in due.items():
                row = {
                    "revision": known.revision,
                    "since": known.since.timestamp(),
                    "seen": known.seen.timestamp(),
                    "before": known.before,
                }
                c.execute(
                    insert(_table)
                    .values(ori=ori, **row)
                    .on_conflict_do_update(index_elements=[_table.c.ori], set_=row)
                )
