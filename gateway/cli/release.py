"""`sallyport release`: record, list and revoke what a person here releases to another agency."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli import admin_client
from gateway.cli.options import AsJson, Home
from gateway.errors import Invalid
from gateway.model import digest

app = typer.Typer(no_args_is_help=True, help="Record what a person here releases.")

PATH = "/v1/admin/releases"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def register(parent: typer.Typer) -> None:
    """Add the commands of `release`."""
    parent.add_typer(app, name="release")


@app.command()
def record(
    home: Home,
    *,
    basis: Annotated[str, typer.Option(help="The ground, a word of the policy's vocabulary.")],
    asker: Annotated[str, typer.Option(help="The agency that it is released to.", metavar="ORI")],
    record_ids: Annotated[
        list[str], typer.Option("--record", help="A record that the paper names. Repeat it.")
    ],
    classes: Annotated[
        list[str], typer.Option("--class", help="A class of elements that it names. Repeat it.")
    ],
    until: Annotated[str, typer.Option(help="Its end: 2026-12-24, or a time with its zone.")],
    by: Annotated[str, typer.Option(help="The person here who releases, by name.")],
    court: Annotated[str | None, typer.Option(help="Of a warrant: the court.")] = None,
    number: Annotated[str | None, typer.Option(help="Of a warrant: its number.")] = None,
    person: Annotated[str | None, typer.Option(help="Of a warrant: whom it names.")] = None,
    document: Annotated[
        Path | None,
        typer.Option(help="Of a warrant: the document, to take its digest.", dir_okay=False),
    ] = None,
    document_digest: Annotated[
        str | None, typer.Option(help="Of a warrant: the document's digest, sha-256:…")
    ] = None,
    document_uri: Annotated[str | None, typer.Option(help="Where the court keeps it.")] = None,
    note: Annotated[str | None, typer.Option(help="What the paper is.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record a release. It counts from that agency's next question, until it ends or is revoked."""
    body: dict[str, Any] = {
        "basis": basis,
        "asker": asker,
        "records": record_ids,
        "classes": classes,
        "until": _moment(until),
        "released_by": by,
        "note": note,
    }
    if any((court, number, person, document, document_digest)):
        paper = _digest(document, document_digest)
        body["warrant"] = {
            "court": court or "",
            "number": number or "",
            "person": person or "",
            "document": {"digest": paper, "uri": document_uri},
        }
    made = admin_client.call(home, "POST", PATH, body)
    _show([made], "Recorded", as_json=as_json, whole=made)


@app.command("list")
def list_releases(home: Home, *, as_json: AsJson = False) -> None:
    """List what was released, the newest first; what ended or was revoked as well."""
    found = admin_client.call(home, "GET", PATH)
    _show(found["releases"], "Releases", as_json=as_json, whole=found)


@app.command()
def revoke(
    home: Home,
    release_id: Annotated[str, typer.Argument(metavar="ID", help="The release, rel_…")],
    *,
    as_json: AsJson = False,
) -> None:
    """Revoke a release: nothing is given on it from the next question on."""
    # Whatever was typed is one step of the path. What is no text at all is no release either.
    step = quote(release_id, safe="", errors="replace")
    done = admin_client.call(home, "DELETE", f"{PATH}/{step}")
    if as_json:
        typer.echo(orjson.dumps(done).decode())
    else:
        typer.echo(f"Revoked {done['revoked']}.")


def _moment(text: str) -> str:
    """Give a day as the moment it begins, here; a time with its zone as it is."""
    if _DAY.fullmatch(text):
        return datetime.fromisoformat(text).astimezone().isoformat()
    return text


def _digest(document: Path | None, given: str | None) -> str:
    if document is None and given is None:
        raise Invalid("A warrant needs its document: give --document or --document-digest.")
    if document is None:
        return str(given)
    found = digest(document.read_bytes())
    if given is not None and given != found:
        raise Invalid("--document has another digest than --document-digest: is it the paper?")
    return found


def _show(found: list[dict[str, Any]], title: str, *, as_json: bool, whole: Any) -> None:
    if as_json:
        typer.echo(orjson.dumps(whole).decode())
        return
    table = Table(title=title, show_lines=True)
    # To revoke one takes its id whole, however narrow the window is.
    for column in ("id", "state", "to", "until", "what"):
        table.add_column(column, overflow="fold", no_wrap=column in {"id", "state", "to"})
    for r in found:
        what = (
            f"{r['basis']} by {r['released_by']}",
            f"records: {', '.join(r['records'])}",
            f"classes: {', '.join(r['classes'])}",
        )
        until = r["until"].replace("T", " ").replace(" ", "\n", 1)
        table.add_row(r["id"], r["state"], r["asker"], until, escape("\n".join(what)))
    Console().print(table)
