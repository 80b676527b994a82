"""How soon an edited policy counts on a running gateway: `python -m bench.applying [ROUNDS]`.

One gateway with the shipped policies. In each round the most matches that may be asked for are
edited, a number that every decision reads, and the edit is brought into force in one of four ways:
by typing `sallyport policy apply` at once (the command's own start included) or as a person does,
some seconds after saving; by the request that it makes; and by a saved edit that the gateway
watches for. The gateway is started anew for each way, so the first round of each meets one that has
not yet vetted anything. Timed from the edit, or from the typing, until the gateway names the new
set as the one that decides. Seconds of the clock.
"""

import re
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
_MOST = re.compile(r"max_matches: \d+")
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


def in_force(made: Gateway, client: httpx.Client) -> str:
    """Name the set that decides."""
    state = client.get(f"{made.inside}/readyz").json()
    return str(state["components"]["policy"]["revision"])


def edit(made: Gateway, number: int) -> None:
    """Change how many matches may be asked for: by one, so that every test still holds."""
    path = made.home / "policies" / "local" / "data.yaml"
    text = path.read_text(encoding="utf-8")
    edited, times = _MOST.subn(f"max_matches: {100 - number % 2}", text)
    if times != 1 or edited == text:
        raise SystemExit("policies/local/data.yaml is not as this bench knows it: mend `edit`")
    path.write_text(edited, encoding="utf-8")


def measure(made: Gateway, client: httpx.Client, how: str, number: int) -> float:
    """Edit, bring it into force, and give the seconds until it counts."""
    before = in_force(made, client)
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
    while in_force(made, client) == before:
        time.sleep(0.02)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    table = Table(title="Until an edited set of policies counts, seconds")
    for column in ("how", "smallest", "median", "largest"):
        table.add_column(column)
    # One client, made before: it loads its certificates, which takes more than an edit's vetting
    # can spare.
    with tempfile.TemporaryDirectory() as folder, httpx.Client(timeout=10) as client:
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
                    took.append(measure(made, client, how, number))
            finally:
                made.stop()
            figures = (min(took), statistics.median(took), max(took))
            table.add_row(how, *(f"{t:.2f}" for t in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
