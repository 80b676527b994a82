"""What the run-time validation finds, and what its findings never tell."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import niem

ROOT = Path(__file__).resolve().parents[2]
Message = dict[str, Any]


def message(**objects: Any) -> Message:
    """Give a message; `nc__Person` stands for `nc:Person`."""
    content = {name.replace("__", ":"): value for name, value in objects.items()}
    return {"@context": niem.context(["nc", "j", "ncic", "scr", "unece", "sp"]), **content}


def person(**parts: Any) -> Message:
    return message(nc__Person={name.replace("__", ":"): value for name, value in parts.items()})


def codes(value: Any) -> list[str]:
    return [problem.code for problem in niem.findings(value)]


GOOD = {
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
    "j:Warrant": {
        "j:WarrantCategoryCode": "FELONY_ARREST",
        "j:CourtOrderDesignatedSubject": {"nc:EntityPerson": {"@id": "#P1"}},
    },
    "sp:handling": {"open": True, "empty": {}},
}


def test_a_whole_message_conforms_with_augmentations_and_references() -> None:
    assert niem.validate(message(**{k.replace(":", "__"): v for k, v in GOOD.items()})) == []


@pytest.mark.parametrize(
    ("parts", "path", "code"),
    [
        ({"nc__Persn": "x"}, "nc:Person", "key.unknown"),
        ({"nc__ItemMakeName": "x"}, "nc:Person", "key.not_allowed"),
        ({"plain": "x"}, "nc:Person", "key.no_prefix"),
        ({"zz__Thing": "x"}, "nc:Person", "key.undeclared_prefix"),
        ({"biom__PersonDNA": "x"}, "nc:Person", "key.undeclared_prefix"),
        ({"@context": {"nc": "urn:x"}}, "nc:Person", "house.keyword"),
        ({"@graph": []}, "nc:Person", "house.keyword"),
        ({"@type": 5}, "nc:Person", "house.json_type"),
        ({"nc__PersonBloodTypeAbstract": "A"}, "Abstract", "key.abstract"),
        ({"j__PersonSexCode": "female"}, "nc:Person/j:PersonSexCode", "value.code"),
        ({"j__PersonSexCode": 1}, "nc:Person/j:PersonSexCode", "value.code"),
        ({"j__PersonSexCode": ""}, "nc:Person/j:PersonSexCode", "value.empty"),
        ({"j__PersonSexCode": None}, "nc:Person/j:PersonSexCode", "value.empty"),
        ({"j__PersonSexCode": []}, "nc:Person/j:PersonSexCode", "value.empty"),
        ({"j__PersonSexCode": ["F", {}]}, "nc:Person/j:PersonSexCode[1]", "value.empty"),
        ({"nc__PersonName": {}}, "nc:Person/nc:PersonName", "value.empty"),
        ({"nc__PersonName": "Marta"}, "nc:Person/nc:PersonName", "value.type"),
        ({"nc__PersonName": [[{}]]}, "nc:Person/nc:PersonName[0]", "value.type"),
        ({"nc__PersonBirthDate": {"nc:Date": "1979-02-29"}}, "nc:Date", "value.malformed"),
        ({"nc__PersonBirthDate": {"nc:Date": 19790228}}, "nc:Date", "value.malformed"),
        (
            {"nc__PersonHeightMeasure": {"nc:MeasureIntegerValue": 6.5}},
            "nc:MeasureIntegerValue",
            "value.malformed",
        ),
        (
            {"nc__PersonHeightMeasure": {"nc:MeasureIntegerValue": True}},
            "nc:MeasureIntegerValue",
            "value.malformed",
        ),
        ({"nc__PersonName": {"nc:PersonFullName": "a\x00b"}}, "FullName", "value.malformed"),
        ({"nc__PersonName": {"nc:PersonFullName": "\ud800"}}, "FullName", "value.malformed"),
        ({"nc__PersonName": {"nc:personNameCommentText": True}}, "CommentText", "house.json_type"),
    ],
)
def test_one_thing_wrong_is_found_where_it_is(parts: Message, path: str, code: str) -> None:
    (problem,) = niem.findings(person(**parts))
    assert (problem.code, problem.path.endswith(path)) == (code, True)


NAME = "nc:PersonName"
HOUSE: list[tuple[str, Message]] = [
    ("house.json_type", {NAME: {"nc:PersonGivenName": 5}}),
    ("house.json_type", {NAME: {"nc:PersonGivenName": 5.5}}),
    ("house.json_type", {NAME: {"nc:PersonGivenName": True}}),
    ("house.json_type", {NAME: {"nc:PersonGivenName": [["A"]]}}),
    ("house.json_type", {NAME: {"nc:PersonGivenName": [[{"@type": "x"}, {"sp:any": None}]]}}),
    ("house.json_type", {NAME: {"nc:personNameCommentText": ["a", "b"]}}),
    ("house.json_type", {NAME: {"nc:personNameCommentText": {"sp:a": "b"}}}),
    ("house.json_type", {NAME: {"nc:personNameCommentText": False}}),
    ("house.json_type", {"@type": ["x"], "j:PersonSexCode": "F"}),
    ("house.blank", {NAME: " \n"}),
    ("house.keyword", {"@context": {"nc": "urn:x"}, "j:PersonSexCode": "F"}),
    ("house.keyword", {"@graph": [{"nc:Person": {}}], "j:PersonSexCode": "F"}),
    ("house.keyword", {"@value": None, "j:PersonSexCode": "F"}),
    ("house.identifier", {"@id": "#北", "j:PersonSexCode": "F"}),
    ("house.identifier", {"@id": "# P1 ", "j:PersonSexCode": "F"}),
    ("house.form", {"nc:PersonDigitalImage": {"nc:Base64BinaryObject": "YW.Jj"}}),
]


@pytest.mark.parametrize(("code", "parts"), HOUSE)
def test_a_rule_of_the_house_is_none_of_the_release(code: str, parts: Message) -> None:
    """The conformance tests hold the first line against the reference checker."""
    assert niem.validate(person(**parts)) == []
    assert codes(person(**parts)) == [code]


def test_each_rule_of_the_house_is_shown() -> None:
    shown = {code for code, _ in HOUSE} | {"house.adapter"}
    assert niem.HOUSE_RULES.keys() == shown | {
        "house.wrapper",
        "house.too_deep",
        "house.too_large",
    }
    written = (ROOT / "docs/adr/0002-niem-at-run-time.md").read_text(encoding="utf-8")
    assert [code for code in niem.HOUSE_RULES if f"`{code}`" not in written] == []
    top = message(j__PersonAugmentation={"j:PersonFBIIdentification": {"nc:IdentificationID": "1"}})
    assert (niem.validate(top), codes(top)) == ([], ["house.wrapper"])
    beside = message(nc__Person={"j:PersonSexCode": "F"})
    empty = {"@context": niem.context(["niem-gml"]), "niem-gml:FeatureAdapter": {"@type": "x"}}
    assert (niem.validate(empty), codes(empty)) == ([], ["house.adapter"])
    for extra in ({"@graph": []}, {"@type": 1}, {"@id": 5}):
        assert niem.validate({**beside, **extra}) == []
        assert len(codes({**beside, **extra})) == 1


def test_where_both_refuse_the_release_has_the_word() -> None:
    assert codes(person(nc__PersonName={"nc:PersonGivenName": [["A", ""]]})) == ["value.empty"]
    assert codes(person(nc__PersonName={"nc:personNameCommentText": {"x": 1}})) == ["key.no_prefix"]
    lost = {"nc:personNameCommentText": {"@id": "#nowhere"}}
    assert [p.code for p in niem.validate(person(nc__PersonName=lost))] == ["reference.dangling"]
    blank = message(nc__Location2DGeospatialCoordinate=" ")
    assert [p.code for p in niem.validate(blank)] == ["part.missing"] * 2
    void = {"@context": niem.context(["mo"]), "mo:SpeedMeasureAugmentation": " "}
    assert "value.type" in [p.code for p in niem.validate(void)]
    wrapper = message(j__PersonAugmentation={"@id": "#P1"}, nc__Person={"@id": "#P1", NAME: " "})
    assert "reference.malformed" in [p.code for p in niem.validate(wrapper)]


def test_the_limits_are_rules_of_the_house() -> None:
    deep: Any = {"j:PersonSexCode": "F"}
    for _ in range(20_000):
        deep = {"nc:EmployeeSupervisor": deep}
    assert niem.validate(message(nc__Person=deep)) == []
    assert niem.validate(person(j__PersonSexCode=["F"] * 200_001)) == []


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_what_is_no_object_is_no_message(value: Any) -> None:
    assert codes(value) == ["message.not_object"]


def test_a_message_holds_something_of_niem() -> None:
    assert codes(message()) == ["message.empty"]
    assert codes(message(sp__only="own")) == ["message.empty"]


def test_the_context_says_what_the_release_says() -> None:
    name = {"nc:Person": {"nc:PersonName": {"nc:PersonFullName": "x"}}}
    right = niem.namespaces()["nc"]
    assert codes(name) == ["context.missing"]
    assert codes({"@context": {"nc": right + "x"}, **name}) == ["context.wrong_uri"]
    assert codes({"@context": {"nc": right, "core": right}, **name}) == ["context.wrong_prefix"]
    assert codes({"@context": {"nc": {"@id": right}}, **name}) == ["key.undeclared_prefix"]
    assert codes({"@context": {"nc": right}, **name}) == []


def test_references_lead_to_one_object_with_content() -> None:
    subject = {"j:ArrestSubject": {"nc:EntityPerson": {"@id": "#P1"}}}
    someone = {"@id": "#P1", "j:PersonSexCode": "F"}
    assert codes(message(j__Arrest=subject)) == ["reference.dangling"]
    assert codes(message(j__Arrest=subject, nc__Person=someone)) == []
    assert (
        codes(message(j__Arrest=subject, nc__Person={"@id": "#P1"})) == ["reference.dangling"] * 2
    )
    assert codes(message(nc__Person=[someone, someone])) == ["reference.duplicate"]
    assert codes(message(nc__Person={"@id": "#1 2", "j:PersonSexCode": "F"})) == [
        "reference.malformed"
    ]
    assert codes(message(nc__Person={"@id": ["#P1"], "j:PersonSexCode": "F"})) == [
        "reference.malformed"
    ]


def test_required_parts_are_missed() -> None:
    place = {"nc:GeographicCoordinateLatitude": {"nc:LatitudeDegreeValue": 31}}
    (problem,) = niem.findings(message(nc__Location2DGeospatialCoordinate=place))
    assert problem.code == "part.missing"
    assert "nc:GeographicCoordinateLongitude" in problem.text
    place["nc:GeographicCoordinateLongitude"] = {"nc:LongitudeDegreeValue": -106}
    assert codes(message(nc__Location2DGeospatialCoordinate=place)) == []


def test_what_may_stand_once_stands_once() -> None:
    day = {"nc:Date": ["2020-01-01", "2020-01-02"], "nc:DateMarginOfErrorDuration": "P1D"}
    assert codes(person(nc__PersonBirthDate=day)) == []
    day["nc:DateMarginOfErrorDuration"] = ["P1D", "P2D"]
    (problem,) = niem.findings(person(nc__PersonBirthDate=day))
    assert problem.code == "part.too_many"


def test_problems_tell_neither_values_nor_keys_from_outside() -> None:
    secret = "Quillfeather"
    hostile = person(
        **{
            f"nc__{secret}": secret,
            f"{secret}__x": secret,
            secret: secret,
            "nc__PersonBirthDate": {"nc:Date": secret},
            "j__PersonSexCode": [secret, {"@id": secret}, {"@id": f"#{secret}"}],
            f"@{secret}": secret,
        }
    )
    found = niem.findings(hostile)
    assert len(found) >= 6
    assert secret not in repr(found)
    context = {"@context": {"nc": secret, secret: niem.namespaces()["nc"]}}
    assert secret not in repr(niem.findings(context))


def test_nesting_has_a_limit_and_never_breaks_the_stack() -> None:
    deep: Any = {"j:PersonSexCode": "F"}
    for _ in range(niem.MAX_DEPTH - 1):
        deep = {"nc:EmployeeSupervisor": deep}
    assert codes(message(nc__Person=deep)) == []
    for _ in range(20_000):
        deep = {"nc:EmployeeSupervisor": deep}
    assert codes(message(nc__Person=deep)) == ["house.too_deep"]
    lists: Any = "x"
    for _ in range(20_000):
        lists = [lists]
    assert codes(message(nc__Person=lists)) == ["value.type"]


def test_the_number_of_values_and_of_problems_has_a_limit() -> None:
    assert codes(person(j__PersonSexCode=["F"] * 200_001))[-1] == "house.too_large"
    assert len(codes(person(j__PersonSexCode=["?"] * 5000))) == 100


def test_a_number_too_long_to_write_is_refused() -> None:
    assert codes(person(nc__PersonHeightMeasure={"nc:MeasureIntegerValue": 10**5000})) == [
        "value.malformed"
    ]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@id",
                    "@type",
                    "@context",
                    "nc:Person",
                    "nc:PersonName",
                    "nc:Date",
                    "sp:x",
                    "",
                    ":",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)  # the machine may be busy
@given(anything)
def test_nothing_that_json_can_hold_raises(value: Any) -> None:
    for one in (value, message(nc__Person=value)):
        assert all(isinstance(p.text, str) for p in niem.findings(one))
        assert all(p.code not in niem.HOUSE_RULES for p in niem.validate(one))


def test_a_usual_record_is_validated_in_far_less_than_a_millisecond() -> None:
    record = message(**{k.replace(":", "__"): v for k, v in GOOD.items()})
    assert 1000 < len(json.dumps(record)) < 2000
    niem.findings(record)
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        niem.findings(record)
        best = min(best, time.perf_counter() - start)
    assert best < 0.0005  # 30 to 50 µs on the machine it was written on
