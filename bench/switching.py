"""What a switch costs the searches beside it: `python -m bench.switching [PEOPLE]`.

Six sources hold the people. One after another search is asked, each timed; meanwhile another
process imports the smallest source anew, and the gateway takes it in. The same once more with the
index made within the gateway's own process. Times are those that a caller waits.

Then one source of a tenth of the people is imported anew, each hundredth of them changed, while a
search of it is asked every 10 ms: how many wait for the new index, as a record of theirs changed?
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from bench.people import Person, Population, question, record, searched
from bench.records import TERMS, TYPES, asked
from gateway.errors import RecordsChanged
from gateway.records.find import Records
from gateway.records.importer import Importer
from gateway.records.mirror import Mirrors

SHARES = (0.50, 0.25, 0.15, 0.08, 0.015, 0.005)
SECONDS = 4.0


def write(path: Path, size: int, seed: int, only: str | None = None) -> None:
    """Import the people, or one source of them."""
    population = Population(1)
    people = [population.person() for _ in range(size)]
    population = Population(seed)
    importer = Importer(path)
    first = 0
    for number, share in enumerate(SHARES):
        last = min(size, first + round(share * size))
        rows = [record(population.damage(people[n]), n) for n in range(first, last)]
        if only in {None, f"s{number}"}:
            importer.run(f"s{number}", rows, as_of=datetime.now(UTC))
        first = last
    importer.close()


@contextmanager
def within() -> Iterator[None]:
    """Have the index made within the process that answers."""
    with patch.object(Mirrors, "_in_another_process", Mirrors._here):  # noqa: SLF001 - what is compared
        yield


async def measure(path: Path, size: int, seed: int) -> tuple[list[float], list[float], float]:
    """Give the ms of searches while nothing happens and during the switch, and its seconds."""
    population = Population(1)
    people = [population.person() for _ in range(size)]
    quiet: list[float] = []
    during: list[float] = []
    records = Records(path, today=lambda: date(2026, 11, 23))
    await records.start()
    # The large sources only: what the import takes away at once is not asked for.
    questions = [
        asked(question(population.damage(people[n * 7 % (size // 2)]))) for n in range(997)
    ]

    async def ask(number: int, into: list[float]) -> None:
        began = time.perf_counter()
        one = questions[number % len(questions)]
        await searched(records, one, terms=TERMS, record_types=TYPES)
        into.append((time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0)

    end, number = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        await ask(number, quiet)
        number += 1
    command = (sys.executable, "-m", "bench.switching", str(size), str(path), str(seed))
    done = await asyncio.to_thread(subprocess.run, command, check=True)
    assert done.returncode == 0
    change = asyncio.create_task(records.refresh())
    began = time.perf_counter()
    while not change.done():
        await ask(number, during)
        number += 1
    took = time.perf_counter() - began
    await records.stop()
    return quiet, during, took


def write_one(path: Path, size: int, *, changed: bool) -> list[Person]:
    """Import one source; each hundredth of its people has another given name then."""
    population = Population(1)
    people = [population.person() for _ in range(size)]
    now = [
        replace(p, given="Tamsin") if changed and n % 100 == 0 else p for n, p in enumerate(people)
    ]
    importer = Importer(path)
    importer.run("one", [record(p, n) for n, p in enumerate(now)], as_of=datetime.now(UTC))
    importer.close()
    return people


async def wait_for_one(path: Path, size: int) -> tuple[list[float], list[float]]:
    """Give the ms of searches that waited for the new index, and of those that did not."""
    people = write_one(path, size, changed=False)
    records = Records(path, today=lambda: date(2026, 11, 23))
    await records.start()
    before = records.status()["sources"]["one"]["generation"]
    waited: list[float] = []
    others: list[float] = []

    async def ask(number: int) -> None:
        one = asked(question(people[number * 7 % size]))
        began, again = time.perf_counter(), False
        while True:
            try:
                result = await records.find(one, terms=TERMS, record_types=TYPES)
                every = range(len(result.found.kinds))
                list(islice(result.found.best(every), one.max_matches))
                break
            except RecordsChanged:
                again = True
                await records.refresh()
        (waited if again else others).append((time.perf_counter() - began) * 1e3)

    command = (sys.executable, "-m", "bench.switching", str(size), str(path))
    process = await asyncio.create_subprocess_exec(*command)
    tasks: list[asyncio.Task[None]] = []
    while process.returncode is None or before == records.status()["sources"]["one"]["generation"]:
        tasks.append(asyncio.create_task(ask(len(tasks))))
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    await records.stop()
    return waited, others


def main(size: int) -> None:
    """Import, ask, switch; print."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        waited, others = asyncio.run(wait_for_one(Path(folder) / "records.db", size // 10))
    console.print(
        f"{size // 10:,} people imported anew, one in 100 changed: {len(waited)} of "
        f"{len(waited) + len(others):,} searches waited for the new index, "
        f"{max(waited, default=0.0):.0f} ms at most; the others {max(others):.0f} ms"
    )
    table = Table(title=f"{size:,} people in {len(SHARES)} sources; one of them is switched")
    for name in ("made", "", "searches", "median ms", "99 % ms", "longest ms", "switch s"):
        table.add_column(name, justify="left" if name in {"made", ""} else "right")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.db"
        write(path, size, 2)
        for seed, where in ((3, "inside"), (4, "aside")):
            if seed == 3:
                with within():
                    quiet, during, took = asyncio.run(measure(path, size, seed))
            else:
                quiet, during, took = asyncio.run(measure(path, size, seed))
            for when, times in (("quiet", quiet), ("switching", during)):
                times.sort()
                at = [times[len(times) // 2], times[int(len(times) * 0.99)], times[-1]]
                shown = [f"{ms:.1f}" for ms in at]
                table.add_row(
                    where, when, f"{len(times):,}", *shown, "" if when == "quiet" else f"{took:.2f}"
                )
    console.print(table)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write_one(Path(sys.argv[2]), int(sys.argv[1]), changed=True)
    elif len(sys.argv) > 3:
        write(Path(sys.argv[2]), int(sys.argv[1]), int(sys.argv[3]), f"s{len(SHARES) - 1}")
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
