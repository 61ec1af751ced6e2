"""From the agency's system into its journal: collect, check, convert, sign once.

What a source becomes is frozen in the journal at first sight: a known source is sent again, never
converted again, and is out of the way once the hub's answer is held.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from axis import crashpoints
from axis.core import edxml, parcel
from axis.core.agency import source as source_of
from axis.core.types.typeset import of_document
from axis.errors import AxisError, Fault, Problem, Rejected, Unavailable
from axis.services.agency import renew
from axis.services.agency.adapter import Outbox
from axis.services.agency.publish import Fresh, answer_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.adapters.base import Source
    from axis.core.agency.source import Outgoing
    from axis.core.edxml import Packet
    from axis.core.types.typeset import Typed
    from axis.infra.database import Row
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change

log = logging.getLogger("axis.submit")
BATCH_MESSAGES, BATCH_BYTES = 50, 32 * 1024 * 1024
FRESH = 10.0  # seconds for which a listing of what an agency wants sent is gone through before it is made anew


@dataclass
class Gathered:
    """What is to be done about an agency's sources, when the journal has noted it."""

    changes: list[Change] = field(default_factory=list)
    frozen: list[Fresh] = field(default_factory=list)
    size: int = 0  # bytes held for it
    then: list[Callable[[], None]] = field(default_factory=list)


def collect(agency: Agency, now: datetime) -> int:
    """Freeze what is new, settle what is answered; how many sources changed. One sweep changes about as many as go into
    a batch, so that everybody's turn comes, however many lie there.

    What goes wrong with one source is said once and does not keep the others back. Raises :class:`Unavailable`
    ADAPTER_AWAY when the agency's own system is away.
    """
    sources = look(agency)
    known = agency.journal.all.outgoing_of([(agency.code, source.digest) for source in sources])
    gathered = gather(agency, sources, known, now, BATCH_BYTES, at_once=False)
    agency.flush()
    try:
        note(agency, gathered)
    except BaseException:
        agency.outbox = Outbox()
        raise
    return len(gathered.changes) + tell_lifted(agency)


def note(agency: Agency, gathered: Gathered) -> None:
    """The journal notes what was gathered."""
    if gathered.changes:
        crashpoints.reached("C01")
        with agency.journal.transaction() as tx:
            for change in gathered.changes:
                change(tx)
        crashpoints.reached("C02")
    for step in gathered.then:
        step()


def tell_lifted(agency: Agency) -> int:
    """The agency's system holds as refused what an operator has had accepted since; how many."""
    with agency.journal.reading() as reader:
        digests = reader.lifted(1000)
    if digests:
        agency.adapter.lifted(digests)
        with agency.journal.transaction() as tx:
            tx.told_lifted(digests)
    return len(digests)


def has_sources(agency: Agency) -> bool:
    """Whether there may be something to :func:`look` at."""
    return bool(agency.outbox.ready) or agency.outbox.sources is not None or _may_be_listed(agency)


def _may_be_listed(agency: Agency) -> bool:
    return time.monotonic() >= agency.outbox.again_at and agency.adapter.changed()


def look(agency: Agency, *, at_all: bool = True, most: int | None = None) -> list[Source]:
    """A batch of the sources about which something may be to be done: what waits for its answer is not looked at again,
    and not `at_all` only the rest of what was listed before. `most` of them; None: as many as make a batch.

    Raises :class:`Unavailable` ADAPTER_AWAY when the agency's own system is away."""
    outbox, moment = agency.outbox, time.monotonic()
    most = BATCH_MESSAGES if most is None else most
    if outbox.ready:
        batch = list(itertools.islice(outbox.ready.values(), most))
        for source in batch:
            del outbox.ready[source.digest]
        return batch
    if not at_all and outbox.began and outbox.sources is None:
        return []
    if outbox.sources is None or moment - outbox.began > max(FRESH, outbox.rest):
        outbox.begin(agency.adapter.collect(), moment)
    assert outbox.sources is not None  # noqa: S101  it was just begun
    batch = []
    try:
        for source in outbox.sources:
            outbox.seen.add(source.digest)
            if source.digest not in outbox.waiting:
                batch.append(source)
            if len(batch) == most:
                return batch
    except BaseException:
        outbox.sources = None
        raise
    outbox.end()
    return batch


def put_back(agency: Agency, sources: Sequence[Source]) -> None:
    """There was no room for these: they are the first that is looked at next time."""
    agency.outbox.ready |= {source.digest: source for source in sources}


def gather(
    agency: Agency,
    sources: Sequence[Source],
    known: Mapping[tuple[str, str], Row],
    now: datetime,
    left: int,
    *,
    at_once: bool = True,
) -> Gathered:
    """What is to be done about these sources, of which the journal has `known`, until that holds `left` bytes.
    `at_once`: what is frozen is published by the caller next."""
    outbox, found, chosen = agency.outbox, Gathered(), _first_of_each(sources)
    for place, source in enumerate(chosen):
        if found.size >= left:
            put_back(agency, chosen[place:])
            break
        row = known.get((agency.code, source.digest))
        try:
            change, frozen = _consider(agency, source, row, now, at_once=at_once)
        except Unavailable as error:
            if error.fault is not Fault.ADAPTER_AWAY:
                raise
            outbox.wrong[source.ref] = str(error)
            continue
        except AxisError:
            raise
        except Exception as error:
            outbox.wrong[source.ref] = f"{type(error).__name__}: {error}"
            if agency.is_new(source.ref, outbox.wrong[source.ref]):
                log.exception("%s: %r cannot be dealt with", agency.code, source.ref)
            continue
        outbox.wrong.pop(source.ref, None)
        if change is not None:
            found.changes.append(change)
        if frozen is not None and frozen.parcel:
            found.size += len(frozen.parcel)
            if at_once and frozen.kind != edxml.Kind.UPDATE:  # an update waits for what it updates
                urgent = bool(frozen.facts.get("urgent"))
                sent = (agency, frozen.parcel_digest, frozen.parcel, urgent, source.digest)
                found.frozen.append(Fresh(*sent, traceparent=source.traceparent))
        if frozen is not None and frozen.state == "pending":
            found.then.append(partial(outbox.waits, source, frozen.content_digest))
        elif row is not None and row["state"] == "pending":
            outbox.waits(source, row["content_digest"])
        elif change is not None and not _is_out_of_the_way(row):
            found.then.append(partial(outbox.ready.__setitem__, source.digest, source))
    agency.say(outbox.wrong, whole=outbox.sources is None)
    return found


def _is_out_of_the_way(row: Row | None) -> bool:
    return row is not None and not row["settled"] and row["state"] != "pending"


def _first_of_each(sources: Sequence[Source]) -> list[Source]:
    """Of two files with the same bytes the second has its turn when the first is settled."""
    return list({source.digest: source for source in reversed(sources)}.values())[::-1]


def _consider(
    agency: Agency, source: Source, row: Row | None, now: datetime, *, at_once: bool
) -> tuple[Change | None, Outgoing | None]:
    """(what the journal is to note about a source of which it knows `row`, None for nothing; what was frozen)."""
    digest = source.digest
    if row is None or (row["settled"] and (row["state"] == "invalid" or _key_is_past(row))):
        frozen = freeze(agency, source, now)
        if frozen is None:
            return None, None  # it changed under our eyes: it is looked at again when it has settled
        is_published = at_once and frozen.state == "pending" and frozen.kind != edxml.Kind.UPDATE
        until = answer_by(now) if is_published else None
        told = row is not None
        return lambda tx: tx.freeze(frozen, now, answer_by=until, was_refused=told), frozen
    if row["state"] == "pending":
        if row["parcel_digest"]:
            return None, None
        again = freeze(agency, source, now)  # a disk has damaged it; the content is the same
        if again is None:
            return None, None
        is_published = at_once and again.state == "pending" and again.kind != edxml.Kind.UPDATE
        until = answer_by(now) if is_published else None
        return lambda tx: tx.freeze(again, now, again=True, answer_by=until), again
    if row["settled"]:  # the same thing was given once more
        if row["state"] == "accepted":
            return lambda tx: tx.answer_again(digest, row["answer_digest"]), None
        return lambda tx: tx.ask_again(digest, now), None
    if row["state"] == "accepted":
        agency.adapter.accepted(source.ref)
    else:
        agency.adapter.refused(source.ref, source_of.report(source.ref, row))
    return lambda tx: tx.settled(digest), None


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
        return source_of.invalid(source.digest, None, error.problems)
    converted = edxml.convert(held.pop())  # nobody else holds these 70 MB meanwhile
    packet, problems = converted.packet, list(converted.problems)
    if packet is None or any(p.severity == "error" for p in problems):
        return source_of.invalid(source.digest, packet, problems)
    try:
        _check_sender(agency, packet)
        typed = _typed(agency, packet, converted.attachments)
        # The strict reader is the hub's: what it would refuse is found here, where the clerk sees it.
        edxml.read_again(converted)
        built = parcel.built(parcel.DOCUMENT, converted.document, converted.attachments, agency.signer, now)
    except Rejected as error:
        return source_of.invalid(source.digest, packet, [*problems, *error.problems])
    said = built.content_digest, built.data, problems
    return source_of.frozen(source.digest, packet, *said, source.traceparent, typed)


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
    typed = _typed(agency, packet, verified.attachments)
    said = verified.content_digest, data, list(problems)
    return source_of.frozen(source.digest, packet, *said, source.traceparent, typed)


def _typed(agency: Agency, packet: Packet, attachments: Sequence[bytes | memoryview]) -> Typed | None:
    """What its type says of a document; None where it has none. Raises :class:`Rejected` with what the hub would find:
    it is found here, where the clerk sees it."""
    if (types := agency.types()) is None:
        return None
    typed = of_document(types, packet, agency.registry(), attachments)
    if typed is not None and typed.findings:
        raise Rejected(*typed.findings)
    return typed


def _check_sender(agency: Agency, packet: Packet) -> None:
    registry = agency.registry()
    if registry.member_for(packet.sender.organ_id).code != agency.code:
        raise Rejected(Problem(Fault.AUTHZ_MISMATCH, "From/OrganId", packet.sender.organ_id, agency.code))
