"""The index of a generation of any size, made in bounded memory: what grows goes to disk meanwhile.

`Builder` keeps every text and every key in memory until the end: a million people took 1.3 GB. Here
texts are interned some at a time, each time's sorted run goes to a file, and the runs are merged
into one alphabet at the end. Keys are parted by their first bits, so that each part can be sorted
by itself. Only the columns stay in memory, some 80 bytes a person.

The files have no name: they are gone when the process ends, however it ends.
"""

import heapq
import io
import tempfile
from array import array
from collections.abc import Hashable, Iterator, Mapping
from itertools import groupby, repeat
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from gateway.records.columns import (
    LONGEST_POSTING,
    NAME_PARTS,
    NONE,
    TABLES,
    TEXT,
    Builder,
    Postings,
)
from gateway.records.sounds import sound_of
from gateway.records.terms import RecordTerms

Array = npt.NDArray[Any]

TEXTS_AT_ONCE: Final = 150_000
"""Different texts in memory at once, some 130 bytes each."""
PAIRS_AT_ONCE: Final = 1_000_000
"""(key, row) pairs in memory at once, 12 bytes each."""
CHUNK: Final = 2**22
"""Bytes of one part. SQLite holds each some three times while it is written."""
_BITS: Final = 6
_PARTS: Final = 1 << _BITS
_PAIR: Final = np.dtype([("key", "<u8"), ("row", "<i4")])


class SpillingBuilder(Builder):
    """A `Builder` whose memory does not grow with what it is given. Take `parts`, not `finish`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._runs: list[tuple[IO[bytes], array[int]]] = []
        self._pairs = {space: _Pairs(folder) for space in self._keys}

    def add(
        self, number: int, record_type: int, terms: RecordTerms, facts: Hashable = None
    ) -> None:
        """Take in one record, as `Builder.add` does."""
        super().add(number, record_type, terms, facts)
        if len(self._texts) >= TEXTS_AT_ONCE:
            self._spill()

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Give what `Builder.finish().parts()` would. The builder is of no use afterwards."""
        texts, numbers = self._merge_texts()
        with texts:
            texts.seek(0)
            yield from _chunked("texts", b"", texts)
            used = np.zeros(len(numbers), dtype=bool)
            for name, column in self._made_tables():
                if name in _TEXTS:
                    column = numbers[column]  # noqa: PLW2901 - the earlier one is let go
                    if name in _NAMES:
                        used[column[column >= 0]] = True
                yield from _array(name, column)
            del numbers
            yield from self._sounds_of(texts, used)
        for space, pairs in self._pairs.items():
            yield from pairs.parts(space)

    def _post(self, space: str, keys: set[int], row: int) -> None:
        self._pairs[space].add(keys, row)

    def _spill(self) -> None:
        """Put the texts at hand away, sorted, with the numbers that columns know them by."""
        run = _file(self._folder)
        numbers = array("i")
        for text in sorted(self._texts):
            run.write(text.encode() + b"\n")
            numbers.append(self._texts[text])
        self._runs.append((run, numbers))
        self._texts_before += len(self._texts)
        self._texts = {}

    def _merge_texts(self) -> tuple[IO[bytes], Array]:
        """Write all texts in order, and say what number each of the earlier ones has now."""
        self._spill()
        numbers = np.full(self._texts_before + 1, NONE, dtype=np.int32)  # the last is for none
        out = _file(self._folder)
        runs = [_run(run, n) for run, n in self._runs]
        lines = heapq.merge(*runs) if len(runs) > 1 else runs[0]
        for new, (text, same) in enumerate(groupby(lines, key=itemgetter(0))):
            out.write(b"\n" + text if new else text)
            for _, old in same:
                numbers[old] = new
        for run, _ in self._runs:
            run.close()
        self._runs.clear()
        return out, numbers

    @staticmethod
    def _sounds_of(texts: IO[bytes], used: Array) -> Iterator[tuple[str, bytes]]:
        """Say of every text that is part of a name how it sounds."""
        texts.seek(0)
        count = 0
        sounds = np.zeros((len(used), 3), dtype=np.int32)
        vowelless = np.zeros(len(used), dtype=bool)
        for n, line in enumerate(texts):
            count = n + 1
            if used[n]:
                *sounds[n], vowelless[n] = sound_of(line.removesuffix(b"\n").decode())
        names = ("text.sound", "text.sound_other", "text.consonants")
        for name, column in zip(names, sounds.T, strict=True):
            yield from _array(name, column[:count].copy())
        yield from _array("text.vowelless", vowelless[:count])


class _Pairs:
    """(key, row) pairs, parted by the keys' first bits: keys are hashes, so the parts are alike."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[IO[bytes]] = []
        self._keys = array("Q")
        self._rows = array("i")

    def add(self, keys: set[int], row: int) -> None:
        self._keys.extend(keys)
        self._rows.extend(repeat(row, len(keys)))
        if len(self._keys) >= PAIRS_AT_ONCE:
            self._part()

    def parts(self, space: str) -> Iterator[tuple[str, bytes]]:
        """Give the postings' three arrays, made part by part."""
        self._part()
        with (
            _file(self._folder) as keys,
            _file(self._folder) as rows,
            _file(self._folder) as starts,
        ):
            starts.write(np.zeros(1, dtype=np.int64).tobytes())
            at = 0
            for file in self._files:
                file.seek(0)
                pairs = np.frombuffer(file.read(), dtype=_PAIR)
                file.close()
                made = Postings.of(pairs["key"], pairs["row"]).shorter_than(LONGEST_POSTING)
                keys.write(made.keys.astype(np.uint64).tobytes())
                rows.write(made.rows.astype(np.int32).tobytes())
                starts.write((made.starts[1:] + at).astype(np.int64).tobytes())
                at += int(made.starts[-1])
            for name, file, dtype in (
                ("keys", keys, np.uint64),
                ("starts", starts, np.int64),
                ("rows", rows, np.int32),
            ):
                count = file.tell() // np.dtype(dtype).itemsize
                file.seek(0)
                yield from _chunked(f"{space}#{name}", _header(count, np.dtype(dtype)), file)

    def _part(self) -> None:
        if not self._files:
            self._files = [_file(self._folder) for _ in range(_PARTS)]
        pairs = np.empty(len(self._keys), dtype=_PAIR)
        pairs["key"], pairs["row"] = self._keys, self._rows
        part = (pairs["key"] >> np.uint64(64 - _BITS)).astype(np.int8)
        order = np.argsort(part, kind="stable")
        pairs, ends = pairs[order], np.searchsorted(part[order], range(1, _PARTS + 1))
        for file, low, high in zip(self._files, (0, *ends[:-1]), ends, strict=True):
            file.write(pairs[low:high].tobytes())
        self._keys, self._rows = array("Q"), array("i")


_TEXTS: Final = {f"{t}.{c}" for t, columns in TABLES.items() for c in columns if columns[c] == TEXT}
_NAMES: Final = {f"row.{part}" for part in NAME_PARTS}


def _file(folder: Path) -> IO[bytes]:
    """Open a file without a name. Whoever reads it to its end closes it."""
    return tempfile.TemporaryFile(dir=folder)


def _run(file: IO[bytes], numbers: "array[int]") -> Iterator[tuple[bytes, int]]:
    file.seek(0)
    return zip((line[:-1] for line in file), numbers, strict=True)


def _array(name: str, column: Array) -> Iterator[tuple[str, bytes]]:
    whole = _header(len(column), column.dtype) + column.tobytes()
    for n, start in enumerate(range(0, len(whole), CHUNK)):
        yield f"{name}/{n}", whole[start : start + CHUNK]


def _chunked(name: str, first: bytes, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give a file in parts, the first behind `first`; one at least, be it empty."""
    number = 0
    while (part := file.read(CHUNK - len(first))) or first or not number:
        yield f"{name}/{number}", first + part
        first, number = b"", number + 1


def _header(count: int, dtype: "np.dtype[Any]") -> bytes:
    """Write what stands before the data in NumPy's own format."""
    out = io.BytesIO()
    said: Mapping[str, Any] = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (count,),
    }
    np.lib.format.write_array_header_1_0(out, dict(said))
    return out.getvalue()
