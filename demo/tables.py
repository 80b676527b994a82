"""What came back, as tables that a person can read."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {
    "answered": "green",
    "refused": "red",
    "not_understood": "yellow",
    "complete": "green",
    "partial": "yellow",
    "none": "red",
}


def show(console: Console, outcome: Mapping[str, Any]) -> None:
    """Print one search's outcome: the agencies, the matches, the receipt."""
    console.print(_agencies(outcome))
    matches = _matches(outcome)
    if matches.row_count:
        console.print(matches)
    receipt = outcome["receipt"]
    kinds = ("answered", "refused", "not_understood", "timed_out", "failed", "capped")
    told = [f"{k.replace('_', ' ')} {receipt[k]}" for k in kinds if receipt[k]]
    counted = ", ".join([f"asked {receipt['asked']}", *told])
    complete = "complete" if receipt["complete"] else "not complete"
    console.print(f"[dim]receipt: {counted}; {complete}; log leaf {receipt['log_leaf'][:24]}…")
    console.print(f"[dim]{outcome['notice']}")


def _agencies(outcome: Mapping[str, Any]) -> Table:
    table = Table(title=f"search {outcome['search_id']}: {outcome['status']}", title_justify="left")
    for column in ("agency", "status", "given", "as of", "ms", "why, and what is never shared"):
        table.add_column(column, overflow="fold", ratio=1 if column.startswith("why") else None)
    for a in outcome["agencies"]:
        given = a.get("granularity", {}).get("given", "")
        status = Text(a["status"], style=_STYLES.get(a["status"], "red"))
        age = a.get("data_as_of", "").replace("T", " ")[:16]
        if a.get("stale"):
            age += " STALE"
        table.add_row(a["ori"], status, given, age, str(a.get("ms", "")), "\n".join(_why(a)))
    return table


def _why(agency: Mapping[str, Any]) -> list[str]:
    lines = [
        r["text"] + (f" [{r['citation']}]" if r.get("citation") else "")
        for r in agency.get("reasons", ())
    ]
    if never := agency.get("classes_never_shared"):
        lines.append("never shared: " + ", ".join(never))
    if unused := agency.get("terms_not_used"):
        lines.append("not searched by: " + ", ".join(unused))
    if wait := agency.get("retry_after_s"):
        lines.append(f"tried again in {wait} s")
    return [line.replace("[", r"\[") for line in lines]


def _matches(outcome: Mapping[str, Any]) -> Table:
    table = Table()
    for column in ("cautions", "agency", "record", "band", "what agreed", "as that record has it"):
        table.add_column(column, overflow="fold")
    found = [(a["ori"], m) for a in outcome["agencies"] for m in a.get("matches", ())]
    # Cautions first: they may save a life.
    for ori, m in sorted(found, key=lambda x: (not x[1].get("cautions"), -x[1].get("score", 0))):
        table.add_row(
            Text(" ".join(m.get("cautions", ())).replace("_", " "), style="bold white on red"),
            ori,
            f"{m['record_type']} {m.get('record_id', '(pointer)')}",
            f"{m['band']} {m['score']:.3f}" if "score" in m else m["band"],
            ", ".join(f"{k} {v}" for k, v in m.get("compared", {}).items()).replace("_", " "),
            _name(m),
        )
    return table


def _name(match: Mapping[str, Any]) -> str:
    if "contact" in match and "record" not in match:
        return f"ask {match['contact']['unit']}, {match['contact']['phone']}"
    record = match.get("record", {})
    person = _first(record.get("nc:Person"))
    if name := _first(person.get("nc:PersonName")):
        parts = ("Given", "Middle", "Sur", "Full")
        found = [name.get(f"nc:Person{p}Name") for p in parts]
        return " ".join(str(part) for part in found if part)
    if vehicle := _first(record.get("nc:Vehicle")):
        plate = _first(record.get("j:ConveyanceRegistration"))
        number = _first(plate.get("j:ConveyanceRegistrationPlateIdentification"))
        told = (number.get("nc:IdentificationID"), vehicle.get("ncic:VehicleMakeCode"))
        return " ".join(str(part) for part in told if part)
    return ""


def _first(value: Any) -> Mapping[str, Any]:
    """Give the first of what may be one object, several, or none."""
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, Mapping) else {}


def entries(ori: str, found: Sequence[Mapping[str, Any]]) -> Table:
    """Give one agency's lines of the log about one search.

    What one side has as its peer's leaf is the other side's leaf.
    """
    about = ", ".join(sorted({e["transaction"] for e in found}))
    table = Table(title=f"log of {ori}: search {about}", title_justify="left")
    columns = ("no.", "time", "type", "peer", "decision", "reasons", "results")
    for column in (*columns, "leaf", "peer's leaf"):
        table.add_column(column, overflow="fold")
    for e in found:
        table.add_row(
            str(e.get("index", "")),
            str(e["time"])[11:],
            e["type"],
            e.get("peer") or "",
            e.get("decision") or "",
            ", ".join(e.get("reasons") or ()),
            "" if e.get("results") is None else str(e["results"]),
            *((e.get(k) or "").removeprefix("sha-256:")[:12] for k in ("leaf", "peer_leaf")),
        )
    return table


def problem(found: Mapping[str, Any]) -> Table:
    """Give one problem."""
    table = Table(title=f"{found['status']} {found['code']}", title_justify="left")
    table.add_column("what, why, what to do", overflow="fold")
    table.add_row(found["detail"])
    for line in _why(found):
        table.add_row(line)
    return table
