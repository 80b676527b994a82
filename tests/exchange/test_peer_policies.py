"""Which set each peer decides by: a change is noted once, logged first, and kept over restarts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.database import open_sqlite
from gateway.exchange.peer_policies import PeerPolicies
from gateway.ledger import Draft

ORI, OTHER = "TX9990000", "NM9990000"
ONE, TWO = ("sha-256:" + c * 64 for c in "12")
THEN = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Engine]:
    engine = open_sqlite(tmp_path / "state.db")
    yield engine
    engine.dispose()


def heard(policies: PeerPolicies, revision: str, minutes: int, ori: str = ORI) -> list[Draft]:
    with policies.noting([(ori, revision)], THEN + timedelta(minutes=minutes)) as news:
        return list(news)


async def test_first_and_changed_are_news_once(state: Engine) -> None:
    policies = PeerPolicies(state)
    (first,) = heard(policies, ONE, 0)
    assert (first.decision, first.request, first.response) == ("peer_policy_seen", None, ONE)
    assert heard(policies, ONE, 5) == []
    assert policies.listing()[ORI]["changed"] is False
    (changed,) = heard(policies, TWO, 10)
    assert (changed.decision, changed.request, changed.response) == (
        "peer_policy_changed",
        ONE,
        TWO,
    )
    assert heard(policies, TWO, 20) == []
    assert policies.listing() == {
        ORI: {
            "revision": TWO,
            "since": "2026-11-24T12:10:00.00Z",
            "seen": "2026-11-24T12:20:00.00Z",
            "changed": True,
            "before": ONE,
        }
    }


async def test_it_outlasts_a_restart(state: Engine) -> None:
    policies = PeerPolicies(state)
    for minutes, revision in ((0, ONE), (1, TWO), (3, TWO)):
        heard(policies, revision, minutes)
        await policies.keep()
    again = PeerPolicies(state)
    assert again.listing() == policies.listing()
    assert heard(again, TWO, 4) == []
    assert len(heard(again, ONE, 5)) == 1


async def test_what_was_not_logged_is_news_again(state: Engine) -> None:
    policies = PeerPolicies(state)
    with pytest.raises(OSError, match="disk"), policies.noting([(ORI, ONE)], THEN):
        raise OSError("disk")
    assert policies.listing() == {}
    assert len(heard(policies, ONE, 1)) == 1


async def test_two_searches_at_once_log_one_change(state: Engine) -> None:
    policies = PeerPolicies(state)
    with (
        policies.noting([(ORI, ONE), (OTHER, ONE)], THEN) as first,
        policies.noting([(ORI, ONE)], THEN) as second,
    ):
        assert (len(first), second) == (2, [])
    assert policies.listing().keys() == {ORI, OTHER}


async def test_a_database_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state.db")
    policies = PeerPolicies(engine)
    heard(policies, ONE, 0)
    with engine.begin() as c:
        c.exec_driver_sql("DROP TABLE peer_policy")
    await policies.keep()
    assert policies.listing()[ORI]["revision"] == ONE
    engine.dispose()
