"""Rego inside the process, by regorus. The only module that imports it.

What the engine is like, and what is done about it:

- It belongs to the thread that made it, also when it is dropped: another thread is refused.
- It holds the interpreter while it decides, and can't be stopped: sets are vetted elsewhere first,
  and inputs are bounded in size.
- A panic can poison it, and after a failed `set_input_json` it decides on the input before. So each
  decision has a clone of its own, made from a master that only ever saw fixed inputs, and dropped
  afterwards whatever happened.
- A panic is a `BaseException`. It is caught, but never a cancellation or an exit.
- Its error texts hold values and native stack traces: they end here.
"""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import regorus

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.engine import ENTRYPOINTS, Decided
from gateway.policy.sets import PolicySet

UNDEFINED = "<undefined>"
_PASS_ON = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
_WARM = '{"v":1}'
_RULES: Mapping[str, str] = {e: f"data.sallyport.{e}.decision" for e in ENTRYPOINTS}
_BACKTRACE = "\n\nStack backtrace"


def _is_failure(error: BaseException) -> bool:
    """Whether it is the engine's panic, or any plain error; the rest must go on its way."""
    return not isinstance(error, _PASS_ON)


class Compiled:
    """Modules and data, compiled for this thread. It only ever sees inputs on clones."""

    __slots__ = ("_master",)

    def __init__(self, modules: Mapping[str, str], data: Mapping[str, Any]) -> None:
        """Compile. Raises `PolicyRejected` with file and line."""
        self._master = regorus.Engine()
        for path, text in modules.items():
            with _rejected(path):
                self._master.add_policy(path, text)
        with _rejected("data.json"):
            self._master.add_data_json(orjson.dumps(data).decode())

    def trees(self) -> list[dict[str, Any]]:
        """Give the modules' syntax trees."""
        with _rejected(None):
            trees: list[dict[str, Any]] = orjson.loads(self._master.get_ast_as_json())
        return trees

    def packages(self) -> list[str]:
        """Name the packages: `data.a.b`."""
        with _rejected(None):
            found: list[str] = self._master.get_packages()
        return sorted(set(found))

    def query(self, query: str) -> bytes:
        """Evaluate a query on a clone with an empty input, for vetting. Raises `PolicyRejected`."""
        with _rejected(None):
            clone = self._master.clone()
            clone.set_input_json("{}")
            raw: str = clone.eval_query_as_json(query)
        return raw.encode()

    def warm(self, rule: str, input_json: bytes) -> None:
        """Evaluate a rule on the master itself, with a fixed input. Raises `PolicyRejected`."""
        with _rejected(None):
            self._master.set_input_json(input_json.decode())
            self._master.eval_rule_as_json(rule)

    def evaluate(self, rule: str, input_json: bytes) -> bytes:
        """Evaluate on a clone, for vetting. Raises `PolicyRejected`, which may tell values."""
        with _rejected(None):
            return self.decide(rule, input_json)

    def decide(self, rule: str, input_json: bytes) -> bytes:
        """Evaluate a rule on a clone. Raises whatever the engine raises. Gives JSON."""
        clone = self._master.clone()
        clone.set_input_json(input_json.decode())
        raw: str = clone.eval_rule_as_json(rule)
        return raw.encode()


@contextmanager
def _rejected(path: str | None) -> Iterator[None]:
    """Turn the engine's errors into `PolicyRejected` with file, line and reason."""
    try:
        yield
    except BaseException as error:
        if not _is_failure(error):
            raise
        raise _rejection(error, path) from None


def _rejection(error: BaseException, path: str | None) -> PolicyRejected:
    text = str(error).split(_BACKTRACE)[0].strip()
    where = path
    reason = text.splitlines()[-1] if text else type(error).__name__
    for line in text.splitlines():
        if line.startswith("--> "):
            where = line.removeprefix("--> ").rsplit(":", 1)[0]
        elif line.startswith("error: "):
            reason = line.removeprefix("error: ")
    return PolicyRejected(reason, where=where)


class EmbeddedEngine:
    """Decides in process, within the call: it never waits."""

    name = "embedded"

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._compiled: Compiled | None = None
        self._active: PolicySet | None = None

    async def activate(self, candidate: PolicySet) -> None:
        """Compile, warm and switch. Raises `PolicyRejected`; the old set then stays."""
        self._check_thread()
        self._compiled = _warmed(candidate)
        self._active = candidate

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        """Evaluate one entrypoint on a clone. Raises `PolicyUnavailable`, with no cause shown."""
        self._check_thread()
        if self._compiled is None or self._active is None:
            raise PolicyUnavailable("no policy set is active")
        try:
            outcome = orjson.loads(self._compiled.decide(_RULES[entrypoint], input_json))
        except BaseException as error:
            if not _is_failure(error):
                raise
            if not isinstance(error, Exception):
                # A panic. What the clones share may be poisoned: start from a new master.
                self._compiled = _warmed(self._active)
            # The text may hold the caller's values; the entrypoint's name is all that may go on.
            raise PolicyUnavailable(f"the policy failed in '{entrypoint}'") from None
        if outcome == UNDEFINED:
            raise PolicyUnavailable(f"the policy has no decision for '{entrypoint}'")
        return Decided(outcome, self._active.revision)

    def trouble(self) -> str | None:
        """Give None: an error here is one input's own, not the engine's."""
        return None

    async def close(self) -> None:
        """Drop the engine, on the thread that owns it."""
        self._check_thread()
        self._compiled = None

    def _check_thread(self) -> None:
        if threading.get_ident() != self._owner:
            raise PolicyUnavailable("the policy engine belongs to another thread")


def _warmed(candidate: PolicySet) -> Compiled:
    compiled = Compiled(candidate.rules, candidate.data)
    for rule in _RULES.values():
        compiled.warm(rule, _WARM.encode())
    return compiled
