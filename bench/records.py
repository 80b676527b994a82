"""Time and quality of searching one agency's people: `python -m bench.records [PEOPLE]`.

Distinct questions, each about a person of whom both sides wrote a damaged version. CPU of the whole
process, the messages of the answers read from SQLite; one core. Nothing is asked twice but where
the table says so.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.memory import peak_mib
from bench.people import Person, Population, question, record, searched
from gateway.model import (
    AgeRange,
    Asker,
    Found,
    Granularity,
    Identifier,
    PersonQuery,
    Question,
    ReasonGiven,
    Subject,
)
from gateway.records.find import Records
from gateway.records.importer import Importer

TERMS = frozenset({"name", "birth_date", "sex", "age", "driver_license"})
TYPES = frozenset({"person"})
ASKED = 2_000


def asked(query: PersonQuery) -> Question:
    """Put a person into a whole question."""
    asker = Asker("TX9990000", "u", "patrol", "x" * 20, ("officer",), 2, "2026-11-23T00:00:00.00Z")
    return Question(
        1,
        "srch_" + "0" * 26,
        "TX9990000",
        asker,
        "criminal_investigation",
        Subject(person=query),
        ("person",),
        Granularity.RECORD,
        ReasonGiven("bench", "a measurement"),
    )


async def timed(
    records: Records, queries: Sequence[PersonQuery]
) -> tuple[list[Sequence[Found]], float]:
    """Ask one after another; give the answers and the CPU ms of each."""
    questions = [asked(q) for q in queries]
    began = time.process_time()
    results: list[Sequence[Found]] = []
    for q in questions:
        _, found = await searched(records, q, terms=TERMS, record_types=TYPES)
        results.append(found)
    return results, (time.process_time() - began) / len(queries) * 1e3


def share(results: Sequence[Sequence[Found]], wanted: Sequence[str], first: int) -> str:
    """Say in how many answers the true record is among the first few."""
    hits = sum(w in [f.record_id for f in r[:first]] for r, w in zip(results, wanted, strict=True))
    return f"{hits / len(wanted):.3f}"


async def measure(
    path: Path, people: list[Person], population: Population, console: Console
) -> None:
    """Load the records and ask."""
    records = Records(path, today=lambda: date(2026, 11, 23))
    began = time.perf_counter()
    await records.start()
    console.print(f"loading the index: {time.perf_counter() - began:.2f} s")
    chosen = random.Random(4).sample(range(len(people)), min(ASKED, len(people)))
    ids = [f"P-{n:07d}" for n in chosen]
    damaged = [question(population.damage(people[n])) for n in chosen]
    strangers = [question(population.person()) for _ in chosen]
    kinds = {
        "name, birth date, sex": (damaged, ids),
        "the same again": (damaged, ids),
        "name, age range": ([PersonQuery(q.names, None, AgeRange(20, 70)) for q in damaged], ids),
        "licence number": (
            [
                PersonQuery(identifiers=(Identifier("driver_license", f"99{n:07d}"),))
                for n in chosen
            ],
            ids,
        ),
        "somebody who is not there": (strangers, None),
    }
    table = Table(title=f"{len(people):,} people, {len(chosen):,} questions")
    for column in ("question", "CPU ms", "R@1", "R@10", "matches", "probable", "exact"):
        table.add_column(column, justify="left" if column == "question" else "right")
    for name, (queries, wanted) in kinds.items():
        results, ms = await timed(records, queries)
        found = [f for r in results for f in r]
        bands = [
            f"{sum(f.band == b for f in found) / len(queries):.3f}" for b in ("probable", "exact")
        ]
        quality = [share(results, wanted, k) if wanted else "" for k in (1, 10)]
        table.add_row(name, f"{ms:.2f}", *quality, f"{len(found) / len(queries):.2f}", *bands)
    console.print(table)
    await records.stop()


def main(size: int) -> None:
    """Import, load, ask; print."""
    console = Console()
    population = Population(1)
    people = [population.person() for _ in range(size)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.db"
        importer = Importer(path)
        rows = (record(population.damage(p), n) for n, p in enumerate(people))
        began = time.perf_counter()
        importer.run("people", rows, as_of=datetime.now(UTC))
        console.print(f"import with index: {time.perf_counter() - began:.1f} s")
        importer.close()
        asyncio.run(measure(path, people, population, console))
    console.print(f"most memory used: {peak_mib():,} MiB (with the people themselves)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
