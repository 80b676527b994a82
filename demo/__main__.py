"""The demo: four agencies, one investigation, two doors. `make demo`, or `make demo STAY=1`."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from demo import recall, tables
from demo.cast import EXPUNGED, MARISOL, PLATE, STOLEN_ON, YELLOW, Member
from demo.people import PEOPLE
from demo.world import Gateway, World, an_officer

POLICE = "CA9990000"
SHERIFF = "TX9990000"
BORDER = "USBPX9900"
BUREAU = "NM9990000"

console = Console(width=max(Console().width, 130))
"""Wide enough for the tables, also where the output goes to a file."""


def person(member: Member) -> dict[str, Any]:
    """Ask for one of the cast by the proper name and birth date."""
    name = {"given": member.given, "surname": member.surname}
    return {"person": {"names": [name], "birth_date": member.birth.isoformat(), "sex": member.sex}}


def question(subject: dict[str, Any], *record_types: str, **more: Any) -> dict[str, Any]:
    """Make a search's body for the demo's case."""
    return {
        "purpose": "criminal_investigation",
        "iii_purpose_code": "C",
        "reference": {"type": "case", "number": "26-004417"},
        "reason": {"code": "robbery", "text": "Named suspect, seen leaving by truck"},
        "attention": "DET OKAFOR 4471",
        "callback": "+1-619-555-0100",
        "subject": subject,
        "record_types": list(record_types),
        "granularity": "record",
        "agencies": [SHERIFF, POLICE, BUREAU, BORDER],
        **more,
    }


class Demo:
    """One run, chapter by chapter."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.searches: list[str] = []

    def run(self) -> None:
        """Tell the whole story. Raises if anything is not as it should be."""
        self.imports()
        with self.world.running():
            self.suspect()
            self.truck()
            self.refused()
            self.hidden()
            chapter("Who is found? Held against the truth, which no gateway can read")
            recall.show(console, self.world)
            self.down()
            self.logs()
        self.verified()

    def imports(self) -> None:
        """Bring every agency's legacy files in."""
        chapter("Four legacy worlds come in")
        for gateway in self.world.gateways.values():
            console.print(f"[bold]{gateway.ori}[/] {gateway.name}")
            gateway.run("import")

    def suspect(self) -> None:
        """One person under three spellings."""
        chapter("A detective of Port Serena asks for a robbery suspect")
        self._search(
            POLICE,
            question(
                person(MARISOL), "person", "warrant", "arrest", "incident", "caution", "crossing"
            ),
        )

    def truck(self) -> None:
        """A vehicle by its plate, and for those who hold no plates by its kind and day."""
        chapter("The truck she left in")
        self._search(
            POLICE,
            question({"vehicle": {"plate": PLATE, "plate_state": "TX"}}, "vehicle", "crossing"),
        )
        day = STOLEN_ON.isoformat()
        self._search(
            POLICE,
            question(
                {"vehicle": {"category": "truck", "date_from": day, "date_to": day}},
                "incident",
                agencies=[BUREAU],
            ),
        )

    def refused(self) -> None:
        """The same city police, asked by a unit that enforces immigration law."""
        chapter("A civil enforcement unit of the border sector asks the same city police")
        body = question(person(MARISOL), "person", "arrest", agencies=[POLICE, SHERIFF])
        body |= {"purpose": "civil_immigration", "iii_purpose_code": None}
        self._search(BORDER, body, unit="Removal Operations", unit_function="civil_enforcement")

    def hidden(self) -> None:
        """A yellow record is a pointer; an expunged one is not there."""
        chapter("A record that is only pointed to, and one that is not there any more")
        for member in (YELLOW, EXPUNGED):
            body = question(person(member), "person", "incident", "arrest", agencies=[SHERIFF])
            self._search(POLICE, body)

    def down(self) -> None:
        """An agency is not there. It is said, not hidden."""
        chapter("The border sector's gateway is down")
        self.world[BORDER].stop()
        self._search(POLICE, question(person(MARISOL), "warrant", "crossing", deadline_ms=2000))
        self.world[BORDER].start()
        self.world[BORDER].ready()

    def logs(self) -> None:
        """The first search, as it stands in the logs of both sides."""
        chapter("The first search, in the logs of both sides")
        for ori in (POLICE, SHERIFF, BORDER, BUREAU):
            auditor = an_officer("auditor.0007", roles=("auditor",), unit="Internal Affairs")
            with self.world[ori].client(auditor, "audit") as client:
                answer = client.get(
                    "/v1/audit/entries", params={"transaction": self.searches[0], "limit": 50}
                )
                answer.raise_for_status()
                console.print(tables.entries(ori, answer.json()["entries"]))

    def verified(self) -> None:
        """Every log proves itself, and against what the police were given by the others."""
        chapter("All four logs prove themselves")
        self.world[POLICE].run("audit", "verify")
        for ori in (SHERIFF, BUREAU, BORDER):
            kept = self.world.root / f"receipts-{ori}"
            kept.write_text(self.world[POLICE].command("audit", "receipts", "--peer", ori).stdout)
            self.world[ori].run("audit", "verify", "--receipts", str(kept))

    def _search(self, ori: str, body: dict[str, Any], **officer: Any) -> None:
        with self.world[ori].client(an_officer(**officer), "search") as client:
            answer = client.post("/v1/searches", json=body)
        if answer.status_code != 200:
            console.print(tables.problem(answer.json()))
            sys.exit("The story ends here: a question of it was not answered.")
        outcome = answer.json()
        self.searches.append(outcome["search_id"])
        tables.show(console, outcome)


def chapter(title: str) -> None:
    """Begin a part of the story."""
    console.print()
    console.rule(f"[bold]{title}")


def stay(world: World) -> None:
    """Stay up, and say how to try things. Each line that comes in is answered by a new token."""
    gateway = world[POLICE]
    body = json.dumps(question(person(MARISOL), "person", "warrant", "arrest", "crossing"))
    chapter("Staying up. Ctrl-C ends it")
    for one in world.gateways.values():
        console.print(f"{one.ori}  {one.url}  {one.name}  SALLYPORT_HOME={one.home}")
    sys.stdout.write(
        f"\n# a token for a detective of {gateway.name}; five minutes long; Enter makes another\n"
        f"{_token(gateway)}\n\n"
        f'curl -s {gateway.url}/v1/searches -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' -d '{body}'\n\n"
        f'curl -s {gateway.url}/v1/agencies -H "Authorization: Bearer $TOKEN"\n\n'
        f"curl -s {gateway.url}/readyz\n\n"
        f"# the same as an auditor: .venv/bin/sallyport audit entries --home {gateway.home}\n"
    )
    sys.stdout.flush()
    # In the background there is no terminal to read from: it stays up all the same.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    with suppress(KeyboardInterrupt):
        with suppress(OSError):
            for _ in sys.stdin:
                sys.stdout.write(_token(gateway) + "\n")
                sys.stdout.flush()
        signal.pause()


def _token(gateway: Gateway) -> str:
    return f"TOKEN={gateway.token(an_officer(), 'search')}"


def main() -> None:
    """Make the world, run the story, leave nothing behind."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="stay up when the story is told")
    parser.add_argument("--people", type=int, default=PEOPLE, help="how many to make up")
    given = parser.parse_args()
    os.umask(0o077)
    # However it is ended, its gateways and their keys don't outlive it.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    started = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="sallyport-demo-"))
    try:
        world = World(root, say=lambda text: console.print(f"[dim]{text}"))
        world.build(people=given.people)
        Demo(world).run()
        console.print(f"\nTold in {time.monotonic() - started:.0f} s.")
        if given.stay:
            with world.running():
                stay(world)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
