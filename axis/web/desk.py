"""Whose desk it is, and what may be asked at it: of the hub's record by an operator, of the record by one agency, of an
agency's own home. Every answer comes from :mod:`axis.services.questions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from axis.core.why import Cause
from axis.errors import Fault, Rejected, rejected
from axis.services.questions import board as boards
from axis.services.questions import content, dead_ends, own, own_trace, reasons, trace, viewed
from axis.services.questions import listing as lists
from axis.services.questions import report as reports
from axis.services.questions import status as lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.core.figures import Period
    from axis.core.registry import Registry
    from axis.core.types.typeset import Types
    from axis.infra.journal.journals import Journal
    from axis.infra.record.figures import By
    from axis.infra.record.find import Narrowed
    from axis.infra.record.listing import Wanted
    from axis.infra.record.store import HubStore
    from axis.services.questions.content import Letter
    from axis.services.questions.listing import Page

MOST = 50  # dead ends of one page
MAX_SUBJECTS = 10_000  # of what has come, that a web desk keeps in memory
BOTH = (viewed.SENT, viewed.RECEIVED)
# What was counted under a name, or is counted now; None where that goes on.
Kept = Callable[[str, Callable[[], dict[str, Any]]], dict[str, Any] | None]


class Desk(Protocol):
    """What one viewer may ask. `code`: the agency whose desk it is, "" for an operator's; `pages`: which there are;
    `directions`: whether what was sent and what has come are two lists; `states`: by which a list may be filtered."""

    @property
    def code(self) -> str:
        """Whose."""

    @property
    def registry(self) -> Callable[[], Registry]:
        """The newest registry."""

    @property
    def types(self) -> Callable[[], Types | None]:
        """The document types."""

    @property
    def pages(self) -> frozenset[str]:
        """Which there are beside those of every desk."""

    @property
    def directions(self) -> tuple[str, ...]:
        """The lists."""

    @property
    def states(self) -> tuple[str, ...]:
        """The filters."""

    def page(
        self, direction: str, wanted: Wanted, states: Sequence[str], after: str, limit: int, now: datetime
    ) -> Page:
        """A page of a list."""

    def traced(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """One document. Raises :class:`axis.services.questions.trace.NotTheOne`."""

    def refused(self, error: trace.NotTheOne) -> list[dict[str, Any]]:
        """What was refused under a name, with the reasons."""

    def board(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """Who has a document."""

    def status(self, now: datetime, kept: Kept) -> dict[str, Any] | None:
        """How things stand; None while it is being counted. `kept` gives what was counted just now for everybody."""

    def report(self, asked: Period, by: By, now: datetime) -> dict[str, Any]:
        """The figures of a period."""

    def dead(self, now: datetime) -> list[dict[str, Any]]:
        """What waits for somebody, the oldest first."""

    def letter(self, axis_id: str) -> Letter:
        """A document that has come, to be read."""


@dataclass(frozen=True)
class AtTheHub:
    """The hub's record: all of it, or as far as it concerns the agency `code`. Nobody reads a document here."""

    store: HubStore
    registry: Callable[[], Registry]
    types: Callable[[], Types | None]
    code: str = ""
    letters: Callable[[datetime], list[dict[str, Any]]] = lambda _now: []
    pages: frozenset[str] = frozenset({"board", "reports"})
    states: tuple[str, ...] = (*lists.GROUPS, *Cause)

    @property
    def directions(self) -> tuple[str, ...]:
        """See :class:`Desk`."""
        return BOTH if self.code else ()

    def page(
        self, direction: str, wanted: Wanted, states: Sequence[str], after: str, limit: int, now: datetime
    ) -> Page:
        """See :class:`Desk`."""
        causes = frozenset[Cause]().union(*(lists.GROUPS.get(one) or {Cause(one)} for one in states))
        given: dict[str, Any] = {"causes": causes, "after": after, "limit": limit}
        if self.code:
            return viewed.page(self.store, self.registry, self.code, direction, wanted, now, **given)
        return lists.page(self.store, self.registry, wanted, now, **given)

    def traced(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        if self.code:
            return viewed.traced(self.store, self.registry, self.code, reference, narrowed, now)
        return trace.trace(self.store, reference, narrowed, registry=self.registry, now=now)

    def refused(self, error: trace.NotTheOne) -> list[dict[str, Any]]:
        """See :class:`Desk`."""
        with self.store.reading() as reader:
            return trace.reasons_of(reader, error.refused)

    def board(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        if self.code:
            return viewed.board(self.store, self.registry(), self.code, reference, narrowed, now)
        return boards.board(self.store, self.registry(), reference, now)

    def status(self, now: datetime, kept: Kept) -> dict[str, Any] | None:
        """See :class:`Desk`."""
        value = kept("status", lambda: lines.status(self.store, self.registry(), now))
        return viewed.status(value, self.code) if self.code and value is not None else value

    def report(self, asked: Period, by: By, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        types = self.types() if by == "type" else None
        if self.code:
            return viewed.report(self.store, self.registry(), self.code, asked, by, now, types)
        return reports.report(self.store, self.registry(), asked, by, now, types=types)

    def dead(self, now: datetime) -> list[dict[str, Any]]:
        """See :class:`Desk`."""
        with self.store.reading() as reader:
            if self.code:
                return viewed.dead(reader, self.code, MOST)
            items = dead_ends.found(reader, dead_ends.Selection(limit=MOST))
        return dead_ends.together(items, self.letters(now), dead_ends.Selection(limit=MOST))

    def letter(self, axis_id: str) -> Letter:
        """See :class:`Desk`."""
        raise rejected(Fault.NOT_FOUND, axis_id)


@dataclass(frozen=True)
class AtHome:
    """What the journals of an agency's own home say; of one agency, or of all that work in it."""

    journals: Mapping[str, Journal]
    registry: Callable[[], Registry]
    types: Callable[[], Types | None]
    pages: frozenset[str] = frozenset({"inbox"})
    directions: tuple[str, ...] = ()
    states: tuple[str, ...] = (*own.RANKS, *own.STATES)
    subjects: dict[tuple[str, str], str] = field(default_factory=dict)  # of what has come, as far as they were read
    code: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", ", ".join(self.journals))

    def page(
        self, direction: str, wanted: Wanted, states: Sequence[str], after: str, limit: int, now: datetime
    ) -> Page:
        """See :class:`Desk`; received: the inbox."""
        if direction == viewed.RECEIVED:
            states = states or [name for name in own.STATES if name in content.READABLE]
        found = own.page(self.journals, wanted, now, states=states, after=after, limit=limit)
        for row in found.rows:
            if (code := row["recipients"][0]["recipient"]) and not row["subject"]:
                row["subject"] = self._subject(code, row["axis_id"])
        return found

    def _subject(self, code: str, axis_id: str) -> str:
        """It never changes; and what was taken back before it was handed over was never read here."""
        key = code, axis_id
        if key not in self.subjects:
            while len(self.subjects) >= MAX_SUBJECTS:
                self.subjects.pop(next(iter(self.subjects)), None)
            self.subjects[key] = content.subject(self.journals[code], axis_id)
        return self.subjects[key]

    def traced(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        del now
        value = own_trace.trace(self.journals, reference, narrowed, self.registry)
        about, came = value["document"], [one["recipient"] for one in value["why"] if one["recipient"] in self.journals]
        if came and not about["subject"] and about["axis_id"] and not about["gone"]:
            about["subject"] = self._subject(came[0], about["axis_id"])
        return value

    def refused(self, error: trace.NotTheOne) -> list[dict[str, Any]]:
        """See :class:`Desk`: what was refused is found as what it was."""
        del error
        return []

    def board(self, reference: str, narrowed: Narrowed | None, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        del narrowed, now
        raise rejected(Fault.NOT_FOUND, reference)

    def status(self, now: datetime, kept: Kept) -> dict[str, Any] | None:
        """See :class:`Desk`."""
        del kept
        return own.status(self.journals, now)

    def report(self, asked: Period, by: By, now: datetime) -> dict[str, Any]:
        """See :class:`Desk`."""
        del asked, now
        raise rejected(Fault.NOT_FOUND, by)

    def dead(self, now: datetime) -> list[dict[str, Any]]:
        """See :class:`Desk`: what somebody has to look at."""
        from axis.infra.record.listing import Wanted

        found = own.page(self.journals, Wanted(kind="all"), now, states=["trouble"], limit=MOST).rows
        return [
            {
                **{name: row[name] for name in ("axis_id", "document_id", "sender")},
                "id": row["axis_id"],
                "what": row["kind"],
                "agency": row["recipients"][0]["recipient"],
                "attempts": 0,
                "since": row["recipients"][0]["since"],
                "code": reasons.codes(row.get("findings", [])),
                "cause": row["recipients"][0]["cause"],
                "findings": row.get("findings", []),
            }
            for row in found
        ]

    def letter(self, axis_id: str) -> Letter:
        """See :class:`Desk`: of the first agency here that it has come to."""
        for journal in self.journals.values():
            try:
                return content.letter(journal, self.registry(), axis_id)
            except Rejected as error:
                if error.fault is not Fault.NOT_FOUND:
                    raise
        raise rejected(Fault.NOT_FOUND, axis_id)
