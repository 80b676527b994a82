"""Fixed inputs, made from a set's own vocabulary: what vetting and warming decide on.

They name nobody. With the set's own list of agencies they go through every purpose with every
agency, so that vetting sees outcomes of many shapes, and the slowest of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.policy.vocabulary import Vocabulary

NOW = "2026-01-01T00:00:00.00Z"
_AGENCIES = 8


def agencies_case(self_ori: str) -> dict[str, Any]:
    """Give the input that lists the agencies."""
    return {"v": 1, "now": NOW, "self": self_ori, "officer": _officer()}


def cases(
    words: Vocabulary, self_ori: str, oris: Sequence[str], agreed: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give entrypoint and input, for each purpose and each of the first few agencies.

    `agreed` is `data.agreements`: a question between two agencies rests on one of their papers.
    """
    for purpose in words.purposes:
        search = _search(words, purpose)
        for agencies in (["*"], None, [self_ori, *oris[:_AGENCIES]]):
            ask = {"v": 1, "now": NOW, "self": self_ori, "client": "vetting", "search": search}
            yield "ask", {**ask, "officer": _officer(), "agencies": agencies}
        for ori in [self_ori, *oris[:_AGENCIES]]:
            base = {"v": 1, "now": NOW, "self": self_ori}
            asker = {**_officer(), "ori": ori}
            rests_on = _paper(agreed, *sorted((self_ori, ori)))
            asked = {**base, "asker": asker, "agreement": rests_on, "search": search}
            yield "answer", asked
            facts = [{"record_type": t, "stale": s} for t in words.record_types for s in (0, 1)]
            facts = [{**f, "stale": bool(f["stale"])} for f in facts]
            yield "release", {**asked, "granularity": "record", "facts": facts}
            yield "admit", {**base, "owner": ori, "search": search, "answer": _answer()}


def _paper(agreed: Mapping[str, Any], first: str, second: str) -> Any:
    papers = agreed.get(first, {}).get(second, {})
    return next((p.get("digest") for p in papers.values()), None)


def _officer() -> dict[str, Any]:
    return {"unit": "vetting", "unit_function": "", "roles": [], "assurance": 0, "attributes": []}


def _search(words: Vocabulary, purpose: str) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "iii_purpose_code": None,
        "reference": {"type": "case", "number": "0"},
        "reason_code": "vetting",
        "subject": {"kind": "person", "terms": ["name", "birth_date"]},
        "record_types": list(words.record_types),
        "granularity": "record",
        "max_matches": 10,
    }


def _answer() -> dict[str, Any]:
    return {
        "status": "answered",
        "granularity_asked": "record",
        "granularity_given": "record",
        "record_types": [],
        "handling": [],
        "obligations": [],
        "told": False,
        "stale": False,
    }
