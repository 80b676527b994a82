"""The quick look at a message: never more lenient than the two that look closely."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import niem

Message = dict[str, Any]

CONTENT: Message = {
    "nc:Person": {
        "@id": "#P1",
        "nc:PersonName": [
            {"nc:PersonGivenName": "Marta", "nc:PersonSurName": "Quillfeather"},
            {"nc:PersonFullName": "M. Quillfeather", "j:PersonNameCategoryCode": "AKA"},
        ],
        "nc:PersonBirthDate": {"nc:Date": "1980-02-29"},
        "j:PersonSexCode": "F",
        "nc:PersonHeightMeasure": {"nc:MeasureIntegerValue": 65, "unece:LengthUnitCode": "INH"},
        "j:PersonFBIIdentification": {"nc:IdentificationID": "000000FX9"},
    },
    "j:Charge": [{"@id": "#C1", "j:ChargeFelonyIndicator": True}, {"j:ChargeDescriptionText": "x"}],
    "j:Warrant": {
        "j:WarrantCategoryCode": "FELONY_ARREST",
        "j:CourtOrderDesignatedSubject": {"nc:EntityPerson": {"@id": "#P1"}},
    },
}


def good() -> Message:
    content = copy.deepcopy(CONTENT)
    return {"@context": niem.context(["nc", "j", "unece"]), **content}


def test_a_whole_message_is_recognised_and_given_back() -> None:
    message = good()
    assert niem.whole(message) is message
    assert niem.findings(message) == []


def test_prefixes_that_nothing_uses_are_left_out() -> None:
    message = {**good(), "@context": niem.context(["nc", "j", "unece", "ncic", "scr", "sp"])}
    found = niem.whole(message)
    assert found == niem.prune(message)
    assert found is not None
    assert set(found["@context"]) == {"nc", "j", "unece"}
    assert set(message["@context"]) == {"nc", "j", "unece", "ncic", "scr", "sp"}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("nc:Person", "nc:PersonName"), {}),
        (("nc:Person", "nc:PersonName"), []),
        (("nc:Person", "nc:PersonName"), [[{"nc:PersonGivenName": "M"}]]),
        (("nc:Person", "nc:PersonName"), "Marta"),
        (("nc:Person", "nc:PersonName"), None),
        (("nc:Person", "j:PersonSexCode"), "female"),
        (("nc:Person", "j:PersonSexCode"), ""),
        (("nc:Person", "j:PersonSexCode"), 1),
        (("nc:Person", "nc:PersonBirthDate"), {"nc:Date": "1979-02-29"}),
        (("nc:Person", "nc:Persn"), "x"),
        (("nc:Person", "nc:ItemMakeName"), "x"),
        (("nc:Person", "sp:own"), "x"),
        (("nc:Person", "@graph"), []),
        (("nc:Person", "@id"), "#P 1"),
        (("nc:Person", "@id"), "#C1"),
        (("nc:Person", "@id"), "#P2"),
        (("j:Warrant", "j:CourtOrderDesignatedSubject"), {"nc:EntityPerson": {"@id": "#gone"}}),
        (
            ("j:Warrant", "j:CourtOrderDesignatedSubject"),
            {"nc:EntityPerson": {"@id": "#P1", "@type": "x"}},
        ),
        (("@context", "nc"), "urn:other"),
        (("@context", "j"), None),
        (("@context", "nc"), {"@id": "urn:other"}),
        (("nc:Person", "nc:PersonHeightMeasure"), {"nc:MeasureIntegerValue": 6.5}),
        (("nc:Person", "nc:PersonHeightMeasure"), {"nc:MeasureIntegerValue": 10**30}),
    ],
)
def test_what_is_not_plain_is_left_to_the_others(where: tuple[str, str], value: Any) -> None:
    message = good()
    message[where[0]][where[1]] = value
    assert niem.whole(message) is None


def test_an_undeclared_prefix_is_not_whole() -> None:
    assert niem.whole({**good(), "@context": niem.context(["nc", "j"])}) is None
    assert niem.whole(CONTENT) is None
    assert niem.whole({"@context": {}}) is None


names = st.sampled_from(
    [
        *("@id", "@type", "nc:Person", "nc:PersonName", "nc:PersonGivenName", "nc:Date", "sp:x"),
        *(
            "j:Arrest",
            "nc:PersonBirthDate",
            "j:PersonSexCode",
            "j:ArrestSubject",
            "nc:EntityPerson",
        ),
        *(
            "nc:MeasureIntegerValue",
            "nc:PersonHeightMeasure",
            "j:Charge",
            "j:ChargeFelonyIndicator",
        ),
        *("nc:PersonNameCommentText", "nc:ActivityDate", "nc:PersonNamePrefixText"),
    ]
)
leaves = st.sampled_from(["", "x", "F", "#P1", "#P2", "1980-02-29", None, 5, True, 0])
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
contexts = st.sets(st.sampled_from(["nc", "j", "unece", "sp"])).map(niem.context)


def agree(message: Message) -> None:
    found = niem.whole(message)
    if found is not None:
        assert found == niem.prune(message)
        assert niem.findings(found) == []


@settings(deadline=None, max_examples=300)
@given(contexts, st.dictionaries(names, trees, max_size=4))
def test_it_never_passes_what_the_others_would_not(context: Any, tree: Message) -> None:
    agree({"@context": context, **tree})


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_nor_in_a_good_message_with_one_thing_changed(data: st.DataObject) -> None:
    message = good()
    holder: Any = message
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.booleans()):
            break
        holder = holder[key]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[key]
        if data.draw(st.booleans()):
            holder[data.draw(names)] = data.draw(trees)
    else:
        holder[key] = data.draw(trees)
    agree(message)
