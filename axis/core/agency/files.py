"""What a document or a receipt becomes as files for the agency's own system, and what the axis says of each file.

These values are a part of the adapter contract (adapters/base.py), where whoever writes an adapter finds them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from axis.core import edxml
from axis.core.edxml import Kind
from axis.core.receipt import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from axis.core.parcel import Parcel
    from axis.core.receipt import Receipt

Folder = Literal["inbox", "receipts", "status", "failed"]
Names = list[tuple[Folder, str]]


@dataclass(frozen=True)
class About:
    """What a file is, for systems that list their mail: `ref` is the delivery's id, which :class:`Answer` names; `kind`
    is new, recall, update, replace or status; `sender` and `recipients` (all that it goes to) are OrganIds as they
    stand in the packet.

    Of a receipt (`kind` receipt): its digest, who issued it, the document that it speaks of, in `code` the kind of what
    was submitted, and its `events`: (event code, member) for each statement; the `axis_id` of what it is about, and the
    digests of the `submissions` that were this: of :class:`Source`."""

    ref: str
    kind: str
    sender: str
    recipients: tuple[str, ...]
    document_id: str
    code: str
    subject: str
    events: tuple[tuple[str, str], ...] = ()
    axis_id: str = ""
    submissions: tuple[str, ...] = ()
    traceparent: str = ""  # of the request that brought a document to its sender's adapter


@dataclass(frozen=True)
class LocalFile:
    """A file for the agency's system: ``inbox`` documents, ``receipts``, ``status`` packets, ``failed`` reports."""

    folder: Folder
    name: str
    content: bytes
    about: About | None = None  # of packets


def of_document(
    identifier: str, body: bytes, opened: Parcel, accepted: Receipt, traceparent: str = ""
) -> list[LocalFile]:
    """A document's or status's files: the parcel as the hub accepted it, then its edXML packet. In this order they are
    shown: the last one is the sign that all are there."""
    packet = edxml.read_accepted(opened, accepted.subject.content_digest)
    folder: Folder = "status" if packet.kind is Kind.STATUS else "inbox"
    packet_file = edxml.write_packet(opened.content, packet, opened.attachments)
    about = About(
        identifier,
        packet.kind.value,
        packet.sender.organ_id,
        tuple(one.organ_id for one in packet.organs),
        packet.target,
        packet.code,
        packet.subject,
        traceparent=traceparent,
    )
    return [
        LocalFile(folder, f"{identifier}.asice", body, about),
        LocalFile(folder, f"{identifier}.edxml", packet_file, about),
    ]


def names_of_document(identifier: str) -> Names:
    """What a document's files are called when it is prepared."""
    return [("inbox", f"{identifier}.asice"), ("inbox", f"{identifier}.edxml")]


def name_of_receipt(said: Receipt) -> str:
    """What the files of a receipt begin with: the document that it speaks of."""
    return said.subject.axis_id or said.subject.content_digest[:16]


def of_receipt(said: Receipt, body: bytes, submissions: Sequence[str]) -> LocalFile:
    """A receipt's own file; what it speaks of was sent from the sources with these digests."""
    first = said.statements[0]
    more = f"+{len(said.statements) - 1}" if len(said.statements) > 1 else ""
    label = f"{name_of_receipt(said)}.{first.event.code}" + (f".{first.recipient}{more}" if first.recipient else "")
    # A name says what is in it: no receipt overwrites another that speaks of the same. But the acceptance of a
    # submission is one, and has the plain name; an A.1 that names nobody only repeats it, in answer to other words.
    if first.event is not Event.SubmissionAcceptance or not first.recipients:
        label += f".{hashlib.sha256(body).hexdigest()[:8]}"
    subject = said.subject
    about = About(
        label,
        "receipt",
        said.issuer,
        (),
        subject.document_id,
        subject.kind,
        "",
        tuple((s.event.code, s.recipient) for s in said.statements),
        subject.axis_id,
        tuple(submissions),
    )
    return LocalFile("receipts", f"{label}.asice", body, about)
