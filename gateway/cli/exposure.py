"""`sallyport policy exposure`: what an agency can see of ours, for what, and what it got."""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
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
from gateway.cli.showing import progress_bar
from gateway.errors import Invalid
from gateway.exchange.exposure import FEWEST, Exposure, Got, asked_by, count_got, reach, together
from gateway.model import ORI_PATTERN, stamp
from gateway.policy.sets import PolicySet

_WIDE = 200
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

    What it can see is decided over a grid of questions by the set in force; what it got is counted
    from the log. The reading of sealed parts is logged.
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
        found = asyncio.run(
            _exposure(
                log,
                deciding,
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
        _show(body, public=public)


async def _exposure(
    log: OpenedLog,
    deciding: PolicySet,
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
        )
        bar.update(task, description="log entries", total=log.count(filters))
        async for done in count_got(
            log, got, agency=agency, since=since, until=until, purpose=purpose
        ):
            bar.advance(task, done)
    return Exposure(found, got, since, until)


# -- showing -----------------------------------------------------------------------------------


def _show(body: dict[str, Any], *, public: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(f"What {body['agency']} can see of {body['owner']}, by policy {body['policy']}")
    if body["can_see"]:
        console.print(_seen(body["can_see"], public=public))
    else:
        console.print("Nothing: every question of the grid is refused.")
    if not public and any(s["effects"] for s in body["can_see"]):
        console.print(_effects(body["can_see"]))
    if body["refused"]:
        console.print(_refused(body["refused"]))
    _show_got(console, body["got"], public=public)


def _seen(seen: list[dict[str, Any]], *, public: bool) -> Table:
    table = Table(title="May be seen", title_justify="left", show_lines=True)
    for column in ("purpose", "records", "as", "classes", "needs", "kept"):
        table.add_column(column, overflow="fold")
    # What a record's handling changes has a table of its own.
    for one in together(seen, "record_types", but=("effects",)):
        table.add_row(
            one["purpose"],
            ", ".join(one["record_types"]),
            one["granularity"],
            _classes(one),
            escape(_needs(one, public=public)),
            _kept(one),
        )
    return table


def _classes(one: dict[str, Any]) -> str:
    masked = [f"{c} (masked)" for c in one["mask"]]
    given = ", ".join([*one["give"], *masked])
    return given or f"all but {', '.join(one['never'])}"


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


def _effects(seen: list[dict[str, Any]]) -> Table:
    """Show what each handling fact does, with equal lines of several purposes together."""
    table = Table(title="What a record's handling changes", title_justify="left", show_lines=True)
    for column in ("a record that is", "shows as", "without", "for", "records"):
        table.add_column(column, overflow="fold")
    lines: dict[tuple[str, str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for one in seen:
        for effect in one["effects"]:
            value = orjson.dumps(effect["value"]).decode().strip('"')
            key = (f"{effect['fact']}: {value}", effect["show"], ", ".join(effect["without"]))
            purposes, types = lines.setdefault(key, ({}, {}))
            purposes[one["purpose"]] = None
            types |= dict.fromkeys(one["record_types"])
    for (fact, show, without), (purposes, types) in lines.items():
        shown = "nothing, without a sign" if show == "none" else show
        table.add_row(escape(fact), shown, without, ", ".join(purposes), ", ".join(types))
    return table


def _refused(refused: list[dict[str, Any]]) -> Table:
    table = Table(title="Refused, whoever asks there", title_justify="left", show_lines=True)
    for column in ("purposes", "records", "reasons"):
        table.add_column(column, overflow="fold")
    for one in together(refused, "purpose"):
        table.add_row(
            ", ".join(one["purpose"]), ", ".join(one["record_types"]), ", ".join(one["reasons"])
        )
    return table


def _show_got(console: Console, got: dict[str, Any], *, public: bool) -> None:
    console.print(f"From {got['since']} until {got['until']}")
    for title, name in (
        ("Questions", "questions"),
        ("Reasons of refusals", "refusals"),
        ("Records given", "records"),
        ("Classes given", "classes"),
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
