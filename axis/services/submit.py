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
from axis.core import edxml, lifecycle, parcel
from axis.core.message import Message, Outcome, Route
from axis.errors import AxisError, Fault, Problem, Rejected, Unavailable
from axis.infra.journal import JournalTransaction, Outgoing
from axis.services import standing

if TYPE_CHECKING:
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


def collect(agency: Agency, now: datetime) -> int:
    """Freeze what is new, settle what is answered; how many sources changed.

    What goes wrong with one source is said and does not keep the others back; when the agency's own system is
    away, the rest of the adapter goes on.
    """
    changed = 0
    try:
        sources = agency.adapter.collect()
        while batch := list(itertools.islice(sources, BATCH_MESSAGES)):
            changed += _consider_all(agency, batch, now)
    except Unavailable as error:
        _only_away(agency, error)
    return changed


def _consider_all(agency: Agency, sources: list[Source], now: datetime) -> int:
    """What is to be done about a batch of sources, noted in one transaction, or in several when they are large."""
    with agency.journal.reading() as reader:
        known = reader.outgoing_of([source.digest for source in sources])
    changed = held = 0
    changes: list[Change] = []
    for source in _first_of_each(sources):
        try:
            change, size = _consider(agency, source, known.get(source.digest), now)
        except Unavailable as error:
            _only_away(agency, error, source.ref)
            continue
        except AxisError:
            raise
        except Exception:
            log.exception("%s: %r cannot be dealt with", agency.code, source.ref)
            continue
        if change is not None:
            changes.append(change)
            held += size
        if held > BATCH_BYTES:
            changed += _note(agency, changes)
            changes, held = [], 0
    return changed + _note(agency, changes)


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


def _only_away(agency: Agency, error: Unavailable, what: str = "outbox") -> None:
    if error.fault is not Fault.ADAPTER_AWAY:
        raise error
    log.warning("%s: %r: %s", agency.code, what, error)


def _consider(agency: Agency, source: Source, row: Row | None, now: datetime) -> tuple[Change | None, int]:
    """(what the journal is to note about a source of which it knows `row`, None for nothing; bytes held for it)."""
    digest = source.digest
    if row is None or (row["settled"] and (row["state"] == "invalid" or _key_is_past(row))):
        frozen = freeze(agency, source, now)
        if frozen is None:
            return None, 0  # it changed under our eyes: it is looked at again when it has settled
        return lambda tx: tx.freeze(frozen, now), len(frozen.parcel)
    if row["state"] == "pending":
        return None, 0
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
    """Refused because of the key it was frozen with: only a new signature helps; the content stays the same."""
    return row["state"] == "refused" and any(f["code"].startswith(("KEY_", "SIG_SIGNER")) for f in row["problems"])


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
    return Outgoing(source.digest, "pending", packet.kind.value, packet.target, digest, signed, facts(packet), findings)


def _invalid(source: Source, packet: Packet | None, problems: list[Problem] | tuple[Problem, ...]) -> Outgoing:
    kind, document_id = (packet.kind.value, packet.target) if packet else ("", "")
    findings = [p.as_json() for p in problems]
    return Outgoing(source.digest, "invalid", kind, document_id, "", b"", facts(packet) if packet else {}, findings)


def facts(packet: Packet) -> dict[str, Any]:
    """What status packets and reports need of the original."""
    return {
        "organ_id": packet.sender.organ_id,
        "document_id": packet.target,
        "code": packet.code,
        "subject": packet.subject,
        "promulgation_date": packet.promulgation_date or next((r.promulgation_date for r in packet.response_for), ""),
        "urgent": packet.priority > 0 or packet.is_recall,
        "status_code": packet.status_code,
    }


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
    """Publish the parcels and receipts that are due; how many.

    Raises :class:`axis.errors.Unavailable` when the broker is away; everything stays due.
    """
    with agency.journal.reading() as reader:
        parcels = reader.to_publish(now, BATCH_MESSAGES)
        posts = reader.to_post(now, BATCH_MESSAGES)
        messages: list[Message] = []
        size = 0
        origin = standing.origin(agency, reader) if parcels or posts else ""
        for digest, urgent in [
            *((row["body_digest"], False) for row in posts),
            *((row["parcel_digest"], row["facts"].get("urgent", False)) for row in parcels),
        ]:
            if messages and size > BATCH_BYTES:
                break
            body = reader.payload(digest)
            size += len(body)
            route = Route("in", agency.code, urgent)
            messages.append(Message(digest, route, body, user_id=agency.code, origin=origin))
    if not messages:
        return 0
    crashpoints.reached("C05")
    outcomes = agency.broker.publish(messages)
    crashpoints.reached("C07")
    if posts:
        crashpoints.reached("T01")
    if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
        crashpoints.reached("C08")
    rows = [*posts, *parcels][: len(messages)]
    with agency.journal.transaction() as tx:
        for number, (row, outcome) in enumerate(zip(rows, outcomes, strict=True)):
            attempts = row["attempts"] + 1
            confirmed = outcome is Outcome.CONFIRMED
            if number < len(posts):
                if confirmed:
                    tx.posted(row["number"])
                else:
                    tx.postpone(row["number"], attempts, now + _back_off(attempts, 5.0))
            else:
                wait = _back_off(attempts, ANSWER_WITHIN) if confirmed else _back_off(attempts, 5.0)
                tx.published(row["source_digest"], attempts, now + wait)
    return len(messages)


def _back_off(attempts: int, first: float) -> timedelta:
    return lifecycle.retry_after(attempts, random.random(), first=first, longest=LONGEST_WAIT)  # noqa: S311  jitter
