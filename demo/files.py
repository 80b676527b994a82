"""What every agency's writer needs: tables that can be spoiled, the truth file, digests."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from demo.mess import Sighting


@dataclass(frozen=True, slots=True)
class Written:
    """One file: its path below the output folder, its records, its rows that can't be translated.

    `sha256` is of the bytes; for a database it is of its SQL dump, since the bytes depend on the
    version of SQLite.
    """

    path: str
    records: int
    dirty: int
    sha256: str


class Truth:
    """Who is who: one line a record, kept apart from every agency's folder."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def note(
        self,
        person: str,
        ori: str,
        record_type: str,
        record_id: str,
        seen: Sighting,
        *,
        hidden: str = "",
    ) -> None:
        """Say that a record is about a person. `hidden` is the flag that hides it, if any."""
        line = {
            "person": person,
            "ori": ori,
            "record_type": record_type,
            "record_id": record_id,
            "given": seen.given,
            "middle": seen.middle,
            "surname": seen.surname,
            "birth_date": seen.birth.isoformat() if seen.birth else None,
            "hidden": hidden,
        }
        self._lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))

    def describe(self, person: str, facts: dict[str, object]) -> None:
        """Write a person's proper name, birth date and the like, once a person."""
        line = {"person": person, **facts}
        self._lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))

    def write(self, path: Path) -> Written:
        """Write `truth.jsonl`."""
        data = "".join(f"{line}\n" for line in self._lines).encode()
        return put(path, path.name, data, records=len(self._lines))


def put(path: Path, name: str, data: bytes, *, records: int, dirty: int = 0) -> Written:
    """Write a file whole and say what was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Written(name, records, dirty, hashlib.sha256(data).hexdigest())


class Table:
    """Rows of one delimited file, in order. Rows that can't be translated go in between."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns
        self.rows: list[list[str]] = []
        self._dirty: list[list[str]] = []

    def add(self, **values: str) -> None:
        """Add a row by column names; a column left out is blank."""
        unknown = set(values) - set(self.columns)
        if unknown:
            raise KeyError(f"no such columns: {sorted(unknown)}")
        self.rows.append([values.get(c, "") for c in self.columns])

    def spoil(self, values: dict[str, str], *, template: int, cut: int | None = None) -> None:
        """Copy a row, change columns, cut it to so many columns, and keep it as a dirty one."""
        row = dict(zip(self.columns, self.rows[template], strict=True)) | values
        self._dirty.append([row[c] for c in self.columns][:cut])

    def write(
        self, out: Path, name: str, *, delimiter: str, encoding: str, newline: str
    ) -> Written:
        """Write the table below `out`, the dirty rows spread among the others."""
        rows: list[Sequence[str]] = list(self.rows)
        for i, row in enumerate(self._dirty, start=1):
            rows.insert(i * len(self.rows) // (len(self._dirty) + 1) + i - 1, row)
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, lineterminator=newline)
        writer.writerow(self.columns)
        writer.writerows(rows)
        data = text.getvalue().encode(encoding)
        return put(out / name, name, data, records=len(self.rows), dirty=len(self._dirty))


def as_json(written: Sequence[Written]) -> list[dict[str, object]]:
    """Give the files as the manifest has them."""
    return [asdict(w) for w in written]


def us_date(day: date | None) -> str:
    """Write `MM/DD/YYYY`, or nothing."""
    return f"{day:%m/%d}/{day.year:04d}" if day else ""


def number_date(day: date | None) -> int:
    """Write `YYYYMMDD` as a number, 0 for nothing."""
    return day.year * 10_000 + day.month * 100 + day.day if day else 0
