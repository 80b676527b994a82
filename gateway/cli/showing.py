"""What several commands show alike."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

_WORD = 40
"""Letters of the longest word that has to stand whole."""


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


def fitting(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    lines: bool = True,
) -> Table:
    """Make a table whose words stand whole: where its columns are too many, one below the other.

    `width` is that of the window; `lines` are drawn between rows. Cells are escaped already. What
    is longer than any word, as a digest, may be folded.
    """
    longest = [
        max(min(len(word), _WORD) for cell in (name, *cells) for word in (cell.split() or [""]))
        for name, *cells in zip(columns, *rows, strict=True)
    ]
    spare = width - sum(longest) - 3 * len(columns) - 1
    if spare >= 0:
        table = Table(title=title, title_justify="left", show_lines=lines)
        widest = [
            max(len(line) for cell in (name, *cells) for line in (cell.splitlines() or [""]))
            for name, *cells in zip(columns, *rows, strict=True)
        ]
        # Who wants the least more gets it first, so that nothing is left over.
        wanted = sorted(range(len(columns)), key=lambda n: widest[n] - longest[n])
        widths = list(longest)
        for place, column in enumerate(wanted):
            more = min(widest[column] - longest[column], spare // (len(wanted) - place))
            widths[column] += more
            spare -= more
        for name, wide in zip(columns, widths, strict=True):
            table.add_column(name, overflow="fold", width=wide)
        for row in rows:
            table.add_row(*row)
        return table
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell:
                table.add_row(name, cell)
        table.add_section()
    return table
