"""What the index gives: a record's number, with how well and why it matches."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model import Band
from gateway.records.weights import POSSIBLE


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
