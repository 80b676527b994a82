"""What a value in a rule may be: schemas of the input, and what stands under a step of them."""

from collections.abc import Sequence
from typing import TypeAlias

from gateway.policy.input_schema import Schema

Kind: TypeAlias = tuple[Schema, ...] | None
"""What a value may be, one of these; None: anything."""
MISSING: Kind = ({"type": "missing"},)


def either(kinds: Sequence[Kind]) -> Kind:
    """Give what a value may be that is one of several."""
    if any(k is None for k in kinds):
        return None
    found: list[Schema] = []
    for kind in kinds:
        found += [s for s in kind or () if s not in found]
    return tuple(found)


def inside(kind: Kind) -> Kind:
    """Give what any item of a list may be."""
    if kind is None:
        return None
    found: list[Kind] = []
    for schema in kind:
        if "array" in _kinds(schema):
            found.append((schema["items"],) if "items" in schema else None)
        else:
            return None
    return either(found)


def members(kind: Kind) -> Kind:
    """Give what a loop over it goes through: items of lists, values of objects."""
    if kind is None:
        return None
    values: list[Kind] = []
    for schema in kind:
        kinds = _kinds(schema)
        if "array" in kinds:
            values.append((schema["items"],) if "items" in schema else None)
        elif "object" in kinds:
            inside = list(schema.get("properties", {}).values())
            values.append(tuple(inside) if inside else None)
    return either(values) if values else None


def below(schema: Schema, step: str) -> Kind:
    """Give what stands under a step of a value of this schema, or `MISSING`."""
    if "object" not in _kinds(schema):
        return MISSING
    properties = schema.get("properties", {})
    if step in properties:
        return (properties[step],)
    return MISSING if schema.get("additionalProperties") is False else None


def instead(kind: Sequence[Schema], step: str) -> str:
    """Say what stands there in the place of a step that does not."""
    names = sorted({n for s in kind for n in s.get("properties", {})})
    if not names:
        return f"'{step}' is looked for in a single value"
    return f"there are {', '.join(names)}"


def _kinds(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]
