"""`sallyport source remove`: take away what an import made of a source that has no mapping."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

import adapters
from gateway import settings as settings_files
from gateway.cli.importing import DATA, MIRRORS, RECORDS
from gateway.cli.options import Home
from gateway.cli.sources import mappings, read, upkeep_of
from gateway.errors import Conflict, Invalid, NotFound
from gateway.records.corrections import Corrections
from gateway.records.importer import Importer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("remove")(remove)


def remove(
    name: Annotated[str, typer.Argument(help="The source.")],
    home: Home,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Take a source away: its records, rows set aside, corrections, what is kept of its database.

    Its mapping has to be gone, or it would come back with the next import. The running gateway
    gives none of its records any more from its next look on, within a second. What the access log
    says of them stays.
    """
    where = settings_files.load(home).home
    left = without_mapping(where)
    if name not in left:
        raise _not_left(where, name, left)
    if unsure := nameless(where):
        raise Conflict(
            f"mappings/{unsure[0]} can't be read, so it may be the one of {name}. Mend it first, "
            "or take it away"
        )
    records = left[name]
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid(f"It takes {_counted(records)} of {name} away: say so with --yes.")
        typer.confirm(f"Take {_counted(records)} of {name} away, and its corrections?", abort=True)
    with closing(Importer(where / DATA / RECORDS)) as importer:
        importer.remove(name)
    adapters.forget_replica(where / DATA / MIRRORS, name)
    Corrections.path_of(where / DATA, name).unlink(missing_ok=True)
    typer.echo(f"{name}: {_counted(records)} taken away.")


def without_mapping(home: Path) -> dict[str, int]:
    """Give the sources that serve though no mapping names them, with the number of records.

    One that is searched live has no use for what an import made before.
    """
    named = {adapters.name_of(path) for path in mappings(home) if not adapters.says_live(path)}
    return {name: g.records for name, g in sorted(read(home)[0].items()) if name not in named}


def nameless(home: Path) -> list[str]:
    """Name the mapping files that are wrong and may be of any source."""
    return [
        path.name
        for path in mappings(home)
        if adapters.name_of(path) == path.stem and upkeep_of(path).wrong is not None
    ]


def said_of_left(name: str, records: int) -> str:
    """Say of such a source what is to be done."""
    verb = "serves" if records == 1 else "serve"
    return (
        f"{name}: {_counted(records)} {verb} on, and no import renews them, as no mapping says "
        f"how. Put its mapping back, or take them away: sallyport source remove {name}"
    )


def _not_left(home: Path, name: str, left: dict[str, int]) -> NotFound | Conflict:
    files = [path.name for path in mappings(home) if adapters.name_of(path) == name]
    if files and name in read(home)[0]:
        return Conflict(
            f"{name} has a mapping, mappings/{files[0]}: the next import would bring it back. Take "
            "that away first"
        )
    known = f"There are: {', '.join(left)}." if left else "There is none."
    return NotFound(f"There are no records of {name} without a mapping. {known}")


def _counted(records: int) -> str:
    return f"{records:,} {'record' if records == 1 else 'records'}"
