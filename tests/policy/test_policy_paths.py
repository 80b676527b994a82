"""Paths that no input has and words that no vocabulary holds: found, with file and line."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from gateway.cli.policy import app
from gateway.errors import PolicyRejected
from gateway.model import (
    Answer,
    Band,
    GranularityGiven,
    JudicialWarrant,
    Match,
    MatchHandling,
    Obligation,
    Reference,
    WarrantDocument,
    stamp,
)
from gateway.policy import inputs
from gateway.policy.embedded import syntax_trees
from gateway.policy.input_schema import Schema, input_schemas
from gateway.policy.opa_program import whole_schema
from gateway.policy.paths import unknown_paths
from gateway.policy.released import PersonRelease, warrant_input
from gateway.policy.sets import load_set
from gateway.policy.words import unknown_words
from tests.policy.made import NOW, SMALL, TEXAS, officer, question, search, write_set

POLICIES = Path(__file__).parents[2] / "policies"
DATA = {
    "sallyport": {
        "vocabulary": {
            "purposes": {"crime": {}},
            "classes": {"name": {}},
            "terms": {"plate": {}},
            "facts": ["sealed"],
        }
    }
}
HEAD = "package law.x\nimport rego.v1\n"


def faults(body: str) -> list[str]:
    trees = syntax_trees({"x.rego": HEAD + body})
    return [f"{m.where} {m.reason}" for m in unknown_paths(trees, DATA)]


@pytest.mark.parametrize(
    "body",
    [
        'd if input.search.purpos == "crime"\n',
        "d if input.asker.ori.x\n",
        's := input.search\nd if s.purpos == "x"\n',
        'd if {\n\tq := input.search\n\tq["purpos"] == "x"\n}\n',
        "d if { some f in input.facts; f.seald == true }\n",
        "d if { every f in input.facts { f.seald == true } }\n",
        "k(f) if f.seald\nd if { some f in input.facts; k(f) }\n",
        "d := [1 | some f in input.facts; f.seald]\n",
        "d if input.facts[_].seald\n",
        'd if input.search.purpose == "crimes"\n',
        'd if input.search.purpose in {"crime", "crimes"}\n',
        'd if "platte" in input.search.subject.terms\n',
        'never contains "nam"\n',
        'never contains c if { some c in ["name", "nam"] }\n',
        'withhold contains [p, "nam", "id"] if some p, _ in input.facts\n',
        'd := {"classes": {"nam": "give"}}\n',
    ],
)
def test_what_is_unknown_is_found_with_its_line(body: str) -> None:
    found = faults(body)
    assert len(found) == 1
    assert found[0].startswith("x.rego:")


@pytest.mark.parametrize(
    "body",
    [
        'd if input.search.purpose == "crime"\n',
        "d if { some f in input.facts; f.sealed == true }\n",
        "k(f) if f.anything\nd if k(data.things)\n",
        'd if input.search.reference.type == "whatever"\n',
        'never contains "name"\nuntold contains "plate"\n',
        "d if data.law.other.thing\n",
    ],
)
def test_what_is_known_passes(body: str) -> None:
    assert faults(body) == []


@pytest.mark.parametrize("folder", [SMALL, POLICIES])
def test_the_sets_at_hand_read_only_what_there_is(folder: Path) -> None:
    found = load_set(folder)
    trees = syntax_trees(found.modules)
    assert list(unknown_paths(trees, found.data)) == []
    assert list(unknown_words(found.data)) == []


WARRANT = JudicialWarrant(
    court="A court", number="26-1", person="NOBODY", document=WarrantDocument("sha-256:" + "b" * 64)
)
RELEASE = {
    "id": "rel_1",
    "basis": "consent",
    "asker": TEXAS,
    "classes": ("name",),
    "until": NOW,
    "records": frozenset(),
}


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every decision's input as the gateway writes it: each optional part there, and not."""
    full: dict[str, Any] = {"warrant": WARRANT, "reference": Reference("pending")}
    full["iii_purpose_code"] = "C"
    unnamed = {**full, "warrant": replace(WARRANT, person="—")}
    bare: dict[str, Any] = {"warrant": None, "reference": None, "agencies": None}
    nameless = warrant_input(replace(WARRANT, person="—"))
    papers = (None, warrant_input(WARRANT), nameless)
    releases = [PersonRelease(**RELEASE, warrant=paper) for paper in papers]
    for changes in ({}, full, unnamed, bare):
        asked = search(**changes)
        yield "ask", inputs.ask_input(asked, officer(), TEXAS, NOW)
        yield "agencies", inputs.agencies_input(asked.caller, TEXAS, NOW)
    caller = replace(search().caller, officer=None)
    yield "agencies", inputs.agencies_input(caller, TEXAS, NOW)
    del bare["agencies"]
    digest = "sha-256:" + "c" * 64
    full["asker"] = replace(question().asker, attributes=("sworn",))
    named = ({**full, "agreement": digest}, {"warrant": unnamed["warrant"]})
    for changes in ({"reference": Reference("case", "1")}, *named, bare):
        asked_of = question(**changes)
        yield "answer", inputs.answer_input(asked_of, TEXAS, NOW, releases)
        yield "answer", inputs.answer_input(asked_of, TEXAS, NOW)
        facts = [{"record_type": "person", "juvenile": True, "age_at_offense": 12}]
        given = asked_of.granularity
        yield "release", inputs.release_input(asked_of, given, facts, TEXAS, NOW)
        more = inputs.release_input(asked_of, given, facts, TEXAS, NOW, releases=releases)
        yield "release", more
        for handling in (None, MatchHandling(), MatchHandling(30, "none", "Confirm.")):
            match = Match(record_type="person", band=Band.EXACT, handling=handling)
            answer = Answer(
                version=1,
                transaction=asked_of.transaction,
                owner=asked_of.owner,
                asker=asked_of.asker.ori,
                status="answered",
                granularity=GranularityGiven(given, given) if handling else None,
                matches=(match,),
                obligations=(Obligation("delete_after", 30, "none", "Confirm."),),
            )
            yield "admit", inputs.admit_input(asked_of, answer, TEXAS, NOW)


def kinds_of(schema: Schema, path: str) -> set[tuple[str, str]]:
    """Every path of a schema with each kind of value that it may be."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found = {(path, k) for k in kinds}
    for name, below in schema.get("properties", {}).items():
        found |= kinds_of(below, f"{path}.{name}")
    return found | (kinds_of(schema["items"], f"{path}[]") if "items" in schema else set())


def kinds_in(value: Any, path: str) -> set[tuple[str, str]]:
    if isinstance(value, dict):
        below = [kinds_in(v, f"{path}.{k}") for k, v in value.items()]
        return {(path, "object")}.union(*below)
    if isinstance(value, list):
        return {(path, "array")}.union(*(kinds_in(v, f"{path}[]") for v in value))
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string"}
    return {(path, names[type(value)])}


def test_the_schemas_are_exactly_what_the_gateway_writes() -> None:
    vocabulary = {"sallyport": {"vocabulary": {"facts": []}}}
    schemas = input_schemas({})
    seen: dict[str, set[tuple[str, str]]] = {}
    for entrypoint, case in written():
        plain = orjson.loads(inputs.canonical(case, 1 << 20))
        Draft7Validator(schemas[entrypoint]).validate(plain)
        Draft7Validator(whole_schema({})).validate(plain)
        assert not Draft7Validator(schemas[entrypoint]).is_valid({**plain, "more": 1})
        assert not Draft7Validator(whole_schema({})).is_valid({**plain, "more": 1})
        for name in plain:
            if name != "releases":
                short = {k: v for k, v in plain.items() if k != name}
                assert not Draft7Validator(schemas[entrypoint]).is_valid(short), name
        seen.setdefault(entrypoint, set()).update(kinds_in(plain, entrypoint))
    # What the schema knows and no input has would let a rule through that is never true.
    for entrypoint, schema in input_schemas(vocabulary).items():
        assert kinds_of(schema, entrypoint) - seen[entrypoint] == set()


def test_check_names_the_line_in_the_data(tmp_path: Path) -> None:
    write_set(tmp_path, {"local/data.yaml": "a: 1\nnever_classes:\n  - nobody_knows_it\n"})
    done = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(done.exception, PolicyRejected)
    assert done.exception.where == "local/data.yaml:3"
    assert "is no class of the vocabulary" in done.exception.detail


def test_what_can_stay_here_is_known(tmp_path: Path) -> None:
    """Another word would have every question refused, once it is in force."""
    lists = "a: 1\nkept_from_others:\n  - reasons\n"
    rule = 'package local\n\nkept contains "reference"\n'
    for files, where, said in (
        ({"local/data.yaml": lists}, "local/data.yaml:3", "can stay here; 'reason' is one"),
        ({"local/more.rego": rule}, "local/more.rego:3", "'reference' is no part"),
    ):
        folder = write_set(tmp_path / where.partition("/")[2], files)
        done = CliRunner().invoke(app, ["check", str(folder)])
        assert isinstance(done.exception, PolicyRejected)
        assert done.exception.where == where
        assert said in done.exception.detail


def test_the_hours_since_a_log_on() -> None:
    for ago, hours in (
        (timedelta(0), 0),
        (timedelta(seconds=1), 1),
        (timedelta(hours=12), 12),
        (timedelta(hours=12, seconds=1), 13),
        (-timedelta(seconds=5), 0),  # clocks may differ by so much
        (-timedelta(seconds=6), -1),
        (-timedelta(days=300), -1),
    ):
        moment = NOW - ago
        asker = replace(question().asker, auth_time=stamp(moment))
        second = inputs.answer_input(replace(question(), asker=asker), TEXAS, NOW)
        assert second["asker"]["logged_on_hours"] == hours, ago
        one = replace(officer(), auth_time=moment)
        first = inputs.ask_input(search(), one, TEXAS, NOW)
        assert first["officer"]["logged_on_hours"] == hours, ago
