"""`sallyport audit`: verify the access log, read it, and take from it what proves it elsewhere.

`verify` and `checkpoint` open ledger.db read-only, beside a running gateway; they show no entries.
`entries` and `receipts` read the log, so the reading is logged: by the running gateway, which is
asked through its admin API, or, when none runs, by this command as the log's one writer.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlencode

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli import admin_client
from gateway.cli.lazy import LazyGroup
from gateway.cli.options import AsJson, Home
from gateway.cli.reading import LEDGER, alone
from gateway.cli.showing import fitting, progress_bar
from gateway.errors import NotFound, Unavailable
from gateway.ledger import EntryType, Filters, LogEntry, PageOf, origin_of
from gateway.ledger.checkpoint import verifier_key
from gateway.ledger.evidence import read_checkpoints, read_receipts
from gateway.ledger.findings import Report
from gateway.ledger.reading import Reader
from gateway.ledger.seal import SealingKey, ledger_key
from gateway.ledger.verify import Verification
from gateway.trust import keys as key_files

T = TypeVar("T")


class _Commands(LazyGroup):
    rooms: ClassVar = {
        "answer": "gateway.cli.answer",
        "replay": "gateway.cli.replay",
    }


app = typer.Typer(
    no_args_is_help=True, cls=_Commands, help="Read the access log, and prove things from it."
)

_PAGE = 500
_WIDE = 200
_KINDS = {
    "not_ours": "not written by this gateway as it stands",
    "altered": "altered, or put in",
    "removed": "removed",
    "missing": "missing",
    "moved": "moved",
    "malformed": "not in the log's format",
    "column": "the row contradicts its entry",
    "sequence": "out of its writer's sequence",
    "part": "sealed part wrong or gone",
    "tree": "stored tree wrong",
    "checkpoint": "stored checkpoint wrong",
    "tail_removed": "end removed",
    "rewritten": "log rewritten",
    "kept_checkpoint": "kept checkpoint of another log or key",
    "receipt": "another agency's receipt not in the log",
    "month_key": "month key wrong",
    "nonce": "nonce wrong",
    "schema": "the file's schema changed",
    "file": "file damaged",
}


def register(parent: typer.Typer) -> None:
    """Add the commands of `audit`."""
    parent.add_typer(app, name="audit")


@app.command("verify")
def verify_command(
    home: Home,
    *,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A file of checkpoints kept elsewhere. May be given several times."),
    ] = None,
    receipts: Annotated[
        list[Path] | None,
        typer.Option(help="A file of receipts that another agency holds. As often as you like."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the log from its entries and name whatever is wrong. Exit code 1 if anything is."""
    settings = settings_files.load(home)
    keys = key_files.load(settings.home)
    with progress_bar(quiet=as_json or not sys.stderr.isatty()) as bar:
        task = bar.add_task("entries", total=None)
        report = Verification(
            settings.home / LEDGER,
            origin=origin_of(settings.ori),
            key=keys.log.public_key(),
            sealing=SealingKey(ledger_key(keys.sealing)),
            kept=read_checkpoints(checkpoint or ()),
            receipts=read_receipts(receipts or ()),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        ).run()
    if as_json:
        _print_json(report.as_json())
    else:
        _show(report)
    raise typer.Exit(0 if report.intact else 1)


@app.command("checkpoint")
def checkpoint_command(home: Home) -> None:
    """Print the newest signed checkpoint. Keep it elsewhere: it finds a log that was rewritten."""
    settings = settings_files.load(home)
    note = _read_only(settings.home, Reader.checkpoint)
    if note is None:
        raise NotFound("There is no checkpoint yet: the gateway never ran.")
    sys.stdout.write(note)


@app.command("key")
def key_command(home: Home) -> None:
    """Print the public key that checks this log's checkpoints, as signed-note tools take it."""
    settings = settings_files.load(home)
    key = key_files.load(settings.home).log.public_key()
    sys.stdout.write(verifier_key(origin_of(settings.ori), key) + "\n")


@app.command("receipts")
def receipts_command(
    home: Home,
    peer: Annotated[str, typer.Option(help="The other agency's ORI.", metavar="ORI")],
) -> None:
    """Print the leaves that another gateway gave us, one JSON object a line.

    Give them to its auditor for `sallyport audit verify --receipts`. The reading is logged.
    """
    settings = settings_files.load(home)
    try:
        path = f"/v1/audit/receipts?{urlencode({'peer': peer})}"
        found = admin_client.call(settings.home, "GET", path)["receipts"]
    except Unavailable:
        found = alone(
            settings.home, "receipts_read", {"peer": peer}, lambda ledger: ledger.receipts(peer)
        )
    for receipt in found:
        sys.stdout.write(orjson.dumps(receipt).decode() + "\n")


@app.command("entries")
def entries_command(
    home: Home,
    *,
    since: Annotated[datetime | None, typer.Option(help="From this time on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time, UTC.")] = None,
    kind: Annotated[
        list[EntryType] | None, typer.Option("--type", help="Only these. As often as you like.")
    ] = None,
    transaction: Annotated[str | None, typer.Option(help="One search's id.")] = None,
    purpose: Annotated[str | None, typer.Option(help="A purpose's word.")] = None,
    peer: Annotated[str | None, typer.Option(help="An agency's ORI.", metavar="ORI")] = None,
    decision: Annotated[str | None, typer.Option(help="Such as allow or deny.")] = None,
    subject: Annotated[str | None, typer.Option(help="An officer's pairwise name.")] = None,
    after: Annotated[str | None, typer.Option(help="The cursor of the page before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="The most to show.")] = 100,
    newest_first: Annotated[bool, typer.Option("--newest-first")] = False,
    unseal: Annotated[bool, typer.Option("--unseal", help="Open the personal parts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read the log. Personal parts stay sealed unless asked for. The reading itself is logged."""
    settings = settings_files.load(home)
    filters = Filters(
        since=_utc(since),
        until=_utc(until),
        types=tuple(kind or ()),
        transaction=transaction,
        purpose=purpose,
        peer=peer,
        decision=decision,
        subject=subject,
    )
    page = PageOf(after=after, limit=limit, newest_first=newest_first)
    query = _query(filters, page, unseal=unseal)
    try:
        path = f"/v1/audit/entries?{urlencode(query)}"
        found = admin_client.call(settings.home, "GET", path)
    except Unavailable:
        found = _page_alone(settings.home, filters, page, query, unseal=unseal)
    if as_json:
        _print_json(found)
        return
    _table(settings.name, found["entries"], unseal=unseal)
    if found.get("next"):
        Console(stderr=True).print(f"More follows: --after {found['next']}")


# -- reading when no gateway runs --------------------------------------------------------------


def _page_alone(
    home: Path, filters: Filters, page: PageOf, query: list[tuple[str, str]], *, unseal: bool
) -> dict[str, Any]:
    found = alone(
        home,
        "log_unsealed" if unseal else "log_read",
        {"filters": {k: v for k, v in query if k not in {"after", "limit"}}},
        lambda ledger: ledger.entries(filters, page, unseal=unseal),
    )
    body: dict[str, Any] = {"entries": [_view(e) for e in found.entries]}
    return body | ({"next": found.next} if found.next else {})


def _read_only(home: Path, act: Callable[[Reader], T]) -> T:
    if not (home / LEDGER).is_file():
        raise NotFound("There is no access log yet: the gateway never ran.")
    reader = Reader(home / LEDGER)
    try:
        return act(reader)
    finally:
        reader.close()


def _query(filters: Filters, page: PageOf, *, unseal: bool) -> list[tuple[str, str]]:
    """Give the query of the admin API. What is not asked for is left out."""
    pairs: list[tuple[str, object]] = [
        ("since", filters.since.isoformat() if filters.since else None),
        ("until", filters.until.isoformat() if filters.until else None),
        *(("type", t.value) for t in filters.types),
        *((n, getattr(filters, n)) for n in ("transaction", "purpose", "peer", "decision")),
        ("subject", filters.subject),
        ("after", page.after),
        ("limit", page.limit),
        ("newest_first", "true" if page.newest_first else None),
        ("unseal", "true" if unseal else None),
    ]
    return [(k, str(v)) for k, v in pairs if v is not None]


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _view(entry: LogEntry) -> dict[str, Any]:
    """Give an entry as the API does."""
    view = entry.fields | {
        "index": entry.position,
        "entry_id": entry.entry_id,
        "leaf": entry.leaf,
        "personal_state": entry.personal_state,
        "personal": entry.personal,
        "reference": entry.reference,
    }
    return {k: v for k, v in view.items() if v is not None}


# -- showing -----------------------------------------------------------------------------------


def _print_json(body: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")


def _show(report: Report) -> None:
    console = _console()
    counted = {
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "sealed parts": report.opened,
        "erased": report.erased,
        "checkpoints kept elsewhere": report.kept_checkpoints,
        "receipts": report.receipts,
        "entries just written, without a number yet": report.unnumbered,
    }
    checked = [f"{what} {n:,}" for what, n in counted.items() if n]
    console.print(f"{escape(report.origin)}: checked: {', '.join(checked) or 'nothing'}.")
    for note in report.notes:
        console.print(escape(note))
    if report.intact:
        console.print("[green]The log is intact.[/green]")
        if not (report.kept_checkpoints or report.receipts):
            console.print(
                "Whoever holds the file and its keys could have written it anew: only a "
                "checkpoint or receipts kept elsewhere show that (--checkpoint, --receipts)."
            )
        return
    _findings(console, report)


def _findings(console: Console, report: Report) -> None:
    table = Table(title="What is wrong", title_justify="left")
    for column in ("no.", "entry", "kind", "what"):
        table.add_column(column, overflow="fold")
    for f in report.findings:
        position = "" if f.position is None else str(f.position)
        kind = _KINDS.get(f.kind, f.kind)
        table.add_row(position, f.entry or "", kind, escape(f.text))
    console.print(table)
    total = report.kinds.total()
    if total > len(report.findings):
        console.print(f"{total:,} findings in all; the first {len(report.findings):,} are shown.")
    console.print("[red]The log is not as it was written.[/red] Keep the file as it is: evidence.")


def _table(name: str, found: list[dict[str, Any]], *, unseal: bool) -> None:
    columns = ["no.", "time", "type", "peer", "purpose", "decision", "reasons", "results"]
    columns += ["transaction", *(["sealed part"] if unseal else [])]
    rows = []
    for e in found:
        row = [
            str(e.get("index", "")),
            e["time"],
            e["type"],
            *(e.get(n, "") for n in ("peer", "purpose", "decision")),
            ", ".join(e.get("reasons", ())),
            str(e.get("results", "")),
            e.get("transaction", ""),
        ]
        if unseal:
            row.append(_personal(e))
        rows.append([escape(cell) for cell in row])
    console = _console()
    title = f"Access log of {escape(name)}"
    console.print(fitting(title, columns, rows, console.width, lines=False))


def _console() -> Console:
    """Give standard output. A file or pipe gets wide lines, whatever the terminal's width."""
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def _personal(entry: dict[str, Any]) -> str:
    if "personal" not in entry and "reference" not in entry:
        return f"({entry['personal_state']})"
    document = {n: entry[n] for n in ("reference", "personal") if n in entry}
    return orjson.dumps(document).decode()
