"""A gateway deciding by a real OPA server beside it: the same answers, and none without it."""

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from demo.__main__ import POLICE, SHERIFF, person
from demo.cast import EXPUNGED, MARISOL
from demo.world import World
from tests.scenarios.conftest import Search, by_agency, entries

pytestmark = pytest.mark.opa


class Opa:
    """The server, as `sallyport policy opa-config` says to run it."""

    def __init__(self, world: World, program: Path, port: int) -> None:
        printed = world[SHERIFF].command("policy", "opa-config", "--addr", f"127.0.0.1:{port}")
        self._words = [str(program), *shlex.split(printed.stdout)[1:]]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.log = world.root / "opa.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                if httpx.get(self.url + "/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def opa(world: World, opa_program: Path, free_port: int) -> Iterator[Opa]:
    sheriff = world[SHERIFF]
    made = Opa(world, opa_program, free_port)
    made.start()
    sheriff.stop()
    sheriff.env["SALLYPORT_OPA_URL"] = made.url
    sheriff.start()
    sheriff.ready()
    try:
        yield made
    finally:
        sheriff.stop()
        del sheriff.env["SALLYPORT_OPA_URL"]
        sheriff.start()
        sheriff.ready()
        made.stop()


def parts(search: Search) -> list[dict[str, object]]:
    found = [
        by_agency(search(POLICE, person(who), "warrant", "arrest", agencies=[SHERIFF]))[SHERIFF]
        for who in (MARISOL, EXPUNGED)
    ]
    for part in found:
        part.pop("ms")
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
