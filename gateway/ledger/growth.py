"""The stored tree, and how it grows: tiles in, tiles out, nothing computed twice."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from gateway.ledger.tree import TILE_WIDTH, Edge, node_from_tiles

_PUT = """
INSERT INTO tiles (level, number, hashes) VALUES (?, ?, ?)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"""


class Growth:
    """The right edge of the stored tree. Raises BadProof if the tiles don't reach `size`."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._edge = Edge.at(size, node_from_tiles(tiles_of(connection)))
        self._tails: dict[int, bytearray] = {}
        for row in connection.exec_driver_sql(
            "SELECT level, hashes FROM tiles AS t WHERE number ="
            " (SELECT max(number) FROM tiles WHERE level = t.level)"
        ):
            self._tails[row.level] = bytearray(row.hashes)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._edge.size

    def root(self) -> bytes:
        """Give the root of the tree as it stands."""
        return self._edge.root()

    def extend(self, connection: Connection, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes, and store the tiles that changed."""
        changed: dict[tuple[int, int], bytearray] = {}
        for leaf in leaves:
            for level, node in self._edge.append(leaf):
                number, offset = place(level, self._edge.size)
                if offset == 0:
                    self._tails[level] = bytearray()
                self._tails[level] += node
                changed[level, number] = self._tails[level]
        connection.exec_driver_sql(
            _PUT, [(level, n, bytes(hashes)) for (level, n), hashes in changed.items()]
        )


def place(level: int, size: int) -> tuple[int, int]:
    """Give the tile's number, and the place in it, of a level's last node in a tree of `size`."""
    return divmod((size >> 8 * level) - 1, TILE_WIDTH)


def tiles_of(connection: Connection) -> Callable[[int, int], bytes]:
    """Read single tiles: level and number give hashes, empty where there is none."""

    def tile(level: int, number: int) -> bytes:
        row = connection.exec_driver_sql(
            "SELECT hashes FROM tiles WHERE level = ? AND number = ?", (level, number)
        ).first()
        return row.hashes if row else b""

    return tile
