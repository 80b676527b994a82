"""Can the time of an answer tell a record that policy hides from one that is not there?

    python -m bench.hidden [--people 2000] [--rounds 400] [--keep FOLDER]

One gateway, composed in this process, with real policy, log and records. Questions for people whose
records are hidden, for names that no record has, and for people who are shown, are asked in turn,
each with a matter of its own. Told apart how well? The chance that a hidden one takes longer than
an absent one: 0.5 is not at all, 1 is always. "the same search" asks for the hidden person both
times and takes what was found away: that leaves policy, release and log alone.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.cast import EXPUNGED, MARISOL, RED, Member
from demo.world import AGENCIES, World
from gateway import settings as settings_files
from gateway.app import _compose
from gateway.exchange import Answering
from gateway.http.client import new_search_id
from gateway.http.composed import Gateway
from gateway.model import (
    Asker,
    FindResult,
    Granularity,
    Listed,
    Name,
    Ori,
    PersonQuery,
    Question,
    ReasonGiven,
    Reference,
    Subject,
    stamp,
)
from gateway.policy.rules import all_papers
from gateway.records.find import Records
from gateway.telemetry import Metrics
from gateway.trust.tickets import Tickets

OWNER, ASKER = "TX9990000", "CA9990000"
TYPES = ("person", "arrest", "warrant")


def longer(first: Sequence[float], second: Sequence[float]) -> float:
    """The chance that one of the first is longer than one of the second; ties count half."""
    ranked = sorted([(t, 0) for t in first] + [(t, 1) for t in second])
    total, i = 0.0, 0
    while i < len(ranked):
        end = i
        while end < len(ranked) and ranked[end][0] == ranked[i][0]:
            end += 1
        total += (i + end + 1) / 2 * sum(1 for k in range(i, end) if ranked[k][1] == 0)
        i = end
    return (total - len(first) * (len(first) + 1) / 2) / (len(first) * len(second))


class Nothing:
    """The records, with what they find taken away after the search."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, question: Question, **more: Any) -> FindResult:
        return replace(await self._records.find(question, **more), found=Listed())


def asking(person: PersonQuery, number: int, agreement: str) -> Question:
    return Question(
        version=1,
        transaction=new_search_id(),
        owner=OWNER,
        asker=Asker(
            ori=ASKER,
            unit="Robbery",
            unit_function="investigation",
            officer="A" * 43,
            roles=("officer",),
            assurance=2,
            auth_time=stamp(datetime.now(UTC)),
            attributes=("chri_certified", "sworn"),
        ),
        purpose="criminal_investigation",
        subject=Subject(person=person),
        record_types=TYPES,
        granularity=Granularity.RECORD,
        reason=ReasonGiven("robbery", "A measurement"),
        reference=Reference("case", f"26-{number:06d}"),
        iii_purpose_code="C",
        agreement=agreement,
    )


def who(member: Member) -> PersonQuery:
    return PersonQuery(
        names=(Name(given=member.given, surname=member.surname),), birth_date=member.birth
    )


def nobody(member: Member, chance: random.Random) -> PersonQuery:
    """A name of the same letters that nobody has."""
    given, surname = (
        "".join(chance.sample(name, len(name))) for name in (member.given, member.surname)
    )
    return PersonQuery(names=(Name(given=given, surname=surname),), birth_date=member.birth)


async def measure(gateway: Gateway, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Give milliseconds of each kind: by the clock, and of processor time in this process."""
    paper = next(
        p
        for p in all_papers(gateway.policy.deciding)
        if p.way[0] == "agreements" and {OWNER, ASKER} <= set(p.way)
    )
    content: Any = gateway.policy.deciding.data
    for step in paper.way:
        content = content[step]
    empty = Answering(
        tickets=Tickets(bytes(32)),
        policy=gateway.policy,
        ledger=gateway.ledger,
        records=Nothing(gateway.records),  # type: ignore[arg-type] # the one method that is used
        metrics=gateway.metrics,
        tracing=gateway.answering._tracing,  # noqa: SLF001 - the same parts, but for the records
    )
    chance = random.Random(7)
    times: dict[str, list[tuple[float, float]]] = {
        n: [] for n in ("hidden", "absent", "taken away", "shown")
    }
    for number in range(rounds + 20):
        member = (EXPUNGED, RED)[number % 2]
        kinds = [
            ("hidden", gateway.answering, who(member)),
            ("absent", gateway.answering, nobody(member, chance)),
            ("taken away", empty, who(member)),
            ("shown", gateway.answering, who(MARISOL)),
        ]
        chance.shuffle(kinds)
        for kind, answering, person in kinds:
            question = asking(person, number, str(content["digest"]))
            before, cpu = time.perf_counter(), time.process_time()
            released = await answering.answer(question)
            took, used = time.perf_counter() - before, time.process_time() - cpu
            assert bool(released.answer.matches) is (kind == "shown"), kind
            if number >= 20:  # the first ones warm up
                times[kind].append((took * 1000, used * 1000))
            await asyncio.sleep(0)
    return times


async def run(world: World, rounds: int) -> None:
    async with AsyncExitStack() as stack:
        settings = settings_files.load(world[OWNER].home)
        gateway = await _compose(settings, Metrics(), stack, None)
        times = await measure(gateway, rounds)
    for place, measured in enumerate(("by the clock", "processor time")):
        of = {kind: [pair[place] for pair in pairs] for kind, pairs in times.items()}
        print(measured)
        for kind, some in of.items():
            cuts = statistics.quantiles(some, n=20)
            print(
                f"  {kind:11} median {cuts[9]:6.2f} ms   5 % {cuts[0]:6.2f}   95 % {cuts[18]:6.2f}"
            )
        for title, other in (("an absent name", "absent"), ("the same search", "taken away")):
            print(f"  hidden longer than {title}: {longer(of['hidden'], of[other]):.3f}")
        print(f"  shown longer than an absent name: {longer(of['shown'], of['absent']):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="keep the built world here, or use the one there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(given.keep or Path(folder) / "world", say=print)
        if not world.root.exists():
            world.build(people=given.people, agencies=(OWNER, ASKER))
            world[OWNER].command("import", "--json")
        else:
            world.gateways[OWNER] = _known(world)
        asyncio.run(run(world, given.rounds))


def _known(world: World) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - of this alone

    from demo.world import Gateway as Process  # noqa: PLC0415 - as above

    key = ec.generate_private_key(ec.SECP256R1())  # no client logs on here
    return Process(Ori(OWNER), AGENCIES[OWNER], world.root / OWNER, 9, key)


if __name__ == "__main__":
    main()
