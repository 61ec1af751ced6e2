"""What the agency's system gave, as its journal keeps it: frozen with its parcel, or with what forbids one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from axis.core import refusal
from axis.core.edxml import Kind
from axis.core.hub import admission
from axis.errors import MAX_FACT

if TYPE_CHECKING:
    from axis.core.edxml import Packet
    from axis.core.types.typeset import Typed
    from axis.errors import Problem


@dataclass(frozen=True)
class Outgoing:
    """A new row of what the agency sends. `parcel` is empty when it was found invalid here."""

    source_digest: str
    state: str
    kind: str
    document_id: str
    content_digest: str
    parcel: bytes
    facts: dict[str, Any]
    problems: list[dict[str, Any]]

    @cached_property
    def parcel_digest(self) -> str:
        """The hex SHA-256 of its parcel; "" without one."""
        return hashlib.sha256(self.parcel).hexdigest() if self.parcel else ""


def frozen(
    digest: str,
    packet: Packet,
    content_digest: str,
    signed: bytes,
    problems: Sequence[Problem],
    traceparent: str = "",
    typed: Typed | None = None,
) -> Outgoing:
    """The source with this digest is good: `signed` is published for it. `problems` are warnings; `traceparent` is of
    the request that brought it; `typed`: what its document type says of it."""
    findings = [p.as_json() for p in problems]
    known = facts(packet) | {"organs": [(one.organ_id, one.name) for one in packet.organs]}
    if traceparent:
        known["traceparent"] = traceparent
    if typed is not None:
        known["type"] = typed.known
    return Outgoing(digest, "pending", packet.kind.value, packet.target, content_digest, signed, known, findings)


def invalid(digest: str, packet: Packet | None, problems: Sequence[Problem]) -> Outgoing:
    """The source with this digest cannot be sent, and why."""
    kind, document_id = (packet.kind.value, packet.target) if packet else ("", "")
    findings = [p.as_json() for p in problems]
    document_id = document_id[: admission.MAX_SHOWN]
    return Outgoing(digest, "invalid", kind, document_id, "", b"", facts(packet) if packet else {}, findings)


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
        "about": packet.response_for[0].organ_id if packet.kind is Kind.STATUS and packet.response_for else "",
    }
    return {name: value[:MAX_FACT] if isinstance(value, str) else value for name, value in found.items()}


def report(name: str, row: Mapping[Any, Any]) -> bytes:
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
