"""What the index gives: a record's number, with how well and why it matches.

Policy hides records by their facts, after they were found. So nothing here may let one record take
another's place: where not all can be compared or given, each group of records that policy can't
tell apart is cut by itself, as if there were no others.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gateway.model import Band
from gateway.records.weights import POSSIBLE

Array = npt.NDArray[Any]

MOST_OF_GROUP = 500
"""Rows of one group that are compared for one question at most."""
MOST_COMPARED = 4_000
"""Rows of all groups together. Beyond it records do stand in each other's way: see docs/adr."""


@dataclass(frozen=True, slots=True)
class Match:
    """One record of a generation that matches. `number` counts from 0 within the generation.

    `score` is rounded, for people; `bits` is not, and orders matches, also of several sources.
    """

    number: int
    score: float
    band: Band
    compared: Mapping[str, str]
    bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many matches, and how good the least of them."""

    limit: int
    least: float = POSSIBLE


class Ranking(Protocol):
    """All that match one question. What policy then hides costs no more than to be compared."""

    def groups(self) -> frozenset[int]:
        """Give the groups of the records that match."""
        ...

    def numbers(self) -> frozenset[int]:
        """Give the numbers of the records that match."""
        ...

    def best(self, groups: Collection[int]) -> Iterator[Match]:
        """Give the matches of these groups, best first, each record once."""
        ...


def first_of_each(groups: Array, most: int) -> Array:
    """Tell of rows in order of merit whether they are among the first `most` of their group."""
    order = np.argsort(groups, kind="stable")
    sorted_groups = groups[order]
    starts = np.searchsorted(sorted_groups, sorted_groups)
    kept = np.empty(len(groups), dtype=bool)
    kept[order] = np.arange(len(groups)) - starts < most
    return kept
