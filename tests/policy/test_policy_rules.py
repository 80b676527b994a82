"""The shipped rules: named cases decided as written, in both engines; covered; and in the table."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyUnavailable
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine
from gateway.policy.opa_server import OpaServerEngine
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.suite import run_suite
from tests.policy.conftest import StartOpa
from tools.rules_table import PAGE, page, rules

POLICIES = Path(__file__).parents[2] / "policies"
LAW = Path(__file__).parents[2] / "docs" / "law.md"
AGREED = "sha-256:" + "a" * 64
"""The digest that each example of an agreement has; questions rest on it, if not said otherwise."""
CASES: list[dict[str, Any]] = [
    {
        **case,
        "name": f"{file.stem}: {case['name']}",
        "input": {"agreement": AGREED, **case["input"]}
        if "asker" in case["input"]
        else case["input"],
    }
    for file in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(file.read_text())
]
_NO_RULES = {"admit.as_agreed", "officer.may_ask"}
"""Said where nothing speaks against it."""


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return with_examples(load_set(POLICIES))


def summary(outcome: Any, expect: dict[str, Any]) -> dict[str, Any]:
    """Give of an outcome what the case expects something of."""
    found: dict[str, Any] = {}
    for key, wanted in expect.items():
        if key == "codes":
            found[key] = sorted(r["code"] for r in outcome["reasons"])
        elif key in {"shows", "confirm"}:
            found[key] = [a[key.removesuffix("s")] for a in outcome["actions"]]
        elif key == "without":
            kept = {c for a in outcome["actions"] for c in a["classes"]}
            found[key] = [c for c in wanted if c not in kept]
        elif key == "by_value":
            found[key] = [a["hidden_by_value"] for a in outcome["actions"]]
        elif key == "oris":
            found[key] = [a["ori"] for a in outcome["agencies"]]
        elif key == "agencies":
            asked = outcome["agencies"]
            found[key] = {o: summary(asked[o], wanted.get(o, {})) for o in asked}
        else:
            found[key] = outcome[key]
    return found


async def decided(engine: Engine, case: dict[str, Any]) -> Any:
    try:
        return (await engine.decide(case["entrypoint"], orjson.dumps(case["input"]))).outcome
    except PolicyUnavailable:
        return "error"


def wrong(outcome: Any, case: dict[str, Any]) -> bool:
    expect = case["expect"]
    if "error" in (outcome, expect):
        return bool(outcome != expect)
    return bool(summary(outcome, expect) != expect)


def test_there_are_cases_of_each_kind() -> None:
    names = [c["name"] for c in CASES]
    assert len(names) == len(set(names)) >= 80
    assert {c["entrypoint"] for c in CASES} == {"ask", "answer", "release", "admit", "agencies"}
    assert sum(c["expect"] == "error" for c in CASES) >= 3


async def test_each_case_is_decided_as_written(shipped: PolicySet) -> None:
    engine = EmbeddedEngine()
    await engine.activate(shipped)
    assert [c["name"] for c in CASES if wrong(await decided(engine, c), c)] == []


@pytest.mark.opa
async def test_the_opa_server_decides_each_case_the_same(
    start_opa: StartOpa, shipped: PolicySet
) -> None:
    embedded, server = EmbeddedEngine(), OpaServerEngine(start_opa(shipped))
    await embedded.activate(shipped)
    await server.activate(shipped)
    try:
        differ = [
            c["name"] for c in CASES if await decided(embedded, c) != await decided(server, c)
        ]
    finally:
        await server.close()
    assert differ == []


@pytest.mark.opa
def test_the_tests_reach_every_rule(opa_program: Path) -> None:
    done = subprocess.run(
        [opa_program, "test", "--bundle", POLICIES, "--coverage", "--format", "json"],
        capture_output=True,
        check=True,
    )
    files = orjson.loads(done.stdout)["files"]
    missed = {
        f: [r["start"]["row"] for r in found["not_covered"]]
        for f, found in files.items()
        if found.get("not_covered") and not f.endswith("_test.rego")
    }
    assert missed == {}


def test_the_table_in_the_documentation_is_as_the_metadata_say() -> None:
    text = PAGE.read_text()
    assert page(text, rules(POLICIES)) == text, "run: python tools/rules_table.py"


def test_each_rule_of_the_law_is_on_the_page_of_the_law() -> None:
    known = {r.id: r for r in rules(POLICIES)}
    rows = [line for line in LAW.read_text().splitlines() if line.startswith("| ")]
    named = {n for row in rows for n in re.findall(r"`([a-z0-9_]+(?:\.[a-z0-9_]+)+)`", row)}
    assert named <= set(known)
    of_the_law = {r.id for r in known.values() if r.where.startswith("law/")}
    assert len(of_the_law) > 40
    assert of_the_law <= named


def test_every_code_that_a_rule_gives_is_in_the_table(shipped: PolicySet) -> None:
    known = {r.id for r in rules(POLICIES)} | _NO_RULES
    said = set()
    for text in shipped.rules.values():
        said |= set(re.findall(r'"code": "([^"]+)"', text))
        said |= set(re.findall(r'contains \[place,.* "([a-z0-9_.]+)"\]', text))
    assert len(said) > 40
    assert said <= known


def test_a_rule_without_its_metadata_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("# METADATA\n# title: T\n# custom:\n#   id: a.b\np := 1\n")
    with pytest.raises(ValueError, match=r"a\.rego:1: title, citation"):
        rules(tmp_path)
    whole = "# METADATA\n# title: T\n# custom:\n#   id: a.b\n#   citation: C\n"
    whole += "#   confirm_by_counsel: true\np := 1\n"
    (tmp_path / "a.rego").write_text(whole * 2)
    with pytest.raises(ValueError, match=r"'a\.b' is in a\.rego too"):
        rules(tmp_path)


def test_what_counsel_has_to_agree_to_is_off_as_shipped(shipped: PolicySet) -> None:
    law = shipped.data["law"]
    codes = law["federal"]["iii_purpose_codes"]
    assert {c for c, about in codes.items() if not about["enabled"]} == {*"HISVX"}
    assert law["california"]["notifications"]["enabled"] is False
    assert law["california"]["public_record_types"] == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("law", "federal", "iii_purpose_codes", "X", "enabled"), True),
        (("law", "federal", "iii_purpose_codes", "I", "enabled"), True),
        (("law", "california", "notifications", "enabled"), True),
        (("law", "california", "public_record_types"), ["arrest"]),
        (("law", "california", "status_kept"), []),
        (("local", "limits", "max_matches"), 1),
        (("local", "never_classes"), "every class"),
        (("local", "hidden_types"), "every record type"),
        (("local", "everyone_purposes"), []),
        (("local", "kept_from_others"), ["reason"]),
    ],
)
def test_what_administrators_may_set_does_not_fail_the_sets_own_tests(
    where: tuple[str, ...], value: Any
) -> None:
    plain = load_set(POLICIES)
    data = orjson.loads(orjson.dumps(plain.data))
    place = data
    for step in where[:-1]:
        place = place[step]
    words = plain.data["sallyport"]["vocabulary"]
    every = {"every class": words["classes"], "every record type": words["record_types"]}
    place[where[-1]] = list(every[value]) if isinstance(value, str) else value
    results = run_suite(make_set(plain.modules, data))["results"]
    assert [r["name"] for r in results if r["outcome"] != "passed"] == []
