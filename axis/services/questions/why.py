"""Why a document has not come to somebody, from the record and the registry; what `axis trace` says first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.hub.lifecycle import FINAL, State
from axis.core.instant import to_text
from axis.core.why import Known, why
from axis.infra.record import listing, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from axis.core.registry import Member, Registry
    from axis.core.why import Why
    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

_TOLD = {"delivery.refused", "delivery.failed", "delivery.postponed"}


def explain(
    reader: HubReader, registry: Callable[[], Registry], value: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """For each delivery of a trace (:func:`axis.services.questions.trace.trace`) its cause, trouble first; `cause`,
    `actor`, `since`, `until`, and the facts of the sentences. `registry` is asked where a delivery is on its way."""
    rows = value["deliveries"]
    is_open = any(State(row["state"]) not in FINAL for row in rows)
    members = registry().by_code if is_open else {}
    terms = search.deadlines(reader, [row["id"] for row in rows])
    waiting = [row["recipient"] for row in rows if row["state"] == State.QUEUED.value]
    heard = search.last_heard(reader, waiting)
    recalls = {
        unit["recipient"]: unit["stage"] for change in value["changes"] for unit in change["units"] if _is_recall(unit)
    }
    found = [
        why(_known(row, terms.get(row["id"], {}), recalls, value["events"], members, heard, now), now) for row in rows
    ]
    return [as_object(one) for one in sorted(found, key=lambda one: (one.cause.rank, one.facts["recipient"]))]


def of_deliveries(
    reader: HubReader, registry: Callable[[], Registry], rows: Sequence[Row], now: datetime
) -> dict[str, Why]:
    """The cause of each of these deliveries by its id, without what the last refusals were for: four statements for all
    of them. `registry` is asked where one is on its way."""
    waits = [row["id"] for row in rows if State(row["state"]) not in FINAL and not row["closed"]]
    moving = [*waits, *(row["id"] for row in rows if row["state"] == State.HANDED_OVER.value)]
    members = registry().by_code if waits else {}
    terms, leaving = listing.terms(reader, moving), listing.leaving(reader, waits)
    statuses, recalls = listing.statuses(reader, moving), listing.recalls(reader, moving)
    found = {}
    for row in rows:
        attempts, next_attempt = leaving.get(row["id"], (row["attempts"], ""))
        known = Known(
            row["recipient"],
            State(row["state"]),
            row["updated_at"],
            bool(row["closed"]),
            attempts,
            next_attempt,
            statuses.get(row["id"], {}),
            terms.get(row["id"], {}),
            recalls.get(row["id"], ""),
            suspended_since=suspended_since(members.get(row["recipient"]), now),
        )
        found[row["id"]] = why(known, now)
    return found


def suspended_since(member: Member | None, now: datetime) -> str:
    """Since when a member is suspended at this moment; "" where it is not."""
    every = member.suspensions if member else ()
    starts = [start for start, end in every if start <= now and not (end and end <= now)]
    return to_text(max(starts)) if starts else ""


def _is_recall(unit: Mapping[str, Any]) -> bool:
    return bool(unit["demand"] == "recall")


def _known(
    row: Mapping[str, Any],
    terms: Mapping[str, Any],
    recalls: Mapping[str, str],
    events: Sequence[Mapping[str, Any]],
    members: Mapping[str, Member],
    heard: Mapping[str, str],
    now: datetime,
) -> Known:
    recipient = row["recipient"]
    return Known(
        recipient,
        State(row["state"]),
        row["updated_at"],
        row["closed"],
        row["attempts"],
        row["next_attempt"] or "",
        row["statuses"],
        {leg: (one["due_at"], one["progress"]) for leg, one in terms.items()},
        recalls.get(recipient, ""),
        _reasons(event for event in events if event["recipient"] == recipient and event["event"] in _TOLD),
        suspended_since(members.get(recipient), now),
        heard.get(recipient, ""),
    )


def _reasons(events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The codes of the last refusal or failure."""
    last: tuple[str, ...] = ()
    for event in events:
        detail = event["detail"]
        codes = detail.get("reasons") or [detail.get("code") or detail.get("outcome") or ""]
        last = tuple(str(code) for code in codes if code)
    return last


def as_object(one: Why) -> dict[str, Any]:
    """A cause with stable keys."""
    return {
        "recipient": one.facts["recipient"],
        "cause": one.cause.value,
        "is_trouble": one.cause.rank == 0,
        "actor": one.cause.actor,
        "since": one.since,
        "until": one.until,
        "facts": dict(one.facts),
    }
