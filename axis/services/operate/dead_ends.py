"""Dead ends: what the hub could not deal with or could not deliver, and what an operator does about each.

Quarantined messages are kept in the record with their bytes. Each choice has a reason and a ledger entry.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.core.hub import consignment, decide
from axis.core.hub.lifecycle import State
from axis.core.ledger import Entry
from axis.core.registry import HUB
from axis.errors import AxisError, Fault, Problem, Rejected, rejected
from axis.infra.record import documents, quarantine
from axis.services.hub import act, admit
from axis.services.operate import acts
from axis.services.questions.dead_ends import Selection, found, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from axis.core.hub.draft import Draft
    from axis.infra.database import Row
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.dead_ends")


BATCH, LOOK_AGAIN = 20, timedelta(minutes=5)


def retry(hub: Hub, identifier: str, reason: str, now: datetime) -> dict[str, Any]:
    """Try again now: a failed delivery is published once more; a quarantined message is judged once more, and answered
    as if it had just come."""
    return _act(hub, identifier, "retry", reason, now)


def retry_all(hub: Hub, wanted: Selection, reason: str, now: datetime) -> Iterator[dict[str, Any]]:
    """:func:`retry` each of these, the oldest first. What fails again stays where it is, with the code in ``error``,
    and keeps none of the others back."""
    with hub.store.reading() as reader:
        items = found(reader, wanted)
    for item in items:
        try:
            yield _done(hub, item, "retry", reason, now)
        except Rejected as error:
            yield {**item, "action": "retry", "reason": reason, "error": error.fault.code}


def release(hub: Hub, identifier: str, reason: str, now: datetime) -> dict[str, Any]:
    """Let it go on its way again: a failed delivery waits for its agency like any other mail; a quarantined message is
    judged once more. As :meth:`retry`, for what was held on purpose and not by mistake."""
    return _act(hub, identifier, "release", reason, now)


def give_back(hub: Hub, identifier: str, reason: str, now: datetime) -> dict[str, Any]:
    """Return to the sender: D.2 with the operator's reason, and nobody tries again by itself."""
    return _act(hub, identifier, "return", reason, now)


def drop(hub: Hub, identifier: str, reason: str, now: datetime) -> dict[str, Any]:
    """Off the list: the record stays, nobody is told. For a quarantined message its bytes go."""
    return _act(hub, identifier, "drop", reason, now)


def look_again(hub: Hub, now: datetime) -> int:
    """Judge once more, some at a time, the receipts that wait for what a restored record has lost; how many wait no
    longer."""
    at, last = hub.looked_again or (now - LOOK_AGAIN, "")
    if hub.lost_until is None or now < at + LOOK_AGAIN:
        return 0
    with hub.store.reading() as reader:
        rows = quarantine.put_aside_for(reader, Fault.RECORD_GAP.code, last, BATCH)
        bodies = [reader.payload(row["body_digest"]) for row in rows]
    hub.looked_again = (now, str(rows[-1]["id"]) if len(rows) == BATCH else "")
    done = 0
    for row, body in zip(rows, bodies, strict=True):
        with suppress(Rejected):
            _judge_again(hub, row, body, "retry", "record restored", now)
            done += 1
    return done


def _act(hub: Hub, identifier: str, what: str, reason: str, now: datetime) -> dict[str, Any]:
    with hub.store.reading() as reader:
        item = shown(reader, identifier)
    return _done(hub, item, what, reason, now)


def _done(hub: Hub, item: dict[str, Any], what: str, reason: str, now: datetime) -> dict[str, Any]:
    with hub.store.reading() as reader:
        row = quarantine.one(reader, item["id"]) if item["what"] == "message" else None
        if item["what"] == "message" and row is None:
            raise rejected(Fault.NOT_FOUND, item["id"])  # somebody else has decided in between
        body = reader.payload(row["body_digest"]) if row is not None and what in {"retry", "release"} else b""
    if row is not None and what in {"retry", "release"}:
        _judge_again(hub, row, body, what, reason, now)
    elif row is not None:
        _settle_message(hub, row, what, reason, now)
    else:
        _settle_delivery(hub, item["id"], what, reason, now)
    return {**item, "action": what, "reason": reason}


def _judge_again(hub: Hub, row: Row, body: bytes, what: str, reason: str, now: datetime) -> None:
    try:
        admit.judge_again(hub, row["agency"], row["message_id"], body, row["user_id"] or None, now)
    except AxisError:
        raise
    except Exception:
        log.exception("message %s of %s fails again", row["message_id"], row["agency"])
        raise rejected(Fault.QUARANTINED, "1") from None
    with hub.store.transaction() as tx:
        quarantine.leave(tx, row, _entry(row, what, reason, now))


def _settle_message(hub: Hub, row: Row, what: str, reason: str, now: datetime) -> None:
    with hub.store.transaction() as tx:
        if what == "return":
            if all(member.code != row["agency"] for member in hub.registry().agencies):
                raise rejected(Fault.AGENCY_UNKNOWN, row["agency"] or "?")  # nobody knows who published it
            problem = Problem(Fault.RETURNED, got=reason)
            admit.refuse_unread(hub, tx, row["agency"], row["body_digest"], problem, now)
        quarantine.leave(tx, row, _entry(row, what, reason, now))


def _entry(row: Row, what: str, reason: str, now: datetime) -> Entry:
    detail = {"action": what, "reason": reason, "bytes": row["body_digest"], "message": row["message_id"]}
    detail |= acts.by()
    return Entry(now, HUB, f"quarantine.{what}", "", row["agency"], detail)


def _settle_delivery(hub: Hub, delivery_id: str, what: str, reason: str, now: datetime) -> None:
    def decided(draft: Draft) -> None:
        delivery = draft.delivery(delivery_id)
        if delivery.state is not State.FAILED:
            raise rejected(Fault.NOT_FOUND, delivery_id)  # it was handed over in between: nothing to decide any more
        detail = {"action": what, "reason": reason, **acts.by()}
        entry = Entry(now, HUB, f"delivery.{what}", delivery.axis_id, delivery.recipient, detail)
        if what in {"retry", "release"}:
            consignment.send_again(draft, delivery, entry)
        else:
            consignment.close(draft, delivery, entry, reason if what == "return" else "")

    with hub.store.transaction() as tx:
        about = documents.of_deliveries(tx, [delivery_id])
        act.carry_out(hub, tx, about, decide.needs_of_deliveries([delivery_id]), decided, now)
