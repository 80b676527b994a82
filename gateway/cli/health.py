"""`sallyport health`: what a running gateway says of itself."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway import settings as settings_files
from gateway.cli.options import AsJson, Home


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("health")(health)


def health(home: Home, *, as_json: AsJson = False) -> None:
    """Show each component's state. Exit code 0: it can serve; 1: it can't."""
    settings = settings_files.load(home)
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound

    try:
        response = httpx.get(f"http://{host}:{settings.port}/readyz", timeout=5)
        state = orjson.loads(response.content)
    except (httpx.HTTPError, ValueError):
        sys.exit(f"sallyport: no gateway answers on port {settings.port}")
    if as_json:
        sys.stdout.write(response.text + "\n")
    else:
        Console().print(table_of(settings.name, state))
    sys.exit(0 if response.status_code == httpx.codes.OK else 1)


def table_of(name: str, state: Mapping[str, Any]) -> Table:
    """Show what `/readyz` gave: a component a row, and what it holds several of, line by line."""
    table = Table(title=f"{name}: {state['status']}")
    for column in ("component", "status", "what"):
        table.add_column(column, overflow="fold")
    for component, part in state["components"].items():
        shown = "\n".join(_lines(part))
        table.add_row(component, part["status"], Text(shown))
    return table


def _lines(part: Mapping[str, Any]) -> Iterator[str]:
    """Give what a component says, without what is empty."""
    told = {k: v for k, v in part.items() if k not in {"status", "sources"} and v not in ([], {})}
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
