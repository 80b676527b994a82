"""The tests of a set in the embedded engine: what each came to, and which rules they reach.

Runs where sets are vetted, in a process of its own.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from gateway.errors import PolicyRejected
from gateway.policy import builtins, embedded
from gateway.policy.embedded import Compiled
from gateway.policy.marking import Part, marked
from gateway.policy.probing import expected
from gateway.policy.sets import TEST_SUFFIX, PolicySet

_PROBED = 20
"""Failing tests of which it is told what they expected: each costs some compiling."""


def run_suite(candidate: PolicySet) -> dict[str, Any]:
    """Run every test. Raises `PolicyRejected` where the set does not compile.

    Gives `results`, a list of {name, where, ms, outcome, why, expected}; and `coverage`:
    {parts: [{file, line, column, rule, reached}], lines: {file: {reached, missed}}, unmeasured}.
    `outcome` is passed, failed or error; `unmeasured` says why there is no coverage, or is null.
    """
    compiled = Compiled(candidate.modules, candidate.data)
    trees = embedded.syntax_trees(candidate.modules)
    tests = list(builtins.test_rules(trees))
    compiled.analyse()
    results = [_result(compiled, test) for test in tests]
    by_file = {t["source"]["file"]: t for t in trees}
    for result in [r for r in results if r["outcome"] == "failed"][:_PROBED]:
        tree = by_file[result["where"].rpartition(":")[0]]
        name = result["name"].rpartition(".")[2]
        found = expected(candidate.modules, candidate.data, tree, name)
        result["expected"] = asdict(found) if found else None
    outcomes = [r["outcome"] for r in results]
    return {"results": results, "coverage": _coverage(candidate, compiled, trees, tests, outcomes)}


def _result(compiled: Compiled, test: builtins.TestRule) -> dict[str, Any]:
    before = time.thread_time()
    outcome, why = "passed", None
    try:
        if orjson.loads(compiled.evaluate(test.path, b"{}")) is not True:
            outcome, why = "failed", "not true"
    except PolicyRejected as error:
        outcome, why = "error", f"{error.where}: {error.detail}" if error.where else error.detail
    took = round((time.thread_time() - before) * 1000, 3)
    name = test.path.removeprefix("data.")
    return {
        "name": name,
        "where": test.where,
        "ms": took,
        "outcome": outcome,
        "why": why,
        "expected": None,
    }


def _coverage(
    candidate: PolicySet,
    compiled: Compiled,
    trees: Sequence[Mapping[str, Any]],
    tests: Sequence[builtins.TestRule],
    outcomes: Sequence[str],
) -> dict[str, Any]:
    paths = [t.path for t in tests]
    modules, places = dict(candidate.modules), {}
    for tree in trees:
        file = tree["source"]["file"]
        if not file.endswith(TEST_SUFFIX):
            modules[file], places[file] = marked(tree)
    unmeasured = None
    plain: Mapping[str, tuple[set[int], set[int]]] = {}
    reached = plain
    try:
        plain = compiled.lines_reached(paths)
        with_marks = Compiled(modules, candidate.data)
        with_marks.analyse()
        # The marks must not change what anything comes to.
        if [_result(with_marks, t)["outcome"] for t in tests] != list(outcomes):
            unmeasured = "a test comes out otherwise when rules are measured"
        reached = with_marks.lines_reached(paths)
    except PolicyRejected as error:
        unmeasured = f"the rules can't be measured: {error.where}: {error.detail}"

    def is_reached(part: Part, mark: int | None) -> bool:
        lines = plain if mark is None else reached
        return (mark or part.line) in lines.get(part.file, (set(), set()))[0]

    return {
        "parts": [
            {**asdict(part), "reached": is_reached(part, mark)}
            for file in sorted(places)
            for part, mark in places[file].items()
        ],
        "lines": {
            file: {"reached": sorted(plain[file][0]), "missed": sorted(plain[file][1])}
            for file in sorted(places)
            if file in plain
        },
        "unmeasured": unmeasured,
    }
