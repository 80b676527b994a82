"""One OPA server of the pool, through opa-python-client: where it is, and how it is asked.

Each decision asks for strict built-in errors, since OPA else turns an error into undefined, and
"allow if not bad" would open; and for provenance, so that it comes with the revision of the bundle
that made it. No waiting, a short time-out: an absent server is noticed at once.
"""

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

from gateway.errors import Misconfigured, PolicyUnavailable

_STRICT = {"strict-builtin-errors": "true", "provenance": "true"}
_REST_S = 1.0
"""How long a server that failed is asked last, if there are others."""
_UNAUTHORIZED = frozenset({401, 403})


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


class Absent(PolicyUnavailable):
    """This server gives no decision of our set now; another one may."""


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
            trust_env=False,
        )


class Member:
    """One server of the pool. `trouble` says why its last decision could not be had."""

    def __init__(self, server: OpaServer) -> None:
        self.url = server.url
        self.trouble: str | None = None
        self.asked = 0
        """Decisions that are under way."""
        self._client = _Client(server)
        self._opened = False
        self._rests_until = 0.0

    @property
    def rests(self) -> bool:
        """Whether it failed a moment ago, and others are asked first."""
        return time.monotonic() < self._rests_until

    def failed(self, why: str) -> Absent:
        """Note that it gives no decision, and give the error to raise."""
        self.trouble = why
        self._rests_until = time.monotonic() + _REST_S
        return Absent(why)

    def well(self) -> None:
        """Note that it decided."""
        self.trouble = None
        self._rests_until = 0.0

    async def ask(self, entrypoint: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Have one entrypoint evaluated. Gives OPA's reply.

        Raises `Absent` where it can't be had here, `PolicyUnavailable` where this input fails.
        """
        if not self._opened:
            await self._client._init_session()  # noqa: SLF001 - the library opens it in a `with` only
            self._opened = True
        self.asked += 1
        try:
            reply = await self._query(entrypoint, value)
        except aiohttp.ClientResponseError as error:
            # A built-in failed, or two rules conflict: this input's own trouble. The body may hold
            # its values, and is not read.
            if error.status >= 500:  # noqa: PLR2004 - the family of server errors
                raise PolicyUnavailable(f"the policy failed in '{entrypoint}'") from None
            if error.status in _UNAUTHORIZED:
                raise self.failed(
                    "the OPA server refuses the token: give OPA and the gateway the same one, with "
                    "`sallyport policy opa-config`"
                ) from None
            raise self.failed(f"the OPA server says {error.status}") from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise self.failed(
                "the OPA server's certificate is not trusted: see opa_ca_file"
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise self.failed("the OPA server does not answer") from None
        except ValueError:
            raise self.failed("the OPA server's answer is no JSON") from None
        finally:
            self.asked -= 1
        if not isinstance(reply, dict):
            raise self.failed("the OPA server's answer is malformed")
        return reply

    async def _query(self, entrypoint: str, value: Mapping[str, Any]) -> Any:
        path = f"sallyport/{entrypoint}"
        try:
            return await self._client.query_rule(value, path, "decision", _STRICT)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            # The server closed a connection that had been idle. A decision changes nothing, so it
            # may be asked for again, on a new one, once.
            return await self._client.query_rule(value, path, "decision", _STRICT)

    async def close(self) -> None:
        """Close the session."""
        await self._client.close_connection()
        self._opened = False


def revision_of(reply: Mapping[str, Any]) -> str:
    """Give the revision of the one bundle that decided, or an empty text."""
    provenance = reply.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
    if not isinstance(bundles, dict) or len(bundles) != 1:
        return ""
    (only,) = bundles.values()
    revision = only.get("revision") if isinstance(only, dict) else None
    return revision if isinstance(revision, str) else ""
