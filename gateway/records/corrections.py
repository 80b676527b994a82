"""Corrections of set-aside rows: `data/corrections/SOURCE.jsonl`, one JSON object a line, 0600.

They lie beside `records.db`, not in it: an import can't write them again. Each holds what a person
says of one row in place of its source, under the row's key. It counts as long as the source says of
that row what it said then; once the row has changed or gone, the next import forgets it, so that
nothing stays here of a person whom the source no longer has.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.durable import write_whole
from gateway.errors import Misconfigured
from gateway.model import stamp
from gateway.records.source import Correction

FOLDER = "corrections"
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _Line(BaseModel):
    """One correction as it is kept."""

    model_config = ConfigDict(extra="forbid")

    row: Key
    values: dict[str, str]
    groups: dict[str, list[dict[str, str]]] = {}
    since: str


class Corrections(dict[str, Correction]):
    """A source's corrections by row key. `used` are those whose row was met in an import."""

    def __init__(self, data: Path, source: str) -> None:
        super().__init__()
        self.path = self.path_of(data, source)
        self.used: set[str] = set()
        self._since: dict[str, str] = {}
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            try:
                one = _Line.model_validate_json(line)
            except ValidationError:
                # Neither the values nor pydantic's text, which quotes them.
                raise Misconfigured(
                    f"{FOLDER}/{self.path.name}:{number}: this is no correction; mend the line or "
                    "take it out"
                ) from None
            self[one.row] = Correction(one.values, one.groups)
            self._since[one.row] = one.since

    @staticmethod
    def path_of(data: Path, source: str) -> Path:
        """Name the file that a source's corrections are kept in."""
        return data / FOLDER / f"{source}.jsonl"

    def get(self, key: str, default: Any = None) -> Any:
        """Give a row's correction, and note that its row is there."""
        found = super().get(key, default)
        if found is not None:
            self.used.add(key)
        return found

    def put(self, key: str, new: Correction) -> None:
        """Add a correction to what is corrected of that row already."""
        before = super().get(key, Correction({}))
        self[key] = Correction({**before.values, **new.values}, {**before.groups, **new.groups})
        self._since[key] = stamp(datetime.now(UTC))

    def forget(self, keys: Iterable[str]) -> int:
        """Take corrections away. Gives how many there were."""
        return sum(self.pop(key, None) is not None for key in list(keys))

    def unused(self) -> set[str]:
        """Give the keys whose row was not met: the source has changed it, or has it no more."""
        return self.keys() - self.used

    def save(self) -> None:
        """Write them, whole or not at all."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        lines = (orjson.dumps(self._line(key, one)) + b"\n" for key, one in self.items())
        write_whole(self.path, b"".join(lines))

    def _line(self, key: str, one: Correction) -> Mapping[str, Any]:
        groups = {name: list(rows) for name, rows in one.groups.items()}
        return {
            "row": key,
            "values": dict(one.values),
            **({"groups": groups} if groups else {}),
            "since": self._since[key],
        }
