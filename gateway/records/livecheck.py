"""What the last check of a source that is searched live found: counts and a time, nothing personal.

Searches pass over a row that can't be translated. What they meet must not be shown to who may not
see the row, so it is a check of the whole table, and no search, that anybody else is told of.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from gateway.durable import write_whole
from gateway.errors import RecordsUnavailable
from gateway.model import parse_stamp, stamp

_FOLDER = "live"


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """When a source was read whole, its rows then, and how many of them no search gives."""

    checked: datetime
    rows: int
    set_aside: int

    def as_dict(self) -> dict[str, str | int]:
        """Give it as status and lists have it."""
        return {"checked": stamp(self.checked), "rows": self.rows, "set_aside": self.set_aside}


def note(data: Path, source: str, check: LiveCheck) -> None:
    """Keep what a check found, in the place of what the one before did."""
    path = _path(data, source)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, orjson.dumps(check.as_dict()))


def last(data: Path, source: str) -> LiveCheck | None:
    """Give what the last check found; None if there was none. Raises RecordsUnavailable."""
    path = _path(data, source)
    try:
        found = orjson.loads(path.read_bytes())
        return LiveCheck(parse_stamp(found["checked"]), int(found["rows"]), int(found["set_aside"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise RecordsUnavailable(
            f"{path.name} can't be read: check anew with sallyport source set-aside {source}"
        ) from None


def _path(data: Path, source: str) -> Path:
    return data / _FOLDER / f"{source}.json"
