"""The mapping language's JSON Schema: editors complete it, and the loader takes what it takes."""

import copy
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from jsonschema import Draft202012Validator

from adapters.check import check
from adapters.document import Document
from adapters.mapping import schema
from demo.people import Manifest
from tests.conftest import ROOT
from tests.soak import count

World = tuple[Path, Manifest]
Place: TypeAlias = tuple[str | int, ...]
DOCS = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
CONDITIONS = {"if", "not"}
"""Where the schema looks at keys, and offers none."""


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def _keys(node: Any = None, place: Place = ()) -> Iterator[tuple[Place, str, Mapping[str, Any]]]:
    """Give every key that an editor offers, and what stands there."""
    node = schema() if node is None else node
    if isinstance(node, Mapping):
        properties = node.get("properties")
        if isinstance(properties, Mapping) and place[-1:] != ("properties",):
            for name, value in properties.items():
                yield (*place, "properties", name), name, value
        for name, value in node.items():
            if name not in CONDITIONS:
                yield from _keys(value, (*place, name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _keys(value, (*place, number))


def _described(value: Mapping[str, Any]) -> bool:
    if "description" in value:
        return True
    if "$ref" in value:
        return _described(schema()["$defs"][value["$ref"].rpartition("/")[2]])
    return False


def test_every_key_says_what_it_is() -> None:
    keys = list(_keys())
    assert len(keys) > 150
    assert [place for place, _, value in keys if not _described(value)] == []


def test_every_key_is_in_the_document() -> None:
    words = set(re.findall(r"[a-z][a-z_]*", DOCS))
    assert sorted({name for _, name, _ in _keys() if name not in words}) == []


def test_every_documented_key_is_in_the_schema() -> None:
    """Those that its tables and lists begin with; its examples are run elsewhere."""
    known = {name for _, name, _ in _keys()}
    documented: set[str] = set()
    for row in re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", DOCS, re.MULTILINE):
        documented |= set(re.findall(r"[a-z_]+", row))
    documented |= set(re.findall(r"^- `([a-z_]+)`:", DOCS, re.MULTILINE))
    formats = set(schema()["$defs"])
    assert len(documented) > 25
    assert sorted(documented - known - formats) == []


# -- the loader and the schema ------------------------------------------------------------------


def _places(node: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            yield from _places(value, (*place, key))


def _damaged(content: Any, chance: random.Random) -> Any:
    """Break one or two things: take away, rename, add, or put something else in its place."""
    content = copy.deepcopy(content)
    for _ in range(chance.randrange(1, 3)):
        *way, last = chance.choice([p for p in _places(content) if p])
        holder = content
        for step in way:
            holder = holder[step]
        what = chance.randrange(4)
        if what == 0:
            del holder[last]
        elif what == 1 and isinstance(holder, dict):
            holder[f"{last}x"] = holder.pop(last)
        elif what == 2 and isinstance(holder, dict):
            holder["nonsense"] = chance.choice([1, "a", [], {}])
        else:
            holder[last] = chance.choice(
                [0, -1, 1.5, "", "x" * 2_000, "{", "nc:No", True, [], [[]], {}, {"a": {}}, ["a", 1]]
            )
    return content


def _sources(world: World) -> list[Path]:
    return sorted(world[0].glob("*/mappings/*.yaml"))


@pytest.mark.parametrize("seed", range(count(1, 60)))
def test_what_the_schema_refuses_the_loader_refuses_and_nothing_else_by_shape(
    world: World, seed: int
) -> None:
    """The loader never fails but with faults that have a line, and takes no broken shape."""
    chance = random.Random(seed)
    validator = Draft202012Validator(schema())
    taken = refused = 0
    for mapping in _sources(world):
        content = Document(mapping).content
        for _ in range(8):
            broken = _damaged(content, chance)
            path = mapping.with_name("damaged.yaml")
            path.write_text(yaml.safe_dump(broken, sort_keys=False), encoding="utf-8")
            try:
                read = Document(path).content
                fits = validator.is_valid(read)
                faults = check(path).faults
            finally:
                path.unlink()
            if fits:
                taken += 1
                # Whatever is wrong then is no shape: it says in words what, not how it validates.
                assert not [f for f in faults if "is no key here" in f.text]
            else:
                refused += 1
                assert faults, broken
            assert all(f.line >= 1 and f.text for f in faults)
    assert taken
    assert refused


def test_an_unbroken_mapping_fits_both(world: World) -> None:
    validator = Draft202012Validator(schema())
    for mapping in _sources(world):
        assert validator.is_valid(Document(mapping).content)
        assert check(mapping).faults == []
