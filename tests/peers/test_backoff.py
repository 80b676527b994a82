from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.database import open_sqlite
from gateway.model import Ori
from gateway.peers import BackOff

PEER = Ori("ZZ9990000")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_doubles_up_to_a_minute_and_clears(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state.db")
    backoff = BackOff(engine)
    assert backoff.wait_s(PEER, NOW) == 0
    assert [backoff.failed(PEER, NOW) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.wait_s(PEER, NOW) == 60
    assert backoff.wait_s(PEER, NOW + timedelta(seconds=60)) == 0
    backoff.cleared(PEER)
    assert backoff.failed(PEER, NOW) == 1
    engine.dispose()


def test_is_kept_across_a_restart(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state.db")
    BackOff(engine).failed(PEER, NOW)
    engine.dispose()
    again = open_sqlite(tmp_path / "state.db")
    assert BackOff(again).wait_s(PEER, NOW) == 1
    again.dispose()


def test_a_clock_set_back_locks_nobody_out(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state.db")
    backoff = BackOff(engine)
    backoff.failed(PEER, NOW)
    assert backoff.wait_s(PEER, NOW - timedelta(days=30)) <= 60
    engine.dispose()


def test_a_database_that_can_not_be_written_stops_no_search(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "state.db")
    backoff = BackOff(engine)
    with engine.begin() as c:
        c.exec_driver_sql("DROP TABLE peer_backoff")
    assert backoff.failed(PEER, NOW) == 1
    assert backoff.wait_s(PEER, NOW) == 1
    backoff.cleared(PEER)
    assert backoff.wait_s(PEER, NOW) == 0
    engine.dispose()
