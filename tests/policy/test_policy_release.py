"""What leaves: by element what the decision gives, and of a hidden record nothing at all."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import niem
from gateway.errors import PolicyUnavailable
from gateway.model import AT_ONCE, Band, FindResult, Found, Granularity, Listed
from gateway.policy import AnswerPermit, Policy, Released
from gateway.policy.element_tree import compile_elements
from gateway.policy.elements import compile_plan, keep, mask
from gateway.policy.sets import load_set
from gateway.policy.vocabulary import read_vocabulary
from tests.policy.made import (
    CONTEXT,
    LEAF,
    NOW,
    SMALL,
    found,
    person_message,
    question,
    result,
    start,
)
from tests.soak import count

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture
async def policy(vetted_dir: Path) -> Policy:
    return await start(vetted_dir)


async def released(policy: Policy, records: FindResult, **changes: Any) -> Released:
    permit = await policy.permit_answer(question(**changes), now=NOW)
    assert isinstance(permit, AnswerPermit)
    return await policy.release(permit, records, leaf=LEAF, now=NOW)


def body(out: Released) -> bytes:
    """The answer's bytes, but for the chance that each answer holds."""
    blind = out.answer.blind.encode()
    assert out.body().count(blind) == 1
    return out.body().replace(blind, b"chance")


# -- hidden records ---------------------------------------------------------------------------

HIDDEN: list[dict[str, Any]] = [
    {"dissemination": "RED"},
    {"disclosure": "expunged"},
    {"disclosure": "sealed", "dissemination": "YELLOW"},
]


@pytest.mark.parametrize("granularity", list(Granularity))
@pytest.mark.parametrize("facts", HIDDEN)
async def test_a_hidden_record_gives_the_answer_that_no_record_gives(
    policy: Policy, granularity: Granularity, facts: dict[str, Any]
) -> None:
    hidden = [found(n, **facts) for n in range(12)]
    nothing = await released(policy, result(), granularity=granularity)
    suppressed = await released(policy, result(*hidden), granularity=granularity)
    assert body(suppressed) == body(nothing)
    assert suppressed.answer.status == "answered"
    assert suppressed.given == ()


async def test_every_answer_holds_chance_of_its_own(policy: Policy) -> None:
    """So that its digest, which stays in the log, confirms no guess at an erased answer."""
    one, other = [await released(policy, result()) for _ in range(2)]
    assert one.body() != other.body()
    assert body(one) == body(other)


async def test_hidden_among_shown_leaves_no_trace(policy: Policy) -> None:
    shown = [found(1), found(2)]
    mixed = [found(3, dissemination="RED"), shown[0], found(4, disclosure="expunged"), shown[1]]
    alone = await released(policy, result(*shown))
    among = await released(policy, result(*mixed))
    assert body(among) == body(alone)


async def test_more_tells_of_records_that_would_be_shown_alone(policy: Policy) -> None:
    hidden = [found(n, dissemination="RED") for n in range(5, 9)]
    cut = await released(policy, result(found(1), *hidden, found(2)), max_matches=2)
    alone = await released(policy, result(found(1), found(2)), max_matches=2)
    assert body(cut) == body(alone)
    assert not cut.answer.more
    full = await released(policy, result(found(1), found(2), *hidden, found(3)), max_matches=2)
    assert full.answer.more
    assert len(full.answer.matches) == 2


async def test_what_is_hidden_is_not_even_read(policy: Policy) -> None:
    records = Noticed([found(1, disclosure="sealed"), found(2), found(3, dissemination="RED")])
    await released(policy, result(found=records))
    assert records.read == ["W-2"]


async def test_hidden_records_do_not_use_up_the_limit(policy: Policy) -> None:
    hidden = [found(n, dissemination="RED") for n in range(5)]
    answer = (await released(policy, result(*hidden, found(9)), max_matches=1)).answer
    assert [m.record_id for m in answer.matches] == ["W-9"]
    assert not answer.more


# -- too many ---------------------------------------------------------------------------------

MOST = 100  # of the small set's vocabulary


def possible(number: int, **facts: Any) -> Found:
    """Give a record that fits as any other does."""
    return replace(found(number, **facts), band=Band.POSSIBLE)


class Noticed(Listed):
    """Notes what is read."""

    def __init__(self, records: Sequence[Found]) -> None:
        super().__init__(records)
        self.read: list[str] = []

    def best(self, shown: Collection[int]) -> Iterator[tuple[int, Found]]:
        for kind, record in super().best(shown):
            self.read.append(record.record_id)
            yield kind, record


@pytest.mark.parametrize("purpose", ["investigation", "stop"], ids=["record", "pointer"])
async def test_of_more_than_anybody_looks_through_none_is_given(
    policy: Policy, purpose: str
) -> None:
    few = [possible(n) for n in range(MOST)]
    answer = (await released(policy, result(*few), purpose=purpose)).answer
    assert (answer.status, len(answer.matches), answer.more) == ("answered", 10, True)
    many = Noticed([*few, *(possible(n) for n in range(MOST, 300))])
    out = await released(policy, result(found=many), purpose=purpose)
    assert out.answer.status == "too_many"
    assert [r.code for r in out.answer.reasons] == ["search.too_many"]
    assert out.given == ()
    nothing = replace(out.answer, status="answered", reasons=(), matches=())
    assert nothing == replace(nothing, granularity=None, data_as_of=None, more=False, tickets={})
    assert len(many.read) == MOST + 1


async def test_others_have_their_turn_while_many_are_built(policy: Policy) -> None:
    """Whether they come to too many, are all given, or are no list at all."""
    for changes, status in (
        ({"max_matches": 10}, "too_many"),
        ({"max_matches": 100}, "too_many"),
        ({"granularity": Granularity.HIT}, "answered"),
    ):
        many = Noticed([possible(n) for n in range(300)])
        built_by_turn = [0]

        async def others(seen: list[int] = built_by_turn, of: Noticed = many) -> None:
            while True:
                seen.append(len(of.read))
                await asyncio.sleep(0)

        waiting = asyncio.create_task(others())
        out = await released(policy, result(found=many), **changes)
        waiting.cancel()
        assert out.answer.status == status
        built_by_turn.append(len(many.read))
        assert built_by_turn[-1] > MOST
        assert max(b - a for a, b in pairwise(built_by_turn)) <= AT_ONCE


async def test_too_many_counts_what_is_shown_alone(policy: Policy) -> None:
    """Whatever policy hides, and however well that matches: the answer is that of without it."""
    hidden = [found(1_000 + n, **HIDDEN[n % 3]) for n in range(200)]
    hidden += [possible(2_000 + n, **HIDDEN[n % 3]) for n in range(200)]
    # One of which nothing is left is not there either, and does not make the others less many.
    bare = [found(3_000, message={"@context": {}}), possible(3_001, message={"@context": {}})]
    for number, status in ((MOST, "answered"), (MOST + 1, "too_many")):
        shown = [possible(n) for n in range(number)]
        alone = await released(policy, result(*shown))
        among = await released(policy, result(*bare, *hidden, *shown))
        assert alone.answer.status == status
        assert body(among) == body(alone)


async def test_where_one_fits_better_the_best_are_given(policy: Policy) -> None:
    """That one is what the officer asked for, however many others there are."""
    many = Noticed([found(999), *(possible(n) for n in range(300))])
    answer = (await released(policy, result(found=many), max_matches=5)).answer
    assert (answer.status, len(answer.matches), answer.more) == ("answered", 5, True)
    assert answer.matches[0].record_id == "W-999"
    assert len(many.read) == 6


async def test_no_more_is_read_to_know_that_they_are_few(policy: Policy) -> None:
    few = Noticed([*(possible(n) for n in range(MOST)), found(200, dissemination="RED")])
    await released(policy, result(found=few), max_matches=5)
    assert len(few.read) == 6


@pytest.mark.parametrize("granularity", [Granularity.HIT, Granularity.COUNT])
async def test_a_hit_or_a_count_is_no_list_to_look_through(
    policy: Policy, granularity: Granularity
) -> None:
    many = result(*(possible(n) for n in range(300)))
    answer = (await released(policy, many, granularity=granularity)).answer
    assert answer.status == "answered"
    assert answer.hit or (answer.count, answer.more) == (10, True)


# -- granularity ------------------------------------------------------------------------------


async def test_record(policy: Policy) -> None:
    out = await released(policy, result(found()))
    (match,) = out.answer.matches
    assert match.record is not None
    assert niem.findings(match.record) == []
    assert match.cautions == ("ARMED_AND_DANGEROUS",)
    assert match.confirm is not None
    assert match.confirm.phone == "+1-915-555-0142"
    assert match.handling is not None
    assert (match.handling.keep_days, match.handling.onward_sharing) == (30, "none")
    person = match.record["nc:Person"]
    assert person["nc:PersonSSNIdentification"] == {"nc:IdentificationID": "****4417"}
    assert "scr:WarrantCategoryCode" not in match.record["j:Warrant"]
    assert "scr" not in match.record["@context"]
    assert out.given[0].classes == ("identifier", "identity", "order", "safety")
    assert out.answer.classes_never_shared == ("victim",)


async def test_how_a_term_agreed_is_told_where_its_class_is_given(policy: Policy) -> None:
    """Of a number that is masked it would confirm the rest."""
    said = {"surname": "same", "given": "nickname", "birth_date": "same"}
    compared = said | {"ssn": "same", "shoe_size": "same"}
    out = await released(policy, result(replace(found(), compared=compared)))
    (match,) = out.answer.matches
    assert match.compared == said


async def test_cautions_are_words_each_once_and_an_unknown_code_is_not_lost(policy: Policy) -> None:
    message = person_message()
    message["nc:Person"]["ncic:PersonCautionInformationCode"] = ["Q7", "00", "00", "05"]
    out = await released(policy, result(found(message=message)))
    (match,) = out.answer.matches
    assert match.cautions == ("Q7", "ARMED_AND_DANGEROUS", "05")
    assert match.record is not None
    assert "00" in match.record["nc:Person"]["ncic:PersonCautionInformationCode"]


def test_the_shipped_cautions_have_words() -> None:
    words = read_vocabulary(load_set(POLICIES).data)
    assert words.caution_words(["00", "25"]) == ("ARMED_AND_DANGEROUS", "ESCAPE_RISK")


@pytest.mark.parametrize(
    ("purpose", "facts"), [("investigation", {"dissemination": "YELLOW"}), ("stop", {})]
)
async def test_a_pointer_tells_whom_to_ask_and_nothing_else(
    policy: Policy, purpose: str, facts: dict[str, Any]
) -> None:
    out = await released(policy, result(found(**facts)), purpose=purpose)
    (match,) = out.answer.matches
    assert match.contact is not None
    told = {f: getattr(match, f) for f in ("record_id", "score", "compared", "record", "confirm")}
    assert set(told.values()) == {None}
    assert match.cautions == ()
    assert out.given[0].show == "pointer"


async def test_count_and_hit_tell_just_that(policy: Policy) -> None:
    records = result(*(found(n) for n in range(4)), found(9, dissemination="RED"))
    counted = (await released(policy, records, granularity=Granularity.COUNT, max_matches=3)).answer
    assert (counted.count, counted.more, counted.hit, counted.matches) == (3, True, None, ())
    hit = (await released(policy, records, granularity=Granularity.HIT, max_matches=3)).answer
    assert (hit.hit, hit.count, hit.more, hit.matches) == (True, None, False, ())
    none = (await released(policy, result(), granularity=Granularity.HIT)).answer
    assert none.hit is False


# -- the rest of the answer -------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [59, 61, None, -9, -11])
async def test_stale_is_of_the_source_and_not_of_the_records(
    policy: Policy, minutes: int | None
) -> None:
    as_of = None if minutes is None else NOW - timedelta(minutes=minutes)
    with_record = await released(policy, result(found(dissemination="RED"), data_as_of=as_of))
    without = await released(policy, result(data_as_of=as_of))
    assert body(with_record) == body(without)
    # Ahead of the clock by more than clocks differ it is of no known age.
    assert without.answer.stale is (minutes not in {59, -9})
    other = await released(policy, result(data_as_of=as_of), record_types=("person",))
    assert other.answer.stale is False


async def test_terms_that_were_not_used_are_named(policy: Policy) -> None:
    out = await released(policy, result(found(), terms_not_used=("ssn",)))
    assert out.answer.terms_not_used == ("ssn",)


async def test_a_question_that_the_sources_do_not_understand(policy: Policy) -> None:
    out = await released(policy, FindResult(understood=False))
    assert out.answer.status == "not_understood"
    assert [r.code for r in out.answer.reasons] == ["search.no_such_terms"]


async def test_a_record_type_that_was_not_permitted_is_dropped(policy: Policy) -> None:
    out = await released(policy, result(found(record_type="incident")))
    assert body(out) == body(await released(policy, result()))


@pytest.mark.parametrize(
    "message",
    [
        {"@context": CONTEXT, "nc:Person": {"nc:PersonName": "not an object"}},
        {"@context": CONTEXT, "nc:Person": {"nc:PersonBirthDate": {"nc:Date": "yesterday"}}},
        {"@context": {}, "nc:Person": {"nc:PersonName": {"nc:PersonFullName": "A"}}},
        {"nc:Person": {"nc:PersonName": {"nc:PersonFullName": "A"}}},
    ],
)
async def test_what_is_no_standard_message_is_withheld_and_reported(
    policy: Policy, message: dict[str, Any]
) -> None:
    out = await released(policy, result(found(message=message)))
    assert body(out) == body(await released(policy, result()))
    status = policy.status()
    assert status["status"] == "degraded"
    assert status["records_withheld_as_invalid"] == {"warrant": 1}


async def test_a_record_with_nothing_left_gives_no_sign(policy: Policy) -> None:
    message = {"@context": CONTEXT, "nc:Person": {"@id": "#P1", "j:PersonEyeColorCode": "BROWN"}}
    out = await released(policy, result(found(message=message)))
    assert body(out) == body(await released(policy, result()))
    assert policy.status()["status"] == "ok"


async def test_a_record_is_never_changed_by_its_release(policy: Policy) -> None:
    record = found()
    await released(policy, result(record))
    assert record.message == person_message()


async def test_too_many_facts_for_one_decision_are_a_refusal(policy: Policy) -> None:
    records = [found(n, case=f"{n}-" + "x" * 5_000) for n in range(100)]
    with pytest.raises(PolicyUnavailable, match="bytes"):
        await released(policy, result(*records))


# -- elements ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("999-00-4417", "****4417"),
        ("D1234567", "****4567"),
        ("12345", None),
        ("ABCDEFGH", None),
        ("ABCDEFGH12", None),
        ("", None),
    ],
)
def test_mask_shows_four_digits_and_never_most_of_a_value(value: str, masked: str | None) -> None:
    assert mask(value) == masked


def test_masking_gives_identifiers_alone() -> None:
    plan = compile_plan(
        compile_elements({"nc:Person/j:DriverLicense": "identifier"}), [("identifier", "mask")]
    )
    kept = keep(
        plan,
        {
            "nc:Person": {
                "j:DriverLicense": {
                    "nc:IdentificationID": "99900417",
                    "nc:IdentificationJurisdiction": {"nc:JurisdictionText": "Texas"},
                    "nc:IdentificationSourceText": "99900417",
                }
            }
        },
    )
    assert kept is not None
    assert kept.message == {"nc:Person": {"j:DriverLicense": {"nc:IdentificationID": "****0417"}}}


def test_keywords_other_than_id_are_not_kept() -> None:
    plan = compile_plan(compile_elements({"nc:Person": "identity"}), [("identity", "give")])
    kept = keep(plan, {"@graph": [1], "nc:Person": {"@id": "#P", "@value": "secret", "nc:X": 1}})
    assert kept is not None
    assert kept.message == {"nc:Person": {"@id": "#P", "nc:X": 1}}


ELEMENTS = dict(read_vocabulary(load_set(SMALL).data).elements)
CLASSES = sorted({*ELEMENTS.values()})
ACTIONS = st.sampled_from(["give", "mask", "pointer", "count", "nothing"])
STEPS = sorted({s for p in ELEMENTS for s in p.split("/")} | {"nc:Other", "nc:IdentificationID"})
MESSAGES = st.recursive(
    st.text(alphabet="A1b2", min_size=1, max_size=12),
    lambda below: (
        st.dictionaries(st.sampled_from(STEPS), below, min_size=1, max_size=4)
        | st.lists(below, min_size=1, max_size=3)
    ),
    max_leaves=25,
)
PATHS = st.dictionaries(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=3).map("/".join),
    st.sampled_from(CLASSES),
    max_size=8,
)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [leaf for v in value for leaf in leaves(v, path)]
    return [(path, value)]


def classes_of(path: tuple[str, ...], elements: dict[str, str]) -> list[str]:
    """The rule, told plainly: all paths with a class on the way to it, the longest last."""
    on_the_way = (elements.get("/".join(path[:end])) for end in range(1, len(path) + 1))
    return [c for c in on_the_way if c]


@settings(max_examples=count(300, 10_000), deadline=None)
@given(
    elements=PATHS | st.just(ELEMENTS),
    classes=st.dictionaries(st.sampled_from(CLASSES), ACTIONS),
    message=st.dictionaries(st.sampled_from(STEPS), MESSAGES, min_size=1, max_size=4),
)
def test_no_element_leaves_whose_class_was_not_given(
    elements: dict[str, str], classes: dict[str, str], message: dict[str, Any]
) -> None:
    kept = keep(compile_plan(compile_elements(elements), classes.items()), message)
    allowed = []
    for path, value in leaves(message):
        # A part is never more open than what it is part of.
        actions = {classes.get(c) for c in classes_of(path, elements)}
        if actions == {"give"}:
            allowed.append((path, value))
        elif (
            actions in ({"mask"}, {"give", "mask"})
            and path[-1].endswith("ID")
            and (masked := mask(value))
        ):
            allowed.append((path, masked))
    # Not less either: exactly what was given, and only classes told that it is of.
    assert (leaves(kept.message) if kept else []) == allowed
    told = {c for c, _ in kept.held} if kept else set()
    assert {classes[c] for c in told} <= {"count", "pointer"}
    named = set(kept.classes if kept else ())
    assert all(named & {*classes_of(p, elements)} for p, _ in allowed)
    assert named - told <= {c for p, _ in allowed for c in classes_of(p, elements)}


FACTS = st.fixed_dictionaries(
    {
        "dissemination": st.sampled_from(["GREEN", "YELLOW", "RED", "PINK", ""]),
        "disclosure": st.sampled_from(["open", "expunged", "sealed", "nondisclosure"]),
    }
)


@settings(max_examples=count(40, 2_000), deadline=None)
@given(facts=st.lists(FACTS, max_size=8), granularity=st.sampled_from(list(Granularity)))
async def test_random_records_leave_only_as_their_facts_allow(
    vetted_dir: Path, facts: list[dict[str, Any]], granularity: Granularity
) -> None:
    policy = await start(vetted_dir)
    records = [found(n, **f) for n, f in enumerate(facts)]
    out = await released(policy, result(*records), granularity=granularity)
    visible = [
        f for f in facts if f["disclosure"] == "open" and f["dissemination"] in {"GREEN", "YELLOW"}
    ]
    assert len(out.given) == len(visible)
    shown = [m for m in out.answer.matches if m.record is not None]
    green = [f for f in visible if f["dissemination"] == "GREEN"]
    assert len(shown) == (len(green) if granularity is Granularity.RECORD else 0)
    for match in shown:
        assert niem.findings(match.record) == []
        assert "999-00-4417" not in str(match.record)
        assert "Search" not in str(match.record)


def test_the_records_of_these_tests_conform() -> None:
    record: Found = found()
    assert niem.findings(record.message) == []
    assert replace(record, record_id="x").message == record.message
