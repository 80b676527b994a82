"""Peer answers a second on one core, everything on, against the same records without protections.

    python -m bench.answers [--people 100000] [--seconds 15] [--rounds 3] [--keep FOLDER]
        [--units 25]

One gateway with many people is held to one processor; the load comes from another. Questions are
distinct: a name as its owner would write it, a birth date, and a case of its own. They come from so
many units in turn: within a second, those of one unit can share the second door's decision. All the
gateway's processor time counts, its threads' too. Every 50th answer's signature is verified when
the time is over. "bare" is a small application of its own, bench/bare.py, since no gateway can be
put together without its doors: FastAPI, one parse, the same search in the same records, and no
signature, policy, log or release.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from demo import agreements
from demo.world import AGENCIES, ROOT, Gateway, World
from gateway import settings as settings_files
from gateway.cli import setup
from gateway.model import Ori

OWNER, ASKER = "TX9990000", "CA9990000"


def build(root: Path, people: int) -> World:
    """Make the gateway, its files and its records; or take up those that an earlier run kept."""
    world = World(root, say=print)
    if (root / "asker").exists():
        home, port = root / OWNER, settings_files.load(root / OWNER).port
        key = ec.generate_private_key(ec.SECP256R1())  # no client logs on here
        world.gateways[OWNER] = Gateway(Ori(OWNER), AGENCIES[OWNER], home, port, key)
        for each in (home, root / "asker"):
            _take_policies(each)
        return world
    world.build(people=people, agencies=(OWNER,), everywhere=True)
    asker = root / "asker"
    setup.init_home(asker, ori=ASKER, name="Bench", url="http://127.0.0.1:9", port=9)
    _take_policies(asker)  # to name the agreement in its questions
    setup.add_peer(world[OWNER].home, setup.own_entry(asker))
    setup.add_peer(asker, setup.own_entry(world[OWNER].home))
    homes = {OWNER: world[OWNER].home, ASKER: asker}
    agreements.agree_all(homes, ROOT / "policies")
    began = time.monotonic()
    world[OWNER].command("import", "--json")
    print(f"imported in {time.monotonic() - began:.0f} s")
    return world


def _take_policies(home: Path) -> None:
    policies = home / "policies"
    shutil.rmtree(policies)
    shutil.copytree(ROOT / "policies", policies)
    for path in [policies, *policies.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def questions(world: World, path: Path, count: int) -> None:
    people = []
    for line in world.truth.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        if found.get("birth_date") and found.get("surname") and found.get("given"):
            name = {k: found[k] for k in ("given", "surname")}
            people.append({"names": [name], "birth_date": found["birth_date"]})
    random.Random(1).shuffle(people)
    path.write_text("".join(json.dumps(p) + "\n" for p in people[:count]), encoding="utf-8")


def cpu(pid: int) -> float:
    """Give the processor seconds of a process, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    world: World, asked: Path, seconds: float, flags: list[str], *, bare: bool
) -> dict[str, Any]:
    gateway = world[OWNER]
    gateway.module = "bench.bare" if bare else "gateway.cli"
    gateway.cpu = 0
    gateway.start()
    try:
        gateway.ready(300)
        load = [
            *("taskset", "-c", "1", sys.executable, "-m", "bench.load"),
            *(str(world.root / "asker"), gateway.url, OWNER, str(asked)),
        ]
        flags = [*flags, *(["--bare"] if bare else [])]
        subprocess.run([*load, "3", "32", *flags], check=True, stdout=subprocess.PIPE)  # warm
        assert gateway.process is not None
        before = cpu(gateway.process.pid)
        done = subprocess.run(
            [*load, str(seconds), "32", *flags], check=True, stdout=subprocess.PIPE, text=True
        )
        used = cpu(gateway.process.pid) - before
    finally:
        gateway.stop()
    result: dict[str, Any] = json.loads(done.stdout)
    result["cpu_ms"] = used / result["answers"] * 1000
    result["per_core_second"] = result["answers"] / used
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--types", default="person", help="record types asked for, with commas")
    parser.add_argument("--units", default="25", help="units that ask, in turn")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the built world here, or use the one there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = build(given.keep or Path(folder) / "world", given.people)
        asked = Path(folder) / "questions"
        questions(world, asked, 50_000)
        flags = ["--types", given.types, "--units", given.units]
        for _ in range(given.rounds):
            full = measure(world, asked, given.seconds, flags, bare=False)
            bare = measure(world, asked, given.seconds, flags, bare=True)
            for name, r in (("everything on", full), ("bare", bare)):
                print(
                    f"{name:14} {r['per_second']:7.0f} answers/s  {r['cpu_ms']:.2f} ms CPU each = "
                    f"{r['per_core_second']:.0f} a core-second  {r['ms']} ms  {r['statuses']} "
                    f"{r['matches']}  {r['verified']} signatures verified"
                )
            print(f"ratio {full['per_core_second'] / bare['per_core_second']:.2f}", flush=True)


if __name__ == "__main__":
    main()
