"""``axis send --dry-run``: what would become of a packet that is sent now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core import edxml, parcel
from axis.core.hub import terms
from axis.core.hub.admission import may_not_send
from axis.core.hub.terms import Leg
from axis.core.instant import to_text

if TYPE_CHECKING:
    from datetime import datetime

    from axis.core.edxml import Packet
    from axis.core.hub.terms import Deadlines
    from axis.core.registry import Registry
    from axis.core.signature import Signer
    from axis.services.send import Letter


def preflight(
    letter: Letter, registry: Registry, signer: Signer, deadlines: Deadlines, now: datetime
) -> dict[str, Any]:
    """What would become of a good letter that is sent `now`: the certificate it is signed with, its size as a parcel,
    and for each recipient where it goes, whether it waits there, and by when it should be handed over.

    Raises :class:`Rejected`: KEY_EXPIRED, SIG_SIGNER, KEY_REVOKED for the sender's own key, AGENCY_SUSPENDED and
    AGENCY_ENDED for the sender, PARCEL_LIMIT."""
    converted = edxml.convert(letter.data)
    packet = converted.packet
    assert packet is not None  # noqa: S101  a good letter
    sender, certificate = registry.certificate(signer.der, now)
    if registry.by_code[sender].standing(now) != "active":
        raise may_not_send(registry.by_code[sender], now)
    sealed = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, signer, now)
    return {
        "file": letter.name,
        "kind": packet.kind.value,
        "document_id": packet.target_as_written,
        "size": len(sealed),
        "limit": parcel.MAX_BYTES,
        "certificate_until": to_text(certificate.not_valid_after_utc),
        "routes": [_route(registry, packet, organ_id, deadlines, now) for organ_id in packet.addressed],
    }


def _route(registry: Registry, packet: Packet, organ_id: str, deadlines: Deadlines, now: datetime) -> dict[str, Any]:
    code = registry.open_successor(registry.member_for(organ_id).code, now)
    hour = packet.extension("DeliverAt")
    begins = max(now, terms.read_moment(hour)) if hour else now
    within = packet.extension("DeliverWithin")
    term = deadlines.term(Leg.HANDOVER, packet.kind.value, packet.priority, begins)
    due = begins + terms.read_duration(within) if within else term.due_at if term is not None else None
    return {
        "to": organ_id,
        "agency": code,
        "name": registry.by_code[code].name_vi,
        "standing": registry.by_code[code].standing(now),
        "not_before": to_text(begins) if hour else "",
        "due_at": to_text(due) if due is not None and packet.kind is not edxml.Kind.STATUS else "",
    }
