"""Decide by one set on inputs that come, in a process of its own that the gateway can kill.

Old sets, candidates and grids of questions are decided here, so that none of it holds up, or hurts,
the engine that answers. Lines of JSON: the set comes first; then each line is a list of cases, or
one case to be explained, and each gets one line back.
"""

import asyncio
import os
import resource
import sys
from typing import Any

import orjson

from gateway.errors import PolicyRejected, PolicyUnavailable
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.grounds import Grounds
from gateway.policy.sets import PolicySet, from_canonical

_MEMORY = 2 * 1024**3


class _Worker:
    def __init__(self, policy_set: PolicySet) -> None:
        self._set = policy_set
        self._engine = EmbeddedEngine()
        self._grounds: Grounds | None = None

    async def serve(self) -> None:
        """Answer line after line, until there are none."""
        await self._engine.activate(self._set)
        _say({"ready": self._set.revision})
        for line in sys.stdin.buffer:
            request = orjson.loads(line)
            if "explain" in request:
                _say(self._explained(*request["explain"]))
            else:
                _say({"outcomes": [await self._again(*case) for case in request["cases"]]})

    async def _again(self, entrypoint: str, text: str) -> dict[str, Any]:
        try:
            decided = await self._engine.decide(entrypoint, text.encode())
        except PolicyUnavailable as error:
            return {"failed": error.detail}
        return {"outcome": decided.outcome}

    def _explained(self, entrypoint: str, text: str) -> dict[str, Any]:
        if self._grounds is None:
            self._grounds = Grounds(self._set)
        return self._grounds.of(entrypoint, orjson.loads(text))


def _say(reply: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(reply) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Serve what comes on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        worker = _Worker(from_canonical(orjson.loads(sys.stdin.buffer.readline())["set"].encode()))
        asyncio.run(worker.serve())
    except PolicyRejected as error:
        _say({"rejected": error.detail, "where": error.where})
    # Engines of foreign code are not worth tearing down in order.
    os._exit(0)


if __name__ == "__main__":
    main()
