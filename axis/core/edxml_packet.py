"""What a packet says, whatever dialect it came in: a tree of nodes, and the values that the axis works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from axis.core import edxml_grammar as grammar
from axis.core.edxml_values import bare_id
from axis.core.identity import same_id

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(StrEnum):
    """What a packet asks for: by BussinessDocType 0-3, or a status packet."""

    NEW = "new"
    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"
    STATUS = "status"


KINDS = {"0": Kind.NEW, "1": Kind.RECALL, "2": Kind.UPDATE, "3": Kind.REPLACE}


@dataclass(frozen=True, slots=True)
class Node:
    """An element of the canonical tree. `raw` is the text of one that the standard does not know."""

    name: str
    text: str = ""
    children: tuple[Node, ...] = ()
    raw: str = ""
    line: int | None = field(default=None, compare=False)

    def all(self, name: str) -> Iterator[Node]:
        """Known children of this name."""
        return (child for child in self.children if child.name == name and not child.raw)

    def get(self, *path: str) -> Node | None:
        """The first descendant along `path`."""
        node = self
        for name in path:
            for child in node.children:
                if child.name == name and not child.raw:
                    node = child
                    break
            else:
                return None
        return node

    def value(self, *path: str) -> str:
        """The text of the descendant along `path`; "" where there is none."""
        node = self.get(*path)
        return node.text if node is not None else ""


@dataclass(frozen=True, slots=True)
class Organ:
    """An agency block."""

    organ_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """The document that is answered, by the id that it is known by. `promulgation_date` is ``yyyy/MM/dd`` or ""."""

    organ_id: str
    code: str
    document_id: str
    promulgation_date: str


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """A Reference. `content_id` without ``cid:``; `extra` the attachment's own further elements, as XML."""

    content_id: str
    name: str
    content_type: str
    description: str
    extra: str = ""


@dataclass(frozen=True)
class Packet:
    """A packet's canonical value, attachments' bytes apart. Equal packets have equal canonical bytes."""

    kind: Kind
    envelope: Node
    beside: tuple[Node, ...] = ()  # unknown elements after the envelope

    @cached_property
    def header(self) -> Node:
        """MessageHeader."""
        return self.envelope.get("edXMLHeader", "MessageHeader") or Node("MessageHeader")

    @cached_property
    def bussiness(self) -> Node:
        """TraceHeaderList/Bussiness."""
        return self.envelope.get("edXMLHeader", "TraceHeaderList", "Bussiness") or Node("Bussiness")

    @cached_property
    def sender(self) -> Organ:
        """From."""
        return _organ(self.header.get("From") or Node("From"))

    @cached_property
    def recipients(self) -> tuple[Organ, ...]:
        """To, in order."""
        return tuple(_organ(node) for node in self.header.all("To"))

    @property
    def addressed(self) -> tuple[str, ...]:
        """The OrganIds that it is for: of To; of a status packet whom it answers."""
        if self.kind is Kind.STATUS:
            return tuple(one.organ_id for one in self.response_for[:1])
        return tuple(one.organ_id for one in self.recipients)

    @property
    def organs(self) -> tuple[Organ, ...]:
        """Whom it goes to, as its author spells them: To; of an update those that it adds as well, of a replacement
        those that had what it replaces; of a status packet whom it answers. The first of a code counts."""
        if self.kind is Kind.STATUS:
            return tuple(Organ(organ_id) for organ_id in self.addressed)
        added = [organ_id for organ_id, is_added in self.receivers if is_added]
        had = [organ_id for _, organ_ids in self.replaced for organ_id in organ_ids]
        found = {organ.organ_id: organ for organ in self.recipients}
        for organ_id in (*added, *had):
            found.setdefault(organ_id, Organ(organ_id))
        return tuple(found.values())

    @cached_property
    def document_id(self) -> str:
        """DocumentId in the one form that it is known by (as every id here); "" in a status packet."""
        return same_id(self.header.value("DocumentId"))

    @cached_property
    def number(self) -> str:
        """CodeNumber."""
        return self.header.value("Code", "CodeNumber")

    @cached_property
    def notation(self) -> str:
        """CodeNotation."""
        return self.header.value("Code", "CodeNotation")

    @property
    def code(self) -> str:
        """``1234/VPCP-KSTT``; of a status packet the one it answers."""
        if self.kind is Kind.STATUS:
            return self.response_for[0].code if self.response_for else ""
        return same_id(f"{self.number}/{self.notation}")

    @cached_property
    def subject(self) -> str:
        """Subject (trích yếu)."""
        return self.header.value("Subject")

    @cached_property
    def promulgation_date(self) -> str:
        """``yyyy/MM/dd`` or ""."""
        return self.header.value("PromulgationInfo", "PromulgationDate")

    @cached_property
    def due_date(self) -> str:
        """``yyyy/MM/dd`` or ""."""
        return self.header.value("DueDate")

    @cached_property
    def priority(self) -> int:
        """0 Thường … 4 Hỏa tốc hẹn giờ."""
        value = self.header.value("OtherInfo", "Priority")
        return int(value) if value in {"1", "2", "3", "4"} else 0

    @cached_property
    def response_for(self) -> tuple[ResponseFor, ...]:
        """The documents that this one answers."""
        return tuple(
            ResponseFor(
                node.value("OrganId"),
                same_id(node.value("Code")),
                same_id(node.value("DocumentId")),
                node.value("PromulgationDate"),
            )
            for node in self.header.all("ResponseFor")
        )

    @cached_property
    def status_code(self) -> str:
        """StatusCode of a status packet."""
        return self.header.value("StatusCode")

    @cached_property
    def description(self) -> str:
        """Description of a status packet."""
        return self.header.value("Description")

    @cached_property
    def timestamp(self) -> str:
        """Timestamp of a status packet."""
        return self.header.value("Timestamp")

    @cached_property
    def bussiness_document_id(self) -> str:
        """The document recalled or updated."""
        return same_id(self.bussiness.value("DocumentId"))

    @cached_property
    def bussiness_reason(self) -> str:
        """BussinessDocReason."""
        return self.bussiness.value("BussinessDocReason")

    @property
    def target(self) -> str:
        """The DocumentId that a recall or update is about, or a status; of any other packet its own."""
        if self.kind is Kind.STATUS:
            return self.response_for[0].document_id if self.response_for else ""
        return self.bussiness_document_id if self.kind in {Kind.RECALL, Kind.UPDATE} else self.document_id

    @property
    def target_as_written(self) -> str:
        """:attr:`target` as the packet spells it, for those who know it by that: its author's own system."""
        if self.kind is Kind.STATUS:
            return self.header.value("ResponseFor", "DocumentId")
        if self.kind in {Kind.RECALL, Kind.UPDATE}:
            return self.bussiness.value("DocumentId")
        return self.header.value("DocumentId")

    @property
    def is_recall(self) -> bool:
        """Whether it takes a document back, in either form: BussinessDocType 1 or status 13."""
        return self.kind is Kind.RECALL or (self.kind is Kind.STATUS and self.status_code == "13")

    def extension(self, name: str) -> str:
        """The text of an element of our own namespace in MessageHeader: ``DeliverAt`` (``yyyy/MM/dd HH:mm:ss``: not
        before this moment) or ``DeliverWithin`` (an ISO 8601 duration: the sender wants to know if it takes longer)."""
        tag = f"{{{grammar.EXTRA_NAMESPACE}}}{name}"
        raw = next((node.raw for node in self.header.children if node.name == tag), "")
        return raw[raw.find(">") + 1 : raw.rfind("</")].strip() if raw else ""

    @cached_property
    def changes_content(self) -> bool:
        """DocumentInfo of an update: what the document says has changed."""
        return self.bussiness.value("BussinessDocumentInfo", "DocumentInfo") == "1"

    @cached_property
    def changes_receivers(self) -> bool:
        """DocumentReceiver of an update: who receives it has changed."""
        return self.bussiness.value("BussinessDocumentInfo", "DocumentReceiver") == "1"

    @cached_property
    def receivers(self) -> tuple[tuple[str, bool], ...]:
        """(OrganId, True when it is added, False when it is removed) of an update's ReceiverList; nobody where the
        update does not say that its receivers change."""
        if not self.changes_receivers:
            return ()
        listed = self.bussiness.get("BussinessDocumentInfo", "ReceiverList")
        nodes = listed.all("Receiver") if listed else ()
        return tuple((node.value("OrganId"), node.value("ReceiverType") == "1") for node in nodes)

    @cached_property
    def replaced(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """(DocumentId, OrganIds that had received it) of each document that a replacement takes the place of."""
        listed = self.bussiness.get("ReplacementInfoList")
        found = []
        for node in listed.all("ReplacementInfo") if listed else ():
            organs = node.get("OrganIdList")
            ids = tuple(n.text for n in organs.all("OrganId")) if organs else ()
            found.append((same_id(node.value("DocumentId")), ids))
        return tuple(found)

    @cached_property
    def attachments(self) -> tuple[AttachmentInfo, ...]:
        """The manifest's References."""
        manifest = self.envelope.get("edXMLBody", "edXMLManifest")
        return tuple(
            AttachmentInfo(
                bare_id(node.value("ContentId")),
                node.value("AttachmentName"),
                node.value("ContentType"),
                node.value("Description"),
                "".join(child.raw for child in node.children if child.name == grammar.EXTRA),
            )
            for node in (manifest.all("Reference") if manifest else ())
        )


def _organ(node: Node) -> Organ:
    return Organ(node.value("OrganId"), node.value("OrganName"))
