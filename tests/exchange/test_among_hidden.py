"""Answers from real records among which policy hides many, and answers while records change."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.errors import RecordsChanged
from gateway.ledger import EntryType
from gateway.model import AT_ONCE, Answer, FindResult, Granularity, Handling, Question, Record
from gateway.records.find import Records
from gateway.records.importer import Importer
from gateway.records.store import Reader, Stored
from tests.exchange.logged import Agency, agency
from tests.policy.made import NOW, OPEN, person_message, question
from tests.soak import count

SURNAME = "QUEZADA BRANNOCK"  # of the person whom `question` asks for
HIDDEN: tuple[dict[str, Any], ...] = (
    {"dissemination": "RED"},
    {"disclosure": "expunged"},
    {"disclosure": "sealed"},
)


def record(number: int, surname: str, **facts: Any) -> Record:
    """Give a warrant for the person who is asked for, under this surname."""
    message = person_message()
    message["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] = surname
    return Record(f"W-{number}", "warrant", message, Handling.of({**OPEN, **facts}))


def put(path: Path, records: list[Record]) -> None:
    importer = Importer(path)
    importer.run("persons", records, as_of=NOW)
    importer.close()


@asynccontextmanager
async def holding(path: Path, records: list[Record]) -> AsyncIterator[Records]:
    put(path, records)
    made = Records(path, today=lambda: date(2026, 11, 23))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def answer(made: Agency, asked: Question) -> tuple[bytes, Answer]:
    """Answer; give the body without what chance alone makes differ."""
    released = await made.answering.answer(asked)
    assert released.answer.leaf is not None
    body = released.body().replace(released.answer.leaf.encode(), b"leaf")
    return body.replace(released.answer.blind.encode(), b"chance"), released.answer


@pytest.mark.parametrize("seed", range(count(6, 60)))
async def test_the_answer_is_that_of_a_store_without_them(
    vetted: Path, tmp_path: Path, seed: int
) -> None:
    """However many are hidden, and however well they match: none takes another's place."""
    chance = random.Random(seed)
    # One at least: an agency without any record of a type says so (docs/adr/0012).
    shown, hidden = chance.randrange(1, 30), chance.choice((1, 41, 120, 300))
    records = [record(n, chance.choice((SURNAME, "BRANNOCK", "QUESADA"))) for n in range(shown)]
    # The hidden ones match best of all, so that they stand first.
    records += [record(shown + n, SURNAME, **chance.choice(HIDDEN)) for n in range(hidden)]
    chance.shuffle(records)
    left = [r for r in records if r.handling == Handling.of(OPEN)]
    asked = [
        question(granularity=g, max_matches=most, record_types=("person", "warrant"))
        for g in Granularity
        for most in (1, 10, 100)
    ]
    bodies = []
    for name, some in (("among", records), ("alone", left)):
        async with (
            holding(tmp_path / f"{name}.db", some) as found,
            agency(vetted, records=found) as made,
        ):
            answers = [await answer(made, one) for one in asked]
        bodies.append([body for body, _ in answers])
        assert len(answers[-1][1].matches) == shown
    assert bodies[0] == bodies[1]


async def test_all_that_are_hidden_cost_one_evaluation_each_kind(
    vetted: Path, tmp_path: Path
) -> None:
    records = [record(n, SURNAME, **HIDDEN[n % 3]) for n in range(200)]
    async with (
        holding(tmp_path / "records.db", records) as found,
        agency(vetted, records=found) as made,
    ):
        _, said = await answer(made, question(max_matches=1))
        assert said.matches == ()
        personal = (await made.last(EntryType.RESPONSE_OUT)).personal
        assert personal is not None
        assert personal["decision"]["input"].count('"record_type":"warrant"') == len(HIDDEN)


async def test_many_are_read_a_few_at_a_time(
    vetted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody else waits for a hundred of them; and none is read that is not wanted."""
    read: list[int] = []
    fetch = Reader.fetch

    def noted(reader: Reader, keys: Sequence[int]) -> dict[int, Stored]:
        read.append(len(keys))
        return fetch(reader, keys)

    monkeypatch.setattr(Reader, "fetch", noted)
    async with (
        holding(tmp_path / "records.db", [record(n, SURNAME) for n in range(120)]) as found,
        agency(vetted, records=found) as made,
    ):
        for most in (10, 20, 100):
            read.clear()
            found._mirrors._recent.clear()
            _, said = await answer(made, question(max_matches=most))
            assert len(said.matches) == most
            assert max(read) <= AT_ONCE
            assert most < sum(read) <= most + len(read)


class Meanwhile:
    """The records, with an import that comes between finding and reading, so many times."""

    def __init__(self, records: Records, path: Path, times: int) -> None:
        self._records = records
        self._path = path
        self._left = times

    async def refresh(self) -> None:
        await self._records.refresh()

    async def find(self, asked: Question, **more: Any) -> FindResult:
        result = await self._records.find(asked, **more)
        if self._left:
            self._left -= 1
            put(self._path, [record(100 + self._left, SURNAME)])
            await self._records.refresh()
        return result


@pytest.mark.parametrize("times", [1, 2])
async def test_an_import_between_finding_and_reading(
    vetted: Path, tmp_path: Path, times: int
) -> None:
    """Once, and it is found anew; again and again, and there is no answer, which is logged."""
    path = tmp_path / "records.db"
    async with holding(path, [record(1, SURNAME)]) as found:
        between = cast("Records", Meanwhile(found, path, times))
        async with agency(vetted, records=between) as made:
            if times == 1:
                _, said = await answer(made, question())
                assert [m.record_id for m in said.matches] == ["W-100"]
                return
            with pytest.raises(RecordsChanged):
                await answer(made, question())
            last = await made.last(EntryType.RESPONSE_OUT)
            assert last.fields["reasons"] == ["records.unavailable"]
