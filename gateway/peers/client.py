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

import httpx
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
from gateway.trust.signatures import Signer, VerifiedResponse, Verifier

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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A permitted question as it will go out. `digest` is that of `body`."""

    permit: Permit
    body: bytes
    digest: str


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
    """The other gateways. `http` is a client on our own transport, open while the gateway runs."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
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

    async def ask_all(
        self, questions: Sequence[Prepared], *, deadline_ms: int
    ) -> dict[Ori, Reply | Failure]:
        """Ask each, all at once. Gives one outcome for each; raises only when cancelled."""
        outcomes = await asyncio.gather(*(self._outcome(q, deadline_ms) for q in questions))
        return {q.permit.owner: o for q, o in zip(questions, outcomes, strict=True)}

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

    async def _outcome(self, prepared: Prepared, deadline_ms: int) -> Reply | Failure:
        started = time.monotonic()
        owner = prepared.permit.owner
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                reply = await self._ask(prepared, deadline_ms / 1000)
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
        try:
            async with asyncio.timeout(seconds):
                _, response, _ = await self._signed(
                    owner, path, body, f"msg_{secrets.token_urlsafe(16)}", seconds
                )
        except TimeoutError:
            raise PeerTimeout("The agency's gateway did not answer in time.") from None
        if response.status_code != httpx.codes.OK:
            raise PeerBadAnswer("The agency's gateway did not take our message.")
        return response.content

    async def _signed(
        self, owner: Ori, path: str, body: bytes, transaction: str, seconds: float
    ) -> tuple[Peer, httpx.Response, VerifiedResponse]:
        """Send a body, signed, and verify that the answer is this peer's to it."""
        peer = self._registry.by_ori(owner)
        if peer is None:
            raise PeerUnreachable("This gateway has no key for the agency. Add it with `peer add`.")
        if wait := self._backoff.wait_s(owner, datetime.now(UTC)):
            raise PeerBackingOff("It failed a moment ago and is not asked.", retry_after_s=wait)
        url = peer.url.rstrip("/") + path
        signed = self._signer.sign_request(
            target_uri=url, body=body, transaction=transaction, now=datetime.now(UTC)
        )
        try:
            response = await self._http.post(
                url, content=body, headers=signed.headers, timeout=seconds
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _mapped(error) from error
        verified = self._verifier.verify_response(
            peer,
            signed.binding,
            status=response.status_code,
            headers=response.headers.raw,
            body=response.content,
            now=datetime.now(UTC),
        )
        return peer, response, verified

    async def _ask(self, prepared: Prepared, seconds: float) -> Reply:
        started, sent = time.monotonic(), datetime.now(UTC)
        transaction = prepared.permit.question.transaction
        peer, response, verified = await self._signed(
            prepared.permit.owner, PATH, prepared.body, transaction, seconds
        )
        received = datetime.now(UTC)
        answer = _parse(response, prepared, peer)
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
    except ValidationError as error:
        raise PeerBadAnswer(
            "The agency's answer breaks the protocol, and was thrown away."
        ) from error
    if (answer.transaction, answer.owner, answer.asker) != (
        question.transaction,
        peer.ori,
        question.asker.ori,
    ):
        raise PeerBadAnswer("The agency's answer belongs to another question; it was thrown away.")
    return answer


def _mapped(error: Exception) -> PeerError:
    for kind, ours, text in ERRORS:
        if isinstance(error, kind):
            return ours(text)
    return PeerUnreachable("The agency's gateway can't be reached.")


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
