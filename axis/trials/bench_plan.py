"""What is measured: the shape of the mail, whose mail it is, and the files that are dropped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Literal

from axis.services.operate import provision
from axis.trials import demo_documents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.trials.demo_documents import Letter

Mode = Literal["embedded", "served"]
_HEAD = 2200  # bytes of a packet that are not its attachment
RUN = 400_000  # between the numbers of a line's two runs; a document's number has six digits at most
WARM = 900_001  # the number of the document that is sent before the clock runs


@dataclass(frozen=True)
class Shape:
    """How many documents of which size go to how many, and how they come: `pace` a second, 0 for all at once."""

    mode: Mode
    size: int  # bytes of a packet
    recipients: int
    documents: int
    agencies: int  # that have an adapter at work
    pace: float = 0.0
    settle: float = 0.0  # seconds for which a file in outbox/ must not have changed
    codes: tuple[str, ...] = ()  # who they are, the first of whom sends; () for those that everybody knows

    @property
    def deliveries(self) -> int:
        """How many hand-overs it makes."""
        return self.documents * self.recipients

    @property
    def attachment(self) -> int:
        """Bytes of the attachment, which is a third longer in base64."""
        return max(1, (self.size - _HEAD) * 3 // 4)


def read_size(text: str) -> int:
    """``5KB``, ``100kb``, ``5MB`` or a number of bytes. Raises ValueError."""
    for ending, factor in (("kb", 1000), ("mb", 1_000_000), ("b", 1)):
        if text.lower().endswith(ending):
            text, unit = text[: -len(ending)], factor
            break
    else:
        unit = 1
    value = round(float(text) * unit)
    if not 0 < value <= 64_000_000:
        raise ValueError(text)
    return value


def agencies(shape: Shape) -> list[str]:
    """The codes of those that have an adapter at work, of the catalogue: first those that everybody knows."""
    if shape.codes:
        return list(shape.codes)
    codes = all_codes()
    first = [code for code in ("G22", "H41") if code in codes]
    return (first + [code for code in codes if code not in first])[: shape.agencies]


def all_codes() -> list[str]:
    """Of all agencies there are."""
    return [row["code"] for row in provision.catalogue()]


def senders(shape: Shape) -> list[str]:
    """Served, one agency sends, and has a process of its own; embedded, all of them do in turn."""
    codes = agencies(shape)
    return codes if shape.mode == "embedded" else codes[:1]


def letters(shape: Shape, run: int = 0) -> list[Letter]:
    """The documents of a line's first run, or of a later one; none of them urgent; whom they go to goes round."""
    codes, from_ = agencies(shape), senders(shape)
    made, turn = [], 0
    for place in range(shape.documents):
        sender = from_[place % len(from_)]
        others = [code for code in codes if code != sender]
        to = [others[(turn + n) % len(others)] for n in range(shape.recipients)]
        turn += shape.recipients
        number = run * RUN + place + place // 9 + 1  # the demo makes every tenth number urgent
        made.append(demo_documents.Letter(number, sender, tuple(to), shape.attachment, 0))
    return made


def first_letters(shape: Shape, run: int = 0) -> list[Letter]:
    """One small document to everybody: when its receipts are there, every process works."""
    codes = agencies(shape)
    return [demo_documents.Letter(WARM + run, codes[0], tuple(codes[1:]), demo_documents.SMALL, 0)]


def write(letters_: Sequence[Letter], folder: Path, now: datetime, seed: int) -> dict[str, Letter]:
    """Write the packets into `folder`, from where they are renamed; each letter by its attachment's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    for letter in letters_:
        (folder / file_name(letter)).write_bytes(demo_documents.packet(letter, names(), now, seed))
    return digests(letters_, seed)


def digests(letters_: Sequence[Letter], seed: int) -> dict[str, Letter]:
    """Each letter by its attachment's SHA-256."""
    return {hashlib.sha256(demo_documents.attachment(letter, seed)).hexdigest(): letter for letter in letters_}


def file_name(letter: Letter) -> str:
    """What its file is called."""
    return f"{letter.number:06}-{letter.sender}.edxml"


def packet(shape: Shape, seed: int) -> bytes:
    """One packet of the shape, for those who send it some other way."""
    return demo_documents.packet(letters(shape)[0], names(), datetime.now(UTC), seed)


@cache
def names() -> dict[str, str]:
    """The agencies' names by code."""
    return {row["code"]: row["name_vi"] for row in provision.catalogue()}
