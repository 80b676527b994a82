"""Sets that counted, kept by digest: for the restart after a bad edit, and to replay a decision.

`policy_sets/<digest>/` holds a set as its canonical bytes; `policy_sets/active` names the one that
counts. A copy is written whole, flushed, and named last, so that a crash leaves none half done.
Reading one checks its digest.
"""

import os
import re
from pathlib import Path

from gateway.errors import PolicyRejected
from gateway.policy.sets import PolicySet, from_canonical

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE = "set.json"
VETTED_BY = 1
"""Goes up when vetting grows stricter: older copies are then vetted again."""


class KeptSets:
    """The folder of kept sets. Blocking; a few milliseconds a call."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "policy_sets"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, vetted: PolicySet) -> None:
        """Keep a vetted set, and note that it counts from now on."""
        home = self._folder / vetted.digest
        home.mkdir(mode=0o700, exist_ok=True)
        if not (home / _FILE).exists():
            _write(home / _FILE, vetted.canonical)
        _write(self._folder / "active", f"{vetted.digest} {VETTED_BY}\n".encode())

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

    def active(self) -> PolicySet | None:
        """Give the set that counted last and was vetted as strictly as now, or None."""
        try:
            digest, _, vetted_by = (self._folder / "active").read_text().strip().partition(" ")
        except OSError:
            return None
        if vetted_by != str(VETTED_BY):
            return None
        try:
            return self.get(digest)
        except PolicyRejected:
            return None


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durable on return."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
