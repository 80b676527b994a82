"""Each rule of the shipped policies, changed in one place, is noticed by some test."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.soak import SOAK, count

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mutate_rego.py"
_SEED = 20261128
_FEWEST = 1900
"""Changes of the shipped set, at the least: a tool that makes none would find no survivors."""

RULES = """package local

deny contains "much" if input.count >= data.local.limit

deny contains "late" if {
	input.hour > 22
	input.day != "sunday"
}
"""
TESTS = """package local_test

test_much if data.local.deny == {"much"} with input as {"count": 5} with data.local.limit as 5

test_little if data.local.deny == set() with input as {"count": 4} with data.local.limit as 5

test_late if data.local.deny == {"late"} with input as {"hour": 23, "day": "monday"}
"""
BETTER = """
test_in_time if data.local.deny == set() with input as {"hour": 22, "day": "monday"}

test_sunday if data.local.deny == set() with input as {"hour": 23, "day": "sunday"}
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False)


def told(*arguments: str | Path) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode in {0, 1}, done.stderr.decode()
    found: dict[str, Any] = orjson.loads(done.stdout)
    assert done.returncode == bool(found["survivors"])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set with a rule that its tests hold, and one that they hold in part."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "local.rego").write_text(RULES)
    (tmp_path / "local" / "local_test.rego").write_text(TESTS)
    return tmp_path


# One after the other, so that two of them never run at once on two cores.
@pytest.mark.parametrize("part", range(count(1, 2)))
def test_no_change_of_a_shipped_rule_goes_unnoticed(part: int) -> None:
    parts = [["law"], ["sallyport", "local"]]
    if SOAK:
        found = told(ROOT / "policies", "--only", *parts[part])
        assert found["changes"] >= _FEWEST // 3
    else:
        found = told(ROOT / "policies", "--every", "30", "--seed", str(_SEED))
        assert found["changes"] >= _FEWEST // 30
    assert found["survivors"] == []
    assert found["caught_by_a_test"] > found["changes"] / 2


def test_the_parts_are_the_whole() -> None:
    rules = [p for p in (ROOT / "policies").rglob("*.rego") if not p.name.endswith("_test.rego")]
    assert {p.relative_to(ROOT / "policies").parts[0] for p in rules} == {
        "law",
        "sallyport",
        "local",
    }


def test_a_hole_in_the_tests_is_found(folder: Path) -> None:
    holes = {(s["kind"], s["at"]) for s in told(folder)["survivors"]}
    assert ("condition removed", 'input.day != "sunday"') in holes
    assert ("condition removed", "input.hour > 22") in holes
    assert ("> is >=", "input.hour > 22") in holes
    assert not any("data.local.limit" in at for _, at in holes)


def test_a_test_closes_it(folder: Path) -> None:
    tests = folder / "local" / "local_test.rego"
    tests.write_text(tests.read_text() + BETTER)
    found = told(folder)
    assert found["survivors"] == []
    assert found["changes"] > 15
    people = run(folder)
    assert people.returncode == 0
    assert b"0 survived" in people.stdout


def test_people_are_shown_the_place(folder: Path) -> None:
    shown = run(folder)
    assert shown.returncode == 1
    assert b"Changes that no test noticed" in shown.stdout
    assert b"deny" in shown.stdout


def test_tests_that_fail_already_stop_it(folder: Path) -> None:
    tests = folder / "local" / "local_test.rego"
    tests.write_text(tests.read_text() + "\ntest_wrong if data.local.deny == {1}\n")
    done = run(folder)
    assert done.returncode == 2
    assert b"data.local_test.test_wrong" in done.stderr


def test_it_goes_on_where_it_was_interrupted(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    whole = told(folder, "--kept", kept)
    lines = kept.read_bytes().splitlines(keepends=True)
    # Killed in the middle of a line; what was written down of the others is believed.
    first = orjson.loads(lines[1])
    lines[1] = orjson.dumps({"mutant": first["mutant"], "by": None}) + b"\n"
    kept.write_bytes(b"".join(lines[:5]) + lines[5][:9])
    resumed = told(folder, "--kept", kept)
    assert resumed["changes"] == whole["changes"]
    assert len(resumed["survivors"]) == len(whole["survivors"]) + (first["by"] is not None)
    # Another set: nothing of it holds.
    rules = folder / "local" / "local.rego"
    rules.write_text(RULES.replace("22", "21"))
    other = told(folder, "--kept", kept)
    assert other["changes"] == whole["changes"]
    assert orjson.loads(kept.read_bytes().splitlines()[0]) == {"revision": other["revision"]}


def test_equivalents_are_held_against_the_run(folder: Path) -> None:
    hole = told(folder)["survivors"][0]
    entry = {k: hole[k] for k in ("file", "rule", "kind", "at", "is")} | {
        "reason": "No clock has it."
    }
    listed = folder / "equivalents.yaml"
    listed.write_text(yaml.safe_dump([entry]))
    found = told(folder)
    assert found["equivalent"] == 1
    assert hole not in found["survivors"]
    for wrong, said in (
        ({**entry, "at": "input.gone"}, b"no change of the set any more"),
        ({**entry, "reason": ""}, b"an entry has"),
    ):
        listed.write_text(yaml.safe_dump([wrong]))
        done = run(folder)
        assert done.returncode == 2
        assert said in done.stderr
    listed.write_text(yaml.safe_dump([entry]))
    tests = folder / "local" / "local_test.rego"
    tests.write_text(tests.read_text() + BETTER)
    done = run(folder)
    assert done.returncode == 2
    assert b"these are noticed, take them out" in done.stderr
