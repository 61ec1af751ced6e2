"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and a line for each signature.

    — name base64(key id || signature)

The key id is four bytes of SHA-256 over name and key, so that whoever reads finds the key without trying all.
Signatures of unknown keys are passed over; one of a known key that is false refuses the whole note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NOTE = 256 * 1024  # bytes: 64 signatures of ML-DSA-44 and their text
MAX_LINES = 1024 * 1024  # bytes of signature lines apart from a note: 200 of ML-DSA-44
MAX_SIGNATURES = 200  # each agency's, and the log's
ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE = 0x01, 0x04, 0x06
KEY_SIZES = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44_COSIGNATURE: 1312}
_ID_SIZE = 4
_DASH = "\N{EM DASH} "
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_VERIFIER_KEY = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: `kind` is the type byte of the format, `public` the raw key."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or KEY_SIZES.get(self.kind) != len(self.public):
            msg = f"no verifier key: {self.name[:60]!r}, type {self.kind}, {len(self.public)} bytes"
            raise ValueError(msg)

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return _id(self.name, self.kind, self.public)

    @property
    def text(self) -> str:
        """As it is handed out: ``name+id+key``."""
        key = base64.b64encode(bytes((self.kind,)) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"


@lru_cache(maxsize=1024)
def _id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:_ID_SIZE]


def verifier_key(text: str) -> VerifierKey:
    """The key whose :attr:`VerifierKey.text` is `text`. Raises :class:`~axis.errors.Rejected` NOTE_INVALID."""
    if (found := _VERIFIER_KEY.fullmatch(text)) is None:
        raise rejected(Fault.NOTE_INVALID, text[:120], "name+id+key")
    try:
        data = _decoded(found["key"])
        key = VerifierKey(found["name"], data[0], data[1:])
    except (ValueError, IndexError):
        raise rejected(Fault.NOTE_INVALID, text[:120], "a key of a known type") from None
    if key.id.hex() != found["id"]:
        raise rejected(Fault.NOTE_INVALID, found["id"], key.id.hex())
    return key


def is_name(name: str) -> bool:
    """Whether a key may be called so: not empty, no blank, no plus, no control character."""
    return name.split() == [name] and "+" not in name and not _CONTROLS.search(name)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: whose, the key's id, and what follows it."""

    name: str
    id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line, with its end."""
        return f"{_DASH}{self.name} {base64.b64encode(self.id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends in a line feed; `signatures` are not checked by being here."""

    text: str
    signatures: tuple[Signature, ...] = ()

    @property
    def data(self) -> bytes:
        """The bytes of the whole note."""
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()

    def with_signatures(self, more: Iterable[Signature]) -> Note:
        """The note with these lines behind its own; each once."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *more))))

    def of(self, key: VerifierKey) -> Signature | None:
        """The one signature that claims to be this key's. Raises :class:`~axis.errors.Rejected` NOTE_INVALID where
        there are two: which of them counts must not depend on who reads."""
        name, identifier = key.name, key.id
        found = [one for one in self.signatures if one.name == name and one.id == identifier]
        if len(found) > 1:
            raise rejected(Fault.NOTE_INVALID, f"two signatures of {key.name}")
        return found[0] if found else None


def read(data: bytes) -> Note:
    """The note that `data` is. Raises :class:`~axis.errors.Rejected` NOTE_INVALID. Checks no signature."""
    if len(data) > MAX_NOTE:
        raise rejected(Fault.NOTE_INVALID, f"{len(data)} bytes", MAX_NOTE)
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise rejected(Fault.NOTE_INVALID, f"no UTF-8 at byte {error.start}") from None
    if found := _CONTROLS.search(whole):
        raise rejected(Fault.NOTE_INVALID, f"a control character at {found.start()}")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not text or not lines.endswith("\n"):
        raise rejected(Fault.NOTE_INVALID, "no text, empty line and signatures")
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise rejected(Fault.NOTE_INVALID, f"{len(rows)} signatures", MAX_SIGNATURES)
    return Note(text + "\n", tuple(signature(row) for row in rows))


def signatures(lines: str) -> list[Signature]:
    """The signatures that these lines are, each with its end, apart from a note. Raises
    :class:`~axis.errors.Rejected` NOTE_INVALID."""
    if len(lines) > MAX_LINES or lines.count("\n") > MAX_SIGNATURES or (lines and not lines.endswith("\n")):
        raise rejected(Fault.NOTE_INVALID, f"{len(lines)} characters", MAX_LINES)
    return [signature(row) for row in lines.split("\n")[:-1]]


def signature(line: str) -> Signature:
    """The signature that a line without its end is. Raises :class:`~axis.errors.Rejected` NOTE_INVALID."""
    name, _, value = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not is_name(name):
        raise rejected(Fault.NOTE_INVALID, line[:120], f"{_DASH}name base64")
    try:
        data = _decoded(value)
    except ValueError:
        raise rejected(Fault.NOTE_INVALID, line[:120], f"{_DASH}name base64") from None
    if len(data) <= _ID_SIZE:
        raise rejected(Fault.NOTE_INVALID, line[:120], "a key id and a signature")
    return Signature(name, data[:_ID_SIZE], data[_ID_SIZE:])


def _decoded(text: str) -> bytes:
    """Base64 in its one form. Raises ValueError."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from None
    if base64.b64encode(data).decode() != text:
        msg = "not the one form of base64"
        raise ValueError(msg)
    return data
