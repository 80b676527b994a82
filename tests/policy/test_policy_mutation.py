"""Each rule of the shipped policies and their data, changed in one place, is noticed by a test."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.policy.made import write_set
from tests.soak import SOAK, count

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "mutate_rego.py"
_SEED = 20261128
_FEWEST = 2900
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


DATA_RULES = """package local

deny contains "purpose" if not known

known if input.search.purpose in data.local.purposes

deny contains "many" if input.search.max_matches > data.local.limits.most

deny contains "open" if data.local.closed
"""
DATA = """purposes: [patrol, audit]
limits: {most: 5, title: Never more than that}
closed: false
unread: [1, 2]
"""
DATA_TESTS = """package local_test

asking(purpose, most) := {"search": {"purpose": purpose, "max_matches": most}}

test_patrol if data.local.deny == set() with input as asking("patrol", 5)

test_curious if data.local.deny == {"purpose"} with input as asking("curious", 1)
"""
BETTER_DATA_TESTS = """
test_audit if data.local.deny == set() with input as asking("audit", 1)

test_many if data.local.deny == {"many"} with input as asking("audit", 6)

test_closed if data.local.closed == false
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


@pytest.fixture
def with_data(tmp_path: Path) -> Path:
    """A set whose rules read data, with the words of the small set, and a hole in its tests."""
    folder = write_set(tmp_path / "with-data", {})
    shutil.rmtree(folder / "sallyport/ask")
    for name, text in (
        ("local.rego", DATA_RULES),
        ("data.yaml", DATA),
        ("local_test.rego", DATA_TESTS),
    ):
        (folder / "local").mkdir(exist_ok=True)
        (folder / "local" / name).write_text(text)
    words = folder / "sallyport/vocabulary/data.yaml"
    named = words.read_text()
    words.write_text(
        named.replace("{investigation: {}", "{patrol: {}, audit: {}, investigation: {}")
    )
    return folder


# One after the other, so that two of them never run at once on two cores.
@pytest.mark.parametrize("part", range(count(1, 2)))
def test_no_change_of_a_shipped_rule_or_of_its_data_goes_unnoticed(part: int) -> None:
    parts = [["law"], ["sallyport", "local"]]
    if SOAK:
        found = told(ROOT / "policies", "--only", *parts[part])
        assert found["changes"] >= _FEWEST // 3
    else:
        found = told(ROOT / "policies", "--every", "40", "--seed", str(_SEED))
        assert found["changes"] >= _FEWEST // 40
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


def changes(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(s["rule"], s["kind"], s["at"]) for s in found["survivors"]}


def test_a_hole_in_the_tests_of_data_is_found_and_closed(with_data: Path) -> None:
    found = told(with_data, "--only", "local/data.yaml")
    assert changes(found) == {
        ("data.local.purposes", "element removed", '"audit"'),
        ("data.local.purposes", "word added", "investigation"),
        ("data.local.purposes", "word added", "stop"),
        ("data.local.limits.most", "number changed", "5"),
        ("data.local.limits.most", "key removed", "5"),
        ("data.local.limits", "key removed", '{"most":5,"title":"Never more than that"}'),
        ("data.local.closed", "key removed", "false"),
    }
    assert {s["where"] for s in found["survivors"] if "limits" in s["rule"]} == {
        "local/data.yaml:2"
    }
    tests = with_data / "local" / "local_test.rego"
    tests.write_text(tests.read_text() + BETTER_DATA_TESTS)
    assert changes(told(with_data, "--only", "local/data.yaml")) == {
        ("data.local.purposes", "word added", "investigation"),
        ("data.local.purposes", "word added", "stop"),
    }


def test_what_an_agency_sets_for_itself_is_left_as_it_is(with_data: Path) -> None:
    choices = with_data / "choices.yaml"
    choices.write_text(
        "choices: [{path: local/purposes, why: Its own.}, {path: local/limits, why: Too.}]"
    )
    found = told(with_data, "--only", "local/data.yaml")
    assert changes(found) == {("data.local.closed", "key removed", "false")}
    for wrong, said in (
        ("{path: local/gone, why: Its own.}", b"the data hold no local/gone"),
        ("{path: local/limits, why: ''}", b"an entry has path, why"),
    ):
        choices.write_text(f"choices: [{wrong}]")
        done = run(with_data)
        assert done.returncode == 2
        assert said in done.stderr


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
