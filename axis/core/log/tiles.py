"""Where the tree's hashes lie for whoever mirrors it: tiles of 256 (C2SP tlog-tiles v0.1.0).

A tile of level t holds nodes of tree level 8 · t; what lies between is computed from it. A full tile never changes,
and a partial one only grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.log.merkle import HASH_SIZE, Frontier
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_ENTRY = 2**16 - 1  # bytes


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile's name: `level`, `number` in its level, `width` hashes (256: full). Level -1 is of the entries."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Relative, as it is served: ``tile/0/x001/x234/067``, ``tile/entries/000.p/5``."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level < 0 else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def tiles(old: int, size: int) -> Iterator[Tile]:
    """The hash tiles that a tree has new or larger when it grows from `old` leaves to `size`."""
    level = 0
    while size >> (HEIGHT * level):
        before, now = old >> (HEIGHT * level), size >> (HEIGHT * level)
        for number in range(before // WIDTH, -(-now // WIDTH)):
            width = min(WIDTH, now - number * WIDTH)
            if number * WIDTH + width > before:
                yield Tile(level, number, width)
        level += 1


def holding(level: int, index: int, size: int) -> tuple[Tile, int, int]:
    """For a perfect node of a tree of `size` leaves: the tile it is computed from, and which hashes of it, from and
    before."""
    tile_level, rest = divmod(level, HEIGHT)
    first = index << rest
    number, start = divmod(first, WIDTH)
    width = min(WIDTH, (size >> (HEIGHT * tile_level)) - number * WIDTH)
    return Tile(tile_level, number, width), start, start + (1 << rest)


def reader(size: int, fetch: Callable[[Tile], bytes]) -> Callable[[int, int], bytes]:
    """What gives a perfect node of a tree of `size` leaves, from tiles. Each tile is fetched once.

    What comes is checked for its length only: whoever does not trust it checks what is proved with it."""
    known: dict[Tile, bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile, start, end = holding(level, index, size)
        if tile not in known:
            known[tile] = fetch(tile)
        data = known[tile]
        if len(data) != tile.width * HASH_SIZE:
            raise rejected(Fault.LOG_PROOF, f"{len(data)} bytes", tile.width * HASH_SIZE, path=tile.path)
        leaves = (data[n * HASH_SIZE : (n + 1) * HASH_SIZE] for n in range(start, end))
        return Frontier().after(leaves).root

    return node


def bundle(entries: Iterable[bytes]) -> bytes:
    """The content of an entry tile: each entry behind its length, 16 bits big-endian. Raises ValueError for one of
    more than MAX_ENTRY bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            msg = f"an entry of {len(entry)} bytes"
            raise ValueError(msg)
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def entries(data: bytes, width: int = WIDTH) -> list[bytes]:
    """The `width` entries of an entry tile. Raises :class:`~axis.errors.Rejected` LOG_PROOF for anything else."""
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise rejected(Fault.LOG_PROOF, f"an entry that is cut off at byte {at}")
        found.append(data[at + 2 : end])
        at = end
    if len(found) != width:
        raise rejected(Fault.LOG_PROOF, f"{len(found)} entries", width)
    return found
