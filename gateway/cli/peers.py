"""`sallyport peer list`: the other gateways, and the policy set that each decides by."""

import sys
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli import admin_client
from gateway.cli.options import AsJson, Home

_SHOWN = 12
"""Digits of a digest: enough to tell sets apart by eye; `--json` has them all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(peer_list)


def peer_list(home: Home, *, as_json: AsJson = False) -> None:
    """Show each peer with its policy set: its digest, since when, and when it was last heard.

    Asks the running gateway. A digest covers the set and the agreements that it decides by; times
    are UTC, and `before` is the set that a change was noticed from.
    """
    found = admin_client.call(home, "GET", "/v1/admin/peers")
    if as_json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("agency", "policy set", "since", "last heard", "before", ""):
        table.add_column(title, no_wrap=True)
    for peer in found["peers"]:
        table.add_row(*map(Text, _row(peer)))
    console = Console()
    console.print(table)
    console.print(f"This gateway decides by {_short(found['policy'])}.", highlight=False)


def _row(peer: dict[str, Any]) -> list[str]:
    policy = peer["policy"]
    wait = peer["backing_off_s"]
    state = f"left alone for {wait} s" if wait else ""
    if policy is None:
        return [peer["ori"], "not heard yet", "", "", "", state]
    since, seen = (policy[k][:16].replace("T", " ") for k in ("since", "seen"))
    before = _short(policy["before"]) if policy["changed"] else "-"
    return [peer["ori"], _short(policy["revision"]), since, seen, before, state]


def _short(revision: str) -> str:
    return revision.removeprefix("sha-256:")[:_SHOWN]
