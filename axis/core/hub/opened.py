"""A message as judged by itself: what :mod:`axis.core.hub.decide` decides about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axis.core.hub.objects import object_of

if TYPE_CHECKING:
    from axis.core.hub.admission import Candidate
    from axis.core.hub.dossier import Digest, Document
    from axis.core.message import Message
    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt
    from axis.errors import Problem


@dataclass(frozen=True, slots=True)
class Opened:
    """A candidate, a receipt, or the problems that it has."""

    message: Message
    digest: Digest  # of the parcel's bytes
    parcel: Parcel | None
    is_receipt: bool = False
    candidate: Candidate | None = None
    said: Receipt | None = None
    claimed: Receipt | None = None  # what a receipt says that was not verified
    problems: tuple[Problem, ...] = ()
    documents: tuple[Document, ...] = ()  # all that it makes or changes; these are locked

    @property
    def locked(self) -> tuple[Document, ...]:
        """What is locked for it: its documents, and the business object that it speaks of."""
        place = object_of(self.candidate)
        return self.documents if place is None else (*self.documents, place)

    @property
    def agency(self) -> str:
        """Whose queue it came from."""
        return self.message.route.code


class PutAsideError(Exception):
    """This message cannot be answered; it is put aside with an entry, for an operator."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text())
        self.problem = problem
