"""``axis report dossiers``: what a period came to in applications for public services.

An application stands in the record of every agency that it went through. It is counted once: in the record of who runs
the portal, which has all of them, or else in that of its receiver.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from axis.adapters.spool import applications
from axis.core.applications import figures
from axis.core.applications.figures import Happened, Outcome, Tally, broken
from axis.core.figures import mean_ratio
from axis.core.instant import to_text
from axis.errors import Rejected
from axis.infra.record import figures as record_figures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    from axis.core.applications.figures import Cell, Coverage, Event
    from axis.core.figures import Period
    from axis.core.registry import Registry
    from axis.infra.record.store import HubStore

By = Literal["province", "ministry", "service", "month", "channel"]
PROVINCES = frozenset({"province", "centrally_run_city"})
Counted = tuple["list[Cell]", "list[Event]"]


def report(
    store: HubStore | None,
    registry: Registry,
    spools: Mapping[str, Path],
    asked: Period,
    by: By,
    now: datetime,
    owner: str = "",
) -> dict[str, Any]:
    """The applications of the period, as far as it has come by `now`. `spools`: the folders of the agencies' spools by
    code; of the `owner`'s alone, where it is among them. `store`: the hub's record, for who exchanges documents.

    ``rows`` in the order of their keys, ``total``, ``broken``: where the figures of a row do not add up."""
    period = asked.cut(now)
    chosen = {owner: spools[owner]} if owner in spools else spools
    counted, first = _read(chosen, period, by, owner)
    if by == "month":
        rows = figures.by_month(*counted, _months(period))
    elif by in {"province", "ministry"}:
        rows = figures.tally(*_of(registry, counted, provinces=by == "province"))
    else:
        rows = figures.tally(*counted)
    # Of several months each carries over what the one before has left open: together they are counted once.
    whole = figures.total(figures.tally(*counted).values()) if by == "month" else figures.total(rows.values())
    return {
        "period": {"since": to_text(period.since), "before": to_text(period.before), "is_over": period.until is None},
        "by": by,
        "rows": [{"key": key, "name": _name(registry, key), **numbers(rows[key])} for key in sorted(rows)],
        "total": numbers(whole),
        "broken": _broken({**rows, "*": whole}),
        "ratios": {"pooled": whole.ratio, "mean": mean_ratio(rows.values())},
        "banks": dict(whole.banks.most_common()),
        "coverage": _coverage(store, registry, period),
        "services": _services(registry, first, period.before),
    }


def numbers(row: Tally) -> dict[str, Any]:
    """The figures of a row, as they are printed and exported."""
    return {
        "carried_over": row.carried,
        "received": row.received,
        "total": row.total,
        "resolved": row.resolved,
        **{one.value: row.outcomes[one] for one in Outcome if one is not Outcome.OPEN},
        "open": row.still_open,
        **{one.value: row.happened[one] for one in Happened},
        "ratio": row.ratio,
    }


def _read(
    spools: Mapping[str, Path], period: Period, by: By, owner: str
) -> tuple[Counted, dict[tuple[str, str], datetime]]:
    key: applications.By = "service" if by == "service" else "channel" if by in {"channel", "month"} else "agency"
    cells: list[Cell] = []
    events: list[Event] = []
    first: dict[tuple[str, str], datetime] = {}
    for code, folder in spools.items():
        receiver = "" if code == owner else code
        with applications.reading(folder) as connection:
            if connection is None:
                continue
            more, happened = applications.counted(connection, period, key, receiver)
            cells += more
            events += happened
            for offer, at in applications.services(connection, receiver).items():
                first[offer] = min(at, first.get(offer, at))
    return (cells, events), first


def _of(registry: Registry, counted: Counted, *, provinces: bool) -> Counted:
    """What is of provinces, or of all others, by the member instead of its unit."""
    members: dict[str, str] = {}
    for organ in {one.key for part in counted for one in part}:
        try:
            member = registry.member_for(organ)
        except Rejected:
            continue
        if (member.kind in PROVINCES) is provinces:
            members[organ] = member.code
    cells, events = counted
    return (
        [replace(one, key=members[one.key]) for one in cells if one.key in members],
        [replace(one, key=members[one.key]) for one in events if one.key in members],
    )


def _months(period: Period) -> list[str]:
    first, last = figures.local_day(period.since), figures.local_day(period.before - timedelta(milliseconds=1))
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]


def _name(registry: Registry, key: str) -> str:
    member = registry.by_code.get(key)
    return member.name_vi if member is not None else ""


def _broken(rows: Mapping[str, Tally]) -> list[dict[str, Any]]:
    return [
        {"key": key, "identity": identity, "left": left, "right": right}
        for key, row in rows.items()
        for identity, left, right in broken(row)
    ]


def _coverage(store: HubStore | None, registry: Registry, period: Period) -> dict[str, Any] | None:
    if store is None:
        return None
    members = [one.code for one in registry.agencies if one.standing(period.before) != "closed"]
    with store.reading() as reader:
        senders, recipients = record_figures.exchanging(reader, period.since, period.before)
    return shown_coverage(figures.coverage(members, senders, recipients))


def shown_coverage(found: Coverage) -> dict[str, Any]:
    """The coverage as it is printed and exported."""
    return {"members": found.members, "exchanging": found.exchanging, "missing": list(found.missing)}


def _services(registry: Registry, first: Mapping[tuple[str, str], datetime], before: datetime) -> dict[str, Any]:
    """Services that had an application by the end of the period, and by how many members each is offered."""
    since: dict[tuple[str, str], date] = {}
    for (service, organ), at in first.items():
        if at < before:
            try:
                member = registry.member_for(organ).code
            except Rejected:
                member = organ
            day = figures.local_day(at)
            since[service, member] = min(day, since.get((service, member), day))
    offered = figures.offered(since, figures.local_day(before))
    begun: dict[str, date] = {}
    for (service, _), day in since.items():
        begun[service] = min(day, begun.get(service, day))
    return {
        "services": len(offered),
        "offers": sum(offered.values()),
        "members": offered,
        "new": dict(sorted(Counter(day.isoformat() for day in begun.values()).items())),
    }
