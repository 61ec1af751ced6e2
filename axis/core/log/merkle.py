"""The tree of RFC 9162, section 2.1: SHA-256; a leaf is hashed behind 0x00, a node behind 0x01.

A tree of n leaves is made of at most log2(n) perfect subtrees, whose hashes are the *frontier*. Whoever holds it
appends and computes the root without the leaves. A node is named (level, index): the root of the perfect subtree
over the leaves from index · 2^level to (index + 1) · 2^level.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()  # of a tree without leaves
HASH_SIZE = 32
MAX_SIZE = 2**63 - 1
MAX_PROOF = 63  # hashes: no tree is deeper, and no proof of consistency longer (tlog-witness)

Span = tuple[int, int]  # leaves from the first to before the second


def leaf_hash(entry: bytes) -> bytes:
    """The hash of the leaf that holds `entry`."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over `left` and `right`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# -- Growing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves as its perfect subtrees, the largest first: one for each bit of `size` that is set."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.hashes) != self.size.bit_count():
            msg = f"{len(self.hashes)} hashes are no frontier of {self.size} leaves"
            raise ValueError(msg)

    def after(self, leaves: Iterable[bytes], made: dict[tuple[int, int], bytes] | None = None, of: int = 0) -> Frontier:
        """With these leaf hashes appended (or hashes of perfect subtrees of level `of`, where such a one may begin).
        Every node that became perfect is put into `made`, they themselves included."""
        size, stack = self.size, list(self.hashes)
        if size & ((1 << of) - 1):
            msg = f"behind {size} leaves no subtree of level {of} begins"
            raise ValueError(msg)
        for leaf in leaves:
            level, index, node = of, size >> of, leaf
            if made is not None:
                made[level, index] = node
            while index & 1:
                node = node_hash(stack.pop(), node)
                level, index = level + 1, index >> 1
                if made is not None:
                    made[level, index] = node
            stack.append(node)
            size += 1 << of
        return Frontier(size, tuple(stack))

    @property
    def root(self) -> bytes:
        """The root hash of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, node = self.hashes
        for left in reversed(larger):
            node = node_hash(left, node)
        return node


# -- Making proofs --------------------------------------------------------------------------------------------------


def span_hash(span: Span, node: Callable[[int, int], bytes]) -> bytes:
    """The hash over a span that begins where a subtree of its size may begin, from perfect nodes.
    Asks at most log2 of its length of them."""
    start, end = span
    found: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(node(level, start >> level))
        start += 1 << level
    return Frontier(span[1] - span[0], tuple(found)).root


def _cut(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose hashes are the proof that leaf `index` stands in the tree of `size` leaves; the leaf's sibling
    first (RFC 9162, 2.1.3.1). Raises ValueError unless 0 ≤ index < size."""
    if not 0 <= index < size:
        msg = f"no leaf {index} in a tree of {size}"
        raise ValueError(msg)
    found: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _cut(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_spans(old: int, size: int) -> list[Span]:
    """The spans whose hashes are the proof that the tree of `old` leaves is the beginning of the one of `size`
    (RFC 9162, 2.1.4.1). Raises ValueError unless 1 ≤ old ≤ size."""
    if not 1 <= old <= size:
        msg = f"a tree of {old} leaves is no beginning of one of {size}"
        raise ValueError(msg)
    found: list[Span] = []
    start, end = 0, size
    while old < end:
        middle = start + _cut(end - start)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    if start:  # the old tree's last part; where it is the whole old tree, the verifier has its root
        found.append((start, end))
    return found[::-1]


# -- Checking proofs --------------------------------------------------------------------------------------------------


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that `proof` leads to from the hash of the leaf (RFC 9162, 2.1.3.2). Compare it with the believed one.

    Raises :class:`~axis.errors.Rejected` LOG_PROOF where the proof does not have the form for this place."""
    if not 0 <= index < size <= MAX_SIZE:
        raise rejected(Fault.LOG_PROOF, f"index {index}", f"0 … {size - 1}")
    wanted = len(inclusion_spans(index, size))
    if len(proof) != wanted:
        raise rejected(Fault.LOG_PROOF, f"{len(proof)} hashes", wanted)
    _check_hashes((leaf, *proof))
    node, place, last = leaf, index, size - 1
    for other in proof:
        if place & 1 or place == last:
            node = node_hash(other, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, other)
        place, last = place >> 1, last >> 1
    return node


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises :class:`~axis.errors.Rejected` LOG_PROOF unless `proof` shows that the leaf whose hash is `leaf` stands at
    `index` of the tree of `size` leaves with this root."""
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise rejected(Fault.LOG_PROOF, f"another root for leaf {index}", root.hex())


def check_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raises :class:`~axis.errors.Rejected` LOG_PROOF unless `proof` shows that the tree of `old` leaves with
    `old_root` is the beginning of the one of `size` leaves with `root` (RFC 9162, 2.1.4.2); LOG_SPLIT where the sizes
    are the same and the roots are not. A tree without leaves is the beginning of any: `old` is at least 1."""
    if not 1 <= old <= size <= MAX_SIZE:
        raise rejected(Fault.LOG_PROOF, f"sizes {old} and {size}")
    wanted = len(consistency_spans(old, size))
    if len(proof) != wanted:
        raise rejected(Fault.LOG_PROOF, f"{len(proof)} hashes", wanted)
    if old == size:
        if old_root != root:
            raise rejected(Fault.LOG_SPLIT, root.hex(), old_root.hex(), path=str(size))
        return
    _check_hashes((old_root, *proof))
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    rest = list(proof)
    first = second = rest.pop(0) if place else old_root
    for other in rest:
        if place & 1 or place == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, other)
        place, last = place >> 1, last >> 1
    if (first, second) != (old_root, root):
        raise rejected(Fault.LOG_PROOF, f"other roots for {old} and {size} leaves", root.hex())


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for one in hashes:
        if len(one) != HASH_SIZE:
            raise rejected(Fault.LOG_PROOF, f"a hash of {len(one)} bytes", HASH_SIZE)


def is_consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether :func:`check_consistency` finds nothing; from nothing, whether there is nothing to prove."""
    if old == 0:
        return not proof and (size > 0 or old_root == root == EMPTY_ROOT)
    try:
        check_consistency(old, size, old_root, root, proof)
    except Rejected:
        return False
    return True
