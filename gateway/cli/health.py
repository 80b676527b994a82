"""`sallyport health`: what a running gateway says of itself."""

import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import settings as settings_files
from gateway.cli import admin_client
from gateway.cli.options import AsJson, Home
from gateway.errors import Unavailable

_TIMEOUT_S = 5.0
_SETS = "policies"
_DIGEST = "sha-256:"
_SHORT = 12
_DAY = len("2026-11-23")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("health")(health)


def health(home: Home, *, as_json: AsJson = False) -> None:
    """Show each component's state. Exit code 0: it can serve; 1: it can't."""
    settings = settings_files.load(home)
    status, raw = admin_client.get(settings, "/readyz", _TIMEOUT_S)
    try:
        state = orjson.loads(raw)
    except ValueError:
        raise Unavailable(admin_client.NO_GATEWAY) from None
    if as_json:
        sys.stdout.write(raw.decode() + "\n")
    else:
        console = Console()
        console.print(table_of(settings.name, state))
        for table in sets_of(state):
            console.print(table)
    sys.exit(0 if status == HTTPStatus.OK else 1)


def table_of(name: str, state: Mapping[str, Any]) -> Table:
    """Show what `/readyz` gave: a component a row, and what it holds several of, line by line."""
    table = Table(title=f"{name}: {state['status']}")
    for column in ("component", "status", "what"):
        table.add_column(column, overflow="fold")
    for component, part in state["components"].items():
        shown = "\n".join(_lines(part))
        table.add_row(component, part["status"], Text(shown))
    return table


def sets_of(state: Mapping[str, Any]) -> Iterator[Table]:
    """Show by which policy set each peer decides, as its answers say. Nothing where none is known.

    Of a digest its start: `--json` has the whole of it.
    """
    known = state["components"].get("peers", {}).get(_SETS, {})
    if not known:
        return
    table = Table(title="What peers decide by")
    for column in ("peer", "policy set", "since", "last seen", "before"):
        table.add_column(column, overflow="fold")
    for ori, told in sorted(known.items()):
        before = told.get("before")
        moments = (_minute(told["since"])[:_DAY], _minute(told["seen"]))
        table.add_row(ori, _short(told["revision"]), *moments, _short(before) if before else "")
    yield table


def _short(revision: str) -> Text:
    return Text(revision.removeprefix(_DIGEST)[:_SHORT])


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _lines(part: Mapping[str, Any]) -> Iterator[str]:
    """Give what a component says, without what is empty."""
    apart = {"status", "sources", _SETS}
    told = {k: v for k, v in part.items() if k not in apart and v not in ([], {})}
    flat = [f"{k} {v}" for k, v in told.items() if not isinstance(v, (dict, list))]
    if flat:
        yield ", ".join(flat)
    for key, value in told.items():
        if isinstance(value, dict):
            yield f"{key}: {', '.join(f'{k} {v}' for k, v in value.items())}"
        elif isinstance(value, list):
            yield f"{key}: {', '.join(map(str, value))}"
    sources = part.get("sources", {})
    for source, about in sources.items():
        said = [about.get("last_result", about.get("kind")), about.get("last_code")]
        said += ["STALE" if about.get("stale") else None, about.get("fault")]
        yield f"{source}: {', '.join(str(s) for s in said if s)}"
    if sources:
        yield "More: sallyport source list"
