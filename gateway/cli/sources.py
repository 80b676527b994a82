"""`sallyport source list`: each source, how old it is and may be, and when it is polled."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import adapters
from gateway import settings as settings_files
from gateway.cli import admin_client
from gateway.cli.agreement_work import open_desk
from gateway.cli.importing import DATA, RECORDS
from gateway.cli.options import AsJson, Home
from gateway.errors import Misconfigured, NotFound, RecordsUnavailable, SallyportError
from gateway.model import Ori, stamp
from gateway.policy.agreements import agency_types, agreed_data, with_agreements
from gateway.policy.freshness import strictest
from gateway.records import livecheck
from gateway.records.freshness import freshness, span
from gateway.records.schedule import WRONG, described, next_due
from gateway.records.source import Upkeep
from gateway.records.store import Generation, Reader, Run
from gateway.settings import Settings

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(source_list)


def mappings(home: Path, names: Sequence[str] = ()) -> list[Path]:
    """Give the mapping files of these sources, or of all. Raises NotFound, with what there is."""
    found = [(adapters.name_of(p), p) for p in sorted((home / "mappings").glob("*.yaml"))]
    known = {name for name, _ in found}
    unknown = sorted(set(names) - known)
    if unknown:
        raise NotFound(
            f"There is no mapping for {', '.join(unknown)}. There are: {', '.join(sorted(known))}."
        )
    return [path for name, path in found if not names or name in names]


def mapping_of(home: Path, name: str) -> Path:
    """Give a source's mapping file. Raises NotFound; Misconfigured where several claim its name."""
    paths = mappings(home, [name])
    if said := doubled((name, path) for path in paths).get(name):
        raise Misconfigured(said)
    return paths[0]


def doubled(found: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """Say of each source's name that several mappings claim what is wrong: none of them counts."""
    return {
        name: f"{said}, so neither is imported. Give one of them a name of its own"
        for name, said in adapters.doubled(found).items()
    }


class Known:
    """What the mappings say of upkeep, read again only where a file has changed."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "mappings"
        self._read: dict[Path, tuple[tuple[int, int], Upkeep]] = {}

    def upkeep(self) -> list[Upkeep]:
        """Give it for each mapping. That one is wrong is logged once."""
        now: dict[Path, tuple[tuple[int, int], Upkeep]] = {}
        for path in sorted(self._folder.glob("*.yaml")):
            try:
                state = path.stat()
            except OSError:
                continue
            mark = (state.st_mtime_ns, state.st_size)
            before = self._read.get(path)
            if before and before[0] == mark:
                now[path] = before
                continue
            now[path] = mark, upkeep_of(path, before[1].name if before else None)
            if wrong := now[path][1].wrong:
                _log.warning("mapping is wrong", detail=wrong)
        self._read = now
        return with_doubles({path: known for path, (_, known) in now.items()})


def with_doubles(read: Mapping[Path, Upkeep]) -> list[Upkeep]:
    """Give what mappings say of upkeep, one a source: wrong where several claim its name."""
    twice = doubled((upkeep.name, path) for path, upkeep in read.items())
    return [
        replace(upkeep, wrong=twice[upkeep.name]) if upkeep.name in twice else upkeep
        for upkeep in {u.name: u for u in read.values()}.values()
    ]


def upkeep_of(path: Path, name: str | None = None) -> Upkeep:
    """Give what a mapping says of upkeep. Of one that is wrong, why, by the name it had."""
    try:
        return adapters.upkeep(path)
    except Misconfigured as error:
        called = adapters.name_of(path) if name is None else name
        return Upkeep(called, False, frozenset(), None, wrong=error.detail)  # noqa: FBT003 - live


def source_list(home: Home, *, as_json: AsJson = False) -> None:
    """Show each source: its records, its age and limit, when it is polled, its last import.

    Of one that is searched live: how many rows no search gives, by the last `source set-aside`, and
    how often searches met one since the gateway started.
    """
    settings = settings_files.load(home)
    rows = _rows(settings, datetime.now(UTC))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    console = Console()
    console.print(_table(rows) if rows else NO_SOURCE)
    for row in rows:
        found_out = (f"found out of {said}" for said in row.get("found_out", ()))
        told = (row.get("fault_text"), row.get("last_text"), _met(row))
        for said in (*filter(None, told), *found_out):
            console.print(said_of(row["source"], said), markup=False, highlight=False)


NO_SOURCE = (
    "There is no source yet: mappings/ is empty. Begin with: sallyport mapping draft FILE "
    "--out mappings/NAME.yaml"
)
_DAY, _MINUTE = len("2026-01-31"), len("2026-01-31 23:59")
_LISTED = {
    "source, kind": ("source", "kind"),
    "records": ("records",),
    "set aside": ("set_aside",),
    "as of (UTC), age": ("as_of", "age_minutes", "limit_minutes"),
    "next poll (UTC)": ("next_poll",),
    "last import": ("last_result", "checked"),
}
_COUNTS = frozenset({"records", "set aside"})
_LEAST = {"as of (UTC), age": _MINUTE, "next poll (UTC)": _DAY, "last import": _DAY}


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    """Give the list as it is read at 80 columns: what belongs together stands in one cell."""
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for word in _LISTED:
        table.add_column(
            word,
            justify="right" if word in _COUNTS else "left",
            overflow="fold",
            min_width=_LEAST.get(word, max(map(len, word.split()))),
        )
    for row in rows:
        cells = [[_cell(name, row) for name in names] for names in _LISTED.values()]
        table.add_row(*("\n".join(filter(None, lines)) for lines in cells))
    return table


def said_of(source: str, text: str) -> str:
    """Give a text about a source with its name before it, once."""
    return text if text.startswith(f"{source}: ") else f"{source}: {text}"


def _rows(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    paths = mappings(settings.home)
    known = {u.name: u for u in with_doubles({path: upkeep_of(path) for path in paths})}
    current, runs = read(settings.home)
    limits = _limits(settings)
    met = _met_by_searches(settings.home) if any(u.live for u in known.values()) else {}
    rows = []
    for name in sorted(known.keys() | current.keys()):
        upkeep, generation, run = known.get(name), current.get(name), runs.get(name)
        row: dict[str, Any] = {"source": name, "kind": _kind(upkeep, generation)}
        if row["kind"] == "live":
            row |= {"as_of": "now"} | _checked(settings.home, name) | met.get(name, {})
        elif generation is not None:
            row |= {
                "generation": generation.id,
                "records": generation.records,
                "set_aside": generation.set_aside,
                "as_of": stamp(generation.as_of) if generation.as_of else None,
            }
            fresh = freshness(generation.as_of, generation.record_types, limits, now)
            row |= {"age_minutes": fresh.age, "stale": fresh.stale}
            if fresh.limit is not None:
                row |= {"limit_minutes": fresh.limit, "limit_of": fresh.limited}
            if generation.stated:
                row["found_out"] = list(generation.stated)
            if generation.corrected:
                row["corrected"] = generation.corrected
        if upkeep is not None and upkeep.poll is not None and not upkeep.live:
            row["poll"] = described(upkeep.poll)
            if settings.poll_sources:
                row["next_poll"] = stamp(next_due(upkeep.poll, run, now))
        rows.append(row | _became(upkeep, run))
    return rows


def _checked(home: Path, name: str) -> dict[str, Any]:
    """Tell what the last check of a live source found, or how to do one."""
    try:
        check = livecheck.last(home / DATA, name)
    except RecordsUnavailable as error:
        return {"checked": None, "last_text": error.detail}
    if check is not None:
        return check.as_dict()
    how = f"it was never checked for rows that no search gives: sallyport source set-aside {name}"
    return {"checked": None, "last_text": how}


def _met_by_searches(home: Path) -> dict[str, dict[str, int]]:
    """Ask the gateway how often searches passed over a row; {} if it is down."""
    try:
        found = admin_client.call(home, "GET", "/v1/admin/sources")["sources"]
    except SallyportError:
        return {}
    return {
        name: {"passed_over": source["passed_over"]}
        for name, source in found.items()
        if "passed_over" in source
    }


def _met(row: Mapping[str, Any]) -> str | None:
    """Say how often searches passed over a row."""
    count = row.get("passed_over")
    if not count:
        return None
    times = "once" if count == 1 else f"{count:,} times"
    return (
        f"since the gateway's start, searches passed over a row {times}, as it can't be "
        "translated or another of its id disagrees. Which rows, and why: sallyport source "
        f"set-aside {row['source']}"
    )


def _became(upkeep: Upkeep | None, run: Run | None) -> dict[str, Any]:
    """Tell what became of the last import, and what is wrong now."""
    found: dict[str, Any] = {}
    if upkeep is not None and upkeep.wrong is not None:
        found |= {"fault": WRONG, "fault_text": upkeep.wrong}
    if run is not None:
        found |= {"last_import": stamp(run.finished), "last_result": run.outcome}
        if run.text is not None:
            found |= {"last_code": run.code, "last_text": run.text}
    return found


def _kind(upkeep: Upkeep | None, generation: Generation | None) -> str:
    if upkeep is None:
        return "mirror, no mapping"
    if upkeep.live:
        return "live"
    return "not imported" if generation is None else "mirror"


def _limits(settings: Settings) -> dict[str, int]:
    """Give the limits of policy and agreements; none where it is no set: `policy check` tells."""
    try:
        desk = open_desk(settings.home)
        data = desk.policy_set.data
        agreed = agreed_data(desk.folder.read(), agency_types(data))
        return strictest(with_agreements(desk.policy_set, agreed), Ori(settings.ori))
    except SallyportError:
        return {}


def read(home: Path) -> tuple[dict[str, Generation], dict[str, Run]]:
    """Give current generations and last imports, by source."""
    path = home / DATA / RECORDS
    if not path.exists():
        return {}, {}  # nothing was imported yet
    with closing(Reader(path)) as reader:
        return {g.source: g for g in reader.generations()}, reader.runs()


def plain(value: str | None) -> Text:
    """Show a legacy value as it is: no markup, and nothing that would drive the terminal."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value or ""))


def _cell(column: str, row: dict[str, Any]) -> str:
    value = row.get(column)
    if value is None:
        # Nobody knows how old it is: it is taken for too old where there is a limit.
        unknown = column == "age_minutes" and "as_of" in row and row["kind"] != "live"
        return f"age unknown{', STALE' if row.get('stale') else ''}" if unknown else ""
    if column == "age_minutes":
        return f"{span(value)}, STALE" if row.get("stale") else span(value)
    if column == "limit_minutes":
        return f"of {span(value)} ({row['limit_of']})"
    if column in {"as_of", "next_poll", "checked"}:
        before = "checked " if column == "checked" else ""
        return before + str(value)[:16].replace("T", " ")
    if column == "last_result":
        when = str(row["last_import"])[:16].replace("T", " ")
        return f"{value} {when}{', mapping wrong now' if 'fault' in row else ''}"
    return f"{value:,}" if isinstance(value, int) else str(value)
