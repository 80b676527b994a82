"""The words of a policy set: purposes, record types, classes, obligations, the elements' classes.

They are data, at `data.sallyport.vocabulary`, read when a set is activated. A word that is not in
it is refused wherever it turns up.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import PolicyRejected
from gateway.model import Fact, Granularity
from gateway.policy import obligations
from gateway.policy.element_tree import Wherever, unlisted

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST_MINUTES = 10_080
_LONGEST_TEXT = 256
_CAUTION = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
STEP = r"[A-Za-z][A-Za-z0-9]*:[A-Za-z_][A-Za-z0-9_.-]*"
_STEP_ALONE = re.compile(STEP)
_PATH = re.compile(rf"{STEP}(/{STEP}){{0,15}}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a set's words are. `purposes`, `record_types` and `classes` map a word to its facts.

    `elements` maps a path of NIEM keys to a class; it holds for all below it, unless a deeper path
    says otherwise; `wherever` says which hold in any other place as well. `cautions` maps a
    caution's code in a record to the word that officers read.
    """

    purposes: Mapping[str, Any]
    record_types: Mapping[str, Any]
    classes: Mapping[str, Any]
    granularities: frozenset[str]
    onward_sharing: frozenset[str]
    obligations: frozenset[str]
    reason_placeholders: frozenset[str]
    elements: Mapping[str, str]
    cautions: Mapping[str, str]
    wherever: Wherever | None = None
    """Whose classes hold wherever an element stands. None: the set says nothing of it."""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """An element's key, to those of its values that are of another class, and which."""
    release_bases: Mapping[str, Any] = field(default_factory=dict)
    """Grounds on which a person may release records, with what each needs."""
    stand_in: Mapping[str, Any] = field(default_factory=dict)
    """Facts of a record that is hidden: decided on where none was found, to take as long."""
    confirm_within: Mapping[str, int] = field(default_factory=dict)
    """How urgently an owner may be asked to confirm a hit, and the minutes that it has."""
    too_many: int | None = None
    """More matches than so many, none better than possible, are not given. None: no such limit."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """A term, and what is compared for it, to the class of what it is compared with."""
    strictness: Mapping[str, Sequence[Fact]] = field(default_factory=dict)
    """Values of a record's facts, the least strict first; those not named are stricter."""
    duties: Mapping[str, str] = field(default_factory=dict)
    """An obligation that a person has to do, and what that is, in a sentence."""
    codes: frozenset[str] = frozenset()
    """Codes of reasons that have an entry: the ids in the rules' metadata (`rules.words_of`)."""

    def caution_words(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Give cautions as words, each once. An unknown code stays: no caution is ever lost."""
        return tuple(dict.fromkeys(self.cautions.get(c, c) for c in codes))


def read_vocabulary(data: Mapping[str, Any]) -> Vocabulary:
    """Take the vocabulary out of a set's data. Raises `PolicyRejected` where it is malformed."""
    root = data.get("sallyport")
    found = root.get("vocabulary") if isinstance(root, dict) else None
    if not isinstance(found, dict):
        raise PolicyRejected("data.sallyport.vocabulary is missing", where="data.json")
    words = Vocabulary(
        purposes=_named(found, "purposes"),
        record_types=_named(found, "record_types"),
        classes=_named(found, "classes"),
        granularities=_listed(found, "granularities"),
        onward_sharing=_listed(found, "onward_sharing"),
        obligations=_listed(found, "obligations"),
        reason_placeholders=_texts(found, "reason_placeholders"),
        elements=_elements(found),
        cautions=_cautions(found),
        wherever=_wherever(found) if "wherever" in found else None,
        values=_values(found),
        release_bases=_named(found, "release_bases") if "release_bases" in found else {},
        stand_in=_facts(found.get("stand_in", {})),
        confirm_within=_minutes(found, "confirm_within") if "confirm_within" in found else {},
        too_many=_matches(found, "too_many") if "too_many" in found else None,
        terms=_terms(found),
        strictness=_orders(found.get("strictness", {})),
        duties=_duties(found) if "duties" in found else {},
    )
    unknown = words.granularities - {str(g) for g in Granularity}
    if unknown:
        raise _wrong("granularities", f"the gateway does not know '{min(unknown)}'")
    unknown = words.obligations - obligations.HONOURED
    if unknown:
        raise _wrong("obligations", f"the gateway can't honour '{min(unknown)}'")
    return words


def _facts(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(v, str | bool) for v in value.values()):
        raise _wrong("stand_in", "an object of facts is wanted: words, true or false")
    return value


def _orders(value: Any) -> Mapping[str, Sequence[Fact]]:
    if not isinstance(value, dict) or not all(
        isinstance(order, list) and order and all(isinstance(w, str | bool) for w in order)
        for order in value.values()
    ):
        raise _wrong("strictness", "of each fact a list is wanted: words, true or false")
    return value


def _wrong(key: str, why: str) -> PolicyRejected:
    return PolicyRejected(f"data.sallyport.vocabulary.{key}: {why}", where="data.json")


def _named(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    if not isinstance(value, dict) or not value:
        raise _wrong(key, "an object of words is wanted")
    for word in value:
        if not _WORD.fullmatch(word):
            raise _wrong(key, f"'{word}' is no word")
    return value


def _minutes(found: Mapping[str, Any], key: str) -> Mapping[str, int]:
    value = _named(found, key)
    for word, minutes in value.items():
        if type(minutes) is not int or not 1 <= minutes <= _MOST_MINUTES:
            raise _wrong(key, f"'{word}' needs minutes, from 1 to {_MOST_MINUTES:,}")
    return value


def _matches(found: Mapping[str, Any], key: str) -> int:
    value = found[key]
    if type(value) is not int or value < 1:
        raise _wrong(key, "a number of matches is wanted, 1 or more")
    return value


def _duties(found: Mapping[str, Any]) -> Mapping[str, str]:
    value = _named(found, "duties")
    for word, text in value.items():
        if word not in obligations.DONE_BY_A_PERSON:
            raise _wrong("duties", f"'{word}' is no obligation that a person has to do")
        if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
            raise _wrong("duties", f"'{word}' needs a sentence that says what to do")
    return value


def _texts(found: Mapping[str, Any], key: str) -> frozenset[str]:
    value = found.get(key)
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _wrong(key, "a list of texts is wanted")
    return frozenset(value)


def _listed(found: Mapping[str, Any], key: str) -> frozenset[str]:
    words = _texts(found, key)
    for word in words:
        if not _WORD.fullmatch(word):
            raise _wrong(key, f"'{word}' is no word")
    return words


def _elements(found: Mapping[str, Any]) -> Mapping[str, str]:
    value = found.get("elements")
    if not isinstance(value, dict):
        raise _wrong("elements", "an object of paths is wanted")
    for path, element_class in value.items():
        if not _PATH.fullmatch(path):
            raise _wrong("elements", f"'{path}' is no path of NIEM keys")
        if not isinstance(element_class, str) or element_class not in found["classes"]:
            raise _wrong("elements", f"'{path}' has a class that is not in the list")
    return value


def _wherever(found: Mapping[str, Any]) -> Wherever:
    value = found["wherever"]
    if not isinstance(value, dict) or value.keys() - {"types", "keys_of", "keys", "offices"}:
        raise _wrong("wherever", "an object of types, keys_of, keys and offices is wanted")
    types, offices = value.get("types", {}), value.get("offices", [])
    keys_of, keys = value.get("keys_of", []), value.get("keys", [])
    if not isinstance(types, dict):
        raise _wrong("wherever", "types: an object of types and their paths is wanted")
    for name, paths in (("keys_of", keys_of), ("keys", keys), ("offices", offices)):
        if not isinstance(paths, list) or not all(isinstance(p, str) for p in paths):
            raise _wrong("wherever", f"{name}: a list of texts is wanted")
    for name in (*types, *types.values(), *offices):
        if not isinstance(name, str) or not _STEP_ALONE.fullmatch(name):
            raise _wrong("wherever", f"'{name}' is no name of the standard schema")
    read = Wherever(dict(types), tuple(keys_of), tuple(keys), frozenset(offices))
    for path in unlisted(found["elements"], read):
        raise _wrong("wherever", f"'{path}' has no class in the elements")
    return read


def _terms(found: Mapping[str, Any]) -> Mapping[str, str]:
    terms = found.get("terms", {})
    if not isinstance(terms, dict):
        raise _wrong("terms", "an object of terms is wanted")
    read: dict[str, str] = {}
    for term, facts in terms.items():
        if not isinstance(facts, dict) or not isinstance(facts.get("class"), str):
            raise _wrong("terms", f"'{term}' needs its class, like {{class: identity}}")
        parts = facts.get("shown_as", [])
        if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
            raise _wrong("terms", f"'{term}': shown_as is a list of what is compared for it")
        read |= dict.fromkeys((term, *parts), facts["class"])
    return read


def _cautions(found: Mapping[str, Any]) -> Mapping[str, str]:
    value = found.get("cautions", {})
    if not isinstance(value, dict):
        raise _wrong("cautions", "an object of codes is wanted")
    for code, word in value.items():
        if not isinstance(word, str) or not _CAUTION.fullmatch(word):
            raise _wrong("cautions", f"'{code}' needs a word in capitals, like ESCAPE_RISK")
    return value


def _values(found: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """Take the values of a class of their own: an element's key, a value, its class."""
    value = found.get("values", {})
    if not isinstance(value, dict):
        raise _wrong("values", "an object of elements is wanted")
    for key, classes in value.items():
        if not _STEP_ALONE.fullmatch(key) or not isinstance(classes, dict):
            raise _wrong("values", f"'{key}' is no NIEM key with its values")
        for element_class in classes.values():
            if not isinstance(element_class, str) or element_class not in found["classes"]:
                raise _wrong("values", f"a value of '{key}' has a class that is not in the list")
    return value
