"""`sallyport source set-aside`: rows that became no record; list, export, correct and retry."""

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

import adapters
from gateway import settings as settings_files
from gateway.cli import exports, live_rows
from gateway.cli.importing import DATA, RECORDS, Import, how_of, shown_on
from gateway.cli.options import AsJson, Home
from gateway.cli.reading import log_act
from gateway.cli.showing import progress_bar
from gateway.cli.sources import mapping_of, mappings, plain, read
from gateway.errors import Invalid, NotFound
from gateway.model import SetAside
from gateway.records.corrections import Corrections
from gateway.records.importer import Importer
from gateway.records.source import NO_SUCH_COLUMN, row_key
from gateway.records.store import Reader, Reason
from gateway.settings import Settings

_MOST = 10_000
_MOST_REASONS = 15


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("set-aside")(set_aside)
    app.command("corrections")(corrections_command)


def set_aside(
    name: Annotated[str, typer.Argument(help="The source.")],
    home: Home,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="The most to show.")] = 50,
    export: Annotated[
        Path | None, typer.Option(help="Write all of them to this new file: .csv or .jsonl.")
    ] = None,
    retry: Annotated[
        Path | None, typer.Option(help="Take in such a file, corrected, and import again.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List rows that became no record: line, column, value, reason. Personal data.

    A source that is searched live is read whole for it, and what was counted is kept for `source
    list` and the gateway's status.

    To mend them here: --export FILE.csv, correct the cells of the source's columns, --retry
    FILE.csv. A correction holds until the source says something else of that row.
    """
    settings = settings_files.load(home)
    if export is not None and retry is not None:
        raise Invalid("Give one of --export and --retry.")
    live = _live_mapping(settings, name)
    if live is not None:
        if retry is not None:
            raise Invalid(f"{name} is searched live: correct the rows in its own database.")
        _check_live(settings, live, limit, export, as_json=as_json)
        return
    if retry is not None:
        _retry(settings, name, retry, as_json=as_json)
        return
    _require_imported(settings, name)
    if export is not None:
        _export(settings, name, export)
        return
    with closing(Reader(settings.home / DATA / RECORDS)) as reader:
        found = reader.set_aside(name, limit=limit)
        reasons = reader.reasons(name)
    total = sum(r.count for r in reasons)
    if len(found) < total and not as_json:
        _sum_up(reasons)
    _show(name, found, total, as_json=as_json)


def _live_mapping(settings: Settings, name: str) -> Path | None:
    """Give the mapping of a source that is searched live; None of another."""
    found = [p for p in mappings(settings.home) if adapters.name_of(p) == name]
    if not any(adapters.says_live(p) for p in found):
        return None
    return mapping_of(settings.home, name)


def _check_live(
    settings: Settings, path: Path, limit: int, export: Path | None, *, as_json: bool
) -> None:
    """Read a live source whole, and list or write what no search gives of it."""
    if export is not None:
        exports.require_new(export)
    source = adapters.load(path)
    with ExitStack() as until:
        with progress_bar(quiet=as_json) as bar:
            task = bar.add_task(f"reading {source.name}", total=source.total_hint())
            aside = until.enter_context(
                live_rows.checked(
                    source, settings.home / DATA, lambda n: bar.update(task, completed=n)
                )
            )
        if export is not None:
            count = exports.write(export, aside.each, sorted(source.columns))
            _tell_written(export, count)
        else:
            found = list(islice(aside.each(), limit))
            _show(source.name, found, len(aside), as_json=as_json)


def _show(name: str, found: Sequence[SetAside], total: int, *, as_json: bool) -> None:
    if as_json:
        _print_json([_facts(s) for s in found])
        return
    if not total:
        Console().print(f"No row of {name} is set aside.")
        return
    Console().print(_table(found))
    shown = f"the first {len(found):,} of " if len(found) < total else ""
    more = f" More: --limit {min(total, _MOST)}" if shown else ""
    Console().print(f"{shown}{total:,} {_rows(total)} of {name} set aside.{more}")


def _sum_up(reasons: Sequence[Reason]) -> None:
    """Say why rows are set aside: one row may hold back thousands, and stand behind them all."""
    for r in reasons[:_MOST_REASONS]:
        column = "" if r.column is None else f"{plain(r.column)}: "
        said = f"{r.count:,} {_rows(r.count)} set aside: {column}{r.text} ({r.code})"
        Console().print(said, markup=False, highlight=False)
    if left := sum(r.count for r in reasons[_MOST_REASONS:]):
        Console().print(f"{left:,} {_rows(left)} set aside for other reasons")


def _facts(s: SetAside) -> dict[str, Any]:
    return {
        "row": row_key(s.raw),
        **({"line": s.line} if s.key is None else {"key": s.key}),
        "column": s.column,
        "value": s.value,
        "code": s.code,
        "why": s.text,
    }


def _table(found: Iterable[SetAside]) -> Table:
    rows = list(found)
    place = "key" if any(s.key is not None for s in rows) else "line"
    table = Table()
    for column in (place, "column", "value", "why", "code"):
        table.add_column(
            column,
            justify="right" if column == "line" else "left",
            no_wrap=column in {"line", "code"},
            overflow="fold",
        )
    for s in rows:
        table.add_row(*map(plain, (s.place, s.column, s.value, s.text, s.code)))
    return table


def _require_imported(settings: Settings, name: str) -> None:
    if name in read(settings.home)[0]:
        return
    mapping_of(settings.home, name)
    raise NotFound(f"{name} was not imported yet. Do it with: sallyport import {name}")


def _export(settings: Settings, name: str, file: Path) -> None:
    with closing(Reader(settings.home / DATA / RECORDS)) as reader:
        count = exports.write(file, lambda: reader.each_set_aside(name), _columns(settings, name))
    _tell_written(file, count)


def _tell_written(file: Path, count: int) -> None:
    typer.echo(
        f"Wrote {count:,} {_rows(count)} to {file}. They are personal data: only you may read the "
        "file; delete it when it is done with."
    )


def _columns(settings: Settings, name: str) -> list[str]:
    """Name the source's columns, as far as the mapping and the file are there to tell."""
    try:
        path = mapping_of(settings.home, name)
    except NotFound:
        return []  # records without a mapping: what is set aside names its columns itself
    return sorted(adapters.load(path).columns)


def _retry(settings: Settings, name: str, file: Path, *, as_json: bool) -> None:
    """Keep what was corrected, import, and say what became of it."""
    path = mapping_of(settings.home, name)
    _require_imported(settings, name)
    corrections = Corrections(settings.home / DATA, name)
    wanted = {c.key: c for c in exports.read(file)}
    source = adapters.load(path)
    known, names = {}, source.columns
    with closing(Reader(settings.home / DATA / RECORDS)) as reader:
        for row in reader.each_set_aside(name):
            if row_key(row.raw) in wanted:
                known[row_key(row.raw)] = row
    changed, outdated = set[str](), set[str]()
    for key, row in known.items():
        if wanted[key].seen != exports.seen(row):
            outdated.add(key)
            continue
        found = exports.correction(row, wanted[key].fields)
        if found is not None:
            _require_known(file, wanted[key].number, found.values, names)
            if row.code == NO_SUCH_COLUMN:
                corrections.forget([key])  # what it said there would be said again
            noted = source.noted(row.fields, found)
            corrections.put(key, noted, source.led_elsewhere(found))
            changed.add(key)
    gone, same = len(wanted) - len(known), len(known) - len(changed) - len(outdated)
    still: list[SetAside] = []
    if changed:
        _keep(settings.home, "rows_corrected", len(changed), {"source": name}, corrections)
        _import_anew(settings, name, path, quiet=as_json)
        outdated |= changed - Corrections(settings.home / DATA, name).keys()
        with closing(Reader(settings.home / DATA / RECORDS)) as reader:
            still = [s for s in reader.each_set_aside(name) if row_key(s.raw) in changed]
    well = len(changed - outdated - {row_key(s.raw) for s in still})
    if as_json:
        _print_json(
            {
                "became_records": well,
                "still_set_aside": [_facts(s) for s in still],
                "no_longer_set_aside": gone,
                "not_corrected": same,
                "outdated": len(outdated),
            }
        )
    else:
        _tell(well, still, gone, same, len(outdated))
    if still or outdated:
        sys.exit(1)


def _keep(
    home: Path, what: str, count: int, about: dict[str, str], corrections: Corrections
) -> None:
    """Keep corrections as they are now, and say so in the log first: `rows_corrected` and so on.

    Whoever does not come to it says `rows_not_corrected`.
    """
    log_act(home, what, count, about)
    try:
        corrections.save()
    except OSError:
        before, verb = what.split("_", 1)
        log_act(home, f"{before}_not_{verb}", count, about)
        raise


def _import_anew(settings: Settings, name: str, path: Path, *, quiet: bool) -> None:
    with (
        progress_bar(quiet=quiet, width=28) as bar,
        closing(Importer(settings.home / DATA / RECORDS)) as importer,
    ):
        how = replace(how_of(settings), anew=True)
        Import(settings.home, importer, path, how).run(shown_on(bar, name))


def _tell(well: int, still: Sequence[SetAside], gone: int, same: int, outdated: int) -> None:
    for count, what in (
        (gone, "no longer set aside: passed over"),
        (same, "not corrected in the file, whose columns with # are not read back: left alone"),
        (outdated, "not as the source has it now: what it says counts. Export anew and look again"),
    ):
        if count:
            typer.echo(f"{count:,} {_rows(count)} {what}.")
    if not well and not still and not outdated:
        typer.echo("There is nothing to retry.")
        return
    typer.echo(f"{well:,} corrected {_rows(well)} became records.")
    if still:
        Console().print(_table(still))
        typer.echo(f"{len(still):,} {_rows(len(still))} still can't be translated: see above.")


def _require_known(
    file: Path, number: int, values: Mapping[str, str], names: frozenset[str]
) -> None:
    for name in values.keys() - names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Invalid(f"{file.name}, row {number}: the source has no column {name}.{hint}")


def corrections_command(
    name: Annotated[str, typer.Argument(help="The source.")],
    home: Home,
    forget: Annotated[
        str | None, typer.Option(help="Take back this row's correction, or `all`.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List what was corrected by hand, by row and column. `--forget` takes it back."""
    settings = settings_files.load(home)
    path = mapping_of(settings.home, name)
    corrections = Corrections(settings.home / DATA, adapters.name_of(path))
    if forget is not None:
        gone = corrections.forget(list(corrections) if forget == "all" else [forget])
        if not gone:
            raise NotFound(f"{name} has no correction of the row {forget}.")
        about = {"source": corrections.path.stem, "row": forget}
        _keep(settings.home, "corrections_taken_back", gone, about, corrections)
        typer.echo(f"Took {gone:,} back. It counts from the next import: sallyport import {name}")
        return
    rows = [
        {"row": key, "columns": sorted([*one.values, *one.groups])}
        for key, one in corrections.items()
    ]
    if as_json:
        _print_json(rows)
        return
    table = Table()
    table.add_column("row", no_wrap=True)
    table.add_column("columns")
    for row in rows:
        table.add_row(str(row["row"]), ", ".join(row["columns"]))
    Console().print(table if rows else f"Nothing of {name} was corrected by hand.")


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _print_json(found: Sequence[dict[str, Any]] | dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
