"""What a witness does with a checkpoint that is shown to it (C2SP tlog-witness v1.0.0): it cosigns only what goes on
from what it cosigned last.

Pure: whoever keeps the state compares and stores it in one step, *before* the answer leaves; else a witness that is
asked twice at once, or put back to an older copy, could cosign two histories.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.log import checkpoint, merkle, note
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from axis.core.log.checkpoint import Checkpoint
    from axis.core.log.note import VerifierKey

MAX_REQUEST = note.MAX_NOTE + 8 * 1024  # bytes
_OLD = re.compile(r"old (?P<size>0|[1-9][0-9]{0,18})")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")
OK, BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 400, 403, 404, 409, 422  # as in HTTP


@dataclass(frozen=True, slots=True)
class Request:
    """add-checkpoint: what the log believes the witness cosigned last, the proof from there, the checkpoint's note."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    @property
    def data(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof)]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def read(data: bytes) -> Request:
    """The request that `data` is. Raises :class:`~axis.errors.Rejected` LOG_PROOF."""
    if len(data) > MAX_REQUEST:
        raise rejected(Fault.LOG_PROOF, f"{len(data)} bytes", MAX_REQUEST)
    head, gap, rest = data.partition(b"\n\n")
    first, *lines = head.decode("ascii", "replace").split("\n")
    said = _OLD.fullmatch(first)
    if said is None or not gap or len(lines) > merkle.MAX_PROOF or not all(_HASH.fullmatch(one) for one in lines):
        raise rejected(Fault.LOG_PROOF, first[:120], "old <size>, hashes, an empty line, a checkpoint")
    return Request(int(said["size"]), tuple(base64.b64decode(one) for one in lines), rest)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A witness' answer: HTTP's `status`, and what it is about to cosign, which is to be stored first; None where it
    cosigns nothing. `is_split`: the log has signed two roots of one size, or one that does not go on from what was
    cosigned: proof against it."""

    status: int
    cosigned: Checkpoint | None = None
    is_split: bool = False


def judge(request: Request, log: VerifierKey | None, last: Checkpoint | None) -> Judgement:
    """What becomes of the request, where `last` is what this witness cosigned last of the log.

    1. The log is known (404). 2. It has signed the checkpoint (403). 3. It does not go back behind what it says it
    goes on from (400). 4. It goes on from what was cosigned last (409: the answer names that size). 5. The proof holds,
    and none comes with nothing to prove (422)."""
    if log is None:
        return Judgement(NOT_FOUND)
    try:
        one, _ = checkpoint.opened(request.checkpoint, log)
    except Rejected:
        return Judgement(FORBIDDEN)
    if request.old > one.size:
        return Judgement(BAD_REQUEST)
    size, root = (last.size, last.root) if last else (0, merkle.EMPTY_ROOT)
    if one.size == size and one.root != root:  # also where the log asks with another `old`: it has signed it
        return Judgement(CONFLICT if request.old != size else UNPROCESSABLE, is_split=True)
    if request.old != size:
        return Judgement(CONFLICT)
    if not merkle.is_consistent(size, one.size, root, one.root, request.proof):
        return Judgement(UNPROCESSABLE)
    return Judgement(OK, one)
