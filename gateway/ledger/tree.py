"""The Merkle tree of RFC 6962, pure: leaves, roots, proofs and the growing edge.

A node is named by its height (a leaf's is 0) and its index from the left at that height. Stored are
only nodes whose height is a multiple of 8, in tiles of up to 256: all others follow from them.
"""

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Give the hash of the complete subtree at (height, index)."""


class BadProof(Exception):
    """A proof does not prove what it is given for."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry as a leaf: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes by the definition (RFC 6962, 2.1). For tests and small trees.

    Takes time in proportion to the leaves; the log itself grows by `Edge`.
    """
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


class Edge:
    """The right edge of a growing tree: O(log n) in memory, one hash an append on average."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[tuple[int, bytes]] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)  # complete subtrees (height, hash), the highest first

    @classmethod
    def at(cls, size: int, node: Node) -> "Edge":
        """Take up a tree of `size` leaves from its stored nodes."""
        heights = [h for h in range(size.bit_length() - 1, -1, -1) if size >> h & 1]
        return cls(size, [(h, node(h, (size >> h) - 1)) for h in heights])

    def copy(self) -> "Edge":
        """Give a second edge that grows on its own."""
        return Edge(self.size, self._peaks)

    def append(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """Add a leaf hash. Gives each stored node that it completes: (tile level, hash)."""
        done = [(0, leaf)]
        height, top = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            top = node_hash(self._peaks.pop()[1], top)
            height += 1
            if not height % TILE_HEIGHT:
                done.append((height // TILE_HEIGHT, top))
        self._peaks.append((height, top))
        self.size += 1
        return done

    def root(self) -> bytes:
        """Give the root of the tree as it stands."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Prove that leaf `index` stands in the tree of `size` leaves (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise BadProof("there is no such leaf in a tree of this size")
    return _path(index, 0, size, node)


def _path(index: int, start: int, size: int, node: Node) -> list[bytes]:
    if size == 1:
        return []
    split = _split(size)
    if index < split:
        proof = _path(index, start, split, node)
        return [*proof, range_root(start + split, size - split, node)]
    proof = _path(index - split, start + split, size - split, node)
    return [*proof, range_root(start, split, node)]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Prove that the tree of `old` leaves is the start of that of `new` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise BadProof("the older tree is the larger one")
    if old in (0, new):
        return []
    return _subproof(old, 0, new, node, whole=True)


def _subproof(old: int, start: int, size: int, node: Node, *, whole: bool) -> list[bytes]:
    if old == size:
        return [] if whole else [range_root(start, size, node)]
    split = _split(size)
    if old <= split:
        proof = _subproof(old, start, split, node, whole=whole)
        return [*proof, range_root(start + split, size - split, node)]
    proof = _subproof(old - split, start + split, size - split, node, whole=False)
    return [*proof, range_root(start, split, node)]


def range_root(start: int, size: int, node: Node) -> bytes:
    """Give the root over `size` leaves from `start`, which must be where such a subtree starts."""
    if size == 1 << (size.bit_length() - 1):
        height = size.bit_length() - 1
        return node(height, start >> height)
    split = _split(size)
    left = range_root(start, split, node)
    return node_hash(left, range_root(start + split, size - split, node))


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an inclusion proof (RFC 9162, 2.1.3.2). Raises BadProof."""
    if not 0 <= index < size:
        raise BadProof("there is no such leaf in a tree of this size")
    fn, sn, found = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            raise BadProof("the proof is too long")
        if fn & 1 or fn == sn:
            found = node_hash(step, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or found != root:
        raise BadProof("the proof leads to another root")


def verify_consistency(  # noqa: C901 - the standard's algorithm, step by step
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check a consistency proof (RFC 9162, 2.1.4.2). Raises BadProof."""
    if not 0 <= old <= new:
        raise BadProof("the older tree is the larger one")
    if old in (0, new):
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected:
            raise BadProof("trees of these sizes need no proof, and their roots do not fit")
        return
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        raise BadProof("the proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if sn == 0:
            raise BadProof("the proof is too long")
        if fn & 1 or fn == sn:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            newer = node_hash(newer, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or older != old_root or newer != new_root:
        raise BadProof("the proof leads to other roots")


def node_from_tiles(tile: Callable[[int, int], bytes]) -> Node:
    """Give nodes from tiles: `tile(level, number)` gives a tile's hashes, one after the other."""

    def node(height: int, index: int) -> bytes:
        level, rise = divmod(height, TILE_HEIGHT)
        number, offset = divmod(index << rise, TILE_WIDTH)
        data = tile(level, number)[offset * HASH_BYTES : (offset + (1 << rise)) * HASH_BYTES]
        if len(data) != HASH_BYTES << rise:
            raise BadProof("the stored tree does not reach that far")
        return root_of([data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)])

    return node


def _split(size: int) -> int:
    """Give the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
