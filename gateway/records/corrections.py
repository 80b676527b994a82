"""Corrections of set-aside rows: `data/corrections/SOURCE.jsonl`, one JSON object a line, 0600.

They lie beside `records.db`, not in it: an import can't write them again. Each holds what a person
says of one row in place of its source, under the row's key, and what the source said of it then. It
counts as long as the source says the same; once the row has changed or gone, or what is joined to
it or referred to says otherwise, the next import forgets it, so that nothing stays here of a person
whom the source no longer has, or has sealed.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.durable import write_whole
from gateway.errors import Misconfigured
from gateway.model import stamp
from gateway.records.source import Correction, Said

FOLDER = "corrections"
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _Line(BaseModel):
    """One correction as it is kept."""

    model_config = ConfigDict(extra="forbid")

    row: Key
    values: dict[str, str]
    groups: dict[str, list[dict[str, str]]] = {}
    said: dict[str, str | list[dict[str, str]]] | None = None
    """None: kept by a version that did not note it. It holds for no row."""
    since: str


class Corrections(dict[str, Correction]):
    """A source's corrections by row key."""

    def __init__(self, data: Path, source: str) -> None:
        super().__init__()
        self.path = self.path_of(data, source)
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
            self[one.row] = Correction(one.values, one.groups, one.said)
            self._since[one.row] = one.since

    @staticmethod
    def path_of(data: Path, source: str) -> Path:
        """Name the file that a source's corrections are kept in."""
        return data / FOLDER / f"{source}.jsonl"

    def put(self, key: str, new: Correction, elsewhere: Container[str] = ()) -> None:
        """Add a correction to what is corrected of that row already.

        What the source said when a column was corrected first counts. `elsewhere` names the joins
        that lead to other rows now: what was corrected, and said, of the rows before is forgotten.
        """
        before = self.get(key, Correction({}, said={}))

        def stays(name: str) -> bool:
            part = name.partition(".")[0]
            return part == name or part not in elsewhere

        said = {name: text for name, text in (before.said or {}).items() if stays(name)}
        values = {name: text for name, text in before.values.items() if stays(name)}
        self[key] = Correction(
            {**values, **new.values}, {**before.groups, **new.groups}, {**(new.said or {}), **said}
        )
        self._since[key] = stamp(datetime.now(UTC))

    def settle(self, held: Mapping[str, Said]) -> tuple[int, bool]:
        """Keep those that held for a row in an import, each with what the source says of that row.

        Gives how many are forgotten, and whether anything is another than before.
        """
        gone = self.forget(self.keys() - held.keys())
        changed = gone > 0
        for key, said in held.items():
            if self[key].said != said:
                self[key] = replace(self[key], said=said)
                changed = True
        return gone, changed

    def forget(self, keys: Iterable[str]) -> int:
        """Take corrections away. Gives how many there were."""
        return sum(self.pop(key, None) is not None for key in list(keys))

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
            **({} if one.said is None else {"said": one.said}),
            "since": self._since[key],
        }
