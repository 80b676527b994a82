"""`sallyport import` and `sallyport source`: legacy files in, and what became of each row."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

import adapters
from gateway import settings as settings_files
from gateway.cli.options import AsJson, Home
from gateway.cli.showing import progress_bar
from gateway.errors import NotFound
from gateway.model import stamp
from gateway.records.importer import Imported, Importer
from gateway.records.importer import Progress as Done
from gateway.records.store import Generation, Reader

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
        with progress_bar(quiet=as_json, width=28) as bar:
            done = [_import_one(importer, path, bar) for path in wanted]
    finally:
        importer.close()
    if as_json:
        rows = [{f: getattr(d, f) for f in Imported.__slots__} for d in done]
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    if done:
        Console().print(_imported(done))
    for path in _live(settings.home / "mappings", names or []):
        Console().print(f"{adapters.name_of(path)} is searched live: nothing to import.")
    aside = [d.source for d in done if d.set_aside]
    if aside:
        total = sum(d.set_aside for d in done)
        others = f" (or {', '.join(aside[1:])})" if aside[1:] else ""
        Console().print(
            f"{total:,} {_rows(total)} set aside, and kept. "
            f"Why: sallyport source set-aside {aside[0]}{others}"
        )


def _imported(done: Iterable[Imported]) -> Table:
    table = Table()
    for column in ("source", "rows read", "records", "set aside", "result"):
        table.add_column(column, justify="left" if column in {"source", "result"} else "right")
    for d in done:
        result = "unchanged" if d.unchanged else f"generation {d.generation}"
        if d.resumed:
            result += f", {d.resumed:,} rows were there from before"
        table.add_row(d.source, f"{d.rows:,}", f"{d.records:,}", f"{d.set_aside:,}", result)
    return table


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


def _chosen(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give the mapping files to import. Live sources are searched where they are."""
    return (p for p in _mappings(folder, names) if not adapters.is_live(p))


def _live(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    return (p for p in _mappings(folder, names) if adapters.is_live(p))


def _mappings(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Give the mapping files of these sources, or of all. Raises NotFound, with what there is."""
    found = {adapters.name_of(p): p for p in sorted(folder.glob("*.yaml"))}
    unknown = sorted(set(names) - found.keys())
    if unknown:
        raise NotFound(
            f"There is no mapping for {', '.join(unknown)}. There are: {', '.join(sorted(found))}."
        )
    return [path for name, path in found.items() if not names or name in names]


@source_app.command("list")
def source_list(home: Home, *, as_json: AsJson = False) -> None:
    """Show each source: its records, what was set aside, of when it is."""
    settings = settings_files.load(home)
    known = {adapters.name_of(p): p for p in _mappings(settings.home / "mappings")}
    current = {g.source: g for g in _generations(settings.home)}
    rows: list[dict[str, object]] = []
    for name in sorted(known.keys() | current.keys()):
        g = current.get(name)
        if name in known and adapters.is_live(known[name]):
            rows.append({"source": name, "kind": "live", "as_of": "now"})
        elif g is None:
            rows.append({"source": name, "kind": "not imported"})
        else:
            rows.append(
                {
                    "source": name,
                    "kind": "mirror" if name in known else "mirror, no mapping",
                    "generation": g.id,
                    "records": g.records,
                    "set_aside": g.set_aside,
                    "as_of": stamp(g.as_of) if g.as_of else None,
                }
            )
    if as_json:
        _print_json(rows)
        return
    table = Table()
    for column, word in _LISTED.items():
        table.add_column(word, justify="right" if column in _COUNTS else "left")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in _LISTED))
    Console().print(table if rows else "There is no source: mappings/ is empty.")


@source_app.command("set-aside")
def set_aside(
    name: Annotated[str, typer.Argument(help="The source.")],
    home: Home,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most to show.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List rows that could not be translated: line, column, value, reason. Personal data."""
    settings = settings_files.load(home)
    current = {g.source: g for g in _generations(settings.home)}
    if name not in current:
        [path] = _mappings(settings.home / "mappings", [name])
        live = adapters.is_live(path)
        raise NotFound(
            f"{name} is searched live: no rows are set aside beforehand."
            if live
            else f"{name} was not imported yet. Do it with: sallyport import {name}"
        )
    reader = Reader(settings.home / "data" / "records.db")
    try:
        found = reader.set_aside(name, limit=limit)
    finally:
        reader.close()
    if as_json:
        _print_json(
            [
                {
                    "line": s.line,
                    "column": s.column,
                    "value": s.value,
                    "code": s.code,
                    "why": s.text,
                }
                for s in found
            ]
        )
        return
    total = current[name].set_aside
    if not total:
        Console().print(f"No row of {name} is set aside.")
        return
    table = Table()
    for column in ("line", "column", "value", "why", "code"):
        table.add_column(
            column,
            justify="right" if column == "line" else "left",
            no_wrap=column in {"line", "code"},
            overflow="fold",
        )
    for s in found:
        table.add_row(f"{s.line}", *map(_plain, (s.column, s.value, s.text, s.code)))
    Console().print(table)
    shown = f"the first {len(found):,} of " if len(found) < total else ""
    more = f" More: --limit {min(total, _MOST):,}".replace(",", "") if shown else ""
    Console().print(f"{shown}{total:,} {_rows(total)} of {name} set aside.{more}")


_MOST = 10_000
_LISTED = {
    "source": "source",
    "kind": "kind",
    "generation": "generation",
    "records": "records",
    "set_aside": "set aside",
    "as_of": "as of (UTC)",
}
_COUNTS = frozenset({"generation", "records", "set_aside"})


def _generations(home: Path) -> Sequence[Generation]:
    path = home / "data" / "records.db"
    if not path.exists():
        return ()  # nothing was imported yet
    reader = Reader(path)
    try:
        return reader.generations()
    finally:
        reader.close()


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _cell(column: str, value: object) -> str:
    if value is None:
        return ""
    if column == "as_of":
        return str(value)[:16].replace("T", " ")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: str | None) -> Text:
    """Show a legacy value as it is: no markup, and nothing that would drive the terminal."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value or ""))


def _print_json(rows: list[dict[str, object]]) -> None:
    sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
