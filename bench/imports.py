"""Memory and speed of large imports.

    python -m bench.imports {csv,sqlite,postgresql} [--people 1000000] [--steps half,on,changed]

Each import is a process of its own, as `sallyport import` is. `half` is killed when it has read
half, `on` goes on from there; `changed` reads what changed: 1,000 rows. `whole` is one that nobody
interrupts. A million people take a while: with `--keep FOLDER` the steps of a file can be run one
by one.
"""

import argparse
import csv
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.memory import peak_mib
from gateway.cli import setup
from tests import legacy_people as people
from tests import postgres

_HEAD = "mapping: 1\nsource: people\nformat: {form}\nrecords:\n  - type: person\n"
_COLUMNS = [
    "name_id",
    "nm_full",
    "nm_last",
    "nm_first",
    "nm_srch",
    "nm_sdx",
    "dob_dt",
    "oln",
    "seal_cd",
]
_CHANGES = "changes: {name_mst: {key: name_id}}"


def child(home: Path, half: int) -> None:
    """Import, and say what became of it; killed when `half` rows are read (0: never)."""
    from gateway.cli.importing import How, Import, Shown  # noqa: PLC0415 - the child alone
    from gateway.records.importer import Importer, Progress  # noqa: PLC0415 - as above

    def progress(at: Progress) -> None:
        if half and at.step == "reading" and at.rows >= half:
            os.kill(os.getpid(), signal.SIGKILL)

    importer = Importer(home / "data" / "records.db")
    how = How()
    done = Import(home, importer, home / "mappings" / "people.yaml", how).run(Shown(progress))
    importer.close()
    found = {k: getattr(done, k) for k in ("rows", "new", "changed", "unchanged", "resumed")}
    found["aside"] = done.set_aside
    sys.stdout.buffer.write(orjson.dumps(found | {"MiB": peak_mib()}))


def run(home: Path, half: int = 0) -> tuple[dict[str, int], float, float]:
    """Import in a process of its own: what became of it, with the most MiB; seconds; CPU seconds.

    One that was killed says nothing.
    """
    read, write = os.pipe()
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.dup2(write, 1)
        words = ("-m", "bench.imports", "child", str(home), str(half))
        os.execv(sys.executable, (sys.executable, *words))  # noqa: S606 - this very program
    os.close(write)
    with os.fdopen(read, "rb") as said:
        text = said.read()
    _, _, used = os.wait4(pid, 0)
    took = time.perf_counter() - began
    return orjson.loads(text or b"{}"), took, used.ru_utime + used.ru_stime


def write_mapping(home: Path, form: str, *, table: bool) -> None:
    """Write the mapping of the people."""
    of = "    table: name_mst\n" if table else ""
    text = _HEAD.format(form=form) + of + '    id: "{name_id}"\n' + people.PERSON.format()
    (home / "mappings" / "people.yaml").write_text(text, encoding="utf-8")


@contextmanager
def of_csv(home: Path, size: int) -> Iterator[Callable[[], None]]:
    """Write the people as CSV. What is given changes 1,000 of them."""
    path = home / "sources" / "people.csv"

    def write(changed: int) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(_COLUMNS)
            rows = (row for table, row in people.rows(size) if table == "name_mst")
            for n, row in enumerate(rows):
                out.writerow([*row[:7], f"C{n}" if n < changed else row[7], row[8]])

    if not path.exists():
        write(0)
    write_mapping(
        home,
        "{type: csv, path: ../sources/people.csv, encoding: utf-8, delimiter: ','}",
        table=False,
    )
    yield lambda: write(1_000)


@contextmanager
def of_sqlite(home: Path, size: int) -> Iterator[Callable[[], None]]:
    """Make the people's SQLite database."""
    path = home / "sources" / "people.db"
    if not path.exists():
        people.fill_sqlite(path, size)
    form = f"{{type: sql, mode: mirror, path: ../sources/people.db, {_CHANGES}}}"
    write_mapping(home, form, table=True)

    def change() -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE name_mst SET oln = 'C' || oln WHERE name_id < 'N0001000'")
            db.commit()

    yield change


@contextmanager
def of_postgresql(home: Path, size: int) -> Iterator[Callable[[], None]]:
    """Make the people's PostgreSQL database, in a server of its own."""
    programs = postgres.programs()
    assert programs is not None, "PostgreSQL is missing; run tools/system.sh as root"
    with postgres.running(programs, 45_997) as server:
        name = server.fresh("people_bench")
        with server.connect(name) as c:
            people.fill_postgres(c, size)
            postgres.password_file(home / "mappings")
            where = f'url: "{server.url(name)}", password_file: database.password'
            write_mapping(home, f"{{type: sql, mode: mirror, {where}, {_CHANGES}}}", table=True)
            yield lambda: c.execute(
                "UPDATE name_mst SET oln = 'C' || oln WHERE name_id < 'N0001000'"
            ).close()


_KINDS = {"csv": of_csv, "sqlite": of_sqlite, "postgresql": of_postgresql}


STEPS = {
    "whole": "uninterrupted",
    "half": "killed at half",
    "on": "goes on",
    "changed": "1,000 changed",
}


def measure(kind: str, home: Path, size: int, steps: Sequence[str]) -> Table:
    """Do these steps, and say what they took."""
    table = Table(title=f"{kind}: {size:,} people")
    for column in ("import", "s", "CPU s", "rows a CPU second", "most MiB", "rows"):
        table.add_column(column, justify="left" if column in {"import", "rows"} else "right")
    if not home.exists():
        setup.init_home(home, ori="TX9990000", name="Calloway", url="http://127.0.0.1:8443")
    with _KINDS[kind](home, size) as change:
        for step in steps:
            if step == "changed":
                change()
            found, took, cpu = run(home, size // 2 if step == "half" else 0)
            most = f"{found.pop('MiB'):,}" if found else ""
            if found:
                ended = found["new"] + found["changed"] + found["unchanged"] + found["aside"]
                assert ended == found["rows"] == size, found
            said = ", ".join(f"{v:,} {k}" for k, v in found.items())
            speed = f"{found['rows'] / cpu:,.0f}" if found else ""
            table.add_row(STEPS[step], f"{took:.1f}", f"{cpu:.1f}", speed, most, said)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=_KINDS)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--steps", default="half,on,changed", help=", ".join(STEPS))
    parser.add_argument("--keep", type=Path, help="make the gateway's folder here, and leave it")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        home = (said.keep or Path(made)) / "gateway"
        table = measure(said.kind, home, said.people, said.steps.split(","))
    Console(width=150).print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
