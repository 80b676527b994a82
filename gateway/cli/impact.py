"""`sallyport policy impact`: what a candidate set would have decided on what was asked.

Exit code 0: nothing would come out otherwise. 1: something would. 3: nothing could be replayed.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli.deciding import agreed_now
from gateway.cli.options import AsJson, Home
from gateway.cli.periods import Since, Until
from gateway.cli.reading import OpenedLog, opened_log
from gateway.cli.showing import progress_bar
from gateway.exchange.impact import Impact, Measure, Row, Tally, deciding
from gateway.ledger import Filters
from gateway.model import stamp
from gateway.policy.kept import KeptSets
from gateway.policy.sets import load_set

_WIDE = 200
_TITLES = {
    "allow_to_deny": "Allowed then, refused by the candidate",
    "deny_to_allow": "Refused then, allowed by the candidate",
    "fewer": "Less is given",
    "more": "More is given",
    "other": "Otherwise different",
}
_DOORS = {"ask": "asking", "answer": "answering", "release": "release", "admit": "taking in"}

Candidate = Annotated[
    Path, typer.Argument(help="The folder with the candidate.", file_okay=False, exists=True)
]


def impact(
    home: Home,
    candidate: Candidate,
    *,
    since: Since = None,
    until: Until = None,
    peer: Annotated[str | None, typer.Option(help="Only with this agency.", metavar="ORI")] = None,
    purpose: Annotated[str | None, typer.Option(help="Only for this purpose.")] = None,
    agreements_now: Annotated[
        bool,
        typer.Option("--agreements-now", help="With today's agreements, not those of then."),
    ] = False,
    after: Annotated[str | None, typer.Option(help="Go on from this cursor.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay logged decisions under a candidate: what flips, for whom, which classes.

    Each is decided as of its own moment. The reading of sealed inputs is logged, once.
    """
    settings = settings_files.load(home)
    new = load_set(candidate)
    filters = deciding(Filters(since=since, until=until, peer=peer, purpose=purpose))
    about = {
        "candidate": new.revision,
        "since": stamp(since) if since else "",
        "until": stamp(until) if until else "",
        "peer": peer or "",
        "purpose": purpose or "",
    }
    kept = KeptSets(settings.home / "data")
    agreed = agreed_now(settings, new) if agreements_now else None
    with opened_log(settings.home, "impact_measured", {k: v for k, v in about.items() if v}) as log:
        measure = Measure(log, kept, new, agreed=agreed)
        cursor = _measured(log, measure, filters, after, quiet=as_json)
    found = measure.impact
    if as_json:
        body = found.as_json() | ({"interrupted_at": cursor} if cursor else {})
        sys.stdout.buffer.write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(found, cursor)
    raise typer.Exit(1 if found.changed else 0 if found.replayed else 3)


def _measured(
    log: OpenedLog, measure: Measure, filters: Filters, after: str | None, *, quiet: bool
) -> str | None:
    """Go through the log. Gives None, or, after Ctrl-C, the cursor to go on from."""
    where = after or "0"
    interrupted = False

    async def run() -> None:
        nonlocal where
        with progress_bar(quiet=quiet or not sys.stderr.isatty()) as bar:
            task = bar.add_task("entries", total=log.count(filters))
            async with measure:
                async for done, cursor in measure.run(filters, after=after):
                    bar.advance(task, done)
                    where = cursor or where

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        interrupted = True
    return where if interrupted else None


def _show(found: Impact, cursor: str | None) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    doors = ", ".join(f"{_DOORS[d]} {n:,}" for d, n in sorted(found.decisions.items()))
    console.print(f"Candidate {found.revision}")
    console.print(
        f"Decided again: {found.replayed:,}{f' ({doors})' if doors else ''}. "
        f"The same: {found.replayed - found.changed:,}. Otherwise: {found.changed:,}."
    )
    skipped = [f"{why.replace('_', ' ')} {n:,}" for why, n in sorted(found.skipped.items()) if n]
    if skipped:
        console.print(f"Not replayed: {', '.join(skipped)}.")
    if found.lacking:
        lacked = ", ".join(f"{path} {n:,}" for path, n in sorted(found.lacking.items()))
        console.print(
            "Not comparable are inputs from before the gateway wrote down what a rule of the "
            f"candidate asks: {lacked}."
        )
    if found.failed:
        console.print(
            f"[red]{found.failed:,} could not be decided by the candidate[/red]: it would refuse."
        )
    for way, title in _TITLES.items():
        rows = {row: tally for row, tally in found.rows.items() if row.way == way}
        if rows:
            console.print(_table(title, rows))
    if found.replayed and not found.changed:
        console.print("[green]Nothing would come out otherwise.[/green]")
    if cursor:
        console.print(f"Interrupted. This is of what was replayed; go on with --after {cursor}")


def _table(title: str, rows: dict[Row, Tally]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("door", "agency", "purpose", "what"):
        table.add_column(column, overflow="fold")
    table.add_column("decisions", justify="right")
    table.add_column("reasons", overflow="fold")
    table.add_column("such as entry", overflow="fold")
    for row, names, tally in _together(rows):
        what = " ".join(filter(None, (row.what.replace("_", " "), ", ".join(names))))
        table.add_row(
            _DOORS[row.door],
            row.agency,
            row.purpose,
            escape(what),
            f"{tally.count:,}",
            ", ".join(row.codes),
            ", ".join(tally.examples[:3]),
        )
    return table


def _together(rows: dict[Row, Tally]) -> list[tuple[Row, list[str], Tally]]:
    """Put rows together that differ in the name alone, the most frequent first."""
    found: dict[tuple[Row, int, tuple[str, ...]], list[str]] = {}
    tallies: dict[tuple[Row, int, tuple[str, ...]], Tally] = {}
    for row, tally in sorted(rows.items(), key=lambda item: (-item[1].count, item[0])):
        key = (replace(row, name=""), tally.count, tuple(tally.examples))
        found.setdefault(key, []).extend([row.name] if row.name else [])
        tallies[key] = tally
    return [(key[0], names, tallies[key]) for key, names in found.items()]
