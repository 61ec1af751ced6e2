"""From the agency's system to the hub: collect, check, convert, sign once, publish until answered.

What a source becomes is frozen in the journal at first sight: a known source is sent again, never
converted again, and is out of the way once the hub's answer is held.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core import admission, edxml, lifecycle, parcel
from axis.core.ledger import Entry
from axis.core.message import Message, Outcome, Route
from axis.errors import MAX_FACT, AxisError, Corrupted, Fault, Problem, Rejected, Unavailable
from axis.infra.journal import AGAIN, REFUSED, JournalTransaction, Outgoing
from axis.services import renew, standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from adapters.base import Source
    from axis.core.edxml import Packet
    from axis.infra.database import Row
    from axis.services.agency import Agency

Change = Callable[[JournalTransaction], None]
log = logging.getLogger("axis.submit")
BATCH_MESSAGES, BATCH_BYTES = 50, 32 * 1024 * 1024
ANSWER_WITHIN = 600.0  # seconds; without A.1 or A.2 by then the parcel is published again
LONGEST_WAIT = 6 * 3600.0
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged


def collect(agency: Agency, now: datetime) -> int:
    """Freeze what is new, settle what is answered; how many sources changed. One sweep changes about as many as go into
    a batch, so that everybody's turn comes, however many lie there.

    What goes wrong with one source is said once and does not keep the others back. Raises :class:`Unavailable`
    ADAPTER_AWAY when the agency's own system is away.
    """
    changed, left = 0, BATCH_BYTES
    wrong: dict[str, str] = {}
    sources, batch = agency.adapter.collect(), None
    while changed < BATCH_MESSAGES and left > 0 and (batch := list(itertools.islice(sources, BATCH_MESSAGES))):
        done, held = _consider_all(agency, batch, left, wrong, now)
        changed, left = changed + done, left - held
    agency.say(wrong, whole=not batch)
    return changed + _tell_lifted(agency)


def _tell_lifted(agency: Agency) -> int:
    """The agency's system holds as refused what an operator has had accepted since; how many."""
    with agency.journal.reading() as reader:
        digests = reader.lifted(1000)
    if digests:
        agency.adapter.lifted(digests)
        with agency.journal.transaction() as tx:
            tx.told_lifted(digests)
    return len(digests)


def _consider_all(
    agency: Agency, sources: list[Source], left: int, wrong: dict[str, str], now: datetime
) -> tuple[int, int]:
    """What is to be done about a batch of sources, noted in one transaction; (how many, bytes held for them). It ends
    when there are `left` bytes; what was `wrong` with which is added there."""
    with agency.journal.reading() as reader:
        known = reader.outgoing_of([source.digest for source in sources])
    held = 0
    changes: list[Change] = []
    for source in _first_of_each(sources):
        try:
            change, size = _consider(agency, source, known.get(source.digest), now)
        except Unavailable as error:
            if error.fault is not Fault.ADAPTER_AWAY:
                raise
            wrong[source.ref] = str(error)
            continue
        except AxisError:
            raise
        except Exception as error:
            wrong[source.ref] = f"{type(error).__name__}: {error}"
            if agency.is_new(source.ref, wrong[source.ref]):
                log.exception("%s: %r cannot be dealt with", agency.code, source.ref)
            continue
        if change is not None:
            changes.append(change)
            held += size
        if held >= left:
            break
    return _note(agency, changes), held


def _first_of_each(sources: list[Source]) -> list[Source]:
    """Of two files with the same bytes the second has its turn when the first is settled."""
    return list({source.digest: source for source in reversed(sources)}.values())[::-1]


def _note(agency: Agency, changes: list[Change]) -> int:
    if changes:
        crashpoints.reached("C01")
        with agency.journal.transaction() as tx:
            for change in changes:
                change(tx)
        crashpoints.reached("C02")
    return len(changes)


def _consider(agency: Agency, source: Source, row: Row | None, now: datetime) -> tuple[Change | None, int]:
    """(what the journal is to note about a source of which it knows `row`, None for nothing; bytes held for it)."""
    digest = source.digest
    if row is None or (row["settled"] and (row["state"] == "invalid" or _key_is_past(row))):
        frozen = freeze(agency, source, now)
        if frozen is None:
            return None, 0  # it changed under our eyes: it is looked at again when it has settled
        return lambda tx: tx.freeze(frozen, now), len(frozen.parcel)
    if row["state"] == "pending":
        if row["parcel_digest"]:
            return None, 0
        again = freeze(agency, source, now)  # a disk has damaged it; the content is the same
        return (lambda tx: tx.freeze(again, now, again=True), len(again.parcel)) if again else (None, 0)
    if row["settled"]:  # the same thing was given once more
        if row["state"] == "accepted":
            return lambda tx: tx.answer_again(digest, row["answer_digest"]), 0
        return lambda tx: tx.ask_again(digest, now), 0
    if row["state"] == "accepted":
        agency.adapter.accepted(source.ref)
    else:
        agency.adapter.refused(source.ref, report(source.ref, row))
    return lambda tx: tx.settled(digest), 0


def _key_is_past(row: Row) -> bool:
    """Refused because of the key it was frozen with, or of the clock: only a new signature helps; the content stays."""
    codes = [finding["code"] for finding in row["problems"]]
    return row["state"] == "refused" and any(c in renew.OF_THE_SIGNATURE or c == Fault.KEY_ROLE.code for c in codes)


def freeze(agency: Agency, source: Source, now: datetime) -> Outgoing | None:
    """What `source` becomes: a signed parcel to publish, or the findings that forbid it. None when its bytes are
    no longer those of its digest."""
    try:
        held = [source.read()]
        if hashlib.sha256(held[0]).hexdigest() != source.digest:
            return None
        if held[0].startswith(b"PK"):
            return _ready_parcel(agency, source, held[0], now)
    except Rejected as error:
        return _invalid(source, None, error.problems)
    converted = edxml.convert(held.pop())  # nobody else holds these 70 MB meanwhile
    packet, problems = converted.packet, list(converted.problems)
    if packet is None or any(p.severity == "error" for p in problems):
        return _invalid(source, packet, problems)
    try:
        _check_sender(agency, packet)
        # The strict reader is the hub's: what it would refuse is found here, where the clerk sees it.
        edxml.read_document(converted.document, len(converted.attachments))
        signed = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, agency.signer, now)
    except Rejected as error:
        return _invalid(source, packet, [*problems, *error.problems])
    digest = parcel.digest_of(parcel.DOCUMENT, converted.document, converted.attachments)
    return _frozen(source, packet, digest, signed, problems)


def _ready_parcel(agency: Agency, source: Source, data: bytes, now: datetime) -> Outgoing:
    """A parcel that the agency's own tool signed: sent as it is, if it is good."""
    verified = parcel.verify(data, agency.registry(), now)
    packet = edxml.read_document(verified.content, len(verified.attachments))
    problems = edxml.check(packet)
    if errors := [p for p in problems if p.severity == "error"]:
        raise Rejected(*errors)
    if verified.signer != agency.code:
        raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "", agency.code, verified.signer))
    _check_sender(agency, packet)
    return _frozen(source, packet, verified.content_digest, data, list(problems))


def _check_sender(agency: Agency, packet: Packet) -> None:
    registry = agency.registry()
    if registry.member_for(packet.sender.organ_id).code != agency.code:
        raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "From/OrganId", packet.sender.organ_id, agency.code))


def _frozen(source: Source, packet: Packet, digest: str, signed: bytes, problems: list[Problem]) -> Outgoing:
    findings = [p.as_json() for p in problems]
    known = facts(packet) | {"organs": [(one.organ_id, one.name) for one in packet.organs]}
    return Outgoing(source.digest, "pending", packet.kind.value, packet.target, digest, signed, known, findings)


def _invalid(source: Source, packet: Packet | None, problems: list[Problem] | tuple[Problem, ...]) -> Outgoing:
    kind, document_id = (packet.kind.value, packet.target) if packet else ("", "")
    findings = [p.as_json() for p in problems]
    document_id = document_id[: admission.MAX_SHOWN]
    return Outgoing(source.digest, "invalid", kind, document_id, "", b"", facts(packet) if packet else {}, findings)


def facts(packet: Packet) -> dict[str, Any]:
    """What status packets and reports need of the original; of a bad one no more than a good one may have."""
    found = {
        "organ_id": packet.sender.organ_id,
        "document_id": packet.target_as_written,
        "code": packet.code,
        "subject": packet.subject,
        "promulgation_date": packet.promulgation_date or next((r.promulgation_date for r in packet.response_for), ""),
        "urgent": packet.priority > 0 or packet.is_recall,
        "status_code": packet.status_code,
        "about": packet.response_for[0].organ_id if packet.kind is edxml.Kind.STATUS and packet.response_for else "",
    }
    return {name: value[:MAX_FACT] if isinstance(value, str) else value for name, value in found.items()}


def report(name: str, row: Row) -> bytes:
    """``<name>.error.json``: every finding, with texts in both languages, and the hub's receipt where it refused."""
    value = {
        "file": name,
        "refused_by": "hub" if row["state"] == "refused" else "adapter",
        "document_id": row["document_id"],
        "content_digest": row["content_digest"],
        "source_digest": row["source_digest"],
        "receipt": row["answer_digest"],
        "findings": row["problems"],
    }
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def publish(agency: Agency, now: datetime) -> int:
    """Publish the parcels and receipts that are due; how many. What a disk has damaged does not keep the others back.

    Raises :class:`axis.errors.Unavailable` when the broker is away; everything stays due.
    """
    sound: list[Row] = []
    damaged: list[tuple[Row, Corrupted]] = []
    with agency.journal.reading() as reader:
        due = reader.to_publish(now, BATCH_MESSAGES)
        to_post = reader.to_post(now, BATCH_MESSAGES)
    posts = [row for row in to_post if row["attempts"] != REFUSED]
    waiting = _still_waiting(agency, due)
    parcels = [row for row in due if row["source_digest"] not in waiting]
    messages: list[Message] = []
    size = 0
    with agency.journal.reading() as reader:
        origin = standing.origin(agency, reader) if parcels or posts else ""
        for row in [*posts, *parcels]:
            if messages and size > BATCH_BYTES:
                break
            is_parcel = "parcel_digest" in row
            digest = row["parcel_digest" if is_parcel else "body_digest"]
            try:
                body = reader.payload(digest)
            except Corrupted as error:
                damaged.append((row, error))
                continue
            size += len(body)
            route = Route("in", agency.code, is_parcel and _urgent(row))
            messages.append(Message(digest, route, body, user_id=agency.code, origin=origin))
            sound.append(row)
    _put_aside(agency, damaged, now)
    if refused := [row for row in to_post if row["attempts"] == REFUSED]:
        renew.receipts(agency, refused, now)
    if waiting:
        with agency.journal.transaction() as tx:
            for row in due:
                if row["source_digest"] in waiting:
                    tx.published(row["source_digest"], row["attempts"], now + _back_off(1, ANSWER_WITHIN))
    aside = len(damaged) + len(refused)
    if not messages:
        return aside
    crashpoints.reached("C05")
    outcomes = agency.broker.publish(messages)
    crashpoints.reached("C07")
    if posts:
        crashpoints.reached("T01")
    if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
        crashpoints.reached("C08")
    with agency.journal.transaction() as tx:
        for message, row, outcome in zip(messages, sound, outcomes, strict=True):
            confirmed = outcome is Outcome.CONFIRMED
            attempts = row["attempts"] + int(confirmed or row["attempts"] != AGAIN)
            if "parcel_digest" in row:
                wait = _back_off(attempts, ANSWER_WITHIN) if confirmed else _back_off(attempts, 5.0)
                tx.published(row["source_digest"], attempts, now + wait)
            elif confirmed:
                tx.posted(row["number"])
            else:
                tx.postpone(row["number"], attempts, now + _back_off(attempts, 5.0))
            if confirmed:
                agency.sent.confirmed(message.id, urgent=message.route.urgent)
            else:
                agency.sent.failed(message.id)
    return len(messages) + aside


def _still_waiting(agency: Agency, due: Sequence[Row]) -> set[str]:
    """Of what was published before and has no answer: what the hub has not even taken. To publish it once more would
    only make the queue longer."""
    again = [row for row in due if row["attempts"] > 0]
    depths = {urgent: _depth(agency, urgent=urgent) for urgent in {_urgent(row) for row in again}}
    return {
        row["source_digest"]
        for row in again
        if agency.sent.waits(row["parcel_digest"], depths[_urgent(row)], urgent=_urgent(row))
    }


def _urgent(row: Row) -> bool:
    return bool(row["facts"].get("urgent", False))


def _depth(agency: Agency, *, urgent: bool) -> int:
    try:
        return agency.broker.depth(Route("in", agency.code, urgent))
    except AxisError as error:
        if error.fault is Fault.BROKER_DOWN:
            raise
        return 0  # a broker that does not tell: published once more, as ever


def _put_aside(agency: Agency, damaged: list[tuple[Row, Corrupted]], now: datetime) -> None:
    """Bytes to publish that are not what they were: a parcel is made again from its source; a receipt waits for a
    repair (the hub asks for it again)."""
    if not damaged:
        return
    with agency.journal.transaction() as tx:
        for row, error in damaged:
            log.error("%s: cannot be published: %s", agency.code, error)
            detail = {"code": error.fault.code, "bytes": error.problems[0].expected}
            entry = Entry(now, agency.code, "message.damaged", "", "", detail)
            if "parcel_digest" in row:
                tx.parcel_lost(row["source_digest"], entry)
            else:
                tx.postpone(row["number"], row["attempts"] + 1, now + REPAIR)
                tx.enter(entry)


def _back_off(attempts: int, first: float) -> timedelta:
    return lifecycle.retry_after(attempts, random.random(), first=first, longest=LONGEST_WAIT)  # noqa: S311  jitter
