"""Switching between two sets while decisions are under way, through the room's own door: each
decision is the one that the set named by its digest gives, whole, and none fails."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.model import Reference
from gateway.policy import AnswerPermit, Evidence, Policy, Released
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.sets import load_set
from tests.policy.conftest import Run
from tests.policy.made import LEAF, NOW, SMALL, TEXAS, found, result, search, start, write_set
from tests.soak import count

SWITCHES = count(2, 100)
DAYS = {"one": 11, "two": 22}
_DOORS = ("ask", "answer", "release", "admit")
_RULES = re.compile(r'"rules": \["test\.(partner|ask|answer|shown|admit)"\]')


def saying(word: str) -> dict[str, str]:
    """Make every door of the small set say a word from its rules, one from its data, and its case.

    How long a match may be kept comes from the data alone.
    """
    said = f'"rules": ["{word}", data.switch.word, input.search.reference.number]'
    files = {
        "switch/data.json": f'{{"word": "{word}", "days": {DAYS[word]}}}',
        # Its own tests ask without a case.
        "sallyport/ask/ask_test.rego": (SMALL / "sallyport/ask/ask_test.rego")
        .read_text()
        .replace('"search": {', '"search": {"reference": {"number": "26-1"}, '),
    }
    for door in _DOORS:
        name = f"sallyport/{door}/{door}.rego"
        text, changed = _RULES.subn(said, (SMALL / name).read_text())
        assert changed
        files[name] = text.replace('"keep_days": 30', '"keep_days": data.switch.days')
    return files


class Load:
    """Callers that take both doors, the release and the admission, each with a case of its own."""

    def __init__(self, policy: Policy, words: dict[str, str]) -> None:
        self._policy = policy
        self._words = words
        self.decided: Counter[tuple[str, str]] = Counter()
        self.over = False

    def check(self, evidence: Evidence, case: str) -> str:
        """Hold a decision against the set that it names: rules, data and input are one caller's."""
        word = self._words[evidence.revision]
        # Doubles are taken out of what a release names.
        assert tuple(dict.fromkeys(evidence.rules)) == (word, case)
        self.decided[evidence.entrypoint, word] += 1
        return word

    async def further(self, word: str) -> None:
        """Wait until this set has decided something more."""
        before = self.decided["admit", word]
        async with asyncio.timeout(20):
            while self.decided["admit", word] == before:  # noqa: ASYNC110 - the callers count
                await asyncio.sleep(0.005)

    async def caller(self, number: int) -> None:
        """Ask, answer, release and take in, until the switching is over."""
        turn = 0
        while not self.over:
            turn += 1
            case = f"26-{number:02d}-{turn:06d}"
            asked = search(agencies=(TEXAS,), reference=Reference("case", case))
            decision = await self._policy.permit_search(asked, now=NOW)
            (permit,) = decision.permits
            self.check(permit.evidence, case)
            opened = await self._policy.permit_answer(permit.question, now=NOW)
            assert isinstance(opened, AnswerPermit)
            self.check(opened.evidence, case)
            released = await self._policy.release(opened, result(found()), leaf=LEAF, now=NOW)
            word = self.check(released.evidence[-1], case)
            answer = released.answer
            assert answer.policy is not None
            assert self._words[answer.policy] == word
            handling = answer.matches[0].handling
            assert handling is not None
            assert handling.keep_days == DAYS[word]
            admitted = await self._policy.admit(permit, answer, now=NOW)
            assert isinstance(admitted, Released)
            self.check(admitted.evidence[-1], case)
            # Vetting, a process of its own, wants some of the machine too.
            await asyncio.sleep(0.005)


@asynccontextmanager
async def policy_with(engine: Engine, folder: Path, data: Path) -> AsyncIterator[Policy]:
    policy = await start(data, folder, engine)
    try:
        yield policy
    finally:
        await policy.close()


async def switch_under_load(engine: Engine, tmp_path: Path, *, callers: int) -> Load:
    folders = {w: write_set(tmp_path / w, saying(w)) for w in DAYS}
    words = {load_set(f).revision: w for w, f in folders.items()}
    assert len(words) == 2
    live = write_set(tmp_path / "live", saying("one"))
    async with policy_with(engine, live, tmp_path / "data") as policy:
        load = Load(policy, words)
        async with asyncio.TaskGroup() as group:
            for number in range(callers):
                group.create_task(load.caller(number))
            for n in range(SWITCHES):
                word = ("two", "one")[n % 2]
                write_set(live, saying(word))
                assert words[await policy.apply()] == word
                await load.further(word)
            load.over = True
    return load


def at_every_door(load: Load) -> None:
    for door in _DOORS:
        for word in DAYS:
            assert load.decided[door, word] >= SWITCHES // 2, load.decided


async def test_no_wrong_and_no_failed_decision_in_the_embedded_engine(tmp_path: Path) -> None:
    at_every_door(await switch_under_load(EmbeddedEngine(), tmp_path, callers=8))


@pytest.mark.opa
async def test_no_wrong_and_no_failed_decision_in_a_pool_of_opa_servers(
    run: Run, tmp_path: Path
) -> None:
    servers = run(load_set(write_set(tmp_path / "first", saying("one"))), number=3)
    engine = OpaServerEngine(*(s.server for s in servers))
    at_every_door(await switch_under_load(engine, tmp_path, callers=16))


async def test_a_decision_of_the_wrong_set_would_be_noticed(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "one", saying("one"))
    async with policy_with(EmbeddedEngine(), folder, tmp_path / "data") as policy:
        for wrong in ({policy.revision: "two"}, {}):
            load = Load(policy, wrong)
            with pytest.raises((AssertionError, KeyError)):
                await load.caller(1)
        # Rules of one set, data of the other.
        write_set(folder, {"switch/data.json": '{"word": "two", "days": 22}'})
        await policy.apply()
        with pytest.raises(AssertionError):
            await Load(policy, {policy.revision: "one"}).caller(1)
