"""Sets that counted, kept by digest: for the restart after a bad edit, and to replay a decision.

`policy_sets/<digest>/` holds a set as its canonical bytes, and the signed bundle that it came in;
`policy_sets/active` names the one that counts, `policy_sets/newest` the newest bundle that counted.
A copy is written whole, flushed, and named last, so that a crash leaves none half done.
Reading one checks its digest.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.durable import write_whole
from gateway.errors import PolicyRejected
from gateway.policy.sets import PolicySet, from_canonical

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE, _BUNDLE, _NEWEST = "set.json", "bundle.tar.gz", "newest"
VETTED_BY = 3
"""Goes up when vetting grows stricter: older copies are then vetted again."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The newest signed bundle that ever counted here: no other one may that is not newer."""

    version: int
    id: str


class KeptSets:
    """The folder of kept sets. Blocking; a few milliseconds a call."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "policy_sets"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, vetted: PolicySet, bundle: bytes | None = None) -> None:
        """Keep a vetted set, with the bundle it came in, and note that it counts from now on."""
        home = self.store(vetted)
        if bundle is not None:
            write_whole(home / _BUNDLE, bundle)
        write_whole(self._folder / "active", f"{vetted.digest} {VETTED_BY}\n".encode())

    def store(self, decided_by: PolicySet) -> Path:
        """Keep a set that decides, to replay its decisions. Gives its folder."""
        home = self._folder / decided_by.digest
        home.mkdir(mode=0o700, exist_ok=True)
        if not (home / _FILE).exists():
            write_whole(home / _FILE, decided_by.canonical)
        return home

    def get(self, revision: str) -> PolicySet:
        """Give the set of a revision. Raises `PolicyRejected` if it is not kept, or was changed."""
        digest = revision.removeprefix("sha-256:")
        if not _DIGEST.fullmatch(digest):
            raise PolicyRejected("not a revision")
        try:
            found = from_canonical((self._folder / digest / _FILE).read_bytes())
        except OSError as error:
            raise PolicyRejected("no set is kept under that revision") from error
        if found.digest != digest:
            raise PolicyRejected("the kept set was changed", where=f"policy_sets/{digest}")
        return found

    def bundle(self, kept: PolicySet) -> bytes | None:
        """Give the signed bundle that a kept set came in last, unverified, or None."""
        try:
            return (self._folder / kept.digest / _BUNDLE).read_bytes()
        except OSError:
            return None

    def floor(self) -> Floor | None:
        """Give the newest bundle that counted. Raises `PolicyRejected` if the note is damaged."""
        path = self._folder / _NEWEST
        try:
            found = orjson.loads(path.read_bytes())
            return Floor(int(found["version"]), str(found["id"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise PolicyRejected(
                "the note of the newest bundle is damaged: restore the data folder's policy_sets "
                "from its backup",
                where=f"policy_sets/{_NEWEST}",
            ) from None

    def raise_floor(self, floor: Floor) -> None:
        """Note the newest bundle, before it counts: no older one counts again."""
        write_whole(
            self._folder / _NEWEST, orjson.dumps({"version": floor.version, "id": floor.id}) + b"\n"
        )

    def active(self) -> PolicySet | None:
        """Give the set that counted last, or None."""
        try:
            return self.get(self._noted()[0])
        except PolicyRejected:
            return None

    def strictly_vetted(self) -> bool:
        """Whether the set that counted last was vetted as strictly as now."""
        return self._noted()[1] == str(VETTED_BY)

    def _noted(self) -> tuple[str, str]:
        try:
            digest, _, vetted_by = (self._folder / "active").read_text().strip().partition(" ")
        except OSError:
            return "", ""
        return digest, vetted_by
