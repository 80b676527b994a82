"""What persons here have released: kept sealed, in force at once, and over when it is over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.database import open_sqlite
from gateway.errors import NotFound, RecordsUnavailable
from gateway.exchange.releases import NewRelease, Releases, as_told
from gateway.model import JudicialWarrant, WarrantDocument
from gateway.names import mark

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
KEY = b"k" * 32
WARRANT = JudicialWarrant(
    court="A made-up court",
    number="26-MJ-0417",
    person="MARISOL QUEZADA BRANNOCK",
    document=WarrantDocument("sha-256:" + "4" * 64, "https://court.example/26-MJ-0417"),
)
NEW = NewRelease(
    basis="judicial_warrant",
    asker="XX9990000",
    records=("W-1", "P-2"),
    classes=("identity",),
    until=NOW + DAY,
    released_by="LT WINSLADE",
    warrant=WARRANT,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_sqlite(tmp_path / "state.db")
    yield opened
    opened.dispose()


def test_it_counts_for_its_agency_until_its_end(engine: Engine) -> None:
    store = Releases(engine, KEY)
    assert store.for_asker("XX9990000", NOW) == ()
    made = store.record(NEW, NOW)
    (release,) = store.for_asker("XX9990000", NOW)
    assert release.id == made.id
    assert release.records == {"W-1", "P-2"}
    assert release.as_input() == {
        "id": made.id,
        "basis": "judicial_warrant",
        "asker": "XX9990000",
        "classes": ["identity"],
        "until": f"{NOW + DAY:%Y-%m-%dT%H:%M:%S}.{NEW.until.microsecond // 10_000:02d}Z",
        "warrant": {
            "court": "A made-up court",
            "number": "26-MJ-0417",
            "person": mark("BRANNOCK, MARISOL QUEZADA"),
            "document": "sha-256:" + "4" * 64,
        },
    }
    assert "quezada" not in str(release.as_input()).lower()
    assert store.for_asker("YY9990000", NOW) == ()
    assert list(store.for_asker("XX9990000", NOW + DAY)) == []


def test_it_is_there_after_a_restart_and_not_once_revoked(engine: Engine) -> None:
    store = Releases(engine, KEY)
    made = store.record(NEW, NOW)
    other = store.record(replace(NEW, warrant=None, basis="consent", note="Form 12"), NOW)
    again = Releases(engine, KEY)
    assert {r.id for r in again.for_asker("XX9990000", NOW)} == {made.id, other.id}
    again.revoke(made.id, NOW)
    assert {r.id for r in again.for_asker("XX9990000", NOW)} == {other.id}
    with pytest.raises(NotFound):
        again.revoke(made.id, NOW)
    with pytest.raises(NotFound):
        again.revoke("rel_0", NOW)
    states = {as_told(r, NOW)["id"]: as_told(r, NOW)["state"] for r in again.listed()}
    assert states == {made.id: "revoked", other.id: "in force"}
    assert as_told(again.listed()[0], NOW + DAY)["state"] in {"ended", "revoked"}
    assert {r.release.note for r in again.listed()} == {None, "Form 12"}


def test_nothing_of_it_stands_there_in_clear(engine: Engine, tmp_path: Path) -> None:
    Releases(engine, KEY).record(NEW, NOW)
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        for secret in (b"QUEZADA", b"W-1", b"WINSLADE", b"26-MJ-0417"):
            assert secret not in content


def test_another_key_or_a_moved_row_opens_nothing(engine: Engine) -> None:
    store = Releases(engine, KEY)
    made, other = store.record(NEW, NOW), store.record(replace(NEW, until=NOW + 9 * DAY), NOW)
    with pytest.raises(RecordsUnavailable):
        Releases(engine, b"x" * 32)
    with engine.begin() as c:
        c.exec_driver_sql(
            "UPDATE person_release SET sealed = (SELECT sealed FROM person_release WHERE id = ?)"
            " WHERE id = ?",
            (other.id, made.id),
        )
    with pytest.raises(RecordsUnavailable):
        Releases(engine, KEY)
