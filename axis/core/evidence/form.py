"""evidence.xml: what a parcel of kind ``evidence`` is about, and what each of its attachments is.

The attachments are files of other formats as they were: parcels, receipts, proofs of the log (C2SP tlog-proof, with
salt and entry in their ``extra``), the checkpoint, the registry's parcels. So each is checked by itself, with common
tools.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from axis.core import xml
from axis.core.instant import from_text, to_text
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


NAMESPACE = "urn:axis:evidence:1"
PAGE, MANUAL = "page", "manual"  # for people: what it says, and how it is checked without our program
DOCUMENT, ACCEPTANCE, RECEIPT = "document", "acceptance", "receipt"
REGISTRY, LOG, CHECKPOINT, PROOF = "registry", "log", "checkpoint", "proof"
POLICY, TIMESTAMP, AUTHORITY = "policy", "timestamp", "authority"  # of the witnesses; RFC 3161, and who gives it (PEM)
OTHERS = "cosignatures"  # more lines under the checkpoint: those of the witnesses' ML-DSA-44 keys
# The time-stamp renewed: that its digest stands in the log as of a later checkpoint, and the time-stamp on that one.
RENEWED, RENEWAL = "renewed", "renewal"
KINDS = frozenset(
    {PAGE, MANUAL, DOCUMENT, ACCEPTANCE, RECEIPT, REGISTRY, LOG, CHECKPOINT, PROOF, POLICY, TIMESTAMP, AUTHORITY}
    | {OTHERS, RENEWED, RENEWAL}
)
ONCE = frozenset({ACCEPTANCE, DOCUMENT, LOG, CHECKPOINT, POLICY, TIMESTAMP, OTHERS, RENEWED, RENEWAL})  # or none
_ABOUT_ANOTHER = (  # a part, and the one that it is about: nobody looks at it by itself
    *((POLICY, CHECKPOINT), (TIMESTAMP, CHECKPOINT), (AUTHORITY, TIMESTAMP), (OTHERS, POLICY)),
    *((RENEWED, TIMESTAMP), (RENEWED, RENEWAL), (RENEWAL, RENEWED)),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,150}")
_ABOUT = ("installation", "maker", "axis-id", "sender", "digest")


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment: what it is, and the name of the file that it would be. `n`-th part: ``attachments/n``."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What evidence.xml says: of which submission, by whom it was put together and when, and its parts in order."""

    installation: str
    maker: str
    made_at: datetime
    axis_id: str
    sender: str
    document_id: str
    digest: str  # of the document's content, as receipts name it
    parts: tuple[Part, ...]

    def of(self, kind: str, contents: Sequence[bytes]) -> list[tuple[Part, bytes]]:
        """The parts of this kind with their contents."""
        return [(one, content) for one, content in zip(self.parts, contents, strict=True) if one.kind == kind]


def text(one: Evidence) -> bytes:
    """evidence.xml: one encoding for each value."""
    values = (one.installation, one.maker, one.axis_id, one.sender, one.digest)
    about = " ".join(f"{name}={quoteattr(value)}" for name, value in zip(_ABOUT, values, strict=True))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<evidence xmlns="{NAMESPACE}" {about} made="{to_text(one.made_at)}">',
        f"  <document>{xml.escape(one.document_id)}</document>",
        *(f'  <part kind="{part.kind}" name="{part.name}"/>' for part in one.parts),
        "</evidence>",
    ]
    return ("\n".join(lines) + "\n").encode()


def read(data: bytes, contents: Sequence[bytes | memoryview]) -> Evidence:
    """What a verified parcel's evidence.xml and attachments are. Raises :class:`~axis.errors.Rejected`
    EVIDENCE_INVALID unless writing it again gives `data`, each attachment is named, what there is once is not there
    twice, and there is no part that nobody would look at."""
    root = xml.parse(data, max_bytes=1_000_000)
    try:
        values = {name: xml.attribute(root, name) for name in (*_ABOUT, "made")}
        first, *rest = list(root)
        found = Evidence(
            values["installation"],
            values["maker"],
            from_text(values["made"]),
            values["axis-id"],
            values["sender"],
            first.text or "",
            values["digest"],
            tuple(Part(xml.attribute(child, "kind"), xml.attribute(child, "name")) for child in rest),
        )
    except (ValueError, KeyError, IndexError) as error:
        raise rejected(Fault.EVIDENCE_INVALID, f"{type(error).__name__} {str(error)[:100]}") from None
    if text(found) != data:
        raise rejected(Fault.EVIDENCE_INVALID, "not in the one allowed form")
    kinds, names = [one.kind for one in found.parts], [one.name for one in found.parts]
    if len(found.parts) != len(contents) or set(kinds) - KINDS or not all(map(_NAME.fullmatch, names)):
        raise rejected(Fault.EVIDENCE_INVALID, f"{len(found.parts)} parts, {len(contents)} attachments")
    if any(kinds.count(kind) > 1 for kind in ONCE) or ACCEPTANCE not in kinds or len(set(names)) < len(names):
        raise rejected(Fault.EVIDENCE_INVALID, "a part twice, or no acceptance")
    if any(kind in kinds and about not in kinds for kind, about in _ABOUT_ANOTHER):
        raise rejected(Fault.EVIDENCE_INVALID, "a part without what it is about")
    return found
