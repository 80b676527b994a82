"""The command's tree: which module has which command."""

import sys
from typing import ClassVar

import typer

from gateway.cli.lazy import LazyGroup
from gateway.errors import PolicyRejected, SallyportError


class _Rooms(LazyGroup):
    rooms: ClassVar = {
        "init": "gateway.cli.setup",
        "serve": "gateway.cli.serving",
        "health": "gateway.cli.health",
        "import": "gateway.cli.records",
        "source": "gateway.cli.records",
        "mapping": "gateway.cli.mapping",
        "policy": "gateway.cli.policy",
        "release": "gateway.cli.release",
        "agreement": "gateway.cli.agreement",
        "audit": "gateway.cli.audit",
        "keys": "gateway.cli.setup",
        "peer": "gateway.cli.setup",
        "client": "gateway.cli.setup",
        "openapi": "gateway.cli.serving",
    }


app = typer.Typer(
    name="sallyport",
    cls=_Rooms,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with values would show personal data
    add_completion=False,
)


@app.callback()
def sallyport() -> None:
    """Run a federated gateway for exchanging records between agencies."""


def main() -> None:
    """Run the command. An error of ours is one line: what happened, why, what to do."""
    try:
        app()
    except PolicyRejected as error:
        where = f"{error.where}: " if error.where else ""
        sys.exit(f"sallyport: {where}{error.detail}")
    except SallyportError as error:
        sys.exit(f"sallyport: {error.detail}")
