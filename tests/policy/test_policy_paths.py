"""Paths that no input has and words that no vocabulary holds: found, with file and line."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.policy import app
from gateway.errors import PolicyRejected
from gateway.policy import inputs
from gateway.policy.embedded import Compiled
from gateway.policy.input_schema import Schema, input_schemas
from gateway.policy.paths import unknown_paths
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
    trees = Compiled({"x.rego": HEAD + body}, DATA).trees()
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
    trees = Compiled(found.modules, found.data).trees()
    assert list(unknown_paths(trees, found.data)) == []
    assert list(unknown_words(found.data)) == []


def differences(schema: Schema, value: Any, path: str = "input") -> list[str]:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if isinstance(value, dict):
        known, wanted = schema.get("properties", {}), set(schema.get("required", ()))
        wrong = [] if "object" in kinds else [path]
        if schema.get("additionalProperties") is False:
            wrong += [f"{path}.{k}" for k in value if k not in known]
        wrong += [f"{path}.{k} missing" for k in wanted - value.keys()]
        for k, v in value.items():
            wrong += differences(known[k], v, f"{path}.{k}") if k in known else []
        return wrong
    if isinstance(value, list | tuple):
        return ([] if "array" in kinds else [path]) + [
            d for v in value for d in differences(schema["items"], v, f"{path}[]")
        ]
    names = {type(None): "null", bool: "boolean", int: "integer"}
    return [] if names.get(type(value), "string") in kinds else [path]


def test_the_schemas_are_what_the_gateway_writes() -> None:
    schemas = input_schemas({})
    asked, searched = question(), search()
    for entrypoint, case in (
        ("ask", inputs.ask_input(searched, officer(), TEXAS, NOW)),
        ("answer", inputs.answer_input(asked, TEXAS, NOW)),
        ("release", inputs.release_input(asked, asked.granularity, [{"a": 1}], TEXAS, NOW)),
        ("agencies", inputs.agencies_input(searched.caller, TEXAS, NOW)),
    ):
        assert differences(schemas[entrypoint], case) == []
        assert differences(schemas[entrypoint], {**case, "more": 1}) == ["input.more"]


def test_check_names_the_line_in_the_data(tmp_path: Path) -> None:
    write_set(tmp_path, {"local/data.yaml": "a: 1\nnever_classes:\n  - nobody_knows_it\n"})
    done = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(done.exception, PolicyRejected)
    assert done.exception.where == "local/data.yaml:3"
    assert "is no class of the vocabulary" in done.exception.detail
