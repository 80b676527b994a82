"""A policy set comes into force: each time a line in the log, with who asked and who signed it.

    apply     an administrator asks: `policy_applied` or `policy_rejected`, an `admin` entry
    watch     a saved edit of the folder, or a new bundle's file, counts by itself: a `notice`
    at_start  what was changed while the gateway stood still counts since its start: a `notice`

The line is durable before the set counts. Where it can't be written, the set does not come into
force, whichever way it came: the one before goes on, and at the start there is no start. A set that
then can't be switched to after all has a `policy_rejected` behind its `policy_applied`.

The names of who signed are in the sealed part. Which set a decision was made by, it says itself.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.errors import PolicyRejected, SallyportError
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Ori
from gateway.policy import Note, Policy

_log = structlog.get_logger("sallyport.policy")


def at_start(ori: Ori, ledger: Ledger) -> Note:
    """Give what writes down that a start brings another set into force than counted before."""
    return _Line(ori, ledger, EntryType.NOTICE, {"by": "start"}, None).applied


class Applying:
    """Lets sets come into force, and writes it down."""

    def __init__(self, *, ori: Ori, policy: Policy, ledger: Ledger) -> None:
        self._ori = ori
        self._policy = policy
        self._ledger = ledger

    async def apply(self, personal: Mapping[str, Any]) -> dict[str, Any]:
        """Vet and switch, whole or not at all: {set, revision, before, changed, signed_by}.

        `set` is the digest of the folder or bundle, `revision` that of the set with its agreements,
        which every decision names.
        `personal`: who asked. Raises `PolicyRejected` and LedgerUnavailable, with the old set in
        force.
        """
        before = self._policy.revision
        line = _Line(self._ori, self._ledger, EntryType.ADMIN, personal, before)
        try:
            revision = await self._policy.apply(line.applied)
        except PolicyRejected:
            await line.rejected(before)
            raise
        signed_by = self._policy.signed_by
        if not line.written:
            await line.applied(revision, signed_by)
        return {
            "set": self._policy.set_revision,
            "revision": revision,
            "before": before,
            "changed": revision != before,
            "signed_by": list(signed_by),
        }

    async def watch(self) -> None:
        """Apply each saved edit, until cancelled. The status shows one that does not count."""
        async for _ in self._policy.edits():
            before = self._policy.revision
            by = {"by": "saved edit"}
            line = _Line(self._ori, self._ledger, EntryType.NOTICE, by, before)
            try:
                try:
                    await self._policy.apply(line.applied)
                except PolicyRejected:
                    if line.written:
                        await line.rejected(before)
            except SallyportError as error:
                _log.error("a switch of the policy set could not be logged", code=error.code)


class _Line:
    """One switch's line in the log. `before`: the set that counted until then."""

    def __init__(
        self,
        ori: Ori,
        ledger: Ledger,
        kind: EntryType,
        personal: Mapping[str, Any],
        before: str | None,
    ) -> None:
        self._ori = ori
        self._ledger = ledger
        self._kind = kind
        self._personal = personal
        self._before = before
        self.written = False

    async def applied(self, revision: str, signers: tuple[str, ...]) -> None:
        """Write that a set comes into force."""
        await self._write("policy_applied", revision, {"signed_by": list(signers)})
        self.written = True

    async def rejected(self, revision: str) -> None:
        """Write that another set was tried, and this one goes on."""
        await self._write("policy_rejected", revision, {})

    async def _write(self, what: str, revision: str, about: Mapping[str, Any]) -> None:
        draft = Draft(
            type=self._kind,
            peer=self._ori,
            policy=revision,
            decision=what,
            personal={**self._personal, "about": {"before": self._before, **about}},
        )
        await self._ledger.begin([draft])
