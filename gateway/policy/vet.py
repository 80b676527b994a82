"""Vet one policy set, in a process of its own that the gateway can kill.

Reads lines of JSON from standard input: at most one that names a set known before, to get ready by;
then the request (the set, the agency, the limits). Writes one verdict to standard output (JSON).

In order: the vocabulary is well formed, its elements exist in the standard schema; every module
compiles; none uses a built-in or an import that is not admitted, reads a path that no input has, or
uses a word that the vocabulary does not hold; every entrypoint gives outcomes of the exact schema
on fixed inputs, and on the largest that there can be; every test passes; no case takes longer than
its limit of CPU time. Asked for tests alone, it gives the result of each.
"""

import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from gateway import niem
from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy import builtins, decisions, fixed, folders
from gateway.policy.agreements import KEY, with_examples
from gateway.policy.embedded import Compiled, syntax_tree
from gateway.policy.engine import Limits
from gateway.policy.paths import unknown_paths
from gateway.policy.sets import TEST_SUFFIX, PolicySet, from_canonical
from gateway.policy.shared import Shared
from gateway.policy.suite import run_suite
from gateway.policy.syntax import Tree
from gateway.policy.unread import unread
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from gateway.policy.words import unknown_words

_MEMORY = 2 * 1024**3
_LIMITS = Limits()
_TRIES = 3
"""Of a case that takes too long: beside others on a core it may take four times as long, once."""
_PROCESSES = 4
"""The most that share the tests, where there are as many cores."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in a module, and the syntax tree of one that decides: tests' are large."""

    look: builtins.Look
    tree: Tree | None


Known = dict[tuple[str, str], Seen]
"""What was seen before, by path and text."""


def look_through(modules: Iterable[tuple[str, str]]) -> Known:
    """Look through modules, path and text. Raises `PolicyRejected` where one does not parse."""
    found = {}
    for path, text in modules:
        tree = syntax_tree(path, text)
        decides = not path.endswith(TEST_SUFFIX)
        found[path, text] = Seen(builtins.look(tree), tree if decides else None)
    return found


def vet(
    candidate: PolicySet,
    self_ori: str,
    case_ms: float,
    *,
    known: Known | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Vet a set. Gives the number of tests and the slowest case. Raises `PolicyRejected`.

    `known`: what was seen before, so that only what is new is looked through. `processes`: how many
    share the tests; all but this one are forked.
    """
    words = read_vocabulary(candidate.data)
    _elements_exist(words)
    if builtins.SYSTEM in candidate.data:
        raise PolicyRejected("data 'system' are the OPA server's own", where="data.json")
    compiled = Compiled(candidate.modules, candidate.data)
    seen = dict(known or {})
    seen |= look_through(m for m in candidate.modules.items() if m not in seen)
    modules = [seen[m] for m in candidate.modules.items()]
    trees = [m.tree for m in modules if m.tree is not None]
    looks = [m.look for m in modules]
    # Before anything runs: what is not admitted may never end, or end the process.
    _refuse(folders.misplaced(trees))
    _refuse(builtins.misuses(looks))
    compiled.analyse()
    tests = _tests(looks)
    clock = Clock(case_ms)
    with Shared(len(tests), partial(_test, compiled, tests, clock), processes) as shared:
        _refuse(unknown_paths(trees, candidate.data))
        _refuse(unread(looks))
        _refuse(unknown_words(candidate.data))
        try:
            _decides(candidate, words, self_ori, clock)
        except PolicyRejected:
            # A test that fails as well tells more of what is wrong.
            shared.finish()
            raise
        for number, took_ms in shared.finish().items():
            clock.add(_name(tests[number]), took_ms)
    return {"tests": len(tests), "slowest": clock.slowest, "slowest_ms": round(clock.worst_ms, 3)}


def _refuse(found: Iterator[builtins.Misuse]) -> None:
    for misuse in found:
        raise PolicyRejected(misuse.reason, where=misuse.where)


def _elements_exist(words: Vocabulary) -> None:
    for path in (*words.elements, *words.values):
        try:
            niem.resolve(path)
        except Misconfigured as error:
            raise PolicyRejected(
                f"data.sallyport.vocabulary.elements: {error.detail}", where="data.json"
            ) from None


class Clock:
    """Times cases in CPU time: a busy machine must not make a set fail."""

    def __init__(self, limit_ms: float) -> None:
        self._limit_ms = limit_ms
        self.worst_ms = 0.0
        self.slowest = ""

    def run(self, case: str, where: str | None, work: Callable[[], bytes]) -> tuple[bytes, float]:
        """Do the work of one case, and time it. Raises `PolicyRejected` if it is over the limit.

        What is over it is done again, and the least time counts.
        """
        took = math.inf
        for _ in range(_TRIES):
            before = time.thread_time()
            done = work()
            took = min(took, (time.thread_time() - before) * 1000)
            if took <= self._limit_ms:
                break
        self.add(case, took)
        if took > self._limit_ms:
            raise PolicyRejected(
                f"'{case}' took {took:.0f} ms; the limit is {self._limit_ms:.0f} ms", where=where
            )
        return done, took

    def add(self, case: str, took_ms: float) -> None:
        """Keep the slowest case."""
        if took_ms > self.worst_ms:
            self.worst_ms, self.slowest = took_ms, case


def _tests(looks: Iterable[builtins.Look]) -> list[builtins.TestRule]:
    tests: dict[str, builtins.TestRule] = {}
    for test in (t for look in looks for t in look.tests):
        if test.path in tests:
            raise PolicyRejected(f"test '{_name(test)}' is there twice", where=test.where)
        tests[test.path] = test
    if not tests:
        raise PolicyRejected("the set has no test")
    return list(tests.values())


def _name(test: builtins.TestRule) -> str:
    return test.path.removeprefix("data.")


def _test(
    compiled: Compiled, tests: Sequence[builtins.TestRule], clock: Clock, number: int
) -> float:
    """Run one test. Gives its time in ms of CPU. Raises `PolicyRejected` if it does not hold."""
    test = tests[number]
    work = partial(compiled.evaluate, test.path, b"{}")
    try:
        result, took_ms = clock.run(_name(test), test.where, work)
    except PolicyRejected as error:
        raise PolicyRejected(
            f"test '{_name(test)}': {error.detail}", where=error.where or test.where
        ) from None
    if orjson.loads(result) is not True:
        raise PolicyRejected(f"test '{_name(test)}' failed", where=test.where)
    return took_ms


def _decides(candidate: PolicySet, words: Vocabulary, self_ori: str, clock: Clock) -> None:
    """Have the rules decide fixed cases, without the tests: nothing may lean on those.

    A set alone has no agreements: its examples show what it makes of some.
    """
    whole = candidate if KEY in candidate.data else with_examples(candidate)
    compiled = Compiled(candidate.rules, whole.data)
    compiled.analyse()
    # The engine looks for unsafe and recursive names only in what it evaluates: so, everything.
    for package in compiled.packages():
        clock.run(package, package, partial(compiled.query, package))
    _run_cases(compiled, words, self_ori, clock, dict(whole.data))


def _run_cases(
    compiled: Compiled, words: Vocabulary, self_ori: str, clock: Clock, data: dict[str, Any]
) -> None:
    # Nothing can stop an evaluation in process, so what the largest inputs take is all it can take.
    at_most = Clock(_LIMITS.largest_ms)

    def decide(entrypoint: str, case: dict[str, Any], *, largest: bool = False) -> Any:
        rule = f"data.sallyport.{entrypoint}.decision"
        work = partial(compiled.evaluate, rule, orjson.dumps(case))
        if largest:
            return orjson.loads(at_most.run(f"{entrypoint} of the largest input", rule, work)[0])
        return orjson.loads(clock.run(entrypoint, rule, work)[0])

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
        for entrypoint, case in fixed.cases(words, self_ori, oris, data[KEY]):
            readers[entrypoint](decide(entrypoint, case), case)
        for entrypoint, case in fixed.largest(words, data, self_ori, oris, _LIMITS.input_bytes):
            readers[entrypoint](decide(entrypoint, case, largest=True), case)
    except PolicyUnavailable as error:
        where = f"data.sallyport.{entrypoint}.decision"
        raise PolicyRejected(error.detail, where=where) from None


def main() -> None:
    """Get ready by a set known before, if one is named, then vet what comes."""
    known: Known | None = None
    request = orjson.loads(sys.stdin.buffer.readline())
    if "known" in request:
        with suppress(PolicyRejected):
            before = from_canonical(request["known"].encode())
            known = look_through(before.modules.items())
            _elements_exist(read_vocabulary(before.data))
        line = sys.stdin.buffer.readline()
        if not line:
            os._exit(0)  # the gateway is gone, and needs nothing any more
        request = orjson.loads(line)
    verdict = _verdict(request, known)
    sys.stdout.buffer.write(orjson.dumps(verdict))
    sys.stdout.flush()
    # Engines of foreign code are not worth tearing down in order.
    os._exit(0)


def _verdict(request: dict[str, Any], known: Known | None) -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + request["vetting_s"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        candidate = from_canonical(request["set"].encode())
        if request["tests_only"]:
            return run_suite(candidate)
        processes = min(os.cpu_count() or 1, _PROCESSES)
        return vet(candidate, request["self"], request["case_ms"], known=known, processes=processes)
    except PolicyRejected as error:
        return {"rejected": error.detail, "where": error.where}


if __name__ == "__main__":
    main()
