"""A mirror of the log: all that stands in it, for somebody outside of the centre, taken and checked again each time.

What was taken before is not taken again, but is computed again: nothing is believed for lying there.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.log import checkpoint, own, policy, tiles
from axis.core.log.leaf import leaf
from axis.core.log.merkle import HASH_SIZE, Frontier, leaf_hash
from axis.core.log.tiles import HEIGHT, WIDTH, Tile
from axis.errors import Corrupted, Fault, Problem, Rejected
from axis.infra.log import mirror as files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from axis.core.log.note import VerifierKey
    from axis.core.log.policy import Policy

CHECKPOINT, WITNESSED = "checkpoint", "witnessed"


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The mirror holds so many entries (`size`) under this `root`, of which `taken` are new; a quorum of witnesses has
    cosigned the first `witnessed` of them."""

    size: int
    root: bytes
    taken: int
    witnessed: int


def mirror(
    source: Callable[[str], bytes],
    folder: Path,
    key: VerifierKey,
    counts: Policy | None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Mirrored:
    """Take what the source has and the mirror has not.

    1 the log's key has signed the source's checkpoint, and it is not behind the mirror's own
    2 each tile of entries has the hashes of the source's tile over it: what differs is named by its place
    3 they lead to the root of the mirror's last checkpoint at its size, of the witnessed one at its own (`counts`: the
      lines of a quorum are under it), and of the new one; it is written last

    Raises :class:`Corrupted` LOG_SPLIT, LEDGER_CORRUPT; :class:`~axis.errors.Rejected` NOTE_INVALID, LOG_QUORUM,
    LOG_PROOF; :class:`~axis.errors.Unavailable` LOG_SOURCE. What was not checked is not kept."""
    note = source(CHECKPOINT)
    wanted, _ = checkpoint.opened(note, key)
    known = {wanted.size: wanted.root}
    before = 0
    if held := files.read(folder / CHECKPOINT):
        one, _ = checkpoint.opened(held, key)
        before = one.size
        _add(known, one.size, one.root, wanted.size)
    witnessed = source(WITNESSED) if counts is not None else b""
    cosigned = policy.witnessed(witnessed or note, counts).checkpoint if counts is not None else None
    if cosigned is not None:
        _add(known, cosigned.size, cosigned.root, wanted.size)
    try:
        _take(source, folder, wanted.size, known, progress)
    except _WrongError as error:
        for number in range(before // WIDTH, -(-wanted.size // WIDTH)):
            for level in (-1, 0):
                files.drop(folder, Tile(level, number, min(WIDTH, wanted.size - number * WIDTH)).path)
        raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(error.place), expected=error.expected)) from None
    if witnessed:
        files.keep(folder, WITNESSED, witnessed)
    files.keep(folder, CHECKPOINT, note)
    return Mirrored(wanted.size, wanted.root, wanted.size - before, cosigned.size if cosigned is not None else 0)


class _WrongError(Exception):
    """What stands at this place is not what was signed."""

    def __init__(self, place: int, expected: str) -> None:
        super().__init__(place)
        self.place, self.expected = place, expected


def _add(known: dict[int, bytes], size: int, root: bytes, most: int) -> None:
    if known.get(size, root) != root:
        raise Corrupted(Problem(Fault.LOG_SPLIT, str(size), root.hex(), known[size].hex()))
    if size > most:
        raise Rejected(Problem(Fault.LOG_PROOF, got=str(most), expected=f">= {size}"))
    known[size] = root


def _take(
    source: Callable[[str], bytes],
    folder: Path,
    size: int,
    known: dict[int, bytes],
    progress: Callable[[int, int], None],
) -> None:
    frontier = Frontier()
    above: dict[tuple[int, int], bytes] = {}  # nodes that stand in tiles above the leaves'
    for number in range(-(-size // WIDTH)):
        width = min(WIDTH, size - number * WIDTH)
        tile, over = Tile(-1, number, width), Tile(0, number, width)
        data = files.read(folder / tile.path)
        fresh = not data
        data = data or source(tile.path)
        leaves = _leaves(data, tile, number)
        theirs = source(over.path) if fresh else files.read(folder / over.path)
        for place, one in enumerate(leaves):
            if theirs[place * HASH_SIZE : (place + 1) * HASH_SIZE] != one:
                raise _WrongError(number * WIDTH + place + 1, over.path)
        frontier = _grown(frontier, leaves, known, above)
        if fresh:
            files.keep(folder, tile.path, data)
            files.keep(folder, over.path, b"".join(leaves))
        progress(frontier.size, size)
    for tile in tiles.tiles(0, size):
        if tile.level:
            first = tile.number * WIDTH
            nodes = (above[HEIGHT * tile.level, index] for index in range(first, first + tile.width))
            files.keep(folder, tile.path, b"".join(nodes))


def _leaves(data: bytes, tile: Tile, number: int) -> list[bytes]:
    try:
        return [leaf_hash(one) for one in tiles.entries(data, tile.width)]
    except Rejected:
        raise _WrongError(number * WIDTH + 1, tile.path) from None


def _grown(
    frontier: Frontier, leaves: list[bytes], known: dict[int, bytes], above: dict[tuple[int, int], bytes]
) -> Frontier:
    """With these leaves behind it, compared with each root that is known in between."""
    end, start = frontier.size + len(leaves), frontier.size
    stops = sorted({at for at in known if start < at <= end} | {end})
    for stop in stops:
        made: dict[tuple[int, int], bytes] = {}
        frontier = frontier.after(leaves[frontier.size - start : stop - start], made)
        above.update({place: node for place, node in made.items() if place[0] and place[0] % HEIGHT == 0})
        if known.get(stop, frontier.root) != frontier.root:
            raise _WrongError(stop, known[stop].hex())
    return frontier


# -- What stands in it ------------------------------------------------------------------------------------------------


def count(folder: Path, key: VerifierKey, lines: Iterable[str], since: int, until: int) -> Counter[str]:
    """How many of the entries behind place `since` to `until` (0: the end) are about each agency: what each was told
    (``axis witness status``) must be the same. `lines` are the export of ``axis audit export --format jsonl``, each
    compared with what the mirror has at its place.

    Raises :class:`Corrupted` LEDGER_CORRUPT at the first that differs, or is missing."""
    held, _ = checkpoint.opened(files.read(folder / CHECKPOINT), key)
    found: Counter[str] = Counter()
    senders: dict[str, str] = {}
    place, there = 0, list[bytes]()
    for line in lines:
        if place == held.size:
            break
        if place % WIDTH == 0:
            width = min(WIDTH, held.size - place)
            there = tiles.entries(files.read(folder / Tile(-1, place // WIDTH, width).path), width)
        place += 1
        try:
            value = json.loads(line)
            text, salt = str(value["entry"]), bytes.fromhex(value["salt"])
            entry = json.loads(text)
            is_right = value["position"] == place and leaf(salt, text) == there[(place - 1) % WIDTH]
            if is_right and entry["event"] == "submission.accepted":
                senders[entry["axis_id"]] = str(entry["detail"].get("sender", ""))
            if is_right and since < place <= (until or held.size):
                found.update(own.agencies(entry, senders.get(entry["axis_id"], "")))
        except (ValueError, KeyError, TypeError, AttributeError):
            is_right = False
        if not is_right:
            raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(place), expected="-"))
    if place < held.size:
        raise Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(place + 1), expected="-"))
    return found
