"""`sallyport audit answer`: is this what the officer was given? Shows nothing of what it holds.

It reads the message key and those before it, for their public halves, and the log's lines on that
search, not their sealed parts.
Exit code 0: as it was given out. 1: something is wrong with it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from gateway import settings as settings_files
from gateway.cli.options import AsJson, Home
from gateway.cli.reading import LEDGER
from gateway.errors import Invalid, NotFound
from gateway.exchange import receipt as receipts
from gateway.http.strict import parse_once
from gateway.ledger import EntryType, Filters, LogEntry, PageOf
from gateway.ledger.reading import MAX_PAGE, Reader
from gateway.trust import keys as key_files

_WIDE = 200

File = Annotated[
    Path, typer.Argument(help="A search's answer in JSON, as it was given.", metavar="FILE")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("answer")(answer)


def answer(home: Home, file: File, *, as_json: AsJson = False) -> None:
    """Hold an answer to a search against its receipt, this gateway's keys and its log.

    Exit code 1 if it is not what was given out. Whether the log itself is as it was written, `audit
    verify` tells.
    """
    settings = settings_files.load(home)
    outcome = _read(file)
    search_id = receipts.search_of(outcome)
    if not (settings.home / LEDGER).is_file():
        raise NotFound("There is no access log yet: the gateway never ran.")
    lines = _lines(settings.home / LEDGER, search_id)
    keys, unread = key_files.message_keys(settings.home)
    wrong = receipts.what_is_wrong(outcome, keys, lines)
    leaf = outcome["receipt"].get("log_leaf")
    line = next((e for e in lines if e.leaf == leaf), None)
    if as_json:
        found: dict[str, Any] = {
            "search_id": search_id,
            "as_given": not wrong,
            "wrong": wrong,
            "unread_keys": unread,
        }
        if line is not None:
            found |= {"entry_id": line.entry_id, "time": line.fields["time"]}
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(search_id, wrong, line, unread)
    raise typer.Exit(1 if wrong else 0)


def _show(
    search_id: str, wrong: tuple[str, ...], line: LogEntry | None, unread: Sequence[str]
) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    for text in unread:
        console.print(f"An earlier key is not read, nor is what it signed known: {escape(text)}.")
    for text in wrong:
        console.print(f"[red]{escape(search_id)}:[/red] {escape(text)}")
    if not wrong and line is not None:
        console.print(
            f"[green]{escape(search_id)} is as it was given out[/green] at {line.fields['time']}, "
            f"entry {line.entry_id}."
        )


def _read(file: Path) -> Any:
    try:
        return parse_once(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{file.name} can't be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise Invalid(
            f"{file.name} is not JSON, or names something in it twice: give the answer's file as "
            "the gateway sent it."
        ) from None


def _lines(path: Path, search_id: str) -> list[LogEntry]:
    """Give the log's lines on what went out to the officer for one search."""
    filters = Filters(transaction=search_id, types=(EntryType.RESPONSE_OUT,))
    found: list[LogEntry] = []
    reader = Reader(path)
    try:
        page = reader.page(filters, PageOf(limit=MAX_PAGE))
        found += page.entries
        while page.next:
            page = reader.page(filters, PageOf(after=page.next, limit=MAX_PAGE))
            found += page.entries
    finally:
        reader.close()
    return found
