"""What leaves is NIEM 6.0, also where elements were withheld: held against the checker."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import BORDER, POLICE, SHERIFF
from demo.world import World
from tests.conftest import SHARED
from tests.scenarios.conftest import Search
from tests.soak import count

TYPES = ("person", "warrant", "arrest", "incident", "caution", "crossing")


def people(world: World) -> list[dict[str, Any]]:
    found = []
    for line in world.truth.read_text(encoding="utf-8").splitlines():
        p = json.loads(line)
        if p.get("birth_date") and p.get("surname"):
            name = {k: p[k] for k in ("given", "surname") if p[k]}
            found.append({"person": {"names": [name], "birth_date": p["birth_date"]}})
    return found


def test_there_is_a_class_for_every_released_path(world: World, search: Search) -> None:
    """Nothing leaves under a key that stands for nothing: no empty object, no bare reference."""
    for subject in people(world)[-10:]:
        for agency in search(POLICE, subject, *TYPES)["agencies"]:
            for match in agency.get("matches", ()):
                record = match.get("record")
                assert record is None or len(record) > 1, match["record_type"]


@pytest.mark.shared
def test_released_messages_conform(world: World, search: Search, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    asked = people(world)
    cast, crowd = asked[-14:], asked[: count(25, 380)]
    for subject in [*cast, *crowd]:
        # Three askers, so that other elements are withheld each time.
        for asker in (POLICE, SHERIFF, BORDER):
            outcome = search(asker, subject, *TYPES, agencies=[POLICE, SHERIFF, BORDER])
            for agency in outcome["agencies"]:
                records += [m["record"] for m in agency.get("matches", ()) if "record" in m]
    vehicle = {"vehicle": {"plate": "FIC0417", "plate_state": "TX"}}
    for agency in search(POLICE, vehicle, "vehicle")["agencies"]:
        records += [m["record"] for m in agency.get("matches", ()) if "record" in m]
    assert len(records) > 60
    file = tmp_path / "released.ndjson"
    file.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(SHARED / "niem" / "check.py"), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
