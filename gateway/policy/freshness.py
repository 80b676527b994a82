"""How old the agency's records may be: the strictest limits that its policy set names.

For showing alone. What counts in an answer is what the set decides for that question.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.model import ORI_PATTERN, Ori
from gateway.policy.sets import PolicySet

_WORDS = "sallyport"
_KEY = "freshness_minutes"
_ORI = re.compile(ORI_PATTERN)


def strictest(policy_set: PolicySet, own: Ori) -> dict[str, int]:
    """Give the least minutes for each record type, over everything that this agency answers by.

    What stands under another agency's ORI is that agency's promise, and is passed over.
    """
    found: dict[str, int] = {}
    # What the set's own examples say of agencies is nobody's promise.
    data = {k: v for k, v in policy_set.data.items() if k != _WORDS}
    for limits in _limits(data, own, concerned=True):
        for record_type, minutes in limits.items():
            if isinstance(minutes, int):
                found[record_type] = min(minutes, found.get(record_type, minutes))
    return found


def _limits(part: Any, own: Ori, *, concerned: bool) -> Iterator[Mapping[str, Any]]:
    """Look at every depth. The innermost ORI on the way says whose promise a limit is."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key == _KEY and isinstance(value, Mapping):
                if concerned:
                    yield value
            else:
                mine = key == own if _ORI.match(key) else concerned
                yield from _limits(value, own, concerned=mine)
    elif isinstance(part, list):
        for one in part:
            yield from _limits(one, own, concerned=concerned)
