"""What an import was made of, so that a source that is the same need not be read again.

`quick` is taken from the files' names, sizes, times of change and inodes: no file is read. `whole`
is taken from their content. Both hold the code that translates, so that a new version of it reads
everything anew. A file is known to be whole only if it is the same before and after it was read.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from gateway.errors import RecordsUnavailable
from gateway.records.columns import index_format
from gateway.records.source import Upkeep
from gateway.records.store import Generation

_BLOCK = 2**20
_CODE = ("adapters", "gateway.niem")


@cache
def _code() -> str:
    """Digest of the code and the data that translate, and of what makes indexes."""
    digest = sha256(index_format().encode())
    for package in _CODE:
        folder = Path(str(files(package)))
        for path in sorted(p for p in folder.rglob("*") if p.suffix in {".py", ".yaml", ".json"}):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def quick(paths: Iterable[Path] | None) -> str:
    """Give what the files are, without reading them; "" where that tells nothing."""
    if paths is None:
        return ""
    digest = sha256(_code().encode())
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            digest.update(f"{path}\0".encode())
        else:
            what = (found.st_size, found.st_mtime_ns, found.st_ino)
            digest.update(f"{path}\0{what}\0".encode())
    return digest.hexdigest()


def whole(paths: Iterable[Path] | None) -> str:
    """Give what the files hold; "" where that tells nothing. Raises RecordsUnavailable."""
    if paths is None:
        return ""
    digest = sha256(_code().encode())
    for path in paths:
        digest.update(f"\0{path.name}\0".encode())
        if path.exists():
            try:
                with path.open("rb") as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
            except OSError:
                raise RecordsUnavailable(f"{path.name} can't be read") from None
    return digest.hexdigest()


def is_same(generation: Generation | None, now: str, today: date | None = None) -> bool:
    """Whether a source need not be read: its files are those that the generation was made of.

    What was set aside as lying in the future may be past on another day, so it is read again then.
    """
    same = generation is not None and bool(now) and generation.quick == now
    return same and _of_today(generation, today)


def holds_the_same(generation: Generation, now: str, today: date | None = None) -> bool:
    """Whether the files hold what they held then, though they were written anew. See `is_same`."""
    return bool(now) and generation.whole == now and _of_today(generation, today)


def _of_today(generation: Generation | None, today: date | None) -> bool:
    day = today or datetime.now(UTC).date()
    return generation is None or not generation.set_aside or generation.day == day.isoformat()


def settled(upkeep: Upkeep, now: datetime) -> bool:
    """Whether no file of a source has changed in the last `settle_s` seconds: none is half written.

    A time of change in the future says nothing, and is passed over.
    """
    if upkeep.files is None or upkeep.poll is None:
        return True
    for path in upkeep.files:
        try:
            age = now.timestamp() - path.stat().st_mtime
        except OSError:
            continue
        if 0 <= age < upkeep.poll.settle_s:
            return False
    return True
