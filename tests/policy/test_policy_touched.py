"""A test that an edit can't touch is not run again: and none that it can touch is ever left out."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from gateway.errors import PolicyRejected
from gateway.policy import vet as vet_module
from gateway.policy import vetting
from gateway.policy.builtins import TestRule
from gateway.policy.embedded import Compiled
from gateway.policy.engine import Limits
from gateway.policy.sets import PolicySet, load_set, make_set
from gateway.policy.touched import touched
from gateway.policy.vet import Known, look_through, vet
from gateway.policy.vetting import Vetter
from tests.policy.made import TEXAS, write_set
from tests.soak import count
from tools.data_mutants import DataMutant, data_mutants
from tools.rego_mutants import mutants

POLICIES = Path(__file__).parents[2] / "policies"
HELP, RESTS = "help/help.rego", "rests/rests_test.rego"
_SEED = 20261129


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return load_set(POLICIES)


@pytest.fixture(scope="module")
def known(shipped: PolicySet) -> Known:
    return look_through(shipped.modules.items())


def touched_in(before: PolicySet, after: PolicySet, known: Known | None = None) -> set[str]:
    seen = dict(known or {})
    either = [*before.modules.items(), *after.modules.items()]
    seen |= look_through(m for m in either if m not in seen)
    reached = touched(before, after, {m: s.look for m, s in seen.items()})
    return {".".join(map(str, p)) for p in reached if str(p[-1]).startswith("test_")}


def edited(policy_set: PolicySet, modules: Mapping[str, str | None]) -> PolicySet:
    made = {**policy_set.modules, **modules}
    return make_set({p: t for p, t in made.items() if t is not None}, policy_set.data)


def names(known: Known) -> set[str]:
    return {t.path.removeprefix("data.") for s in known.values() for t in s.look.tests}


# -- each way that Rego has of coming to something ------------------------------------------------

WAYS = {
    "plainly": "test_x if data.far.r == 1",
    "by an index": 'test_x if data.far["r"] == 1',
    "by a name that is made": 'test_x if {x | some n in ["r"]; x := data.far[n]} == {1}',
    "by a name that is made, of a package": 'test_x if { some p in ["far"]; data[p].r == 1 }',
    "as a whole": 'test_x if data.far == {"r": 1}',
    "through a name": "test_x if { x := data.far; x.r == 1 }",
    "through all data": "test_x if { x := data; x.far.r == 1 }",
    "through an import": "import data.far\ntest_x if far.r == 1",
    "through another name": "import data.far.r as q\ntest_x if q == 1",
    "through a rule of its own": "q := data.far.r\ntest_x if q == 1",
    "through a default": "default q := 0\nq := data.far.r\ntest_x if q == 1",
    "through a function": "f(x) := x + data.far.r\ntest_x if f(1) == 2",
    "as an argument": "f(x) := x + 1\ntest_x if f(data.far.r) == 2",
    "through what comes else": "q := 2 if false else := data.far.r\ntest_x if q == 1",
    "through a condition that comes else": (
        "q := 2 if false else := 1 if data.far.r == 1 else := 3\ntest_x if q == 1"
    ),
    "through a set": "s contains data.far.r\ntest_x if s == {1}",
    "through an object": "o[data.far.r] := true\ntest_x if o == {1: true}",
    "in a comprehension": "test_x if {k: v | some k, v in data.far} == {'r': 1}".replace("'", '"'),
    "in every": "test_x if every _, v in data.far { v == 1 }",
    "in a negation": "bad if data.far.r != 1\ntest_x if not bad",
    "in a value written out": 'test_x if {"a": [data.far.r]} == {"a": [1]}',
    "with an input": 'q := input.a\ntest_x if q == 1 with input as {"a": data.far.r}',
    "with other data": "q := data.none\ntest_x if q == 1 with data.none as data.far.r",
    "with another function": (
        "import data.far.f as g\nf(x) := 2\nq := f(0)\ntest_x if q == 1 with f as g"
    ),
    "through a helper of another package": "test_x if data.help.far == 1",
}
FAR = {"far/far.rego": "package far\nr := 1\nf(x) := r + x\n"}
FAR_WRONG = {"far/far.rego": "package far\nr := 5\nf(x) := r + x\n"}
HELPER = {HELP: "package help\nfar := data.far.r\n"}


def resting(body: str) -> dict[str, str]:
    return {RESTS: f"package rests_test\n{body}\ntest_not if 1 == 1\n"}


def outcomes(policy_set: PolicySet) -> dict[str, bool]:
    compiled = Compiled(policy_set.modules, policy_set.data)
    compiled.analyse()
    tests = [t for s in look_through(policy_set.modules.items()).values() for t in s.look.tests]
    return {t.path.removeprefix("data."): _true(compiled, t.path) for t in tests}


def _true(compiled: Compiled, path: str) -> bool:
    try:
        return orjson.loads(compiled.evaluate(path, b"{}")) is True
    except PolicyRejected:
        return False


@pytest.mark.parametrize("body", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("where", ["a rule", "the data"])
def test_whatever_way_it_comes_to_the_changed_thing_it_runs(body: str, where: str) -> None:
    if where == "a rule":
        if "x := data;" in body:
            pytest.skip("a rule that comes to all rules comes to itself: refused")
        before = make_set({**FAR, **HELPER, **resting(body)}, {})
        after = edited(before, FAR_WRONG)
    else:
        if "far.f" in body:
            pytest.skip("a function is no data")
        before = make_set({**HELPER, **resting(body)}, {"far": {"r": 1}})
        after = make_set(before.modules, {"far": {"r": 5}})
    assert outcomes(before)["rests_test.test_x"]
    assert not outcomes(after)["rests_test.test_x"]
    found = touched_in(before, after)
    assert "rests_test.test_x" in found
    if "data[p]" not in body and "x := data;" not in body:
        assert "rests_test.test_not" not in found


@pytest.mark.parametrize(
    ("before", "after", "test"),
    [
        pytest.param({}, {HELP: "package help\nr := 1\n"}, "data.help.r == 1", id="a new rule"),
        pytest.param({HELP: "package help\nr := 1\n"}, {}, "data.help.r == 1", id="a rule gone"),
        pytest.param({}, {HELP: "package help\n"}, "data.help", id="a package without a rule"),
        pytest.param({}, {HELP: "package help.more\n"}, "data.help.more", id="one below it"),
        pytest.param({}, {HELP: "package help.more\n"}, "data.help", id="one on the way"),
        pytest.param(
            {HELP: "package help\nr := 1\n"},
            {HELP: "package help\nr := 1\n", "help/b.rego": "package help\nr := 2\n"},
            "data.help.r == 1",
            id="another definition elsewhere",
        ),
        pytest.param(
            {},
            {HELP: "package rests_test\ncount(_) := 0\n"},
            "count([1]) == 1",
            id="a function in a built-in's place",
        ),
        pytest.param(
            {},
            {HELP: "package rests_test.test_x\nr := 1\n"},
            "1 == 1",
            id="a package in the test's own place",
        ),
    ],
)
def test_what_comes_or_goes_is_a_change(
    before: dict[str, str], after: dict[str, str], test: str
) -> None:
    rests = resting(f"test_x if {test}")
    sets = [make_set({**rests, **modules}, {}) for modules in (before, after)]
    assert "rests_test.test_x" in touched_in(*sets)


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (1, "1"), ([], {}), (None, False)])
def test_a_value_of_another_kind_is_a_change(old: Any, new: Any) -> None:
    modules = resting("test_x if is_number(data.k.v)\ntest_y if data.other")
    sets = [make_set(modules, {"k": {"v": v}, "other": 1}) for v in (old, new)]
    assert touched_in(*sets) == {"rests_test.test_x"}


def test_an_imported_name_may_be_the_packages_own_as_well() -> None:
    # `rego.v1` is imported under the name v1, and says nothing of a rule of that name.
    body = "import rego.v1\ntest_x if v1 == 1"
    for before, after in ((1, 5), (None, 1)):
        own = [
            {"rests/own.rego": f"package rests_test\nv1 := {v}\n"} if v else {}
            for v in (before, after)
        ]
        sets = [make_set({**resting(body), **o}, {}) for o in own]
        assert "rests_test.test_x" in touched_in(*sets)


# -- the shipped set ------------------------------------------------------------------------------


def test_a_change_of_whatever_the_engine_goes_through_runs_the_test(
    shipped: PolicySet, known: Known
) -> None:
    """Held against the engine's own report of the lines that each test went through."""
    compiled = Compiled(shipped.modules, shipped.data)
    compiled.analyse()
    touching = {
        path: touched_in(shipped, edited(shipped, {path: text + "\n"}), known)
        for path, text in shipped.modules.items()
    }
    random = Random(_SEED)
    for name in random.sample(sorted(names(known)), count(60, len(names(known)))):
        for path, (reached, _) in compiled.lines_reached([f"data.{name}"]).items():
            assert not reached or name in touching[path], (name, path)
    # It is no guess that is true of everything.
    assert len(touching["local/local.rego"]) < len(names(known)) / 3
    assert touched_in(shipped, shipped, known) == set()


def test_no_test_that_is_left_out_would_fail(shipped: PolicySet, known: Known) -> None:
    """Changed in one place, whichever it is: what is left out holds, run all the same."""
    random = Random(_SEED)
    changes = [*mutants(shipped), *data_mutants(POLICIES, shipped)]
    left_out = run = 0
    for change in random.sample(changes, count(4, 250)):
        if isinstance(change, DataMutant):
            after = make_set(shipped.modules, change.apply(shipped.data))
        else:
            text = change.apply(shipped.modules[change.file])
            after = edited(shipped, {change.file: text})
        try:
            found = touched_in(shipped, after, known)
            compiled = Compiled(after.modules, after.data)
            compiled.analyse()
        except PolicyRejected:
            continue  # such a set is refused before a test runs
        rest = names(known) - found
        left_out += len(rest)
        run += len(found)
        failed = [name for name in rest if not _true(compiled, f"data.{name}")]
        assert not failed, (change, failed)
    assert left_out
    assert run


# -- vetting --------------------------------------------------------------------------------------

A_RULE = {HELP: "package help\nanswer := 42\n"}
ITS_TEST = {"help/help_test.rego": "package help_test\ntest_answer if data.help.answer == 42\n"}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the tests that ran, as they do."""
    found: list[str] = []
    run = vet_module._test

    def noted(compiled: Compiled, test: TestRule, clock: Any) -> float:
        found.append(test.path.removeprefix("data."))
        return run(compiled, test, clock)

    monkeypatch.setattr(vet_module, "_test", noted)
    return found


def vetted(before: PolicySet, after: PolicySet) -> dict[str, Any]:
    known = look_through(before.modules.items())
    return vet(after, TEXAS, Limits(), known=known, passed=before)


def test_what_would_fail_is_never_taken_as_passed(tmp_path: Path, ran: list[str]) -> None:
    before = load_set(write_set(tmp_path, {**A_RULE, **ITS_TEST}))
    wrong = {HELP: "package help\nanswer := 41\n"}
    for files in (wrong, {**A_RULE, "help/b.rego": "package help\nanswer := 41\n"}, {HELP: None}):
        with pytest.raises(PolicyRejected, match="test_answer'"):
            vetted(before, edited(before, files))
    assert set(ran) == {"help_test.test_answer"}


def test_only_what_an_edit_can_touch_runs(tmp_path: Path, ran: list[str]) -> None:
    before = load_set(write_set(tmp_path, {**A_RULE, **ITS_TEST}))
    same = vetted(before, edited(before, {HELP: "package help\n\nanswer := 40 + 2\n"}))
    assert ran == ["help_test.test_answer"]
    assert (same["tests"], same["run"]) == (4, 1)
    ran.clear()
    further = {"help/c_test.rego": "package c_test\ntest_new if data.help.answer == 42\n"}
    assert vetted(before, edited(before, further))["run"] == 1
    assert ran == ["c_test.test_new"]


async def test_a_child_leaves_out_what_passed_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_set(write_set(tmp_path, {**A_RULE, **ITS_TEST}))
    same = edited(before, {HELP: "package help\n\nanswer := 40 + 2\n"})
    wrong = edited(before, {HELP: "package help\nanswer := 41\n"})

    async def runs(candidate: PolicySet) -> int:
        await vetter.get_ready(before)
        return (await vetter.vet(candidate, TEXAS)).run

    vetter = Vetter(Limits())
    # Nobody has seen this one pass: that it is in force is not enough.
    assert await runs(same) == 4
    assert await runs(before) == 1
    # What failed leaves nothing behind, and does not count as passed.
    for _ in range(2):
        with pytest.raises(PolicyRejected, match="test_answer' failed"):
            await runs(wrong)
    assert await runs(before) == 0
    # What another program passed is run again: it may have been exchanged meanwhile.
    start, by_another = vetting._line, {"passed_by": "sha-256:" + "0" * 64}
    monkeypatch.setattr(vetting, "_line", lambda m: start(m | by_another if "known" in m else m))
    assert await runs(same) == 4
    # None is ready: all of it is done.
    assert (await vetter.vet(same, TEXAS)).run == 4
