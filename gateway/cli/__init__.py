"""The `sallyport` command. `--home` (or SALLYPORT_HOME) names the gateway's folder."""

import sys

from gateway.cli.main import app
from gateway.errors import PolicyRejected, SallyportError


def main() -> None:
    """Run the command. An error of ours is one line: what happened, why, what to do."""
    try:
        app()
    except PolicyRejected as error:
        where = f"{error.where}: " if error.where else ""
        sys.exit(f"sallyport: {where}{error.detail}")
    except SallyportError as error:
        sys.exit(f"sallyport: {error.detail}")
