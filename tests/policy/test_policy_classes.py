"""Classes by value, and what is told of a class that is counted or pointed at."""

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import PolicyRejected
from gateway.policy.element_tree import compile_elements
from gateway.policy.elements import compile_plan, keep
from gateway.policy.engine import Limits
from gateway.policy.obligations import HONOURED, well_formed
from gateway.policy.sets import load_set
from gateway.policy.vet import vet
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from tests.policy.made import SMALL, write_set

POLICIES = Path(__file__).parents[2] / "policies"
CAUTION = "ncic:PersonCautionInformationCode"


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return read_vocabulary(load_set(POLICIES).data)


def kept(words: Vocabulary, message: dict[str, Any], **classes: str) -> Any:
    root = compile_elements(words.elements, words.wherever)
    return keep(compile_plan(root, sorted(classes.items()), words.values), message)


def person(*codes: str) -> dict[str, Any]:
    name = {"nc:PersonSurName": "QUILLFEATHER"}
    return {"nc:Person": {"nc:PersonName": name, CAUTION: list(codes)}}


MEDICAL = ("50", "55", "60", "65", "70", "80", "85", "90")


def test_medical_cautions_need_the_class_medical(words: Vocabulary) -> None:
    given = kept(words, person("00", *MEDICAL, "25"), identity="give", safety="give")
    assert given.message["nc:Person"][CAUTION] == ["00", "25"]
    assert given.cautions == ("00", "25")
    assert "medical" not in given.classes
    both = kept(words, person("00", "50"), identity="give", safety="give", medical="give")
    assert both.cautions == ("00", "50")
    assert {"medical", "safety"} <= set(both.classes)


def test_a_value_is_never_more_open_than_its_element(words: Vocabulary) -> None:
    given = kept(words, person("00", "50"), identity="give", medical="give")
    assert CAUTION not in given.message["nc:Person"]
    assert given.cautions == ()


def test_values_count_wherever_the_element_stands(words: Vocabulary) -> None:
    subject = {"nc:EntityPerson": {"nc:PersonName": {"nc:PersonSurName": "Q"}, CAUTION: "65"}}
    given = kept(words, {"j:Subject": subject}, identity="give", incident="give", safety="give")
    assert CAUTION not in str(given.message)


def crossing(category: str) -> dict[str, Any]:
    what = {"scr:PersonCrossingCategoryCode": category}
    date = {"nc:Date": "2026-05-01"}
    return {
        "scr:PersonCrossingEncounter": {
            "nc:ActivityDate": date,
            "scr:PersonCrossingClassification": what,
        }
    }


def test_who_was_trafficked_is_a_victim(words: Vocabulary) -> None:
    classes = {"crossing": "give", "immigration_status": "give"}
    assert "Trafficking" not in str(kept(words, crossing("Trafficking"), **classes).message)
    assert "Smuggling" in str(kept(words, crossing("Smuggling"), **classes).message)
    told = kept(words, crossing("Trafficking"), **classes, victim="give")
    assert "Trafficking" in str(told.message)


def test_who_crossed_as_a_child_is_a_juvenile(words: Vocabulary) -> None:
    classes = {"crossing": "give", "immigration_status": "give", "victim": "give"}
    left = kept(words, crossing("Alien Children"), **classes)
    assert "Alien Children" not in str(left.message)
    assert "2026-05-01" in str(left.message)
    told = kept(words, crossing("Alien Children"), **classes, juvenile="give")
    assert "Alien Children" in str(told.message)
    # A class that goes by the value opens nothing that its element's class keeps.
    alone = kept(words, crossing("Alien Children"), crossing="give", juvenile="give")
    assert "Alien Children" not in str(alone.message)


def test_a_class_is_counted_or_pointed_at(words: Vocabulary) -> None:
    whole = {
        "nc:Person": {
            "nc:PersonName": {"nc:PersonSurName": "QUILLFEATHER"},
            "nc:PersonDigitalImage": [{"nc:BinaryID": "1"}, {"nc:BinaryID": "2"}],
            "nc:PersonMedicationRequiredText": "insulin",
            "nc:PersonSSNIdentification": {"nc:IdentificationID": "999-00-4417"},
        }
    }
    given = kept(words, whole, identity="give", photo="count", medical="pointer", ssn="nothing")
    assert dict(given.held) == {"photo": 2, "medical": 0}
    assert given.message == {"nc:Person": {"nc:PersonName": {"nc:PersonSurName": "QUILLFEATHER"}}}
    assert set(given.classes) == {"identity", "medical", "photo"}
    # The same record without them tells of none.
    bare = kept(words, person(), identity="give", photo="count", medical="pointer")
    assert bare.held == ()


def test_nothing_below_a_counted_class_is_given(words: Vocabulary) -> None:
    arrest = {
        "j:Arrest": {
            "nc:ActivityDate": {"nc:Date": "2026-01-01"},
            "j:ArrestSubject": {"nc:EntityPerson": {"nc:PersonName": {"nc:PersonSurName": "Q"}}},
        },
        "nc:Person": {"nc:PersonName": {"nc:PersonSurName": "Q"}},
    }
    given = kept(words, arrest, identity="give", criminal_history="count")
    assert given.message.keys() == {"nc:Person"}
    assert dict(given.held) == {"criminal_history": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"ncic:NoSuchCode": {"50": identity}', "is not a NIEM 6.0 property"),
        ('"ncic:PersonCautionInformationCode": {"50": gossip}', "class that is not in the list"),
        ('"caution code": {"50": identity}', "is no NIEM key"),
        ('"ncic:PersonCautionInformationCode": identity', "is no NIEM key with its values"),
    ],
)
def test_values_are_held_against_the_standard(tmp_path: Path, text: str, reason: str) -> None:
    values = {"sallyport/vocabulary/values/data.yaml": text}
    candidate = load_set(write_set(tmp_path / "set", values))
    with pytest.raises(PolicyRejected, match=reason):
        vet(candidate, "TX9990000", Limits())


def test_the_small_set_needs_none_of_it() -> None:
    small = read_vocabulary(load_set(SMALL).data)
    assert small.values == {}
    assert small.release_bases == {}


@pytest.mark.parametrize(
    "obligation",
    [
        {"type": "delete_after", "days": 0},
        {"type": "onward_sharing", "rule": "none"},
        {"type": "confirm_before_acting"},
        {"type": "caveat", "text": "Ask first."},
        {"type": "stale_data"},
        {"type": "fingerprints_within", "days": 15},
    ],
)
def test_an_obligation_that_is_honoured(obligation: dict[str, Any]) -> None:
    assert well_formed(obligation)
    assert obligation["type"] in HONOURED
    assert not well_formed({**obligation, "also": 1})
    for part in obligation.keys() - {"type"}:
        assert not well_formed({k: v for k, v in obligation.items() if k != part})
        for odd in (None, True, -1, "", [], 10**9, "x" * 2_000):
            assert not well_formed({**obligation, part: odd})


@pytest.mark.parametrize("kind", ["dance", None, 1, ""])
def test_an_obligation_that_nobody_knows(kind: Any) -> None:
    assert not well_formed({"type": kind})
    assert not well_formed({})


def test_every_obligation_of_the_shipped_set_is_honoured(words: Vocabulary) -> None:
    assert words.obligations == HONOURED
