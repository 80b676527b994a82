"""The set in force: brought in at the start, switched whole or not at all, shown, decided by.

What stands here is for the administrators. The decisions made of it are the facade's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import watchfiles

from gateway.background import ended
from gateway.errors import PolicyRejected, PolicyUnavailable, SallyportError
from gateway.model import (
    Ori,
    stamp,
)
from gateway.policy import inputs, release
from gateway.policy.active import ActiveSet
from gateway.policy.agreements import (
    Agreed,
    Agreements,
    Unknown,
    refuse_unsigned,
    unknown_words,
    with_agreements,
)
from gateway.policy.bundles import Lease
from gateway.policy.clock import SteadyClock
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.engine import Engine, Limits
from gateway.policy.freshness import strictest
from gateway.policy.kept import Floor, KeptSets
from gateway.policy.questions import Pairwise
from gateway.policy.sets import PolicySet
from gateway.policy.sources import Candidate, FolderSource, Source
from gateway.policy.vetting import Vetter
from gateway.policy.vocabulary import Vocabulary
from gateway.trust.agreements import Agreement, Document

ANSWER_BYTES = 8 * 2**20
"""The most that an answer holds, where no setting says otherwise."""
_SETTLE_S = 3.0
"""To get ready to vet takes half a second of a core: not while a gateway starts."""
_GROWN = (
    "the set that counted last was vetted by an older version, and does not pass either: go back "
    "to that version until it is mended; `sallyport policy check` names what is wrong"
)
Note = Callable[[str, tuple[str, ...]], Awaitable[None]]
"""Told of a set before it counts: its revision, and who signed it. What it raises keeps it out."""


class InForce:
    """The set that counts, and its switch. Made by `start`, on the event loop that uses it."""

    def __init__(
        self,
        *,
        source: Source,
        kept: KeptSets,
        self_ori: Ori,
        pairwise: Pairwise,
        engine: Engine,
        limits: Limits,
        warn: timedelta,
        agreements: Agreements | None = None,
        answer_bytes: int = ANSWER_BYTES,
    ) -> None:
        """Use `start`: this alone has no set, and decides nothing."""
        self._agreements = agreements
        self._base: PolicySet | None = None
        self.signed_by: tuple[str, ...] = ()
        """Whose signatures the set in force has, as far as somebody had to sign."""
        self.agreed = Agreed()
        """The agreements as they count now, and what is wrong with others."""
        self._source = source
        self._warn = warn
        self._lease: Lease | None = None
        self._clock = SteadyClock()
        self._kept = kept
        self._self = self_ori
        self._pairwise = pairwise
        self._engine = engine
        self._limits = limits
        self._vetter = Vetter(limits)
        self._settling: asyncio.Task[None] | None = None
        self._foreseeing: asyncio.Task[None] | None = None
        self._expects_edits = False
        self._switching = asyncio.Lock()
        self._current: ActiveSet | None = None
        self._known: dict[str, ActiveSet] = {}
        self._since = datetime.now(UTC)
        self._rejected: PolicyRejected | None = None
        self._failures = release.Failures()
        self._answer_bytes = answer_bytes

    @classmethod
    async def start(
        cls,
        *,
        folder: Path,
        data_dir: Path,
        self_ori: Ori,
        pairwise: Pairwise,
        engine: Engine | None = None,
        limits: Limits | None = None,
        source: Source | None = None,
        warn: timedelta = timedelta(days=7),
        agreements: Agreements | None = None,
        answer_bytes: int = ANSWER_BYTES,
        note: Note | None = None,
    ) -> Self:
        """Bring the folder's set into force, or the last good one if the folder's is rejected.

        `agreements`: where signed ones lie; without, there are none but the set's own data.
        `source` gives the set in the folder's stead: a signed bundle, or a folder that two people
        have to agree to. `warn`: how long before a bundle's end the status says so. `note` is told
        of another set than counted last, before it counts: what it raises ends the start. Raises
        `PolicyRejected` if there is no set. The embedded engine is the default.
        """
        self = cls(
            source=source or FolderSource(folder),
            kept=KeptSets(data_dir),
            self_ori=self_ori,
            pairwise=pairwise,
            engine=engine or EmbeddedEngine(limits),
            limits=limits or Limits(),
            warn=warn,
            agreements=agreements,
            answer_bytes=answer_bytes,
        )
        last = await asyncio.to_thread(self._kept.active)
        strictly = await asyncio.to_thread(self._kept.strictly_vetted)
        try:
            candidate, agreed = await self._load(last)
            news = last is None or candidate.policy_set.revision != last.revision
            if news or not strictly:
                await self._vet(candidate, agreed)
            await self._switch(candidate, agreed, note if news else None)
        except PolicyRejected as error:
            await self._go_on_with(last, error, strictly=strictly)
        except SallyportError:
            await self._engine.close()
            raise
        return self

    async def _go_on_with(
        self, last: PolicySet | None, error: PolicyRejected, *, strictly: bool
    ) -> None:
        """Decide by the set that counted last. Raises `error` if there is none that still may.

        One that was vetted less `strictly` is vetted again.
        """
        try:
            if last is None:
                raise error
            good = await asyncio.to_thread(self._source.again, self._kept, last)
            # The set of then, with the agreements of now: what was suspended since stays so.
            agreed = await self._read_agreements(good.policy_set)
            if not strictly:
                await self._vet(good, agreed)
        except PolicyRejected:
            await self._engine.close()
            if last is None or strictly:
                raise error from None
            raise PolicyRejected(f"{error.detail} ({_GROWN})", where=error.where) from None
        self._rejected = error
        await self._switch(good, agreed)

    # -- the set in force -----------------------------------------------------------------

    @property
    def revision(self) -> str:
        """The digest of the set in force: `sha-256:` and 64 hex digits."""
        return self._active().revision

    @property
    def set_revision(self) -> str:
        """The digest of the set alone, without its agreements: what the folder or bundle has."""
        if self._base is None:
            raise PolicyUnavailable("no policy set is in force")
        return self._base.revision

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of the set in force."""
        return self._active().vocabulary

    @property
    def deciding(self) -> PolicySet:
        """The set that decides now, with its agreements."""
        return self._active().policy_set

    @property
    def kept(self) -> KeptSets:
        """The sets that were in force here, by digest."""
        return self._kept

    async def apply(self, note: Note | None = None) -> str:
        """Vet the folder's set and switch to it, whole or not at all. Gives the revision in force.

        `note` is told of the new set before it counts. Raises `PolicyRejected` with file, line and
        reason, and what `note` raises; the old set then stays in force.
        """
        async with self._switching:
            try:
                candidate, agreed = await self._load(self._base)
                if self._base is None or candidate.policy_set.revision != self._base.revision:
                    await self._vet(candidate, agreed)
                    await self._switch(candidate, agreed, note)
                elif candidate.lease != self._lease or agreed.data != self.agreed.data:
                    await self._switch(candidate, agreed, note)
            except PolicyRejected as error:
                self._rejected = error
                raise
            except SallyportError as error:
                self._rejected = PolicyRejected(
                    f"that it counts could not be written down, so it does not: {error.detail} "
                    "Apply it again."
                )
                raise
            except OSError as error:
                self._rejected = PolicyRejected("the policy or data folder can't be used")
                raise self._rejected from error
            finally:
                self._settle()
            self._rejected = None
            return self.revision

    async def renew_agreements(self) -> bool:
        """Take the agreements as they are signed, suspended and revoked now. Whether that is news.

        The rules stay, so nothing is vetted: from the next decision on it counts. Raises
        `PolicyRejected` if they can't be read; what counted before then goes on.
        """
        async with self._switching:
            base = self._base
            if self._agreements is None or base is None:
                return False
            fresh = await self._read_agreements(base)
            changed = fresh.data != self.agreed.data
            if changed:
                await self._activate(with_agreements(base, fresh.data))
            self.agreed = fresh
            return changed

    def approved_by(self, document: Document) -> tuple[str, ...]:
        """Name who approved an agreement here, where that takes two people."""
        return self._agreements.approved_by(document) if self._agreements else ()

    def unknown_words(self, agreement: Agreement) -> list[Unknown]:
        """Give the words of an agreement that the set in force does not know."""
        active = self._active()
        return list(unknown_words(agreement, active.vocabulary, active.policy_set.data))

    def expect_edits(self, *, ahead: bool = False) -> None:
        """Have a process wait from now on that vets the next edit sooner. `close` ends it.

        `ahead`: have each saved edit vetted at once, for whoever applies it then.
        """
        self._expects_edits = True
        self._settle()
        if ahead:
            self._foreseeing = asyncio.create_task(self._foresee())

    async def edits(self) -> AsyncIterator[None]:
        """Tell of each saved edit of the folder or bundle, once it is quiet for a moment."""
        watched = self._source.watched
        where = watched if watched.is_dir() else watched.parent

        def meant(_change: object, path: str) -> bool:
            return where == watched or Path(path).name == watched.name

        async for _ in watchfiles.awatch(
            where, watch_filter=meant, debounce=100, step=20, recursive=where == watched
        ):
            yield

    def freshness_limits(self) -> dict[str, int]:
        """Give the strictest limits on records' age, in minutes by record type: for showing."""
        return strictest(self._active().policy_set, self._self)

    def status(self) -> dict[str, Any]:
        """Tell the component's health: ok, or degraded with why. No personal data."""
        trouble = self._engine.trouble()
        rejected = self._rejected
        lease = self._lease
        warning = lease.warning(self._clock.now(), self._warn) if lease else None
        troubled = trouble or rejected or warning or self._failures.count
        found: dict[str, Any] = {
            "status": "degraded" if troubled else "ok",
            "engine": self._engine.name,
            "revision": self.revision,
            "since": stamp(self._since),
            "age_s": int((datetime.now(UTC) - self._since).total_seconds()),
            "records_withheld_as_invalid": dict(self._failures.by_type),
        }
        if lease is not None:
            found["bundle"] = {
                "version": lease.version,
                "signatures": len(lease.signers),
                "expires": stamp(lease.expires),
            }
        if warning:
            found["warning"] = warning
        if trouble:
            found["trouble"] = trouble
        if rejected:
            file, _, line = (rejected.where or "").rpartition(":")
            found["rejected"] = {
                "file": (file or line) or None,
                "line": int(line) if file and line.isdigit() else None,
                "reason": rejected.shown,
            }
        return found

    async def probe(self) -> None:
        """Decide something fixed, to see that the engine is there. Raises `PolicyUnavailable`."""
        case = {"v": inputs.VERSION, "now": stamp(self._since), "self": self._self, "officer": None}
        await self._decide("agencies", case)

    async def close(self) -> None:
        """Let go of the engine, and of the process that waits to vet."""
        await ended(self._settling)
        await ended(self._foreseeing)
        await self._vetter.close()
        await self._engine.close()

    # -- inside ---------------------------------------------------------------------------

    def _active(self) -> ActiveSet:
        if self._current is None:
            raise PolicyUnavailable("no policy set is in force")
        return self._current

    async def _load(self, before: PolicySet | None) -> tuple[Candidate, Agreed]:
        """Load the folder's or bundle's set, and the agreements that it would decide with."""

        def load() -> Candidate:
            return self._source.load(before, self._kept.floor(), self._limits)

        candidate = await asyncio.to_thread(load)
        return candidate, await self._read_agreements(candidate.policy_set, strict=True)

    def _settle(self) -> None:
        """Get ready to vet the next edit, once this one has been in force for a moment."""

        async def later() -> None:
            await asyncio.sleep(_SETTLE_S)
            # Where no process can be started now, the edit starts its own, and tells what fails.
            async with self._switching:
                if self._base is not None:
                    with suppress(OSError):
                        await self._vetter.get_ready(self._base)

        if self._expects_edits and (self._settling is None or self._settling.done()):
            self._settling = asyncio.create_task(later())

    async def _foresee(self) -> None:
        """Vet saved edits ahead, until cancelled. What fails here is told to who applies them."""
        # Without it an edit counts all the same, only later.
        with suppress(OSError, RuntimeError):
            async for _ in self.edits():
                async with self._switching:
                    with suppress(SallyportError, OSError):
                        await self._vet_ahead()
                self._settle()

    async def _vet_ahead(self) -> None:
        candidate, agreed = await self._load(self._base)
        if self._base is None or candidate.policy_set.revision != self._base.revision:
            deciding = self._deciding(candidate.policy_set, agreed)
            await self._vetter.vet_ahead(deciding, self._self)

    async def _vet(self, candidate: Candidate, agreed: Agreed) -> None:
        deciding = self._deciding(candidate.policy_set, agreed)
        await self._vetter.vet(deciding, self._self, folder=self._source.watched)

    async def _read_agreements(self, base: PolicySet, *, strict: bool = False) -> Agreed:
        if self._agreements is None:
            return Agreed()
        refuse_unsigned(base, self._source.watched)
        return await asyncio.to_thread(self._agreements.read, base, strict=strict)

    def _deciding(self, base: PolicySet, agreed: Agreed) -> PolicySet:
        """Give the set as it decides: with the agreements that were verified, and no others."""
        return base if self._agreements is None else with_agreements(base, agreed.data)

    async def _switch(self, candidate: Candidate, agreed: Agreed, note: Note | None = None) -> None:
        """Switch the engine, then the rest. While it switches, either set's decisions count."""
        lease = candidate.lease
        deciding = self._deciding(candidate.policy_set, agreed)
        if note is not None:
            await note(deciding.revision, candidate.signers)
        floor = await asyncio.to_thread(self._kept.floor)
        if lease is not None and (floor is None or floor.version < lease.version):
            await asyncio.to_thread(self._kept.raise_floor, Floor(lease.version, lease.id))
        await self._activate(deciding)
        self._base, self._lease, self.agreed = candidate.policy_set, lease, agreed
        self.signed_by = candidate.signers
        raw = candidate.bundle.raw if candidate.bundle else None
        await asyncio.to_thread(self._kept.keep, candidate.policy_set, raw)

    async def _activate(self, deciding: PolicySet) -> None:
        fresh, before = ActiveSet(deciding), self._current
        self._known = {s.revision: s for s in (before, fresh) if s is not None}
        await self._engine.activate(deciding)
        self._current = fresh
        self._since = datetime.now(UTC)
        # To replay its decisions; the one to start from is kept without agreements.
        await asyncio.to_thread(self._kept.store, deciding)

    async def _decide(
        self, entrypoint: str, case: Mapping[str, Any]
    ) -> tuple[ActiveSet, bytes, Any]:
        """Decide, and pair the outcome with the set that made it, its words and its paths."""
        if self._lease is not None:
            self._lease.check(self._clock.now())
        raw = inputs.canonical(case, self._limits.input_bytes)
        decided = await self._engine.decide(entrypoint, raw)
        active = self._known.get(decided.revision)
        if active is None:
            raise PolicyUnavailable("the decision was made by an unknown policy set")
        return active, raw, decided.outcome
