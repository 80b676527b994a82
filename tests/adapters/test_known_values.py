"""What a mapping's rules keep of values they have met: bounded, counted, never past its truth."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters import MappedSource, rules
from adapters.rules import Memo
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import BORN, NAME, SEX, mapping


def memos(source: MappedSource) -> list[Memo]:
    plans = (plan for part in source._parts for plan in part.plans)
    return [rule.memo for plan in plans for one in plan.objects.values() for rule in one.data]


def test_no_value_of_a_row_is_kept_after_it_was_read(small: Make) -> None:
    source = small(mapping(NAME, BORN, SEX), b'ID,NAME,BORN,SEX\n1,"DOE, ANA",01/02/1990,F\n')
    rows = source.rows()
    assert isinstance(next(rows), Record)
    assert {key for memo in memos(source) for key in memo} == {"DOE, ANA", "01/02/1990", "F"}
    assert list(rows) == []
    assert not any(memos(source))
    # As well if who reads stops early.
    rows = source.rows()
    next(rows)
    rows.close()
    assert not any(memos(source))


def test_what_is_kept_is_bounded(small: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_SHORT", 12)
    lines = [f'{n},"DOE, N{"A" * n}",,F' for n in range(3_000)]
    source = small(mapping(NAME, BORN, SEX), "\n".join(["ID,NAME,BORN,SEX", *lines]).encode())
    rows = source.rows()
    for _ in range(3_000):
        assert isinstance(next(rows), Record)
    names, *_ = memos(source)
    assert max(map(len, names)) == 12
    monkeypatch.setattr(rules, "_SHORT", 64)
    lines = [f"{n},DOE {n},,F" for n in range(3_000)]
    source = small(mapping(NAME, BORN, SEX), "\n".join(["ID,NAME,BORN,SEX", *lines]).encode())
    rows = source.rows()
    for _ in range(3_000):
        next(rows)
    assert [len(memo) for memo in memos(source)] == [2_048, 1, 1]


def test_each_value_that_is_kept_raw_is_counted(small: Make) -> None:
    field = (
        'to: "person/j:PersonSexCode", column: SEX, codes: {F: F, Z: {keep: true}}, unmapped: keep'
    )
    source = small(
        mapping(NAME, field),
        b"ID,NAME,SEX\n"
        + b"".join(
            b"%d,DOE,%s\n" % (n, code) for n, code in enumerate([b"Z", b"Q", b"F", b"Q", b"", b"Z"])
        ),
    )
    assert len(list(source.rows())) == 6
    assert source.kept_raw() == {"j:PersonSexCode": 4}
    list(source.rows())
    assert source.kept_raw() == {"j:PersonSexCode": 4}, "anew each time"


def test_a_day_that_was_to_come_is_past_once_it_has_come(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    when = "when: {column: DAY, past: true, date: YYYY-MM-DD}"
    source = small(
        mapping(NAME, f'to: "person/j:PersonSexCode", column: SEX, codes: {{F: F}}, {when}'),
        b"ID,NAME,SEX,DAY\n1,DOE,F,2041-05-01\n2,DOE,F,2041-05-01\n",
    )

    class Later(datetime):
        """Now is long after."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:
            del tz
            return datetime(2041, 5, 1, tzinfo=UTC) + timedelta(days=1)

    rows = source.rows()
    before = next(rows)
    monkeypatch.setattr("adapters.dates.datetime", Later)
    after = next(rows)
    assert isinstance(before, Record)
    assert isinstance(after, Record)
    assert "j:PersonSexCode" not in before.message["nc:Person"]
    assert after.message["nc:Person"]["j:PersonSexCode"] == "F"


def test_a_fault_is_told_of_each_row_that_has_it(small: Make) -> None:
    source = small(mapping(NAME, BORN), b"ID,NAME,BORN\n1,DOE,31/31/1990\n2,DOE,31/31/1990\n")
    found = list(source.rows())
    assert [
        (one.line, one.code, one.column, one.value) for one in found if isinstance(one, SetAside)
    ] == [
        (2, "date.none", "BORN", "31/31/1990"),
        (3, "date.none", "BORN", "31/31/1990"),
    ]


def test_a_record_shares_nothing_with_the_next(small: Make) -> None:
    lines = b"".join(b'%d,"DOE, ANA",01/02/1990\n' % n for n in range(4))
    for one in small(mapping(NAME, BORN), b"ID,NAME,BORN\n" + lines).rows():
        assert isinstance(one, Record)
        person = one.message["nc:Person"]
        assert person["nc:PersonName"] == {"nc:PersonGivenName": "ANA", "nc:PersonSurName": "DOE"}
        assert person["nc:PersonBirthDate"] == {"nc:Date": "1990-01-02"}
        person["nc:PersonName"].clear()
        person["nc:PersonBirthDate"]["nc:Date"] = "x"
