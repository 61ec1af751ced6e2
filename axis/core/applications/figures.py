"""What a period came to in applications: received, carried over, resolved early, on time or late, open. Pure.

Unlike documents, an application is counted in every period that it was open in: as *received* in one, as *carried over*
in the next ones, and as resolved where that happened. So what was there is what came to an end or is still open, in
each row; :func:`broken` says where a record contradicts itself. An application counts for its resolver.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from axis.core.applications.status import Status
from axis.core.instant import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from axis.core.applications.application import Application
    from axis.core.figures import Period

Channel = Literal["on_line", "post", "counter"]


class Outcome(StrEnum):
    """How an application stood at a period's end."""

    EARLY = "early"  # resolved on a day before the one that the citizen was told
    ON_TIME = "on_time"  # on that day, in time
    LATE = "late"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    NOT_ACCEPTED = "not_accepted"
    OPEN = "open"
    OVERDUE = "overdue"  # open, and its day is over


RESOLVED = (Outcome.EARLY, Outcome.ON_TIME, Outcome.LATE)
STILL_OPEN = (Outcome.OPEN, Outcome.OVERDUE)
_ENDS = {
    Status.WITHDRAWN: Outcome.WITHDRAWN,
    Status.STOPPED: Outcome.STOPPED,
    Status.NOT_ACCEPTED: Outcome.NOT_ACCEPTED,
}


class Happened(StrEnum):
    """What happened with an application besides."""

    COLLECTED = "collected"  # its papers, by the post
    RETURNED = "returned"  # its result, by the post
    PAID = "paid"  # on line


@dataclass(frozen=True, slots=True)
class Cell:
    """So many applications that stand alike. `since` is the month of reception (``2020-02``), "" before the period;
    `until` the month of its end, "" where it was open when the period ended."""

    key: str
    since: str
    until: str
    outcome: Outcome
    count: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """So many things of one kind that happened in a month; `bank` through whom it was paid."""

    key: str
    month: str
    kind: Happened
    bank: str = ""
    count: int = 1


@dataclass(slots=True)
class Tally:
    """A row: of an agency, a service, a month, a channel; or of all of them."""

    carried: int = 0
    received: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    happened: Counter[Happened] = field(default_factory=Counter)
    banks: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All that was to be done: carried over and received."""
        return self.carried + self.received

    @property
    def resolved(self) -> int:
        """Early, on time or late."""
        return sum(self.outcomes[one] for one in RESOLVED)

    @property
    def in_time(self) -> int:
        """Early or on time."""
        return self.outcomes[Outcome.EARLY] + self.outcomes[Outcome.ON_TIME]

    @property
    def still_open(self) -> int:
        """Not at an end, overdue or not."""
        return sum(self.outcomes[one] for one in STILL_OPEN)

    @property
    def ratio(self) -> float | None:
        """Of what was resolved, how much in time; None where nothing was."""
        return self.in_time / self.resolved if self.resolved else None

    def add(self, other: Tally) -> None:
        """Count the other's with these."""
        self.carried += other.carried
        self.received += other.received
        self.outcomes.update(other.outcomes)
        self.happened.update(other.happened)
        self.banks.update(other.banks)


def broken(row: Tally) -> list[tuple[str, int, int]]:
    """(identity, left side, right side) of each that does not hold in this row: none, in a record that is sound."""
    ended = sum(row.outcomes[one] for one in (Outcome.WITHDRAWN, Outcome.STOPPED, Outcome.NOT_ACCEPTED))
    stood = row.resolved + ended + row.still_open
    sides = (
        ("carried_over + received = resolved + withdrawn + stopped + not_accepted + open", row.total, stood),
        ("paid = paid through each bank", row.happened[Happened.PAID], row.banks.total()),
    )
    return [one for one in sides if one[1] != one[2]]


def outcome(one: Application, period: Period) -> Outcome | None:
    """How it stood at the period's end; None where it was received later, or was over before."""
    if one.received_at >= period.before or (one.closed_at is not None and one.closed_at < period.since):
        return None
    if one.closed_at is None or one.closed_at >= period.before:
        return Outcome.OVERDUE if one.due_at < period.before else Outcome.OPEN
    if (ended := _ENDS.get(one.status)) is not None:
        return ended
    if one.closed_at > one.due_at:
        return Outcome.LATE
    return Outcome.EARLY if local_day(one.closed_at) < local_day(one.due_at) else Outcome.ON_TIME


def channel(one: Application) -> Channel:
    """The way that it came."""
    return "on_line" if one.on_line else "post" if one.by_post else "counter"


def local_day(moment: datetime) -> date:
    """The day in Viet Nam."""
    return moment.astimezone(VIETNAM).date()


def month(moment: datetime) -> str:
    """The month in Viet Nam: ``2020-02``."""
    return moment.astimezone(VIETNAM).strftime("%Y-%m")


def cells(
    known: Iterable[tuple[Application, int]], period: Period, key: Callable[[Application], str]
) -> Iterator[Cell]:
    """The cells of applications, each that many times. What a database groups is the same
    (:func:`axis.adapters.spool.applications.counted`)."""
    for one, count in known:
        if (found := outcome(one, period)) is not None:
            since = month(one.received_at) if one.received_at >= period.since else ""
            until = month(one.closed_at) if one.closed_at is not None and found not in STILL_OPEN else ""
            yield Cell(key(one), since, until, found, count)


def tally(counted: Iterable[Cell], events: Iterable[Event] = ()) -> dict[str, Tally]:
    """Rows by their keys."""
    rows: dict[str, Tally] = {}
    for cell in counted:
        row = rows.setdefault(cell.key, Tally())
        if cell.since:
            row.received += cell.count
        else:
            row.carried += cell.count
        row.outcomes[cell.outcome] += cell.count
    for event in events:
        _happened(rows.setdefault(event.key, Tally()), event)
    return rows


def by_month(counted: Iterable[Cell], events: Iterable[Event], months: Collection[str]) -> dict[str, Tally]:
    """A row for each of the period's months, whatever the keys: what is open at the end of one is carried over into
    the next. Of a month that is not the last it is not known what was overdue when it ended: it counts as open."""
    rows = {one: Tally() for one in months}
    last = max(months, default="")
    for cell in counted:
        for one, row in rows.items():
            if cell.since > one or (cell.until and cell.until < one):
                continue
            if cell.since == one:
                row.received += cell.count
            else:
                row.carried += cell.count
            is_over = cell.until == one
            here = cell.outcome if is_over or (one == last and cell.outcome in STILL_OPEN) else Outcome.OPEN
            row.outcomes[here] += cell.count
    for event in events:
        if event.month in rows:
            _happened(rows[event.month], event)
    return rows


def _happened(row: Tally, event: Event) -> None:
    row.happened[event.kind] += event.count
    if event.kind is Happened.PAID:
        row.banks[event.bank] += event.count


def total(rows: Iterable[Tally]) -> Tally:
    """All of them together."""
    found = Tally()
    for one in rows:
        found.add(one)
    return found


# -- Who takes part ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the members exchange documents: each has sent one that arrived, and has received one."""

    members: int
    missing: tuple[str, ...]

    @property
    def exchanging(self) -> int:
        """Those that do."""
        return self.members - len(self.missing)


def coverage(members: Collection[str], senders: Collection[str], recipients: Collection[str]) -> Coverage:
    """Of `members`, those that both have sent and have received."""
    both = set(senders) & set(recipients)
    return Coverage(len(members), tuple(sorted(one for one in members if one not in both)))


def offered(first: Mapping[tuple[str, str], date], day: date) -> dict[str, int]:
    """How many members each service is offered by on `day`; `first` is since when, by (service, member)."""
    found: Counter[str] = Counter(service for (service, _), since in first.items() if since <= day)
    return dict(found)
