"""The stored tree held against the entries, as verification passes over them.

Two edges grow side by side once entry and stored leaf first differ: one over the leaves as stored,
one over the leaves as recomputed. A signed root then tells which of the two was altered.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.ledger.checkpoint import Checkpoint
from gateway.ledger.findings import Report
from gateway.ledger.growth import place
from gateway.ledger.tree import HASH_BYTES, TILE_WIDTH, Edge

_KEPT_DIFFERENCES = 200_000


@dataclass(frozen=True, slots=True)
class _Difference:
    position: int
    entry: str | None  # None: there is no entry at this position
    computed: bytes | None
    stored: bytes | None


class StoredTree:
    """Compares leaf by leaf. `tile(level, number)` gives what is stored, empty if nothing is."""

    def __init__(self, report: Report, tile: Callable[[int, int], object]) -> None:
        self._report = report
        self._tile = tile
        self._cached: dict[int, tuple[int, bytes]] = {}
        self._stored = Edge()
        self._computed: Edge | None = None
        self._differences: list[_Difference] = []
        self._expected: dict[int, list[tuple[Checkpoint, bool]]] = {}
        self._good = 0  # the largest size at which a signed root was met
        self._stored_good = self._computed_good = 0
        self._bad_sizes = False
        self._newest = 0

    def expect(self, checkpoint: Checkpoint, *, kept: bool) -> None:
        """Compare the root at this checkpoint's size, now or when the tree gets there."""
        self._expected.setdefault(checkpoint.size, []).append((checkpoint, kept))
        if not kept:
            self._newest = max(self._newest, checkpoint.size)
        if checkpoint.size == 0:
            self._compare()

    def missing_up_to(self, position: int) -> None:
        """Take note that there is no entry before `position` where one should be."""
        while self._stored.size < position:
            at = self._stored.size
            stored = self._leaf(at)
            if stored is None:
                # Nothing is known of these positions; jumping there keeps the run finite.
                self._report.add(
                    "missing", f"No entries at positions {at} to {position - 1}.", position=at
                )
                self._stored.size = position
                if self._computed:
                    self._computed.size = position
                self._bad_sizes = True
                return
            self._differ(_Difference(at, None, None, stored))
            self._advance(stored, stored)

    def add(self, position: int, entry: str, leaf: bytes) -> None:
        """Take the entry at `position`, which is the tree's next."""
        stored = self._leaf(position)
        if stored != leaf:
            self._differ(_Difference(position, entry, leaf, stored))
        self._advance(leaf if stored is None else stored, leaf)

    def finish(self, connection: Connection) -> None:
        """Judge what differed, and look for what is stored beyond the entries."""
        size = self._stored.size
        self._report.root = (self._computed or self._stored).root().hex()
        self._judge()
        if self._newest > size:
            self._report.add(
                "tail_removed",
                f"The newest stored checkpoint has {self._newest} entries, the log only {size}.",
                position=size,
            )
        elif self._newest < size:
            self._report.add(
                "checkpoint",
                f"The log has {size} numbered entries; the newest stored checkpoint only "
                f"{self._newest}.",
            )
        for beyond in sorted(s for s in self._expected if s > size):
            if any(kept for _, kept in self._expected[beyond]):
                self._report.add(
                    "tail_removed",
                    f"A checkpoint kept elsewhere has {beyond} entries, the log only {size}: its "
                    "end was removed.",
                    position=size,
                )
        self._tiles(connection, size)

    def _advance(self, stored: bytes, computed: bytes) -> None:
        if self._computed is None and stored != computed:
            self._computed = self._stored.copy()
        if self._computed is not None:
            self._computed.append(computed)
        for level, node in self._stored.append(stored):
            if level:
                number, offset = place(level, self._stored.size)
                if self._node(level, number, offset) != node:
                    self._report.add(
                        "tree",
                        f"The stored tree is wrong at level {level}, node "
                        f"{number * TILE_WIDTH + offset}.",
                    )
        self._compare()

    def _compare(self) -> None:
        expected = self._expected.get(self._stored.size)
        if not expected:
            return
        size = self._stored.size
        root = self._stored.root()
        computed = self._computed.root() if self._computed else root
        for checkpoint, kept in expected:
            self._stored_good = size if checkpoint.root == root else self._stored_good
            self._computed_good = size if checkpoint.root == computed else self._computed_good
            if checkpoint.root == computed:
                self._good = size
            elif kept:
                self._report.add(
                    "rewritten",
                    f"The first {size} entries are not those that a checkpoint kept elsewhere "
                    f"signed: changed after entry {self._good}, before entry {size}.",
                    position=self._good,
                )
            else:
                self._report.add(
                    "checkpoint",
                    f"Stored checkpoint {size} is not the root over the first {size} entries: "
                    f"changed after entry {self._good}, before entry {size}.",
                    position=self._good,
                )

    def _judge(self) -> None:
        """Say for each difference what happened there."""
        written_at = {d.stored: d.position for d in self._differences if d.stored is not None}
        tile_altered = self._computed_good > self._stored_good
        for d in self._differences:
            kind, text = _verdict(d, written_at, tile_altered=tile_altered)
            self._report.add(kind, text, position=d.position, entry=d.entry)

    def _differ(self, difference: _Difference) -> None:
        if len(self._differences) < _KEPT_DIFFERENCES:
            self._differences.append(difference)
        else:
            self._report.add("altered", "The entry differs.", position=difference.position)

    def _tiles(self, connection: Connection, size: int) -> None:
        for row in connection.exec_driver_sql(
            "SELECT level, number, length(hashes) AS length, typeof(hashes) AS type FROM tiles"
        ):
            integers = all(isinstance(n, int) for n in (row.level, row.number))
            nodes = size >> 8 * row.level if integers and 0 <= row.level < HASH_BYTES else 0
            width = min(TILE_WIDTH, nodes - row.number * TILE_WIDTH) if integers else 0
            if width <= 0:
                self._report.add(
                    "tree", f"Tile {row.level}/{row.number} is stored for entries that are not."
                )
            elif row.length != width * HASH_BYTES or row.type != "blob":
                self._report.add("tree", f"Tile {row.level}/{row.number} has another length.")

    def _leaf(self, position: int) -> bytes | None:
        number, offset = divmod(position, TILE_WIDTH)
        return self._node(0, number, offset)

    def _node(self, level: int, number: int, offset: int) -> bytes | None:
        held = self._cached.get(level)
        if held is None or held[0] != number:
            data = self._tile(level, number)
            held = self._cached[level] = (number, data if isinstance(data, bytes) else b"")
        found = held[1][offset * HASH_BYTES : (offset + 1) * HASH_BYTES]
        return found if len(found) == HASH_BYTES else None


def _verdict(
    d: _Difference, written_at: dict[bytes, int], *, tile_altered: bool
) -> tuple[str, str]:
    if d.entry is None:
        return "removed", "The entry that was written here is gone."
    if d.stored is None:
        return "tree", "The stored tree has no leaf for this entry: a tile is missing or cut."
    origin = written_at.get(d.computed or b"")
    if origin is not None and origin != d.position:
        return "moved", f"The entry was written at position {origin} and stands here."
    if tile_altered:
        return "tree", "The stored tree has another leaf here; the signed root confirms the entry."
    return "altered", "The entry is not the one that was written here: altered, or put in."
