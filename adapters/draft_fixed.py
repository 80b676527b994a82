"""Fixed width without a layout: where columns seem to begin, told from the lines themselves.

A column begins where every line has a blank before it and some have none there, where digits in
every line become letters or letters digits, and after a run of digits that is a date. All of it is
doubtful, and every column is marked: two that touch, both of letters, can't be told apart.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from adapters import textfile
from adapters.detect import detect_encoding
from adapters.fixed_layout import read_layout
from gateway.errors import Misconfigured

SAMPLE: Final = 2_000
_LEAST: Final = 2
_MOSTLY: Final = 0.8
_RARE: Final = 0.02
_MOST_WIDTH: Final = 10_000
_DIGIT, _LETTER, _BLANK, _OTHER = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class FixedLayout:
    """What was found out: `columns` by name, first and last position, counted from 1."""

    encoding: str
    width: int
    columns: dict[str, list[int]]
    notes: tuple[str, ...]


def find_layout(path: Path) -> FixedLayout:
    """Find a layout. Raises Misconfigured where the lines are not of one length."""
    encoding, sure, _ = detect_encoding(path)
    lines = _lines(path, encoding)
    widths = Counter(map(len, lines))
    width, usual = widths.most_common(1)[0] if widths else (0, 0)
    if usual < _LEAST or usual < _MOSTLY * len(lines):
        raise Misconfigured(
            f"{path.name}: its lines are of {len(widths)} lengths, so they are not of fixed width; "
            "pad them first, or say which --format it is"
        )
    others = len(lines) - usual
    lines = [line for line in lines if len(line) == width]
    if width > _MOST_WIDTH:
        raise Misconfigured(f"{path.name}: lines of {width:,} characters are no fixed width")
    columns = {f"C{first:03}": [first, last] for first, last in _cut(lines, width)}
    notes = [
        f"Found out: {encoding} ({sure}), lines of {width} characters, {len(columns)} columns.",
        "CHECK: where columns begin was guessed. Put in the file's own layout: names, positions.",
    ]
    if others:
        notes.append(
            f"CHECK: {others} of {usual + others} lines are of other lengths. Headings of pages, "
            "totals? Name them under `no_rows` in the format"
        )
    return FixedLayout(encoding, width, columns, tuple(notes))


def find_width(path: Path, spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Find what a layout file leaves open: the encoding, and how far lines go behind it."""
    found: dict[str, Any] = {}
    notes: list[str] = []
    if "encoding" not in spec:
        found["encoding"], sure, _ = detect_encoding(path)
        notes = [f"Found out: {found['encoding']} ({sure})."]
    ends = max(last for _, last in read_layout(Path(spec["layout"]), None).values())
    widths = Counter(map(len, _lines(path, spec.get("encoding") or found["encoding"])))
    width, _ = widths.most_common(1)[0] if widths else (ends, 0)
    if "width" not in spec and width > ends:
        found["width"] = width
        notes.append(f"CHECK: lines go on to {width} behind the layout's last column, to {ends}")
    return found, notes


def _lines(path: Path, encoding: str) -> list[str]:
    found: list[str] = []
    for line in islice(textfile.lines(path, encoding), SAMPLE):
        if line.whole and line.data.strip():
            try:
                found.append(textfile.decode(line.data, encoding))
            except UnicodeDecodeError:
                raise Misconfigured(
                    f"{path.name}:{line.number}: the line is no text in {encoding}; name its "
                    "encoding by --with encoding=, or leave that out to have it found"
                ) from None
    return found


def _cut(lines: Sequence[str], width: int) -> list[tuple[int, int]]:
    """Give the first and last positions of the columns that hold something."""
    kinds = [_kinds(column) for column in zip(*lines, strict=True)]
    starts = [at for at in range(width) if at == 0 or _begins(kinds, at)]
    found: list[tuple[int, int]] = []
    for first, after in zip(starts, [*starts[1:], width], strict=True):
        last = after
        while last > first and kinds[last - 1] == _BLANK:
            last -= 1
        if last > first:
            found.append((first + 1, after))
    return found


def _begins(kinds: Sequence[int], at: int) -> bool:
    before, here = kinds[at - 1], kinds[at]
    if here == _BLANK:
        return False
    if before == _BLANK:
        return True
    if before & _BLANK and not here & _BLANK:
        return True  # every line has something here, after a place that some leave blank
    sure = here in {_DIGIT, _LETTER}
    return sure and before != here and not before & here


def _kinds(characters: Sequence[str]) -> int:
    """Say what stands at one position, all lines together; what hardly ever does is left out."""
    found = Counter(map(_kind, characters))
    return sum(kind for kind, count in found.items() if count > _RARE * len(characters))


def _kind(character: str) -> int:
    if character.isdigit():
        return _DIGIT
    if character.isalpha():
        return _LETTER
    return _BLANK if character.isspace() else _OTHER
