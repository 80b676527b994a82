"""`sallyport policy test` and `check`: both engines, what they differ in, what no test reaches."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from gateway.cli.policy import app
from gateway.errors import Misconfigured, PolicyRejected
from gateway.policy import suite
from gateway.policy.opa_program import OpaProgram
from gateway.policy.sets import load_set, make_set
from gateway.policy.suite import run_suite
from tests.policy.made import SMALL, write_set

RUN = CliRunner()
POLICIES = Path(__file__).parents[2] / "policies"
REGO = """package more

import rego.v1

default open := false

open if {
	input.search.purpose == "a"
	input.search.granularity == "b"
}

open if input.search.purpose == "c"

size(x) := "small" if {
	x < 10
} else := "medium" if {
	x < 100
} else := "large"

seen contains {"text": "never, { true }"} if "q" in input.search.record_types

seen contains [
	1,
	(2 + x) * 2,
] if {
	some x in [1]
	input.self == "t"
}

limit := 7

names := [n |
	some n in input.agencies
]

worth(x) := (x + 1) * data.nowhere[x]
"""
TEST = """package more_test

import rego.v1

test_open if {
	data.more.open with input as {"search": {"purpose": "a", "granularity": "b"}}
	not data.more.open with input as {"search": {"purpose": "a"}}
}

test_size if data.more.size(20) == "medium"

test_sets if {
	data.more.seen == {[1, 6]} with input as {"self": "t"}
	data.more.limit == 7
	not data.more.worth(1)
}
"""
UNREACHED = {
    "more.rego:12 open",
    "more.rego:14 size",
    "more.rego:18 size",
    "more.rego:20 seen",
    "more.rego:32 names",
    "more.rego:36 worth",
}


def run(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = RUN.invoke(app, ["test", str(folder), "--json", *words])
    return done.exit_code, orjson.loads(done.stdout)


def folder_of(tmp_path: Path, test: str, rego: str = REGO) -> Path:
    (tmp_path / "more.rego").write_text(rego)
    (tmp_path / "more_test.rego").write_text(test)
    return tmp_path


def unreached(found: dict[str, Any], engine: str) -> set[str]:
    file = found["coverage"][engine]["files"]["more.rego"]
    return {f"{r['where']} {r['rule']}" for r in file["rules_unreached"]}


@pytest.mark.opa
def test_a_rule_is_reached_where_it_comes_out_and_both_engines_agree(
    tmp_path: Path, opa_program: Path
) -> None:
    code, found = run(folder_of(tmp_path, TEST), "--opa", str(opa_program))
    assert (code, found["passed"], found["engines"]) == (0, True, ["embedded", "opa"])
    assert unreached(found, "embedded") == UNREACHED
    assert unreached(found, "opa") == UNREACHED
    # A line that was looked at and a rule that came out are two things.
    assert 12 not in found["coverage"]["embedded"]["files"]["more.rego"]["lines_unreached"]
    assert found["coverage"]["opa"]["lines_percent"] < 100


@pytest.mark.opa
def test_the_shipped_rules_are_all_reached_in_both_engines(opa_program: Path) -> None:
    wanted = ("--min-rules", "100", "--min-lines", "100")
    code, found = run(POLICIES, "--opa", str(opa_program), *wanted)
    assert (code, found["too_little"]) == (0, [])
    for engine in ("embedded", "opa"):
        assert found["coverage"][engine]["rules_percent"] == 100
    assert len(found["tests"]) > 300


@pytest.mark.opa
def test_a_test_that_comes_out_differently_fails_with_both_outcomes(
    tmp_path: Path, opa_program: Path
) -> None:
    # A built-in's error is one in the embedded engine, and nothing in OPA.
    differs = 'bad if to_number("x") == 1\ntest_d if not bad\n'
    folder = folder_of(
        tmp_path, f"package more_test\nimport rego.v1\n{differs}todo_test_e if 1 < 2\n"
    )
    code, found = run(folder, "--opa", str(opa_program))
    assert code == 1
    outcomes = {t["name"]: (t["differs"], t["outcomes"]) for t in found["tests"]}
    assert outcomes == {
        "more_test.test_d": (True, {"embedded": "error", "opa": "passed"}),
        "more_test.todo_test_e": (True, {"embedded": "not run", "opa": "skipped"}),
    }
    shown = RUN.invoke(app, ["test", str(folder), "--opa", str(opa_program)]).stdout
    assert "the engines differ: embedded says error, opa says passed" in shown


@pytest.mark.usefixtures("no_opa")
def test_too_little_coverage_ends_with_three(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, TEST)
    assert run(folder, "--min-rules", "45")[0] == 0
    code, found = run(folder, "--min-rules", "60")
    assert code == 3
    assert found["too_little"] == ["embedded: 45.5 % of the rules are reached; 60 % are wanted"]
    assert run(folder, "--min-lines", "99")[0] == 3


def test_rules_that_cannot_be_measured_are_too_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "marked", lambda _: ("package more\nx := [", {}))
    found = run_suite(load_set(folder_of(tmp_path, TEST)))
    assert "can't be measured" in found["coverage"]["unmeasured"]
    assert {r["outcome"] for r in found["results"]} == {"passed"}


@pytest.mark.usefixtures("no_opa")
def test_without_opa_it_says_so_aloud_and_a_named_one_must_be_there(tmp_path: Path) -> None:
    for command in ("test", "check"):
        done = RUN.invoke(app, [command, str(SMALL)])
        assert done.exit_code == 0, done.output
        assert "WITHOUT OPA" in done.stderr
        named = RUN.invoke(app, [command, str(SMALL), "--opa", str(tmp_path / "none")])
        assert isinstance(named.exception, Misconfigured)
    assert run(SMALL)[1]["opa"] is False


@pytest.fixture
def no_opa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("body", "line", "condition", "left", "right"),
    [
        ('{\n\tx := 3\n\tx == 3\n\tx == "é"\n\tfalse\n}', 6, 'x == "é"', "3", '"é"'),
        ("1 + 1 >= (3 - 1) * 2", 3, "1 + 1 >= (3 - 1) * 2", "2", "4"),
        (
            'data.a.b == "k" with data.a.b as input.x with input as {"x": [1]}',
            3,
            'data.a.b == "k" with data.a.b as input.x with input as {"x": [1]}',
            "undefined",
            '"k"',
        ),
        ("{\n\tsome x in [1, 2]\n\tnot x < 3\n}", 5, "not x < 3", None, None),
        ("data.a.c == true", 3, "data.a.c == true", "undefined", "true"),
    ],
)
def test_a_failure_says_what_was_expected(
    body: str, line: int, condition: str, left: str | None, right: str | None
) -> None:
    test = f"package a_test\nimport rego.v1\ntest_x if {body}\n"
    [result] = run_suite(make_set({"a_test.rego": test}, {}))["results"]
    assert result["outcome"] == "failed"
    assert result["expected"] == {
        "where": f"a_test.rego:{line}",
        "condition": condition,
        "left": left,
        "right": right,
    }


@pytest.mark.usefixtures("no_opa")
def test_a_failure_is_shown_with_its_sides(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, 'package more_test\nimport rego.v1\ntest_x if {\n\t"a" == "b"\n}\n')
    assert shown.exit_code == 1
    assert 'line 4 does not hold: "a" == "b"' in shown.stdout
    assert 'left: "a"' in shown.stdout
    assert "0 of 1 tests passed" in shown.stdout


@pytest.mark.usefixtures("no_opa")
def test_a_set_without_tests_fails(tmp_path: Path) -> None:
    shown = shown_of(tmp_path, "package more_test\n")
    assert shown.exit_code == 1
    assert "The set has no test" in shown.stdout


def shown_of(tmp_path: Path, test: str) -> Result:
    return RUN.invoke(app, ["test", str(folder_of(tmp_path, test))])


@pytest.mark.opa
@pytest.mark.parametrize(
    ("rego", "said"),
    [
        ("x if input.search.purpos == 1", "undefined ref: input.search.purpos"),
        ("x if { some f in input.facts; f.seald }", "undefined ref"),
        ('x if input.search.max_matches == "2"', "match error"),
        ("x if time.now_ns() > 1", "undefined function time.now_ns"),
        ("x if walk(input, [[], 1])", "undefined function walk"),
        ("x if { y := 1; input.v == 1 }", "var y unused"),
    ],
)
def test_opa_checks_strictly_by_the_inputs_and_the_admitted_built_ins(
    opa_program: Path, rego: str, said: str
) -> None:
    program = OpaProgram(opa_program)
    facts = {"sallyport": {"vocabulary": {"facts": ["sealed"]}}}
    fine = (
        "x if input.search.reference.number == 1\ny if input.facts[_].sealed\n"
        "z if input.search.reference == null\n"
    )
    program.check(make_set({"a/x.rego": f"package x\nimport rego.v1\n{fine}"}, facts))
    with pytest.raises(PolicyRejected, match="says opa check") as refused:
        program.check(make_set({"a/x.rego": f"package x\nimport rego.v1\n{rego}\n"}, facts))
    assert said in str(refused.value.detail)
    assert refused.value.where == "a/x.rego:3"


@pytest.mark.opa
def test_check_has_opa_look_where_it_is_there(tmp_path: Path, opa_program: Path) -> None:
    # Only OPA minds a name that nothing uses.
    unused = "package sallyport.x\nimport rego.v1\na if {\n\tb := 1\n\tinput.v == 1\n}\n"
    folder = write_set(tmp_path, {"x.rego": unused})
    done = RUN.invoke(app, ["check", str(folder), "--opa", str(opa_program)])
    assert isinstance(done.exception, PolicyRejected)
    assert done.exception.where == "x.rego:4"
    good = RUN.invoke(app, ["check", str(SMALL), "--opa", str(opa_program), "--json"])
    assert orjson.loads(good.stdout)["opa_check"] == "passed"
