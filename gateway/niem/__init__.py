"""The standard schema at run time: NIEM 6.0 in JSON.

    validate(message)            what is wrong with a message; nothing if it conforms
    prune(message)               what is left of it when parts were withheld
    context_for(message)         the "@context" for the prefixes it uses
    resolve(path)                what stands at a path, or an error that names the nearest
    allows(parent, key)          whether a key may stand in the object at a path
    code_list(property)          its codes, or None
    kind_of(property)            `object`, `code`, `date`, `text` …

It needs neither the published release nor XML. Built by `tools/build_niem.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import Misconfigured
from gateway.niem.prune import prune
from gateway.niem.release import OBJECT, PropertyInfo, Release, release
from gateway.niem.validation import MAX_DEPTH, Problem, validate

OWN_PREFIX = "sp"
OWN_NAMESPACE = "urn:sallyport:ns:1"
"""The project's own namespace: what NIEM has no name for."""

__all__ = [
    "MAX_DEPTH",
    "OBJECT",
    "OWN_NAMESPACE",
    "OWN_PREFIX",
    "Problem",
    "PropertyInfo",
    "Release",
    "allows",
    "code_list",
    "context",
    "context_for",
    "kind_of",
    "namespaces",
    "prune",
    "release",
    "resolve",
    "validate",
]


def namespaces() -> Mapping[str, str]:
    """Give prefix -> URI for every namespace of the release, and the project's own."""
    return {**release().namespaces, OWN_PREFIX: OWN_NAMESPACE}


def context(prefixes: Iterable[str]) -> dict[str, str]:
    """Give "@context" for some prefixes, sorted. Raises Misconfigured for an unknown one."""
    known = namespaces()
    wanted = sorted(set(prefixes))
    if unknown := [p for p in wanted if p not in known]:
        raise Misconfigured(f"{', '.join(unknown)}: no such namespace prefix in NIEM 6.0")
    return {prefix: known[prefix] for prefix in wanted}


def context_for(message: Mapping[str, Any]) -> dict[str, str]:
    """Give "@context" for the prefixes that a message's keys use, whatever it declares itself."""
    found: set[str] = set()
    waiting: list[Any] = [message]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            for key, one in value.items():
                if not key.startswith("@"):
                    found.add(key.partition(":")[0])
                    waiting.append(one)
        elif isinstance(value, list):
            waiting.extend(value)
    return context(found)


def resolve(path: str) -> PropertyInfo:
    """Give what stands at a path such as `nc:Person/nc:PersonName/nc:PersonGivenName`.

    Raises Misconfigured, naming the step that the release does not allow and the nearest names.
    """
    return release().resolve(path)


def allows(parent: str, key: str) -> bool:
    """Whether `key` may stand directly in the object at path `parent` ("": the message itself).

    Raises Misconfigured if there is no such parent.
    """
    return release().allows(parent, key)


def code_list(name: str) -> frozenset[str] | None:
    """Give a property's codes, or None if it has no closed list. `name` is a property or a path.

    NCIC's own code tables are not published with the release: for those it is None.
    """
    return release().resolve(name).codes


def kind_of(name: str) -> str:
    """Give a property's kind: `object`, `code`, `text`, `date` … `name` is a property or a path."""
    return release().resolve(name).kind
