"""Matching quality beside its cost: `python -m bench.matching [--people N,N] [--asked N]`.

The records searched are one agency's master names, as written in its files; the questions are what
another agency wrote about the same people (name, birth date, sex). Both come from the demo's
generator, and its truth says who is who. Recall at k: the person's record is among the first k.
False alarms: of people whom the agency doesn't know, how many give a match of that band.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from demo import border, texas
from demo.mess import sight
from demo.people import SEED, TRUTH, generate
from demo.person import TODAY, make
from gateway.model import Band, Handling, Name, PersonQuery, Record
from gateway.records.index import Index, ask, index_of
from gateway.records.match import Match, Threshold

FACTS = Handling.of({"dissemination": "GREEN", "disclosure": "open"})
PERSONS = frozenset({"person"})
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, whose it is, and what is hard about it."""

    person: str
    query: PersonQuery
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """Where the right record stood (0: first; None: not among them), and the first one's band."""

    place: int | None
    band: Band | None
    seconds: float


def message(seen: dict[str, Any], sex: str) -> dict[str, Any]:
    """Write a person as a NIEM message, as the adapters do."""
    name = {
        "nc:PersonGivenName": seen["given"],
        "nc:PersonMiddleName": seen["middle"],
        "nc:PersonSurName": seen["surname"],
    }
    person: dict[str, Any] = {
        "nc:PersonName": {k: v for k, v in name.items() if v},
        "j:PersonSexCode": sex,
    }
    if seen["birth_date"]:
        person["nc:PersonBirthDate"] = {"nc:Date": seen["birth_date"]}
    return {"nc:Person": person}


def query(given: str, surname: str, birth: str | date | None, sex: str) -> PersonQuery:
    """Ask by name, birth date and sex; no age is given in place of a missing date."""
    day = date.fromisoformat(birth) if isinstance(birth, str) else birth
    return PersonQuery(
        names=(Name(given=given, surname=surname),),
        birth_date=day,
        sex="F" if sex == "F" else "M",
    )


def kinds(true: dict[str, Any], held: Sequence[dict[str, Any]], seen: dict[str, Any]) -> list[str]:
    """Say what is hard: about the question, or about every record held of the person."""
    found = []
    dates = {h["birth_date"] for h in held}
    if not seen["birth_date"] or dates == {None}:
        found.append("a date is missing")
    elif seen["birth_date"] not in dates:
        found.append("dates differ")
    names = [(h["given"], h["surname"]) for h in held]
    if (seen["given"], seen["surname"]) in names:
        found.append("same name")
    elif any({seen["given"], seen["surname"]} == set(n) for n in names):
        found.append("names exchanged")
    if true["native"]:
        found.append("transliterated")
    return found or ["spelling"]


def world(people: int, *, everywhere: bool, limit: int) -> tuple[list[str], Index, list[Asked]]:
    """Generate; give the owner of each record by its number, the index, and the questions."""
    with tempfile.TemporaryDirectory() as folder:
        generate(
            Path(folder),
            people=people,
            agencies=(texas.ORI, border.ORI),
            everywhere=everywhere,
        )
        with (Path(folder) / TRUTH).open(encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
    true = {t["person"]: t for t in lines if "sex" in t}
    held = [t for t in lines if t.get("ori") == texas.ORI and t["record_type"] == "person"]
    by_person: dict[str, list[dict[str, Any]]] = {}
    for t in held:
        by_person.setdefault(t["person"], []).append(t)
    records = [
        Record(t["record_id"], "person", message(t, true[t["person"]]["sex"]), FACTS) for t in held
    ]
    asked: dict[str, Asked] = {}
    for t in lines:
        who = t["person"]
        if t.get("ori") == border.ORI and who in by_person and who not in asked:
            q = query(t["given"], t["surname"], t["birth_date"], true[who]["sex"])
            asked[who] = Asked(who, q, tuple(kinds(true[who], by_person[who], t)))
    step = max(1, len(asked) // limit)
    return [t["person"] for t in held], index_of(records), list(asked.values())[::step]


def strangers(people: int, count: int) -> Iterable[PersonQuery]:
    """People whom nobody knows: those that the generator would make next."""
    for n in range(people + 1, people + count + 1):
        p = make(SEED, n, frozenset())
        seen = sight(SEED, p, "nowhere")
        yield query(seen.given, seen.surname, seen.birth, p.sex)


def search(index: Index, q: PersonQuery) -> tuple[list[Match], float]:
    """Search once, and give its processor seconds, the question made ready included."""
    start = time.thread_time()
    found = index.search(ask(q, TODAY), PERSONS, Threshold(DEPTH))
    return found, time.thread_time() - start


def measure(index: Index, owners: Sequence[str], asked: Sequence[Asked]) -> list[Result]:
    """Ask everything."""
    results = []
    for a in asked:
        found, seconds = search(index, a.query)
        places = [i for i, m in enumerate(found) if owners[m.number] == a.person]
        results.append(
            Result(places[0] if places else None, found[0].band if found else None, seconds)
        )
    return results


def native(index: Index, owners: Sequence[str]) -> tuple[int, int]:
    """Ask for the cast's people by their names in their own script; give found at 1, and asked."""
    from demo.cast import CAST  # noqa: PLC0415 - only here, and it draws in every writer

    known = [m for m in CAST if m.native and m.key in owners]
    found = 0
    for m in known:
        assert m.native
        first, _ = search(index, query(m.native[0], m.native[1], m.birth, m.sex))
        found += bool(first) and owners[first[0].number] == m.key
    return found, len(known)


def report(people: int, limit: int) -> dict[str, Any]:
    """Measure a world of so many people and print it. Gives the figures."""
    everywhere = people >= 20_000
    owners, index, asked = world(people, everywhere=everywhere, limit=limit)
    for a in asked[:50]:
        search(index, a.query)  # warm
    results = measure(index, owners, asked)
    times = np.array([r.seconds for r in results]) * 1000
    at = {k: recall(results, k) for k in (1, DEPTH)}
    alarms = [search(index, q)[0] for q in strangers(people, limit)]
    false = {
        band.value: sum(bool(f) and f[0].band == band for f in alarms) / len(alarms)
        for band in Band
    }
    print(f"\n{len(owners):,} master names, {len(asked):,} questions by name, birth date and sex")
    print(f"  recall at 1: {at[1]:.3f}   at {DEPTH}: {at[DEPTH]:.3f}")
    print(
        f"  a search: {times.mean():.2f} ms of one processor, median {np.median(times):.2f}, "
        f"p95 {np.percentile(times, 95):.2f}"
    )
    print("  strangers, first match: " + ", ".join(f"{b} {s:.3f}" for b, s in false.items()))
    found, known = native(index, owners)
    print(f"  the cast's names in their own scripts: {found} of {known} found first")
    for kind in sorted({k for a in asked for k in a.kinds}):
        those = [r for r, a in zip(results, asked, strict=True) if kind in a.kinds]
        print(
            f"    {kind:<18} {len(those):5d}   at 1: {recall(those, 1):.3f}"
            f"   at {DEPTH}: {recall(those, DEPTH):.3f}"
        )
    return {
        "names": len(owners),
        "recall_at_1": at[1],
        f"recall_at_{DEPTH}": at[DEPTH],
        "ms": float(times.mean()),
        "false_alarms": false,
    }


def recall(results: Sequence[Result], k: int) -> float:
    """The share whose right record is among the first k."""
    return sum(r.place is not None and r.place < k for r in results) / max(1, len(results))


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description="Matching quality and cost on the demo's people.")
    parser.add_argument("--people", default="4000,100000")
    parser.add_argument("--asked", type=int, default=2_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = [report(int(n), given.asked) for n in given.people.split(",")]
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
