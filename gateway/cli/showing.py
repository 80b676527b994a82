"""What several commands show alike."""

import sys
from collections.abc import Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


def show_facts(title: str, found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what was found, a line each; or all of it as JSON. Nothing is cut off."""
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), _plainly(value))
    Console().print(table)


def _plainly(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def progress_bar(*, quiet: bool, width: int = 0) -> Progress:
    """Give a bar on standard error that goes when it is done. `width` pads what it describes."""
    return Progress(
        TextColumn(f"{{task.description:<{width}}}" if width else "{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )
