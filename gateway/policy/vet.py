"""Vet one policy set, in a process of its own that the gateway can kill.

Reads a request from standard input (JSON: the set, the agency, the limits), writes one verdict to
standard output (JSON). In order: the vocabulary is well formed, its elements exist in the standard
schema; every module compiles; none uses a built-in or an import that is not admitted, reads a path
that no input has, or uses a word that the vocabulary does not hold; every test passes; every
entrypoint gives outcomes of the exact schema on fixed inputs; no case takes longer than the limit
of CPU time. Asked for tests alone, it gives the result of each.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from gateway import niem
from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy import builtins, decisions, fixed, folders
from gateway.policy.agreements import KEY, with_examples
from gateway.policy.embedded import Compiled
from gateway.policy.paths import unknown_paths
from gateway.policy.sets import PolicySet, from_canonical
from gateway.policy.suite import run_suite
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from gateway.policy.words import unknown_words

_MEMORY = 2 * 1024**3


def vet(candidate: PolicySet, self_ori: str, case_ms: float) -> dict[str, Any]:
    """Vet a set. Gives the number of tests and the slowest case. Raises `PolicyRejected`."""
    words = read_vocabulary(candidate.data)
    _elements_exist(words)
    if builtins.SYSTEM in candidate.data:
        raise PolicyRejected("data 'system' are the OPA server's own", where="data.json")
    compiled = Compiled(candidate.modules, candidate.data)
    trees = compiled.trees()
    for misuse in _misuses(candidate, trees):
        raise PolicyRejected(misuse.reason, where=misuse.where)
    # A set alone has no agreements: its examples show what it makes of some.
    whole = candidate if KEY in candidate.data else with_examples(candidate)
    deciding = Compiled(candidate.rules, whole.data)
    deciding.analyse()
    clock = _Clock(case_ms)
    # The engine looks for unsafe and recursive names only in what it evaluates: so, everything.
    for package in deciding.packages():
        clock.run(package, package, partial(deciding.query, package))
    tests = _run_tests(compiled, trees, clock)
    # The tests' modules are not there when it counts, so nothing may lean on them.
    _run_cases(deciding, words, self_ori, clock, whole.data[KEY])
    return {"tests": tests, "slowest": clock.slowest, "slowest_ms": round(clock.worst_ms, 3)}


def _misuses(candidate: PolicySet, trees: list[dict[str, Any]]) -> Iterator[builtins.Misuse]:
    yield from folders.misplaced(trees)
    yield from builtins.misuses(trees)
    yield from unknown_paths(trees, candidate.data)
    yield from unknown_words(candidate.data)


def _elements_exist(words: Vocabulary) -> None:
    for path in (*words.elements, *words.values):
        try:
            niem.resolve(path)
        except Misconfigured as error:
            raise PolicyRejected(
                f"data.sallyport.vocabulary.elements: {error.detail}", where="data.json"
            ) from None


class _Clock:
    """Times cases in CPU time: a busy machine must not make a set fail."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ms = limit_ms
        self.worst_ms = 0.0
        self.slowest = ""

    def run(self, case: str, where: str | None, work: Callable[[], bytes]) -> bytes:
        """Do the work of one case. Raises `PolicyRejected` if it is over the limit."""
        before = time.thread_time()
        done = work()
        took = (time.thread_time() - before) * 1000
        if took > self.worst_ms:
            self.worst_ms, self.slowest = took, case
        if took > self._limit_ms:
            raise PolicyRejected(
                f"'{case}' took {took:.0f} ms; the limit is {self._limit_ms:.0f} ms", where=where
            )
        return done


def _run_tests(compiled: Compiled, trees: list[dict[str, Any]], clock: _Clock) -> int:
    seen: set[str] = set()
    compiled.analyse()
    for test in builtins.test_rules(trees):
        name = test.path.removeprefix("data.")
        if test.path in seen:
            raise PolicyRejected(f"test '{name}' is there twice", where=test.where)
        seen.add(test.path)
        try:
            result = clock.run(name, test.where, partial(compiled.evaluate, test.path, b"{}"))
        except PolicyRejected as error:
            raise PolicyRejected(
                f"test '{name}': {error.detail}", where=error.where or test.where
            ) from None
        if orjson.loads(result) is not True:
            raise PolicyRejected(f"test '{name}' failed", where=test.where)
    if not seen:
        raise PolicyRejected("the set has no test")
    return len(seen)


def _run_cases(
    compiled: Compiled, words: Vocabulary, self_ori: str, clock: _Clock, agreed: dict[str, Any]
) -> None:
    def decide(entrypoint: str, case: dict[str, Any]) -> Any:
        rule = f"data.sallyport.{entrypoint}.decision"
        raw = orjson.dumps(case)
        return orjson.loads(clock.run(entrypoint, rule, partial(compiled.evaluate, rule, raw)))

    readers: dict[str, Callable[[Any, dict[str, Any]], object]] = {
        "ask": lambda o, _: decisions.read_ask(o, words),
        "answer": lambda o, _: decisions.read_answer(o, words),
        "release": lambda o, c: decisions.read_release(o, len(c["facts"]), words),
        "admit": lambda o, _: decisions.read_admit(o, words),
    }
    entrypoint = "agencies"
    try:
        listed = decisions.read_agencies(decide(entrypoint, fixed.agencies_case(self_ori)), words)
        oris = [str(a["ori"]) for a in listed]
        for entrypoint, case in fixed.cases(words, self_ori, oris, agreed):
            readers[entrypoint](decide(entrypoint, case), case)
    except PolicyUnavailable as error:
        where = f"data.sallyport.{entrypoint}.decision"
        raise PolicyRejected(error.detail, where=where) from None


def main() -> None:
    """Vet what comes on standard input."""
    request = orjson.loads(sys.stdin.buffer.read())
    seconds = int(request["vetting_s"]) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        candidate = from_canonical(request["set"].encode())
        verdict = (
            run_suite(candidate)
            if request["tests_only"]
            else vet(candidate, request["self"], request["case_ms"])
        )
    except PolicyRejected as error:
        verdict = {"rejected": error.detail, "where": error.where}
    sys.stdout.buffer.write(orjson.dumps(verdict))
    sys.stdout.flush()
    # Engines of foreign code are not worth tearing down in order.
    os._exit(0)


if __name__ == "__main__":
    main()
