import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.growth import place
from gateway.ledger.tree import (
    EMPTY_ROOT,
    BadProof,
    Edge,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_from_tiles,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The test log that Certificate Transparency's own implementations use: eight entries, their roots.
ENTRIES = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(e) for e in ENTRIES]


def nodes(leaves: list[bytes]) -> Node:
    """Complete subtrees, straight from the definition."""
    return lambda height, index: root_of(leaves[index << height : (index + 1) << height])


def stored(leaves: list[bytes]) -> tuple[Edge, Callable[[int, int], bytes]]:
    """A tree grown leaf by leaf, with its tiles."""
    edge, tiles = Edge(), {}
    for leaf in leaves:
        for level, node in edge.append(leaf):
            number, offset = place(level, edge.size)
            tiles.setdefault((level, number), bytearray())
            assert len(tiles[level, number]) == offset * 32
            tiles[level, number] += node
    return edge, lambda level, number: bytes(tiles.get((level, number), b""))


def some(count: int) -> list[bytes]:
    return [leaf_hash(str(i).encode()) for i in range(count)]


def test_leaf_and_node_prefixes() -> None:
    assert leaf_hash(b"") == hashlib.sha256(b"\0").digest()
    assert node_hash(b"a", b"b") == hashlib.sha256(b"\1ab").digest()
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256().digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]
    edge, _ = stored(LEAVES[:size])
    assert edge.root().hex() == ROOTS[size - 1]


def test_the_proofs_of_rfc_6962_section_2_1_3() -> None:
    """Its worked example: a tree of seven, with its nodes named as there."""
    leaves = LEAVES[:7]
    a, b, c, d, e, f, j = leaves
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, m = node_hash(g, h), node_hash(i, j)
    node = nodes(leaves)
    assert inclusion_proof(0, 7, node) == [b, h, m]
    assert inclusion_proof(3, 7, node) == [c, g, m]
    assert inclusion_proof(4, 7, node) == [f, j, k]
    assert inclusion_proof(6, 7, node) == [i, k]
    assert consistency_proof(3, 7, node) == [c, d, g, m]
    assert consistency_proof(4, 7, node) == [m]
    assert consistency_proof(6, 7, node) == [i, j, k]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 300])
def test_a_tree_grown_leaf_by_leaf_is_the_tree_by_definition(size: int) -> None:
    leaves = some(size)
    edge, tile = stored(leaves)
    assert edge.root() == root_of(leaves)
    again = Edge.at(size, node_from_tiles(tile))
    assert again.root() == edge.root()
    more = leaf_hash(b"more")
    assert again.append(more) == edge.append(more)
    assert again.root() == root_of([*leaves, more])


def test_a_tree_over_several_levels_of_tiles() -> None:
    leaves = some(66_000)
    edge, tile = stored(leaves)
    assert edge.root() == root_of(leaves)
    assert len(tile(2, 0)) == 32
    assert tile(2, 0) == root_of(leaves[:65_536])
    assert tile(1, 0)[:32] == root_of(leaves[:256])
    proof = inclusion_proof(65_999, 66_000, node_from_tiles(tile))
    verify_inclusion(65_999, 66_000, leaves[-1], proof, edge.root())


@given(st.integers(1, 80).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_inclusion_is_proved_and_nothing_else_is(case: tuple[int, int]) -> None:
    size, index = case
    leaves = some(size)
    root, proof = root_of(leaves), inclusion_proof(index, size, nodes(leaves))
    verify_inclusion(index, size, leaves[index], proof, root)
    wrong = [
        (index, size, leaf_hash(b"other"), proof, root),
        (index, size, leaves[index], [*proof, bytes(32)], root),
        (index, size, leaves[index], proof, bytes(32)),
        (size, size, leaves[index], proof, root),
        (-1, size, leaves[index], proof, root),
    ]
    if proof:
        wrong.append((index, size, leaves[index], proof[:-1], root))
        wrong.append((index ^ 1, size, leaves[index], proof, root))
    for claim in wrong:
        with pytest.raises(BadProof):
            verify_inclusion(*claim)


@given(st.integers(0, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_consistency_is_proved_and_nothing_else_is(case: tuple[int, int]) -> None:
    old, new = case
    leaves = some(new)
    before, after = root_of(leaves[:old]), root_of(leaves)
    proof = consistency_proof(old, new, nodes(leaves))
    verify_consistency(old, new, before, after, proof)
    wrong = [
        (old, new, bytes(32), after, proof),
        (old, new, before, after, [*proof, bytes(32)]),
        (new + 1, new, before, after, proof),
    ]
    if 0 < old < new:
        wrong += [(old, new, before, bytes(32), proof), (old, new, before, after, proof[:-1])]
    for claim in wrong:
        with pytest.raises(BadProof):
            verify_consistency(*claim)


def test_no_proof_of_what_is_not_there() -> None:
    node = nodes(LEAVES)
    with pytest.raises(BadProof):
        inclusion_proof(8, 8, node)
    with pytest.raises(BadProof):
        consistency_proof(9, 8, node)
    with pytest.raises(BadProof):
        Edge.at(5, node_from_tiles(lambda _level, _number: b""))
