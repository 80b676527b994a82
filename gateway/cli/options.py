"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="SALLYPORT_HOME",
        help="The gateway's folder.",
        file_okay=False,
        exists=True,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
