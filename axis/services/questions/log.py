"""The ledger and its log, questioned: whether they hold, what is proved in them, and all of it for somebody else."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from axis.core import ledger as entries
from axis.core.instant import to_text
from axis.core.log import checkpoint, merkle, tiles
from axis.core.log.leaf import leaf
from axis.core.log.merkle import HASH_SIZE, Frontier, leaf_hash
from axis.core.log.proof import LogProof
from axis.core.log.tiles import HEIGHT, WIDTH, Tile
from axis.errors import Corrupted, Fault, Problem, Rejected
from axis.infra.log import stamps, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.core.log.note import VerifierKey
    from axis.infra.log.stamps import Stamp
    from axis.infra.log.store import Head
    from axis.infra.record.store import HubReader

CHUNK = WIDTH * 32  # entries at a time: so much is in memory


@dataclass(frozen=True, slots=True)
class Good:
    """How far ledger and log were found to hold: `position` entries, the last one's `link`, and the tree over them."""

    position: int = 0
    link: str = entries.GENESIS
    frontier: Frontier = field(default_factory=Frontier)

    def text(self) -> str:
        """As a file holds it."""
        hashes = [one.hex() for one in self.frontier.hashes]
        return json.dumps({"position": self.position, "link": self.link, "hashes": hashes}, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Good:
        """From :meth:`text`. Raises ValueError for anything else."""
        try:
            value = json.loads(text)
            hashes = tuple(bytes.fromhex(one) for one in value["hashes"])
            return cls(int(value["position"]), str(value["link"]), Frontier(int(value["position"]), hashes))
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds: so many `entries` of the ledger, of which the log has `logged`; `unplaced` wait for their place."""

    good: Good
    entries: int
    logged: int
    unplaced: int
    head: Head | None


def verify(
    reader: HubReader,
    key: Callable[[str], VerifierKey] | None,
    since: Good | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verified:
    """Compute everything again, in constant memory.

    1 each entry has the digest of its text, the next place, and the link over what is before it
    2 each entry's leaf stands at its place in the tiles of the log, and the tiles are the tree over the leaves
    3 the head has that tree's root, under the signature of the log's key (`key`: as verifiers know it under a name)
    4 what was found to hold before (`since`) is where it was: only what is behind it is computed

    Raises :class:`Corrupted` LEDGER_CORRUPT that names the first entry, or tile, that is not as it was."""
    connection = reader.connection
    head = store.head(connection)
    logged = head.frontier.size if head is not None else 0
    every, unplaced = store.counts(connection)
    good = since or Good()
    if good.position:
        _is_where_it_was(connection, good)
    tree = _Tree(connection, good.frontier, logged)
    while True:
        rows = store.cells(connection, good.position, CHUNK)
        if not rows:
            break
        good = _checked(rows, good, tree)
        progress(good.position, max(every, good.position))
    if good.position < max(every, logged):
        raise _corrupt(good.position + 1, "-")
    if head is not None:
        _check_head(head, tree, key)
    return Verified(good, every, logged, unplaced, head)


def _checked(rows: Any, good: Good, tree: _Tree) -> Good:
    position, link, sha256 = good.position, good.link, hashlib.sha256
    leaves = []
    try:
        for at, given_link, digest, canonical, axis_id, salt in rows:
            position += 1
            text = canonical.encode()
            found = sha256(text).hexdigest()
            link = sha256(f"{link}\n{position}\n{found}\n".encode()).hexdigest()
            if at != position or found != digest or link != given_link or f'"axis_id":"{axis_id}"' not in canonical:
                raise _corrupt(position, link)
            if salt != salt.lower():  # the same bytes, written otherwise
                raise _corrupt(position, link)
            leaves.append(sha256(b"\x00" + sha256(bytes.fromhex(salt) + text).digest()).digest())
    except (ValueError, AttributeError, TypeError):  # no text, or no salt
        raise _corrupt(position, link) from None
    tree.add(leaves)
    return Good(position, link, tree.all)


def _is_where_it_was(connection: Any, good: Good) -> None:
    row = next(iter(store.entries(connection, good.position - 1, 1)), None)
    if row is None or (row.position, row.link) != (good.position, good.link):
        raise _corrupt(good.position, good.link)


def _corrupt(position: int, link: str) -> Corrupted:
    return Corrupted(Problem(Fault.LEDGER_CORRUPT, got=str(position), expected=link))


class _Tree:
    """The tree over the leaves, compared with the tiles that are stored. `logged`: as many leaves as these have."""

    def __init__(self, connection: Any, begun: Frontier, logged: int) -> None:
        self.all = begun
        self.logged = begun if begun.size <= logged else None  # the tree of the log's size
        self._connection = connection
        self._size = logged

    def add(self, leaves: list[bytes]) -> None:
        """Behind those that were added before."""
        fresh = max(0, min(len(leaves), self._size - self.all.size))
        if fresh:
            old, levels = self.all.size, dict[int, tuple[int, list[bytes]]]()
            if fresh == CHUNK and not old % CHUNK:
                self._add_whole(leaves, levels)
            else:
                made: dict[tuple[int, int], bytes] = {}
                self.all = self.all.after(leaves[:fresh], made)
                _put(levels, made)
            self._compare(old, levels)
            self.logged = self.all
        self.all = self.all.after(leaves[fresh:])

    def _add_whole(self, nodes: list[bytes], levels: dict[int, tuple[int, list[bytes]]]) -> None:
        """A chunk that is a perfect subtree, pair by pair: several times as quick as leaf by leaf."""
        old, level, sha256 = self.all.size, 0, hashlib.sha256
        while len(nodes) > 1:
            if level % HEIGHT == 0:
                levels[level] = old >> level, nodes
            pairs = iter(nodes)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level += 1
        made: dict[tuple[int, int], bytes] = {}
        self.all = self.all.after(nodes, made, level)
        _put(levels, made)

    def _compare(self, old: int, levels: dict[int, tuple[int, list[bytes]]]) -> None:
        """The nodes that have become perfect since there were `old` leaves, with those of the tiles."""
        size = self.all.size
        there = list(tiles.tiles(old, size))
        stored = store.hashes(self._connection, there)
        for tile in sorted(there):
            height, first = HEIGHT * tile.level, tile.number * WIDTH
            start = max(old >> height, first)
            begin, held = levels[height]
            nodes = held[start - begin : first + tile.width - begin]
            data = stored.get((tile.level, tile.number), b"")[(start - first) * HASH_SIZE : tile.width * HASH_SIZE]
            if data != b"".join(nodes):
                pairs = (
                    data[at : at + HASH_SIZE] == node for at, node in zip(count(0, HASH_SIZE), nodes, strict=False)
                )
                wrong = start + next(n for n, same in enumerate(pairs) if not same)
                raise _corrupt((wrong << height) + 1, tile.path)


def _put(levels: dict[int, tuple[int, list[bytes]]], made: dict[tuple[int, int], bytes]) -> None:
    """The nodes of tiles among these, by level: (the index of the first, all in order)."""
    for (level, index), node in made.items():
        if level % HEIGHT == 0:
            levels.setdefault(level, (index, []))[1].append(node)


def _check_head(head: Head, tree: _Tree, key: Callable[[str], VerifierKey] | None) -> None:
    size = head.frontier.size
    if not size:
        return
    computed = tree.logged
    if computed is None or computed.size != size:  # nothing was behind what was checked before
        computed = tree.all if tree.all.size == size else None
    if computed is not None and (computed.hashes != head.frontier.hashes):
        raise _corrupt(size, head.frontier.root.hex())
    if key is None:
        return
    try:
        said, _ = checkpoint.opened(head.checkpoint, key(head.origin))
    except Rejected as error:
        raise Corrupted(*error.problems) from None
    if (said.size, said.root) != (size, head.frontier.root):
        raise _corrupt(size, said.root.hex())


# -- What is proved -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proved:
    """One entry: its place from 1, its text and salt, and its proof, None where the log does not have it yet."""

    position: int
    canonical: str
    salt: str
    proof: LogProof | None


def prove(reader: HubReader, axis_ids: list[str], head: tuple[int, bytes] | None = None) -> list[Proved]:
    """The entries about these submissions, each with the proof that it stands in the log as of its newest checkpoint
    (or as of `head`, an older one: its size and note): whoever has the entry's text, its salt and the log's key checks
    it without anybody's help."""
    connection = reader.connection
    newest = store.head(connection)
    size, checkpoint = head or ((newest.frontier.size, newest.checkpoint) if newest is not None else (0, b""))
    node = tiles.reader(size, store.fetcher(connection))
    found = []
    for position, canonical, salt in store.entries_about(connection, axis_ids):
        proof = None
        if position is not None and position <= size:
            spans = merkle.inclusion_spans(position - 1, size)
            proof = LogProof(position - 1, tuple(merkle.span_hash(one, node) for one in spans), checkpoint)
        found.append(Proved(position or 0, canonical, salt, proof))
    return found


def renewed(reader: HubReader, one: Stamp) -> tuple[Stamp, Proved] | None:
    """The newest time-stamp of the same log, with the entry that binds `one` and its proof as of the checkpoint that
    the newest is on: so `one` holds though its algorithms, or its service's certificate, no longer do. None where there
    is none behind that entry."""
    newest = stamps.last(reader.connection)
    row = store.entry_of_stamp(reader.connection, one.size, hashlib.sha256(one.reply).hexdigest())
    if newest is None or row is None or newest.log != one.log or newest.size < row.position:
        return None
    node = tiles.reader(newest.size, store.fetcher(reader.connection))
    spans = merkle.inclusion_spans(row.position - 1, newest.size)
    proof = LogProof(row.position - 1, tuple(merkle.span_hash(span, node) for span in spans), newest.note)
    return newest, Proved(row.position, row.canonical, row.salt, proof)


def stamped(reader: HubReader, axis_ids: list[str]) -> Stamp | None:
    """The first checkpoint with all entries about these that a third party has stamped with its time."""
    return stamps.first_of(reader.connection, _last(reader, axis_ids))


def _last(reader: HubReader, axis_ids: list[str]) -> int:
    return max((row.position or 0 for row in store.entries_about(reader.connection, axis_ids)), default=0)


def witnessed(reader: HubReader, axis_ids: list[str]) -> tuple[int, bytes] | None:
    """The checkpoint to prove these with: the newest that a quorum has cosigned with both keys, else the newest that a
    quorum has cosigned, if it has all their entries; else the log's own newest."""
    last = _last(reader, axis_ids)
    both = store.of_both(reader.connection, last)
    cosigned, head = both or store.witnessed(reader.connection, last), store.head(reader.connection)
    if cosigned is not None:
        return cosigned.size, cosigned.note
    return (head.frontier.size, head.checkpoint) if head is not None and head.frontier.size else None


def others(reader: HubReader, size: int) -> str:
    """The lines of the witnesses' ML-DSA-44 keys under the checkpoint of this size; "" for none."""
    head = store.head(reader.connection)
    found = store.cosigned(reader.connection, head.number, [size]) if head is not None else {}
    return found[size].others if size in found else ""


def is_proved(one: Proved, key: VerifierKey) -> bool:
    """Whether the proof leads from this entry to a checkpoint that the log's key has signed."""
    if one.proof is None:
        return False
    try:
        said, _ = checkpoint.opened(one.proof.checkpoint, key)
        hashed = leaf_hash(leaf(bytes.fromhex(one.salt), one.canonical))
        merkle.check_inclusion(one.proof.index, said.size, hashed, one.proof.hashes, said.root)
    except Rejected:
        return False
    return True


# -- All of it ------------------------------------------------------------------------------------------------------


def as_tiles(reader: HubReader, head: Head) -> Iterator[tuple[str, bytes]]:
    """(relative path, content) of every file of the log, as C2SP tlog-tiles lays them out: for whoever mirrors it. The
    entries' own tiles hold their leaves' data, 32 bytes each. ``witnessed``: the newest checkpoint with its
    quorum."""
    yield "checkpoint", head.checkpoint
    cosigned = store.witnessed(reader.connection)
    if cosigned is not None and cosigned.log == head.number and cosigned.size <= head.frontier.size:
        yield "witnessed", cosigned.note
    for tile, data in store.all_tiles(reader.connection):
        yield tile.path, data
    for number in range(-(-head.frontier.size // WIDTH)):
        width = min(WIDTH, head.frontier.size - number * WIDTH)
        rows = store.entries(reader.connection, number * WIDTH, width)
        yield Tile(-1, number, width).path, tiles.bundle(leaf(bytes.fromhex(r.salt), r.canonical) for r in rows)


def as_lines(reader: HubReader) -> Iterator[dict[str, Any]]:
    """One object for each entry that has its place, in order: `position`, `entry` (its text, whose SHA-256 is
    `digest`), `salt`, `link`."""
    after = 0
    while rows := store.entries(reader.connection, after, CHUNK):
        for row in rows:
            yield {
                "position": row.position,
                "entry": row.canonical,
                "digest": row.digest,
                "salt": row.salt,
                "link": row.link,
            }
        after = rows[-1].position


def facts(head: Head, key: VerifierKey | None) -> dict[str, Any]:
    """How far the log goes, for people and programs."""
    return {
        "origin": head.origin,
        "size": head.frontier.size,
        "root": base64.b64encode(head.frontier.root).decode(),
        "made_at": to_text(head.made_at) if head.made_at is not None else "",
        "checkpoint": head.checkpoint.decode(),
        "key": key.text if key is not None else "",
    }
