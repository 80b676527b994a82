"""Rows to import, and an import in a process that tests kill."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.people import Person, record
from gateway.model import Record, SetAside
from gateway.records.importer import Importer
from gateway.records.store import open_store
from gateway.records.using import Using

LATER = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def rows(size: int, *, version: str = "a") -> Iterator[Record | SetAside]:
    """Every seventh row is set aside; the surname tells the version."""
    for n in range(size):
        if n % 7 == 3:
            yield SetAside("s", n + 2, "adapter.bad_date", "not a date", f"raw {n}", "DOB", "?")
        else:
            yield record(Person("Test", f"Tester{version}", None, "F"), n)


def hold(path: Path, generation: int) -> None:
    """Use a generation as a gateway does, until standard input ends."""
    using = Using(path)
    using.hold({generation})
    print("held", flush=True)  # noqa: T201 - the test reads it
    sys.stdin.read()
    using.close()


def open_and_say(path: Path) -> None:
    """Open the records in a process of its own."""
    print("opens", flush=True)  # noqa: T201 - the test reads it
    open_store(path).dispose()


def import_rows(path: Path, size: int, version: str) -> None:
    """Import in a process of its own, and say each step."""
    importer = Importer(path)
    print("ready", flush=True)  # noqa: T201 - the test reads it
    done = importer.run(
        "s",
        rows(size, version=version),
        as_of=LATER,
        progress=lambda p: print(p.step, p.rows, flush=True),  # noqa: T201 - as above
    )
    print("done", done.resumed, flush=True)  # noqa: T201 - as above
