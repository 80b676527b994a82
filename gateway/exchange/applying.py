"""A policy set comes into force: each time a line in the log, with who asked and who signed it.

    apply     an administrator asks: `policy_applied` or `policy_rejected`, an `admin` entry
    watch     a saved edit of the folder, or a new bundle's file, counts by itself: a `notice`
    started   what was changed while the gateway stood still counts since its start: a `notice`

The names of who signed are in the sealed part. Which set a decision was made by, it says itself.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.errors import PolicyRejected, SallyportError
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Ori
from gateway.policy import Policy

_log = structlog.get_logger("sallyport.policy")


class Applying:
    """Lets sets come into force, and writes it down."""

    def __init__(self, *, ori: Ori, policy: Policy, ledger: Ledger) -> None:
        self._ori = ori
        self._policy = policy
        self._ledger = ledger

    async def started(self) -> None:
        """Write down that the start brought another set into force than counted before."""
        if self._policy.new_at_start:
            await self._write(EntryType.NOTICE, "policy_applied", {"by": "start"}, None)

    async def apply(self, personal: Mapping[str, Any]) -> dict[str, Any]:
        """Vet and switch, whole or not at all: {set, revision, before, changed, signed_by}.

        `set` is the digest of the folder or bundle, `revision` that of the set with its agreements,
        which every decision names.
        `personal`: who asked. Raises `PolicyRejected`, with the old set in force.
        """
        before = self._policy.revision
        try:
            revision = await self._policy.apply()
        except PolicyRejected:
            await self._write(EntryType.ADMIN, "policy_rejected", personal, before)
            raise
        await self._write(EntryType.ADMIN, "policy_applied", personal, before)
        return {
            "set": self._policy.set_revision,
            "revision": revision,
            "before": before,
            "changed": revision != before,
            "signed_by": list(self._policy.signed_by),
        }

    async def watch(self) -> None:
        """Apply each saved edit, until cancelled. The status shows a rejected one."""
        before = self._policy.revision
        async for _ in self._policy.edits():
            try:
                revision = await self._policy.apply()
            except PolicyRejected:
                continue  # kept in `status`, which is where an administrator looks
            if revision == before:
                continue
            try:
                await self._write(EntryType.NOTICE, "policy_applied", {"by": "saved edit"}, before)
            except SallyportError as error:
                # Decisions need the log as well, so none is made while it can't be written.
                _log.error("a switch of the policy set could not be logged", code=error.code)
            before = revision

    async def _write(
        self, kind: EntryType, what: str, personal: Mapping[str, Any], before: str | None
    ) -> None:
        about: dict[str, Any] = {"before": before}
        if what == "policy_applied":
            about["signed_by"] = list(self._policy.signed_by)
        draft = Draft(
            type=kind,
            peer=self._ori,
            policy=self._policy.revision,
            decision=what,
            personal={**personal, "about": about},
        )
        await self._ledger.begin([draft])
