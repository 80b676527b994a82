"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

_HOME = typer.Option(
    "--home",
    envvar="SALLYPORT_HOME",
    help="The gateway's folder.",
    file_okay=False,
    exists=True,
)
Home = Annotated[Path, _HOME]
MaybeHome = Annotated[Path | None, _HOME]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
