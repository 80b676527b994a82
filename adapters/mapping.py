"""A mapping file, read and checked against the language's JSON Schema."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from adapters.document import Document, Place, WrongMapping
from gateway.errors import Misconfigured

SCHEMA: Final = "mapping.schema.json"
EDITORS: Final = f"# yaml-language-server: $schema={SCHEMA}"
"""The first line of a mapping by which editors complete it: the schema stands beside it."""
_SHOWN: Final = 200
PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")


class MappingFile:
    """One mapping file. `doc` knows its lines. With `faults` it may be partly wrong: see `doc`."""

    def __init__(self, path: Path, faults: list[WrongMapping] | None = None) -> None:
        self.path = path
        self.doc = Document(path, faults)
        errors = sorted(_validator().iter_errors(self.doc.content), key=_deepest)
        for text, place in (found for error in errors for found in _said(error)):
            self.doc.broken.append(place)
            self.doc.note(self.doc.wrong(text, *place))
        content: Any = self.doc.content
        if not isinstance(content, dict) or not isinstance(content.get("records"), list):
            raise self.doc.passed_over()  # there is nothing more to look at
        self.content: dict[str, Any] = content
        self.source: str = content.get("source", "")
        stated = content.get("format")
        self.format: dict[str, Any] = stated if isinstance(stated, dict) else {}
        self.records: list[dict[str, Any]] = content["records"]
        self.search: dict[str, Any] = content.get("search", {})

    def file(self, written: str) -> Path:
        """Give a file that the mapping names, from the mapping's own folder.

        A link stays one: it may lead to another file by the next look.
        """
        return self.path.parent.resolve() / written


def _deepest(error: ValidationError) -> tuple[int, str]:
    return -len(error.absolute_path), error.message


def _said(error: ValidationError) -> Iterator[tuple[str, Place]]:
    """Say what an error means, and where it stands; once for each key that nobody knows."""
    place: Place = tuple(error.absolute_path)
    where = ".".join(str(p) for p in place)
    about = f"{where}: " if where else ""
    known = _properties(error)
    if error.validator == "additionalProperties" and known and isinstance(error.instance, dict):
        for key in error.instance.keys() - known.keys():
            near = difflib.get_close_matches(key, known, n=3, cutoff=0.6)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
            yield f"{about}{key} is no key here; {hint}", (*place, key)
    elif error.validator == "required" and isinstance(error.instance, dict):
        wanted: Any = error.validator_value
        missing = [k for k in wanted if k not in error.instance]
        # The library gives one error for each that is missing; one is enough for all.
        if f"'{missing[0]}'" in error.message:
            yield f"{about}{', '.join(missing)} must be there (required)", place
    else:
        text = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]} …"
        yield f"{about}{text}", place


def _properties(error: ValidationError) -> Mapping[str, Any]:
    """Give the keys that may stand where the error is; none if that is not said."""
    found = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    return found if isinstance(found, dict) else {}


def schema_text() -> str:
    """Give the language's JSON Schema as it is written."""
    return resources.files("adapters").joinpath(SCHEMA).read_text(encoding="utf-8")


@cache
def schema() -> Mapping[str, Any]:
    """Give the language's JSON Schema."""
    found: dict[str, Any] = json.loads(schema_text())
    return found


@cache
def yes_or_no() -> frozenset[str]:
    """Name the facts that the language knows to be true or false."""
    handling = schema()["$defs"]["record"]["properties"]["handling"]
    kinds: Mapping[str, Mapping[str, str]] = handling["properties"]
    return frozenset(n for n, kind in kinds.items() if kind["$ref"].endswith("/yes_or_no"))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def placeholders(text: str) -> Iterator[str]:
    """Name the columns within a text such as `{ADDR_NO} {ADDR_STREET}`."""
    left = PLACEHOLDER.sub("", text)
    if "{" in left or "}" in left:
        raise Misconfigured(f"{text}: a column's name stands in braces, and braces nowhere else")
    return (m[1] for m in PLACEHOLDER.finditer(text))
