"""Ask one gateway signed questions, many at once, from a processor of its own. Prints JSON.

    python -m bench.load HOME_OF_ASKER URL ORI QUESTIONS SECONDS CONCURRENCY [--units 25]
        [--bare]

QUESTIONS is a file with one question's subject a line. Every answer's status is counted. Every
50th answer is kept, and once the time is over it is verified that the gateway signed it for its
question: so the load does not measure itself, and a wrong signature ends it with an error.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from demo import agreements
from gateway.http.client import new_search_id
from gateway.model import Ori, stamp
from gateway.peers import PATH
from gateway.trust import keys as key_files
from gateway.trust import registry as registries
from gateway.trust.signatures import Binding, Signer, Verifier

CALLER = "CA9990000"
KEPT_EVERY = 50


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it came, and what it has to be bound to."""

    question: Binding
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    came: datetime


def verify(registry: registries.Registry, owner: str, kept: Sequence[Kept]) -> int:
    """Verify these, and give how many they are. Raises PeerBadSignature for the first wrong one."""
    verifier = Verifier(registry, count=lambda _: None)
    peer = registry.by_ori(owner)
    assert peer is not None
    for answer in kept:
        verifier.verify_response(
            peer,
            answer.question,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            now=answer.came,
        )
    return len(kept)


def question(
    owner: str,
    transaction: str,
    subject: dict[str, Any],
    asker: str,
    types: tuple[str, ...] = ("person", "warrant", "arrest"),
    *,
    agreement: str | None = None,
    unit: str = "Robbery",
) -> bytes:
    return orjson.dumps(
        {
            "version": 1,
            "transaction": transaction,
            "owner": owner,
            "asker": {
                "ori": asker,
                "unit": unit,
                "unit_function": "investigation",
                "officer": "bench-officer-0000000000",
                "roles": ["officer"],
                "assurance": 2,
                "auth_time": stamp(datetime.now(UTC)),
                "attributes": ["sworn", "chri_certified"],
            },
            "purpose": "criminal_investigation",
            "iii_purpose_code": "C",
            # A matter of its own: no two questions are equal.
            "reference": {"type": "case", "number": transaction[-12:]},
            "reason": {"code": "robbery", "text": "Named suspect seen leaving"},
            "subject": {"person": subject},
            "record_types": types,
            "granularity": "record",
            "max_matches": 10,
            "agreement": agreement,
        }
    )


async def ask(given: argparse.Namespace) -> dict[str, Any]:
    signer = Signer(key_files.load(given.home).message)
    subjects = [orjson.loads(line) for line in given.questions.read_bytes().splitlines()]
    turn = itertools.count()
    agreed = agreements.digest_between(given.home, given.ori)
    types = tuple(given.types.split(","))
    statuses: Counter[str] = Counter()
    matches: Counter[str] = Counter()
    times: list[float] = []
    kept: list[Kept] = []
    registry = registries.load(given.home / registries.FILE, own_ori=Ori(given.asker))
    url = given.url + (PATH if not given.bare else "/bare/questions")
    started = time.monotonic()
    until = started + given.seconds

    async def worker(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < until:
            number = next(turn)
            subject = subjects[number % len(subjects)]
            transaction = new_search_id()
            body = question(
                given.ori,
                transaction,
                subject,
                given.asker,
                types,
                agreement=agreed,
                unit=f"Robbery {number % given.units}",
            )
            headers: dict[str, str] = {"content-type": "application/json"}
            if not given.bare:
                signed = signer.sign_request(
                    target_uri=url, body=body, transaction=transaction, now=datetime.now(UTC)
                )
                headers = dict(signed.headers)
            begun = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as response:
                content = await response.read()
            times.append(time.perf_counter() - begun)
            if not given.bare and number % KEPT_EVERY == 0:
                kept.append(
                    Kept(
                        signed.binding,
                        response.status,
                        tuple((k.lower(), v) for k, v in response.raw_headers),
                        content,
                        datetime.now(UTC),
                    )
                )
            answer = orjson.loads(content)
            statuses[str(answer.get("status"))] += 1
            matches["some" if answer.get("matches") else "none"] += 1

    connector = aiohttp.TCPConnector(limit=given.concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(worker(session) for _ in range(given.concurrency)))
    seconds = time.monotonic() - started
    times.sort()
    return {
        "answers": len(times),
        "seconds": seconds,
        "per_second": len(times) / seconds,
        "statuses": dict(statuses),
        "matches": dict(matches),
        "verified": verify(registry, given.ori, kept),
        "ms": {f"p{p}": round(times[len(times) * p // 100] * 1000, 2) for p in (50, 95, 99)},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("url")
    parser.add_argument("ori")
    parser.add_argument("questions", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("concurrency", type=int)
    parser.add_argument("--asker", default=CALLER)
    parser.add_argument("--types", default="person,warrant,arrest")
    parser.add_argument("--units", type=int, default=25, help="units that ask, in turn")
    parser.add_argument("--bare", action="store_true")
    print(json.dumps(asyncio.run(ask(parser.parse_args()))))


if __name__ == "__main__":
    main()
