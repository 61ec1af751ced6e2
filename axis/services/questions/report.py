"""``axis report``: how much was sent and received, how much of it in time, what was refused and why; against the period
before (the figures that the Government Office reports each quarter, QĐ 28/2018, Art. 15.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.figures import Comparison, Figures, Leg, Outcome, mean_ratio, quantile, total
from axis.core.instant import to_text
from axis.infra.record import figures
from axis.services.questions import types as kinds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from axis.core.figures import Period
    from axis.core.registry import Registry
    from axis.core.types.typeset import Types
    from axis.infra.record.figures import By
    from axis.infra.record.store import HubStore

LEGS = ("handover", "reception", "processing")
COMPARED = ("documents", "deliveries", "handed_over", "on_time", "late", "rejected")


def report(
    store: HubStore,
    registry: Registry,
    asked: Period,
    by: By,
    now: datetime,
    agency: str = "",
    types: Types | None = None,
) -> dict[str, Any]:
    """The figures of the period, as far as it has come by `now`, by the keys of `by`; of one agency where it is given.

    ``rows`` in the order of their keys, ``total`` and the same of the period before (``before``), ``change`` of the
    total against it; two on-time ratios: ``pooled`` of everything together, ``mean`` of the agencies' own. Times are in
    UTC, ratios from 0 to 1, durations in seconds."""
    period = asked.cut(now)
    earlier = period.previous
    with store.reading() as reader:
        # A delivery to several units stands in several rows, and of a refusal no kind or priority is known: everything
        # together is counted beside the rows.
        everything = Figures()
        rows = figures.figures(reader, period.since, period.before, by, agency, everything)
        own = rows if by == "agency" else figures.outcomes(reader, period.since, period.before, agency)
        before = total(figures.figures(reader, earlier.since, earlier.before, "agency", agency).values())
    agencies = [one for one in own.values() if one.ratio is not None]
    whole, past = numbers(everything), numbers(before)
    names = {member.code: member.name_vi for member in registry.agencies}
    return {
        "period": {**_moments(period), "is_over": period.until is None},
        "compared_with": _moments(earlier),
        "by": by,
        "agency": agency,
        "rows": [{"key": key, **_named(by, key, names, types), **numbers(rows[key])} for key in sorted(rows)],
        "total": whole,
        "before": past,
        "change": {name: _change(whole[name], past[name]) for name in COMPARED},
        "ratios": {
            "pooled": everything.ratio,
            "mean": mean_ratio(agencies),
            "agencies": len(agencies),
        },
    }


def _named(by: By, key: str, names: Mapping[str, str], types: Types | None) -> dict[str, str]:
    """What a key is called: an agency's name, a document type's title in both languages."""
    if by != "type":
        return {"name": names.get(key, "")}
    title = kinds.title(types, key)
    return {"name": title["title_vi"], "name_en": title["title_en"]}


def _moments(period: Period) -> dict[str, str]:
    return {"span": period.span.value, "since": to_text(period.since), "before": to_text(period.before)}


def _change(now: int, before: int) -> dict[str, float | None]:
    found = Comparison(now, before)
    return {"share": found.share, "growth": found.growth}


def numbers(row: Figures) -> dict[str, Any]:
    """The figures of a row, as they are printed and exported."""
    return {
        "documents": row.documents,
        "updates": row.sent["update"],
        "recalls": row.sent["recall"],
        "rejected": row.rejected,
        "reasons": dict(sorted(row.refused.items(), key=lambda one: (-one[1], one[0]))),
        "deliveries": row.deliveries,
        "handed_over": row.handed_over,
        **{outcome.value: row.received[outcome] for outcome in Outcome},
        "ratio": row.ratio,
        "legs": {name: _leg(row.leg(name)) for name in LEGS},
    }


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "on_time": leg.on_time,
        "late": leg.late,
        "overdue": leg.overdue,
        "running": leg.running,
        "ratio": leg.ratio,
        "median_s": quantile(leg.times, 0.5),
        "p95_s": quantile(leg.times, 0.95),
    }
