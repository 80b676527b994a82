"""Words of the vocabulary, wherever a set's data or rules use them: an unknown one is refused.

A key tells what its words are: `purposes`, `record_types`, `classes`, `granularity`,
`onward_sharing`, `obligations`, `unit_functions` or `functions`, `roles`, also at the end of a
longer name (`never_classes`, `task_force_purposes`, `primary_purpose`). Under it stands one word, a
list of them, or an object whose keys they are. The vocabulary itself is checked where it is read.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.model import ORI_PATTERN
from gateway.policy.builtins import Misuse
from gateway.policy.decisions import KEPT

DATA = "data.json"
_KEYS = {
    "purpose": "purposes",
    "purposes": "purposes",
    "record_type": "record_types",
    "record_types": "record_types",
    "hidden_types": "record_types",
    "kept_from_others": "kept",
    "freshness_minutes": "record_types",
    "class": "classes",
    "classes": "classes",
    "granularity": "granularities",
    "onward_sharing": "onward_sharing",
    "obligations": "obligations",
    "unit_function": "unit_functions",
    "unit_functions": "unit_functions",
    "functions": "unit_functions",
    "roles": "roles",
}
_ENDINGS = ("purpose", "purposes", "record_types", "class", "classes", "functions")
_NAMES = {
    "purposes": "purpose",
    "record_types": "record type",
    "classes": "class",
    "granularities": "granularity",
    "onward_sharing": "rule of onward sharing",
    "obligations": "obligation",
    "unit_functions": "function of a unit",
    "roles": "role",
    "kept": "part of a question that can stay here",
    "terms": "term",
    "officer_attributes": "attribute of an officer",
    "subject_kinds": "kind of subject",
    "reference_types": "kind of reference",
}
_SETS = {"never": ("classes", None), "untold": ("terms", None), "withhold": ("classes", 1)}
_OWN_SETS = {"kept": ("kept", None)}
"""What a jurisdiction's rules, or an agency's own, add to, and where the word stands in it."""


class Words:
    """The lists of words of one set."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        root = data.get("sallyport")
        found = root.get("vocabulary") if isinstance(root, dict) else None
        self._lists = {**(found if isinstance(found, dict) else {}), "kept": sorted(KEPT)}

    def of_set(self, package: str, name: str) -> tuple[str | None, int | None]:
        """Name the words that a set's rule gives, and where they stand in what it adds."""
        if package == "local" and name in _OWN_SETS:
            return _OWN_SETS[name]
        if package == "local" or package.startswith("law."):
            return _SETS.get(name, (None, None))
        return None, None

    def of_field(self, package: str, name: str) -> str | None:
        """Name the words that a field of an outcome, or of data, holds."""
        if name == "type" and package == "sallyport.admit":
            return "obligations"
        if name in _KEYS:
            return _KEYS[name]
        ending = next((e for e in _ENDINGS if name.endswith(f"_{e}")), None)
        return _KEYS[ending] if ending else None

    def wrong(self, words: str, word: str) -> str | None:
        """Say why a text is none of these words, or None if it is one, or if there is no list."""
        known = self._lists.get(words)
        if not isinstance(known, list | dict) or word in known:
            return None
        near = difflib.get_close_matches(word, list(map(str, known)), n=1)
        hint = f"; '{near[0]}' is one" if near else ""
        of = "" if words == "kept" else " of the vocabulary"
        return f"'{word}' is no {_NAMES.get(words, words)}{of}{hint}"


def unknown_words(data: Mapping[str, Any]) -> Iterator[Misuse]:  # noqa: C901 - one loop a list of words
    """Find words in a set's data that its vocabulary does not hold. `where` is a JSON pointer."""
    words = Words(data)

    def look(value: Any, path: tuple[str, ...]) -> Iterator[Misuse]:
        if path == ("sallyport", "vocabulary"):
            return
        if isinstance(value, dict):
            for key, below in value.items():
                name = words.of_field("", key)
                if name is not None:
                    yield from named(below, name, (*path, key))
                yield from look(below, (*path, key))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from look(item, (*path, str(number)))

    def named(value: Any, name: str, path: tuple[str, ...]) -> Iterator[Misuse]:
        if isinstance(value, str):
            reason = words.wrong(name, value)
            if reason:
                yield Misuse(pointer(path), reason)
        elif isinstance(value, dict):
            for key in value:
                yield from named(key, name, (*path, key))
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, str):
                    yield from named(item, name, (*path, str(number)))

    yield from look(data, ())
    agencies = data.get("agencies")
    for ori in agencies if isinstance(agencies, dict) else ():
        if not re.fullmatch(ORI_PATTERN, ori):
            reason = f"'{ori}' is no ORI: nine capital letters and digits, as the agency's own"
            yield Misuse(pointer(("agencies", ori)), reason)


def pointer(path: tuple[str, ...]) -> str:
    """Write a path into the data as the place of a fault: `data.json#/law/x`."""
    steps = (s.replace("~", "~0").replace("/", "~1") for s in path)
    return f"{DATA}#/{'/'.join(steps)}"
