"""The running gateway's part in agreements: what counts now, who is told, what is warned of.

    apply     read the folder again, switch to what counts, log each change; from the next decision
    receive   take in what a partner signed or said; it counts if its signatures do
    then, in the background: tell partners what they don't have yet, compare the texts that both
    hold, warn before an agreement ends

Nothing is signed here: the `sallyport` command signs, in the agency's own folder.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Column, Engine, Float, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert

from gateway.background import ended
from gateway.errors import Conflict, Invalid, PeerError, PolicyRejected, SallyportError
from gateway.exchange.peer_policies import PeerPolicies
from gateway.ledger import Draft, EntryType, Ledger, Nonce
from gateway.model import Ori, OriText, Sha256, digest
from gateway.peers import Peers
from gateway.policy import Policy
from gateway.policy.agreements import Agreed, pairs
from gateway.policy.standing import WARN_DAYS, Standing, standings
from gateway.telemetry import Metrics
from gateway.trust.agreement_files import AgreementFolder, Held
from gateway.trust.agreements import (
    Document,
    Statement,
    read_document,
    read_statement,
)

PATH = "/peer/v1/agreements"
EVERY_S = 30.0
"""How often the folder is read again, and partners who could not be told are tried again."""
COMPARE_S = 3_600.0
MOST_PENDING = 50
"""Agreements from others that wait for this agency's signature."""

_log = structlog.get_logger("sallyport.agreements")
_metadata = MetaData()
_marks = Table(
    "agreement_marks",
    _metadata,
    Column("mark", String(160), primary_key=True),
    Column("at", Float, nullable=False),
)


class AgreementMessage(BaseModel):
    """What one gateway tells another: a document, a statement, and which texts it holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1]
    sender: OriText
    owner: OriText
    document: dict[str, Any] | None = None
    statement: dict[str, Any] | None = None
    held: dict[str, Sha256] = Field(default={}, max_length=2_000)
    """By `id.version`, for what both are parties to."""
    policy: Sha256 | None = None
    """The digest of the policy set that the sender decides by."""


class AgreementReply(BaseModel):
    """What the other one says to it: whether it was taken, why not, and which texts it holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Literal[1]
    sender: OriText
    owner: OriText
    taken: bool
    reason: str | None = None
    held: dict[str, Sha256] = Field(default={}, max_length=2_000)
    policy: Sha256 | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What proves a peer's message: digests as the log has them, and its nonce."""

    peer: Ori
    request: str
    signature: str
    nonce: Nonce


class Agreeing:
    """Keeps agreements in force. Use from one event loop."""

    def __init__(
        self,
        *,
        ori: Ori,
        policy: Policy,
        ledger: Ledger,
        peers: Peers,
        folder: AgreementFolder,
        peer_policies: PeerPolicies,
        metrics: Metrics,
        state: Engine,
    ) -> None:
        self._ori = ori
        self._policy = policy
        self._peer_policies = peer_policies
        self._ledger = ledger
        self._peers = peers
        self._folder = folder
        self._metrics = metrics
        self._state = state
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._known: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._differs: dict[tuple[str, str], str | None] = {}
        """By peer and name, the digest that the peer holds instead of ours; None: it holds none."""
        self._untold: dict[str, str] = {}
        self._compared: dict[str, float] = {}
        self._shown: dict[str, Mapping[str, str]] = {}
        """What each partner was last told that is held here: a change is told at once."""
        self._met: set[str] = set()
        """Partners since the start: who lost its file still tells the other what it holds."""
        _metadata.create_all(state)
        with state.connect() as c:
            self._done = {r.mark for r in c.execute(select(_marks.c.mark))}

    async def start(self) -> None:
        """Take note of how things stand, and work in the background from now on."""
        try:
            await asyncio.to_thread(self._folder.keep_twice)
        except OSError as error:
            _log.error("what parties said could not be copied", errno=error.errno)
        self._known = self._states(self._policy.agreed)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        await ended(self._task)

    # -- for administrators ---------------------------------------------------------------

    async def apply(self, personal: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Let the folder count as it is now, from the next decision on. Gives what changed.

        Each change is a line in the log: `admin` if an administrator asked for it, else `notice`.
        Raises PolicyRejected if the folder can't be read, LedgerUnavailable if it can't be logged.
        """
        async with self._lock:
            # What is taken away is taken away before it is written down: no answer can go out
            # meanwhile without its own line in the log, which names the set that decided.
            await self._policy.renew_agreements()
            agreed = self._policy.agreed
            now = self._states(agreed)
            changed = [
                s
                for s in self._standings(agreed)
                if self._known.get(_name(s.held)) != (s.state, s.by)
            ]
            gone = [k for k in self._known if k not in now]
            kind = EntryType.ADMIN if personal is not None else EntryType.NOTICE
            drafts = [
                Draft(
                    type=kind,
                    peer=self._ori,
                    policy=self._policy.revision,
                    decision=f"agreement_{s.state}",
                    reasons=(_name(s.held), *s.by),
                    request=s.held.document.digest,
                    personal=self._with_approvals(personal, s.held.document),
                )
                for s in changed
            ] + [
                Draft(
                    type=kind,
                    peer=self._ori,
                    policy=self._policy.revision,
                    decision="agreement_gone",
                    reasons=(name,),
                    personal=personal,
                )
                for name in gone
            ]
            if drafts:
                await self._ledger.begin(drafts)
            self._known = now
        self._wake.set()
        return [s.plain() for s in changed]

    def _with_approvals(
        self, personal: Mapping[str, Any] | None, document: Document
    ) -> Mapping[str, Any] | None:
        names = self._policy.approved_by(document)
        return {**(personal or {}), "about": {"approved_by": list(names)}} if names else personal

    def listing(self) -> list[dict[str, Any]]:
        """Give every agreement as it stands, with whom it differs and who could not be told."""
        found = []
        for standing in self._standings(self._policy.agreed):
            name = _name(standing.held)
            differs = sorted(p for p, n in self._differing() if n == name)
            found.append({**standing.plain(), "differs_at": differs})
        return found

    def status(self) -> dict[str, Any]:
        """Tell the component's health. Degraded: something is broken, differs or ends in a week."""
        every = list(self._standings(self._policy.agreed))
        ending = [
            {
                "id": s.held.document.agreement.id,
                "days_left": s.days_left,
                "warning_days": s.warning,
            }
            for s in every
            if s.warning is not None and not self._renewed(s, every)
        ]
        troubles = [{"where": t.where, "reason": t.reason} for t in self._policy.agreed.troubles]
        differing = [
            {"agreement": n, "peer": p, "missing_there": self._differs[p, n] is None}
            for p, n in self._differing()
        ]
        soon = any(e["warning_days"] == min(WARN_DAYS) for e in ending)
        return {
            "status": "degraded" if troubles or differing or soon else "ok",
            "in_force": sum(s.state == "in_force" for s in every),
            "awaiting_signature": sum(s.state == "awaiting" for s in every),
            "suspended": [_name(s.held) for s in every if s.state == "suspended"],
            "ending": ending,
            "troubles": troubles,
            "differing": differing,
            "untold": dict(sorted(self._untold.items())),
        }

    def measure(self) -> None:
        """Set the metric of the days that agreements in force have left."""
        self._metrics.agreement_days.clear()
        for s in self._standings(self._policy.agreed):
            if s.state == "in_force" and s.days_left is not None:
                self._metrics.agreement_days.labels(s.held.document.agreement.id).set(s.days_left)

    def _differing(self) -> list[tuple[str, str]]:
        """Give who holds another text of what, as long as it is held here and no later one is."""
        book = self._policy.agreed.book
        here = {_name(h) for h in book.documents if not book.followed(h.document.agreement)}
        return sorted((peer, name) for peer, name in self._differs if name in here)

    # -- for peers ------------------------------------------------------------------------

    async def receive(self, message: AgreementMessage, told: Told) -> AgreementReply:
        """Take in what a partner signed or said. Logged first, with the message's nonce.

        Raises Replayed, LedgerUnavailable.
        """
        draft = Draft(
            type=EntryType.NOTICE,
            peer=told.peer,
            decision="agreement_message",
            request=told.request,
            signature=told.signature,
        )
        with self._noting(told.peer, message.policy) as news:
            await self._ledger.begin([draft, *news], nonce=told.nonce)
        await self._peer_policies.keep()
        reason = None
        try:
            if message.document is not None:
                await self._take_document(message.document, told.peer)
            if message.statement is not None:
                await self._take_statement(message.statement, told.peer)
        except ValidationError:
            reason = "it breaks the form of an agreement"
        except (Invalid, Conflict, PolicyRejected) as error:
            reason = error.detail
        if message.document is not None or message.statement is not None:
            await self.apply()
        await self._compare(told.peer, message.held)
        return AgreementReply(
            version=1,
            sender=self._ori,
            owner=told.peer,
            taken=reason is None,
            reason=reason,
            held=self._held(told.peer),
            policy=self._policy.revision,
        )

    async def _take_document(self, raw: dict[str, Any], peer: Ori) -> None:
        document = read_document(raw)
        agreement = document.agreement
        types = self._policy.agreed.types
        for ori in (peer, self._ori):
            if ori not in agreement.parties and types.get(ori) not in agreement.parties:
                raise Invalid(f"{ori} is no party to it")
        for unknown in self._policy.unknown_words(agreement):
            raise Invalid(f"{'.'.join(map(str, unknown.path))}: {unknown.reason}")
        book = self._policy.agreed.book
        waiting = [h for h in book.documents if self._ori not in h.signers]
        known = book.get(agreement.id, agreement.version) is not None
        if not known and len(waiting) >= MOST_PENDING:
            raise Invalid("too many agreements wait for a signature here")
        await asyncio.to_thread(self._folder.put, document, sender=peer)

    async def _take_statement(self, raw: dict[str, Any], peer: Ori) -> None:
        statement = read_statement(raw)
        said = statement.said
        held = self._policy.agreed.book.get(said.agreement)
        if held is None or not {said.party, peer} <= held.signers:
            raise Invalid(f"{said.agreement} is not signed by {said.party} here")
        await asyncio.to_thread(self._folder.put_statement, statement)

    async def _compare(self, peer: str, theirs: Mapping[str, str]) -> None:
        """Notice where the other's text is not ours; both refuse by it, since digests are named.

        So too where it holds none although it signed ours: its file was lost there.
        """
        mine = self._held(peer)
        wanted = {
            _name(s.held)
            for s in self._standings(self._policy.agreed)
            if peer in s.held.signers and s.state in {"in_force", "not_begun", "suspended"}
        }
        for name in mine:
            key, other = (peer, name), theirs.get(name)
            if mine[name] == other or (other is None and name not in wanted):
                self._differs.pop(key, None)
            elif key not in self._differs or self._differs[key] != other:
                self._differs[key] = other
                if other is None:
                    _log.error("a partner holds no such agreement", agreement=name, peer=peer)
                else:
                    _log.error("an agreement's text differs", agreement=name, peer=peer)
                draft = Draft(
                    type=EntryType.NOTICE,
                    peer=peer,
                    decision="agreement_differs",
                    reasons=(name,),
                    request=mine[name],
                    response=other,
                )
                await self._ledger.begin([draft])

    # -- in the background ----------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self.apply()
                self._wake.clear()
                await self._warn()
                await self._tell_all()
            except SallyportError as error:
                _log.error("agreements not brought up to date", code=error.code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), EVERY_S)

    async def _warn(self) -> None:
        """Write each warning into the log once: 90, 30 and 7 days before the end."""
        every = list(self._standings(self._policy.agreed))
        for s in every:
            if s.warning is None or self._renewed(s, every):
                continue
            mark = f"ending {s.held.document.digest} {s.warning}"
            if mark in self._done:
                continue
            name = _name(s.held)
            _log.warning("an agreement ends", agreement=name, days=s.days_left)
            draft = Draft(
                type=EntryType.NOTICE,
                peer=self._ori,
                decision="agreement_ending",
                reasons=(name,),
                results=s.days_left,
                request=s.held.document.digest,
            )
            await self._ledger.begin([draft])
            await self._mark(mark)

    async def _tell_all(self) -> None:
        agreed = self._policy.agreed
        self._met |= set(self._partners(agreed))
        partners = {p: list(self._items(agreed, p)) for p in sorted(self._met)}
        await asyncio.gather(*(self._tell(p, items) for p, items in partners.items()))

    async def _tell(self, peer: str, items: list[tuple[str, dict[str, Any]]]) -> None:
        """Tell one partner all that it was not told yet, and what is held; compare, now and then.

        What it does not take holds nothing else up: a suspension may stand behind a text that it
        has signed differently.
        """
        loop = asyncio.get_running_loop()
        fresh = [(m, i) for m, i in items if m not in self._done]
        every = EVERY_S if any(p == peer for p, _ in self._differing()) else COMPARE_S
        recent = loop.time() - self._compared.get(peer, -every) < every
        holds = self._held(peer)
        if not fresh and recent and holds == self._shown.get(peer):
            return
        refused = False
        for mark, item in fresh or [("", {})]:
            try:
                reply = await self._send(peer, item)
            except PeerError as error:
                self._untold[peer] = error.code
                return
            if reply.taken and mark:
                await self._mark(mark)
            elif not reply.taken:
                refused = True
                _log.warning("a partner did not take an agreement", peer=peer)
            await self._compare(peer, reply.held)
        if refused:
            self._untold[peer] = "refused"
            return
        self._untold.pop(peer, None)
        self._compared[peer], self._shown[peer] = loop.time(), holds

    async def _send(self, peer: str, item: dict[str, Any]) -> AgreementReply:
        message = AgreementMessage(
            version=1,
            sender=self._ori,
            owner=peer,
            held=self._held(peer),
            policy=self._policy.revision,
            **item,
        )
        body = orjson.dumps(message.model_dump(mode="json", exclude_none=True))
        raw = await self._peers.tell(Ori(peer), PATH, body)
        try:
            reply = AgreementReply.model_validate_json(raw)
        except ValidationError:
            raise PeerError("The agency's gateway answered something else.") from None
        if (reply.sender, reply.owner) != (peer, self._ori):
            raise PeerError("The agency's gateway answered for another.")
        with self._noting(peer, reply.policy) as news:
            if news:
                await self._ledger.begin(news)
        await self._peer_policies.keep()
        return reply

    def _noting(
        self, peer: str, revision: str | None
    ) -> contextlib.AbstractContextManager[list[Draft]]:
        said = [] if revision is None else [(peer, revision)]
        return self._peer_policies.noting(said, datetime.now(UTC))

    def _items(self, agreed: Agreed, peer: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give what a partner should have: documents that this agency signed, and statements."""
        for held in agreed.book.documents:
            if self._ori in held.signers and peer in _parties(held, agreed):
                envelope = held.document.envelope().model_dump(mode="json")
                yield _told_mark(held.document, peer), {"document": envelope}
        for statement in agreed.book.statements:
            held_now = agreed.book.get(statement.said.agreement)
            if held_now and statement.said.party == self._ori and peer in held_now.signers:
                envelope = statement.envelope().model_dump(mode="json")
                yield _said_mark(statement, peer), {"statement": envelope}

    # -- inside ---------------------------------------------------------------------------

    def _partners(self, agreed: Agreed) -> list[str]:
        found = {p for h in agreed.book.documents for p in _parties(h, agreed)}
        known = {peer.ori for peer in self._peers.known()}
        return sorted((found - {self._ori}) & known)

    def _held(self, peer: str) -> dict[str, str]:
        """Give the digests of what both this agency and a peer are parties to and signed here."""
        agreed = self._policy.agreed
        return {
            _name(h): h.document.digest
            for h in agreed.book.documents
            if self._ori in h.signers and peer in _parties(h, agreed)
        }

    def _standings(self, agreed: Agreed) -> Iterator[Standing]:
        return standings(agreed, self._ori, datetime.now(UTC))

    def _states(self, agreed: Agreed) -> dict[str, tuple[str, tuple[str, ...]]]:
        return {_name(s.held): (s.state, s.by) for s in self._standings(agreed)}

    def _renewed(self, standing: Standing, every: list[Standing]) -> bool:
        """Whether a later version that all have signed takes its place."""
        mine = standing.held.document.agreement
        return any(
            s.state in {"in_force", "not_begun"}
            and s.held.document.agreement.id == mine.id
            and s.held.document.agreement.version > mine.version
            for s in every
        )

    async def _mark(self, mark: str) -> None:
        def write() -> None:
            row = {"mark": mark, "at": datetime.now(UTC).timestamp()}
            with self._state.begin() as c:
                c.execute(insert(_marks).values(row).on_conflict_do_nothing())

        await asyncio.to_thread(write)
        self._done.add(mark)


def _name(held: Held) -> str:
    return f"{held.document.agreement.id}.{held.document.agreement.version}"


def _parties(held: Held, agreed: Agreed) -> set[str]:
    """Name the agencies concerned: parties by name, and those of a type that have signed."""
    by_type = {ori for two in pairs(held, agreed.types) for ori, _ in two}
    return {*held.document.agreement.named, *by_type}


def _told_mark(document: Document, peer: str) -> str:
    signatures = b"".join(s.signature.encode() for s in document.signatures)
    return f"told {digest(document.canonical + signatures)} {peer}"


def _said_mark(statement: Statement, peer: str) -> str:
    return f"said {digest(statement.canonical)} {peer}"
