"""What a document that has come to an agency says, from its own journal: for a person who reads it. It is verified once
more, as of its acceptance, before a word of it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axis.core import edxml, parcel, receipt
from axis.core.registry import HUB
from axis.errors import Fault, Rejected, rejected
from axis.services.questions import asked

if TYPE_CHECKING:
    from axis.core.registry import Registry
    from axis.infra.journal.journals import Journal

READABLE = {"handed_over", "shown"}  # what is withdrawn, refused or not judged yet is nobody's to read


@dataclass(frozen=True)
class Letter:
    """A document's facts, and its attachments: (what each is said to be, its bytes)."""

    facts: dict[str, Any]
    attachments: tuple[tuple[edxml.AttachmentInfo, bytes | memoryview], ...]


def letter(journal: Journal, registry: Registry, axis_id: str) -> Letter:
    """The document, update, replacement or recall that came under this id and was handed over, and what was asked about
    it since. Raises :class:`Rejected`: NOT_FOUND, BYTES_ENDED, or what is wrong with it."""
    with journal.reading() as reader:
        row = reader.incoming(axis_id)
        if row is None or row["kind"] not in {"document", "update", "recall"} or row["state"] not in READABLE:
            raise rejected(Fault.NOT_FOUND, axis_id)
        # A recall that a clerk was shown stays theirs to read: it asks for what another had before.
        if row["kind"] != "recall" and reader.withdrawal(row["sender"], row["document_id"]) is not None:
            raise rejected(Fault.NOT_FOUND, axis_id)
        since = asked.about(reader.connection, row)
        body, proof = (reader.payload_if_any(row[name]) for name in ("body_digest", "proof_digest"))
    if not body or not proof:
        raise rejected(Fault.BYTES_ENDED, axis_id)
    accepted = receipt.read(parcel.peek(proof)[1], HUB)
    opened = parcel.verify(body, registry, accepted.statements[0].time)
    if opened.content_digest != row["content_digest"]:
        raise rejected(Fault.DELIVERY_INVALID, axis_id)
    packet = edxml.read_accepted(opened, accepted.subject.content_digest)
    facts = {
        "axis_id": axis_id,
        "kind": packet.kind.value,
        "sender": opened.signer,
        "from": packet.sender.organ_id,
        "name": packet.sender.name,
        "to": [organ.organ_id for organ in packet.organs],
        "document_id": packet.target,
        "code": packet.code,
        "subject": packet.subject,
        "promulgation_date": packet.promulgation_date,
        "due_date": packet.due_date,
        "reason": packet.bussiness_reason if packet.kind is not edxml.Kind.NEW else "",
        "priority": packet.priority,
        "received_at": row["received_at"],
        "digest": opened.content_digest,
        "signing_time": opened.signing_time,
        "asked": [asked.as_object(one) for one in since],
    }
    return Letter(facts, tuple(zip(packet.attachments, opened.attachments, strict=True)))


def subject(journal: Journal, axis_id: str) -> str:
    """What the document that came under this id is about, from its bytes as they were verified when they came: the
    journal itself does not know. "" where it is not to be read."""
    with journal.reading() as reader:
        row = reader.incoming(axis_id)
        if row is None or row["state"] not in READABLE:
            return ""
        body = reader.payload_if_any(row["body_digest"])
    try:
        packet = edxml.convert(parcel.peek(body)[1]).packet if body else None
    except Rejected:
        return ""
    return packet.subject if packet is not None else ""
