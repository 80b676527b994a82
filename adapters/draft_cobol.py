"""A COBOL file and its copybook: how records follow one another and what they are written in.

Each way of reading is tried on the first records; the one that reads them best is taken, and told.
"""

from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

from adapters.cobol import CobolReader
from adapters.cobol_copybook import Copybook
from adapters.rows import Row
from gateway.errors import Misconfigured

TRIED: Final = 200
_ENCODINGS: Final = ("cp037", "windows-1252", "cp500", "cp1140")
_RECORDS: Final[tuple[Mapping[str, Any], ...]] = (
    {"record": "rdw"},
    {"record": "rdw", "blocks": True},
    {"record": "rdw", "rdw_order": "little"},
    {"record": "rdw", "rdw_counts_itself": False},
    {"record": "lines"},
    {"record": "fixed"},
)
_LEAST_READ: Final = 0.35
_USUAL: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ,.-/'")


def find_cobol(path: Path, spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Complete a `format` whose copybook is known, and say in notes what was found out.

    `spec` has the copybook's path as it can be opened. Raises Misconfigured if nothing reads it.
    """
    best: tuple[float, dict[str, Any]] | None = None
    why = ""
    for more in _ways(spec):
        try:
            score = _score(path, {**spec, **more})
        except (Misconfigured, LookupError) as error:
            why = str(error)
            continue
        if best is None or score > best[0]:
            best = (score, more)
    if best is None or best[0] < _LEAST_READ:
        raise Misconfigured(
            f"{path.name}: its records can't be read by this copybook, however they are framed: "
            f"say record= and encoding=. {why}".strip()
        )
    found = best[1]
    said = ", ".join(f"{k}: {str(v).lower()}" for k, v in found.items()) or "as it was said"
    notes = [
        f"Found out: {said} ({best[0]:.0%} of the first records and their letters fit).",
        *_marks(Copybook(Path(spec["copybook"]), free=spec.get("copybook_lines") == "free")),
    ]
    return found, notes


def _ways(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    encodings = [{}] if "encoding" in spec else [{"encoding": e} for e in _ENCODINGS]
    records = [{}] if "record" in spec else _RECORDS
    for encoding, record in product(encodings, records):
        yield {**encoding, **record}


def _score(path: Path, spec: Mapping[str, Any]) -> float:
    """Say how well a file is read so: whole records, usual characters, numbers that are some."""
    reader = CobolReader(path, spec)
    good, share = _read(reader)
    text = "".join(
        v
        for r in good
        for values in (r.values, *(p for parts in r.groups.values() for p in parts))
        for v in values.values()
    )
    usual = sum(c in _USUAL for c in text) / max(1, len(text))
    columns = reader.columns()
    every = {f"{g}.{c}" for g, own in columns.groups.items() for c in own} | columns.own
    reader.select({*every, *(c.partition(".")[2] for c in every)})
    # Redefinitions that are not meant in a row are no numbers; nobody knows yet which those are.
    _, strict = _read(reader)
    return share * usual * (1 + strict) / 2


def _read(reader: CobolReader) -> tuple[list[Row], float]:
    rows = list(islice(reader.rows(), TRIED))
    good = [r for r in rows if isinstance(r, Row)]
    return good, len(good) / max(1, len(rows))


def _marks(book: Copybook) -> Iterator[str]:
    """Name what a person has to decide: which of several meanings holds in which row."""
    for item in book.items():
        if item.redefines:
            yield (
                f"CHECK: {item.name} redefines {item.redefines}: say under `variants` of the "
                "format when each is meant"
            )
        if item.occurs:
            yield f"{item.name or 'FILLER'} occurs several times: a repeated part"
    if len(book.records) > 1:
        named = ", ".join(r.name for r in book.records)
        yield f"CHECK: there are several records, {named}: say under `variants` when each is meant"
