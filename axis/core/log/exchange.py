"""What hub and witnesses say to each other over the broker.

The hub asks a witness to cosign (`ask`: C2SP tlog-witness' request, as it is), and tells it what has its quorum, with
the entries about its agency (`told`). A witness answers each with what it has cosigned and been told (`said`).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from axis.core.log import merkle, witness
from axis.core.log.leaf import SALT, leaf
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from axis.core.log.merkle import Span
    from axis.core.log.witness import Request

_ASK, _FIRST = b"axis-log/1 ask\n", b"axis-log/1 ask first of day\n"
_TOLD, _SAID = b"axis-log/1 told\n", b"axis-witness/1 "
MAX_TOLD, MAX_SAID = 32 * 1024 * 1024, 16 * 1024  # bytes


def is_from_log(body: bytes) -> bool:
    """Whether a message to an agency is of this kind, good or bad."""
    return body.startswith((_ASK, _FIRST, _TOLD))


def is_first_of_day(body: bytes) -> bool:
    """Whether it asks for a checkpoint that is cosigned with both keys."""
    return body.startswith(_FIRST)


def is_from_witness(body: bytes) -> bool:
    """Whether a message to the hub is of this kind, good or bad."""
    return body.startswith(_SAID)


def write_ask(request: Request, *, is_first: bool = False) -> bytes:
    """A message's body. `is_first`: the witness is to cosign with its ML-DSA-44 key, too."""
    return (_FIRST if is_first else _ASK) + request.data


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger: its place from 1, its text, and the salt of its leaf."""

    position: int
    canonical: str
    salt: bytes

    @property
    def hash(self) -> bytes:
        """Of its leaf in the tree."""
        return merkle.leaf_hash(leaf(self.salt, self.canonical))


@dataclass(frozen=True, slots=True)
class Told:
    """A cosigned checkpoint, for an agency, with the entries about it from behind place `start` to `end`.

    `proof`: that the smaller of this checkpoint and the one of `cosigned` entries, which the witness has cosigned last,
    is the beginning of the larger. `before`: so many entries about the agency came between places `since` and `start`.
    `nodes`: the hashes that prove the entries."""

    checkpoint: bytes
    cosigned: int
    proof: tuple[bytes, ...]
    since: int
    start: int
    end: int
    before: int
    entries: tuple[Entry, ...] = ()
    nodes: dict[Span, bytes] = field(default_factory=dict)

    def check_entries(self, size: int, root: bytes) -> None:
        """Raises :class:`~axis.errors.Rejected` LOG_PROOF, naming the place, unless each entry stands at its place in
        the tree of this size and root, in order, between `start` and `end`."""
        last = self.start
        for one in self.entries:
            if not last < one.position <= self.end <= size:
                raise rejected(Fault.LOG_PROOF, str(one.position), f"{last + 1} … {self.end}")
            last = one.position
            try:
                hashes = [self.nodes[span] for span in merkle.inclusion_spans(one.position - 1, size)]
            except KeyError:
                raise rejected(Fault.LOG_PROOF, str(one.position), "a proof") from None
            merkle.check_inclusion(one.position - 1, size, one.hash, hashes, root)


def write_told(told: Told) -> bytes:
    """A message's body."""
    value = {
        "checkpoint": told.checkpoint.decode(),
        "cosigned": told.cosigned,
        "proof": [_text(one) for one in told.proof],
        "since": told.since,
        "start": told.start,
        "end": told.end,
        "before": told.before,
        "entries": [[one.position, one.canonical, one.salt.hex()] for one in told.entries],
        "nodes": [[start, end, _text(one)] for (start, end), one in sorted(told.nodes.items())],
    }
    return _TOLD + json.dumps(value).encode()


def _text(one: bytes) -> str:
    return base64.b64encode(one).decode()


def read_from_log(body: bytes) -> Request | Told:
    """What the hub says. Raises :class:`~axis.errors.Rejected` LOG_PROOF where it is not in its form. Proves nothing
    yet."""
    for head in (_ASK, _FIRST):
        if body.startswith(head):
            return witness.read(body[len(head) :])
    if len(body) > MAX_TOLD:
        raise rejected(Fault.LOG_PROOF, f"{len(body)} bytes", MAX_TOLD)
    try:
        value = json.loads(body[len(_TOLD) :])
        cosigned, since, start, end, before = (
            _number(value[name]) for name in ("cosigned", "since", "start", "end", "before")
        )
        proof = tuple(_hash(one) for one in value["proof"])
        entries = tuple(Entry(_number(at), str(text), _salt(salt)) for at, text, salt in value["entries"])
        nodes = {(_number(first), _number(last)): _hash(one) for first, last, one in value["nodes"]}
        note = str(value["checkpoint"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise rejected(Fault.LOG_PROOF, f"{type(error).__name__} {str(error)[:100]}") from None
    if len(proof) > merkle.MAX_PROOF:
        raise rejected(Fault.LOG_PROOF, f"{len(proof)} hashes", merkle.MAX_PROOF)
    return Told(note, cosigned, proof, since, start, end, before, entries, nodes)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= merkle.MAX_SIZE:
        raise ValueError(str(value)[:30])
    return value


def _hash(text: Any) -> bytes:
    data = base64.b64decode(text, validate=True)
    if len(data) != merkle.HASH_SIZE:
        raise ValueError(str(text)[:60])
    return data


def _salt(text: Any) -> bytes:
    data = bytes.fromhex(text)
    if len(data) not in {0, SALT}:
        raise ValueError(str(text)[:60])
    return data


@dataclass(frozen=True, slots=True)
class Said:
    """A witness' answer: it has cosigned `size` entries, with this signature `line` ("" where it gives none), and was
    told of its own up to place `told`: so many `entries`. `trouble`: the code of why it cosigns nothing more."""

    size: int
    line: str = ""
    told: int = 0
    entries: int = 0
    trouble: str = ""
    other: str = ""  # the signature line of its ML-DSA-44 key, where it was asked for one


def write_said(said: Said) -> bytes:
    """A message's body. It is believed for its signature, and on the broker's word about who published it."""
    value = {
        "size": said.size,
        "line": said.line,
        "told": said.told,
        "entries": said.entries,
        "trouble": said.trouble,
        "other": said.other,
    }
    return _SAID + json.dumps(value, sort_keys=True).encode()


def read_said(body: bytes) -> Said | None:
    """The answer in `body`; None when it is not in its form."""
    if len(body) > MAX_SAID:
        return None
    try:
        value = json.loads(body[len(_SAID) :])
        line, trouble = str(value["line"]), str(value["trouble"])[:60]
        counts = (_number(value["told"]), _number(value["entries"]))
        return Said(_number(value["size"]), line, *counts, trouble, str(value.get("other", "")))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
