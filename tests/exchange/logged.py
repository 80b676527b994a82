"""A log as one agency's answering writes it, with real policy and a real ledger, for the tools.

Only the records are made up, unless real ones are given: what is found is what the test says.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.exchange import Answering
from gateway.exchange.answering import decided
from gateway.exchange.applying import at_start
from gateway.ledger import Draft, EntryType, Filters, Ledger, LogEntry, origin_of
from gateway.model import FindResult, Found, Question
from gateway.policy import AskDecision, Policy
from gateway.policy.kept import KeptSets
from gateway.records.find import Records
from gateway.telemetry import Metrics, Tracing
from gateway.trust.tickets import Tickets
from tests.policy.made import NOW, SMALL, TEXAS, question, result, search, start

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class _Found:
    """What is found, in the records' place."""

    records: tuple[Found, ...] = ()
    held: asyncio.Event | None = None
    """Nothing is found before this is set, where there is one."""
    broken: Exception | None = None

    async def find(self, _question: Question, **_: object) -> FindResult:
        if self.held is not None:
            await self.held.wait()
        if self.broken is not None:
            raise self.broken
        return result(*self.records)


@dataclass
class Agency:
    """One agency that answers, and its log."""

    ledger: Ledger
    policy: Policy
    kept: KeptSets
    answering: Answering
    records: _Found = field(default_factory=_Found)

    async def answer(self, *found: Found, **changes: Any) -> None:
        """Answer one question, from these records."""
        self.records.records = found
        await self.answering.answer(question(**changes))

    async def ask(self, **changes: Any) -> AskDecision:
        """Write what a search writes, as far as policy goes: the input in the first entry alone."""
        decision = await self.policy.permit_search(search(**changes), now=NOW)
        parts = [(p.owner, "allow", ()) for p in decision.permits]
        parts += [(r.owner, "deny", tuple(x.code for x in r.reasons)) for r in decision.refusals]
        drafts = [
            Draft(
                type=EntryType.QUERY_OUT if verdict == "allow" else EntryType.DENY,
                transaction=search(**changes).id,
                peer=peer,
                purpose=search(**changes).purpose,
                policy=decision.evidence.revision,
                decision=verdict,
                reasons=codes,
                granularity="record",
                personal={"officer": "p4471"} | (decided(decision.evidence) if not i else {}),
            )
            for i, (peer, verdict, codes) in enumerate(parts)
        ]
        await self.ledger.begin(drafts)
        return decision

    async def read(self, *types: EntryType) -> Sequence[LogEntry]:
        """Give the log's entries, opened."""
        return (await self.ledger.entries(Filters(types=types), unseal=True)).entries

    async def last(self, *types: EntryType) -> LogEntry:
        """Give the newest of some kinds."""
        return (await self.read(*types))[-1]

    async def rewritten(self, entry: LogEntry, **decision: Any) -> str:
        """Write an entry once more, with something of its sealed decision changed."""
        personal = dict(entry.personal or {})
        personal["decision"] = {**personal["decision"], **decision}
        names = ("transaction", "peer", "subject", "purpose", "policy", "decision", "granularity")
        same = {n: entry.fields[n] for n in names if n in entry.fields}
        draft = Draft(
            EntryType(entry.fields["type"]),
            **same,
            reasons=tuple(entry.fields.get("reasons", ())),
            personal={k: v for k, v in personal.items() if v is not None},
        )
        [logged] = await self.ledger.begin([draft])
        return logged.entry_id

    async def reworded(self, entry: LogEntry, **fields: Any) -> str:
        """Write an entry once more, with other words of its own."""
        names = ("transaction", "peer", "subject", "purpose", "policy", "decision", "granularity")
        same = {n: entry.fields[n] for n in names if n in entry.fields}
        draft = Draft(
            EntryType(entry.fields["type"]),
            **same,
            reasons=tuple(entry.fields.get("reasons", ())),
            personal=entry.personal,
        )
        [logged] = await self.ledger.begin([replace(draft, **fields)])
        return logged.entry_id


@asynccontextmanager
async def agency(
    home: Path, folder: Path = SMALL, records: Records | None = None
) -> AsyncIterator[Agency]:
    """Start an agency in an empty folder, deciding by a set."""
    data = home / "data"
    data.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(data / "ledger.db", origin=origin_of(TEXAS), log_key=KEY, sealing_key=bytes(32))
    await ledger.start()
    try:
        policy = await start(data, folder, note=at_start(TEXAS, ledger))
    except BaseException:
        await ledger.stop()
        raise
    found = _Found()
    answering = Answering(
        tickets=Tickets(bytes(32)),
        policy=policy,
        ledger=ledger,
        records=records or cast("Records", found),
        metrics=Metrics(),
        tracing=Tracing(None, 0.0),
    )
    try:
        yield Agency(ledger, policy, policy.kept, answering, found)
    finally:
        await policy.close()
        await ledger.stop()
