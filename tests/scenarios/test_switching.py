"""A gateway's policy set is switched again and again while real searches go through it, both ways:
none fails, and each decision in its log is the one that the set named there gives."""

import functools
import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from demo.__main__ import question
from demo.world import Gateway, World, an_officer
from gateway.cli import main
from gateway.policy.kept import KeptSets
from tests.scenarios.opa import deciding
from tests.scenarios.two import FEW_TESTS, MARISOL, POLICE, SHERIFF, until
from tests.soak import SOAK, count

pytestmark = pytest.mark.timeout(count(900, 3600))

SWITCHES = count(2, 100)
WHOLE = count(0, 6)
"""Switches of the shipped set with all of its tests; the others have its rules and few tests."""
CALLERS = 3
"""Of the police, who ask the gateway that is switched; one officer asks the other way."""

# What the agency may set for itself, and what each of its decisions then comes to.
OPEN: dict[str, Any] = {"never_classes": [], "hidden_types": [], "limits": {"max_matches": 100}}
NARROW: dict[str, Any] = {
    "never_classes": ["contact"],
    "hidden_types": ["warrant"],
    "limits": {"max_matches": 5},
}
CHOICES = {"open": OPEN, "narrow": NARROW}
ADDRESS = "nc:PersonResidenceAddress"


@dataclass
class Desk:
    """The administrator of the gateway whose set is switched."""

    gateway: Gateway

    @property
    def folder(self) -> Path:
        return self.gateway.home / "policies"

    def save(self, word: str) -> None:
        """Save the choices, whole, as an editor does."""
        local = self.folder / "local" / "data.yaml"
        data = yaml.safe_load(local.read_text())
        new = self.gateway.home / "local.new"
        new.write_text(yaml.safe_dump({**data, **CHOICES[word]}))
        new.rename(local)

    def by_command(self, word: str) -> None:
        self.save(word)
        home = {"SALLYPORT_HOME": str(self.gateway.home)}
        done = CliRunner().invoke(main.app, ["policy", "apply", "--json"], env=home)
        assert done.exit_code == 0, (done.output, done.exception)
        assert json.loads(done.stdout)["revision"] == self.in_force()

    def by_saved_edit(self, word: str) -> None:
        before = self.in_force()
        self.save(word)
        assert until(lambda: self.in_force() != before, 60)

    def word(self, digest: str) -> str:
        """Give the choices of a set, by its digest, as the gateway kept it."""
        local = KeptSets(self.gateway.home / "data").get(digest).data["local"]
        (found,) = [w for w, made in CHOICES.items() if made.items() <= local.items()]
        return found

    def in_force(self) -> str:
        return str(self.gateway.ready()["components"]["policy"]["revision"])

    def keep_few_tests(self) -> None:
        """Leave few tests of the shipped set: vetting then takes a part of its time."""
        for path in sorted(self.folder.rglob("*_test.rego")):
            if path.name not in FEW_TESTS:
                path.unlink()


@dataclass
class Load:
    """Officers of both agencies who ask until they are told to stop."""

    world: World
    over: threading.Event = field(default_factory=threading.Event)
    callers: list[Future[None]] = field(default_factory=list)
    done: Counter[int] = field(default_factory=Counter)
    """Searches that came back, by caller."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the police got, by the search's id."""
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the switched gateway's own officer got."""

    def caller(self, number: int) -> None:
        own = number == CALLERS
        asker, owner = (SHERIFF, POLICE) if own else (POLICE, SHERIFF)
        # More than the narrow choices' limit, for their own officer alone.
        most = 10 if own else 3
        turn = 0
        while not self.over.is_set():
            with self.world[asker].client(an_officer(), "search") as client:
                for _ in range(100):  # a token ends
                    turn += 1
                    case = {"type": "case", "number": f"26-{number:02d}{turn:06d}"}
                    body = question(
                        MARISOL, "person", "warrant", agencies=[owner], max_matches=most
                    )
                    response = client.post("/v1/searches", json={**body, "reference": case})
                    assert response.status_code == 200, response.text
                    found = response.json()
                    (part,) = found["agencies"]
                    (self.asked if own else self.answers)[found["search_id"]] = part
                    self.done[number] += 1
                    if self.over.wait(0.03):
                        return

    def further(self) -> None:
        """Wait until each caller has had an answer to a question that was asked from now on.

        Raises what a caller's search raised.
        """
        wanted = {n: self.done[n] + 2 for n in range(CALLERS + 1)}

        def there() -> bool:
            for caller in self.callers:
                if caller.done():
                    caller.result()
            return all(self.done[n] >= most for n, most in wanted.items())

        assert until(there, 60), self.done


def entries_of(gateway: Gateway, since: str) -> dict[str, list[dict[str, Any]]]:
    """Give the gateway's entries of all searches since then, by the search."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    found: dict[str, list[dict[str, Any]]] = {}
    asked: dict[str, Any] = {"since": since, "limit": 500}
    with gateway.client(auditor, "audit") as client:
        while True:
            page = client.get("/v1/audit/entries", params=asked).json()
            for entry in page["entries"]:
                found.setdefault(entry.get("transaction", ""), []).append(entry)
            if not page.get("next"):
                return found
            asked = {**asked, "after": page["next"]}


def one(entries: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [e for e in entries if e["type"] == kind]
    return found


def check(
    load: Load, log: dict[str, list[dict[str, Any]]], word: Callable[[str], str]
) -> Counter[tuple[str, str]]:
    """Hold each search against the sets that the log names. Gives how often which decided what."""
    decided: Counter[tuple[str, str]] = Counter()
    for search, part in load.answers.items():
        assert part["status"] == "answered", part
        # The second door, and what of the records found may leave: each by one whole set.
        answer = word(one(log[search], "query_in")["policy"])
        release = word(one(log[search], "response_out")["policy"])
        assert ("contact" in part["classes_never_shared"]) == (answer == "narrow")
        matches = {m["record_type"]: m for m in part["matches"]}
        assert set(matches) == ({"person"} if release == "narrow" else {"person", "warrant"})
        assert (ADDRESS in matches["person"]["record"]["nc:Person"]) == (release == "open")
        decided["answer", answer] += 1
        decided["release", release] += 1
    for search, part in load.asked.items():
        first = next(e for e in log[search] if e["peer"] == POLICE)
        ask = word(first["policy"])
        decided["ask", ask] += 1
        if ask == "narrow":
            assert [r["code"] for r in part["reasons"]] == ["local.max_matches"]
            continue
        assert part["status"] == "answered", part
        decided["admit", word(one(log[search], "response_in")["policy"])] += 1
    return decided


def replayed(gateway: Gateway, log: dict[str, list[dict[str, Any]]], load: Load) -> Counter[str]:
    """Have an auditor decide again, each by the kept set: the last question and answer of each."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    results: Counter[str] = Counter()
    with gateway.client(auditor, "audit") as client:
        for search in list(load.answers)[-count(4, 40) :]:
            for kind in ("query_in", "response_out"):
                entry = one(log[search], kind)["entry_id"]
                found = client.get(f"/v1/audit/entries/{entry}/replay").json()
                results[found["result"]] += 1
    return results


def under_load(world: World, desk: Desk) -> None:
    """Switch under load, and look at every decision. Raises where one is not its set's."""
    load = Load(world)
    since = entries_since(desk.gateway)
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        load.callers = [pool.submit(load.caller, n) for n in range(CALLERS + 1)]
        try:
            load.further()
            for n in range(WHOLE + SWITCHES):
                if n == WHOLE:
                    desk.keep_few_tests()
                # Every fourth by itself: the folder is watched.
                switch = desk.by_saved_edit if n % 4 == 1 else desk.by_command
                switch(("narrow", "open")[n % 2])
                load.further()
        finally:
            load.over.set()
        for caller in load.callers:
            caller.result()
    log = entries_of(desk.gateway, since)
    word = functools.cache(desk.word)
    decided = check(load, log, word)
    for door in ("ask", "answer", "release"):
        for made in CHOICES:
            assert decided[door, made] >= (WHOLE + SWITCHES) // 2, decided
    # It would be seen: hold the same against the other set.
    with pytest.raises(AssertionError):
        check(load, log, lambda digest: {"open": "narrow", "narrow": "open"}[word(digest)])
    assert set(replayed(desk.gateway, log, load)) == {"same"}
    after = desk.gateway.ready()["components"]["policy"]
    assert "trouble" not in after
    assert "rejected" not in after


def entries_since(gateway: Gateway) -> str:
    """Give the time of the newest entry."""
    auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
    with gateway.client(auditor, "audit") as client:
        page = client.get("/v1/audit/entries", params={"newest_first": True, "limit": 1}).json()
    return str(page["entries"][0]["time"])


@pytest.fixture
def desk(kept: World) -> Iterator[Desk]:
    """The sheriff's, whose folder is put back at the end."""
    made = Desk(kept[SHERIFF])
    before = made.gateway.home.parent / "policies-before"
    shutil.copytree(made.folder, before)
    yield made
    shutil.copytree(before, made.folder, dirs_exist_ok=True)
    shutil.rmtree(before)
    made.gateway.command("policy", "apply")


def test_no_wrong_and_no_failed_decision_over_http(kept: World, desk: Desk) -> None:
    under_load(kept, desk)


@pytest.mark.opa
@pytest.mark.skipif(not SOAK, reason="two starts of a gateway more: `make soak`")
def test_nor_with_an_opa_server(kept: World, desk: Desk, opa_program: Path, free_port: int) -> None:
    # Generous: this is about what is decided, on machines that are busy.
    with deciding(desk.gateway, opa_program, free_port, SALLYPORT_OPA_TIMEOUT_MS="5000"):
        assert desk.gateway.ready()["components"]["policy"]["engine"] == "opa-server"
        under_load(kept, desk)
