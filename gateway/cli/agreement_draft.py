"""The text of a new agreement, for editing: what it has to say, and the words it may say it in."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_HEAD = """\
# An agreement, to be signed by every party. Fill it in; then: sallyport agreement sign THIS_FILE
# Whatever is not whole, and every word that is not below, is refused with its line.
#
# Under `shares` stands what each party lets the others see; a class that is not named is never
# shared. A purpose may stand once among what a party shares.
#
"""
_LISTS = (
    ("purposes", "purposes"),
    ("record_types", "record_types"),
    ("granularity", "granularities"),
    ("classes", "classes"),
    ("actions for a class", "actions"),
    ("onward_sharing", "onward_sharing"),
    ("obligations", "obligations"),
)
_MORE = """\
# What the receiver has to do beside `handling` stands in a grant; the stricter of both counts:
# obligations: [{type: delete_after, days: 10}, {type: confirm_before_acting}]
"""
_LIMITS = """\
# To limit it to hours (at a fixed offset from UTC) or to cases, add:
# hours: {days: [monday, friday], from: "08:00", to: "18:00", utc_offset: "-07:00"}
# cases: ["26-004417"]
"""


def template(
    data: Mapping[str, Any],
    *,
    name: str,
    parties: Sequence[str],
    begins: str,
    ends: str,
    paper: str | None,
    task_force: str | None,
) -> str:
    """Write a draft in YAML. `data` is the policy set's, with its vocabulary."""
    vocabulary = data["sallyport"]["vocabulary"]
    words = "".join(f"# {says}: {', '.join(vocabulary[key])}\n" for says, key in _LISTS)
    blank = {"name": "", "title": "", "signed_on": begins[:10]}
    grant = {
        "purposes": [],
        "record_types": [],
        "granularity": "",
        "freshness_minutes": {},
        "handling": {"keep_days": 30, "onward_sharing": "", "caveat": "Confirm before acting."},
        "classes": {},
    }
    text: dict[str, Any] = {
        "format": 1,
        "id": name,
        "version": 1,
        "title": "",
        "citation": "",
        "parties": list(parties),
        "paper": {"digest": paper or "sha-256:"},
        "signatories": {p: dict(blank) for p in parties},
        "valid": {"from": begins, "to": ends},
        "shares": {p: [_copy(grant)] for p in parties},
    }
    if task_force:
        text["cases"] = []
        text["task_force"] = {"name": task_force, "roster": {p: {"units": []} for p in parties}}
    written: str = yaml.safe_dump(text, sort_keys=False, allow_unicode=True, width=100)
    return _HEAD + words + "\n" + written + _MORE + ("" if task_force else _LIMITS)


def _copy(grant: Mapping[str, Any]) -> dict[str, Any]:
    """Copy to the depth: YAML would write a thing that stands twice as an alias."""
    found: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(grant)))
    return found
