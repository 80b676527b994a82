"""The exact schema of every outcome: anything else, and any unknown word, is a refusal."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import PolicyUnavailable
from gateway.policy import decisions
from gateway.policy.rules import words_of
from gateway.policy.sets import load_set
from tests.policy.made import SMALL

WORDS = words_of(load_set(SMALL))
REASON = {"code": "agreement.none", "text": "There is no agreement.", "citation": "Test 1"}
PEER = {
    "allow": True,
    "reasons": [],
    "granularity": "record",
    "terms": ["name"],
    "record_types": ["person"],
    "rules": ["r"],
}
ASK = {"allow": True, "reasons": [], "agencies": {"TX9990000": PEER}, "rules": ["r"]}
ANSWER = {
    "allow": True,
    "reasons": [],
    "granularity": "record",
    "record_types": ["person"],
    "terms": ["name"],
    "classes_never_shared": ["victim"],
    "freshness_minutes": {"warrant": 60},
    "obligations": [{"type": "confirm_before_acting"}],
    "rules": ["r"],
}
ACTION = {
    "show": "record",
    "classes": {"identity": "give"},
    "handling": {"keep_days": 30, "onward_sharing": "none", "caveat": "Verify."},
    "confirm": True,
    "rules": ["r"],
    "hidden_by_value": {"scr:WarrantCategoryCode": ["Deportation"]},
    "only_with": ["identity"],
}
RELEASE = {"actions": [ACTION]}
CONFIRM = {"type": "confirm_before_acting"}
ADMIT = {"allow": True, "reasons": [], "obligations": [CONFIRM], "rules": []}
AGENCIES = {
    "agencies": [
        {
            "ori": "TX9990000",
            "name": "Calloway County Sheriff",
            "type": "sheriff",
            "jurisdiction": "Texas",
            "purposes": [
                {
                    "purpose": "stop",
                    "record_types": ["person"],
                    "granularity": "hit",
                    "freshness_minutes": {"warrant": 1},
                    "classes": ["identity"],
                }
            ],
        }
    ]
}
Reader = Callable[[Any], object]
READERS: dict[str, tuple[Reader, Any]] = {
    "ask": (lambda o: decisions.read_ask(o, WORDS), ASK),
    "answer": (lambda o: decisions.read_answer(o, WORDS), ANSWER),
    "release": (lambda o: decisions.read_release(o, 1, WORDS), RELEASE),
    "admit": (lambda o: decisions.read_admit(o, WORDS), ADMIT),
    "agencies": (lambda o: decisions.read_agencies(o, WORDS), AGENCIES),
}
OTHERS: list[Any] = [None, True, 1, -1, 1.5, "x", "", [], [1], ["x"], {}, {"x": 1}, [[]], [{}]]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, below in value.items():
            found += places(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            found += places(below, (*path, index))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(value)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = new
    return changed


@pytest.mark.parametrize("name", READERS)
def test_a_good_outcome_is_read(name: str) -> None:
    reader, good = READERS[name]
    reader(good)


# Places where another value of the same kind is as good: any text, any number in range.
FREE = {
    *("text", "citation", "caveat", "keep_days", "rules", "terms", "warrant", "name", "type"),
    *("jurisdiction", "allow", "confirm", "code", "freshness_minutes", "reasons", "classes"),
    *("only_with", "hidden_by_value", "scr:WarrantCategoryCode"),
    *("agencies", "record_types", "classes_never_shared", "obligations", "purposes", "actions"),
}
MAPPINGS = {"agencies", "classes", "freshness_minutes", "hidden_by_value"}
"""Objects whose keys are words, and not names of parts."""


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def may_stand(was: Any, step: str | None, other: Any) -> bool:
    """Whether the schema leaves it open: a value of the same kind, where any is as good."""
    if step not in FREE:
        return False
    if step == "freshness_minutes" and type(other) is int:
        return True
    return type(other) is type(was) or (step in {"caveat", "citation"} and other is None)


@pytest.mark.parametrize("name", READERS)
def test_another_value_anywhere_is_refused(name: str) -> None:
    reader, good = READERS[name]
    refused = 0
    for path in places(good):
        step = next((s for s in reversed(path) if isinstance(s, str)), None)
        for other in OTHERS:
            try:
                reader(put(good, path, other))
            except PolicyUnavailable:
                refused += 1
            else:
                assert may_stand(at(good, path), step, other), (path, other)
    assert refused > 50


@pytest.mark.parametrize("name", READERS)
def test_a_key_too_many_or_too_few_is_refused(name: str) -> None:
    reader, good = READERS[name]
    for path in places(good):
        holder = at(good, path)
        mapping = bool(path) and path[-1] in MAPPINGS
        if not isinstance(holder, dict) or mapping or "obligations" in path:
            continue
        with pytest.raises(PolicyUnavailable):
            reader(put(good, path, {**holder, "unknown": 1}))
        for key in holder.keys() - {"caveat", "citation"}:
            with pytest.raises(PolicyUnavailable):
                reader(put(good, path, {k: v for k, v in holder.items() if k != key}))


@pytest.mark.parametrize(
    ("name", "path", "word"),
    [
        ("ask", ("agencies", "TX9990000", "granularity"), "everything"),
        ("ask", ("agencies", "TX9990000", "record_types"), ["unicorn"]),
        ("ask", ("agencies", "TX9990000", "record_types"), ["person", "person"]),
        ("ask", ("agencies",), {"texas": PEER}),
        ("ask", ("agencies", "TX9990000", "rules"), ["r" * 300]),
        ("answer", ("granularity",), "everything"),
        ("answer", ("record_types",), ["unicorn"]),
        ("answer", ("classes_never_shared",), ["unicorn"]),
        ("answer", ("freshness_minutes",), {"unicorn": 1}),
        ("answer", ("freshness_minutes",), {"warrant": -1}),
        ("answer", ("freshness_minutes",), {"warrant": True}),
        ("answer", ("obligations",), [{"type": "dance"}]),
        ("answer", ("obligations",), [{"type": "delete_after"}]),
        ("answer", ("obligations",), [{"type": "delete_after", "days": "ten"}]),
        ("answer", ("obligations",), [{"type": "confirm_before_acting", "days": 1}]),
        ("release", ("actions", 0, "show"), "everything"),
        ("release", ("actions", 0, "classes"), {"unicorn": "give"}),
        ("release", ("actions", 0, "classes"), {"identity": "show"}),
        ("release", ("actions", 0, "handling", "onward_sharing"), "anyone"),
        ("release", ("actions", 0, "handling", "keep_days"), -1),
        ("release", ("actions", 0, "handling", "keep_days"), True),
        ("release", ("actions", 0, "hidden_by_value"), {"scr:WarrantCategoryCode": "Deportation"}),
        ("release", ("actions", 0, "hidden_by_value"), {"scr:WarrantCategoryCode": [True]}),
        ("release", ("actions", 0, "hidden_by_value"), {"a word": ["Deportation"]}),
        ("release", ("actions", 0, "hidden_by_value"), None),
        ("release", ("actions", 0, "only_with"), ["unicorn"]),
        ("release", ("actions", 0, "only_with"), "identity"),
        ("release", ("actions", 0, "only_with"), None),
        ("admit", ("obligations",), [{"type": "dance"}]),
        ("admit", ("obligations",), [{"type": ["confirm_before_acting"]}]),
        ("admit", ("obligations",), [{}]),
        ("agencies", ("agencies", 0, "purposes", 0, "purpose"), "dance"),
        ("agencies", ("agencies", 0, "purposes", 0, "classes"), ["unicorn"]),
        ("agencies", ("agencies", 0, "ori"), "tx9990000"),
    ],
)
def test_a_word_that_the_vocabulary_does_not_hold_is_refused(
    name: str, path: tuple[Any, ...], word: Any
) -> None:
    reader, good = READERS[name]
    with pytest.raises(PolicyUnavailable):
        reader(put(good, path, word))


@pytest.mark.parametrize("name", ["ask", "answer", "admit"])
def test_a_refusal_without_a_reason_is_malformed(name: str) -> None:
    reader, good = READERS[name]
    with pytest.raises(PolicyUnavailable):
        reader({**good, "allow": False})
    reader({**good, "allow": False, "reasons": [REASON]})


@pytest.mark.parametrize("name", ["ask", "answer", "admit"])
@pytest.mark.parametrize("allow", [True, False])
def test_a_code_without_an_entry_is_a_refusal_that_says_nothing_of_it(
    name: str, *, allow: bool
) -> None:
    reader, good = READERS[name]
    raw = [{"code": "x.y", "text": "RAW"}, {"code": "x.z", "text": "RAW"}, REASON]
    read: Any = reader({**good, "allow": allow, "reasons": raw})
    assert read.allow is False
    assert [r.code for r in read.reasons] == [decisions.UNLISTED.code, "agreement.none"]
    assert "RAW" not in str(read)


def test_one_agencys_code_without_an_entry_refuses_that_agency_alone() -> None:
    reader, good = READERS["ask"]
    unlisted = {**PEER, "reasons": [{"code": "x.y", "text": "RAW"}]}
    read: Any = reader({**good, "agencies": {"TX9990000": unlisted, "CA9990000": PEER}})
    assert read.allow
    assert {o: p.allow for o, p in read.agencies.items()} == {"TX9990000": False, "CA9990000": True}
    assert read.agencies["TX9990000"].reasons == (decisions.UNLISTED,)


@pytest.mark.parametrize("kept", [["name"], ["reason", "reason"], "reason", None, [1]])
def test_only_parts_that_can_be_kept_are_kept(kept: Any) -> None:
    reader, good = READERS["ask"]
    read: Any = reader({**good, "agencies": {"TX9990000": {**PEER, "kept": ["reason"]}}})
    assert read.agencies["TX9990000"].kept == {"reason"}
    with pytest.raises(PolicyUnavailable):
        reader({**good, "agencies": {"TX9990000": {**PEER, "kept": kept}}})


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_a_reason_without_words_is_malformed(text: str) -> None:
    reader, good = READERS["answer"]
    with pytest.raises(PolicyUnavailable):
        reader({**good, "allow": False, "reasons": [{**REASON, "text": text}]})


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_one_action_for_each_distinct_set_of_facts(count: int) -> None:
    with pytest.raises(PolicyUnavailable):
        decisions.read_release(RELEASE, count, WORDS)
