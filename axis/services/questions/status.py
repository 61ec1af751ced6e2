"""``axis status``: what happens on the line right now, by agency and cause, trouble first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import State
from axis.core.hub.terms import Leg
from axis.core.instant import VIETNAM, from_text
from axis.core.why import Cause, Known, why
from axis.infra.record import backlog, search
from axis.services.questions.why import suspended_since

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from axis.core.registry import Member, Registry
    from axis.infra.database import Row
    from axis.infra.record.store import HubStore

SILENT = timedelta(days=1)
URGENT = {Cause.GIVEN_UP, Cause.RETRYING, Cause.STUCK}  # nothing goes on before an administrator has acted


def status(store: HubStore, registry: Registry, now: datetime) -> dict[str, Any]:
    """What waits (``causes``: by agency and cause, each with its count and its oldest, trouble first), what today has
    brought so far, and of each agency when it last sent and took something in. Times in UTC; so many statements however
    much there is."""
    midnight = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    codes = [member.code for member in registry.agencies]
    with store.reading() as reader:
        open_ones, late = backlog.waiting(reader, now), backlog.unreceived(reader)
        today = backlog.accepted(reader, now, midnight)
        states = backlog.delivered(reader, midnight)
        sent, heard = backlog.last_sent(reader, codes), search.last_heard(reader, codes)
    causes = _causes(open_ones, late, registry.by_code, now)
    waiting = _by_agency(causes)
    return {
        "today": {**today, **{state.value.lower(): states.get(state.value, 0) for state in State}},
        "is_more": max(_by_state(open_ones), default=0) >= backlog.OPEN or sum(_by_state(late)) >= backlog.UNRECEIVED,
        "causes": causes,
        "agencies": [
            _agency(member, sent.get(member.code, ""), heard.get(member.code, ""), waiting, now)
            for member in registry.agencies
        ],
    }


def _by_state(rows: Iterable[Row]) -> list[int]:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row.get("state", "")] += int(row["n"])
    return list(counted.values())


def _causes(
    waiting: Iterable[Row], late: Iterable[Row], members: Mapping[str, Member], now: datetime
) -> list[dict[str, Any]]:
    """The groups by agency and cause, each as :func:`axis.core.why.why` judges it."""
    found: dict[tuple[str, Cause], tuple[int, str]] = {}

    def add(known: Known, count: int) -> None:
        key = known.recipient, why(known, now).cause
        number, oldest = found.get(key, (0, known.updated_at))
        found[key] = number + count, min(oldest, known.updated_at)

    for row in waiting:
        known = Known(
            row["recipient"],
            State(row["state"]),
            row["since"],
            attempts=row["tries"],
            next_attempt=row["next_attempt"] or "",
            terms={Leg.HANDOVER: ("", row["progress"] or "")},
            suspended_since=suspended_since(members.get(row["recipient"]), now),
        )
        add(known, row["n"])
    for row in late:
        codes = {code for code in (row["low"], row["high"], "02" if row["has_refused"] else "") if code}
        known = Known(
            row["recipient"],
            State.HANDED_OVER,
            row["since"],
            business={code: code for code in codes},
            terms={Leg.RECEPTION: ("", "missed")},
            recall=row["recall"] or "",
        )
        add(known, row["n"])
    rows = [
        {
            "agency": code,
            "cause": cause.value,
            "verdict": "bad" if cause in URGENT else "warn" if cause.rank == 0 else "good",
            "actor": cause.actor,
            "count": count,
            "oldest": oldest,
        }
        for (code, cause), (count, oldest) in found.items()
        if cause.rank < 2
    ]
    return sorted(rows, key=lambda row: (_ORDER.index(row["verdict"]), -row["count"], row["agency"], row["cause"]))


_ORDER = ("bad", "warn", "good")


def _by_agency(causes: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for row in causes:
        count, oldest = found.get(row["agency"], (0, row["oldest"]))
        found[row["agency"]] = count + row["count"], min(oldest, row["oldest"])
    return found


def _agency(
    member: Member, sent: str, heard: str, waiting: Mapping[str, tuple[int, str]], now: datetime
) -> dict[str, Any]:
    count, oldest = waiting.get(member.code, (0, ""))
    last = max(sent, heard)
    standing = member.standing(now)
    return {
        "code": member.code,
        "name": member.name_vi,
        "standing": standing,
        "last_sent": sent,
        "last_taken": heard,
        "waiting": count,
        "oldest": oldest,
        "is_silent": standing == "active" and (not last or from_text(last) < now - SILENT),
    }


def age(moment: str, now: datetime) -> int:
    """Whole seconds from a moment until now, never less than 0."""
    return max(0, int((now - from_text(moment)).total_seconds())) if moment else 0
