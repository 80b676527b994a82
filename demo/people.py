"""Generate the four agencies' legacy files and, apart from them, the truth.

    python -m demo.people OUT [--seed 20261120] [--people 4000]

The same seed and number of people give the same bytes on every machine (for the database: the same
SQL dump), and a person is the same however many others there are.
"""

import argparse
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from demo import border, california, cast, new_mexico, texas
from demo.chance import Chance
from demo.files import Truth, Written, as_json
from demo.person import Person, make

SEED = 20_261_120
PEOPLE = 4_000
AGENCIES = (texas.ORI, california.ORI, new_mexico.ORI, border.ORI)
TRUTH = "truth.jsonl"
MANIFEST = "manifest.json"

# Percent of all people who are known to an agency.
_SHARE = ((texas.ORI, 46), (california.ORI, 42), (border.ORI, 40))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was generated, from what."""

    seed: int
    people: int
    agencies: tuple[str, ...]
    files: tuple[Written, ...]

    def file(self, path: str) -> Written:
        """Find one file by its path below the output folder. Raises KeyError."""
        for f in self.files:
            if f.path == path:
                return f
        raise KeyError(path)

    def as_json(self) -> str:
        """Write the manifest for people and programs."""
        content = {
            "seed": self.seed,
            "people": self.people,
            "agencies": self.agencies,
            "files": as_json(self.files),
        }
        return json.dumps(content, indent=2) + "\n"


def generate(
    out: Path,
    *,
    seed: int = SEED,
    people: int = PEOPLE,
    agencies: Collection[str] = AGENCIES,
    everywhere: bool = False,
) -> Manifest:
    """Write `out/<ORI>/sources/…`, `out/truth.jsonl` and `out/manifest.json`.

    `people` is how many live in this world; each is known to some agencies. `everywhere` makes all
    of them known to each agency, for benchmarks over so many people in one. `agencies` limits what
    is written. Raises ValueError for fewer than 50 people or an unknown agency.
    """
    if people < 50:
        raise ValueError("a world of fewer than 50 people has nobody for every kind of record")
    if unknown := set(agencies) - set(AGENCIES):
        raise ValueError(f"no such agencies: {sorted(unknown)}")
    wanted = [a for a in AGENCIES if a in agencies]
    population = [
        make(seed, n, _known_to(seed, n, everywhere=everywhere)) for n in range(1, people + 1)
    ]
    truth = Truth()
    _describe(truth, population)
    files: list[Written] = []
    for ori in wanted:
        files += _write(ori, seed, population, truth, out)
    files.append(truth.write(out / TRUTH))
    manifest = Manifest(seed, people, tuple(wanted), tuple(files))
    (out / MANIFEST).write_text(manifest.as_json(), encoding="utf-8")
    return manifest


def _known_to(seed: int, number: int, *, everywhere: bool) -> frozenset[str]:
    if everywhere:
        return frozenset(ori for ori, _ in _SHARE)
    c = Chance(seed, "known", number)
    return frozenset([ori for ori, percent in _SHARE if c.happens(percent)])


def _describe(truth: Truth, population: Iterable[Person]) -> None:
    for p in population:
        truth.describe(
            p.key,
            {
                "given": p.given,
                "middle": p.middle,
                "surname": p.surname,
                "sex": p.sex,
                "birth_date": p.birth.isoformat(),
                "native": p.native,
                "licence": [p.licence_state, p.licence],
            },
        )
    cast.describe(truth)


def _write(ori: str, seed: int, population: list[Person], truth: Truth, out: Path) -> list[Written]:
    if ori == texas.ORI:
        sheriff = texas.Texas(seed, truth)
        cast.texas(sheriff, truth)
        texas.fill(sheriff, population)
        return texas.write(sheriff, out)
    if ori == california.ORI:
        police = california.California(seed, truth)
        cast.california(police, truth)
        california.fill(police, population)
        return california.write(police, out)
    if ori == border.ORI:
        sector = border.Border(seed, truth)
        cast.border(sector, truth)
        border.fill(sector, population)
        return border.write(sector, out)
    bureau = new_mexico.NewMexico(seed)
    cast.new_mexico(bureau)
    for i in range(1, max(60, len(population) // 2) + 1):
        bureau.incident(i)
    return new_mexico.write(bureau, out)


def main() -> None:
    """Generate from the command line."""
    parser = argparse.ArgumentParser(description="Generate the demo agencies' legacy files.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args()
    manifest = generate(given.out, seed=given.seed, people=given.people)
    for f in manifest.files:
        print(f"{f.records:7d} records {f.dirty:3d} untranslatable  {f.path}")


if __name__ == "__main__":
    main()
