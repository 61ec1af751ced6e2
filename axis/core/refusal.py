"""``NAME.error.json``: what an agency's system is told of a packet that was not taken. One writer, one shape, whoever
has refused it: docs/error.schema.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from axis.errors import Fault
from axis.remedies import remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RefusedBy = Literal["adapter", "hub"]


def report(
    file: str,
    refused_by: RefusedBy,
    findings: Iterable[Mapping[str, Any]],
    *,
    document_id: str = "",
    content_digest: str = "",
    source_digest: str = "",
    receipt: str = "",
    **about_file: int,
) -> bytes:
    """The report as bytes. `receipt` is the digest of the hub's signed refusal; `about_file` tells two files of one
    name apart that were never read."""
    value = {
        "file": file,
        "refused_by": refused_by,
        "document_id": document_id,
        "content_digest": content_digest,
        "source_digest": source_digest,
        "receipt": receipt,
        "findings": [finding(one) for one in findings],
        **about_file,
    }
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")


def finding(said: Mapping[str, Any]) -> dict[str, Any]:
    """A finding with every key, whoever has said it: a receipt's reason has no path, a journal of before no remedy."""
    fault = Fault.__members__.get(str(said.get("code", "")))
    text = str(said.get("text") or said.get("text_vi") or "")
    return {
        "code": str(said.get("code", "")),
        "severity": said.get("severity") or "error",
        "path": said.get("path") or "",
        "line": said.get("line"),
        "expected": said.get("expected") or "",
        "got": said.get("got") or "",
        "text": text,
        "text_vi": str(said.get("text_vi") or text),
        "actor": said.get("actor") or (fault.actor.value if fault else "operator"),
        "retry": bool(said.get("retry")),
        "todo": said.get("todo") or (remedy(fault, "en") if fault else ""),
        "todo_vi": said.get("todo_vi") or (remedy(fault, "vi") if fault else ""),
    }
