"""Questions and answers: what citizens ask at the portal and agencies answer, and what agencies publish there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.applications.application import Fields
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A question by its number at whoever has asked; `agency`: whose it is to answer; `answer`: "" where none is given.
    Who has asked stays in the parcel."""

    id: str
    agency: str
    field: str
    text: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An agency's answer to a question of the portal's. Who has written it stays in the parcel."""

    id: str
    agency: str
    answer: str


def read_question(value: object) -> Question:
    """A record of DongBoHoiDap. Raises :class:`axis.errors.Rejected` with every finding."""
    fields = Fields(value)
    found = Question(
        _id(fields),
        fields.text("MADONVI"),
        fields.text("MaLinhVuc", required=False),
        fields.text("NOIDUNG"),
        fields.text("NOIDUNGTRALOI", required=False),
    )
    fields.refuse()
    return found


def read_reply(value: object) -> Reply:
    """A record of DongBoKetQuaHoiDapGuiTuDVCQG. Raises :class:`axis.errors.Rejected` with every finding."""
    fields = Fields(value)
    found = Reply(_id(fields), fields.text("MADONVI"), fields.text("NOIDUNGTRALOI"))
    fields.refuse()
    return found


def number(asker: str, identifier: str, at: datetime) -> str:
    """What a packet about a question is numbered: in the form of an application's number, by chance no other's."""
    serial = int(hashlib.sha256(f"{asker}/{identifier}".encode()).hexdigest()[:8], 16)
    return f"{asker}-{at.astimezone(VIETNAM):%y%m%d}-{serial}"


def _id(fields: Fields) -> str:
    return fields.text("HOIDAPID")[:60]
