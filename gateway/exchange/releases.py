"""What persons at this agency have released to others: kept sealed, in force from memory.

A release names the paper it rests on, the agency it is for, the records, the classes and its end.
Only an administrator's command records or revokes one; nothing that a question holds can.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_sqlite
from gateway.errors import NotFound, RecordsUnavailable
from gateway.exchange.sealed import SealedRows
from gateway.ledger.seal import derive_key
from gateway.model import JudicialWarrant, WarrantDocument, stamp
from gateway.policy import PersonRelease, warrant_input

_UNAVAILABLE = "Releases can't be read or written now, so nothing was changed. Try again."
_metadata = MetaData()
_table = Table(
    "person_release",
    _metadata,
    Column("id", String(20), primary_key=True),
    Column("recorded_at", Float, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class NewRelease:
    """What a person records. `released_by` is that person's name; `note` what the paper is."""

    basis: str
    asker: str
    records: tuple[str, ...]
    classes: tuple[str, ...]
    until: datetime
    released_by: str
    warrant: JudicialWarrant | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One release as it stands."""

    id: str
    recorded_at: datetime
    revoked_at: datetime | None
    release: NewRelease

    def in_force(self, now: datetime) -> bool:
        """Tell whether it counts."""
        return self.revoked_at is None and now < self.release.until


class Releases:
    """All releases. `key` is 32 bytes. `for_asker` reads memory; the rest blocks."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._rows = SealedRows(
            engine,
            key,
            code="releases.unavailable",
            unavailable=_UNAVAILABLE,
            not_ours="A release can't be opened with this key.",
        )
        _metadata.create_all(engine)
        self._by_asker: dict[str, tuple[PersonRelease, ...]] = {}
        self._refresh()

    def for_asker(self, ori: str, now: datetime) -> Sequence[PersonRelease]:
        """Give what is in force for one agency. Mostly nothing, at the cost of a look-up."""
        found = self._by_asker.get(ori)
        return [r for r in found if now < r.until] if found else ()

    def record(self, new: NewRelease, now: datetime) -> Recorded:
        """Record one. It counts from the next decision."""
        made = Recorded("rel_" + secrets.token_hex(8), now, None, new)
        with self._rows.open() as c:
            c.execute(
                insert(_table).values(
                    id=made.id,
                    recorded_at=now.timestamp(),
                    sealed=self._sealed(made),
                )
            )
        self._refresh()
        return made

    def revoke(self, release_id: str, now: datetime) -> None:
        """Revoke one: it counts no more from the next decision. Raises NotFound."""
        found = next((r for r in self.listed() if r.id == release_id and not r.revoked_at), None)
        if found is None:
            raise NotFound(
                "No release stands under this id. See `sallyport release list`.",
                code="release.not_found",
            )
        sealed = self._sealed(replace(found, revoked_at=now))
        with self._rows.open() as c:
            c.execute(update(_table).where(_table.c.id == release_id).values(sealed=sealed))
        self._refresh()

    def listed(self) -> list[Recorded]:
        """List all, the newest first, revoked and ended ones too."""
        with self._rows.open() as c:
            rows = c.execute(select(_table).order_by(_table.c.recorded_at.desc())).all()
        return [self._opened(r.id, r.sealed) for r in rows]

    def _refresh(self) -> None:
        now = datetime.now(UTC)
        by_asker: dict[str, list[PersonRelease]] = {}
        for recorded in self.listed():
            if recorded.in_force(now):
                new = recorded.release
                by_asker.setdefault(new.asker, []).append(_as_rules_see_it(recorded.id, new))
        self._by_asker = {ori: tuple(found) for ori, found in by_asker.items()}

    def _sealed(self, recorded: Recorded) -> bytes:
        """Seal the whole of it, its end included: who alters the file alters nothing else."""
        new = recorded.release
        inner = {f: getattr(new, f) for f in _KEPT} | {
            "until": new.until.isoformat(),
            "recorded_at": recorded.recorded_at.isoformat(),
            "revoked_at": recorded.revoked_at.isoformat() if recorded.revoked_at else None,
        }
        return self._rows.seal(recorded.id, inner)

    def _opened(self, release_id: str, sealed: bytes) -> Recorded:
        inner = self._rows.unseal(release_id, sealed)
        warrant, revoked = inner["warrant"], inner["revoked_at"]
        new = NewRelease(
            basis=inner["basis"],
            asker=inner["asker"],
            records=tuple(inner["records"]),
            classes=tuple(inner["classes"]),
            until=datetime.fromisoformat(inner["until"]),
            released_by=inner["released_by"],
            warrant=_warrant(warrant) if warrant else None,
            note=inner["note"],
        )
        return Recorded(
            id=release_id,
            recorded_at=datetime.fromisoformat(inner["recorded_at"]),
            revoked_at=datetime.fromisoformat(revoked) if revoked else None,
            release=new,
        )


def releases_key(master: bytes) -> bytes:
    """Give the key that releases are sealed with. `master`: the gateway's sealing key."""
    return derive_key(master, b"sallyport releases")


def read_in_force(state: Path, master: bytes, ori: str, now: datetime) -> Sequence[PersonRelease]:
    """Read beside the gateway what is in force for one agency. Changes nothing. Blocking.

    Nothing where no gateway ever kept any. Raises RecordsUnavailable.
    """
    if not state.is_file():
        return ()
    engine = open_sqlite(state, read_only=True)
    try:
        if not inspect(engine).has_table(_table.name):
            return ()
        return Releases(engine, releases_key(master)).for_asker(ori, now)
    except SQLAlchemyError:
        raise RecordsUnavailable(_UNAVAILABLE, code="releases.unavailable") from None
    finally:
        engine.dispose()


_KEPT = ("basis", "asker", "records", "classes", "released_by", "warrant", "note")


def _warrant(inner: Mapping[str, Any]) -> JudicialWarrant:
    document = WarrantDocument(**inner["document"])
    return JudicialWarrant(inner["court"], inner["number"], inner["person"], document)


def _as_rules_see_it(release_id: str, new: NewRelease) -> PersonRelease:
    return PersonRelease(
        id=release_id,
        basis=new.basis,
        asker=new.asker,
        records=frozenset(new.records),
        classes=new.classes,
        until=new.until,
        warrant=None if new.warrant is None else warrant_input(new.warrant),
    )


def as_told(recorded: Recorded, now: datetime) -> dict[str, Any]:
    """Give a release as administrators are shown it."""
    new, warrant = recorded.release, recorded.release.warrant
    state = "revoked" if recorded.revoked_at else "in force"
    return {
        "id": recorded.id,
        "state": state if recorded.in_force(now) or recorded.revoked_at else "ended",
        "basis": new.basis,
        "asker": new.asker,
        "records": list(new.records),
        "classes": list(new.classes),
        "until": stamp(new.until),
        "released_by": new.released_by,
        "recorded_at": stamp(recorded.recorded_at),
        "warrant": None
        if warrant is None
        else {
            "court": warrant.court,
            "number": warrant.number,
            "person": warrant.person,
            "document": {"digest": warrant.document.digest, "uri": warrant.document.uri},
        },
        "note": new.note,
    }
