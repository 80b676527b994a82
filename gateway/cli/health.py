"""`sallyport health`: what a running gateway says of itself."""

import sys

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table

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
        table = Table(title=f"{settings.name}: {state['status']}")
        for column in ("component", "status", "what"):
            table.add_column(column)
        for name, part in state["components"].items():
            rest = {k: v for k, v in part.items() if k != "status"}
            table.add_row(name, part["status"], ", ".join(f"{k} {v}" for k, v in rest.items()))
        Console().print(table)
    sys.exit(0 if response.status_code == httpx.codes.OK else 1)
