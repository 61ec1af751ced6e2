"""The tree: against a naive one, the public test vectors, and everything that a proof can be changed into."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axis.core.log import merkle, tiles
from axis.core.log.merkle import Frontier, leaf_hash
from axis.core.log.tiles import Tile
from axis.errors import Fault, Rejected
from tests.sample import examples

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "log_vectors.json").read_text("utf-8"))  # what others made
SIZES = range(65)


def naive(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162, 2.1.1 defines it, from all leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:cut]) + naive(leaves[cut:])).digest()


LEAVES = [hashlib.sha256(b"\x00" + str(n).encode()).digest() for n in range(300)]


class Tree:
    """All perfect nodes of a tree of `size` of LEAVES."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.frontier = Frontier().after(LEAVES[:size], self.nodes)

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def inclusion(self, index: int) -> list[bytes]:
        return [merkle.span_hash(span, self.node) for span in merkle.inclusion_spans(index, self.size)]

    def consistency(self, old: int) -> list[bytes]:
        return [merkle.span_hash(span, self.node) for span in merkle.consistency_spans(old, self.size)]


def refused(check: Any, *given_: Any) -> bool:
    try:
        check(*given_)
    except Rejected as error:
        return error.fault in {Fault.LOG_PROOF, Fault.LOG_SPLIT}
    return False


def test_a_leaf_and_a_node_can_never_be_taken_for_each_other() -> None:
    assert leaf_hash(b"") == hashlib.sha256(b"\x00").digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) != leaf_hash(b"l" * 32 + b"r" * 32)


@pytest.mark.parametrize("size", SIZES)
def test_every_tree_up_to_64_has_the_root_of_the_definition_however_it_grew(size: int) -> None:
    wanted = naive(LEAVES[:size])
    assert Frontier().after(LEAVES[:size]).root == wanted
    one_by_one = Frontier()
    for leaf in LEAVES[:size]:
        one_by_one = one_by_one.after([leaf])
    assert one_by_one.root == wanted
    for cut in range(size + 1):
        assert Frontier().after(LEAVES[:cut]).after(LEAVES[cut:size]).root == wanted


@pytest.mark.parametrize("size", SIZES)
def test_every_proof_in_every_tree_up_to_64_holds_and_holds_for_nothing_else(size: int) -> None:
    tree = Tree(size)
    root = tree.frontier.root
    for index in range(size):
        proof = tree.inclusion(index)
        merkle.check_inclusion(index, size, LEAVES[index], proof, root)
        for other in range(size):
            if other != index:
                assert refused(merkle.check_inclusion, other, size, LEAVES[index], proof, root)
        assert refused(merkle.check_inclusion, index, size, LEAVES[99], proof, root)
        assert refused(merkle.check_inclusion, index, size, LEAVES[index], [*proof, root], root)
        if proof:
            assert refused(merkle.check_inclusion, index, size, LEAVES[index], proof[:-1], root)
    for old in range(1, size + 1):
        before = naive(LEAVES[:old])
        proof = tree.consistency(old)
        merkle.check_consistency(old, size, before, root, proof)
        assert refused(merkle.check_consistency, old, size, before, root, [*proof, root])
        assert refused(merkle.check_consistency, old, size, LEAVES[99], root, proof)
        assert refused(merkle.check_consistency, old, size, before, LEAVES[99], proof)
        if proof:
            assert refused(merkle.check_consistency, old, size, before, root, proof[:-1])
            for n in range(len(proof)):
                changed = [*proof[:n], LEAVES[98], *proof[n + 1 :]]
                assert refused(merkle.check_consistency, old, size, before, root, changed)


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(1, 300), st.data())
def test_larger_trees_prove_the_same_by_the_definition(size: int, data: st.DataObject) -> None:
    tree = Tree(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = naive(LEAVES[:size])
    assert tree.inclusion(index) == [naive(LEAVES[a:b]) for a, b in merkle.inclusion_spans(index, size)]
    merkle.check_inclusion(index, size, LEAVES[index], tree.inclusion(index), root)
    merkle.check_consistency(old, size, naive(LEAVES[:old]), root, tree.consistency(old))


def test_nothing_is_proved_from_a_tree_without_leaves() -> None:
    root = naive(LEAVES[:3])
    assert refused(merkle.check_consistency, 0, 3, merkle.EMPTY_ROOT, root, [])
    assert merkle.is_consistent(0, 3, merkle.EMPTY_ROOT, root, [])
    assert not merkle.is_consistent(0, 3, merkle.EMPTY_ROOT, root, [root])
    assert not merkle.is_consistent(0, 0, merkle.EMPTY_ROOT, root, [])


def test_two_roots_of_one_size_are_called_a_split_and_never_a_bad_proof() -> None:
    with pytest.raises(Rejected) as error:
        merkle.check_consistency(5, 5, naive(LEAVES[:5]), naive(LEAVES[1:6]), [])
    assert error.value.fault is Fault.LOG_SPLIT


def test_a_tree_of_more_leaves_than_anybody_has_is_refused_at_once() -> None:
    for size in (2**63, 2**200):
        assert refused(merkle.check_inclusion, 0, size, LEAVES[0], [LEAVES[1]] * 63, LEAVES[2])
        assert refused(merkle.check_consistency, 1, size, LEAVES[0], LEAVES[1], [LEAVES[1]] * 63)
    with pytest.raises(ValueError, match="frontier"):
        Frontier(3, (LEAVES[0],))


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_the_public_vectors_are_judged_as_they_say(kind: str) -> None:
    hashes = [base64.b64decode(one) for one in VECTORS["hashes"]]
    assert len(VECTORS[kind]) == 98
    for first, size, root, other, proof, is_good in VECTORS[kind]:
        given_ = [hashes[one] for one in proof]
        if kind == "inclusion":
            wrong = refused(merkle.check_inclusion, first, size, hashes[other], given_, hashes[root])
        else:
            wrong = refused(merkle.check_consistency, first, size, hashes[root], hashes[other], given_)
        assert wrong is not is_good, (first, size, root, other, proof)


# -- Tiles ----------------------------------------------------------------------------------------------------------


def test_tiles_are_called_as_the_format_says() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(1, 0, 5).path == "tile/1/000.p/5"
    assert Tile(-1, 999).path == "tile/entries/999"
    assert Tile(2, 1000, 255).path == "tile/2/x001/000.p/255"


def growth(steps: list[int]) -> tuple[dict[Tile, bytes], int]:
    """The tiles written by a log that grew in these steps, and its size."""
    store: dict[Tile, bytes] = {}
    nodes: dict[tuple[int, int], bytes] = {}
    frontier, leaves = Frontier(), [hashlib.sha256(str(n).encode()).digest() for n in range(sum(steps))]
    for step in steps:
        old = frontier.size
        frontier = frontier.after(leaves[old : old + step], nodes)
        for tile in tiles.tiles(old, frontier.size):
            first = tile.number * tiles.WIDTH
            level = tile.level * tiles.HEIGHT
            store[tile] = b"".join(nodes[level, first + n] for n in range(tile.width))
    return store, frontier.size


@pytest.mark.parametrize("steps", [[1], [255, 1], [256], [257], [100, 200, 300], [70_000, 1], [65_536]])
def test_a_log_that_is_only_tiles_proves_everything(steps: list[int]) -> None:
    store, size = growth(steps)
    leaves = [hashlib.sha256(str(n).encode()).digest() for n in range(size)]
    root = Frontier().after(leaves).root
    asked: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        asked.append(tile)
        return store[tile]

    node = tiles.reader(size, fetch)
    for index in {0, size // 2, size - 1}:
        proof = [merkle.span_hash(span, node) for span in merkle.inclusion_spans(index, size)]
        merkle.check_inclusion(index, size, leaves[index], proof, root)
    for old in {1, -(-size // 3), size}:
        proof = [merkle.span_hash(span, node) for span in merkle.consistency_spans(old, size)]
        merkle.check_consistency(old, size, Frontier().after(leaves[:old]).root, root, proof)
    assert len(asked) == len(set(asked))


def test_a_full_tile_never_changes_and_a_partial_one_only_grows() -> None:
    store, size = growth([300, 300, 70_000])
    assert Tile(0, 0, 256) in store
    for tile, data in store.items():
        assert len(data) == tile.width * 32
        for other, more in store.items():
            if (other.level, other.number) == (tile.level, tile.number) and other.width > tile.width:
                assert more.startswith(data)
    assert Tile(1, 0, size >> 8 if size >> 8 < 256 else 256) in store


def test_a_tile_of_another_length_is_refused() -> None:
    with pytest.raises(Rejected):
        tiles.reader(5, lambda tile: b"x" * 31 * tile.width)(0, 0)


def test_entry_tiles_are_read_as_they_were_written_and_nothing_else_is() -> None:
    some = [b"", b"a", b"x" * 65_535]
    assert tiles.entries(tiles.bundle(some), 3) == some
    for data in (tiles.bundle(some)[:-1], tiles.bundle(some) + b"\x00", tiles.bundle(some[:2])):
        with pytest.raises(Rejected):
            tiles.entries(data, 3)
    with pytest.raises(ValueError, match="65536"):
        tiles.bundle([b"x" * 65_536])
