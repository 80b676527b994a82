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
from gateway.cli.reading import log_act
from gateway.cli.sources import mappings, upkeep_of
from gateway.errors import Conflict, Invalid, NotFound, SallyportError
from gateway.records.corrections import FOLDER as CORRECTIONS
from gateway.records.corrections import Corrections
from gateway.records.importer import Importer
from gateway.records.store import Reader


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
    says of them stays, and that they were taken away is written there first.
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
    what = _counted(left[name])
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid(f"It takes {what} of {name} away: say so with --yes.")
        typer.confirm(f"Take {what} of {name} away, and its corrections?", abort=True)
    about = {"source": name}
    log_act(where, "source_removed", left[name], about)
    try:
        _take_away(where, name)
    except (SallyportError, OSError):
        log_act(where, "source_not_removed", left[name], about)
        raise
    typer.echo(f"{name}: {what} taken away.")


def _take_away(home: Path, name: str) -> None:
    # The records last: as long as there are some, whatever breaks off can be done again.
    adapters.forget_replica(home / DATA / MIRRORS, name)
    Corrections.path_of(home / DATA, name).unlink(missing_ok=True)
    with closing(Importer(home / DATA / RECORDS)) as importer:
        importer.remove(name)


def without_mapping(home: Path) -> dict[str, int]:
    """Give the sources of which something is kept though no mapping names them.

    With the number of records that serve: 0 where an import or a taking away broke off. One that is
    searched live has no use for what an import made before.
    """
    named = {adapters.name_of(path) for path in mappings(home) if not adapters.says_live(path)}
    return {name: count for name, count in sorted(_kept(home).items()) if name not in named}


def _kept(home: Path) -> dict[str, int]:
    """Give the sources of which records, a database's rows or corrections are kept."""
    data = home / DATA
    found = {path.stem: 0 for path in (data / MIRRORS).glob("*.db")}
    found |= {path.stem: 0 for path in (data / CORRECTIONS).glob("[!.]*.jsonl")}
    if (data / RECORDS).exists():
        with closing(Reader(data / RECORDS)) as reader:
            found |= reader.kept()
    return found


def nameless(home: Path) -> list[str]:
    """Name the mapping files that are wrong and may be of any source."""
    return [
        path.name
        for path in mappings(home)
        if adapters.name_of(path) == path.stem and upkeep_of(path).wrong is not None
    ]


def said_of_left(home: Path, name: str, records: int) -> str:
    """Say of such a source what is to be done."""
    away = f"sallyport source remove {name}"
    if any(adapters.name_of(p) == name and adapters.says_live(p) for p in mappings(home)):
        what = f"{_counted(records)} of" if records else "parts of"
        return (
            f"{name}: it is searched live, but {what} an import before "
            f"{'is' if records == 1 else 'are'} kept, and none renews them. Take them away: {away}"
        )
    if not records:
        return (
            f"{name}: parts of an import that broke off are kept, and no mapping says how to go "
            f"on. Put its mapping back, or take them away: {away}"
        )
    verb = "serves" if records == 1 else "serve"
    return (
        f"{name}: {_counted(records)} {verb} on, and no import renews them, as no mapping says "
        f"how. Put its mapping back, or take them away: {away}"
    )


def _not_left(home: Path, name: str, left: dict[str, int]) -> NotFound | Conflict:
    files = [path.name for path in mappings(home) if adapters.name_of(path) == name]
    if files and name in _kept(home):
        return Conflict(
            f"{name} has a mapping, mappings/{files[0]}: the next import would bring it back. Take "
            "that away first"
        )
    known = f"There are: {', '.join(left)}." if left else "There is none."
    return NotFound(f"There are no records of {name} without a mapping. {known}")


def _counted(records: int) -> str:
    if not records:
        return "parts of an import"
    return f"{records:,} {'record' if records == 1 else 'records'}"
