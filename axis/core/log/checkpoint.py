"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the text of a note that names a log, its size and its root; and the
signatures under it: the log's own (Ed25519) and its witnesses' (C2SP tlog-cosignature, Ed25519 and ML-DSA-44)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from axis.core.log import note
from axis.core.log.merkle import HASH_SIZE, MAX_SIZE
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from axis.core.log.note import Note, Signature, VerifierKey

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_SIZE = 8
_SIGNATURE_SIZES = {note.ED25519: 64, note.ED25519_COSIGNATURE: 64, note.ML_DSA_44_COSIGNATURE: 2420}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log `origin` had `size` entries, and its root was `root`. Extension lines are not written, and refused: an
    ML-DSA cosignature would not cover them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not note.is_name(self.origin) or not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_SIZE:
            msg = f"no checkpoint: {self.origin[:60]!r}, {self.size}, {len(self.root)} bytes"
            raise ValueError(msg)

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read(text: str) -> Checkpoint:
    """The checkpoint that a note's text is. Raises :class:`~axis.errors.Rejected` NOTE_INVALID."""
    lines = text.split("\n")
    wanted = ("origin", "size", "root", "")
    if len(lines) != len(wanted) or lines[-1] or not _SIZE.fullmatch(lines[1]):
        raise rejected(Fault.NOTE_INVALID, text[:120], "origin, size and root")
    try:
        root = base64.b64decode(lines[2].encode("ascii"), validate=True)
        found = Checkpoint(lines[0], int(lines[1]), root)
    except (ValueError, binascii.Error):
        raise rejected(Fault.NOTE_INVALID, text[:120], "origin, size and root") from None
    if found.text != text:
        raise rejected(Fault.NOTE_INVALID, text[:120], found.text)
    return found


# -- Signatures -----------------------------------------------------------------------------------------------------


class NoteSigner(Protocol):
    """A private key that is signed with here: Ed25519 or ML-DSA-44 of :mod:`cryptography`, or a token's."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature of `data`."""
        ...

    def public_key(self) -> NotePublicKey:
        """Its public half."""
        ...


class NotePublicKey(Protocol):
    """The public half of a key that is signed with here."""

    def public_bytes_raw(self) -> bytes:
        """As it stands in a verifier key."""
        ...


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A valid signature line: whose, and since when its maker says that it knew the checkpoint (Unix seconds; 0 for
    the log's own, which names no time)."""

    key: VerifierKey
    time: int


def signed(one: Checkpoint, key: VerifierKey, signer: NoteSigner, time: int = 0) -> Signature:
    """The signature line of `key` under the checkpoint; `time` in Unix seconds for a cosignature."""
    stamp = b"" if key.kind == note.ED25519 else time.to_bytes(_TIME_SIZE, "big")
    return note.Signature(key.name, key.id, stamp + signer.sign(_message(one, key, time)))


def _message(one: Checkpoint, key: VerifierKey, time: int) -> bytes:
    if key.kind == note.ED25519:
        return one.text.encode()
    if key.kind == note.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{one.text}".encode()
    name, origin = key.name.encode(), one.origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes((len(name),)) + name,
            time.to_bytes(_TIME_SIZE, "big"),
            bytes((len(origin),)) + origin,
            (0).to_bytes(_TIME_SIZE, "big"),
            one.size.to_bytes(_TIME_SIZE, "big"),
            one.root,
        )
    )


def verified(of: Note, key: VerifierKey) -> Cosignature | None:
    """What `key` says in the note; None where it says nothing.

    Raises :class:`~axis.errors.Rejected` NOTE_INVALID where a signature claims to be its and is not."""
    if (line := of.of(key)) is None:
        return None
    one = read(of.text)
    stamp = 0 if key.kind == note.ED25519 else _TIME_SIZE
    if len(line.value) != stamp + _SIGNATURE_SIZES[key.kind]:
        raise rejected(Fault.NOTE_INVALID, f"{len(line.value)} bytes of {key.name}")
    time, value = int.from_bytes(line.value[:stamp], "big"), line.value[stamp:]
    if not _holds(key.kind, key.public, value, _message(one, key, time)):
        raise rejected(Fault.NOTE_INVALID, f"a false signature of {key.name}")
    return Cosignature(key, time)


@lru_cache(maxsize=512)  # all agencies of one process are told the same checkpoint with the same cosignatures
def _holds(kind: int, public: bytes, value: bytes, message: bytes) -> bool:
    try:
        if kind == note.ML_DSA_44_COSIGNATURE:
            MLDSA44PublicKey.from_public_bytes(public).verify(value, message)
        else:
            Ed25519PublicKey.from_public_bytes(public).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def opened(data: bytes, log: VerifierKey) -> tuple[Checkpoint, Note]:
    """The checkpoint that `data` holds, and its note, once `log` has signed it in its own name.

    Raises :class:`~axis.errors.Rejected` NOTE_INVALID."""
    found = note.read(data)
    one = read(found.text)
    if one.origin != log.name:
        raise rejected(Fault.NOTE_INVALID, one.origin, log.name)
    if verified(found, log) is None:
        raise rejected(Fault.NOTE_INVALID, "no signature of the log", log.name)
    return one, found
