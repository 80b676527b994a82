"""Rego in an OPA server beside the gateway, through opa-python-client.

The server runs as `opa_bundle.command` says. Each decision asks for strict built-in errors, since
OPA else turns an error into undefined, and "allow if not bad" would open; and for provenance, so
that it comes with the revision of the bundle that made it. Only the revision in force counts, and
while a switch goes on the one before it.

No waiting, a short time-out: an absent server is noticed at once, and so is its return, since every
decision tries again.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from opa_client.opa_async import AsyncOpaClient

from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy.engine import Decided
from gateway.policy.opa_bundle import write_bundle
from gateway.policy.sets import PolicySet

_STRICT = {"strict-builtin-errors": "true", "provenance": "true"}
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class OpaServer:
    """Where the server is. `url`: http://host:port, https://host:port or unix:///path/of/socket.

    `bundles` is the folder that it watches. `timeout_s` bounds one decision, `switch_s` how long a
    new set may take to arrive.
    """

    url: str
    bundles: Path
    token: str | None = None
    ca_file: Path | None = None
    timeout_s: float = 0.1
    switch_s: float = 3.0


class _Client(AsyncOpaClient):  # type: ignore[misc]  # the library is untyped
    """The library's client, with one session for good: own authority, unix socket, fast JSON."""

    def __init__(self, server: OpaServer) -> None:
        parts = urlsplit(server.url)
        if parts.scheme not in {"http", "https", "unix"}:
            raise Misconfigured("the OPA server's URL begins with http, https or unix")
        self._socket = parts.path if parts.scheme == "unix" else None
        self._ca_file = server.ca_file
        super().__init__(
            host=parts.hostname or "localhost",
            port=parts.port or 8181,
            ssl=parts.scheme == "https",
            token=server.token,
            retries=0,
            timeout=server.timeout_s,
        )

    def _connect(self) -> aiohttp.BaseConnector:
        if self._socket is not None:
            return aiohttp.UnixConnector(self._socket)
        if self.ssl:
            return aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._ca_file))
        return aiohttp.TCPConnector()

    async def _init_session(self) -> None:
        self._connector = self._connect()
        self._session = aiohttp.ClientSession(
            headers=self.headers,
            connector=self._connector,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            json_serialize=lambda value: orjson.dumps(value).decode(),
        )


class OpaServerEngine:
    """Decides in the server, by the bundle that the gateway wrote."""

    name = "opa-server"

    def __init__(self, server: OpaServer) -> None:
        self._server = server
        self._client = _Client(server)
        self._opened = False
        self._active: PolicySet | None = None
        self._accepted: frozenset[str] = frozenset()
        self._before: tuple[str, float] | None = None
        self._trouble: str | None = None

    async def activate(self, candidate: PolicySet) -> None:
        """Write the bundle and wait until the server decides by it.

        Raises `PolicyRejected` if it does not in time: the old bundle is then put back. The first
        set is in force even if the server is not there yet; until then every decision is refused.
        """
        before = self._active
        self._accepted = frozenset(s.revision for s in (before, candidate) if s is not None)
        await asyncio.to_thread(write_bundle, self._server.bundles, candidate)
        arrived = await self._arrives(candidate.revision)
        if not arrived and before is not None:
            await asyncio.to_thread(write_bundle, self._server.bundles, before)
            self._accepted = frozenset({before.revision})
            raise PolicyRejected(
                f"the OPA server did not take the set within {self._server.switch_s:.0f} s"
            )
        self._active = candidate
        if before is not None and before.revision != candidate.revision:
            # A decision made just before the switch may still be on its way.
            self._before = (before.revision, time.monotonic() + self._server.timeout_s)

    async def _arrives(self, revision: str) -> bool:
        deadline = time.monotonic() + self._server.switch_s
        while time.monotonic() < deadline:
            try:
                reply = await self._ask("agencies", {"v": 1})
            except PolicyUnavailable:
                if self._active is None:
                    return False
            else:
                if _revision(reply) == revision:
                    self._trouble = None
                    return True
            await asyncio.sleep(_POLL_S)
        return False

    async def decide(self, entrypoint: str, input_json: bytes) -> Decided:
        """Ask the server. Raises `PolicyUnavailable` for whatever is not a decision of our set."""
        reply = await self._ask(entrypoint, orjson.loads(input_json))
        revision = _revision(reply)
        if not self._counts(revision):
            raise self._failed("the OPA server decides by another policy set")
        if "result" not in reply:
            raise PolicyUnavailable(f"the policy has no decision for '{entrypoint}'")
        self._trouble = None
        return Decided(reply["result"], revision)

    def _counts(self, revision: str) -> bool:
        if self._before is not None and time.monotonic() > self._before[1]:
            self._before = None
            if self._active is not None:
                self._accepted = frozenset({self._active.revision})
        return revision in self._accepted

    async def _ask(self, entrypoint: str, value: Mapping[str, Any]) -> dict[str, Any]:
        if not self._opened:
            await self._client._init_session()  # noqa: SLF001 - the library opens it in a `with` only
            self._opened = True
        try:
            reply = await self._query(entrypoint, value)
        except aiohttp.ClientResponseError as error:
            # A built-in failed, or two rules conflict: this input's own trouble. The body may hold
            # its values, and is not read.
            if error.status >= 500:  # noqa: PLR2004 - the family of server errors
                raise PolicyUnavailable(f"the policy failed in '{entrypoint}'") from None
            raise self._failed(f"the OPA server says {error.status}") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise self._failed("the OPA server does not answer") from None
        except ValueError:
            raise self._failed("the OPA server's answer is no JSON") from None
        if not isinstance(reply, dict):
            raise self._failed("the OPA server's answer is malformed")
        return reply

    async def _query(self, entrypoint: str, value: Mapping[str, Any]) -> Any:
        path = f"sallyport/{entrypoint}"
        try:
            return await self._client.query_rule(value, path, "decision", _STRICT)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # The server closed a connection that had been idle. A decision changes nothing, so it
            # may be asked for again, on a new one, once.
            return await self._client.query_rule(value, path, "decision", _STRICT)

    def _failed(self, why: str) -> PolicyUnavailable:
        self._trouble = why
        return PolicyUnavailable(why)

    def trouble(self) -> str | None:
        """Say why the last decision could not be had."""
        return self._trouble

    async def close(self) -> None:
        """Close the session."""
        await self._client.close_connection()
        self._opened = False


def _revision(reply: Mapping[str, Any]) -> str:
    """Give the revision of the one bundle, or an empty text."""
    provenance = reply.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
    if not isinstance(bundles, dict) or len(bundles) != 1:
        return ""
    (only,) = bundles.values()
    revision = only.get("revision") if isinstance(only, dict) else None
    return revision if isinstance(revision, str) else ""
