"""`sallyport policy exposure`: what an agency can see of ours, for what, and what it got."""

import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli.deciding import in_force
from gateway.cli.options import AsJson, Home
from gateway.cli.periods import Since, Until
from gateway.cli.reading import OpenedLog, opened_log
from gateway.cli.showing import fitting, progress_bar
from gateway.errors import Invalid
from gateway.exchange.exposure import FEWEST, Exposure, Got, asked_by, count_got, reach, together
from gateway.exchange.releases import read_in_force
from gateway.model import ORI_PATTERN, stamp
from gateway.policy import PersonRelease
from gateway.policy.sets import PolicySet
from gateway.trust import keys as key_files

_WIDE = 200
STATE = Path("data") / "state.db"
DEFAULT = timedelta(days=30)
"""How far back the log is read where no --since is given."""


def exposure(
    home: Home,
    ori: Annotated[str, typer.Argument(help="The agency.", metavar="ORI")],
    *,
    purpose: Annotated[str | None, typer.Option(help="Only for this purpose.")] = None,
    since: Since = None,
    until: Until = None,
    public: Annotated[
        bool, typer.Option("--public", help="Leave out what isn't published.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an agency can see of this one's records, and what it got (30 days by default).

    What it can see is decided over a grid of questions by the set in force, and with what persons
    here have released to it; what it got is counted from the log. The reading of sealed parts is
    logged.
    """
    settings = settings_files.load(home)
    deciding = in_force(settings)
    known = deciding.data["sallyport"]["vocabulary"]["purposes"]
    if purpose is not None and purpose not in known:
        raise Invalid(f"The purpose is not in the vocabulary. Known: {', '.join(sorted(known))}.")
    agencies = sorted(deciding.data.get("agencies", {}))
    if not re.fullmatch(ORI_PATTERN, ori):
        raise Invalid(f"'{ori}' is no ORI. Known here: {', '.join(agencies)}.")
    if ori not in agencies:
        Console(stderr=True).print(
            f"{ori} is in no directory of the set in force (agencies/), so it can see nothing. "
            f"Known: {', '.join(agencies)}.",
            style="yellow",
            soft_wrap=True,
        )
    now = datetime.now(UTC)
    start, end = since or now - DEFAULT, until or now
    about = {"agency": ori, "since": stamp(start), "until": stamp(end), "purpose": purpose or ""}
    with opened_log(
        settings.home, "exposure_measured", {k: v for k, v in about.items() if v}
    ) as log:
        releases = read_in_force(
            settings.home / STATE, key_files.load(settings.home).sealing, ori, now
        )
        found = asyncio.run(
            _exposure(
                log,
                deciding,
                releases,
                agency=ori,
                owner=settings.ori,
                purpose=purpose,
                since=start,
                until=end,
                quiet=as_json or not sys.stderr.isatty(),
            )
        )
    body = found.as_json(public=public)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        show(body, public=public)


async def _exposure(
    log: OpenedLog,
    deciding: PolicySet,
    releases: Sequence[PersonRelease],
    *,
    agency: str,
    owner: str,
    purpose: str | None,
    since: datetime,
    until: datetime,
    quiet: bool,
) -> Exposure:
    got = Got()
    filters = asked_by(agency, since=since, until=until, purpose=purpose)
    with progress_bar(quiet=quiet) as bar:
        task = bar.add_task("deciding", total=None)
        found = await reach(
            deciding,
            agency=agency,
            owner=owner,
            now=datetime.now(UTC),
            purposes=None if purpose is None else [purpose],
            releases=releases,
        )
        bar.update(task, description="log entries", total=log.count(filters))
        async for done in count_got(
            log, got, agency=agency, since=since, until=until, purpose=purpose
        ):
            bar.advance(task, done)
    return Exposure(found, got, since, until)


# -- showing -----------------------------------------------------------------------------------


def show(body: dict[str, Any], *, public: bool) -> None:
    """Print an exposure, as its JSON has it, as tables for people."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"What {body['agency']} can see of {body['owner']}, by policy {body['policy']}")
    if body["can_see"]:
        console.print(_seen(body["can_see"], console.width, public=public))
    else:
        console.print("Nothing: every question of the grid is refused.")
    if not public and any(s["effects"] for s in body["can_see"]):
        console.print(_effects(body["can_see"], console.width))
    if body["refused"]:
        console.print(_refused(body["refused"], console.width))
    for one in body["by_person"]:
        _by_person(console, one)
    _show_got(console, body["got"], public=public)


def _seen(seen: list[dict[str, Any]], width: int, *, public: bool) -> Table:
    # What a record's handling changes has a table of its own.
    rows = [
        (
            one["purpose"],
            ", ".join(one["record_types"]),
            one["granularity"],
            _classes(one) or f"all but {', '.join(one['never'])}",
            escape(_needs(one, public=public)),
            _kept(one),
        )
        for one in together(seen, "record_types", but=("effects",))
    ]
    columns = ("purpose", "records", "as", "classes", "needs", "kept")
    return fitting("May be seen", columns, rows, width)


def _classes(one: dict[str, Any]) -> str:
    """Say which classes are given, and apart from them what is told of others."""
    told = {
        "given": one["give"],
        "masked": one["mask"],
        "only counted": one["count"],
        "only pointed at": one["pointer"],
    }
    return "\n".join(f"{how}: {', '.join(some)}" for how, some in told.items() if some)


def _needs(one: dict[str, Any], *, public: bool) -> str:
    needs = one["needs"]
    parts = {
        "unit": one["unit_functions"],
        "role": needs["roles"],
        "attributes": [" and ".join(needs["attributes"])] if needs["attributes"] else [],
        "matter": needs["references"],
        "code": needs["purpose_codes"],
        "reason": needs["reason_codes"],
    }
    if not public:
        parts |= {"unit's name": [needs["unit"]] if needs["unit"] else [], "case": needs["cases"]}
    told = [f"{name}: {' or '.join(some)}" for name, some in parts.items() if some]
    return "\n".join([*told, f"log-on: {needs['assurance']}"])


def _kept(one: dict[str, Any]) -> str:
    parts = [
        f"{one['keep_days']} days" if one["keep_days"] is not None else "",
        f"onward: {one['onward_sharing']}" if one["onward_sharing"] else "",
        f"by {', '.join(one['papers'])}" if one["papers"] else "",
    ]
    return escape("\n".join(filter(None, parts)))


def _effects(seen: list[dict[str, Any]], width: int) -> Table:
    """Show what each handling fact does, with equal lines of several purposes together."""
    lines: dict[tuple[str, str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for one in seen:
        for effect in one["effects"]:
            key = (
                f"{effect['fact']}: {_word(effect['value'])}",
                effect["show"],
                ", ".join(effect["without"]),
            )
            purposes, types = lines.setdefault(key, ({}, {}))
            purposes[one["purpose"]] = None
            types |= dict.fromkeys(one["record_types"])
    rows = []
    for (fact, show, without), (purposes, types) in lines.items():
        shown = "nothing, without a sign" if show == "none" else show
        rows.append((escape(fact), shown, without, ", ".join(purposes), ", ".join(types)))
    columns = ("a record that is", "shows as", "without", "for", "records")
    return fitting("What a record's handling changes", columns, rows, width)


def _refused(refused: list[dict[str, Any]], width: int) -> Table:
    grounds = any(one["opened_by"] for one in refused)
    columns = ("purposes", "records", "reasons", *(["would be answered with"] * grounds))
    rows = []
    for one in together(refused, "purpose"):
        row = [
            ", ".join(one["purpose"]),
            ", ".join(one["record_types"]),
            "\nor ".join(", ".join(codes) for codes in one["reasons"]),
        ]
        if grounds:
            row.append("\nor ".join(f"{b}, released by a person" for b in one["opened_by"]))
        rows.append(row)
    return fitting("Refused, whoever asks there", columns, rows, width)


def _by_person(console: Console, one: dict[str, Any]) -> None:
    """Show releases of one kind, and what they open."""
    if "releases" not in one:
        few = f"fewer than {FEWEST}" if one["count"] is None else f"{one['count']:,}"
        console.print(f"Released by a person, {one['basis']}: {few} in force.")
        return
    asked = ", for a question that shows the warrant" if one["with_warrant"] else ""
    console.print(
        f"Released by a person, {one['basis']}: {', '.join(one['classes'])}{asked}", soft_wrap=True
    )
    for release in one["releases"]:
        console.print(
            f"  {release['id']}: {release['records']:,} records, until {release['until']}"
        )
    if not one["opens"]:
        console.print("  It opens nothing: the agreement or the law gives nothing on that ground.")
        return
    table = Table(
        title="Opens, of the records that it names", title_justify="left", show_lines=True
    )
    for column in ("purpose", "records", "that are", "as", "classes", "unit"):
        table.add_column(column, overflow="fold")
    for row in one["opens"]:
        facts = "\n".join(f"{name}: {_word(value)}" for name, value in row["only_if"])
        table.add_row(
            row["purpose"],
            ", ".join(row["record_types"]),
            escape(facts),
            row["granularity"],
            _classes(row),
            " or ".join(row["unit_functions"]),
        )
    console.print(table)


def _word(value: Any) -> str:
    return orjson.dumps(value).decode().strip('"')


def _show_got(console: Console, got: dict[str, Any], *, public: bool) -> None:
    console.print(f"From {got['since']} until {got['until']}")
    for title, name in (
        ("Questions", "questions"),
        ("Reasons of refusals", "refusals"),
        ("Records given", "records"),
        ("Classes given", "classes"),
        ("Given of records that a person's release names", "by_person"),
    ):
        rows = got[name]
        if not rows:
            continue
        table = Table(title=title, title_justify="left")
        for column in rows[0]:
            table.add_column(
                column.replace("_", " "), justify="right" if column == "count" else "left"
            )
        for row in rows:
            few = f"fewer than {FEWEST}" if row["count"] is None else f"{row['count']:,}"
            table.add_row(*(str(v) for k, v in row.items() if k != "count"), few)
        console.print(table)
    if not got["questions"]:
        console.print("It asked nothing.")
    if public:
        console.print(f"Counts are {got['counts']}.")
    elif got["answers_erased"]:
        console.print(f"Of {got['answers_erased']:,} answers the records given were erased.")
