"""What operators and agencies ask the record: trace, board, dead ends, what is to be sent again. It changes nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from axis.core.hub.lifecycle import UNANSWERED, WAITING, Demand, State
from axis.core.instant import to_text
from axis.infra.record.query import newest
from axis.infra.record.tables import (
    business,
    deadline,
    delivery,
    demand,
    document,
    document_type,
    ledger_entry,
    outbox,
    quarantine,
    refusal,
    statement,
    submission,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from axis.infra.database import Row
    from axis.infra.record.store import HubReader

_UNANSWERED = sorted(state.value for state in UNANSWERED)


# -- One document ---------------------------------------------------------------------------------------------


def submissions(reader: HubReader, owner: str, document_id: str, kinds: Sequence[str]) -> Sequence[Row]:
    """Submissions of these kinds about this document, in order of acceptance."""
    query = sa.select(submission).where(
        submission.c.owner == owner, submission.c.document_id == document_id, submission.c.kind.in_(kinds)
    )
    return reader.connection.execute(query.order_by(submission.c.axis_id)).mappings().all()


def document_type_of(reader: HubReader, axis_id: str) -> Row | None:
    """The document type of a submission; None where it has none."""
    query = sa.select(document_type).where(document_type.c.axis_id == axis_id)
    return reader.connection.execute(query).mappings().first()


def deliveries(reader: HubReader, axis_id: str) -> Sequence[Row]:
    """All deliveries of a submission, by recipient."""
    query = sa.select(delivery).where(delivery.c.axis_id == axis_id).order_by(delivery.c.recipient)
    return reader.connection.execute(query).mappings().all()


def recipients(reader: HubReader, owner: str, document_id: str) -> Sequence[Row]:
    """The deliveries that brought this document, by recipient: of the document itself, or of the update that added the
    recipient."""
    query = sa.select(delivery).where(
        delivery.c.owner == owner, delivery.c.document_id == document_id, delivery.c.role == "document"
    )
    return reader.connection.execute(query.order_by(delivery.c.recipient)).mappings().all()


def demands(reader: HubReader, axis_ids: Collection[str]) -> dict[str, list[Row]]:
    """What each of these recalls, updates or replacements asked, by recipient and unit."""
    query = sa.select(demand, delivery.c.recipient).join(delivery, delivery.c.id == demand.c.delivery_id)
    query = query.where(demand.c.asked_by.in_(axis_ids)).order_by(delivery.c.recipient, demand.c.unit)
    found = defaultdict(list)
    for row in reader.connection.execute(query).mappings():
        found[row["asked_by"]].append(row)
    return found


def deadlines(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, dict[str, Row]]:
    """The deadlines of these deliveries by leg."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    query = sa.select(deadline).where(deadline.c.delivery_id.in_(delivery_ids))
    for row in reader.connection.execute(query).mappings():
        found[row["delivery_id"]][row["leg"]] = row
    return found


_HEARD = newest(
    1,
    "k.c0 AS recipient, t.updated_at",
    "delivery",
    "id",
    f"x.recipient = k.c0 AND x.state = '{State.HANDED_OVER.value}'",
    order="x.id DESC",
    limit="1",
    keys="{keys}",
)


def last_heard(reader: HubReader, codes: Collection[str]) -> dict[str, str]:
    """When what came to these members last was handed over there; nothing of one to which nothing ever was."""
    rows = _HEARD.rows(reader.connection, [(code,) for code in codes]) if codes else ()
    return {row.recipient: row.updated_at for row in rows}


def statuses(reader: HubReader, delivery_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The business statuses of these deliveries by unit."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    query = sa.select(business.c.delivery_id, business.c.unit, business.c.code)
    for row in reader.connection.execute(query.where(business.c.delivery_id.in_(delivery_ids))):
        found[row.delivery_id][row.unit] = row.code
    return found


def receipts(reader: HubReader, axis_ids: Collection[str]) -> Sequence[Row]:
    """Every statement of a receipt about these submissions, by time."""
    query = sa.select(statement).where(statement.c.axis_id.in_(axis_ids)).order_by(statement.c.time)
    return reader.connection.execute(query).mappings().all()


def certificate(said: Sequence[Row]) -> str:
    """The digest of a document's certificate of distribution among its :func:`receipts`; of several the last, which
    speaks of all that those before it spoke of; "" where there is none."""
    from axis.core.receipt import Event  # what is only traced needs nothing that verifies

    spoken_of: dict[str, set[str]] = defaultdict(set)
    for row in said:
        if row["event"] == Event.DistributionCertificate.code:
            spoken_of[row["receipt_digest"]].add(row["recipient"])
    return max(spoken_of, key=lambda one: len(spoken_of[one]), default="")


def receipt_that_says(reader: HubReader, issuer: str, event: str, axis_id: str, recipient: str) -> str | None:
    """The digest of the receipt that holds this statement."""
    query = sa.select(statement.c.receipt_digest).where(
        statement.c.issuer == issuer,
        statement.c.event == event,
        statement.c.axis_id == axis_id,
        statement.c.recipient == recipient,
    )
    return reader.connection.execute(query).scalar()


def superseded_by(reader: HubReader, sender: str, document_id: str) -> str:
    """The axis id of the document that took this one's place; "" for none."""
    query = sa.select(document.c.superseded_by)
    query = query.where(document.c.sender == sender, document.c.document_id == document_id)
    return str(reader.connection.execute(query).scalar() or "")


# -- One member -----------------------------------------------------------------------------------------------


def deliveries_to(reader: HubReader, recipient: str) -> Sequence[Row]:
    """Everything that was ever on its way to a member, with what it belongs to, in order; `status`: the highest
    business status of one of its units."""
    status = sa.select(sa.func.max(business.c.code)).where(business.c.delivery_id == delivery.c.id).scalar_subquery()
    more = (submission.c.sender, submission.c.code, submission.c.kind, status.label("status"))
    query = sa.select(delivery, *more).join(submission).where(delivery.c.recipient == recipient)
    return reader.connection.execute(query.order_by(delivery.c.id)).mappings().all()


def open_demands(reader: HubReader, recipient: str) -> list[tuple[str, Demand]]:
    """(number/notation, what was asked) of all that a member was asked about what it has and has not answered."""
    query = (
        sa.select(submission.c.code, delivery.c.id, demand.c.number, demand.c.demand)
        .join_from(demand, delivery, delivery.c.id == demand.c.delivery_id)
        .join(submission, submission.c.axis_id == delivery.c.axis_id)
        .where(delivery.c.recipient == recipient, demand.c.stage.in_(sorted(stage.value for stage in WAITING)))
        .distinct()
    )
    rows = reader.connection.execute(query.order_by(delivery.c.id, demand.c.number))
    return [(row.code, Demand(row.demand)) for row in rows]


def refusals(reader: HubReader, sender: str) -> Sequence[Row]:
    """What a member has submitted and was refused, in order."""
    query = sa.select(refusal).where(refusal.c.sender == sender).order_by(refusal.c.refused_at)
    return reader.connection.execute(query).mappings().all()


UNSENT = timedelta(days=7)  # between a receipt's signing and that it reaches the record


def receipts_for(reader: HubReader, sender: str, since: datetime, entry: int, after: str, limit: int) -> list[str]:
    """The digests of the receipts that may have been passed on to a member, about what it had sent, from a moment on,
    and do not wait to be sent; those after `after`, in order. `entry`: the insertion number of the ledger's first entry
    of that moment. What there is no such entry about was passed on before, however late it was signed."""
    entered = ledger_entry.c.id >= entry
    about = sa.select(statement.c.receipt_digest.label("digest")).join(
        submission, submission.c.axis_id == statement.c.axis_id
    )
    given = about.where(
        submission.c.sender == sender,
        statement.c.time >= to_text(since - UNSENT),
        sa.exists().where(ledger_entry.c.axis_id == statement.c.axis_id, entered),
    )
    refused = sa.select(refusal.c.receipt_digest).where(
        refusal.c.sender == sender, refusal.c.refused_at >= to_text(since)
    )
    both = sa.union(given, refused).subquery()
    waits = sa.exists().where(outbox.c.body_digest == both.c.digest, outbox.c.code == sender)
    query = sa.select(both.c.digest).where(both.c.digest > after, ~waits).order_by(both.c.digest).limit(limit)
    return list(reader.connection.execute(query).scalars())


def given_by(reader: HubReader, agency: str, since: datetime, after: str, limit: int) -> list[str]:
    """The digests of the receipts that this agency has given as a recipient from a moment on, those that wait for what
    the record has lost among them; those after `after`, in order."""
    kept = sa.select(statement.c.receipt_digest.label("digest")).where(
        statement.c.issuer == agency, statement.c.time >= to_text(since)
    )
    given = sa.union(kept, sa.select(quarantine.c.body_digest).where(quarantine.c.issuer == agency)).subquery()
    query = sa.select(given.c.digest).where(given.c.digest > after).order_by(given.c.digest).limit(limit)
    return list(reader.connection.execute(query).scalars())


def mail(reader: HubReader) -> dict[str, tuple[int, int]]:
    """(outbox rows, deliveries that were consigned or given up and have no receipt) by agency."""
    rows = sa.select(outbox.c.code, sa.func.count()).group_by(outbox.c.code)
    waiting = {row[0]: row[1] for row in reader.connection.execute(rows)}
    open_ones = sa.select(delivery.c.recipient, sa.func.count()).where(delivery.c.state.in_(_UNANSWERED))
    unanswered = {row[0]: row[1] for row in reader.connection.execute(open_ones.group_by(delivery.c.recipient))}
    return {code: (waiting.get(code, 0), unanswered.get(code, 0)) for code in waiting.keys() | unanswered.keys()}


# -- Many -----------------------------------------------------------------------------------------------------

# In the words of the index, which SQLite takes for nothing else.
_OPEN = sa.text("delivery.state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT delivery.closed")


def failed(
    reader: HubReader, agency: str = "", since: str = "", id_begins: str = "", limit: int | None = None
) -> Sequence[Row]:
    """Deliveries that were given up or are overdue, and that nobody has decided about, the oldest first: from or to
    this agency, since a moment, with an id that begins so, where these are given."""
    query = (
        sa.select(delivery, submission.c.sender).join(submission).where(delivery.c.state == State.FAILED.value, _OPEN)
    )
    if agency:
        query = query.where(sa.or_(delivery.c.recipient == agency, submission.c.sender == agency))
    if since:
        query = query.where(delivery.c.updated_at >= since)
    if id_begins:
        query = query.where(delivery.c.id.startswith(id_begins, autoescape=True))
    return reader.connection.execute(query.order_by(delivery.c.updated_at).limit(limit)).mappings().all()


def sendable(
    reader: HubReader,
    axis_id: str,
    recipient: str,
    since: datetime | None,
    until: datetime | None,
    *,
    answered: bool,
) -> Sequence[Row]:
    """Deliveries of what was accepted within a time (of one submission, to one member, where these are given) whose
    parcel is kept; with `answered` those, too, that have their receipt. Withdrawn ones are never sent again."""
    query = (
        sa.select(delivery, submission.c.sender)
        .join(submission)
        .where(submission.c.body_digest != "", delivery.c.state != State.RECALLED.value)
    )
    if not answered:
        query = query.where(delivery.c.state.in_(_UNANSWERED))
    if axis_id:
        query = query.where(delivery.c.axis_id == axis_id)
    if recipient:
        query = query.where(delivery.c.recipient == recipient)
    if since is not None:
        query = query.where(submission.c.received_at >= to_text(since))
    if until is not None:
        query = query.where(submission.c.received_at <= to_text(until))
    return reader.connection.execute(query.order_by(submission.c.axis_id, delivery.c.recipient)).mappings().all()


def unanswered(reader: HubReader, code: str, before: datetime, after: str, limit: int) -> list[str]:
    """The ids of this agency's deliveries that were consigned or given up before `before`, have no receipt and are
    kept, from `after` on."""
    query = (
        sa.select(delivery.c.id)
        .join(submission)
        .where(
            delivery.c.recipient == code,
            delivery.c.state.in_(_UNANSWERED),
            delivery.c.updated_at <= to_text(before),
            delivery.c.id > after,
            submission.c.body_digest != "",
            delivery.c.closed.is_(False),
        )
    )
    return list(reader.connection.execute(query.order_by(delivery.c.id).limit(limit)).scalars())


def counts(reader: HubReader) -> dict[str, int]:
    """Documents (not statuses), their deliveries, those handed over, and receipt statements issued."""
    is_document = submission.c.kind != "status"
    of_documents = sa.select(sa.func.count()).select_from(delivery.join(submission)).where(is_document)
    queries = {
        "documents": sa.select(sa.func.count()).select_from(submission).where(is_document),
        "deliveries": of_documents,
        "handed_over": of_documents.where(delivery.c.state == State.HANDED_OVER.value),
        "receipts": sa.select(sa.func.count()).select_from(statement),
        "open": of_documents.where(delivery.c.state.in_((State.ACCEPTED.value, State.QUEUED.value))),
    }
    one = sa.select(*(query.scalar_subquery().label(name) for name, query in queries.items()))
    return {name: int(count) for name, count in reader.connection.execute(one).mappings().one().items()}
