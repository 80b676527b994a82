"""Recall against the truth, through the real gateways: floors that broken matching falls below."""

import pytest

from demo import recall
from demo.recall import HELD, Recall
from demo.world import World
from tests.scenarios.conftest import PEOPLE


@pytest.fixture(scope="module")
def measured(world: World) -> Recall:
    return recall.measure(
        world, recall.cases(world.truth, each=3), recall.strangers(20, after=PEOPLE)
    )


def test_the_truth_stands_outside_of_every_gateway(world: World) -> None:
    for gateway in world.gateways.values():
        assert gateway.home not in world.truth.parents
        assert not list(gateway.home.rglob(world.truth.name))


def test_enough_people_of_every_kind_are_asked_for(measured: Recall) -> None:
    assert measured.people >= 40
    for ori in HELD:
        assert len(measured.of(ori)) >= 20
    assert {p.kind for p in measured.places} == set(recall.KINDS)
    # What policy withholds says nothing of matching; were it much, nothing would be measured.
    assert measured.withheld <= 0.2 * len(measured.places)


def test_nearly_everybody_is_found_at_each_agency(measured: Recall) -> None:
    for ori in HELD:
        assert measured.at(1, ori) >= 0.9, ori
        assert measured.at(10, ori) >= 0.92, ori
    assert measured.at(10) >= 0.95


def test_what_is_written_as_it_is_comes_first(measured: Recall) -> None:
    assert measured.at(1, kind="as it is") == 1.0
    for kind in ("spelling", "nickname", "names exchanged", "day and month swapped"):
        assert measured.at(1, kind=kind) >= 0.8, kind
    for kind in ("other alphabet", "wrong date", "no date"):
        assert measured.at(10, kind=kind) >= 0.7, kind


def test_strangers_are_no_probable_match(measured: Recall) -> None:
    assert measured.strangers == 20
    assert measured.suspected == 0
    assert measured.possible <= 4
