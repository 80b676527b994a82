"""Ask other gateways: side by side, a deadline each; one peer's failure never raises.

The client takes only a Permit, which only policy can make: there is no way to ask without the first
door. An answer is taken only if its peer signed it for this very question.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from gateway.errors import (
    PeerBackingOff,
    PeerBadAnswer,
    PeerError,
    PeerTimeout,
    PeerUnreachable,
)
from gateway.model import Answer, Ori, Question, digest
from gateway.peers.backoff import BackOff
from gateway.policy import Permit
from gateway.trust.registry import Peer, Registry
from gateway.trust.signatures import Binding, Signer, VerifiedResponse, Verifier

METHOD = "POST"
PATH = "/peer/v1/questions"
QUESTION = TypeAdapter(Question)
ANSWER = TypeAdapter(Answer)

# Every httpx error that can come out of a request, and whose fault it is to the one who asked.
# A test holds this against httpx's own tree, so that none is left unmapped.
ERRORS: tuple[tuple[type[Exception], type[PeerError], str], ...] = (
    (httpx.TimeoutException, PeerTimeout, "The agency's gateway did not answer in time."),
    (httpx.RemoteProtocolError, PeerBadAnswer, "The agency's gateway answered with no valid HTTP."),
    (httpx.DecodingError, PeerBadAnswer, "The agency's gateway answered with no valid HTTP."),
    (httpx.TooManyRedirects, PeerBadAnswer, "The agency's gateway answered with a redirect."),
    (httpx.HTTPError, PeerUnreachable, "The agency's gateway can't be reached."),
    (httpx.InvalidURL, PeerUnreachable, "The agency's gateway has no valid address here."),
)


_NOT_THERE = frozenset({429, 502, 503, 504})
"""What a gateway without a place, or a proxy before one that is down, says without a signature."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A permitted question as it will go out. `digest` is that of `body`."""

    permit: Permit
    body: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A question as it will be sent, to whom, and what its answer has to be bound to."""

    prepared: Prepared
    peer: Peer
    request: httpx.Request
    binding: Binding


@dataclass(frozen=True, slots=True)
class Reply:
    """A verified answer, with what proves it. Times are aware; `ms` is the whole exchange."""

    answer: Answer
    response: str
    signature: str
    sent: datetime
    received: datetime
    ms: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer."""

    error: PeerError
    ms: int


def prepare(permit: Permit) -> Prepared:
    """Write the permitted question as it will be signed."""
    body = QUESTION.dump_json(permit.question, exclude_none=True)
    return Prepared(permit, body, digest(body))


class Peers:
    """The other gateways. `http` is our own transport, open while the gateway runs.

    Requests and responses are httpx's, and go straight to the transport: redirects, cookies and
    authentication, which a client would look after, are not for signed messages, and cost as much
    as the rest.
    """

    def __init__(
        self,
        *,
        http: httpx.AsyncBaseTransport,
        registry: Registry,
        signer: Signer,
        verifier: Verifier,
        backoff: BackOff,
    ) -> None:
        self._http = http
        self._registry = registry
        self._signer = signer
        self._verifier = verifier
        self._backoff = backoff

    def sign(self, prepared: Prepared) -> Signed | Failure:
        """Sign a question for the one whom it is for. Nothing leaves; a Failure says why none can.

        Apart from `ask`, so that it can be done while the question is being logged.
        """
        owner, transaction = prepared.permit.owner, prepared.permit.question.transaction
        try:
            peer, request, binding = self._signed(owner, PATH, prepared.body, transaction)
        except PeerError as error:
            return Failure(error, 0)
        return Signed(prepared, peer, request, binding)

    def known(self) -> Sequence[Peer]:
        """Give every peer that is pinned here."""
        return self._registry.peers

    def seen(self, peer: Ori) -> None:
        """Take note of a valid message from a peer: it is alive."""
        self._backoff.cleared(peer)

    def status(self) -> dict[str, object]:
        """Which peers there are, and which are left alone for how many seconds."""
        waiting = self.backing_off()
        return {
            "status": "degraded" if waiting else "ok",
            "known": [p.ori for p in self._registry.peers],
            "backing_off_s": waiting,
        }

    def backing_off(self) -> dict[Ori, int]:
        """Which peers are left alone, and for how many seconds."""
        now = datetime.now(UTC)
        oris = [p.ori for p in self._registry.peers]
        return {ori: wait for ori in oris if (wait := self._backoff.wait_s(ori, now))}

    async def ask(self, question: Signed, *, deadline_ms: int) -> Reply | Failure:
        """Ask one agency. Raises only when cancelled: whatever goes wrong is the outcome."""
        started = time.monotonic()
        owner = question.prepared.permit.owner
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                reply = await self._ask(question, started)
        except TimeoutError:
            error: PeerError = PeerTimeout("The agency's gateway did not answer in time.")
        except PeerError as found:
            error = found
        else:
            self._backoff.cleared(owner)
            return reply
        if isinstance(error, PeerTimeout | PeerUnreachable):
            # On a worker thread: it waits for the disk.
            error.retry_after_s = await asyncio.to_thread(
                self._backoff.failed, owner, datetime.now(UTC)
            )
        return Failure(error, _ms(started))

    async def tell(self, owner: Ori, path: str, body: bytes, *, seconds: float = 10.0) -> bytes:
        """Send a peer a signed message that is no question; give its signed answer's body.

        For what administrators agree on, never for records. Raises PeerError, and PeerBadAnswer
        where the peer did not take it.
        """
        transaction = f"msg_{secrets.token_urlsafe(16)}"
        peer, request, binding = self._signed(owner, path, body, transaction)
        try:
            async with asyncio.timeout(seconds):
                response, _ = await self._sent(peer, request, binding)
        except TimeoutError:
            raise PeerTimeout("The agency's gateway did not answer in time.") from None
        if response.status_code != httpx.codes.OK:
            raise PeerBadAnswer("The agency's gateway did not take our message.")
        return response.content

    def _signed(
        self, owner: Ori, path: str, body: bytes, transaction: str
    ) -> tuple[Peer, httpx.Request, Binding]:
        """Write and sign a request to a peer. Raises PeerUnreachable, PeerBackingOff."""
        peer = self._registry.by_ori(owner)
        if peer is None:
            raise PeerUnreachable("This gateway has no key for the agency. Add it with `peer add`.")
        now = datetime.now(UTC)
        if wait := self._backoff.wait_s(owner, now):
            raise PeerBackingOff("It failed a moment ago and is not asked.", retry_after_s=wait)
        address = peer.url.rstrip("/") + path
        signed = self._signer.sign_request(
            target_uri=address, body=body, transaction=transaction, now=now
        )
        try:
            request = httpx.Request(METHOD, _url(address), headers=signed.headers, content=body)
        except httpx.InvalidURL as error:
            raise _mapped(error) from error
        return peer, request, signed.binding

    async def _sent(
        self, peer: Peer, request: httpx.Request, binding: Binding
    ) -> tuple[httpx.Response, VerifiedResponse]:
        """Send it, and verify that the answer is this peer's to it."""
        try:
            response = await self._http.handle_async_request(request)
        except httpx.HTTPError as error:
            raise _mapped(error) from error
        if response.status_code in _NOT_THERE and "signature" not in response.headers:
            # Whoever could send this in its place could as well break the connection off.
            raise PeerUnreachable(
                "The agency's gateway has no place for a question, or is not there: it, or what "
                "stands before it, said so without a signature."
            )
        verified = self._verifier.verify_response(
            peer,
            binding,
            status=response.status_code,
            headers=response.headers.raw,
            body=response.content,
            now=datetime.now(UTC),
        )
        return response, verified

    async def _ask(self, question: Signed, started: float) -> Reply:
        sent = datetime.now(UTC)
        response, verified = await self._sent(question.peer, question.request, question.binding)
        received = datetime.now(UTC)
        answer = _parse(response, question.prepared, question.peer)
        return Reply(
            answer=answer,
            response=verified.response_digest,
            signature=verified.signature_digest,
            sent=sent,
            received=received,
            ms=_ms(started),
        )


def _parse(response: httpx.Response, prepared: Prepared, peer: Peer) -> Answer:
    """Read a verified response. A signed problem says that the peer could not answer."""
    if response.status_code != httpx.codes.OK:
        if response.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}:
            raise PeerError("The agency's gateway can't answer at the moment. Try again shortly.")
        raise PeerBadAnswer("The agency's gateway did not understand our message.")
    question = prepared.permit.question
    try:
        answer = ANSWER.validate_json(response.content)
        # What can't be written as JSON again could not be given to an officer, nor be logged.
        orjson.dumps([m.record for m in answer.matches], option=orjson.OPT_STRICT_INTEGER)
    except (ValidationError, orjson.JSONEncodeError) as error:
        raise PeerBadAnswer(
            "The agency's answer breaks the protocol, and was thrown away."
        ) from error
    if (answer.transaction, answer.owner, answer.asker) != (
        question.transaction,
        peer.ori,
        question.asker.ori,
    ):
        raise PeerBadAnswer("The agency's answer belongs to another question; it was thrown away.")
    if answer.leaf is None:
        # By it a log that was rewritten is found out: who doesn't give it could do so unseen.
        raise PeerBadAnswer(
            "The agency's answer does not name its line in the agency's access log, and was thrown "
            "away."
        )
    return answer


@lru_cache(maxsize=1024)
def _url(address: str) -> httpx.URL:
    """Parse an address once: there are as many as peers and paths."""
    return httpx.URL(address)


def _mapped(error: Exception) -> PeerError:
    for kind, ours, text in ERRORS:
        if isinstance(error, kind):
            return ours(text)
    return PeerUnreachable("The agency's gateway can't be reached.")


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
