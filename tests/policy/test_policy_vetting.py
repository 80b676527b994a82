"""A candidate set is vetted in a child process: everything that must keep it out does."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from gateway.errors import PolicyRejected
from gateway.policy import fixed, timing, vetting
from gateway.policy.agreements import with_examples
from gateway.policy.embedded import Compiled
from gateway.policy.engine import Limits
from gateway.policy.input_schema import input_schemas
from gateway.policy.inputs import canonical
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.vet import vet
from gateway.policy.vetting import Vetter
from gateway.policy.vocabulary import read_vocabulary
from tests.policy.made import CALIFORNIA, SMALL, STRANGER, TEXAS, write_set

POLICIES = Path(__file__).parents[2] / "policies"
ASK = "sallyport/ask/ask.rego"
TEST = "sallyport/ask/ask_test.rego"
EXTRA = "sallyport/extra/extra.rego"


def verdict(folder: Path, files: dict[str, str], case_ms: float = 50) -> str | None:
    """Vet the small set with some files replaced. Gives where and why it was rejected, or None.

    In this process, as the child does it: starting one for each case takes long.
    """
    candidate = load_set(write_set(folder, files))
    try:
        vet(candidate, TEXAS, Limits(case_ms=case_ms))
    except PolicyRejected as error:
        return f"{error.where}: {error.detail}"
    return None


def extra(body: str) -> dict[str, str]:
    return {EXTRA: f"package sallyport.extra\nimport rego.v1\n{body}\n"}


BIG = {"big/data.json": '{"list": [' + ",".join(map(str, range(1_000))) + "]}"}
SLOW = "n := count([1 | some a in data.big.list; some b in data.big.list; a == b])"


async def test_a_good_set_passes_and_says_what_was_slowest(tmp_path: Path) -> None:
    vetted = await Vetter(Limits()).vet(load_set(write_set(tmp_path, {})), TEXAS)
    assert vetted.tests == 3
    assert 0 < vetted.slowest_ms < 50
    assert vetted.slowest


_WITH_ID = "# METADATA\n# title: Mine\n# custom:\n#   id: mine.once\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(extra("x := ["), f"{EXTRA}:4", id="does not parse"),
        pytest.param(
            extra("x := y"),
            f"{EXTRA}:3: 'y' is not known: no rule or variable here is called so. A misspelt name?",
            id="unsafe name",
        ),
        pytest.param(
            extra("x if {\n\tnot fien\n}\nfine if true"),
            f"{EXTRA}:4: 'fien' is not known",
            id="misspelt rule",
        ),
        pytest.param(
            {EXTRA: "x := 1\n"}, f"{EXTRA}:1: the file does not say which package", id="no package"
        ),
        pytest.param(
            extra(f"{_WITH_ID}x := 1\n{_WITH_ID}y := 1"),
            f"{EXTRA}:8: the id 'mine.once' is that of the rule at {EXTRA}:3: give this one",
            id="id twice",
        ),
        pytest.param(
            {"agencies/TX999/data.yaml": "jurisdiction: texas\n"},
            "data.json#/agencies/TX999: 'TX999' is no ORI: nine capital letters and digits",
            id="no ORI",
        ),
        pytest.param(
            {"local/mine.rego": "package lokal\nimport rego.v1\nx := 1\n"},
            "'local', not 'lokal': change its first line, or move the file",
            id="another package",
        ),
        pytest.param(extra("a := b\nb := a"), f"{EXTRA}:3: recursion", id="recursion"),
        pytest.param(
            extra("f(x) := f(x)"),
            f"{EXTRA}:3: function 'data.sallyport.extra.f'",
            id="calls itself",
        ),
        pytest.param(
            extra(
                "import data.sallyport.extra.g as h\nf(x) := h(x)\n"
                "g(x) if data.sallyport.extra.f(x)"
            ),
            f"{EXTRA}:4: function 'data.sallyport.extra.f' calls itself",
            id="calls itself by another name",
        ),
        pytest.param(
            {"mine/authz.rego": "package system.authz\nimport rego.v1\nallow := true\n"},
            "mine/authz.rego:1: package 'system'",
            id="the OPA server's own package",
        ),
        pytest.param(
            {"system/authz/data.json": '{"allow": true}'},
            "data.json: data 'system'",
            id="the OPA server's own data",
        ),
        pytest.param(extra("x := nosuch(1)"), f"{EXTRA}:3: built-in 'nosuch'", id="unknown"),
        pytest.param(extra("x := time.now_ns()"), f"{EXTRA}:3: built-in 'time.now_ns'", id="clock"),
        pytest.param(
            extra("f(x) := rand.intn(x, 2)"), f"{EXTRA}:3: built-in 'rand.intn'", id="rand"
        ),
        pytest.param(
            extra('y if every z in [1] { http.send({"url": z}) }'),
            f"{EXTRA}:3: built-in 'http.send'",
            id="http in every",
        ),
        pytest.param(
            extra("x := [y |\n\tsome y in [1]\n\topa.runtime()]"),
            f"{EXTRA}:5: built-in 'opa.runtime'",
            id="runtime in a comprehension",
        ),
        pytest.param(extra("x := object.subset([1], [])"), "'object.subset'", id="panics"),
        pytest.param(extra('x if glob.match("a", [], "a")'), "'glob.match'", id="differs"),
        pytest.param(extra('x := sprintf("%.2f", [1.5])'), "sprintf", id="float format"),
        pytest.param(extra("f(x) := sprintf(x, [1])"), "sprintf", id="format not in place"),
        pytest.param(extra('f(x) := substring("abc", x, 1)'), "substring", id="place not in place"),
        pytest.param(extra('x := substring("abc", 0, 1.5)'), "substring", id="half a place"),
        pytest.param(extra('x := indexof("abc", "")'), "indexof", id="indexof"),
        pytest.param(
            extra("import future.keywords.not\nx := 1"), "future.keywords.not", id="import"
        ),
        pytest.param(
            {TEST: "package sallyport.ask_test\nimport rego.v1\ntest_no if false\n"},
            f"{TEST}:3: test 'sallyport.ask_test.test_no' failed",
            id="test fails",
        ),
        pytest.param(
            {TEST: "package sallyport.ask_test\nimport rego.v1\ntest_one := 1\n"},
            "test_one' failed",
            id="test is not true",
        ),
        pytest.param(
            {TEST: "package sallyport.ask_test\nimport rego.v1\ntest_a if true\ntest_a if false\n"},
            f"{TEST}:4: test 'sallyport.ask_test.test_a' is there twice",
            id="test twice",
        ),
        pytest.param({TEST: "package sallyport.ask_test\n"}, "no test", id="no test"),
        pytest.param(
            {ASK: "package sallyport.ask\nimport rego.v1\npeer(_) := 1\n"},
            "",
            id="entrypoint missing",
        ),
        pytest.param(
            {
                "sallyport/agencies/agencies.rego": "package sallyport.agencies\n"
                'import rego.v1\ndecision := {"agencies": [{"ori": "x"}]}\n'
            },
            "data.sallyport.agencies.decision: the policy's outcome is malformed at 'agencies'",
            id="outcome of another shape",
        ),
        pytest.param(
            {"sallyport/vocabulary/data.yaml": "purposes: {}\n"},
            "data.json: data.sallyport.vocabulary.purposes",
            id="no purposes",
        ),
        pytest.param(
            {"sallyport/vocabulary/cautions/data.yaml": "'00': armed\n"},
            "data.sallyport.vocabulary.cautions: '00' needs a word in capitals",
            id="a caution without its word",
        ),
        pytest.param({**extra(SLOW), **BIG}, "the limit", id="slow"),
        pytest.param(
            extra('x contains {\n\t"code": "mine.new",\n\t"text": "No. Ask.",\n} if true'),
            f"{EXTRA}:4: the code 'mine.new' has no entry: write '# METADATA' before the rule",
            id="a code without an entry",
        ),
        pytest.param(
            extra(f'{_WITH_ID}x := {{"code": "mine.once",\n\t"text": " "}}'),
            f"{EXTRA}:8: a reason without words: say what, why, and what to do next",
            id="a reason without words",
        ),
        pytest.param(
            extra(
                "# METADATA\n# custom:\n#   id: mine.bare\n"
                'x := {"code": "mine.bare", "text": "Ask."}'
            ),
            f"{EXTRA}:6: the code 'mine.bare' has no entry",
            id="an entry without a title",
        ),
        pytest.param(
            extra(
                f"{_WITH_ID}y := 1\n\n# METADATA\n# custom:\n#   id: mine.two\n# title: No: no\n"
                'x := {"code": "mine.two", "text": "Ask."}'
            ),
            f"{EXTRA}:12: this METADATA comment is no YAML",
            id="an entry that is no YAML",
        ),
        pytest.param(
            {
                "sallyport/admit/admit.rego": "package sallyport.admit\nimport rego.v1\n"
                'decision := {"allow": false, "obligations": [], "rules": [], "reasons": '
                '[{"code": concat(".", ["admit", "made"]), "text": "Ask."}]}\n'
            },
            "data.sallyport.admit.decision: the code 'admit.made' has no entry",
            id="a code that is put together",
        ),
    ],
)
def test_what_must_stay_out_does(tmp_path: Path, files: dict[str, str], said: str) -> None:
    found = verdict(tmp_path, files)
    assert found is not None
    assert said in found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("j:Warrant: order", "j:Warrant: nosuch", "class that is not in the list"),
        ("j:Warrant: order", "j:Warant: order", "j:Warant"),
        ("j:Warrant: order", "'Warrant/': order", "is no path"),
        ("granularities: [hit,", "granularities: [guess,", "guess"),
        ("obligations: [confirm_before_acting,", "obligations: [Confirm Hit,", "is no word"),
        ("obligations: [confirm_before_acting,", "obligations: [tell_nobody,", "can't honour"),
        ("obligations:", "confirm_within: {soon: 0}\nobligations:", "'soon' needs minutes"),
        ("obligations:", "confirm_within: {soon: true}\nobligations:", "'soon' needs minutes"),
        ("too_many: 100", "too_many: 0", "a number of matches is wanted"),
        ("too_many: 100", "too_many: true", "a number of matches is wanted"),
        ("obligations:", "duties: {caveat: Tell it.}\nobligations:", "'caveat' is no obligation"),
        (
            "obligations:",
            "duties: {fingerprints_within: 15}\nobligations:",
            "'fingerprints_within' needs a sentence",
        ),
    ],
)
def test_a_malformed_vocabulary_stays_out(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = write_set(tmp_path, {})
    path = folder / "sallyport/vocabulary/data.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(PolicyRejected) as caught:
        vet(load_set(folder), TEXAS, Limits())
    assert said in caught.value.detail


def test_what_is_slow_for_the_largest_input_alone_stays_out(tmp_path: Path) -> None:
    # Each record against each other: nothing for ten, seconds for the thousand that fit.
    release = "sallyport/release/release.rego"
    text = (SMALL / release).read_text()
    rule = """
pairs := count([1 |
	some a in input.facts
	some b in input.facts
	a.record_type == b.record_type
])
"""
    old = "decision := {"
    assert old in text
    slow = text.replace(old, f"{rule}\n{old}").replace(
        "some f in input.facts]}", "some f in input.facts]} if pairs >= 0"
    )
    assert slow.endswith("if pairs >= 0\n")
    found = verdict(tmp_path, {release: slow})
    assert found is not None
    assert "'release of the largest input' took" in found
    assert "the limit is 600 ms" in found


def test_the_largest_inputs_are_as_large_as_any() -> None:
    shipped = with_examples(load_set(POLICIES))
    words, limit = read_vocabulary(shipped.data), Limits().input_bytes
    cases = dict(fixed.largest(words, shipped.data, TEXAS, [CALIFORNIA, STRANGER], limit))
    schemas = input_schemas(shipped.data)
    for entrypoint, case in cases.items():
        raw = canonical(case, limit)  # else it would be refused, and not decided
        assert not [e.message for e in Draft202012Validator(schemas[entrypoint]).iter_errors(case)]
        assert entrypoint != "release" or len(raw) > limit - 400
    facts = cases["release"]["facts"]
    assert len({canonical(f, limit) for f in facts}) == len(facts) > 900
    assert {f["record_type"] for f in facts} == set(words.record_types)
    assert len(cases["ask"]["agencies"]) == 256
    compiled = Compiled(shipped.rules, shipped.data)
    shown = orjson.loads(
        compiled.evaluate("data.sallyport.release.decision", canonical(cases["release"], limit))
    )
    assert {a["show"] for a in shown["actions"]} == {"none", "pointer", "record"}
    allowed = compiled.evaluate("data.sallyport.ask.decision", canonical(cases["ask"], limit))
    assert orjson.loads(allowed)["allow"] is True


def test_a_slow_test_is_named(tmp_path: Path) -> None:
    files = {
        **BIG,
        TEST: f"package sallyport.ask_test\nimport rego.v1\n{SLOW}\ntest_slow if n > 0\n",
    }
    found = verdict(tmp_path, files, case_ms=5)
    assert found is not None
    assert "test_slow' took" in found


async def test_a_set_that_never_ends_is_killed(tmp_path: Path) -> None:
    larger = SLOW.replace("a == b", "some c in data.big.list; a == b; b == c")
    candidate = load_set(write_set(tmp_path, {**extra(larger), **BIG}))
    before = time.monotonic()
    with pytest.raises(PolicyRejected, match="longer than 1 s"):
        await Vetter(Limits(vetting_s=1.0)).vet(candidate, TEXAS)
    assert time.monotonic() - before < 3


async def test_a_set_that_breaks_the_child_is_rejected(tmp_path: Path) -> None:
    # A rule so deep that the engine runs out of stack or of time.
    deep = "x := " + "f(" * 3_000 + "1" + ")" * 3_000 + "\nf(x) := x"
    candidate = load_set(write_set(tmp_path, extra(deep)))
    with pytest.raises(PolicyRejected):
        await Vetter(Limits(vetting_s=3)).vet(candidate, TEXAS)


async def test_a_child_that_says_nothing_has_not_vetted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PolicyRejected, match="broke down"):
        await Vetter(Limits()).vet(load_set(write_set(tmp_path, {})), TEXAS)


async def test_a_panic_while_vetting_is_a_rejection(tmp_path: Path) -> None:
    files = {TEST: "package sallyport.ask_test\nimport rego.v1\ntest_p if object.subset([1], [])\n"}
    assert verdict(tmp_path, files) is not None
    results = (await Vetter(Limits()).run_suite(load_set(tmp_path)))["results"]
    bad = [r["name"] for r in results if r["outcome"] == "error"]
    assert bad == ["sallyport.ask_test.test_p"]


async def test_each_test_is_reported(tmp_path: Path) -> None:
    files = {
        TEST: "package sallyport.ask_test\nimport rego.v1\n"
        'test_good if true\ntest_bad if false\ntest_error if to_number("x") == 1\n'
    }
    results = (await Vetter(Limits()).run_suite(load_set(write_set(tmp_path, files))))["results"]
    found = {r["name"].rsplit(".", 1)[1]: (r["outcome"], r["why"]) for r in results}
    assert found["test_good"] == ("passed", None)
    assert found["test_bad"] == ("failed", "not true")
    assert found["test_error"][0] == "error"
    assert "5" in found["test_error"][1]


@pytest.mark.parametrize(
    "negated",
    [
        "input.x in data.k",
        'input.x in ["a"]',
        "input.n >= 2",
        "count(input.x) == 1",
        'startswith(input.x, "a")',
        "data.k[input.x]",
        "helps(input.x)",
        "input.x + 1 == 2",
    ],
)
def test_a_negation_that_opens_in_opa_is_refused(tmp_path: Path, negated: str) -> None:
    rego = f"package sallyport.more\nimport rego.v1\nhelps(x) := x\nsafe if not {negated}\n"
    found = verdict(tmp_path, {"sallyport/more/more.rego": rego})
    assert found is not None
    assert "more.rego:4" in found
    assert "negate the name" in found


def test_plain_negations_are_admitted(tmp_path: Path) -> None:
    rego = (
        "package sallyport.more\nimport rego.v1\nhelps(x) := x\nother if input.client\n"
        'a if not other\nb if not input.client\nc if not input.client == "y"\nd if not data.k.x\n'
        "e if { some y in [1]; not data.k[y]; not helps(y) }\n"
        'f if { some y in [{}]; not y == {"a": 1} }\n'
    )
    assert verdict(tmp_path, {"sallyport/more/more.rego": rego}) is None


async def test_one_that_is_ready_judges_as_a_new_one_does(tmp_path: Path) -> None:
    before = load_set(write_set(tmp_path, {}))
    bad = {TEST: "package sallyport.ask_test\nimport rego.v1\ntest_no if false\n"}
    vetter = Vetter(Limits())
    for files, fault in ((bad, "test_no' failed"), ({}, None), ({ASK: "package x\n"}, "ask")):
        await vetter.get_ready(before)
        ready = vetter._ready
        assert ready is not None
        edited = load_set(write_set(tmp_path, files))
        if fault is None:
            assert (await vetter.vet(edited, TEXAS)).tests == 3
        else:
            with pytest.raises(PolicyRejected, match=fault):
                await vetter.vet(edited, TEXAS)
        # It was the one that did it, and one is for one set alone.
        assert ready.returncode is not None
        assert vetter._ready is None


async def test_one_that_died_while_it_waited_is_replaced(tmp_path: Path) -> None:
    good = load_set(write_set(tmp_path, {}))
    vetter = Vetter(Limits())
    await vetter.get_ready(good)
    assert vetter._ready is not None
    vetter._ready.kill()
    await vetter._ready.wait()
    assert (await vetter.vet(good, TEXAS)).tests == 3


async def test_one_that_waits_ends_with_its_gateway(tmp_path: Path) -> None:
    good = load_set(write_set(tmp_path, {}))
    vetter = Vetter(Limits())
    await vetter.get_ready(good)
    child = vetter._ready
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()  # as the system does for a gateway that was killed
    assert await asyncio.wait_for(child.wait(), 10) == 0
    await vetter.get_ready(good)
    child = vetter._ready
    assert child is not None
    await vetter.close()
    assert child.returncode is not None


async def test_a_set_is_vetted_ahead_once_for_who_asks_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = vetting._start

    async def counted() -> asyncio.subprocess.Process:
        child = await start()
        started.append(child.pid)
        return child

    monkeypatch.setattr(vetting, "_start", counted)

    async def ahead(candidate: PolicySet) -> None:
        before = len(started)
        await vetter.vet_ahead(candidate, TEXAS)
        async with asyncio.timeout(10):
            await until(lambda: len(started) > before)

    good = load_set(write_set(tmp_path, {}))
    bad = load_set(write_set(tmp_path, {TEST: "package sallyport.ask_test\ntest_no if false\n"}))
    vetter = Vetter(Limits())
    await ahead(good)
    await vetter.vet_ahead(good, TEXAS)
    assert (await vetter.vet(good, TEXAS)).tests == 3
    assert len(started) == 1
    # A verdict is for one who asks, one set and one agency; what was begun for another ends.
    assert (await vetter.vet(good, TEXAS)).tests == 3
    assert len(started) == 2
    await ahead(good)
    assert (await vetter.vet(good, CALIFORNIA)).tests == 3
    assert len(started) == 4
    await ahead(good)
    with pytest.raises(PolicyRejected, match="test_no"):
        await vetter.vet(bad, TEXAS)
    # What failed is vetted again: it may have been the machine's fault, and long ago.
    await ahead(bad)
    with pytest.raises(PolicyRejected, match="test_no"):
        await vetter.vet(bad, TEXAS)
    assert len(started) == 8
    await ahead(good)
    await vetter.close()
    assert not any(map(working, started))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core shares nothing")
async def test_processes_that_share_the_tests_end_with_it(tmp_path: Path) -> None:
    endless = SLOW.replace("a == b", "some c in data.big.list; a == b; b == c")
    slow = "".join(f"test_{i} if n > {i}\n" for i in range(8))
    files = {**BIG, TEST: f"package sallyport.ask_test\nimport rego.v1\n{endless}\n{slow}"}
    candidate = load_set(write_set(tmp_path, files))
    vetter = Vetter(Limits(vetting_s=60))
    await vetter.get_ready(candidate)
    assert vetter._ready is not None
    group = vetter._ready.pid
    work = asyncio.create_task(vetter.vet(candidate, TEXAS))
    async with asyncio.timeout(30):
        await until(lambda: len(working(group)) > 1)
    work.cancel()
    done, _ = await asyncio.wait([work], timeout=20)
    assert done, "it waits for a process that it has not ended"
    async with asyncio.timeout(10):
        await until(lambda: not working(group))


async def until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - what the kernel does sets no event
        await asyncio.sleep(0.02)


def working(group: int) -> list[str]:
    """Name the processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, _, its_group = rest.split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(name)
    return found


def test_one_late_measurement_keeps_no_set_out(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.061, 1.0, 1.016, 2.0, 2.2, 3.0, 3.2, 4.0, 4.2])
    monkeypatch.setattr(timing.time, "thread_time", lambda: next(times))
    clock = timing.Clock(50)
    done, took = clock.time("a case", None, lambda: b"true")
    assert (done, round(took)) == (b"true", 16)
    with pytest.raises(PolicyRejected, match="took 200 ms"):
        clock.time("a slow case", None, lambda: b"true")
