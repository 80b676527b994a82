"""Learn how often terms agree: `python -m bench.train_weights [--write]`.

From records without truth. u comes from pairs at random. m comes from expectation maximisation with
u held fixed, on pairs that share a key, in two passes, so that no term is learned from pairs chosen
by it: names and sex from pairs with one birth date, birth dates from pairs whose names sound alike.
The pairs' truth is used only to print beside each m what it should have been.
"""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from bench.people import Population, question, record
from gateway.records.columns import NAME_PARTS, Builder
from gateway.records.compare import NameSet, NameTable, birth_levels, digits_of
from gateway.records.index import ask
from gateway.records.keys import birth_key, hashes, sound_keys
from gateway.records.persons import AskedPerson
from gateway.records.terms import extract
from gateway.records.weights import BirthLevel, NameLevel, weights

Array = npt.NDArray[Any]
FILE = Path(__file__).parent.parent / "gateway" / "records" / "weights.json"
PEOPLE = 40_000
ASKED = 8_000
AT_RANDOM = 200
TERMS = {"surname": 8, "given": 8, "swapped": 2, "birth_date": 7, "sex": 3}
_PSEUDO = 0.5


class Pairs:
    """Levels of pairs, a column a term; `true` only to compare with."""

    def __init__(self) -> None:
        self.parts: list[Array] = []
        self.true: list[Array] = []

    def add(self, table: NameTable, asked: AskedPerson, rows: Array, it: int) -> None:
        """Compare a question with these rows. `it` is the row of the same person."""
        columns = table.columns
        names = NameSet(table, np.stack([columns[f"row.{p}"][rows] for p in NAME_PARTS])).levels(
            asked.names[0]
        )
        births = columns["row.birth"][rows]
        birth = np.full(len(rows), int(BirthLevel.MISSING))
        if asked.birth:
            birth = birth_levels(births, digits_of(births), asked.birth)
        sex = (columns["person.sex"][columns["row.person"][rows]] != ord(asked.sex)).astype(int)
        self.parts.append(np.stack([names.surname, names.given, names.swapped, birth, sex]))
        self.true.append(columns["row.person"][rows] == it)

    def table(self) -> tuple[Array, Array]:
        """Give all pairs, shape (terms, pairs), and which are true."""
        return np.concatenate(self.parts, axis=1).astype(np.int64), np.concatenate(self.true)


def shares(levels: Array, weight: Array, size: int) -> Array:
    """Give the smoothed share of each level."""
    counts = np.bincount(levels, weights=weight, minlength=size) + _PSEUDO
    return np.asarray(counts / counts.sum())


def learn(pairs: Array, u: Sequence[Array], terms: Sequence[int]) -> tuple[list[Array], Array]:
    """Learn m of these terms, u being known. Returns m and the chance of each pair to be true.

    Pairs whose names changed places say nothing of the levels of surname and given name.
    """
    straight = pairs[2] == 0
    m = [np.full(len(x), 1.0) for x in u]
    for t in terms:
        m[t] = np.linspace(len(u[t]), 1, len(u[t])) ** 3
        m[t] /= m[t].sum()
    share, chance = 0.05, np.zeros(pairs.shape[1])
    for _ in range(60):
        odds = np.full(pairs.shape[1], share / (1 - share))
        for t in terms:
            ratio = (m[t] / u[t])[pairs[t]]
            odds *= np.where(straight, ratio, 1.0) if t < 2 else ratio
        chance = odds / (1 + odds)
        share = float(chance.mean())
        for t in terms:
            used = straight if t < 2 else np.ones_like(straight)
            m[t] = shares(pairs[t][used], chance[used], len(u[t]))
    return m, chance


def main(*, write: bool) -> None:
    """Learn, print beside the truth, and write the file if asked to."""
    population = Population(2024)
    people = [population.person() for _ in range(PEOPLE)]
    builder = Builder()
    for n, p in enumerate(people):
        builder.add(n, 0, extract(record(population.damage(p), n).message))
    columns = builder.finish()
    table = NameTable(columns, weights())
    random, dated, named = Pairs(), Pairs(), Pairs()
    rng = np.random.default_rng(7)
    for it in range(ASKED):
        asked = ask(question(population.damage(people[it])), date(2026, 11, 23))
        if not isinstance(asked, AskedPerson) or not asked.names:
            continue
        random.add(table, asked, rng.integers(0, PEOPLE, AT_RANDOM), -1)
        by_birth = {birth_key(asked.birth)} if asked.birth else set[int]()
        for pairs, keys in ((dated, by_birth), (named, sound_keys(asked.names[0]))):
            chosen = columns.postings["row"].lookup(hashes(keys))
            rows = np.unique(np.concatenate(chosen)) if chosen else np.empty(0, int)
            if len(rows):
                pairs.add(table, asked, rows, it)
    at_random, _ = random.table()
    every = np.ones(at_random.shape[1])
    u = [shares(at_random[t], every, n) for t, n in enumerate(TERMS.values())]
    m = [np.zeros(0)] * len(TERMS)
    for pairs, terms in ((dated, (0, 1, 2, 4)), (named, (3, 4))):
        levels, true = pairs.table()
        learned, _ = learn(levels, u, terms)
        for t in (t for t in terms if not len(m[t])):
            m[t] = learned[t]
            fair = true & (levels[2] == 0) if t < 2 else true
            report(t, m[t], u[t], shares(levels[t][fair], np.ones(int(fair.sum())), len(u[t])))
    if write:
        data = orjson.loads(FILE.read_bytes())
        update(data, m, u)
        FILE.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n")


def update(data: dict[str, Any], m: Sequence[Array], u: Sequence[Array]) -> None:
    """Put m and u into the file's form, missing values left out of the shares."""
    for t, (name, levels) in enumerate((("surname", NameLevel), ("given", NameLevel))):
        data[name] = _levels(m[t], u[t], list(levels))
    data["birth_date"] = _levels(m[3], u[3], list(BirthLevel))
    # How a swapped name agrees is counted by its levels; here only how often names are swapped.
    data["swapped"] = [round(float(m[2][1]), 5), 1.0]
    both = zip(("same", "different"), m[4], u[4], strict=False)
    data["sex"] = {word: [round(float(a), 5), round(float(b), 5)] for word, a, b in both}


def _levels(m: Array, u: Array, levels: Sequence[Any]) -> dict[str, list[float]]:
    known = slice(0, len(levels) - 1)  # the last level is MISSING
    m, u = m[known] / m[known].sum(), u[known] / u[known].sum()
    # A better level never weighs less than a worse one; where the sample says so, it is too small.
    ratio = np.maximum.accumulate((m / u)[::-1])[::-1]
    return {
        level.name.lower(): [float(f"{r * b:.4g}"), float(f"{b:.4g}")]
        for level, r, b in zip(levels, ratio, u, strict=False)
    }


def report(term: int, m: Array, u: Array, truth: Array) -> None:
    """Print one term's levels."""
    print(f"{list(TERMS)[term]:12} {'m':>9} {'(truth)':>9} {'u':>9} {'bits':>6}")
    for level, (a, b, c) in enumerate(zip(m, truth, u, strict=True)):
        print(f"{level:12} {a:9.5f} {b:9.5f} {c:9.6f} {np.log2(a / c):6.1f}")


if __name__ == "__main__":
    main(write="--write" in sys.argv)
