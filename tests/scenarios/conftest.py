"""Four real gateways, each a process of its own, made once for all scenarios of a worker."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from demo.__main__ import question
from demo.world import World, an_officer
from tests.scenarios.sweep import swept
from tests.scenarios.two import kept, two

__all__ = ["kept", "two"]

PEOPLE = 400

Search = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    made.build(people=PEOPLE)
    for gateway in made.gateways.values():
        gateway.env["GUARD_HOMES"] = str(made.root.resolve())
        gateway.command("import", "--json")
    with swept(made):
        yield made


@pytest.fixture
def post(world: World) -> Callable[..., httpx.Response]:
    """Ask one gateway as an officer; give the response as it came."""

    def ask(
        ori: str, subject: dict[str, Any], *types: str, officer: Any = None, **more: Any
    ) -> httpx.Response:
        body = {k: v for k, v in question(subject, *types, **more).items() if v is not None}
        with world[ori].client(officer or an_officer(), "search") as client:
            return client.post("/v1/searches", json=body)

    return ask


@pytest.fixture
def search(post: Callable[..., httpx.Response]) -> Search:
    """Ask one gateway as an officer; give the outcome."""

    def ask(*args: Any, **more: Any) -> dict[str, Any]:
        response = post(*args, **more)
        assert response.status_code == 200, response.text
        outcome: dict[str, Any] = response.json()
        return outcome

    return ask


def by_agency(outcome: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the outcome's parts by ORI."""
    return {a["ori"]: a for a in outcome["agencies"]}


def entries(
    world: World, ori: str, transaction: str, *, unseal: bool = False
) -> list[dict[str, Any]]:
    """Give one agency's log entries of a search, as its auditor reads them."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with world[ori].client(auditor, "audit") as client:
        response = client.get(
            "/v1/audit/entries",
            params={"transaction": transaction, "limit": 100, "unseal": unseal},
        )
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["entries"]
    return found
