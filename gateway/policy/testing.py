"""A set's tests in both engines, side by side: what each came to, and which rules they reach.

A rule is reached in an engine where some test has it come out there, with all its conditions; each
`else` and each default counts by itself. A test is good if it passed in every engine that ran.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.policy.engine import Limits
from gateway.policy.marking import Part
from gateway.policy.opa_program import OpaProgram
from gateway.policy.probing import Expected
from gateway.policy.sets import PolicySet
from gateway.policy.vetting import Vetter

EMBEDDED, OPA = "embedded", "opa"
_ABSENT = "not run"


@dataclass(frozen=True, slots=True)
class Tested:
    """One test: its outcome in each engine (passed, failed, error, skipped, not run), and why."""

    name: str
    where: str
    ms: float
    outcomes: Mapping[str, str]
    why: Mapping[str, str]
    expected: Expected | None = None

    @property
    def good(self) -> bool:
        """Whether it passed, everywhere."""
        return set(self.outcomes.values()) == {"passed"}

    @property
    def differs(self) -> bool:
        """Whether the engines do not agree."""
        return len(set(self.outcomes.values())) > 1


@dataclass(frozen=True, slots=True)
class Reached:
    """How much of a file's rules and lines some test reaches, by engine."""

    file: str
    parts: int
    unreached: Mapping[str, tuple[Part, ...]]
    lines: Mapping[str, tuple[int, tuple[int, ...]]]
    """By engine: how many lines hold something to evaluate, and those that no test looked at."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `unmeasured` says by engine why there is no coverage of it."""

    engines: tuple[str, ...]
    tests: tuple[Tested, ...]
    files: tuple[Reached, ...]
    unmeasured: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether there are tests, and all passed in every engine that ran."""
        return bool(self.tests) and all(t.good for t in self.tests)

    def percent(self, engine: str) -> tuple[float, float] | None:
        """Give how many per cent of the rules and of the lines are reached; None: unmeasured."""
        if engine in self.unmeasured:
            return None
        parts = sum(f.parts for f in self.files)
        unreached = sum(len(f.unreached[engine]) for f in self.files)
        lines = sum(f.lines[engine][0] for f in self.files if engine in f.lines)
        missed = sum(len(f.lines[engine][1]) for f in self.files if engine in f.lines)
        return _percent(parts, unreached), _percent(lines, missed)


async def run_tests(candidate: PolicySet, limits: Limits, opa: OpaProgram | None) -> Report:
    """Run every test in the embedded engine, and by the OPA program if there is one.

    Raises `PolicyRejected` where the set can't be run, Misconfigured where the program can't.
    """
    own = await Vetter(limits).run_suite(candidate)
    theirs = opa.tests(candidate) if opa else None
    tests = tuple(_side_by_side(own["results"], theirs))
    unmeasured = {EMBEDDED: own["coverage"]["unmeasured"]} if own["coverage"]["unmeasured"] else {}
    coverage: dict[str, Any] | None = None
    if opa and theirs is not None:
        if all(r["outcome"] == "passed" for r in theirs):
            coverage = opa.coverage(candidate)
        else:
            unmeasured[OPA] = "OPA measures coverage only where every test passes"
    engines = (EMBEDDED, OPA) if opa else (EMBEDDED,)
    files = tuple(_files(own["coverage"], coverage))
    return Report(engines, tests, files, unmeasured)


def _side_by_side(
    own: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]] | None
) -> Iterator[Tested]:
    others = {(r["name"], r["where"]): r for r in theirs or ()}
    for result in own:
        other = others.pop((result["name"], result["where"]), None)
        outcomes, why = {EMBEDDED: result["outcome"]}, {}
        if result["why"]:
            why[EMBEDDED] = result["why"]
        if theirs is not None:
            outcomes[OPA] = other["outcome"] if other else _ABSENT
            if other and other["why"]:
                why[OPA] = other["why"]
        expected = Expected(**result["expected"]) if result["expected"] else None
        yield Tested(result["name"], result["where"], result["ms"], outcomes, why, expected)
    for other in others.values():
        outcomes = {EMBEDDED: _ABSENT, OPA: other["outcome"]}
        why = {OPA: other["why"]} if other["why"] else {}
        yield Tested(other["name"], other["where"], 0.0, outcomes, why)


def _files(own: Mapping[str, Any], opa: Mapping[str, Any] | None) -> Iterator[Reached]:
    by_file: dict[str, list[tuple[Part, bool]]] = {}
    for found in own["parts"]:
        part = Part(found["file"], found["line"], found["column"], found["rule"])
        by_file.setdefault(part.file, []).append((part, found["reached"]))
    for file, parts in by_file.items():
        unreached = {EMBEDDED: tuple(p for p, reached in parts if not reached)}
        lines = {}
        if found := own["lines"].get(file):
            lines[EMBEDDED] = _lines(found)
        if opa is not None:
            found = opa.get(file, {"starts": [], "reached": [], "missed": []})
            starts = {tuple(s) for s in found["starts"]}
            unreached[OPA] = tuple(p for p, _ in parts if (p.line, p.column) not in starts)
            lines[OPA] = _lines(found)
        yield Reached(file, len(parts), unreached, lines)


def _lines(found: Mapping[str, Any]) -> tuple[int, tuple[int, ...]]:
    return len(found["reached"]) + len(found["missed"]), tuple(found["missed"])


def _percent(whole: int, missing: int) -> float:
    return round(100 * (whole - missing) / whole, 1) if whole else 100.0
