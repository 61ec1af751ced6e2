"""Which status packets a receipt means to the sender's document system: E.1 is 01 and E.2 is 02 of each OrganId that
was addressed; a recall's W.1 is 15."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from axis.core import edxml
from axis.core.agency.files import About, LocalFile, name_of_receipt
from axis.core.edxml import Kind, Organ, ResponseFor
from axis.core.hub import lifecycle
from axis.core.receipt import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from axis.core.receipt import Receipt, Statement
    from axis.core.registry import Registry

TAKEN_BACK = "Đã thu hồi trước khi đến hệ thống nơi nhận"  # the Description of a 15 made from a W.1
Addressed = Iterable[tuple[str, str]]  # (OrganId, name) as the sender has spelled them


@dataclass(frozen=True)
class Meant:
    """A statement of a receipt that means a status, and whom it speaks for; nobody is known yet where that is empty."""

    statement: Statement
    code: str
    organs: Sequence[Organ]

    def of(self, addressed: Addressed, registry: Registry) -> Meant:
        """The same, of these where nobody was known yet."""
        return self if self.organs else replace(self, organs=_reached(registry, addressed, self.statement))


def meant(said: Receipt, addressed: Addressed, registry: Registry) -> list[Meant]:
    """What a receipt about something that was addressed to these means."""
    if said.subject.kind == Kind.STATUS:
        return []
    codes = [(statement, _code(said.subject.kind, statement.event)) for statement in said.statements]
    return [Meant(one, code, ()).of(addressed, registry) for one, code in codes if code is not None]


def packets(said: Receipt, found: Sequence[Meant], original: Mapping[str, Any], registry: Registry) -> list[LocalFile]:
    """The status packets; `original` are the facts of what was sent. Where nobody of those addressed is known, the
    recipient itself has said it."""
    about = ResponseFor(original["organ_id"], original["code"], original["document_id"], original["promulgation_date"])
    name, files = name_of_receipt(said), []
    for one in found:
        statement = one.statement
        member = registry.by_code.get(statement.recipient)
        withdrawn_text = TAKEN_BACK if statement.event is Event.ContentWithdrawal else ""
        text = "; ".join(reason.text_vi for reason in statement.reasons) or withdrawn_text
        for organ in one.organs or [Organ(statement.recipient, member.name_vi if member else "")]:
            packet = edxml.status_packet(organ, about, one.code, statement.time, text)
            made = f"{name}.{one.code}.{organ.organ_id}"
            told = About(made, "status", organ.organ_id, (about.organ_id,), about.document_id, about.code, "")
            files.append(LocalFile("status", f"{made}.edxml", packet, told))
    return files


def _reached(registry: Registry, organs: Addressed, statement: Statement) -> list[Organ]:
    """Those of `organs` that a receipt speaks for, spelled as the sender did: its system matches by that."""
    found = {}
    for organ_id, name in organs:
        if registry.is_reached(organ_id, statement.recipient, statement.time):
            own = registry.member_for(organ_id)
            is_member = registry.canonical(organ_id) == own.code
            found[organ_id] = Organ(organ_id, own.name_vi if is_member else name)
    return list(found.values())


def _code(kind: str, event: Event) -> str | None:
    """The status that an event means, if any: of a recall, that it was carried out; that its request has arrived is
    nothing that a document system knows a code for. Nor that an update was not taken: 02 would say it of the document.
    """
    if event is Event.ContentWithdrawal:
        return lifecycle.AGREED
    if kind == Kind.RECALL or (kind == Kind.UPDATE and event is Event.ContentHandoverFailure):
        return None
    return {Event.ContentHandover: lifecycle.ARRIVED, Event.ContentHandoverFailure: lifecycle.REJECTED}.get(event)
