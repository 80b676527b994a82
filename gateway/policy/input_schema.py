"""The inputs of the decisions as JSON Schema: for editors, for `opa check`, for our own check.

They stand in `schemas/inputs.json`. Facts of records are named by the vocabulary: where it lists
them (`data.sallyport.vocabulary.facts`) no others are known, and a fact whose list of words it has
(`disclosure`, or `source_kinds` for `source_kind`) is one of those.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from gateway.policy.engine import ENTRYPOINTS

Schema: TypeAlias = dict[str, Any]
_FILE = Path(__file__).parent / "schemas" / "inputs.json"


@cache
def _document() -> Schema:
    found: Schema = orjson.loads(_FILE.read_bytes())
    return found


def input_schemas(data: Mapping[str, Any]) -> dict[str, Schema]:
    """Give the schema of each entrypoint's input, for a set's vocabulary. No references in it."""
    root = data.get("sallyport")
    vocabulary = root.get("vocabulary", {}) if isinstance(root, dict) else {}
    facts = _facts(vocabulary if isinstance(vocabulary, dict) else {})
    return {e: _plain(_document()[e], facts) for e in ENTRYPOINTS}


def merged(schemas: Iterable[Schema]) -> Schema:
    """Give one schema that knows whatever path one of them knows; of objects and arrays, deeply."""
    whole: Schema = {}
    for schema in schemas:
        whole = _merge(whole, schema)
    return whole


def _merge(one: Schema, other: Schema) -> Schema:
    if not one or not other:
        return one or other
    kinds = sorted(set(_kinds(one)) | set(_kinds(other)))
    made: Schema = {**one, **other, "type": kinds[0] if len(kinds) == 1 else kinds}
    if "required" in made:
        # What only some inputs have is in none required.
        made["required"] = sorted(set(one.get("required", ())) & set(other.get("required", ())))
    if "properties" in one and "properties" in other:
        names = {**one["properties"], **other["properties"]}
        made["properties"] = {
            n: _merge(one["properties"].get(n, {}), other["properties"].get(n, {})) for n in names
        }
    if "items" in one and "items" in other:
        made["items"] = _merge(one["items"], other["items"])
    return made


def _kinds(schema: Schema) -> list[str]:
    kind = schema["type"]
    return kind if isinstance(kind, list) else [kind]


def _plain(schema: Any, facts: Schema) -> Any:
    if isinstance(schema, list):
        return [_plain(s, facts) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _plain(_document()["definitions"][name], facts)
    if schema.get("facts") is True:
        return facts
    return {k: _plain(v, facts) for k, v in schema.items()}


def _facts(vocabulary: Mapping[str, Any]) -> Schema:
    names = vocabulary.get("facts")
    if not isinstance(names, list | dict):
        return {"type": "object", "additionalProperties": True}
    kinds = ["boolean", "integer", "string"]
    properties: dict[str, Schema] = {}
    for name in names:
        words = next((w for w in (name, f"{name}s") if w in vocabulary), None)
        properties[name] = {"type": kinds, **({"words": words} if words else {})}
    return {"type": "object", "additionalProperties": False, "properties": properties}
