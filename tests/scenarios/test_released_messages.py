"""What leaves is NIEM 6.0, also where elements were withheld: held against the checker."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import BORDER, BUREAU, POLICE, SHERIFF
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


Copies = dict[tuple[str, str, str], dict[str, dict[str, Any]]]
"""By owner, type and id of a record: by asker, the copy that it was given."""


def given(world: World, search: Search) -> Copies:
    """Ask for many records as several agencies, so that other elements are withheld each time."""
    copies: Copies = {}

    def ask(asker: str, subject: dict[str, Any], *types: str, **more: Any) -> None:
        for agency in search(asker, subject, *types, **more)["agencies"]:
            for m in agency.get("matches", ()):
                if "record" in m:
                    of = (agency["ori"], m["record_type"], m["record_id"])
                    copies.setdefault(of, {})[asker] = m["record"]

    asked = people(world)
    cast, crowd = asked[-14:], asked[: count(25, 380)]
    for subject in [*cast, *crowd]:
        for asker in (POLICE, SHERIFF, BORDER):
            ask(asker, subject, *TYPES, agencies=[POLICE, SHERIFF, BORDER])
    vehicle = {"vehicle": {"plate": "FIC0417", "plate_state": "TX"}}
    ask(POLICE, vehicle, "vehicle")
    # The bureau's files hold no names: it is asked for what happened, by the sheriff and itself.
    days = {"date_from": "2026-10-01", "date_to": "2026-10-31"}
    for offense in ("MOTOR_VEHICLE_THEFT", "ROBBERY", "BURGLARY"):
        for asker in (SHERIFF, BUREAU):
            incident = {"incident": days | {"offense": offense}}
            ask(asker, incident, "incident", "arrest", agencies=[BUREAU])
    return copies


@pytest.mark.shared
def test_released_messages_conform(world: World, search: Search, tmp_path: Path) -> None:
    copies = given(world, search)
    records = [copy for held in copies.values() for copy in held.values()]
    assert len(records) > 60
    assert any(of[0] == BUREAU and SHERIFF in held for of, held in copies.items())
    # Something was withheld: there are records of which askers were given different copies.
    assert any(len({str(c) for c in held.values()}) > 1 for held in copies.values())
    file = tmp_path / "released.ndjson"
    file.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(SHARED / "niem" / "check.py"), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
