"""The standard schema at run time: NIEM 6.0 in JSON.

    validate(message)            what the release finds wrong; nothing if it conforms
    findings(message)            the same and what breaks HOUSE_RULES; nothing if it may be used
    prune(message)               what is left of it when parts were withheld
    whole(message)               both at once for a message that is plainly whole, else None
    context_for(message)         the "@context" for the prefixes it uses
    resolve(path)                what stands at a path, or an error that names the nearest
    judge(path)                  what judges a plain value at a path
    allows(parent, key)          whether a key may stand in the object at a path
    code_list(path)              its codes, or None
    kind_of(path)                `object`, `code`, `date`, `text` …
    elements_of(types)           the elements of some types, and of those derived from them
    keys_of(type)                the keys that its objects may have

It needs neither the published release nor XML. Built by `tools/build_niem.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.errors import Misconfigured
from gateway.niem.paths import (
    OBJECT,
    PropertyInfo,
    allows,
    code_list,
    elements_of,
    judge,
    keys_of,
    kind_of,
    resolve,
)
from gateway.niem.prune import prune
from gateway.niem.release import MAX_DEPTH, Release, release
from gateway.niem.validation import HOUSE_RULES, Problem, findings, validate
from gateway.niem.whole import whole

OWN_PREFIX = "sp"
OWN_NAMESPACE = "urn:sallyport:ns:1"
"""The project's own namespace: what NIEM has no name for."""

__all__ = [
    "HOUSE_RULES",
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
    "elements_of",
    "findings",
    "judge",
    "keys_of",
    "kind_of",
    "namespaces",
    "prune",
    "release",
    "resolve",
    "validate",
    "whole",
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
