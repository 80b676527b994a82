"""Has the rules of a set decide fixed cases, for vetting: each outcome read, each case timed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy import decisions, fixed
from gateway.policy.agreements import KEY, with_examples
from gateway.policy.embedded import Compiled
from gateway.policy.engine import Limits
from gateway.policy.rules import unlisted
from gateway.policy.sets import PolicySet
from gateway.policy.timing import Clock
from gateway.policy.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Case:
    """An entrypoint's name and its input."""

    entrypoint: str
    input: dict[str, Any]


class Deciding:
    """A set's rules, compiled without its tests: nothing may lean on those.

    A set alone has no agreements: its examples show what it makes of some. Raises `PolicyRejected`
    where a package can't be evaluated, or the agencies can't be listed.
    """

    def __init__(
        self, candidate: PolicySet, words: Vocabulary, self_ori: str, limits: Limits, clock: Clock
    ) -> None:
        self._words = words
        self._self = self_ori
        self._limits = limits
        self._clock = clock
        self._data = (candidate if KEY in candidate.data else with_examples(candidate)).data
        self._compiled = compiled = Compiled(candidate.rules, self._data)
        compiled.analyse()
        # The engine looks for unsafe and recursive names only in what it evaluates: so, everything.
        for package in compiled.packages():
            clock.add(package, clock.time(package, package, partial(compiled.query, package))[1])
        case = Case("agencies", fixed.agencies_case(self_ori))
        listed, took_ms = self._read(case, clock, case.entrypoint, decisions.read_agencies)
        clock.add(case.entrypoint, took_ms)
        self._oris = [str(a["ori"]) for a in listed]

    def cases(self) -> list[Case]:
        """Give the fixed cases, for `decide`."""
        found = fixed.cases(self._words, self._self, self._oris, self._data[KEY])
        return [Case(entrypoint, content) for entrypoint, content in found]

    def decide(self, case: Case) -> float:
        """Decide a case and read the outcome. Gives ms of CPU. Raises `PolicyRejected`."""
        return self._outcome(case, self._clock, case.entrypoint)

    def decide_largest(self) -> None:
        """Decide the largest inputs that there can be. Raises `PolicyRejected`.

        Nothing can stop an evaluation in process, so what these take is all it can take.
        """
        at_most = Clock(self._limits.largest_ms)
        size = self._limits.input_bytes
        for entrypoint, content in fixed.largest(
            self._words, self._data, self._self, self._oris, size
        ):
            name = f"{entrypoint} of the largest input"
            self._outcome(Case(entrypoint, content), at_most, name)

    def _outcome(self, case: Case, clock: Clock, name: str) -> float:
        readers: dict[str, Callable[[Any, Vocabulary], object]] = {
            "ask": decisions.read_ask,
            "answer": decisions.read_answer,
            "release": lambda o, w: decisions.read_release(o, len(case.input["facts"]), w),
            "admit": decisions.read_admit,
        }
        return self._read(case, clock, name, readers[case.entrypoint])[1]

    def _read(
        self, case: Case, clock: Clock, name: str, read: Callable[[Any, Vocabulary], Any]
    ) -> tuple[Any, float]:
        rule = f"data.sallyport.{case.entrypoint}.decision"
        work = partial(self._compiled.evaluate, rule, orjson.dumps(case.input))
        raw, took_ms = clock.time(name, rule, work)
        try:
            outcome = orjson.loads(raw)
            found = read(outcome, self._words), took_ms
        except PolicyUnavailable as error:
            raise PolicyRejected(error.detail, where=rule) from None
        for verdict in decisions.verdicts(outcome):
            for code in decisions.unlisted(verdict, self._words):
                raise PolicyRejected(unlisted(code), where=rule)
        return found
