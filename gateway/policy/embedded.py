"""Rego inside the process, by regorus. The only module that imports it.

What the engine is like, and what is done about it:

- It belongs to the thread that made it, also when it is dropped: another thread is refused, and
  what the collector finds on another waits for its own.
- It holds the interpreter while it decides, and can't be stopped: sets are vetted elsewhere first,
  and inputs are bounded in size.
- A panic can poison it, and after a failed `set_input_json` it decides on the input before. So each
  decision has a clone of its own, made from a master that only ever saw fixed inputs, and dropped
  afterwards whatever happened.
- A panic is a `BaseException`. It is caught, but never a cancellation or an exit.
- Its error texts hold values and native stack traces: they end here, with the error itself.
"""

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson
import regorus
import structlog

from gateway.background import ended
from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.alike import Alike
from gateway.policy.engine import ENTRYPOINTS, Decided, Limits
from gateway.policy.sets import PolicySet

# Else each error of a policy collects a native stack trace: 25 ms, and it would be thrown away.
os.environ.update(RUST_BACKTRACE="0", RUST_LIB_BACKTRACE="0")

_log = structlog.get_logger("sallyport.policy")
_T = TypeVar("_T")
_KEPT = 1024
"""Decisions kept, at most; each is some kilobytes."""
_SHARED = frozenset(ENTRYPOINTS) - {"release"}
"""What rests on the records found is decided each time: else an answer's time would tell who asks
twice whether a record with facts of its own, and so a hidden one, was found."""
UNDEFINED = "<undefined>"
_PASS_ON = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
_WARM = '{"v":1}'
_BACKTRACE = "\n\nStack backtrace"


@dataclass(frozen=True, slots=True)
class _Failure:
    """What an engine's call came to. The error itself is gone: its traceback held the input."""

    text: str
    panic: bool


def _run(call: Callable[[], _T]) -> _T | _Failure:
    """Call the engine. A panic, or any plain error, is a failure; the rest goes on its way."""
    try:
        return call()
    except _PASS_ON:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic is one; what must pass on has passed
        return _Failure(str(error), panic=not isinstance(error, Exception))


def _must(call: Callable[[], _T], path: str | None = None) -> _T:
    """Call the engine. Raises `PolicyRejected` with file, line and reason, for administrators."""
    done = _run(call)
    if isinstance(done, _Failure):
        raise _rejection(done.text, path)
    return done


_UNKNOWN_NAME = re.compile(r"(?:variable `|var )(\w+)`? is unsafe")


def _rejection(text: str, path: str | None) -> PolicyRejected:
    lines = text.partition(_BACKTRACE)[0].strip().splitlines()
    where, reason = path, lines[-1] if lines else "the engine failed"
    for line in lines:
        if line.startswith("--> "):
            where = line.removeprefix("--> ").rsplit(":", 1)[0]
        elif line.startswith("error: "):
            reason = line.removeprefix("error: ")
    return PolicyRejected(_plainer(reason), where=where)


def _plainer(reason: str) -> str:
    """Say what to do where the engine's words alone do not."""
    name = _UNKNOWN_NAME.search(reason)
    if name is not None:
        return f"'{name[1]}' is not known: no rule or variable here is called so. A misspelt name?"
    if "Missing package declaration" in reason:
        return "the file does not say which package it adds to: begin it with `package …`"
    return reason


def syntax_tree(path: str, text: str) -> dict[str, Any]:
    """Give the syntax tree of one module. Raises `PolicyRejected` with file and line."""

    def call() -> str:
        # Here, so that no error's traceback holds the engine: another thread might drop that.
        engine = regorus.Engine()
        engine.add_policy(path, text)
        raw: str = engine.get_ast_as_json()
        return raw

    (tree,) = orjson.loads(_must(call, path))
    found: dict[str, Any] = tree
    return found


def syntax_trees(modules: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the modules' syntax trees, in order. Raises `PolicyRejected` with file and line."""
    return [syntax_tree(path, text) for path, text in modules.items()]


_orphans: dict[int, list[Any]] = {}
"""Engines that another thread would have dropped, by the thread that must."""


class Compiled:
    """Modules and data, compiled for this thread. It only ever sees inputs on clones."""

    __slots__ = ("_master", "_owner")

    def __init__(self, modules: Mapping[str, str], data: Mapping[str, Any]) -> None:
        """Compile. Raises `PolicyRejected` with file and line."""
        self._owner = threading.get_ident()
        _orphans.pop(self._owner, None)
        self._master = regorus.Engine()
        for path, text in modules.items():
            _must(partial(self._master.add_policy, path, text), path)
        text = orjson.dumps(data).decode()
        _must(partial(self._master.add_data_json, text), "data.json")

    def __del__(self) -> None:
        """Leave the engine to its own thread, if the collector runs on another."""
        if threading.get_ident() != self._owner:
            _orphans.setdefault(self._owner, []).append(self._master)

    def packages(self) -> list[str]:
        """Name the packages: `data.a.b`."""
        found: list[str] = _must(self._master.get_packages)
        return sorted(set(found))

    def query(self, query: str) -> bytes:
        """Evaluate a query on a clone with an empty input, for vetting. Raises `PolicyRejected`."""

        def call() -> str:
            clone = self._master.clone()
            clone.set_input_json("{}")
            raw: str = clone.eval_query_as_json(query)
            return raw

        return _must(call).encode()

    def analyse(self) -> None:
        """Analyse the modules on the master itself: clones then need not, a sixth of the time."""
        _must(partial(self._master.set_input_json, "{}"))
        _must(partial(self._master.eval_query_as_json, "true"))

    def warm(self, rule: str) -> None:
        """Evaluate a rule on the master itself, with a fixed input. Raises `PolicyRejected`."""
        _must(partial(self._master.set_input_json, _WARM))
        _must(partial(self._master.eval_rule_as_json, rule))

    def evaluate(self, rule: str, input_json: bytes) -> bytes:
        """Evaluate on a clone, for vetting. Raises `PolicyRejected`, which may tell values."""
        return _must(partial(self.decide, rule, input_json))

    def evaluate_on(self, rule: str, input_json: bytes, data_json: bytes) -> bytes:
        """Evaluate on a clone with other data, to see what an outcome rests on."""

        def call() -> bytes:
            clone = self._master.clone()
            clone.clear_data()
            clone.add_data_json(data_json.decode())
            clone.set_input_json(input_json.decode())
            raw: str = clone.eval_rule_as_json(rule)
            return raw.encode()

        return _must(call)

    def lines_reached(self, rules: Iterable[str]) -> dict[str, tuple[set[int], set[int]]]:
        """Evaluate rules, and give for each file the lines that were looked at, and the others.

        Only lines that hold something to evaluate. Raises `PolicyRejected`.
        """

        def call() -> str:
            engine = self._master.clone()
            engine.set_enable_coverage(True)
            for rule in rules:
                engine.set_input_json("{}")
                # One that fails has reached lines all the same.
                _run(partial(engine.eval_rule_as_json, rule))
            raw: str = engine.get_coverage_report_as_json()
            return raw

        report = orjson.loads(_must(call))
        return {f["path"]: (set(f["covered"]), set(f["not_covered"])) for f in report["files"]}

    def decide(self, rule: str, input_json: bytes) -> bytes:
        """Evaluate a rule on a clone. Raises whatever the engine raises. Gives JSON."""
        clone = self._master.clone()
        clone.set_input_json(input_json.decode())
        raw: str = clone.eval_rule_as_json(rule)
        return raw.encode()


class EmbeddedEngine:
    """Decides in process, within the call: it never waits."""

    name = "embedded"

    def __init__(self, limits: Limits | None = None) -> None:
        self._owner = threading.get_ident()
        self._most_s = (limits or Limits()).decision_ms / 1000
        self._compiled: Compiled | None = None
        self._active: PolicySet | None = None
        self._alike: Alike | None = None
        """Which questions share a decision; None while that is found out."""
        self._looking: asyncio.Task[None] | None = None
        self._decided: dict[tuple[str, bytes], Any] = {}

    async def activate(self, candidate: PolicySet) -> None:
        """Compile, warm and switch. Raises `PolicyRejected`; the old set then stays."""
        self._check_thread()
        compiled = _warmed(candidate)
        await ended(self._looking)
        self._compiled, self._alike, self._active = compiled, None, candidate
        self._decided.clear()
        self._looking = asyncio.create_task(self._look_through(candidate))

    async def _look_through(self, candidate: PolicySet) -> None:
        """See which questions this set decides alike. It decides meanwhile: each by itself."""
        trees = []
        try:
            for path, text in candidate.rules.items():
                trees.append(syntax_tree(path, text))
                await asyncio.sleep(0)
            self._alike = await Alike.of(trees, candidate.data)
        except Exception as error:  # noqa: BLE001 - it only saves work: without it, each is decided
            _log.error("each question is decided by itself", kind=type(error).__name__)

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        """Evaluate one entrypoint on a clone. Raises `PolicyUnavailable`, with no cause shown."""
        self._check_thread()
        if self._compiled is None or self._active is None:
            raise PolicyUnavailable("no policy set is active")
        # A decision is a function of its input and the set. `now` is in whole seconds: who asks the
        # same shares a decision for a second, and no longer.
        shared = entrypoint in _SHARED
        same = self._alike.key(input_json) if self._alike else input_json
        key = (entrypoint, same) if shared else None
        known = self._decided.get(key) if key else None
        if known is not None:
            return Decided(known, self._active.revision)
        rule = f"data.sallyport.{entrypoint}.decision"
        before = time.thread_time()
        raw = _run(partial(self._compiled.decide, rule, input_json))
        # Nothing can stop an evaluation in process: vetting keeps slow sets out. What got by is
        # refused all the same, as a server's late answer is, so that nobody comes to rely on it.
        late = time.thread_time() - before > self._most_s
        if isinstance(raw, _Failure):
            if raw.panic:
                # What the clones share may be poisoned: start from a new master.
                self._compiled = _warmed(self._active)
            # Its text may hold the caller's values; the entrypoint's name is all that may go on.
            raise PolicyUnavailable(f"the policy failed in '{entrypoint}'")
        if late:
            raise PolicyUnavailable(
                f"the policy took too long in '{entrypoint}', so nothing is asked or given: ask "
                "for less, and tell the administrator of the policies"
            )
        outcome = orjson.loads(raw)
        if outcome == UNDEFINED:
            raise PolicyUnavailable(f"the policy has no decision for '{entrypoint}'")
        if key:
            if len(self._decided) >= _KEPT:
                self._decided.clear()
            self._decided[key] = outcome
        return Decided(outcome, self._active.revision)

    def trouble(self) -> str | None:
        """Give None: an error here is one input's own, not the engine's."""
        return None

    async def close(self) -> None:
        """Drop the engine, on the thread that owns it."""
        self._check_thread()
        await ended(self._looking)
        self._compiled = None
        self._decided.clear()

    def _check_thread(self) -> None:
        if threading.get_ident() != self._owner:
            raise PolicyUnavailable("the policy engine belongs to another thread")


def _warmed(candidate: PolicySet) -> Compiled:
    compiled = Compiled(candidate.rules, candidate.data)
    for entrypoint in ENTRYPOINTS:
        compiled.warm(f"data.sallyport.{entrypoint}.decision")
    return compiled
