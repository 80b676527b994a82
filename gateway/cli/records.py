"""`sallyport import` and `sallyport source`: legacy files in, and what became of each row."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

import adapters
from gateway import settings as settings_files
from gateway.cli import corrections, removal, sources
from gateway.cli.importing import DATA, RECORDS, How, Import, files_of, how_of, rehearse, shown_on
from gateway.cli.options import AsJson, Home
from gateway.cli.showing import progress_bar
from gateway.errors import Misconfigured, SallyportError
from gateway.records.doubts import Older, Opens, Shrinks, Unread
from gateway.records.importer import Imported, Importer, writable
from gateway.records.schedule import BUSY, Schedule
from gateway.settings import Settings

REFUSED = 3
"""The exit code where more would go or be opened than may, or what there is can't all be read."""
_NICE = 10
source_app = typer.Typer(no_args_is_help=True, help="The agency's sources of records.")


def register(app: typer.Typer) -> None:
    """Add the commands `import` and `source`."""
    app.command("import")(import_command)
    app.add_typer(source_app, name="source")
    sources.register(source_app)
    corrections.register(source_app)
    removal.register(source_app)


def import_command(
    home: Home,
    names: Annotated[list[str] | None, typer.Argument(help="Sources; left out: all.")] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; write nothing.")
    ] = False,
    allow_shrink: Annotated[
        bool, typer.Option("--allow-shrink", help="However many records would go, go on.")
    ] = False,
    allow_opened: Annotated[
        bool,
        typer.Option(
            "--allow-opened",
            help="However many records would be handled less strictly, go on.",
        ),
    ] = False,
    allow_older: Annotated[
        bool,
        typer.Option(
            "--allow-older",
            help="Though the source says that it is of an earlier moment, go on.",
        ),
    ] = False,
    allow_unread: Annotated[
        bool,
        typer.Option(
            "--allow-unread",
            help="Where rows can't be read and nobody knows whose, go on without.",
        ),
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Read sources that have not changed, too.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and poll as the mappings' `poll` says.")
    ] = False,
    scheduled: Annotated[bool, typer.Option("--scheduled", hidden=True)] = False,
    as_json: AsJson = False,
) -> None:
    """Import legacy files. The running gateway switches to the new records by itself.

    A row that can't be translated is set aside, counted and kept: see `sallyport source set-aside`.
    An interrupted import goes on where it stopped. Exit codes: 0; 1 something failed; 3 more would
    go or be opened than may, or a source is older than its records or can't be read whole; 4
    another import is running.
    """
    settings = settings_files.load(home)
    if watch:
        _watch(settings)
        return
    if scheduled:
        os.nice(_NICE)  # whoever is waiting for an answer comes first
    wanted = [p for p in sources.mappings(settings.home, names or []) if not adapters.says_live(p)]
    with progress_bar(quiet=as_json or scheduled, width=28) as bar:
        asks = _interactive() and not as_json and not scheduled
        given = {
            Shrinks: allow_shrink,
            Opens: allow_opened,
            Older: allow_older,
            Unread: allow_unread,
        }
        how = how_of(settings)
        how = replace(
            how,
            allow=lambda doubt: given[type(doubt)] or (asks and _asked(doubt, bar)),
            anew=anew,
            scheduled=scheduled,
        )
        done, failed = _import_all(settings.home, wanted, how, bar, dry_run=dry_run)
    left: dict[str, int] = {}
    if not (names or scheduled or removal.nameless(settings.home)):
        left = removal.without_mapping(settings.home)
    if as_json:
        _print_json(done, failed)
    else:
        _print(done, failed)
        named = sources.mappings(settings.home, names or [])
        if not named:
            Console().print(sources.NO_SOURCE)
        for path in named:
            if adapters.says_live(path):
                Console().print(f"{adapters.name_of(path)} is searched live: nothing to import.")
    for name, count in left.items():
        sys.stderr.write(f"sallyport: {removal.said_of_left(settings.home, name, count)}\n")
    if failed:
        sys.exit(_exit_code([error for _, error in failed]))


def _import_all(
    home: Path, wanted: Sequence[Path], how: How, bar: Progress, *, dry_run: bool
) -> tuple[list[Imported], list[tuple[str, SallyportError]]]:
    """Import each; one that fails does not hold up the others."""
    done: list[Imported] = []
    failed: list[tuple[str, SallyportError]] = []
    twice = sources.doubled((adapters.name_of(path), path) for path in wanted)
    failed += [(name, Misconfigured(said)) for name, said in twice.items()]
    for path in wanted:
        name = adapters.name_of(path)
        if name in twice:
            continue
        shown = shown_on(bar, name)
        try:
            if dry_run:
                done.append(rehearse(home, path, how, shown))
            else:
                records = home / DATA / RECORDS
                with writable(records), closing(Importer(records)) as importer:
                    done.append(Import(home, importer, path, how).run(shown))
        except SallyportError as error:
            failed.append((name, error))
    return done, failed


def _interactive() -> bool:
    return sys.stdin.isatty()


def _asked(doubt: Shrinks, bar: Progress) -> bool:
    bar.stop()
    typer.echo(f"{doubt.text}.")
    answer = typer.confirm("Take the new records in the place of the old ones all the same?")
    bar.start()
    return answer


def _exit_code(errors: Iterable[SallyportError]) -> int:
    codes = {
        REFUSED if isinstance(e, Shrinks) else BUSY if e.code == "import.busy" else 1
        for e in errors
    }
    return codes.pop() if len(codes) == 1 else 1


def _watch(settings: Settings) -> None:
    """Poll in the foreground, for those who would rather not have the gateway do it."""
    console = Console()
    schedule = make_schedule(
        settings, lambda name, outcome: console.print(f"{name}: {outcome}"), enabled=True
    )
    console.print("Polling the sources whose mappings say `poll`. Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        asyncio.run(schedule.run())


def make_schedule(
    settings: Settings, observe: Callable[[str, str], None], *, enabled: bool | None = None
) -> Schedule:
    """Make what polls a gateway's sources, each import by this command.

    `observe` is told a source and its result. `enabled` left out: as the settings have it.
    """
    return Schedule(
        settings.home / DATA / RECORDS,
        sources=sources.Known(settings.home).upkeep,
        files=lambda upkeep: files_of(settings.home, upkeep),
        command=lambda name: (
            *(sys.executable, "-m", "gateway.cli", "import", name),
            *("--home", str(settings.home), "--scheduled", "--json"),
        ),
        observe=observe,
        enabled=settings.poll_sources if enabled is None else enabled,
    )


# -- what is shown ----------------------------------------------------------------------------


def _print_json(done: Iterable[Imported], failed: Iterable[tuple[str, SallyportError]]) -> None:
    rows: list[dict[str, Any]] = [asdict(d) for d in done]
    rows += [{"source": n, "error": {"code": e.code, "text": e.detail}} for n, e in failed]
    sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")


def _print(done: Sequence[Imported], failed: Sequence[tuple[str, SallyportError]]) -> None:
    console = Console()
    if done:
        console.print(_imported(done))
    for d in done:
        console.print(_result(d), soft_wrap=True, highlight=False)
        passed = filter(None, [d.passed_over])
        for said in (*d.stated, *_opened(d), *_forgotten(d), *passed):
            console.print(f"{d.source}: {escape(said)}.", soft_wrap=True)
    if any(d.reasons for d in done):
        console.print(_reasons(done))
    for d in done:
        for why in d.asks:
            console.print(f"{escape(why)}: the import would stop and ask.", soft_wrap=True)
    if done and done[0].dry_run:
        console.print("A dry run: nothing was written.")
    aside = [d.source for d in done if d.set_aside and not d.dry_run]
    if aside:
        total = sum(d.set_aside for d in done)
        others = f" (or {', '.join(aside[1:])})" if aside[1:] else ""
        console.print(
            f"{total:,} {'row' if total == 1 else 'rows'} set aside, and kept. "
            f"Why: sallyport source set-aside {aside[0]}{others}"
        )
    for name, error in failed:
        said = error.detail if error.detail.startswith(name) else f"{name}: {error.detail}"
        sys.stderr.write(f"sallyport: {said}\n")


_COUNTED = {
    "rows": "rows read",
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "set_aside": "set aside",
    "removed": "removed",
}


def _imported(done: Iterable[Imported]) -> Table:
    table = Table(box=box.SIMPLE)
    # In a narrow window a long name is broken, and neither a heading nor a number cut off.
    table.add_column("source", overflow="fold")
    for word in _COUNTED.values():
        table.add_column(word.replace(" ", "\n"), justify="right", no_wrap=True)
    for d in done:
        table.add_row(d.source, *(f"{getattr(d, name):,}" for name in _COUNTED))
    return table


def _result(d: Imported) -> str:
    records = f"{d.records:,} {'record' if d.records == 1 else 'records'}"
    if d.dry_run:
        result = "would be unchanged" if d.same else f"would be a new generation of {records}"
    else:
        result = "unchanged" if d.same else f"generation {d.generation}"
        result += f", {records}"
    if d.rows - d.set_aside != d.records:
        result += f" of {d.rows - d.set_aside:,} rows"
    if d.corrected:
        result += f", {d.corrected:,} of them as corrected by hand"
    if d.resumed:
        result += f"; {d.resumed:,} rows were there from before"
    return f"{d.source}: {result}."


def _opened(d: Imported) -> Iterator[str]:
    if d.opened:
        kinds = ", ".join(f"{count:,} with {kind}" for kind, count in sorted(d.opened.items()))
        verb = "would be handled" if d.dry_run else "handled"
        yield f"{verb} less strictly than before: {kinds}"


def _forgotten(d: Imported) -> Iterator[str]:
    if d.forgotten:
        which = "1 correction" if d.forgotten == 1 else f"{d.forgotten:,} corrections"
        verb = "would be" if d.dry_run else "is" if d.forgotten == 1 else "are"
        yield (
            f"{which} by hand {verb} forgotten, and the source counts: it says otherwise of the "
            "row now, or has it no more, or nobody noted what it said then"
        )


_MOST_REASONS = 15


def _reasons(done: Iterable[Imported]) -> Table:
    table = Table(title="Why rows were set aside")
    for column in ("source", "rows", "column", "why", "code"):
        justify: JustifyMethod = "right" if column == "rows" else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column == "code")
    for d in done:
        for r in d.reasons[:_MOST_REASONS]:
            table.add_row(d.source, f"{r.count:,}", sources.plain(r.column), r.text, r.code)
        left = d.reasons[_MOST_REASONS:]
        if left:
            table.add_row(d.source, f"{sum(r.count for r in left):,}", "", "other reasons", "")
    return table
