"""`sallyport audit replay`: decide logged decisions again, and say same or different.

Exit code 0: the same. 1: something is different. 3: it can't be decided again: erased, its set is
not kept, no decision in it. With --all, erased entries and those without a decision are no failure.
"""

import asyncio
import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli.options import AsJson, Home
from gateway.cli.periods import Since, Until
from gateway.cli.reading import OpenedLog, opened_log
from gateway.cli.showing import progress_bar
from gateway.errors import Invalid
from gateway.exchange.replaying import DECIDING, RESULTS, Replay, Replayer, Summary
from gateway.ledger import Filters
from gateway.model import stamp
from gateway.policy.kept import KeptSets

_SAME, _DIFFERENT, _NOT_DONE = 0, 1, 3
_FAILURES = frozenset({"set_missing", "damaged", "unrecorded"})
_WIDE = 200

Entry = Annotated[
    str | None, typer.Argument(help="An entry's id, or its number in the log.", metavar="ENTRY")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    home: Home,
    entry: Entry = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Replay every decision.")] = False,
    since: Since = None,
    until: Until = None,
    peer: Annotated[str | None, typer.Option(help="An agency's ORI.", metavar="ORI")] = None,
    transaction: Annotated[str | None, typer.Option(help="One search's id.")] = None,
    after: Annotated[str | None, typer.Option(help="Go on from this cursor.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide again from the sealed input and the kept set. The reading itself is logged."""
    if (entry is None) is not every:
        raise Invalid("Name one entry, or give --all.")
    settings = settings_files.load(home)
    filters = Filters(
        since=since,
        until=until,
        peer=peer,
        transaction=transaction,
        types=DECIDING,
    )
    kept = KeptSets(settings.home / "data")
    with opened_log(settings.home, "decisions_replayed", _about(entry, filters)) as log:
        if entry is not None:
            found = asyncio.run(_one(log, kept, entry))
            _show_one(found, as_json=as_json)
            code = {"same": _SAME, "different": _DIFFERENT}.get(found.result, _NOT_DONE)
        else:
            summary, cursor = _all(log, kept, filters, after, quiet=as_json)
            _show_all(summary, cursor, as_json=as_json)
            failed = sum(summary.counts[r] for r in _FAILURES) or cursor
            code = _DIFFERENT if summary.counts["different"] else _NOT_DONE if failed else _SAME
    raise typer.Exit(code)


async def _one(log: OpenedLog, kept: KeptSets, entry: str) -> Replay:
    async with Replayer(log, kept) as replayer:
        return await replayer.one(entry)


def _all(
    log: OpenedLog, kept: KeptSets, filters: Filters, after: str | None, *, quiet: bool
) -> tuple[Summary, str | None]:
    """Replay all. Gives the summary, and, after Ctrl-C, the cursor from which to go on."""
    summary = Summary()
    where: list[str | None] = [after]

    async def run() -> None:
        with progress_bar(quiet=quiet or not sys.stderr.isatty()) as bar:
            task = bar.add_task("decisions", total=log.count(filters))
            async with Replayer(log, kept) as replayer:
                async for some, cursor in replayer.all(filters, after=after):
                    for one in some:
                        summary.add(one)
                    bar.advance(task, len(some))
                    where[0] = cursor

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        return summary, where[0] or "0"
    return summary, None


def _about(entry: str | None, filters: Filters) -> dict[str, str]:
    named = {
        "entry": entry,
        "since": stamp(filters.since) if filters.since else None,
        "until": stamp(filters.until) if filters.until else None,
        "peer": filters.peer,
        "transaction": filters.transaction,
    }
    return {k: v for k, v in named.items() if v is not None}


# -- showing -----------------------------------------------------------------------------------


def _print_json(body: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def _show_one(found: Replay, *, as_json: bool) -> None:
    if as_json:
        _print_json(found.as_json())
        return
    console = _console()
    table = Table(title=f"Entry {found.entry_id}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in found.as_json().items():
        if name not in {"entry_id", "differences", "result"}:
            table.add_row(name, escape(str(value)))
    color = {"same": "green", "different": "red"}.get(found.result, "yellow")
    table.add_row("result", f"[{color}]{RESULTS[found.result]}[/{color}]")
    console.print(table)
    if found.differences:
        console.print(_differences([found]))


def _differences(found: list[Replay]) -> Table:
    table = Table(title="What differs", title_justify="left")
    for column in ("entry", "at", "then", "now"):
        table.add_column(column, overflow="fold")
    for one in found:
        for d in one.differences:
            then, now = (orjson.dumps(v).decode() for v in (d.then, d.now))
            table.add_row(one.entry_id, escape(d.at), escape(then), escape(now))
    return table


def _show_all(summary: Summary, cursor: str | None, *, as_json: bool) -> None:
    if as_json:
        body: dict[str, Any] = {
            "counts": dict(sorted(summary.counts.items())),
            "different": [r.as_json() for r in summary.different],
        }
        _print_json(body | ({"interrupted_at": cursor} if cursor else {}))
        return
    console = _console()
    table = Table(title="Decisions replayed", title_justify="left")
    table.add_column("result")
    table.add_column("entries", justify="right")
    for result, text in RESULTS.items():
        if summary.counts[result]:
            table.add_row(text, f"{summary.counts[result]:,}")
    console.print(table)
    if summary.different:
        console.print(_differences(summary.different))
    if cursor:
        console.print(f"Interrupted. Go on with --after {cursor}")
