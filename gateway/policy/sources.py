"""Where policy sets come from: an edited folder, or a signed bundle; and who has to agree to one.

Parts of a set (`law`, `agreements`) can be made to need a second person: a set that differs there
from the one in force counts only with the signatures of two different people. A bundle holds them;
beside an edited folder they stand in its `.signatures.json`, over the set's revision.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import orjson
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.errors import PolicyRejected
from gateway.model import stamp
from gateway.policy.bundles import Bundle, Lease, read_bundle
from gateway.policy.engine import Limits
from gateway.policy.kept import Floor, KeptSets
from gateway.policy.sets import PolicySet, load_set
from gateway.policy.signers import Signers, claims_of, key_id_of, read_signatures, sign_claims

SIGNATURES = ".signatures.json"
_TYP = "sallyport-policy-set"
_EVERYTHING = "*"
_CLOCKS = timedelta(minutes=5)
_STEP = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\["([^"]+)"\]')
_AGREEMENTS = "agreements"
# What decides whether and how a part's rules are applied belongs to it: who could edit the doors,
# the words, or what an agency is, alone, could take the effect from the law alone.
_APPLIED_BY = {"law": ("sallyport", "agencies")}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A set that may come into force, and the bundle that it came in, if in one."""

    policy_set: PolicySet
    bundle: Bundle | None = None
    folder_signers: tuple[str, ...] = ()

    @property
    def lease(self) -> Lease | None:
        """For how long it holds; None: until it is changed."""
        return self.bundle.lease if self.bundle else None

    @property
    def signers(self) -> tuple[str, ...]:
        """The people whose signatures were verified."""
        return self.lease.signers if self.lease else self.folder_signers


class Source(Protocol):
    """Gives the set that is meant to be in force."""

    @property
    def watched(self) -> Path:
        """The folder or file in which an edit shows."""

    def load(self, before: PolicySet | None, floor: Floor | None, limits: Limits) -> Candidate:
        """Read the candidate. `before` is in force; `floor` the newest bundle that ever counted.

        Blocking. Raises `PolicyRejected`, with what to do.
        """

    def again(self, kept: KeptSets, last: PolicySet) -> Candidate:
        """Give the set that counted last, if it still may. Raises `PolicyRejected`."""


class FolderSource:
    """The edited folder. `two_persons` names the parts that need a second person."""

    def __init__(
        self, folder: Path, signers: Signers | None = None, two_persons: Sequence[str] = ()
    ) -> None:
        self.watched = folder
        self._signers = signers or Signers({})
        self._two_persons = tuple(two_persons)

    def load(
        self,
        before: PolicySet | None,
        floor: Floor | None,  # noqa: ARG002 - the protocol's; a folder has no version
        limits: Limits,
    ) -> Candidate:
        """Read the folder, and who signed it where that is needed."""
        found = load_set(self.watched, max_files=limits.files, max_bytes=limits.set_bytes)
        parts = changed_parts(before, found, self._two_persons)
        if not self._two_persons:
            return Candidate(found)
        names = who_signed(self.watched / SIGNATURES, found, self._signers)
        if parts:
            require_two(parts, names, self._signers)
        return Candidate(found, folder_signers=tuple(names))

    def again(self, kept: KeptSets, last: PolicySet) -> Candidate:  # noqa: ARG002 - the protocol's
        """Give the set that counted last: it was agreed to when it came."""
        return Candidate(last)


class BundleSource:
    """A signed bundle. Nothing counts without a pinned person's signature."""

    def __init__(self, file: Path, signers: Signers, two_persons: Sequence[str] = ()) -> None:
        self.watched = file
        self._signers = signers
        self._two_persons = tuple(two_persons)

    def load(self, before: PolicySet | None, floor: Floor | None, limits: Limits) -> Candidate:
        """Read the bundle: signed, not older than the newest that counted, not yet at its end."""
        bundle = self._signed(read_file(self.watched, limits.set_bytes), self.watched.name)
        lease, now = bundle.lease, datetime.now(UTC)
        known = floor is not None and lease.id == floor.id
        if floor is not None and not known and lease.version <= floor.version:
            raise PolicyRejected(
                f"version {lease.version} is not newer than {floor.version}, which counted here "
                f"before: build it again with --version {floor.version + 1} or higher",
                where=self.watched.name,
            )
        # One that counts already may end: then every decision is a refusal, and says why.
        if not known and lease.expires <= now:
            raise PolicyRejected(
                f"it ended at {stamp(lease.expires)}: build it again with a later end",
                where=self.watched.name,
            )
        if lease.issued > now + _CLOCKS:
            raise PolicyRejected(
                f"it was made at {stamp(lease.issued)}, which is to come: one of the two clocks is "
                "wrong",
                where=self.watched.name,
            )
        parts = changed_parts(before, bundle.policy_set, self._two_persons)
        if parts:
            require_two(parts, lease.signers, self._signers)
        return Candidate(bundle.policy_set, bundle)

    def again(self, kept: KeptSets, last: PolicySet) -> Candidate:
        """Give the set that counted last, if whoever signed it may still sign."""
        raw = kept.bundle(last)
        if raw is None:
            raise PolicyRejected(
                "the set that counted last was not signed, and only signed bundles count now"
            )
        bundle = self._signed(raw, f"policy_sets/{last.digest}")
        if not _same_but_agreements(bundle.policy_set, last):
            raise PolicyRejected("the set that counted last is not what its bundle holds")
        return Candidate(last, bundle)

    def _signed(self, raw: bytes, where: str) -> Bundle:
        try:
            bundle = read_bundle(raw, self._signers)
        except PolicyRejected as error:
            at = f"{where}: {error.where}" if error.where else where
            raise PolicyRejected(error.detail, where=at) from None
        if not bundle.lease.signers:
            raise PolicyRejected(
                f"nobody of policy_signers.yaml signed it ({_people(self._signers)}): sign it with "
                "`sallyport policy sign`",
                where=where,
            )
        return bundle


def _same_but_agreements(one: PolicySet, other: PolicySet) -> bool:
    """Whether two sets are one but for the agreements, which are verified by themselves."""

    def rest(policy_set: PolicySet) -> dict[str, Any]:
        return {k: v for k, v in policy_set.data.items() if k != _AGREEMENTS}

    return one.modules == other.modules and rest(one) == rest(other)


def read_file(path: Path, limit: int) -> bytes:
    """Read a bundle's file, bounded. Raises `PolicyRejected`."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError:
        raise PolicyRejected(
            "there is no such bundle to read: put one there with `sallyport policy apply --bundle`",
            where=path.name,
        ) from None
    if len(raw) > limit:
        raise PolicyRejected(f"the bundle is over {limit} bytes", where=path.name)
    return raw


# -- the second person ------------------------------------------------------------------------


def changed_parts(
    before: PolicySet | None, after: PolicySet, parts: Sequence[str]
) -> tuple[str, ...]:
    """Name those of the parts in which two sets differ. All of them, where there is none before.

    One that changed only in what applies it is named with that: `sallyport, which counts as law`.
    """
    return tuple(named for p in parts for named in _changed(before, after, p))


def _changed(before: PolicySet | None, after: PolicySet, part: str) -> tuple[str, ...]:
    if before is None or _part(before, part) != _part(after, part):
        return (part,)
    applied_by = _APPLIED_BY.get(part.partition("/")[0], ())
    return tuple(
        f"{p}, which counts as {part}," for p in applied_by if _part(before, p) != _part(after, p)
    )


def _part(policy_set: PolicySet, part: str) -> Any:
    """Give what belongs to a part: its folder's files, whatever is in its packages, its data."""
    if part == _EVERYTHING:
        return policy_set.revision
    steps = tuple(part.strip("/").split("/"))
    modules = {p: t for p, t in policy_set.modules.items() if _belongs(p, t, steps)}
    data: Any = policy_set.data
    for step in steps:
        data = data.get(step) if isinstance(data, Mapping) else None
    return modules, data


def _belongs(path: str, text: str, steps: tuple[str, ...]) -> bool:
    """Whether a module is of the part: by its folder, or by its package, wherever it lies.

    A package above the part's can define rules in it as well.
    """
    if tuple(path.split("/")[: len(steps)]) == steps:
        return True
    package = package_of(text)
    shorter = min(len(package), len(steps)) if package else 0
    return package is None or package[:shorter] == steps[:shorter]


def package_of(text: str) -> tuple[str, ...] | None:
    """Give a module's package, or None where its first line of code does not tell plainly."""
    for line in text.splitlines():
        code = line.partition("#")[0].strip()
        if not code:
            continue
        name = code.removeprefix("package").strip() if code.startswith("package") else ""
        steps, at = [], 0
        name = f".{name}"
        while found := _STEP.match(name, at):
            steps.append(found[1] or found[2])
            at = found.end()
        return tuple(steps) if steps and at == len(name) else None
    return None


def require_two(parts: Sequence[str], names: Sequence[str], signers: Signers) -> None:
    """Raise `PolicyRejected` unless two different people signed."""
    if len(set(names)) < 2:  # noqa: PLR2004 - the rule is of two people
        by = f"it has {names[0]}'s" if names else "as it is now it has none"
        wanted = f"a change of {' and '.join(parts)} needs the signatures of two people"
        raise PolicyRejected(
            f"{wanted}, and {by}. Have another of {_people(signers)} look at it and run "
            "`sallyport policy sign`",
            shown=f"{wanted}; `sallyport policy inspect` tells whose it has",
        )


def _people(signers: Signers) -> str:
    return ", ".join(sorted(signers.names)) or "nobody yet: see policy_signers.yaml"


def who_signed(path: Path, policy_set: PolicySet, signers: Signers) -> list[str]:
    """Name who signed this set, by the signatures file of its folder. Raises `PolicyRejected`."""
    if not path.exists():
        return []
    claims = {"revision": policy_set.revision}
    # Those under what the folder held before are no fault: it is edited, and signed again.
    tokens = [t for t in _tokens(path) if claims_of(t) == claims]
    try:
        return signers.who_signed(tokens, claims, _TYP)
    except PolicyRejected as error:
        raise PolicyRejected(error.detail, where=path.name) from None


def _tokens(path: Path) -> list[str]:
    return read_signatures(read_file(path, 4 * 2**20), path.name)


def sign_folder(folder: Path, policy_set: PolicySet, key: ec.EllipticCurvePrivateKey) -> int:
    """Sign the set that a folder holds now; signatures under what it held before go.

    Gives how many signatures it has.
    """
    path = folder / SIGNATURES
    claims = {"revision": policy_set.revision}
    mine = sign_claims(claims, key, _TYP)
    kept = [
        t
        for t in (_tokens(path) if path.exists() else ())
        if key_id_of(t) != key_id_of(mine) and claims_of(t) == claims
    ]
    temporary = path.with_name(f"{SIGNATURES}.new")
    temporary.write_bytes(orjson.dumps({"signatures": [*kept, mine]}))
    temporary.replace(path)
    return len(kept) + 1
