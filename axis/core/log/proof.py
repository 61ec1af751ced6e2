"""A log proof (C2SP tlog-proof v1): that an entry stands in a witnessed log, for whoever has the log's policy.

c2sp.org/tlog-proof@v1
extra <base64>              (optional, not trusted)
index <n>
<base64 hash>               (the leaf's sibling first)

<checkpoint>
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.log import merkle, note, policy
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from axis.core.log.policy import Policy, Witnessed

HEADER = "c2sp.org/tlog-proof@v1"
MAX_EXTRA = 64 * 1024  # bytes: a salt and its entry
MAX_PROOF = note.MAX_NOTE + 8 * 1024 + MAX_EXTRA * 4 // 3  # bytes
_INDEX = re.compile(r"index (?P<index>0|[1-9][0-9]{0,18})")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")
_EXTRA = re.compile(r"extra (?P<data>[A-Za-z0-9+/]*={0,2})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """The entry at `index`, the hashes from it to the root, and the note of the checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @property
    def data(self) -> bytes:
        """The bytes of a ``.tlog-proof`` file."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append("extra " + base64.b64encode(self.extra).decode())
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(one).decode() for one in self.hashes]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def read(data: bytes) -> LogProof:
    """The proof that `data` is. Raises :class:`~axis.errors.Rejected` LOG_PROOF. Proves nothing yet."""
    if len(data) > MAX_PROOF:
        raise rejected(Fault.LOG_PROOF, f"{len(data)} bytes", MAX_PROOF)
    head, gap, rest = data.partition(b"\n\n")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise rejected(Fault.LOG_PROOF, f"byte {error.start}") from None
    extra = None
    if lines and (said := _EXTRA.fullmatch(lines[0])):
        extra = _extra(said["data"])
        lines = lines[1:]
    found = _INDEX.fullmatch(lines[0]) if lines else None
    hashes = lines[1:]
    if header != HEADER or not gap or found is None or len(hashes) > merkle.MAX_PROOF:
        raise rejected(Fault.LOG_PROOF, head[:120].decode("ascii", "replace"), HEADER)
    for line in hashes:
        if _HASH.fullmatch(line) is None:
            raise rejected(Fault.LOG_PROOF, line[:120], "a hash in base64")
    proof = LogProof(int(found["index"]), tuple(base64.b64decode(line) for line in hashes), rest, extra)
    if proof.data != data:  # base64 that ends in other bits than zero says the same in another way
        raise rejected(Fault.LOG_PROOF, "not in the one allowed form")
    return proof


def _extra(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise rejected(Fault.LOG_PROOF, text[:120], "base64") from None
    if len(data) > MAX_EXTRA:
        raise rejected(Fault.LOG_PROOF, f"{len(data)} bytes", MAX_EXTRA)
    return data


def verify(data: bytes, leaf: bytes, by: Policy) -> tuple[LogProof, Witnessed]:
    """The proof, and the checkpoint it rests on.

    1. It has its one form. 2. The log of the policy has signed the checkpoint, in its own name. 3. So has a quorum of
    its witnesses. 4. The hashes lead from `leaf`, the hash of the entry's leaf, to the checkpoint's root.

    Raises :class:`~axis.errors.Rejected` LOG_PROOF (1, 4), NOTE_INVALID (2, or a false signature), LOG_QUORUM (3)."""
    proof = read(data)
    seen = policy.witnessed(proof.checkpoint, by)
    merkle.check_inclusion(proof.index, seen.checkpoint.size, leaf, proof.hashes, seen.checkpoint.root)
    return proof, seen
