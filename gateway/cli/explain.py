"""`sallyport policy explain`: which rules, which data and which citations led to a decision."""

import asyncio
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import settings as settings_files
from gateway.cli.deciding import from_folder, in_force
from gateway.cli.exposure import exposure
from gateway.cli.impact import impact
from gateway.cli.options import AsJson, Home
from gateway.cli.reading import opened_log
from gateway.errors import Invalid, NotFound, PolicyUnavailable
from gateway.exchange.replaying import RESULTS, Recorded, recorded
from gateway.policy.effects import Effects
from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.explaining import Described, Explanation, explained
from gateway.policy.kept import KeptSets
from gateway.policy.redeciding import Redecider
from gateway.policy.sets import PolicySet
from gateway.policy.trial import Trial
from gateway.policy.widest import resting
from gateway.settings import Settings

_WIDE = 200
_LONG = 160
_DOORS = ("ask", "answer", "release")

SetFolder = Annotated[
    Path | None,
    typer.Option("--set", help="Explain by this folder's set.", file_okay=False, exists=True),
]


def register(app: typer.Typer) -> None:
    """Add the commands that say what policy does, and would do."""
    app.command("explain")(explain)
    app.command("impact")(impact)
    app.command("exposure")(exposure)


def explain(
    home: Home,
    entry: Annotated[
        str | None, typer.Argument(help="A log entry's id or number.", metavar="[ENTRY]")
    ] = None,
    *,
    policy_set: SetFolder = None,
    case: Annotated[
        Path | None, typer.Option("--input", help="A file with a whole input, JSON.", exists=True)
    ] = None,
    door: Annotated[str, typer.Option(help="ask, answer, release (or admit, with --input).")] = "",
    asker: Annotated[str | None, typer.Option(help="Who asks.", metavar="ORI")] = None,
    owner: Annotated[
        list[str] | None, typer.Option(help="Who is asked; left out: this agency.", metavar="ORI")
    ] = None,
    purpose: Annotated[str, typer.Option(help="A purpose's word.")] = "",
    record_type: Annotated[list[str] | None, typer.Option("--type", help="Record types.")] = None,
    unit_function: Annotated[str, typer.Option(help="The asking unit's function.")] = "",
    unit: Annotated[str, typer.Option(help="The asking unit's name.")] = "described",
    role: Annotated[list[str] | None, typer.Option(help="Roles of the officer.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="Attributes of the officer.")] = None,
    assurance: Annotated[int, typer.Option(min=0, max=4, help="Strength of the log-on.")] = 2,
    purpose_code: Annotated[str | None, typer.Option(help="III purpose code.")] = None,
    reference: Annotated[
        str | None, typer.Option(help="The matter, type:number.", metavar="TYPE:NUMBER")
    ] = None,
    reason_code: Annotated[str, typer.Option(help="The reason's code.")] = "described",
    kind: Annotated[str, typer.Option(help="What is searched for.")] = "person",
    term: Annotated[list[str] | None, typer.Option(help="Terms that are searched by.")] = None,
    granularity: Annotated[str, typer.Option(help="hit, count, pointer or record.")] = "record",
    agreement: Annotated[
        str | None, typer.Option(help="The digest of the agreement that it rests on.")
    ] = None,
    fact: Annotated[
        list[str] | None,
        typer.Option(
            help="A fact of a record found, else plain; the release is explained.", metavar="K=V"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain a logged decision, or one on a question that you describe.

    A logged one is explained by the set that decided it; the reading is logged. A described one by
    the set in force. --set takes another.
    """
    settings = settings_files.load(home)
    candidate = from_folder(settings, policy_set) if policy_set else None
    if entry is not None:
        found = _of_entry(settings, entry, candidate)
    else:
        decides = candidate or in_force(settings)
        if case is not None:
            found = asyncio.run(_explained(decides, *_whole(case, door)))
        else:
            described = Described(
                asker=asker or "",
                purpose=purpose,
                record_types=tuple(record_type or ()),
                unit=unit,
                unit_function=unit_function,
                roles=tuple(role or ()),
                attributes=tuple(attribute or ()),
                assurance=assurance,
                purpose_code=purpose_code,
                reference=_reference(reference),
                reason_code=reason_code,
                kind=kind,
                terms=tuple(term or ("name", "birth_date")),
                granularity=granularity,
                agreement=agreement,
            )
            if agreement is None and described.asker:
                described = asyncio.run(_resting(decides, described, (owner or [settings.ori])[0]))
            chosen = door or ("release" if fact else "answer")
            stated = dict(map(_fact, fact or ()))
            if chosen == "release" and described.record_types:
                plain = asyncio.run(_plain_record(decides, described, (owner or [settings.ori])[0]))
                stated = {**plain, **stated}
            text = _described(described, chosen, owner or [settings.ori], stated)
            found = asyncio.run(_explained(decides, chosen, text))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(found)


def _of_entry(settings: Settings, entry: str, candidate: PolicySet | None) -> Explanation:
    kept = KeptSets(settings.home / "data")

    with opened_log(settings.home, "decision_explained", {"entry": entry}) as log:

        async def find() -> Explanation:
            logged = await log.entry(entry, unseal=True)
            if logged is None:
                raise NotFound("No entry of this log has that id or number.")
            one = await recorded(log, logged)
            if not isinstance(one, Recorded):
                raise NotFound(f"This can't be explained: {RESULTS[one.result]}.")
            decides = candidate or kept.get(str(logged.fields.get("policy")))
            return await _explained(decides, one.entrypoint, one.case)

        return asyncio.run(find())


async def _explained(policy_set: PolicySet, entrypoint: str, case: str) -> Explanation:
    async with Redecider(policy_set) as redecider:
        grounds = await redecider.explain(entrypoint, case)
    if "failed" in grounds:
        raise PolicyUnavailable(f"{grounds['failed']}: it would be refused, without a reason")
    return explained(policy_set, entrypoint, grounds)


async def _resting(policy_set: PolicySet, described: Described, owner: str) -> Described:
    async with Redecider(policy_set) as redecider:
        return await resting(redecider, described, owner=owner, now=datetime.now(UTC))


async def _plain_record(
    policy_set: PolicySet, described: Described, owner: str
) -> Mapping[str, Any]:
    """Give the facts of a plain record: only what is stated beside them makes a difference."""
    words = policy_set.data["sallyport"]["vocabulary"]
    async with Redecider(policy_set) as by:
        trial = Trial(by, owner=owner, now=datetime.now(UTC))
        facts, _ = await Effects(trial, words).plainest(
            described, described.record_types[0], described.granularity
        )
    return facts


def _whole(file: Path, door: str) -> tuple[str, str]:
    if door not in ENTRYPOINTS:
        raise Invalid(f"With --input, name the decision: --door {'|'.join(ENTRYPOINTS)}.")
    try:
        case = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Invalid(f"{file.name}:{error.lineno}: not JSON.") from None
    if not isinstance(case, dict):
        raise Invalid(f"{file.name}: an input is a JSON object.")
    return door, orjson.dumps(case, option=orjson.OPT_SORT_KEYS).decode()


def _described(described: Described, door: str, owners: list[str], facts: Mapping[str, Any]) -> str:
    if not described.asker or not described.purpose or not described.record_types:
        raise Invalid(
            "Describe the question: --asker ORI --purpose WORD --type WORD. Or name ENTRY."
        )
    if door not in _DOORS:
        raise Invalid(f"A described question goes through --door {', '.join(_DOORS)}.")
    now = datetime.now(UTC)
    if door == "ask":
        case = described.ask_input(owners, now)
    elif len(owners) != 1:
        raise Invalid("One agency answers: name one --owner, or take --door ask.")
    elif door == "answer":
        case = described.answer_input(owners[0], now)
    else:
        case = described.release_input(owners[0], [dict(facts)], now)
    return orjson.dumps(case, option=orjson.OPT_SORT_KEYS).decode()


def _fact(text: str) -> tuple[str, str | bool | int]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"A fact is a name and a value, such as stale=false; '{name}' has none.")
    if re.fullmatch(r"[0-9]{1,4}", value):
        return name, int(value)
    return name, {"true": True, "false": False}.get(value, value)


def _reference(text: str | None) -> tuple[str, str | None] | None:
    if text is None:
        return None
    kind, _, number = text.partition(":")
    return kind, number or None


# -- showing -----------------------------------------------------------------------------------


def _show(found: Explanation) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(_outcome(found))
    if found.rules or found.papers or found.unnamed:
        console.print(_rules(found))
    for title, grounds in (
        ("Facts of the question that it rests on", found.facts),
        ("Data that it rests on", found.data),
    ):
        if grounds:
            console.print(_grounds(title, grounds))
    if found.lifted_by:
        console.print(_lifted(found))
    if not found.complete:
        console.print("There was more to try than is tried: some grounds may be missing.")
    console.print(f"By the set {found.revision}.")


def _outcome(found: Explanation) -> Table:
    table = Table(title=f"Decision: {found.entrypoint}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in found.outcome.items():
        if name == "reasons":
            for reason in value:
                cited = f" ({reason['citation']})" if "citation" in reason else ""
                table.add_row(f"reason {reason['code']}", escape(reason["text"] + cited))
        elif name == "agencies":
            for ori, peer in value.items():
                table.add_row(ori, escape(_peer(peer)))
        elif name == "actions":
            for i, action in enumerate(value):
                table.add_row(f"record {i}", escape(_action(action)))
        elif name != "rules":
            table.add_row(name, escape(_plain(value)))
    return table


def _peer(peer: dict[str, Any]) -> str:
    if not peer["allow"]:
        return "not asked: " + ", ".join(r["code"] for r in peer["reasons"])
    return f"asked: {', '.join(peer['record_types'])}; by {', '.join(peer['terms'])}"


def _action(action: dict[str, Any]) -> str:
    if action["show"] != "record":
        return f"{action['show']}: {', '.join(action['rules'])}"
    return "record: " + ", ".join(
        c if a == "give" else f"{c} ({a})" for c, a in sorted(action["classes"].items())
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return orjson.dumps(value).decode() if isinstance(value, dict | bool) else str(value)


def _rules(found: Explanation) -> Table:
    table = Table(title="Rules and papers", title_justify="left")
    for column in ("rule", "title", "citation", "at"):
        table.add_column(column, overflow="fold")
    for rule in found.rules:
        citation = rule.citation + (" (counsel to confirm)" if rule.confirm_by_counsel else "")
        table.add_row(rule.id, escape(rule.title), escape(citation), rule.where)
    for paper in found.papers:
        table.add_row(paper.id, escape(paper.title), escape(paper.citation), paper.at)
    for name in found.unnamed:
        table.add_row(name, "", "", "")
    return table


def _grounds(title: str, grounds: Any) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("what", "value"):
        table.add_column(column, overflow="fold")
    for ground in grounds:
        value = _plain(ground["value"])
        shown = value if len(value) <= _LONG else f"{value[:_LONG]} … (--json shows all)"
        table.add_row(escape(ground["path"]), escape(shown))
    return table


def _lifted(found: Explanation) -> Table:
    """Show other values by what they lift; what a value is now stands among the facts."""
    table = Table(title="What would lift it, one change at a time", title_justify="left")
    for column in ("lifts", "what", "with"):
        table.add_column(column, overflow="fold")
    values: dict[tuple[str, str], list[str]] = {}
    for change in found.lifted_by:
        key = (", ".join(change["lifts"]), change["path"])
        values.setdefault(key, []).append(_plain(change["value"]))
    for (lifts, path), some in values.items():
        table.add_row(escape(lifts), escape(path), escape(" | ".join(some)))
    return table
