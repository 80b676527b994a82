"""The index of all sources, made in another process: `python -m gateway.records.aside PATH IDS…`.

To make one index of several takes half a second of processor for 100,000 people, most of it in
Python itself: within the gateway every search would wait for its turn meanwhile. So another process
reads the generations and writes the whole index to its output; the gateway takes it in as arrays.
Nothing is put on disk.

The output is the parts of `Columns.parts`, each with its name: the lengths of the name and of the
part (4 and 8 bytes, big-endian), the name, the part. A name of no length ends it: without that it
was cut off.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from gateway.errors import RecordsUnavailable
from gateway.records.columns import Columns
from gateway.records.merge import merged
from gateway.records.store import Generation, Reader

_HEAD: Final = Struct(">IQ")
_NICER: Final = 5


def whole(reader: Reader, generations: Sequence[Generation]) -> Columns:
    """Read the indexes of several generations, and make them one.

    Raises RecordsUnavailable if one is gone.
    """
    found = [reader.columns(g.id) for g in generations]
    columns = [c for c in found if c is not None]
    if len(columns) < len(generations):
        raise RecordsUnavailable("a generation went away while it was loaded")
    if len(columns) == 1:
        return columns[0]
    codes = list(accumulate((len(g.types) for g in generations), initial=0))
    return merged(columns, codes[:-1])


def write(columns: Columns, out: BinaryIO) -> None:
    """Write an index."""
    for name, part in columns.parts():
        out.write(_HEAD.pack(len(name.encode()), len(part)) + name.encode())
        out.write(part)
    out.write(_HEAD.pack(0, 0))


def read(source: BinaryIO) -> Columns:
    """Read what `write` wrote. Raises RecordsUnavailable if it is cut off."""
    return Columns.of_parts(_parts(source))


def _parts(source: BinaryIO) -> Iterator[tuple[str, bytes]]:
    while True:
        head = source.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise RecordsUnavailable("the index could not be made")
        name, size = _HEAD.unpack(head)
        if not name:
            return
        label, part = source.read(name).decode(), source.read(size)
        if len(part) < size:
            raise RecordsUnavailable("the index could not be made")
        yield label, part


def main(path: str, *ids: str) -> None:
    """Make it and write it out."""
    os.nice(_NICER)  # searches go first
    reader = Reader(Path(path))
    wanted = list(map(int, ids))
    there = {g.id: g for g in reader.generations()}
    if not all(i in there for i in wanted):
        sys.exit("a generation went away")
    write(whole(reader, [there[i] for i in wanted]), sys.stdout.buffer)
    sys.stdout.flush()
    reader.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
