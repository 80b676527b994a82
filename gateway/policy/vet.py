"""Vet one policy set, in a process of its own that the gateway can kill.

Reads lines of JSON from standard input: at most one that names a set known before, to get ready by,
and whether it passed; then the request (the set, the agency, the limits). Writes one verdict to
standard output (JSON).

In order: the vocabulary is well formed, its elements exist in the standard schema; every module
compiles; none uses a built-in or an import that is not admitted, reads a path that no input has, or
uses a word that the vocabulary does not hold; every entrypoint gives outcomes of the exact schema
on fixed inputs, and on the largest that there can be; every test passes; no case takes longer than
its limit of CPU time. Asked for tests alone, it gives the result of each.

All of it is done anew for each set, but for the tests that passed in the set known before and that
the edit can't touch (`touched`).
"""

import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from gateway import niem
from gateway.errors import Misconfigured, PolicyRejected
from gateway.model import digest
from gateway.policy import builtins, folders
from gateway.policy.deciding import Deciding
from gateway.policy.embedded import Compiled, syntax_tree
from gateway.policy.engine import Limits
from gateway.policy.jurisdictions import unfinished
from gateway.policy.paths import unknown_paths
from gateway.policy.rules import ids_twice, unlisted_codes, unreadable, words_of
from gateway.policy.sets import TEST_SUFFIX, PolicySet, from_canonical
from gateway.policy.shared import Shared
from gateway.policy.suite import run_suite
from gateway.policy.syntax import Tree
from gateway.policy.timing import Clock
from gateway.policy.touched import touched
from gateway.policy.unread import unread
from gateway.policy.vocabulary import Vocabulary, read_vocabulary
from gateway.policy.words import unknown_words

_MEMORY = 2 * 1024**3
_PROCESSES = 4
"""The most that share the work, where there are as many cores."""


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
    limits: Limits,
    *,
    known: Known | None = None,
    passed: PolicySet | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Vet a set. Gives the numbers of tests and of those that ran, and the slowest case that did.

    `known`: what was seen before, so that only what is new is looked through. `passed`: a set whose
    modules are known and whose tests all passed, by these limits and this very program: what it
    has in common with the candidate is not tested again. `processes`: how many share the work; all
    but this one are forked. Raises `PolicyRejected`.
    """
    words = words_of(candidate)
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
    tests = run = _tests(looks)
    if passed is not None:
        reached = touched(passed, candidate, {m: s.look for m, s in seen.items()})
        run = [t for t in tests if tuple(t.path.split(".")[1:]) in reached]
    clock = Clock(limits.case_ms)
    pieces = [(_name(t), partial(_test, compiled, t, clock)) for t in run]
    deciding = undecided = None
    try:
        deciding = Deciding(candidate, words, self_ori, limits, clock)
        pieces += [(c.entrypoint, partial(deciding.decide, c)) for c in deciding.cases()]
    except PolicyRejected as error:
        undecided = error
    with Shared(len(pieces), lambda number: pieces[number][1](), processes) as shared:
        _refuse(unreadable(candidate))
        _refuse(unfinished(candidate, trees, looks))
        _refuse(unknown_paths(trees, candidate.data))
        _refuse(unread(looks))
        _refuse(unknown_words(candidate.data))
        _refuse(ids_twice(candidate))
        _refuse(unlisted_codes(trees, words))
        try:
            if undecided is not None:
                raise undecided
            if deciding is not None:
                deciding.decide_largest()
        except PolicyRejected:
            # A test that fails as well tells more of what is wrong.
            shared.finish()
            raise
        for number, took_ms in shared.finish().items():
            clock.add(pieces[number][0], took_ms)
    return {
        "tests": len(tests),
        "run": len(run),
        "slowest": clock.slowest,
        "slowest_ms": round(clock.worst_ms, 3),
    }


def _refuse(found: Iterator[builtins.Misuse]) -> None:
    for misuse in found:
        raise PolicyRejected(misuse.reason, where=misuse.where)


def _elements_exist(words: Vocabulary) -> None:
    for path in (*words.elements, *words.values):
        try:
            niem.resolve(path)
        except Misconfigured as error:
            raise _wrong("elements", error.detail) from None
    if words.wherever is None:
        raise _wrong(
            "wherever",
            "it is missing. Without it a person that stands in a thing or an event would leave "
            "under the class of that. Take it over from the shipped policies.",
        )
    try:
        niem.elements_of(words.wherever.offices)
        for kind, path in words.wherever.types.items():
            if path not in niem.elements_of([kind]):
                raise _wrong("wherever", f"'{path}' is not of the type {kind}")
    except Misconfigured as error:
        raise _wrong("wherever", error.detail) from None


def _wrong(key: str, why: str) -> PolicyRejected:
    return PolicyRejected(f"data.sallyport.vocabulary.{key}: {why}", where="data.json")


def _tests(looks: Iterable[builtins.Look]) -> list[builtins.TestRule]:
    tests: dict[str, builtins.TestRule] = {}
    for test in (t for look in looks for t in look.tests):
        if test.path in tests:
            raise PolicyRejected(f"test '{_name(test)}' is there twice", where=test.where)
        tests[test.path] = test
    if not tests:
        raise PolicyRejected(
            "the set has no test, so nothing says what its rules do: bring back the files "
            "*_test.rego, or write one beside the rules"
        )
    return list(tests.values())


def _name(test: builtins.TestRule) -> str:
    return test.path.removeprefix("data.")


def _test(compiled: Compiled, test: builtins.TestRule, clock: Clock) -> float:
    """Run one test. Gives its time in ms of CPU. Raises `PolicyRejected` if it does not hold."""
    work = partial(compiled.evaluate, test.path, b"{}")
    try:
        result, took_ms = clock.time(_name(test), test.where, work)
    except PolicyRejected as error:
        raise PolicyRejected(
            error.detail
            if _name(test) in error.detail
            else f"test '{_name(test)}': {error.detail}",
            where=error.where or test.where,
        ) from None
    if orjson.loads(result) is not True:
        raise PolicyRejected(
            f"test '{_name(test)}' failed: `sallyport policy test` shows which condition",
            where=test.where,
        )
    return took_ms


def program() -> str:
    """Name the program that vets: a set that passed by another one is tested whole.

    What is installed may be exchanged while a gateway runs.
    """
    ours = [m for n, m in sys.modules.items() if n.startswith(("__main__", "gateway", "regorus"))]
    files = {m.__file__ for m in ours if m.__file__}
    stats = [(f, s.st_ino, s.st_size, s.st_mtime_ns) for f in files for s in [Path(f).stat()]]
    return digest(orjson.dumps([sys.version, sorted(stats)]))


def main() -> None:
    """Get ready by a set known before, if one is named, then vet what comes."""
    known: Known | None = None
    passed: PolicySet | None = None
    this = program()
    request = orjson.loads(sys.stdin.buffer.readline())
    if "known" in request:
        with suppress(PolicyRejected):
            before = from_canonical(request["known"].encode())
            known = look_through(before.modules.items())
            _elements_exist(read_vocabulary(before.data))
            passed = before if request["passed_by"] == this else None
        line = sys.stdin.buffer.readline()
        if not line:
            os._exit(0)  # the gateway is gone, and needs nothing any more
        request = orjson.loads(line)
    verdict = _verdict(request, partial(vet, known=known, passed=passed))
    sys.stdout.buffer.write(orjson.dumps(verdict | {"program": this}))
    sys.stdout.flush()
    # Engines of foreign code are not worth tearing down in order.
    os._exit(0)


def _verdict(request: dict[str, Any], vetted: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    limits = Limits(**request["limits"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.vetting_s) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        candidate = from_canonical(request["set"].encode())
        if request["tests_only"]:
            return run_suite(candidate)
        processes = min(os.cpu_count() or 1, _PROCESSES)
        return vetted(candidate, request["self"], limits, processes=processes)
    except PolicyRejected as error:
        return {"rejected": error.detail, "where": error.where}


if __name__ == "__main__":
    main()
