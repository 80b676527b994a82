"""Decisions a second, and the cost of one, for 1, 16 and 64 peers and 100 records, in both engines.

    python -m bench.policy [--seconds 2] [--opa .cache/opa]

Over the shipped policies. Each decision has an input of its own (another case number), so that none
is taken from those kept for equal inputs; "equal" shows that. The CPU is this process's alone: the
OPA server has its own.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson

from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine
from gateway.policy.opa_bundle import command, write_bundle
from gateway.policy.opa_server import OpaServer, OpaServerEngine
from gateway.policy.sets import PolicySet, load_set

POLICIES = Path(__file__).parents[1] / "policies"
NOW, SELF, ASKER = "2026-11-23T20:46:10.00Z", "TX9990000", "CA9990000"
AGREED = "sha-256:" + "a" * 64
"""The digest of every example of an agreement."""
OFFICER = {
    "unit": "Robbery",
    "unit_function": "investigation",
    "roles": ["officer"],
    "assurance": 2,
    "attributes": ["chri_certified", "sworn"],
}


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
    base = {"v": 1, "now": NOW, "self": SELF, "client": "rms", "officer": OFFICER}
    return {**base, "search": search(number), "agencies": agencies}


def answer(number: int) -> dict[str, Any]:
    asker = {**OFFICER, "ori": ASKER}
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


def peers(policy_set: PolicySet, count: int) -> list[str]:
    """The agencies of the shipped directory, filled up with agencies that nobody knows."""
    known = sorted(policy_set.data["agencies"])
    return (known + [f"ZZ{n:07d}" for n in range(count)])[:count]


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


async def measure(case: Case, engine: Engine, seconds: float) -> None:
    for side_by_side in (1, 16) if engine.name != "embedded" else (1,):
        await case.decide(engine)
        before, cpu = case.made, time.process_time()
        end = time.perf_counter() + seconds
        await asyncio.gather(*(case.until(engine, end) for _ in range(side_by_side)))
        made = case.made - before
        spent = (time.process_time() - cpu) / made * 1000
        print(
            f"{engine.name:11} {case.title:32} {side_by_side:2} at once: {made / seconds:8.0f}/s, "
            f"{spent:6.3f} ms CPU of ours"
        )


def cases(policy_set: PolicySet) -> list[Case]:
    def asking(count: int) -> Case:
        named = peers(policy_set, count)
        return Case(f"ask, {count} peers", "ask", lambda i: ask(i, named))

    def releasing(distinct: int) -> Case:
        title = f"release, 100 records, {distinct} kinds"
        return Case(title, "release", lambda i: release(i, distinct))

    return [
        *(asking(n) for n in (1, 16, 64)),
        Case("answer", "answer", answer),
        Case("answer, equal", "answer", lambda _: answer(0)),
        *(releasing(n) for n in (1, 4, 36)),
    ]


async def all_of_it(engine: Engine, policy_set: PolicySet, seconds: float) -> None:
    await engine.activate(policy_set)
    for case in cases(policy_set):
        await measure(case, engine, seconds)
    await engine.close()


def with_opa(program: Path, policy_set: PolicySet, seconds: float) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        bundles = Path(folder)
        write_bundle(bundles, policy_set)
        opa = subprocess.Popen([str(program), *command(bundles, f"127.0.0.1:{port}")[1:]])
        try:
            _wait(f"http://127.0.0.1:{port}/health")
            server = OpaServer(f"http://127.0.0.1:{port}", bundles, timeout_s=5, switch_s=10)
            asyncio.run(_with(server, policy_set, seconds))
        finally:
            opa.kill()
            opa.wait()


async def _with(server: OpaServer, policy_set: PolicySet, seconds: float) -> None:
    await all_of_it(OpaServerEngine(server), policy_set, seconds)


def _wait(url: str) -> None:
    for _ in range(500):
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit("OPA did not start")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--opa", type=Path, default=Path(".cache/opa"))
    given = arguments.parse_args()
    policy_set = with_examples(load_set(POLICIES))
    print(f"{policy_set.revision}, {len(policy_set.rules)} Rego files, {os.cpu_count()} processors")
    asyncio.run(all_of_it(EmbeddedEngine(), policy_set, given.seconds))
    if not given.opa.exists():
        print("WITHOUT OPA: the server was not measured; run `make opa`")
        return
    with_opa(given.opa, policy_set, given.seconds)


if __name__ == "__main__":
    main()
