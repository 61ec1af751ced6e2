"""The figures that were published in 2020 on applications, beside what a record of them comes to. Pure.

Some of them contradict the counts that they were published with. A report prints what the record says, and a note says
what was published, and why it is another number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from axis.core.applications import figures
from axis.core.applications.figures import Happened
from axis.core.figures import Comparison, mean_ratio, read_period

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from axis.core.applications.application import Application
    from axis.core.applications.figures import Coverage, Event, Tally
    from axis.core.figures import Period

Unit = Literal["count", "thousand", "percent", "hundredth", "growth", "billion"]
HANOI, HO_CHI_MINH, QUANG_NINH, NGHE_AN = "H26", "H29", "H49", "H41"
SPRING, JANUARY, FEBRUARY, AUTUMN = (
    read_period(text) for text in ("2020-01-01..2020-04-28", "2020-01", "2020-02", "2020-Q4")
)
LAUNCH, ADDED, NATIONWIDE = date(2019, 12, 31), date(2020, 3, 31), date(2020, 6, 30)
SAVED = (958.4, 1558.0, 740.0)  # billions of đồng a year that were published in parts
TARGET = 0.3  # of the services, by the end of 2020


@dataclass(frozen=True, slots=True)
class Claim:
    """One published figure, and what the record comes to in the same unit; `note`: why they differ, or what has to be
    known of it, with its facts."""

    name: str
    published: float
    found: float
    unit: Unit
    note: str = ""
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether they are the same as they were published: to the digit."""
        return shown(self.published, self.unit) == shown(self.found, self.unit)


def shown(value: float, unit: Unit) -> str:
    """A figure as it was published, with a point: thousands and per cent with one digit, services' shares with two."""
    if unit == "count":
        return f"{value:.0f}"
    if unit in {"thousand", "billion"}:
        return f"{value / (1000 if unit == 'thousand' else 1):.1f}"
    if unit == "hundredth":
        return f"{value * 100:.2f}"
    return f"{value * 100:+.1f}" if unit == "growth" else f"{value * 100:.1f}"


def claims(
    known: Iterable[tuple[Application, int]],
    events: Iterable[Event],
    offers: Mapping[tuple[str, str], date],
    services: Mapping[str, int],
    coverage: Coverage,
) -> list[Claim]:
    """Each published figure beside what this record comes to."""
    record = list(known)

    def rows(period: Period) -> dict[str, Tally]:
        return figures.tally(figures.cells(record, period, lambda one: one.resolver[:3]))

    spring, units = rows(SPRING), figures.tally(figures.cells(record, SPRING, lambda one: one.resolver))
    january, february = (rows(one)[HANOI] for one in (JANUARY, FEBRUARY))
    hanoi, city, ninh, an = (spring[code] for code in (HANOI, HO_CHI_MINH, QUANG_NINH, NGHE_AN))
    mean = mean_ratio(row for code, row in units.items() if code.startswith(HO_CHI_MINH))
    happened = figures.total(figures.tally((), events).values())
    collected, returned = happened.happened[Happened.COLLECTED], happened.happened[Happened.RETURNED]
    posted, used = collected + returned, _used(record)
    at_launch, added, later = (figures.offered(offers, day) for day in (LAUNCH, ADDED, NATIONWIDE))
    of_hanoi = {"received": hanoi.received, "in_time": hanoi.in_time, "would": 0.9 * hanoi.in_time}
    return [
        Claim("coverage", 95, coverage.exchanging, "count"),
        Claim("launch", 8, len(at_launch), "count"),
        Claim("added", 11, len(added) - len(at_launch), "count"),
        Claim("fines", 5, added["traffic-fines"], "count"),
        Claim("fee", 2, added["registration-fee"], "count"),
        Claim("births", 45, added["birth-registration"], "count"),
        Claim("records", 58, added["criminal-records"], "count"),
        Claim("nationwide", 63, later["traffic-fines"], "count"),
        Claim("ministries", 0.6025, used["ministries"] / services["ministries"], "hundredth"),
        Claim("localities", 0.2310, used["localities"] / services["localities"], "hundredth"),
        Claim("target", TARGET, sum(used.values()) / sum(services.values()), "percent", "target"),
        Claim("collected", 2_175_824, collected, "count"),
        Claim("returned", 12_329_670, returned, "count"),
        Claim("postal", 14_505_494, posted, "count", "share", {"share": collected / (posted or 1)}),
        Claim("banks", 33, len(happened.banks), "count", "banks"),
        Claim("hanoi.received", 658_900, hanoi.received, "thousand"),
        Claim("hanoi.in_time", 645_900, hanoi.in_time, "thousand"),
        Claim("hanoi.ratio", 0.90, hanoi.in_time / (hanoi.received or 1), "percent", "hanoi", of_hanoi),
        Claim("city.received", 151_600, city.received, "thousand"),
        Claim("city.resolved", 58_300, city.resolved, "thousand"),
        Claim("city.mean", 0.867, mean or 0.0, "percent", "mean", {"pooled": city.ratio or 0.0}),
        Claim("ninh.in_time", 176_100, ninh.in_time, "thousand"),
        Claim("an.received", 81_200, an.received, "thousand"),
        Claim("an.resolved", 66_700, an.resolved, "thousand"),
        Claim("february.received", 235_300, february.received, "thousand"),
        _growth("february.growth", 1.776, february.received, january.received),
        Claim("february.resolved", 224_400, february.resolved, "thousand"),
        _growth("february.resolved_growth", 1.699, february.resolved, january.resolved),
        Claim("savings", 4222, sum(SAVED), "billion", "savings"),
    ]


def _growth(name: str, published: float, now: int, before: int) -> Claim:
    """By how much it grew. What is published as growth is what the one *is* of the other."""
    found = Comparison(now, before)
    facts = {"now": now, "before": before, "share": found.share or 0.0, "would": (1 + published) * before}
    return Claim(name, published, found.growth or 0.0, "growth", "growth", facts)


def _used(record: Iterable[tuple[Application, int]]) -> dict[str, int]:
    """How many services had an application in the autumn, of ministries and of localities."""
    found: dict[str, set[str]] = {"ministries": set(), "localities": set()}
    for one, _ in record:
        if one.received_at >= AUTUMN.since:
            whose = "ministries" if one.resolver.startswith("G") else "localities"
            found[whose].add(f"{one.resolver[:3]}/{one.service}")
    return {name: len(services) for name, services in found.items()}
