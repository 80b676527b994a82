"""Two real gateways with one signed agreement, and what several scenarios do with them."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from demo import agreements
from demo.__main__ import question
from demo.world import ROOT, Gateway, World, an_officer
from gateway.cli import admin_client, agreement_work
from gateway.cli.agreement import app
from gateway.errors import SallyportError
from gateway.policy.sets import load_set
from tests.scenarios.sweep import swept

POLICE, SHERIFF = "CA9990000", "TX9990000"
MOU = "mou-2026-01"
MARISOL = {
    "person": {
        "names": [{"given": "Marisol", "surname": "Quezada Brannock"}],
        "birth_date": "1987-03-12",
    }
}

FEW_TESTS = {
    *("local_test.rego", "example_test.rego", "california_test.rego", "texas_test.rego"),
    *("sb36_test.rego", "records_test.rego"),
}
"""So that vetting takes a part of its time; each place's law needs tests."""


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The police and the sheriff alone, with their one agreement signed."""
    made = World(tmp_path_factory.mktemp("two"))
    made.build(people=60, agencies=(SHERIFF, POLICE))
    for gateway in made.gateways.values():
        gateway.command("import", "--json")
        shutil.copytree(gateway.home / "agreements", made.root / "good" / gateway.ori)
    with swept(made):
        # Each tells the other what it holds: only then may a scenario take that away.
        everybody = made.gateways.values()
        assert until(lambda: all(logged(g, "agreement_message") for g in everybody), 60)
        yield made


@pytest.fixture
def kept(two: World) -> Iterator[World]:
    """The same, put back as it was: folders of agreements restored and applied at both."""
    yield two
    good = two.root / "good"
    for gateway in two.gateways.values():
        remove(gateway.home / "agreements")
        shutil.copytree(good / gateway.ori, gateway.home / "agreements")
    for _ in range(2):  # what was under way from one to the other meanwhile goes as well
        only(two, MOU)
        for gateway in two.gateways.values():
            apply(gateway)


def apply(gateway: Gateway) -> None:
    admin_client.call(gateway.home, "POST", "/v1/admin/agreements/apply")


def ask(world: World, asker: str = POLICE, owner: str = SHERIFF, **more: Any) -> dict[str, Any]:
    body = question(MARISOL, "person", "warrant", agencies=[owner], **more)
    officer = an_officer(unit=more.pop("unit", "Robbery")) if "unit" in more else an_officer()
    body = {k: v for k, v in body.items() if v is not None and k != "unit"}
    with world[asker].client(officer, "search") as client:
        response = client.post("/v1/searches", json=body)
    assert response.status_code == 200, response.text
    (part,) = response.json()["agencies"]
    return dict(part)


def outcome(world: World, *args: str, **more: Any) -> str:
    part = ask(world, *args, **more)
    return part["status"] if part["status"] != "refused" else part["reasons"][0]["code"]


def run(gateway: Gateway, *words: str, fails: bool | None = False) -> Result:
    """Run `sallyport agreement …` as the gateway's administrator, without a process of its own."""
    done = CliRunner().invoke(app, [*words, "--home", str(gateway.home)])
    assert fails is None or bool(done.exit_code) == fails, done.output
    return done


def said(done: Result) -> str:
    """Give why a command failed, as it would be printed."""
    assert isinstance(done.exception, SallyportError)
    where = getattr(done.exception, "where", None)
    return f"{where}: {done.exception.detail}" if where else done.exception.detail


def until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def listed(gateway: Gateway, agreement: str = MOU) -> dict[str, Any]:
    done = run(gateway, "list", "--json", fails=None)
    found = [a for a in json.loads(done.stdout)["agreements"] if a["id"] == agreement]
    return dict(max(found, key=lambda a: a["version"]))


def logged(gateway: Gateway, decision: str) -> list[dict[str, Any]]:
    """Give all entries of a decision about the gateway itself, the oldest first."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    found: list[dict[str, Any]] = []
    asked = {"type": ["admin", "notice"], "decision": decision, "limit": 100}
    with gateway.client(auditor, "audit") as client:
        while True:  # page after page: one gateway serves all scenarios of a worker
            response = client.get("/v1/audit/entries", params=asked)
            assert response.status_code == 200, response.text
            page = response.json()
            found += page["entries"]
            if not page.get("next"):
                return found
            asked = {**asked, "after": page["next"]}


def a_text(**changes: Any) -> dict[str, Any]:
    """A text like the one in force, changed."""
    paper = next(p for p in agreements.examples(load_set(ROOT / "policies")) if p["id"] == MOU)
    return agreements.text_of(paper, **changes)


def desks(world: World) -> list[agreement_work.Desk]:
    return [agreement_work.open_desk(g.home) for g in world.gateways.values()]


def only(world: World, agreement: str) -> None:
    """Leave this one agreement alone in both folders."""
    for gateway in world.gateways.values():
        for folder in (gateway.home / "agreements").iterdir():
            if folder.is_dir() and folder.name != agreement:
                remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder into which a running gateway may be writing what a partner just told it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{folder.name} does not go away")
