"""A mapping file, read and checked against the language's JSON Schema."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from adapters.document import Document
from gateway.errors import Misconfigured

SCHEMA: Final = "mapping.schema.json"
_SHOWN: Final = 200
PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")


class MappingFile:
    """One mapping file. `doc` knows its lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.doc = Document(path)
        errors = sorted(_validator().iter_errors(self.doc.content), key=_deepest)
        if errors:
            error = errors[0]
            place = tuple(error.absolute_path)
            raise self.doc.wrong(_said(error), *place)
        content: dict[str, Any] = self.doc.content
        self.content = content
        self.source: str = content["source"]
        self.format: dict[str, Any] = content["format"]
        self.records: list[dict[str, Any]] = content["records"]
        self.search: dict[str, Any] = content.get("search", {})

    def file(self, written: str) -> Path:
        """Give a file that the mapping names, from the mapping's own folder."""
        return (self.path.parent / written).resolve()


def _deepest(error: ValidationError) -> tuple[int, str]:
    return -len(error.absolute_path), error.message


def _said(error: ValidationError) -> str:
    where = ".".join(str(p) for p in error.absolute_path)
    text = error.message if len(error.message) <= _SHOWN else f"{error.message[:_SHOWN]} …"
    return f"{where}: {text}" if where else text


@cache
def schema() -> Mapping[str, Any]:
    """Give the language's JSON Schema."""
    text = resources.files("adapters").joinpath(SCHEMA).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def placeholders(text: str) -> Iterator[str]:
    """Name the columns within a text such as `{ADDR_NO} {ADDR_STREET}`."""
    left = PLACEHOLDER.sub("", text)
    if "{" in left or "}" in left:
        raise Misconfigured(f"{text}: a column's name stands in braces, and braces nowhere else")
    return (m[1] for m in PLACEHOLDER.finditer(text))
