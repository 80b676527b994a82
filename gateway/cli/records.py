"""`sallyport import` and `sallyport source`: legacy files in, and what became of each row."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import adapters
from gateway import settings as settings_files
from gateway.cli.options import AsJson, Home
from gateway.errors import NotFound
from gateway.model import stamp
from gateway.records.importer import Imported, Importer
from gateway.records.importer import Progress as Done
from gateway.records.store import Reader

source_app = typer.Typer(no_args_is_help=True, help="The agency's sources of records.")


def register(app: typer.Typer) -> None:
    """Add the commands `import` and `source`."""
    app.command("import")(import_command)
    app.add_typer(source_app, name="source")


def import_command(
    home: Home,
    names: Annotated[list[str] | None, typer.Argument(help="Sources; left out: all.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Import legacy files. The running gateway switches to the new records by itself.

    A row that can't be translated is set aside, counted and kept: see `sallyport source set-aside`.
    An interrupted import goes on where it stopped.
    """
    settings = settings_files.load(home)
    wanted = list(_chosen(settings.home / "mappings", names or []))
    importer = Importer(settings.home / "data" / "records.db")
    try:
        with _bar(quiet=as_json) as bar:
            done = [_import_one(importer, path, bar) for path in wanted]
    finally:
        importer.close()
    if as_json:
        rows = [{f: getattr(d, f) for f in Imported.__slots__} for d in done]
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    table = Table()
    for column in ("source", "rows read", "records", "set aside", "result"):
        table.add_column(column, justify="left" if column in {"source", "result"} else "right")
    for d in done:
        result = "unchanged" if d.unchanged else f"generation {d.generation}"
        if d.resumed:
            result += f", {d.resumed:,} rows were there from before"
        table.add_row(d.source, f"{d.rows:,}", f"{d.records:,}", f"{d.set_aside:,}", result)
    Console().print(table)
    if any(d.set_aside for d in done):
        Console().print("See why with: sallyport source set-aside NAME")


def _import_one(importer: Importer, path: Path, bar: Progress) -> Imported:
    source = adapters.load(path)
    task = bar.add_task(source.name, total=source.total_hint())

    def show(done: Done) -> None:
        bar.update(task, completed=done.rows, description=f"{source.name}: {done.step}")

    imported = importer.run(
        source.name,
        source.rows(),
        as_of=source.as_of(),
        record_types=source.record_types,
        terms=source.terms,
        progress=show,
    )
    bar.update(task, completed=imported.rows, total=imported.rows, description=source.name)
    return imported


def _bar(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )


def _chosen(folder: Path, names: list[str]) -> Iterator[Path]:
    """Give the mapping files to import. Live sources are searched where they are."""
    found = {adapters.name_of(p): p for p in sorted(folder.glob("*.yaml"))}
    unknown = sorted(set(names) - found.keys())
    if unknown:
        raise NotFound(
            f"There is no mapping for {', '.join(unknown)}. There are: {', '.join(sorted(found))}."
        )
    for name, path in found.items():
        if (not names or name in names) and not adapters.is_live(path):
            yield path


@source_app.command("list")
def source_list(home: Home, *, as_json: AsJson = False) -> None:
    """Show each source: its records, what was set aside, of when it is."""
    settings = settings_files.load(home)
    rows: list[dict[str, object]] = [
        {"source": adapters.name_of(path), "kind": "live", "as_of": "now"}
        for path in sorted((settings.home / "mappings").glob("*.yaml"))
        if adapters.is_live(path)
    ]
    reader = Reader(settings.home / "data" / "records.db")
    try:
        rows += [
            {
                "source": g.source,
                "kind": "mirror",
                "generation": g.id,
                "records": g.records,
                "set_aside": g.set_aside,
                "as_of": stamp(g.as_of) if g.as_of else None,
            }
            for g in reader.generations()
        ]
    finally:
        reader.close()
    _print(rows, as_json=as_json)


@source_app.command("set-aside")
def set_aside(
    name: Annotated[str, typer.Argument(help="The source.")],
    home: Home,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List rows that could not be translated: line, column, value, reason. Personal data."""
    settings = settings_files.load(home)
    reader = Reader(settings.home / "data" / "records.db")
    try:
        found = reader.set_aside(name, limit=limit)
    finally:
        reader.close()
    rows: list[dict[str, object]] = [
        {"line": s.line, "column": s.column, "value": s.value, "code": s.code, "why": s.text}
        for s in found
    ]
    _print(rows, as_json=as_json)


def _print(rows: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if row.get(c) is None else str(row[c]) for c in columns))
    Console().print(table if rows else "nothing")
