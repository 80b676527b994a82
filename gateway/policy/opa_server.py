"""Rego in OPA servers beside the gateway: one of them, or a pool that shares the load.

Every server runs as `opa_bundle.command` says, by the one bundle that the gateway wrote. Only the
revision in force counts, whichever server decided, and while a switch goes on the one before it.

The server with the least to do is asked. One that does not answer, or decides by another set, is
passed over: the next is asked at once, and for a second it comes last. Every decision may try it
again, so that its return is noticed. An evaluation that fails is the input's own trouble, and no
other server is asked for it. Where nobody can decide it is a refusal.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy.engine import Decided
from gateway.policy.opa_bundle import write_bundle
from gateway.policy.opa_member import Absent, Member, OpaServer, revision_of
from gateway.policy.sets import PolicySet

__all__ = ["OpaServer", "OpaServerEngine"]

_POLL_S = 0.02


class OpaServerEngine:
    """Decides in one of the servers, by the bundle that the gateway wrote."""

    name = "opa-server"

    def __init__(self, server: OpaServer, *more: OpaServer) -> None:
        if any(m.bundles != server.bundles or m.token != server.token for m in more):
            raise Misconfigured("the OPA servers of a pool share one folder of bundles and a token")
        self._server = server
        self._pool = [Member(s) for s in (server, *more)]
        self._turn = 0
        self._active: PolicySet | None = None
        self._accepted: frozenset[str] = frozenset()
        self._before: tuple[str, float] | None = None

    async def activate(self, candidate: PolicySet) -> None:
        """Write the bundle and wait until every server that answers decides by it.

        Raises `PolicyRejected` if one does not in time: the old bundle is then put back. The first
        set is in force even if no server is there yet; until then every decision is refused.
        """
        before = self._active
        # The patience with the set before the last ends here: its end must not come meanwhile, and
        # leave out the set that is coming.
        self._before = None
        self._accepted = frozenset(s.revision for s in (before, candidate) if s is not None)
        await self._write(candidate)
        late = await self._arrives(candidate.revision)
        if late is not None and before is not None:
            await self._write(before)
            self._accepted = frozenset({before.revision})
            raise PolicyRejected(
                f"{late} did not take the set within {self._server.switch_s:.0f} s"
            )
        self._active = candidate
        if before is not None and before.revision != candidate.revision:
            # A decision made just before the switch may still be on its way.
            self._before = (before.revision, time.monotonic() + self._patience())

    async def _write(self, policy_set: PolicySet) -> None:
        server = self._server
        await asyncio.to_thread(write_bundle, server.bundles, policy_set, token=server.token)

    async def _arrives(self, revision: str) -> str | None:
        """Wait for the set. None: whoever answers decides by it; else who does not."""
        deadline = time.monotonic() + self._server.switch_s
        while True:
            states = await asyncio.gather(*(self._decides_by(m) for m in self._pool))
            answering = [s for s in states if s is not None]
            if answering and all(s == revision for s in answering):
                return None
            if self._active is None and not answering:
                return "the OPA server"
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(_POLL_S)
        if len(self._pool) == 1 or not answering:
            return "the OPA server"
        late = [m.url for m, s in zip(self._pool, states, strict=True) if s not in (None, revision)]
        return f"the OPA server at {', '.join(late)}"

    async def _decides_by(self, member: Member) -> str | None:
        """Give the revision that a server decides by, or None if it does not answer."""
        try:
            revision = revision_of(await member.ask("agencies", {"v": 1}))
        except Absent:
            return None
        except PolicyUnavailable:
            return ""
        if self._counts(revision):
            member.well()
        return revision

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        """Ask a server. Raises `PolicyUnavailable` for whatever is not a decision of our set."""
        value = orjson.loads(input_json)
        trouble: Absent | None = None
        give_up = time.monotonic() + self._patience()
        for member in self._in_turn():
            if trouble is not None and time.monotonic() >= give_up:
                break
            try:
                return await self._decided_by(member, entrypoint, value)
            except Absent as error:
                trouble = error
        raise PolicyUnavailable(self.trouble() or "the OPA server does not answer") from None

    async def _decided_by(
        self, member: Member, entrypoint: str, value: Mapping[str, Any]
    ) -> Decided:
        reply = await member.ask(entrypoint, value)
        revision = revision_of(reply)
        if not self._counts(revision):
            raise member.failed("the OPA server decides by another policy set")
        member.well()
        if "result" not in reply:
            raise PolicyUnavailable(f"the policy has no decision for '{entrypoint}'")
        return Decided(reply["result"], revision)

    def _in_turn(self) -> list[Member]:
        """Order the servers: well before failed, then by how much they have to do, then by turn."""
        if len(self._pool) == 1:
            return self._pool
        self._turn += 1
        turned = self._pool[self._turn % len(self._pool) :]
        turned += self._pool[: self._turn % len(self._pool)]
        return sorted(turned, key=lambda m: (m.rests, m.asked))

    def _patience(self) -> float:
        """Give how long a decision may take with all its tries, in s."""
        return self._server.timeout_s * min(len(self._pool), 2)

    def _counts(self, revision: str) -> bool:
        if self._before is not None and time.monotonic() > self._before[1]:
            self._before = None
            if self._active is not None:
                self._accepted = frozenset({self._active.revision})
        return revision in self._accepted

    def trouble(self) -> str | None:
        """Say which servers' last decision could not be had, and why."""
        failed = [m for m in self._pool if m.trouble is not None]
        if not failed:
            return None
        if len(self._pool) == 1:
            return failed[0].trouble
        said = "; ".join(f"{m.url}: {m.trouble}" for m in failed)
        return f"{len(failed)} of {len(self._pool)} OPA servers: {said}"

    async def close(self) -> None:
        """Close the sessions."""
        for member in self._pool:
            await member.close()
