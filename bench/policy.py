"""Decisions a second, and the cost of one, for 1, 16 and 64 peers and 100 records, in both engines.

    python -m bench.policy [--seconds 2] [--opa .cache/opa]

Over the shipped policies. Each decision is of another officer's unit and another case, so that none
is taken from those that questions alike share (gateway/policy/alike.py); "one unit" shows these.
Each peer is an agency with an agreement of its own. The yardstick is a set whose every decision is
one word, asked with the very same inputs in turn with the real one: what an engine costs that
decides nothing. CPU is this process's, and with the OPA server the server's beside it.
"""

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from demo.ports import free_ports
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import ENTRYPOINTS, Engine
from gateway.policy.opa_bundle import command, write_bundle
from gateway.policy.opa_server import OpaServer, OpaServerEngine
from gateway.policy.sets import PolicySet, load_set, make_set

POLICIES = Path(__file__).parents[1] / "policies"
NOW, SELF, ASKER = "2026-11-23T20:46:10.00Z", "TX9990000", "CA9990000"
ROUNDS = 4
"""Turns of each side, so that both meet the same machine."""
ONE_UNIT = "answer, one unit's cases"
AGREED = "sha-256:" + "a" * 64
"""The digest of every example of an agreement."""
OFFICER = {
    "unit_function": "investigation",
    "roles": ["officer"],
    "assurance": 2,
    "logged_on_hours": 1,
    "attributes": ["chri_certified", "sworn"],
}


def officer(number: int) -> dict[str, Any]:
    return {**OFFICER, "unit": f"Robbery {number}"}


def search(number: int) -> dict[str, Any]:
    return {
        "purpose": "criminal_investigation",
        "iii_purpose_code": "C",
        "reference": {"type": "case", "number": f"26-{number}"},
        "reason_code": "robbery",
        "subject": {"kind": "person", "terms": ["name", "birth_date"]},
        "record_types": ["person", "warrant", "incident"],
        "granularity": "record",
        "max_matches": 100,
    }


def ask(number: int, agencies: list[str]) -> dict[str, Any]:
    base = {"v": 1, "now": NOW, "self": SELF, "client": "rms"}
    who = {"officer": officer(number), "agencies": agencies}
    return {**base, "search": search(number), **who}


def answer(number: int, unit: int | None = None) -> dict[str, Any]:
    asker = {**officer(number if unit is None else unit), "ori": ASKER}
    base = {"v": 1, "now": NOW, "self": SELF, "asker": asker, "agreement": AGREED}
    return {**base, "search": search(number)}


def release(number: int, distinct: int) -> dict[str, Any]:
    """What is decided for any number of records, of which so many have facts of their own."""
    kinds = [
        {
            "record_type": kind,
            "stale": stale,
            "dissemination": level,
            "disclosure": state,
            "juvenile": False,
            "source_kind": "own",
            "intelligence": False,
            "criminal_history": kind == "warrant",
        }
        for kind in ("person", "warrant", "incident")
        for level in ("GREEN", "YELLOW", "RED")
        for state in ("open", "sealed")
        for stale in (False, True)
    ]
    return {**answer(number), "granularity": "record", "facts": kinds[:distinct]}


def peers(count: int) -> list[str]:
    return [f"ZZ{n:07d}" for n in range(count)]


def with_peers(policy_set: PolicySet, count: int) -> PolicySet:
    """Give the set with so many agencies more, each with an agreement with this one, like ASKER."""
    data = dict(policy_set.data)
    papers = data["agreements"][ASKER][SELF]
    agencies, agreed = dict(data["agencies"]), dict(data["agreements"])
    ours = dict(agreed.get(SELF, {}))
    for ori in peers(count):
        agencies[ori] = agencies[ASKER]
        ours[ori] = {
            name: {
                **paper,
                "parties": [SELF, ori],
                "shares": {SELF: paper["shares"][SELF], ori: paper["shares"][ASKER]},
            }
            for name, paper in papers.items()
        }
    return make_set(
        policy_set.modules,
        {**data, "agencies": agencies, "agreements": {**agreed, SELF: ours}},
    )


class Case:
    """One kind of decision: `make(n)` gives the n-th input."""

    def __init__(self, title: str, entrypoint: str, make: Callable[[int], dict[str, Any]]) -> None:
        self.title = title
        self.entrypoint = entrypoint
        self.make = make
        self.made = 0

    async def decide(self, engine: Engine) -> None:
        self.made += 1
        await engine.decide(self.entrypoint, orjson.dumps(self.make(self.made)))

    async def until(self, engine: Engine, end: float) -> None:
        while time.perf_counter() < end:
            await self.decide(engine)


class Side:
    """An engine with a set, and the OPA process that decides for it, if there is one."""

    def __init__(self, engine: Engine, server: int | None = None) -> None:
        self.engine = engine
        self._server = server

    def cpu(self) -> tuple[float, float]:
        """Seconds of processor time: ours, and the server's."""
        if self._server is None:
            return time.process_time(), 0.0
        # Fields 14 and 15, counted behind the name, which may hold spaces.
        fields = Path(f"/proc/{self._server}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return time.process_time(), ticks / os.sysconf("SC_CLK_TCK")


class Cost:
    """What one side's decisions cost: how many, in which time, with how much processor time."""

    def __init__(self) -> None:
        self.made = 0
        self.seconds = self.ours = self.servers = 0.0

    @property
    def each(self) -> float:
        """Milliseconds of processor time a decision, on both sides."""
        return (self.ours + self.servers) / self.made * 1000

    async def add(self, case: Case, side: Side, seconds: float, at_once: int) -> None:
        """Decide for some seconds."""
        before, (ours, servers) = case.made, side.cpu()
        start = time.perf_counter()
        deciding = (case.until(side.engine, start + seconds) for _ in range(at_once))
        await asyncio.gather(*deciding)
        self.seconds += time.perf_counter() - start
        self.made += case.made - before
        now = side.cpu()
        self.ours += now[0] - ours
        self.servers += now[1] - servers


async def measure(case: Case, real: Side, plain: Side, seconds: float) -> None:
    for at_once in (1, 16) if real.engine.name != "embedded" else (1,):
        costs = {side: Cost() for side in (real, plain)}
        for side in costs:
            await case.decide(side.engine)
        for _ in range(ROUNDS):
            for side, cost in costs.items():
                await cost.add(case, side, seconds / ROUNDS, at_once)
        mine, nothing = costs[real], costs[plain]
        servers = f" + {mine.servers / mine.made * 1000:5.2f} OPA's" if mine.servers else ""
        ours = f"{mine.ours / mine.made * 1000:6.3f}{servers}"
        per_second = (cost.made / cost.seconds for cost in (mine, nothing))
        print(
            f"{real.engine.name:10} {case.title:31} {at_once:2} at once",
            "{:6.0f}/s (nothing: {:6.0f}/s),".format(*per_second),
            f"{ours} ms CPU, {mine.each / nothing.each:.1f} times nothing's {nothing.each:.3f}",
            flush=True,
        )


def cases() -> list[Case]:
    def asking(count: int) -> Case:
        named = peers(count)
        return Case(f"ask, {count} peers", "ask", lambda i: ask(i, named))

    def releasing(distinct: int) -> Case:
        title = f"release, 100 records, {distinct} kinds"
        return Case(title, "release", lambda i: release(i, distinct))

    return [
        *(asking(n) for n in (1, 16, 64)),
        Case("answer", "answer", answer),
        Case(ONE_UNIT, "answer", lambda i: answer(i, unit=0)),
        *(releasing(n) for n in (1, 4, 36)),
    ]


def deciding_nothing() -> PolicySet:
    """The yardstick: each decision is one word, whatever is asked."""
    module = 'package sallyport.{}\n\nimport rego.v1\n\ndecision := {{"v": input.v}}\n'
    return make_set({f"{e}.rego": module.format(e) for e in ENTRYPOINTS}, {})


async def all_of_it(real: Side, plain: Side, policy_set: PolicySet, seconds: float) -> None:
    await real.engine.activate(policy_set)
    await plain.engine.activate(deciding_nothing())
    for case in cases():
        await measure(case, real, plain, seconds)
    for side in (real, plain):
        await side.engine.close()


@contextmanager
def opa_with(program: Path, policy_set: PolicySet) -> Iterator[tuple[OpaServer, int]]:
    """Run an OPA server by a set; give where it is, and its process id."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with tempfile.TemporaryDirectory() as folder:
        bundles = Path(folder)
        write_bundle(bundles, policy_set)
        words = [str(program), *command(bundles, url.removeprefix("http://"))[1:]]
        opa = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            _wait(f"{url}/health")
            yield OpaServer(url, bundles, timeout_s=5, switch_s=10), opa.pid
        finally:
            opa.kill()
            opa.wait()


def with_opa(program: Path, policy_set: PolicySet, seconds: float) -> None:
    async def run(real: tuple[OpaServer, int], plain: tuple[OpaServer, int]) -> None:
        one, other = (Side(OpaServerEngine(server), pid) for server, pid in (real, plain))
        await all_of_it(one, other, policy_set, seconds)

    with opa_with(program, policy_set) as real, opa_with(program, deciding_nothing()) as plain:
        asyncio.run(run(real, plain))


def _wait(url: str) -> None:
    for _ in range(500):
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("OPA did not start")


async def _embedded(policy_set: PolicySet, seconds: float) -> None:
    await all_of_it(Side(EmbeddedEngine()), Side(EmbeddedEngine()), policy_set, seconds)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--opa", type=Path, default=Path(".cache/opa"))
    given = arguments.parse_args()
    policy_set = with_peers(with_examples(load_set(POLICIES)), 64)
    print(f"{policy_set.revision}, {len(policy_set.rules)} Rego files, {os.cpu_count()} processors")
    asyncio.run(_embedded(policy_set, given.seconds))
    if not given.opa.exists():
        print("WITHOUT OPA: the server was not measured; run `make opa`")
        return
    with_opa(given.opa, policy_set, given.seconds)


if __name__ == "__main__":
    main()
