"""A live search among many people: `python -m bench.live_sql [PEOPLE] [SEARCHES] [DATABASE]`.

On SQLite and PostgreSQL, or one of them: time of a search, CPU of both sides, rows found; and the
plans of the statements that were sent, each kind once. One in four asks for somebody with a wrong
birth date, one in four by name alone.
"""

import os
import random
import re
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, event

import adapters
from adapters.nibrs import codes
from adapters.sql_live import LiveSource
from gateway.model import (
    Identifier,
    IncidentQuery,
    Name,
    PersonQuery,
    RecordQuery,
    SubjectQuery,
)
from tests import legacy_people as people
from tests import postgres

TYPES = frozenset({"person", "incident"})
MOST = 200
_TICKS = os.sysconf("SC_CLK_TCK")


def question(n: int, kind: int) -> PersonQuery:
    """Ask for the n-th person in one of four ways."""
    given, surname = people.name_of(n)
    day = str(people.born(n))
    born = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    names = (Name(given, None, surname),)
    if kind == 0:
        return PersonQuery(names, born)
    if kind == 1:
        return PersonQuery(names, born.replace(year=born.year + 1))
    return (
        PersonQuery(names)
        if kind == 2
        else PersonQuery(identifiers=(Identifier("driver_license", f"L{n}"),))
    )


KINDS = ("name, birth date", "name, wrong birth date", "name alone", "licence number")


def server_cpu(pid: int | None) -> float:
    """Give the CPU seconds of a server's processes, children that ended among them."""
    if pid is None:
        return 0.0
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid or path.parent.name == str(pid):
            total += sum(map(int, fields[11:15] if path.parent.name == str(pid) else fields[11:13]))
    return total / _TICKS


def measure(
    where: str, folder: Path, size: int, searches: int, pid: int | None
) -> tuple[Table, Table]:
    """Search, and say what it took, and by which plans."""
    path = folder / "people.yaml"
    path.write_text(people.MAPPING.format(mode="live", where=where), encoding="utf-8")
    source = adapters.live(path)
    assert isinstance(source, LiveSource)
    source.candidates(question(1, 0), TYPES, MOST)
    engine = source._database._engine  # noqa: SLF001 - what is sent is looked at
    table = Table(title=f"{engine.dialect.name}: {size:,} people, {searches:,} searches a row")
    for column in ("question", "ms", "ms, 95 %", "CPU ms", "server CPU ms", "records", "right one"):
        table.add_column(column, justify="left" if column == "question" else "right")
    chosen = random.Random(5).sample(range(size), searches)
    for kind, name in enumerate(KINDS):
        times, found, right = [], 0, 0
        cpu, theirs = time.process_time(), server_cpu(pid)
        for n in chosen:
            began = time.perf_counter()
            records = source.candidates(question(n, kind), TYPES, MOST)
            times.append((time.perf_counter() - began) * 1e3)
            found += len(records)
            right += people.key_of(n) in {r.record_id for r in records}
        cpu, theirs = time.process_time() - cpu, server_cpu(pid) - theirs
        times.sort()
        table.add_row(
            *(name, f"{sum(times) / searches:.1f}", f"{times[int(searches * 0.95)]:.1f}"),
            *(f"{cpu / searches * 1e3:.1f}", f"{theirs / searches * 1e3:.1f}" if pid else ""),
            *(f"{found / searches:.1f}", f"{right / searches:.3f}"),
        )
    shown = plans(source, chosen[0])
    source.close()
    return table, shown


def plans(source: LiveSource, n: int) -> Table:
    """Give the plans of the statements that each kind of search sends, each once."""
    database = source._database  # noqa: SLF001 - what is sent is looked at
    engine = database._engine  # noqa: SLF001 - as above
    asked: dict[str, SubjectQuery] = {name: question(n, kind) for kind, name in enumerate(KINDS)}
    day = date(2021, 2, 3)
    asked |= {
        "record's id": RecordQuery(people.key_of(n)),
        "incident's number": IncidentQuery(number=f"I{n // 4 * 4:07}"),
        "incident's date": IncidentQuery(date_from=day, date_to=day),
        "incident's offense": IncidentQuery(offense=str(codes()["nibrs_offense"]["09A"])),
    }
    sent: dict[str, tuple[str, Any]] = {}
    for name, query in asked.items():

        def remember(
            _c: Connection, _cursor: object, text: str, values: Any, *_: object, name: str = name
        ) -> None:
            if "WHERE" in text:
                sent.setdefault(text, (name, values))

        event.listen(engine, "before_cursor_execute", remember)
        source.candidates(query, TYPES, MOST)
        event.remove(engine, "before_cursor_execute", remember)
    word = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (COSTS OFF)"
    shown: dict[tuple[str, str], str] = {}
    with database.connect() as c:
        for text, (name, values) in sent.items():
            steps = [str(row[-1]) for row in c.exec_driver_sql(f"{word} {text}", values)]
            found = [m[0] for step in steps if (m := _READS.search(step))]
            shown.setdefault((_compared(text), "; ".join(found)), name)
    table = Table("first sent for", "looks by", "plan", title=engine.dialect.name)
    for (by, plan), name in shown.items():
        table.add_row(name, by, plan)
    return table


_READS = re.compile(r"(?:SEARCH|SCAN) .*|(?:Bitmap Index|Index Only|Index|Seq) Scan .*")
_COMPARED = re.compile(r"\.(\w+) (=|IN|>|<|>=|<=|LIKE|BETWEEN)(?=\W)(?! \w+\.)")


def _compared(text: str) -> str:
    """Name a statement's first table, and the columns that it looks by."""
    before, _, where = text.replace("\n", " ").partition(" WHERE ")
    columns = dict.fromkeys(f"{name} {how}" for name, how in _COMPARED.findall(where))
    return f"{before.rpartition(' FROM ')[2].strip()}: {', '.join(columns)}"


def main(size: int, searches: int, which: str) -> None:
    """Make the databases, and measure."""
    console = Console(width=150)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if which != "postgresql":
            people.fill_sqlite(folder / "legacy.db", size)
            console.print(*measure("path: legacy.db", folder, size, searches, None))
        if which == "sqlite":
            return
        programs = postgres.programs()
        if programs is None:
            console.print("PostgreSQL is missing; run tools/system.sh as root")
            return
        postgres.password_file(folder)
        with postgres.running(programs, 45_996) as server:
            made = server.fresh("live_bench")
            with server.connect(made) as c:
                people.fill_postgres(c, size)
                c.execute("CHECKPOINT")
            pid = int((server.socket / "data" / "postmaster.pid").read_text().split()[0])
            where = f'url: "{server.url(made)}"\n  password_file: database.password'
            console.print(*measure(where, folder, size, searches, pid))


if __name__ == "__main__":
    words = [*sys.argv[1:], *("1000000", "200", "")[len(sys.argv) - 1 :]]
    main(int(words[0]), int(words[1]), words[2])
