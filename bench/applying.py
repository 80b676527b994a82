"""How soon an edited policy counts on a running gateway: `python -m bench.applying [ROUNDS]`.

One gateway with the shipped policies. In each round its local rules are edited, and the edit is
brought into force in one of four ways: by typing `sallyport policy apply` at once (the command's
own start included) or as a person does, some seconds after saving; by the request that it makes;
and by a saved edit that the gateway watches for. Timed from the edit, or from the typing, until the
gateway names the new set as the one that decides. Seconds of the clock.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console
from rich.table import Table

from demo.ports import free_ports
from demo.world import ROOT, Gateway
from gateway.cli import admin_client, setup
from gateway.model import Ori

AGENCY = Ori("CA9990000")
SETTLED_S = 6.0
"""A person's edits lie further apart than this: the gateway is ready for the next one."""
READ_AGAIN_S = 3.0
"""Between saving an edit and typing the command."""


def gateway(folder: Path) -> Gateway:
    """Make a gateway that decides by the shipped policies."""
    [port] = free_ports(1)
    key = ec.generate_private_key(ec.SECP256R1())
    made = Gateway(AGENCY, "Port Serena", folder / "home", port, key)
    setup.init_home(made.home, ori=AGENCY, name=made.name, url=made.url, port=port)
    shutil.copytree(ROOT / "policies", made.home / "policies", dirs_exist_ok=True)
    return made


def in_force(made: Gateway) -> str:
    """Name the set that decides."""
    state = httpx.get(f"{made.inside}/readyz", timeout=10).json()
    return str(state["components"]["policy"]["revision"])


def edit(made: Gateway, number: int) -> None:
    """Change a text that nothing hangs on: another set, as strict as before."""
    path = made.home / "policies" / "local" / f"note{number}" / "data.yaml"
    path.parent.mkdir()
    path.write_text(f"edited: {number}\n", encoding="utf-8")


def measure(made: Gateway, how: str, number: int) -> float:
    """Edit, bring it into force, and give the seconds until it counts."""
    before = in_force(made)
    time.sleep(SETTLED_S)
    started = time.perf_counter()
    edit(made, number)
    if how == "typed later":
        time.sleep(READ_AGAIN_S)
        started = time.perf_counter()
    if how.startswith("typed"):
        made.command("policy", "apply")
    elif how == "asked":
        admin_client.call(made.home, "POST", "/v1/admin/policy/apply")
    while in_force(made) == before:
        time.sleep(0.02)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    table = Table(title="Until an edited set of policies counts, seconds")
    for column in ("how", "smallest", "median", "largest"):
        table.add_column(column)
    with tempfile.TemporaryDirectory() as folder:
        made = gateway(Path(folder))
        number = 0
        for how in ("typed at once", "typed later", "asked", "saved"):
            made.env["SALLYPORT_POLICY_WATCH"] = str(how == "saved").lower()
            made.start()
            made.ready()
            try:
                took = []
                for _ in range(rounds):
                    number += 1
                    took.append(measure(made, how, number))
            finally:
                made.stop()
            figures = (min(took), statistics.median(took), max(took))
            table.add_row(how, *(f"{t:.2f}" for t in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
