"""From the agency's system to the hub: collect, check, convert, sign once, publish until answered.

What a source becomes is frozen in the journal at first sight: a known source is sent again, never
converted again, and is out of the way once the hub's answer is held.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core import edxml, parcel, refusal
from axis.core.hub import admission, lifecycle
from axis.core.ledger import Entry
from axis.core.message import Message, Outcome, Route
from axis.errors import MAX_FACT, AxisError, Corrupted, Fault, Problem, Rejected, Unavailable
from axis.infra.journal import AGAIN, REFUSED, JournalTransaction, Outgoing
from axis.services import renew, standing
from axis.services.agency import Outbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from axis.adapters.base import Source
    from axis.core.edxml import Packet
    from axis.infra.database import Row
    from axis.services.agency import Agency

Change = Callable[[JournalTransaction], None]
log = logging.getLogger("axis.submit")
BATCH_MESSAGES, BATCH_BYTES = 50, 32 * 1024 * 1024
CONFIRM_WITHIN = 60.0  # seconds; a receipt that was not confirmed by then, nor refused, is published again
FRESH = 2.0  # seconds for which a listing of what an agency wants sent is gone through before it is made anew
ANSWER_WITHIN = 600.0  # seconds; without A.1 or A.2 by then the parcel is published again
LONGEST_WAIT = 6 * 3600.0
REPAIR = timedelta(hours=1)  # between two looks at what a disk has damaged


@dataclass
class Fresh:
    """A parcel or receipt that is noted as published, and is published now."""

    agency: Agency
    digest: str
    body: bytes
    urgent: bool
    source: str = ""  # of a parcel: its source's digest
    confirm_by: datetime | None = None  # of a receipt: until when it is noted as published


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
    return bool(agency.outbox.ready) or agency.outbox.sources is not None or agency.adapter.changed()


def look(agency: Agency) -> list[Source]:
    """A batch of the sources about which something may be to be done: what waits for its answer is not looked at again.

    Raises :class:`Unavailable` ADAPTER_AWAY when the agency's own system is away."""
    outbox, moment = agency.outbox, time.monotonic()
    if outbox.ready:
        batch = list(itertools.islice(outbox.ready.values(), BATCH_MESSAGES))
        for source in batch:
            del outbox.ready[source.digest]
        return batch
    if outbox.sources is None or moment - outbox.began > FRESH:
        outbox.begin(agency.adapter.collect(), moment)
    assert outbox.sources is not None  # noqa: S101  it was just begun
    batch = []
    try:
        for source in outbox.sources:
            outbox.seen.add(source.digest)
            if source.digest not in outbox.waiting:
                batch.append(source)
            if len(batch) == BATCH_MESSAGES:
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
                found.frozen.append(Fresh(agency, frozen.parcel_digest, frozen.parcel, urgent, source.digest))
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
        answer_by = now + _back_off(1, ANSWER_WITHIN) if is_published else None
        told = row is not None
        return lambda tx: tx.freeze(frozen, now, answer_by=answer_by, was_refused=told), frozen
    if row["state"] == "pending":
        if row["parcel_digest"]:
            return None, None
        again = freeze(agency, source, now)  # a disk has damaged it; the content is the same
        if again is None:
            return None, None
        is_published = at_once and again.state == "pending" and again.kind != edxml.Kind.UPDATE
        answer_by = now + _back_off(1, ANSWER_WITHIN) if is_published else None
        return lambda tx: tx.freeze(again, now, again=True, answer_by=answer_by), again
    if row["settled"]:  # the same thing was given once more
        if row["state"] == "accepted":
            return lambda tx: tx.answer_again(digest, row["answer_digest"]), None
        return lambda tx: tx.ask_again(digest, now), None
    if row["state"] == "accepted":
        agency.adapter.accepted(source.ref)
    else:
        agency.adapter.refused(source.ref, report(source.ref, row))
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
        return _invalid(source, None, error.problems)
    converted = edxml.convert(held.pop())  # nobody else holds these 70 MB meanwhile
    packet, problems = converted.packet, list(converted.problems)
    if packet is None or any(p.severity == "error" for p in problems):
        return _invalid(source, packet, problems)
    try:
        _check_sender(agency, packet)
        # The strict reader is the hub's: what it would refuse is found here, where the clerk sees it.
        edxml.read_again(converted)
        built = parcel.built(parcel.DOCUMENT, converted.document, converted.attachments, agency.signer, now)
    except Rejected as error:
        return _invalid(source, packet, [*problems, *error.problems])
    return _frozen(source, packet, built.content_digest, built.data, problems)


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
    return refusal.report(
        name,
        "hub" if row["state"] == "refused" else "adapter",
        row["problems"],
        document_id=row["document_id"],
        content_digest=row["content_digest"],
        source_digest=row["source_digest"],
        receipt=row["answer_digest"],
    )


def publish(agency: Agency, now: datetime) -> int:
    """Publish the parcels and receipts that are due; how many. What a disk has damaged does not keep the others back.

    Raises :class:`axis.errors.Unavailable` when the broker is away; everything stays due.
    """
    due = agency.journal.all.due([agency.code], now, BATCH_MESSAGES)
    letters = Letters(agency, now)
    letters.read(due.publish.get(agency.code, []), due.post.get(agency.code, []))
    if letters.messages:
        crashpoints.reached("C05")
        outcomes = agency.broker.publish(letters.messages)
        letters.confirm(outcomes)
        with agency.journal.transaction() as tx:
            letters.note(tx)
    return letters.count


class Letters:
    """What one agency publishes in one sweep."""

    def __init__(self, agency: Agency, now: datetime) -> None:
        self.agency = agency
        self.now = now
        self.messages: list[Message] = []
        self._of: list[Row | Fresh] = []
        self._aside = 0
        self._size = 0
        self._outcomes: list[Outcome] = []

    @property
    def count(self) -> int:
        """How many things were dealt with."""
        return len(self.messages) + self._aside

    def read(self, due: Sequence[Row], to_post: Sequence[Row], fresh: Sequence[Fresh] = ()) -> None:
        """Read the bytes of what is due in the journal; what is `fresh` goes with it. Receipts before documents: what a
        system says about a document is about one that it has."""
        agency = self.agency
        posts = [row for row in to_post if row["attempts"] != REFUSED]
        waiting = _still_waiting(agency, due)
        parcels = [row for row in due if row["source_digest"] not in waiting]
        origin = ""
        if agency.instance and (posts or parcels or fresh):
            with agency.journal.reading() as reader:
                origin = standing.origin(agency, reader)
        damaged: list[tuple[Row, Corrupted]] = []
        self._read(posts, damaged, origin)
        for one in sorted(fresh, key=lambda letter: (letter.source != "", not letter.urgent)):
            self._add(one.digest, one.body, one, urgent=one.urgent, origin=origin)
        self._read(parcels, damaged, origin)
        _put_aside(agency, damaged, self.now)
        if refused := [row for row in to_post if row["attempts"] == REFUSED]:
            renew.receipts(agency, refused, self.now)
        if waiting:
            with agency.journal.transaction() as tx:
                for row in due:
                    if row["source_digest"] in waiting:
                        again_at = self.now + _back_off(1, ANSWER_WITHIN)
                        tx.published(row["source_digest"], row["attempts"], again_at)
        self._aside = len(damaged) + len(refused)

    def _read(self, rows: Sequence[Row], damaged: list[tuple[Row, Corrupted]], origin: str) -> None:
        if not rows:
            return
        with self.agency.journal.reading() as reader:
            for row in rows:
                if self.messages and self._size > BATCH_BYTES:
                    break
                digest = row["parcel_digest" if "parcel_digest" in row else "body_digest"]
                try:
                    body = reader.payload(digest)
                except Corrupted as error:
                    damaged.append((row, error))
                    continue
                self._add(digest, body, row, urgent="parcel_digest" in row and _urgent(row), origin=origin)

    def _add(self, digest: str, body: bytes, of: Row | Fresh, *, urgent: bool, origin: str) -> None:
        route = Route("in", self.agency.code, urgent)
        self.messages.append(Message(digest, route, body, user_id=self.agency.code, origin=origin, digest=digest))
        self._of.append(of)
        self._size += len(body)

    def confirm(self, outcomes: Sequence[Outcome]) -> None:
        """What became of them."""
        self._outcomes = list(outcomes)
        crashpoints.reached("C07")
        if any(self._is_receipt(one) for one in self._of):
            crashpoints.reached("T01")
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            crashpoints.reached("C08")
        for message, outcome in zip(self.messages, outcomes, strict=True):
            if outcome is Outcome.CONFIRMED:
                self.agency.sent.confirmed(message.id, urgent=message.route.urgent)
            else:
                self.agency.sent.failed(message.id)

    @staticmethod
    def _is_receipt(of: Row | Fresh) -> bool:
        return not of.source if isinstance(of, Fresh) else "parcel_digest" not in of

    @property
    def has_news(self) -> bool:
        """Whether :meth:`note` has something to do: what the journal has noted beforehand may not be so."""
        return any(
            not isinstance(of, Fresh) or outcome is not Outcome.CONFIRMED
            for of, outcome in zip(self._of, self._outcomes, strict=True)
        )

    def noted_later(self) -> Change | None:
        """What is as the journal has noted it beforehand: that it is confirmed is written with whatever is next. Were
        it forgotten, it would be published once more at the next start."""
        parcels: list[str] = []
        receipts: list[tuple[str, datetime]] = []
        for of, outcome in zip(self._of, self._outcomes, strict=True):
            if isinstance(of, Fresh) and outcome is Outcome.CONFIRMED:
                if of.confirm_by is not None:
                    receipts.append((of.digest, of.confirm_by))
                else:
                    parcels.append(of.source)
        return partial(_confirmed, parcels, receipts) if parcels or receipts else None

    def note(self, tx: JournalTransaction) -> None:
        """Note the others."""
        for of, outcome in zip(self._of, self._outcomes, strict=True):
            confirmed = outcome is Outcome.CONFIRMED
            if isinstance(of, Fresh):
                if not confirmed:
                    again_at = self.now + _back_off(1, 5.0)
                    tx.published(of.source, 1, again_at) if of.source else tx.postpone_bytes(of.digest, again_at)
                continue
            attempts = of["attempts"] + int(confirmed or of["attempts"] != AGAIN)
            wait = _back_off(attempts, ANSWER_WITHIN if confirmed else 5.0)
            if "parcel_digest" in of:
                tx.published(of["source_digest"], attempts, self.now + wait)
            elif confirmed:
                tx.posted(of["number"])
            else:
                tx.postpone(of["number"], attempts, self.now + wait)


def _confirmed(parcels: list[str], receipts: list[tuple[str, datetime]], tx: JournalTransaction) -> None:
    for source in parcels:
        tx.confirmed(source)
    for digest, until in receipts:
        tx.posted_bytes(digest, until)


def confirm_by(now: datetime) -> datetime:
    """When a receipt that is published now is published once more, unless it is confirmed."""
    return now + _back_off(1, CONFIRM_WITHIN)


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
                agency.outbox.answered(row["content_digest"])
            else:
                tx.postpone(row["number"], row["attempts"] + 1, now + REPAIR)
                tx.enter(entry)


def _back_off(attempts: int, first: float) -> timedelta:
    return lifecycle.retry_after(attempts, random.random(), first=first, longest=LONGEST_WAIT)  # noqa: S311  jitter
