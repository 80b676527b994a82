"""A gateway deciding by a real OPA server beside it: the same answers, and none without it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.__main__ import POLICE, SHERIFF, person
from demo.cast import EXPUNGED, MARISOL
from demo.world import World
from tests.scenarios.conftest import Search, by_agency, entries
from tests.scenarios.opa import Opa, deciding

pytestmark = pytest.mark.opa


@pytest.fixture
def opa(world: World, opa_program: Path, free_port: int) -> Iterator[Opa]:
    with deciding(world[SHERIFF], opa_program, free_port) as made:
        yield made


def parts(search: Search) -> list[dict[str, Any]]:
    found = [
        by_agency(search(POLICE, person(who), "warrant", "arrest", agencies=[SHERIFF]))[SHERIFF]
        for who in (MARISOL, EXPUNGED)
    ]
    for part in found:
        part.pop("ms")
        # Each hit to be confirmed has an id of its own, each time.
        for match in part["matches"]:
            match.get("confirm", {}).pop("id", None)
    return found


def test_the_same_answers_and_none_without_it(
    world: World, search: Search, request: pytest.FixtureRequest
) -> None:
    embedded = parts(search)
    opa: Opa = request.getfixturevalue("opa")
    ready = world[SHERIFF].ready()
    assert ready["components"]["policy"]["engine"] == "opa-server"
    assert parts(search) == embedded

    opa.stop()
    outcome = search(POLICE, person(MARISOL), "warrant", agencies=[SHERIFF])
    part = by_agency(outcome)[SHERIFF]
    assert part["status"] == "unavailable"
    assert "matches" not in part
    assert httpx.get(world[SHERIFF].url + "/readyz").status_code == 503
    # The question that could not be decided stands in the log of the one who was asked.
    theirs = entries(world, SHERIFF, outcome["search_id"])
    assert [e["decision"] for e in theirs] == ["error"]

    opa.start()
    world[SHERIFF].ready()
    assert parts(search) == embedded
    # Decision logs are off: the server wrote no name anywhere.
    assert "QUEZADA" not in opa.log.read_text()
