"""What the access log costs: entries a second, CPU an entry, waiting time, and verification.

    python -m bench.ledger [--entries 20000] [--verify 100000] [--folder FOLDER]

Each entry has a sealed part of about 1.5 kB, a case, and a nonce, as a peer's question has.
"""

import argparse
import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger import Draft, EntryType, Ledger, Nonce
from gateway.ledger.seal import SealingKey
from gateway.ledger.verify import Verification

ORIGIN = "sallyport/ZZ9990000"
LOG_KEY = Ed25519PrivateKey.generate()
SEALING = os.urandom(32)
PERSONAL = {"decision": {"entrypoint": "answer", "input": "x" * 1_400}, "officer": "badge"}


def draft(number: int) -> Draft:
    return Draft(
        EntryType.QUERY_IN,
        transaction=f"srch_{number:026d}",
        peer="ZZ9990100",
        subject="p" * 43,
        purpose="some_purpose",
        policy="sha-256:" + "1" * 64,
        decision="allow",
        granularity="record",
        reference=f"case:26-{number:05d}",
        request="sha-256:" + f"{number:064x}",
        signature="sha-256:" + f"{number:064x}",
        personal=PERSONAL,
    )


def ledger(folder: Path) -> Ledger:
    return Ledger(folder / "ledger.db", origin=ORIGIN, log_key=LOG_KEY, sealing_key=SEALING)


async def write(callers: int, entries: int, folder: Path) -> None:
    log = ledger(folder)
    await log.start()
    numbers = iter(range(entries))
    waits: list[float] = []
    expires = datetime.now(UTC) + timedelta(seconds=60)

    async def caller() -> None:
        for i in numbers:
            began = time.perf_counter()
            await log.begin([draft(i)], nonce=Nonce("key", str(i), expires))
            waits.append(time.perf_counter() - began)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await log.stop()
    waits.sort()
    half, most = (waits[int(len(waits) * share)] * 1e3 for share in (0.5, 0.99))
    print(
        f"{callers:>4} callers: {entries / wall:8,.0f} entries/s, "
        f"{cpu / entries * 1e6:4.0f} µs CPU an entry, "
        f"wait {half:5.2f} ms median, {most:5.2f} ms in 99 of 100"
    )


async def fill(entries: int, folder: Path) -> None:
    log = ledger(folder)
    await log.start()
    for first in range(0, entries, 2_000):
        await log.begin([draft(i) for i in range(first, min(first + 2_000, entries))])
    await log.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--verify", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="measure the disk that this folder is on")
    chosen = parser.parse_args()
    for callers in (1, 32, 128):
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            count = chosen.entries // 5 if callers == 1 else chosen.entries
            asyncio.run(write(callers, count, Path(folder)))
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        asyncio.run(fill(chosen.verify, Path(folder)))
        size = (Path(folder) / "ledger.db").stat().st_size
        began = time.perf_counter()
        report = Verification(
            Path(folder) / "ledger.db",
            origin=ORIGIN,
            key=LOG_KEY.public_key(),
            sealing=SealingKey(SEALING),
        ).run()
        took = time.perf_counter() - began
        assert report.intact
        print(
            f"verified {report.entries:,} entries in {took:.1f} s ({report.entries / took:,.0f}/s, "
            f"{size / report.entries:,.0f} bytes an entry)"
        )


if __name__ == "__main__":
    main()
