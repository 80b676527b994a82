"""The command's tree: serve, health, openapi here; the other rooms' commands beside."""

import sys
from typing import Annotated

import httpx
import orjson
import typer
import uvicorn
from rich.console import Console
from rich.table import Table

from gateway import settings as settings_files
from gateway.app import create_app, routes
from gateway.cli import (
    agreement,
    audit,
    explain,
    mapping,
    peers,
    policy,
    records,
    release,
    replay,
    setup,
)
from gateway.cli.options import Home
from gateway.errors import PolicyRejected, SallyportError
from gateway.telemetry import configure_logging

app = typer.Typer(
    name="sallyport",
    help="A federated gateway for exchanging records between agencies.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with values would show personal data
    add_completion=False,
)
setup.register(app)
records.register(app)
peers.register(setup.peer_app)
replay.register(audit.app)
explain.register(policy.app)
app.add_typer(mapping.app, name="mapping", help="Check, preview and draft mappings.")
app.add_typer(policy.app, name="policy", help="Check, test and apply the policy set.")
app.add_typer(release.app, name="release", help="Record what a person here releases.")
app.add_typer(agreement.app, name="agreement", help="Sign and keep agreements with others.")
app.add_typer(audit.app, name="audit", help="Read the access log, and prove things from it.")


@app.command()
def serve(home: Home) -> None:
    """Run the gateway until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = settings_files.load(home)
    configure_logging(as_json=settings.log_json)
    # The log's writer thread asks for the interpreter more often than the default 5 ms: a commit's
    # wait under load fell from 117 to 33 ms at the 95th percentile.
    sys.setswitchinterval(0.0005)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, records.make_schedule),
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=1_000,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
        )
    )
    server.run()
    if not server.started:
        sys.exit(1)


@app.command()
def health(home: Home, *, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
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


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the gateway."""
    document = orjson.dumps(
        routes().openapi(),
        option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
    )
    sys.stdout.buffer.write(document)


def main() -> None:
    """Run the command. An error of ours is one line: what happened, why, what to do."""
    try:
        app()
    except PolicyRejected as error:
        where = f"{error.where}: " if error.where else ""
        sys.exit(f"sallyport: {where}{error.detail}")
    except SallyportError as error:
        sys.exit(f"sallyport: {error.detail}")
