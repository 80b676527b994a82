"""Writes to a log and says on standard output what is durable. Killed by tests."""

import asyncio
import resource
import sys
from pathlib import Path

from gateway.errors import LedgerUnavailable
from gateway.ledger import Ledger
from tests.ledger.made import LogOnDisk, draft


async def caller(ledger: Ledger, number: int, callers: int) -> None:
    for i in range(number, 10**9, callers):
        try:
            logged = await ledger.begin([draft(i)])
        except LedgerUnavailable:
            sys.stdout.write("refused\n")
            sys.stdout.flush()
            await asyncio.sleep(0.02)
        else:
            sys.stdout.write(f"{logged[0].entry_id} {logged[0].leaf}\n")
            sys.stdout.flush()


async def work(path: Path, callers: int, most: int | None) -> None:
    ledger = LogOnDisk(path).open(checkpoint_every_s=0.02)
    await ledger.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        asyncio.get_running_loop().add_reader(
            sys.stdin, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, no_limit)
        )
    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            group.create_task(caller(ledger, number, callers))


def acknowledge(path: Path, callers: int, most: int | None = None) -> None:
    """Write without end.

    `most` limits the files it writes, in bytes: it stands for a full disk, and is lifted when a
    line comes in.
    """
    asyncio.run(work(path, callers, most))
