"""Seeded chance that draws the same on every machine and in every Python.

Only `random.Random.random` is used: its sequence for an integer seed is promised by Python, while
those of `choice`, `sample` or `shuffle` may change between versions.
"""

import hashlib
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of chance of its own for each `path`, so that one person never shifts another."""

    def __init__(self, seed: int, *path: str | int) -> None:
        name = "/".join(str(p) for p in (seed, *path)).encode()
        self._random = random.Random(int.from_bytes(hashlib.sha256(name).digest()[:8]))

    def below(self, n: int) -> int:
        """Draw a whole number from 0 to n - 1."""
        return int(self._random.random() * n)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def happens(self, percent: float) -> bool:
        """Say yes in `percent` of a hundred draws."""
        return self._random.random() * 100 < percent

    def one(self, things: Sequence[T]) -> T:
        """Draw one thing, each as likely."""
        return things[self.below(len(things))]

    def early(self, things: Sequence[T]) -> T:
        """Draw one thing, the early ones more often: as some names are common and most are rare."""
        u = self._random.random()
        return things[int(u * u * len(things))]

    def weighted(self, things: Sequence[tuple[T, int]]) -> T:
        """Draw one thing by its weight."""
        left = self.below(sum(weight for _, weight in things))
        for thing, weight in things:
            left -= weight
            if left < 0:
                return thing
        raise ValueError("weights must be whole numbers above zero")

    def digits(self, n: int) -> str:
        """Draw `n` decimal digits."""
        return f"{self.below(10**n):0{n}d}"

    def day(self, first: date, last: date) -> date:
        """Draw a day from `first` to `last`, both included."""
        return first + timedelta(days=self.below((last - first).days + 1))
