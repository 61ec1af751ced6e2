"""Dead ends: what the hub could not deal with or could not deliver, what the broker has put aside, and what an operator
does about each.

Quarantined messages are kept in the record with their bytes, dead letters at the broker. Each choice has a reason and a
ledger entry.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis.core.hub import consignment, decide
from axis.core.hub.lifecycle import State
from axis.core.ledger import Entry
from axis.core.message import DEAD, Message, Outcome
from axis.core.registry import HUB
from axis.errors import AxisError, Corrupted, Fault, Problem, Rejected, rejected
from axis.infra.record import documents, ledger, quarantine
from axis.services.hub import act, admit
from axis.services.operate import acts
from axis.services.questions import dead_ends as questions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from axis.core.hub.draft import Draft
    from axis.core.message import DeadLetter
    from axis.infra.database import Row
    from axis.services.hub.worker import Hub
    from axis.services.questions.dead_ends import Selection

log = logging.getLogger("axis.dead_ends")


BATCH, LOOK_AGAIN = 20, timedelta(minutes=5)


def choose(hub: Hub, what: str, identifier: str, reason: str, now: datetime) -> dict[str, Any]:
    """`what` is chosen about one of them, named by its id or a unique beginning of it.

    ``retry``: try again now. A failed delivery is published once more; a quarantined message is judged once more, and
    answered as if it had just come; a dead letter goes to its queue again, or to the hub if it was for that.
    ``release``: the same for what was held on purpose: a failed delivery waits for its agency like any other mail.
    ``return``: to the sender: D.2 or A.2 with the operator's reason, and nobody tries again by itself.
    ``drop``: off the list: the record stays, nobody is told. Of a message its bytes go.

    Raises :class:`Rejected`: NOT_FOUND, AMBIGUOUS, NOT_RETURNABLE, QUARANTINED, RETRY_FAILED; :class:`Corrupted`
    BODY_CORRUPT, where what is to be judged once more is damaged.
    """
    letters = []
    if identifier.startswith(DEAD):
        letters = questions.look_at_letters(hub.broker.sift_dead_letters, hub.registry, now)
    with hub.store.reading() as reader:
        item = questions.shown(reader, identifier, letters)
    if item["what"] != "dead_letter":
        return _done(hub, item, what, reason, now)
    (done,) = _letters_done(hub, {item["id"]}, what, reason, now)
    if "error" in done:
        raise rejected(Fault[done["error"]], item["id"])
    return done


def choose_all(hub: Hub, what: str, wanted: Selection, reason: str, now: datetime) -> Iterator[dict[str, Any]]:
    """:func:`choose` for each of these, the oldest first. What fails stays where it is, with the code in ``error``, and
    keeps none of the others back."""
    letters = []
    if wanted.what in {"", "dead_letter"}:
        letters = questions.look_at_letters(hub.broker.sift_dead_letters, hub.registry, now)
    with hub.store.reading() as reader:
        items = questions.together(questions.found(reader, wanted), letters, wanted)
    for item in items:
        if item["what"] == "dead_letter":
            continue
        try:
            yield _done(hub, item, what, reason, now)
        except (Rejected, Corrupted) as error:  # Corrupted: its bytes are
            yield {**item, "action": what, "reason": reason, "error": error.fault.code}
    if ids := {item["id"] for item in items if item["what"] == "dead_letter"}:
        yield from _letters_done(hub, ids, what, reason, now)


def look_again(hub: Hub, now: datetime) -> int:
    """Judge once more, some at a time, the receipts that wait for what a restored record has lost; how many wait no
    longer."""
    at, last = hub.looked_again or (now - LOOK_AGAIN, "")
    if hub.lost_until is None or now < at + LOOK_AGAIN:
        return 0
    with hub.store.reading() as reader:
        rows = quarantine.put_aside_for(reader, Fault.RECORD_GAP.code, last, BATCH)
        hub.looked_again = (now, str(rows[-1]["id"]) if len(rows) == BATCH else "")
        bodies = reader.payloads({row["body_digest"] for row in rows})
    done = 0
    for row in rows:
        if row["body_digest"] not in bodies:
            log.error("message %s waits on: %s %s", row["id"], Fault.BODY_CORRUPT.code, row["body_digest"])
            continue
        with suppress(Rejected):
            _judge_again(hub, row, bodies[row["body_digest"]], "retry", "record restored", now)
            done += 1
    return done


def _letters_done(hub: Hub, ids: Collection[str], what: str, reason: str, now: datetime) -> list[dict[str, Any]]:
    done: dict[str, dict[str, Any]] = {}

    def is_done(letter: DeadLetter) -> bool:
        if letter.id not in ids:
            return False
        item = {**questions.described(letter, hub.registry, now), "action": what, "reason": reason}
        try:
            _settle_letter(hub, letter, what, reason, now)
        except Rejected as error:
            done.setdefault(letter.id, {**item, "error": error.fault.code})
            return False
        done[letter.id] = item
        return True

    hub.broker.sift_dead_letters(questions.MANY, is_done)
    gone = [{"id": one, "error": Fault.NOT_FOUND.code} for one in ids if one not in done]  # somebody else was quicker
    return [*done.values(), *gone]


def _settle_letter(hub: Hub, letter: DeadLetter, what: str, reason: str, now: datetime) -> None:
    """Enter what is done about a dead letter, once it is done: whoever dies in between does it again, which recipients
    and hub know how to take."""
    route = letter.route
    if what == "return":
        raise rejected(Fault.NOT_RETURNABLE, letter.id)
    if what in {"retry", "release"}:
        if route is None or letter.trouble in {"foreign", "damaged"}:
            raise rejected(Fault.RETRY_FAILED, letter.id)
        if route.direction == "in":
            _judged_again(hub, route.code, letter.message_id, letter.body, letter.user_id, now)
        else:
            again = Message(letter.message_id, route, letter.body, letter.proof, origin=letter.origin)
            if hub.broker.publish([again]) != [Outcome.CONFIRMED]:
                raise rejected(Fault.RETRY_FAILED, letter.id)
    detail = {"action": what, "reason": reason, "queue": letter.queue, "message": letter.message_id}
    detail |= {"bytes": hashlib.sha256(letter.body).hexdigest(), **acts.by()}
    with hub.store.transaction() as tx:
        ledger.enter(tx, Entry(now, HUB, f"dead_letter.{what}", "", route.code if route else "", detail))


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


def _judged_again(hub: Hub, agency: str, message_id: str, body: bytes, user_id: str | None, now: datetime) -> None:
    try:
        admit.judge_again(hub, agency, message_id, body, user_id or None, now)
    except AxisError:
        raise
    except Exception:
        log.exception("message %s of %s fails again", message_id, agency)
        raise rejected(Fault.QUARANTINED, "1") from None


def _judge_again(hub: Hub, row: Row, body: bytes, what: str, reason: str, now: datetime) -> None:
    _judged_again(hub, row["agency"], row["message_id"], body, row["user_id"], now)
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
