"""Fixed inputs, made from a set's own vocabulary: what vetting and warming decide on.

They name nobody. `largest` are as large as any that the gateway admits, since nothing can stop an
evaluation in process: what they take bounds what a decision can take.

With the set's own list of agencies `cases` go through every purpose with every agency, so that
vetting sees outcomes of many shapes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from gateway.policy.vocabulary import Vocabulary

NOW = "2026-01-01T00:00:00.00Z"
_AGENCIES = 8
_MOST_AGENCIES = 256
"""That one search may name, as the API says."""
_MOST_MATCHES = 100
_SET_HERE = frozenset({"record_type", "stale", "released_under", "stand_in"})
"""Facts that the gateway sets itself."""


def agencies_case(self_ori: str) -> dict[str, Any]:
    """Give the input that lists the agencies."""
    return {"v": 1, "now": NOW, "self": self_ori, "officer": _officer()}


def cases(
    words: Vocabulary, self_ori: str, oris: Sequence[str], agreed: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give entrypoint and input, for each purpose and each of the first few agencies.

    `agreed` is `data.agreements`: a question between two agencies rests on one of their papers.
    """
    named = [self_ori, *[ori for ori in oris if ori != self_ori][:_AGENCIES]]
    for purpose in words.purposes:
        search = _search(words, purpose)
        for agencies in (["*"], None, named):
            ask = {"v": 1, "now": NOW, "self": self_ori, "client": "vetting", "search": search}
            yield "ask", {**ask, "officer": _officer(), "agencies": agencies}
        for ori in named:
            base = {"v": 1, "now": NOW, "self": self_ori}
            asker = {**_officer(), "ori": ori}
            rests_on = _paper(agreed, *sorted((self_ori, ori)))
            asked = {**base, "asker": asker, "agreement": rests_on, "search": search}
            yield "answer", asked
            facts = [{"record_type": t, "stale": s} for t in words.record_types for s in (0, 1)]
            facts = [{**f, "stale": bool(f["stale"])} for f in facts]
            yield "release", {**asked, "granularity": "record", "facts": facts}
            yield "admit", {**asked, "owner": ori, "answer": _answer()}


def largest(
    words: Vocabulary,
    data: Mapping[str, Any],
    self_ori: str,
    oris: Sequence[str],
    limit: int,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give entrypoint and input, each as large as the gateway puts it to the policy.

    `limit`: the most bytes of an input. A release has as many different facts as fit. `data` are
    the set's, with its agreements.
    """
    vocabulary = data["sallyport"]["vocabulary"]
    other = next((ori for ori in oris if ori != self_ori), self_ori)
    first, second = sorted((self_ori, other))
    between = data.get("agreements", {}).get(first, {}).get(second, {})
    paper: Mapping[str, Any] = next(iter(between.values()), {})
    grants = paper.get("shares", {}).get(self_ori, ())
    purpose = next((p for g in grants for p in g["purposes"]), next(iter(words.purposes)))
    # Somebody who may, while the agreement is in force: what is refused at once takes no time.
    officer = {
        **_officer(),
        "unit_function": next(iter(words.purposes[purpose].get("functions", ())), ""),
        "roles": vocabulary.get("roles", []),
        "attributes": vocabulary.get("officer_attributes", []),
        "assurance": 3,
    }
    search = {**_search(words, purpose), "max_matches": _MOST_MATCHES}
    search["subject"] = {"kind": "person", "terms": list(vocabulary.get("terms", ()))}
    now = paper.get("valid", {}).get("from", NOW)
    base: dict[str, Any] = {"v": 1, "now": now, "self": self_ori, "search": search}
    known = dict.fromkeys((self_ori, *oris))
    named = [*known, *(f"XX{n:07d}" for n in range(_MOST_AGENCIES))][:_MOST_AGENCIES]
    yield "ask", {**base, "client": "vetting", "officer": officer, "agencies": named}
    asked = {**base, "asker": {**officer, "ori": other}, "agreement": paper.get("digest")}
    yield "answer", asked
    released = {**asked, "granularity": "record", "facts": []}
    room = limit - len(orjson.dumps(released))
    yield "release", {**released, "facts": list(_facts(words, vocabulary, room))}
    rules = sorted(words.onward_sharing)
    handling = [
        {"keep_days": n, "onward_sharing": rules[n % len(rules)], "caveat": None}
        for n in range(_MOST_MATCHES)
    ]
    answer = {**_answer(), "record_types": list(words.record_types), "handling": handling}
    yield "admit", {**asked, "owner": other, "answer": answer}


def _facts(words: Vocabulary, vocabulary: Mapping[str, Any], room: int) -> Iterator[dict[str, Any]]:
    """Give different facts of records until so many bytes are full.

    One in two is as ordinary as can be, but for a number; the others go through all words.
    """
    listed = {n: vocabulary.get(n) or vocabulary.get(f"{n}s") for n in vocabulary.get("facts", ())}
    plain = {n: (listed.get(n) or [v])[0] for n, v in words.stand_in.items()}
    further = [n for n in listed if n not in plain and n not in _SET_HERE] or ["number"]
    types = list(words.record_types)
    number = 0
    while True:
        fact = {**plain, "record_type": types[number // 2 % len(types)], "stale": False}
        if number % 2:
            # One further each time round: else a word meets some of the types alone.
            turn = number // 2 + number // 2 // len(types)
            fact |= {n: v[turn % len(v)] for n, v in listed.items() if v and n in plain}
            fact |= {n: number % 4 == 1 for n, v in plain.items() if isinstance(v, bool)}
        name = further[number // 2 % len(further)]
        choices = listed.get(name)
        fact[name] = choices[number % len(choices)] if choices else number
        fact[further[0]] = number
        room -= len(orjson.dumps(fact)) + 1
        if room < 0:
            return
        yield fact
        number += 1


def _paper(agreed: Mapping[str, Any], first: str, second: str) -> Any:
    papers = agreed.get(first, {}).get(second, {})
    return next((p.get("digest") for p in papers.values()), None)


def _officer() -> dict[str, Any]:
    return {
        "unit": "vetting",
        "unit_function": "",
        "roles": [],
        "assurance": 0,
        "logged_on_hours": 0,
        "attributes": [],
    }


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
