"""Run the benches, one after another, each in a process of its own.

    python -m bench [--quick] [NAME ...]

Without names: all of them. `--quick` takes small counts, to see that a bench still runs: its
figures tell nothing. One that fails does not keep the next from its turn, but the exit status is 1.
What each tells, and the options it takes when run by itself, stands in bench/README.md.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Bench:
    """The words that a bench is run with: for figures, and to see that it runs."""

    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


BENCHES: Final = {
    "answers": Bench(quick=("--people", "2000", "--seconds", "2")),
    "fanout": Bench(quick=("--searches", "10")),
    "matching": Bench(quick=("--people", "1000", "--asked", "200")),
    "records": Bench(quick=("2000",)),
    "policy": Bench(quick=("--seconds", "0.1")),
    "ledger": Bench(quick=("--entries", "1000", "--verify", "2000")),
    "applying": Bench(quick=("1",)),
    "hidden": Bench(quick=("--people", "1000", "--rounds", "20")),
    "switching": Bench(quick=("3000",)),
    "formats": Bench(quick=("--rows", "1000", "--rounds", "1")),
    "live_sql": Bench(quick=("2000", "20", "sqlite")),
    "imports": Bench(full=("csv",), quick=("csv", "--people", "5000")),
}


def run(names: list[str], *, quick: bool) -> list[str]:
    """Run these, and give the names of those that failed."""
    failed = []
    for number, name in enumerate(names, 1):
        words = BENCHES[name].quick if quick else BENCHES[name].full
        print(f"\n== {number} of {len(names)}: bench.{name} {' '.join(words)}".rstrip(), flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"bench.{name}", *words]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(
            f"== bench.{name}: {time.monotonic() - began:.0f} s, exit status {status}", flush=True
        )
        if status:
            failed.append(name)
    return failed


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run the benches.")
    parser.add_argument("--quick", action="store_true", help="small counts: does each still run?")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    failed = run(given.names or list(BENCHES), quick=given.quick)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
