"""`sallyport policy test`: a set's tests in both engines, and the rules that no test reaches."""

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.cli.options import AsJson
from gateway.errors import Misconfigured
from gateway.policy.engine import Limits
from gateway.policy.marking import Part
from gateway.policy.opa_program import OpaProgram
from gateway.policy.sets import load_set
from gateway.policy.testing import OPA, Reached, Report, Tested, run_tests

NO_OPA = (
    "WITHOUT OPA: there is no `opa` program on the PATH, so this was seen in the embedded engine "
    "alone. Name it with --opa."
)
_FAILED, _TOO_LITTLE = 1, 3

Opa = Annotated[
    Path | None, typer.Option("--opa", help="The OPA program. Left out: `opa`, where there is one.")
]


def find_opa(named: Path | None) -> OpaProgram | None:
    """Give the program that was named, or the one on the PATH. Raises Misconfigured."""
    found = shutil.which(named or "opa")
    if found is None and named is not None:
        raise Misconfigured(f"--opa: {named} is no program that can be run")
    return OpaProgram(Path(found).absolute()) if found else None


def say_without_opa() -> None:
    """Say aloud that one of the two engines was not there."""
    Console(stderr=True).print(NO_OPA, style="bold yellow", soft_wrap=True)


def run(
    folder: Annotated[
        Path, typer.Argument(help="The folder with the policy set.", file_okay=False, exists=True)
    ],
    *,
    opa: Opa = None,
    min_rules: Annotated[
        float,
        typer.Option(
            "--min-rules",
            help="How many per cent of the rules some test has to reach, in each engine.",
            min=0,
            max=100,
        ),
    ] = 0,
    min_lines: Annotated[
        float,
        typer.Option("--min-lines", help="How many per cent of the lines.", min=0, max=100),
    ] = 0,
    every: Annotated[
        bool, typer.Option("--all", help="List the tests that passed as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every test of a set, in the embedded engine and by OPA, and show what no test reaches.

    A rule is reached if some test has it come out, with all its conditions.

    Exit code 0: all passed. 1: a test failed, or comes out differently in the two engines, or the
    set can't be read. 2: wrong options. 3: all passed, but less is reached than --min-rules or
    --min-lines want.
    """
    program = find_opa(opa)
    report = asyncio.run(run_tests(load_set(folder), Limits(), program))
    short = list(_short(report, min_rules, min_lines))
    if as_json:
        sys.stdout.write(orjson.dumps(_document(report, short)).decode() + "\n")
    else:
        _show(report, every=every)
        for line in short:
            Console(stderr=True).print(line, style="bold red", soft_wrap=True)
    if program is None:
        say_without_opa()
    raise typer.Exit(_FAILED if not report.good else _TOO_LITTLE if short else 0)


def _short(report: Report, min_rules: float, min_lines: float) -> Iterator[str]:
    """Say where less is reached than is wanted. What was not measured is too little."""
    for engine in report.engines:
        found = report.percent(engine)
        if found is None:
            if (min_rules or min_lines) and report.good:
                yield f"{engine}: coverage is not known: {report.unmeasured[engine]}"
            continue
        for what, percent, wanted in zip(
            ("rules", "lines"), found, (min_rules, min_lines), strict=True
        ):
            if percent < wanted:
                yield f"{engine}: {percent} % of the {what} are reached; {wanted:g} % are wanted"


# -- for machines -----------------------------------------------------------------------------


def _document(report: Report, short: Sequence[str]) -> dict[str, Any]:
    return {
        "passed": report.good,
        "engines": report.engines,
        "opa": OPA in report.engines,
        "tests": [asdict(t) | {"passed": t.good, "differs": t.differs} for t in report.tests],
        "coverage": {
            engine: _engine_coverage(report, engine)
            for engine in report.engines
            if engine not in report.unmeasured
        },
        "unmeasured": report.unmeasured,
        "too_little": short,
    }


def _engine_coverage(report: Report, engine: str) -> dict[str, Any]:
    rules, lines = report.percent(engine) or (0.0, 0.0)
    return {
        "rules_percent": rules,
        "lines_percent": lines,
        "files": {
            f.file: {
                "rules": f.parts,
                "rules_unreached": [
                    {"where": p.where, "rule": p.rule} for p in f.unreached[engine]
                ],
                "lines": f.lines[engine][0] if engine in f.lines else 0,
                "lines_unreached": list(f.lines[engine][1]) if engine in f.lines else [],
            }
            for f in report.files
        },
    }


# -- for people -------------------------------------------------------------------------------


def _show(report: Report, *, every: bool) -> None:
    console = Console()
    _tests(console, report, every=every)
    _coverage(console, report)
    for engine, why in report.unmeasured.items():
        console.print(f"No coverage in {engine}: {why}", style="yellow", soft_wrap=True)
    for test in report.tests:
        if not test.good:
            _failure(console, test)
    passed = sum(t.good for t in report.tests)
    engines = " and ".join(report.engines)
    said = f"{passed} of {len(report.tests)} tests passed ({engines})"
    if not report.tests:
        said = "The set has no test: it would not be accepted"
    console.print(said, style="bold green" if report.good else "bold red")


def _tests(console: Console, report: Report, *, every: bool) -> None:
    shown = [t for t in report.tests if every or not t.good]
    if not shown:
        return
    table = Table(title="Tests" if every else "Tests that did not pass")
    for column in ("test", "at", "ms", *report.engines):
        table.add_column(column, overflow="fold", justify="right" if column == "ms" else "left")
    for test in shown:
        outcomes = (test.outcomes[e] for e in report.engines)
        table.add_row(test.name, test.where, f"{test.ms:.2f}", *outcomes)
    console.print(table)


def _failure(console: Console, test: Tested) -> None:
    lines = [f"{test.where}: {test.name}"]
    if test.differs:
        both = ", ".join(f"{engine} says {outcome}" for engine, outcome in test.outcomes.items())
        lines.append(f"  the engines differ: {both}")
    for engine, why in test.why.items():
        if why != "not true":
            lines.append(f"  {engine}: {why}")
    if test.expected:
        at = test.expected.where.rpartition(":")[2]
        lines.append(f"  line {at} does not hold: {test.expected.condition}")
        if test.expected.left is not None:
            lines += [f"     left: {test.expected.left}", f"    right: {test.expected.right}"]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _coverage(console: Console, report: Report) -> None:
    engines = [e for e in report.engines if e not in report.unmeasured]
    if not engines or not report.files:
        return
    table = Table(title="What the tests reach", show_footer=True)
    table.add_column("\nfile", "all", overflow="fold")
    for engine in engines:
        rules, lines = report.percent(engine) or (0.0, 0.0)
        table.add_column(f"{engine}\nrules", f"{rules} %", justify="right")
        table.add_column("\nlines", f"{lines} %", justify="right")
    for file in report.files:
        row = []
        for engine in engines:
            total, missed = file.lines.get(engine, (0, ()))
            row += [f"{file.parts - len(file.unreached[engine])}/{file.parts}"]
            row += [f"{total - len(missed)}/{total}"]
        table.add_row(file.file, *row)
    console.print(table)
    _unreached(console, report, engines)


def _unreached(console: Console, report: Report, engines: Sequence[str]) -> None:
    for file in report.files:
        for part, by in _by_part(file, engines).items():
            alone = "" if len(by) == len(engines) else f" (in {by[0]})"
            console.print(
                f"{part.where}: no test has `{part.rule}` come out here{alone}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _by_part(file: Reached, engines: Sequence[str]) -> dict[Part, list[str]]:
    found: dict[Part, list[str]] = {}
    for engine in engines:
        for part in file.unreached[engine]:
            found.setdefault(part, []).append(engine)
    return dict(sorted(found.items(), key=lambda f: f[0].line))
