"""Why something was refused, as an agency's own home knows it: what it had sent, by the hub (A.2) or its adapter; what
had come, by its own system (E.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.refusal import finding
from axis.errors import AxisError
from axis.infra import payloads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REFUSED = {"refused", "invalid"}


def of(connection: Any, rows: Sequence[Mapping[Any, Any]]) -> list[list[dict[str, Any]]]:
    """Of each of these rows of a journal its reasons, those that forbid; none for what was not refused. One statement
    for all of them, and none where nothing that came was refused."""
    digests = [row["answer_digest"] for row in rows if row["state"] == "refused" and not row.get("source_digest")]
    receipts = payloads.get_sound(connection, digests) if digests else {}
    found = []
    for row in rows:
        said: Sequence[Mapping[str, Any]] = ()
        if row["state"] in REFUSED and row.get("source_digest"):
            said = [one for one in row["problems"] if one.get("severity") != "warning"]
        elif row["state"] in REFUSED:
            said = _said(receipts.get(row["answer_digest"], b""), row["agency"])
        found.append([finding(one) for one in said])
    return found


def codes(findings: Sequence[Mapping[str, Any]]) -> str:
    """Their codes, each once."""
    return ", ".join(dict.fromkeys(str(one["code"]) for one in findings))


def _said(data: bytes, issuer: str) -> Sequence[Mapping[str, Any]]:
    if not data:
        return ()
    from axis.core import parcel, receipt  # only where something that came was refused
    from axis.core.agency.mail import findings_of

    try:
        told = receipt.read(parcel.peek(data)[1], issuer)
    except AxisError:
        return ()  # its bytes are damaged: that it was refused stands
    return [one for statement in told.statements for one in findings_of(statement)]
