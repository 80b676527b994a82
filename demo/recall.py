"""Who is found? Seeded people, asked for by their proper names, held against the truth.

The truth lies outside of every gateway's folder. What each agency wrote about a person (misspelt,
exchanged, a nickname, another alphabet, no date) is known from it, and so whether the right record
came back, and at which place.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demo import words
from demo.mess import plain
from demo.people import PEOPLE, SEED
from demo.person import make
from demo.world import World, an_officer

ASKER = "CA9990000"
HELD: Mapping[str, str] = {"TX9990000": "person", "CA9990000": "person", "USBPX9900": "crossing"}
"""The agencies that hold names, and the records of each that stand for its people."""
DEPTH = 10
EACH = 3
"""People asked for each kind of mess at each agency."""
STRANGERS = 20

KINDS = (
    *("as it is", "spelling", "nickname", "names exchanged", "other alphabet"),
    *("day and month swapped", "wrong date", "no date"),
)
"""What an agency did to a person, from nothing to the worst; a person counts under the worst."""

Subject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One person to ask for.

    By ORI, where the person is known: what was done to the name or date, the ids of the records,
    and how they are written.
    """

    subject: Subject
    kinds: Mapping[str, str]
    records: Mapping[str, frozenset[str]]
    written: Mapping[str, Sequence[Subject]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the right record stood at one agency: 0 is first; None: not among the first ten."""

    ori: str
    kind: str
    place: int | None


@dataclass(slots=True)
class Recall:
    """What was found of the people that are known, and of those that nobody knows."""

    places: list[Place] = field(default_factory=list)
    people: int = 0
    withheld: int = 0
    """Not counted: records that are not shown even to those who ask exactly as they are written."""
    strangers: int = 0
    suspected: int = 0
    """Strangers with a match that is exact or probable, at any agency."""
    possible: int = 0
    """Strangers with possible matches only."""

    def of(self, ori: str | None = None, kind: str | None = None) -> list[Place]:
        """Give the places at one agency, of one kind, or of all."""
        return [p for p in self.places if ori in {None, p.ori} and kind in {None, p.kind}]

    def at(self, k: int, ori: str | None = None, kind: str | None = None) -> float:
        """Give recall at k, 0 to 1. Raises ZeroDivisionError if nobody was asked for."""
        places = self.of(ori, kind)
        return first(places, k) / len(places)


def first(places: Sequence[Place], k: int) -> int:
    """Count those whose right record was among the first k."""
    return sum(p.place is not None and p.place < k for p in places)


def cases(truth: Path, *, each: int = EACH) -> list[Case]:
    """Choose people from the truth: so many for each kind of mess at each agency, if there are.

    Records that are expunged or RED are left out: that nobody finds them is no fault of matching.
    """
    true: dict[str, dict[str, Any]] = {}
    seen: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with truth.open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "sex" in line:
                true[line["person"]] = line
            elif HELD.get(line["ori"]) == line["record_type"] and not line["hidden"]:
                seen.setdefault(line["person"], {}).setdefault(line["ori"], []).append(line)
    wanted = {(ori, kind): each for ori in HELD for kind in KINDS}
    chosen = []
    for person, by_agency in seen.items():
        case = Case(
            subject(true[person]),
            {ori: kind_of(true[person], held) for ori, held in by_agency.items()},
            {ori: frozenset(h["record_id"] for h in held) for ori, held in by_agency.items()},
            {ori: [_as_written(true[person], h) for h in held] for ori, held in by_agency.items()},
        )
        needed = [cell for cell in case.kinds.items() if wanted[cell] > 0]
        if needed:
            chosen.append(case)
            for cell in needed:
                wanted[cell] -= 1
    return chosen


def kind_of(true: Mapping[str, Any], held: Sequence[Mapping[str, Any]]) -> str:
    """Say what an agency did to a person: the least of what it did in any of its records."""
    return min((_kind(true, h) for h in held), key=KINDS.index)


def _kind(true: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    if not held["birth_date"]:
        return "no date"
    if held["birth_date"] != true["birth_date"]:
        year, month, day = true["birth_date"].split("-")
        swapped = held["birth_date"] == f"{year}-{day}-{month}"
        return "day and month swapped" if swapped else "wrong date"
    given, surname = plain(held["given"]), plain(held["surname"])
    proper = plain(true["given"]), plain(true["surname"])
    if (given, surname) == proper:
        return "as it is"
    if true["native"]:
        return "other alphabet"
    if (surname, given) == proper:
        return "names exchanged"
    return "nickname" if given in words.NICKNAMES.get(true["given"], ()) else "spelling"


def strangers(count: int = STRANGERS, *, after: int = PEOPLE) -> list[Subject]:
    """Give people whom no agency knows: those that the generator would make next."""
    made = [make(SEED, n, frozenset()) for n in range(after + 1, after + count + 1)]
    return [_subject(p.given, p.surname, p.birth, p.sex) for p in made]


def subject(true: Mapping[str, Any]) -> Subject:
    """Ask for a person as they truly are."""
    born = date.fromisoformat(true["birth_date"])
    return _subject(true["given"], true["surname"], born, true["sex"])


def _as_written(true: Mapping[str, Any], held: Mapping[str, Any]) -> Subject:
    born = date.fromisoformat(held["birth_date"] or true["birth_date"])
    return _subject(held["given"], held["surname"], born, true["sex"])


def _subject(given: str, surname: str, birth: date, sex: str) -> Subject:
    name = {"given": given, "surname": surname}
    return {"person": {"names": [name], "birth_date": birth.isoformat(), "sex": sex}}


def measure(world: World, known: Iterable[Case], unknown: Iterable[Subject]) -> Recall:
    """Ask for everybody through the API, as an investigator. Raises if an agency can't answer."""
    result = Recall()
    with world[ASKER].client(an_officer(), "search") as client:

        def matches(asked: Subject) -> dict[str, list[dict[str, Any]]]:
            answer = client.post("/v1/searches", json=_body(asked))
            answer.raise_for_status()
            parts = answer.json()["agencies"]
            if bad := [p["ori"] for p in parts if p["status"] != "answered"]:
                raise RuntimeError(f"no answer of {', '.join(bad)}")
            return {p["ori"]: p["matches"] for p in parts}

        for case in known:
            result.people += 1
            found = matches(case.subject)
            for ori, kind in case.kinds.items():
                place = _place(found[ori], case.records[ori])
                if place is None and all(
                    _place(matches(as_written)[ori], case.records[ori]) is None
                    for as_written in case.written[ori]
                ):
                    result.withheld += 1
                    continue
                result.places.append(Place(ori, kind, place))
        for asked in unknown:
            bands = {m["band"] for part in matches(asked).values() for m in part}
            result.strangers += 1
            result.suspected += bool(bands - {"possible"})
            result.possible += bands == {"possible"}
    return result


def _place(found: Sequence[Mapping[str, Any]], right: frozenset[str]) -> int | None:
    return next((n for n, m in enumerate(found) if m.get("record_id") in right), None)


def _body(asked: Subject) -> dict[str, Any]:
    return {
        "purpose": "criminal_investigation",
        "iii_purpose_code": "C",
        "reference": {"type": "case", "number": "26-004417"},
        "reason": {"code": "robbery", "text": "Persons named by witnesses of the robbery"},
        "subject": asked,
        "record_types": sorted(set(HELD.values())),
        "granularity": "record",
        "agencies": list(HELD),
        "max_matches": DEPTH,
    }


def table(result: Recall) -> Table:
    """Show by kind and agency: how many were asked for, found first, and found among ten."""
    shown = Table()
    shown.add_column("as the agency wrote them")
    for ori in (*HELD, "all three"):
        shown.add_column(ori, justify="right")
    for kind in KINDS:
        if result.of(kind=kind):
            shown.add_row(kind, *(_cell(result.of(ori, kind)) for ori in (*HELD, None)))
    shown.add_section()
    shown.add_row("recall at 1", *(f"{result.at(1, ori):.1%}" for ori in (*HELD, None)))
    shown.add_row(f"recall at {DEPTH}", *(f"{result.at(DEPTH, ori):.1%}" for ori in (*HELD, None)))
    return shown


def _cell(places: Sequence[Place]) -> str:
    if not places:
        return ""
    return f"{first(places, 1)} · {first(places, DEPTH)} · {len(places)}"


def show(console: Console, world: World) -> None:
    """Ask, and print what was found."""
    result = measure(world, cases(world.truth), strangers())
    console.print(
        f"{result.people} people are asked for by proper name, birth date and sex. Of how many the "
        f"right record came\nfirst · among the first {DEPTH} · how many that agency knows:"
    )
    console.print(table(result))
    console.print(
        f"Not counted: {result.withheld} whose records policy withholds (sealed, pointers only).\n"
        f"{result.strangers} strangers, whom nobody knows: {result.suspected} with a match called "
        f"probable or exact, {result.possible} with possible ones only."
    )
