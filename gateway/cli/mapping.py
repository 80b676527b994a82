"""`sallyport mapping`: check a mapping, see what it makes of a source, and draft a first one."""

import difflib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.table import Table

import adapters
from adapters.check import Checked, Described, Finding, check
from adapters.mapping import EDITORS, SCHEMA, schema_text
from adapters.preview import Shown, preview
from gateway.cli.options import AsJson
from gateway.cli.showing import progress_bar
from gateway.cli.sources import plain
from gateway.errors import Misconfigured
from gateway.model import Fact
from gateway.policy.element_tree import compile_elements
from gateway.policy.sets import load_set
from gateway.policy.vocabulary import read_vocabulary

app = typer.Typer(no_args_is_help=True, help="Check, preview and draft mappings.")

File = Annotated[Path, typer.Argument(help="The mapping file.", exists=True, dir_okay=False)]
_MOST_VALUES = 6


def register(parent: typer.Typer) -> None:
    """Add the commands of `mapping`."""
    parent.add_typer(app, name="mapping")


@app.command("check")
def check_command(
    file: File,
    *,
    rows: Annotated[
        bool, typer.Option("--rows", help="Read the source too, and sum up what is set aside.")
    ] = False,
    policies: Annotated[
        Path | None,
        typer.Option(
            "--policies",
            help="The policy set's folder: are its words known, may its elements ever leave?",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a mapping, every fault with its line. Exit code 1 if there is one.

    Warnings name columns that are not mapped and codes that are never used. With --rows: how many
    rows would be set aside, and why. Nothing is imported.
    """
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task(f"reading {file.name}", total=None, visible=rows)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        checked = check(file, rows=rows, progress=show)
    if policies is not None:
        checked.findings += _by_policy(checked.records_of, policies)
        checked.findings.sort(key=lambda f: (f.kind, f.line))
    if as_json:
        _print_json(_as_json(checked, rows=rows))
    else:
        _show(file.name, checked, rows=rows)
    raise typer.Exit(1 if checked.faults else 0)


def _by_policy(records: list[Described], folder: Path) -> Iterator[Finding]:
    """Hold a mapping's words and paths against the policy's vocabulary."""
    data = load_set(folder).data
    words = read_vocabulary(data)
    tree = compile_elements(words.elements, words.wherever)
    raw: Mapping[str, Any] = data["sallyport"]["vocabulary"]
    for record in records:
        if record.record_type not in words.record_types:
            known = ", ".join(sorted(words.record_types))
            text = f"{record.record_type} is no record type of the policy; there are: {known}"
            yield Finding("fault", record.line, text)
        for fact, (found, line) in record.facts.items():
            yield from (Finding("fault", line, text) for text in _wrong_facts(raw, fact, found))
        for path, line in record.paths.items():
            if not tree.classes(path):
                text = f"{path} has no class in the policy: it never leaves the agency"
                yield Finding("warning", line, text)


def _wrong_facts(vocabulary: Mapping[str, Any], fact: str, found: Iterable[Fact]) -> Iterator[str]:
    """Say which of the words that a fact may be the policy does not know."""
    known = vocabulary.get("facts")
    if known is not None and fact not in known:
        near = ", ".join(difflib.get_close_matches(fact, known, n=2, cutoff=0.5) or sorted(known))
        yield f"{fact} is no fact of the policy, which hides such a record; there are: {near}"
        return
    words = next((list(vocabulary[w]) for w in (fact, f"{fact}s") if w in vocabulary), None)
    if words is None:
        # Of what has no list, values stand here that tell at least of what kind it is.
        places = (vocabulary.get("strictness", {}), vocabulary.get("fact_examples", {}))
        some = [word for place in places for word in place.get(fact, ())]
        kinds = {type(word) for word in some}
        words = [False, True] if kinds == {bool} else None
        wrong = [word for word in found if kinds and type(word) not in kinds]
        like = f"such as {', '.join(map(str, some[:3]))}"
    else:
        wrong = [word for word in found if word not in words or isinstance(word, bool)]
        like = ""
    for word in sorted(map(str, wrong)):
        listed = like if words is None else ", ".join(map(str, words))
        yield f"{fact}: {word} is no word of the policy: {listed}"


def _as_json(checked: Checked, *, rows: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "findings": [asdict(f) for f in checked.findings],
        "found_out": list(checked.stated),
    }
    if rows and checked.source is not None:
        found |= {
            "rows": {
                "read": checked.read,
                "mapped": checked.translated,
                "set_aside": checked.aside,
            },
            "records": dict(checked.records),
            "reasons": [
                asdict(r) | {"values": dict(r.values.most_common())} for r in checked.reasons
            ],
            "kept_beside": dict(checked.kept),
        }
    return found


def _found_out(console: Console, stated: Sequence[str]) -> None:
    """Say what was found out about files, as their mapping leaves it open."""
    for said in stated:
        console.print(f"Found out: {escape(said)}.", soft_wrap=True)


def _show(name: str, checked: Checked, *, rows: bool) -> None:
    console = Console()
    _found_out(console, checked.stated)
    for one in checked.findings:
        color = "red" if one.kind == "fault" else "yellow"
        console.print(
            f"{name}:{one.line}: [{color}]{one.kind}[/]: {escape(one.text)}", soft_wrap=True
        )
    faults = len(checked.faults)
    warnings = len(checked.findings) - faults
    counted = f"{_counted(faults, 'fault')}, {_counted(warnings, 'warning')}"
    console.print(f"{name}: {counted if faults or warnings else 'nothing is wrong'}.")
    if checked.source is None or not rows:
        return
    records = ", ".join(f"{n:,} {kind}" for kind, n in checked.records.items()) or "none"
    console.print(
        f"{checked.read:,} rows read: {checked.translated:,} mapped, {checked.aside:,} set aside. "
        f"Records: {records}."
    )
    if checked.reasons:
        console.print(_reasons(checked))
    for path, count in checked.kept.most_common():
        console.print(f"{count:,} values of {path} have no word, and are kept beside as they are.")


def _reasons(checked: Checked) -> Table:
    table = Table(title="Why rows are set aside")
    for column in ("rows", "column", "why", "values", "the first are"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for reason in checked.reasons:
        values = [f"{v} ({n:,})" for v, n in reason.values.most_common(_MOST_VALUES)]
        more = " …" if len(reason.values) > _MOST_VALUES else ""
        table.add_row(
            f"{reason.rows:,}",
            plain(reason.column),
            plain(f"{reason.text} ({reason.code})"),
            plain(", ".join(values) + more),
            plain(_places(reason.places[:_MOST_VALUES])),
        )
    return table


@app.command("preview")
def preview_command(
    file: File,
    *,
    rows: Annotated[int, typer.Option(min=1, max=1_000, help="The most rows to show.")] = 3,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="Show only rows that are set aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show rows beside the NIEM that they become, or why they are set aside. Personal data."""
    source = adapters.load(file)
    shown = list(preview(source, most=rows, only_aside=set_aside))
    if as_json:
        _print_json([_row_as_json(one) for one in shown])
        return
    console = Console()
    _found_out(console, source.stated())
    for one in shown:
        console.print(_row(one))
    if not shown:
        console.print("No row is set aside." if set_aside else "The source has no rows.")


def _row_as_json(shown: Shown) -> dict[str, Any]:
    where = "key" if isinstance(shown.place, str) else "line"
    found: dict[str, Any] = {where: shown.place, "columns": shown.columns}
    if shown.aside is not None:
        aside = shown.aside
        why = {"code": aside.code, "why": aside.text, "column": aside.column, "value": aside.value}
        return found | {"set_aside": why}
    return found | {
        "records": [
            {
                "record_id": record.record_id,
                "record_type": record.record_type,
                "handling": record.handling.as_dict(),
                "message": record.message,
            }
            for record in shown.records
        ]
    }


def _places(places: Sequence[int | str]) -> str:
    """Name lines, or the keys of a database's rows."""
    word = "line " if isinstance(places[0], int) and len(places) == 1 else "lines "
    named = ", ".join(map(str, places))
    return named if isinstance(places[0], str) else f"{word}{named}"


def _row(shown: Shown) -> Table:
    table = Table(title=plain(_places([shown.place])), title_justify="left", show_lines=True)
    table.add_column("the row", ratio=2, overflow="fold")
    table.add_column("what it becomes", ratio=3, overflow="fold")
    left = Table.grid(padding=(0, 1))
    left.add_column()
    left.add_column(overflow="fold")
    for column, value in _cells(shown.columns):
        left.add_row(plain(column), plain(value))
    if shown.aside is not None:
        aside = shown.aside
        at = f"{aside.column}: {aside.value}: " if aside.column else ""
        table.add_row(left, plain(f"set aside: {at}{aside.text} ({aside.code})"))
        return table
    right = Table.grid()
    right.add_column(overflow="fold")
    for record in shown.records:
        facts = ", ".join(f"{k} {v}" for k, v in record.handling.as_dict().items())
        content = {k: v for k, v in record.message.items() if k != "@context"}
        right.add_row(plain(f"{record.record_type} {record.record_id}"))
        right.add_row(plain(facts))
        message = JSON(orjson.dumps(content).decode(), indent=2).text
        message.no_wrap, message.overflow = False, "fold"  # a value that is cut off shows nothing
        right.add_row(message)
    table.add_row(left, right)
    return table


def _cells(columns: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give a row's columns that hold something, those of its repeated parts after them."""
    for column, value in columns.items():
        if isinstance(value, list):
            for number, part in enumerate(value, 1):
                for name, inner in part.items():
                    if inner:
                        yield f"{number}. {name}", str(inner)
        elif value:
            yield column, str(value)


@app.command("draft")
def draft_command(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The legacy file or SQLite database; then CSV and Excel files to join to it. "
            "Left out for a database on a server: --with url=postgresql://…",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    *,
    kind: Annotated[
        str | None, typer.Option("--format", help="csv, excel, sql, …; left out: by its ending.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="What the format needs besides, as KEY=VALUE: sheet=Persons, copybook=WANTED.cpy.",
        ),
    ] = None,
    record_type: Annotated[
        str | None, typer.Option("--type", help="The record type; left out, it is guessed.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="SQL: the table.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write it there, and not over what is there.")
    ] = None,
) -> None:
    """Look at a source's columns and write a first mapping, with doubtful guesses marked # CHECK.

    Rows of the first file become records. How the others are joined to it is found out, by names
    and values of their keys; of a workbook, its other sheets are joined. COBOL needs its copybook.
    Fixed width takes --with layout=FILE.csv. Of lines without one, and of XML, the columns are
    found. Of a database, --table says whose rows become records; what its foreign keys or the
    values of keys lead to is joined.

    It loads as it stands, and lets nothing out until a person has said who may see what. With --out
    the language's schema is put beside it, by which editors complete it, if there is none.
    """
    folder = _stands_in(out)
    every = [s.resolve() for s in sources or []]
    text = adapters.draft(
        sources or [],
        kind=kind,
        written=[str(s) if folder is None else os.path.relpath(s, folder) for s in every],
        folder=folder or Path.cwd(),
        options=options or (),
        record_type=record_type,
        table=table,
    )
    if out is None:
        sys.stdout.write(text)
        return
    _write_new(out, text)
    with suppress(OSError), out.with_name(SCHEMA).open("x", encoding="utf-8") as beside:
        beside.write(schema_text())
    marks = text.count("# CHECK: ")
    Console().print(
        f"{out}: written, with {_counted(marks, 'guess' if marks == 1 else 'guesse')} to check. "
        f"Then: sallyport mapping check {out} --rows",
        soft_wrap=True,
    )


def _write_new(out: Path, text: str) -> None:
    """Write a file, but over no other: a mapping is a person's work."""
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        why = "there is a file of that name" if out.exists() else "it can't be written"
        raise Misconfigured(f"{out.name}: {why}; choose another with --out") from error


def _stands_in(out: Path | None) -> Path | None:
    """Give the folder that a draft will stand in: its paths count from there. None: nobody knows.

    Of an output that goes to a file the system knows its name.
    """
    if out is not None:
        return out.resolve().parent
    with suppress(OSError, ValueError):
        if stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode):
            return Path(f"/dev/fd/{sys.stdout.fileno()}").resolve(strict=True).parent
    return None


@app.command("schema")
def schema_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help=f"Write it there, such as mappings/{SCHEMA}, and not over what is there."
        ),
    ] = None,
) -> None:
    """Write the JSON Schema of the mapping language: editors complete and explain by it.

    An editor finds it by a mapping's first line, as drafts have it, where it stands beside it.
    """
    if out is None:
        sys.stdout.write(schema_text())
        return
    _write_new(out, schema_text())
    Console().print(
        f"{out}: written. Mappings beside it begin with: {EDITORS}", soft_wrap=True, highlight=False
    )


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _print_json(found: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
