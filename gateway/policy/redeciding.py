"""Have decisions made by any set in a child process, and kill that if it takes too long."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.sets import PolicySet

BATCH = 200
"""Cases that go to the child in one line."""
START_S = 30.0
BATCH_S = 60.0
_LINE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Again:
    """One decision made again: its outcome, or why there is none."""

    outcome: Any = None
    failed: str | None = None


class Redecider:
    """One set that decides in a child process. Use it with `async with`.

    Entering raises `PolicyRejected`, with file and line, for a set that does not compile.
    """

    def __init__(self, policy_set: PolicySet) -> None:
        self.policy_set = policy_set
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.policy.redecide"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A panic of the engine prints what it was about.
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE_BYTES,
        )
        try:
            _accepted(await self._ask({"set": self.policy_set.canonical.decode()}, START_S))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            child.kill()
        await child.wait()
        if child.stdin is not None:
            child.stdin.close()

    async def decide(self, cases: Sequence[tuple[str, str]]) -> list[Again]:
        """Decide on pairs of entrypoint and input (JSON). Raises `PolicyUnavailable`."""
        found: list[Again] = []
        for i in range(0, len(cases), BATCH):
            reply = await self._ask({"cases": cases[i : i + BATCH]}, BATCH_S)
            found += [Again(o.get("outcome"), o.get("failed")) for o in reply["outcomes"]]
        return found

    async def explain(self, entrypoint: str, case: str) -> dict[str, Any]:
        """Tell what one outcome rests on: see `grounds`. Raises `PolicyUnavailable`."""
        return await self._ask({"explain": [entrypoint, case]}, BATCH_S)

    async def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        async with self._turn:
            child = self._child
            if child is None or child.stdin is None or child.stdout is None:
                raise PolicyUnavailable("the process that decides again has ended")
            try:
                async with asyncio.timeout(seconds):
                    child.stdin.write(orjson.dumps(request) + b"\n")
                    await child.stdin.drain()
                    line = await child.stdout.readline()
                reply: dict[str, Any] = orjson.loads(line)
            except (TimeoutError, ValueError, ConnectionError):
                await self.close()
                raise PolicyUnavailable(
                    f"the process that decides again broke down, or took over {seconds:.0f} s"
                ) from None
        return reply


def _accepted(ready: dict[str, Any]) -> None:
    if "rejected" in ready:
        raise PolicyRejected(ready["rejected"], where=ready["where"])
