"""What is left of a message when parts were withheld."""

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import niem

Message = dict[str, Any]


def message(**objects: Any) -> Message:
    content = {name.replace("__", ":"): value for name, value in objects.items()}
    return {"@context": niem.context_for(content), **content}


def left(**objects: Any) -> Any:
    """Give the content that is left, without its context."""
    kept = niem.prune(message(**objects))
    return None if kept is None else {k: v for k, v in kept.items() if k != "@context"}


SEX = {"j:PersonSexCode": "F"}
ARREST = {
    "nc:ActivityDate": {"nc:Date": "2026-01-02"},
    "j:ArrestSubject": {"nc:EntityPerson": {"@id": "#P1"}},
}


def test_a_whole_message_stays_the_same_object() -> None:
    whole = message(nc__Person={"@id": "#P1", **SEX}, j__Arrest=ARREST)
    kept = niem.prune(whole)
    assert kept == whole
    assert kept is not None
    assert kept["nc:Person"] is whole["nc:Person"]


@pytest.mark.parametrize("hole", [{}, [], "", None, [{}], [[]], {"nc:PersonGivenName": []}])
def test_holes_go_with_what_held_nothing_else(hole: Any) -> None:
    assert left(nc__Person={"nc:PersonName": hole, **SEX}) == {"nc:Person": SEX}
    assert left(nc__Person={"nc:PersonName": hole}) is None


def test_a_list_keeps_what_is_whole() -> None:
    assert left(nc__Person=[{}, SEX, {"nc:PersonName": [{}]}]) == {"nc:Person": [SEX]}


def test_references_to_what_is_gone_go_and_what_held_only_them() -> None:
    assert left(nc__Person={"@id": "#P1"}, j__Arrest=ARREST) == {
        "j:Arrest": {"nc:ActivityDate": {"nc:Date": "2026-01-02"}}
    }
    assert left(j__Arrest={"j:ArrestSubject": {"nc:EntityPerson": {"@id": "#P1"}}}) is None


def chain(length: int) -> list[Message]:
    """Give organizations that hold nothing but a reference to the next, the last to nobody."""
    return [
        {"@id": f"#O{n}", "nc:OrganizationSubUnit": {"@id": f"#O{n + 1}"}} for n in range(length)
    ]


def test_a_chain_of_references_falls_to_its_end() -> None:
    assert left(nc__Organization=chain(9)) is None
    end = {"@id": "#O9", "nc:OrganizationName": "Dry Fork Riders"}
    assert left(nc__Organization=[*chain(9), end]) == {"nc:Organization": [*chain(9), end]}
    assert left(nc__Organization=chain(9), nc__Person=SEX) == {"nc:Person": SEX}


def test_a_chain_without_measure_takes_the_message_with_it() -> None:
    assert left(nc__Organization=chain(500), nc__Person=SEX) is None


def test_an_object_that_goes_takes_along_what_others_refer_to() -> None:
    half = {
        "nc:GeographicCoordinateLatitude": {"nc:LatitudeDegreeValue": 31},
        "nc:LocationReferenceDatum": {},
    }
    place = {"@id": "#G", **half}
    assert left(
        nc__Location2DGeospatialCoordinate=place,
        nc__Location={
            "nc:LocationName": "Dry Fork",
            "nc:Location2DGeospatialCoordinate": {"@id": "#G"},
        },
    ) == {"nc:Location": {"nc:LocationName": "Dry Fork"}}


def test_an_identifier_inside_a_lost_object_is_lost_too() -> None:
    lost = {"nc:GeographicCoordinateLatitude": {"@id": "#D", "nc:LatitudeDegreeValue": 31}}
    kept = left(
        nc__Location=[
            {"nc:Location2DGeospatialCoordinate": lost, "nc:LocationName": "Dry Fork"},
            {"nc:Location2DGeospatialCoordinate": {"@id": "#D"}},
        ]
    )
    assert kept == {"nc:Location": [{"nc:LocationName": "Dry Fork"}]}


def test_own_words_are_content_but_alone_they_are_no_message() -> None:
    noted = {"@id": "#P1", "sp:record": "r-1"}
    assert left(nc__Person=noted, j__Arrest=ARREST) == {"nc:Person": noted, "j:Arrest": ARREST}
    assert left(nc__Person={"@id": "#P1", "sp:record": {}}, sp__note="x") is None


def test_the_context_does_not_tell_what_was_withheld() -> None:
    whole = message(nc__Person={**SEX, "im:PersonNickName": "x", "sp:note": {"scr:x": 1}})
    assert {"im", "scr"} <= set(whole["@context"])
    del whole["nc:Person"]["im:PersonNickName"]
    kept = niem.prune(whole)
    assert kept is not None
    assert set(kept["@context"]) == {"j", "nc", "sp", "scr"}


def test_the_argument_is_not_changed() -> None:
    whole = message(nc__Person=[{"@id": "#P1"}, {"nc:PersonName": [{}], **SEX}], j__Arrest=ARREST)
    before = copy.deepcopy(whole)
    niem.prune(whole)
    assert whole == before


def test_what_is_nested_without_end_goes_and_breaks_nothing() -> None:
    deep: Any = dict(SEX)
    lists: Any = "x"
    for _ in range(20_000):
        deep = {"nc:EmployeeSupervisor": deep}
        lists = [lists]
    assert niem.prune({"nc:Person": {**SEX, **deep}}) == {"nc:Person": SEX}
    assert niem.prune({"nc:Person": {**SEX, "nc:PersonName": lists}}) == {"nc:Person": SEX}


names = st.sampled_from(
    ["@id", "nc:Person", "nc:PersonName", "nc:PersonGivenName", "nc:Date", "j:Arrest", "sp:x", "zz"]
)
trees = st.recursive(
    st.sampled_from(["", "x", "#P1", None, 5, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(names, trees, max_size=4))
def test_pruning_again_changes_nothing(tree: Message) -> None:
    kept = niem.prune(tree)
    if kept is not None:
        assert niem.prune(kept) == kept


def test_pruning_takes_some_tens_of_microseconds() -> None:
    someone = {"@id": "#P1", "nc:PersonName": [{"nc:PersonGivenName": "M"}] * 8, **SEX}
    whole = message(nc__Person=someone, j__Arrest=[ARREST] * 4)
    niem.prune(whole)
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        niem.prune(whole)
        best = min(best, time.perf_counter() - start)
    assert best < 0.0005  # 20 to 40 µs on the machine it was written on
