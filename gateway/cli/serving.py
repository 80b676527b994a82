"""`sallyport serve` and `sallyport openapi`: the gateway itself, and its document."""

import resource
import sys
from typing import Final

import orjson
import typer
import uvicorn

from gateway import settings as settings_files
from gateway.app import create_app, routes
from gateway.cli import records
from gateway.cli.options import Home
from gateway.errors import Misconfigured
from gateway.http.connection import SPARE, Connection
from gateway.settings import Settings
from gateway.telemetry import Metrics, configure_logging, own_error_output

_OTHER_FILES: Final = 512
"""Databases, sources, and 256 connections to peers."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("openapi")(openapi)


def serve(home: Home) -> None:
    """Run the gateway until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = settings_files.load(home)
    with own_error_output() as log:
        configure_logging(as_json=settings.log_json, to=log)
        started = _serve(settings)
    if not started:
        sys.exit(1)


def _serve(settings: Settings) -> bool:
    """Serve until the end. False where it could not start."""
    # The log's writer thread asks for the interpreter more often than the default 5 ms: a commit's
    # wait under load fell from 117 to 33 ms at the 95th percentile.
    sys.setswitchinterval(0.0005)
    allow_files(settings.max_connections + SPARE + _OTHER_FILES)

    counted = Metrics()

    class Limited(Connection):
        metrics = counted
        most = settings.max_connections
        most_per_address = settings.max_connections_per_address

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, counted, records.make_schedule),
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=Limited,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=10,
        )
    )
    server.run()
    return server.started


def allow_files(wanted: int) -> None:
    """Allow this process so many open files, up to what its machine lets it.

    Without them a connection can't even be told that there is no place. Raises Misconfigured.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Misconfigured(
            f"max_connections needs {wanted:,} open files, and this process may have {hard:,}: "
            "lower it, or raise the limit (ulimit -n; LimitNOFILE in a systemd unit)"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def openapi() -> None:
    """Print the OpenAPI document of the gateway."""
    document = orjson.dumps(
        routes().openapi(),
        option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
    )
    sys.stdout.buffer.write(document)
