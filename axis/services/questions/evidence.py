"""Evidence of one document: everything that proves what became of it, as far as a home has it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from axis.core import ledger, parcel, receipt
from axis.core.evidence import form
from axis.core.evidence.form import Evidence, Part
from axis.core.evidence.judge import ENDED, Step, judge, judge_parts, proved
from axis.core.instant import whole
from axis.core.log import checkpoint, note, proof
from axis.core.registry import HUB
from axis.core.witnesses import policy_of, text_in
from axis.errors import Fault, Misconfigured, Problem, Rejected
from axis.infra.journal import proofs as journal_proofs
from axis.infra.record import registries, search
from axis.services.questions import log, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from axis.core.log.note import VerifierKey
    from axis.core.receipt import Receipt
    from axis.core.registry import Registry
    from axis.core.signature import Signer
    from axis.infra.journal.journals import Journal
    from axis.infra.log.stamps import Stamp
    from axis.infra.record.store import HubReader
    from axis.services.questions.log import Proved


@dataclass(frozen=True)
class Gathered:
    """What evidence is made of: of which submission it is, and its parts with their contents."""

    installation: str
    axis_id: str
    sender: str
    document_id: str
    digest: str
    parts: tuple[tuple[Part, bytes], ...]

    def evidence(
        self, maker: str, now: datetime, more: Iterable[tuple[Part, bytes]] = ()
    ) -> tuple[Evidence, list[bytes]]:
        """As `maker` puts it together now, with `more` before the parts."""
        held = [*more, *self.parts]
        about = (self.axis_id, self.sender, self.document_id, self.digest)
        said = Evidence(self.installation, maker, whole(now), *about, tuple(part for part, _ in held))
        return said, [content for _, content in held]


def build(said: Evidence, contents: Sequence[bytes], signer: Signer) -> bytes:
    """The signed parcel. Raises :class:`~axis.errors.Rejected` PARCEL_LIMIT where there is too much of it."""
    return parcel.build(parcel.EVIDENCE, form.text(said), contents, signer, said.made_at)


def at_centre(reader: HubReader, axis_id: str, key: VerifierKey | None, policy: str = "") -> Gathered:
    """What the record has: the parcel while it is kept, every receipt of everybody, what proves in the log that the hub
    gave its own and when it accepted the others; the registry of then, and of now. `key`: the log's; `policy`: of its
    witnesses, if there are any."""
    about = trace.the_one(reader, axis_id)
    digests = dict.fromkeys(str(row["receipt_digest"]) for row in search.receipts(reader, [axis_id]))
    digests.pop(about["acceptance_digest"], None)
    held = reader.payloads([*digests, about["acceptance_digest"], about["body_digest"]])
    if about["acceptance_digest"] not in held:
        raise Misconfigured(Problem(Fault.BODY_CORRUPT, expected=about["acceptance_digest"]))
    acceptance = held[about["acceptance_digest"]]
    given = [(said, held[one]) for one in digests if one in held and (said := _said(held[one])) is not None]
    versions = dict.fromkeys((registries.of_version(reader, about["registry_version"]), registries.newest(reader)))
    stamp = log.stamped(reader, [axis_id]) if key is not None else None
    head = (stamp.size, stamp.note) if stamp is not None else log.witnessed(reader, [axis_id]) if key else None
    found = log.prove(reader, [axis_id], head) if head is not None else []
    logged = _logged(found, [_claimed(acceptance), *(said for said, _ in given)])
    return _gathered(
        acceptance,
        held.get(about["body_digest"], b""),
        given,
        [reader.payload(digest) for digest in versions if digest],
        logged,
        head[1] if head is not None else b"",
        key,
        policy,
        stamp,
        log.others(reader, head[0]) if head is not None else "",
        log.renewed(reader, stamp) if stamp is not None else None,
    )


def at_agency(journals: Mapping[str, Journal], axis_id: str, known: Registry | None = None) -> Gathered:
    """What an agency's home has: what it gave or got, its own receipts, those that came to it, what the log has told it
    about them, the registry that it has now (`known`). Raises :class:`Rejected` NOT_FOUND where nothing of it was
    accepted."""
    acceptance = body = registry = b""
    proofs: dict[str, bytes] = {}
    given: dict[str, tuple[Receipt, bytes]] = {}
    for journal in journals.values():
        with journal.reading() as reader:
            found = reader.evidence(axis_id)
            proofs |= {one: data for one, (_, data) in journal_proofs.about(reader, [axis_id]).items()}
            acceptance, body = acceptance or found.acceptance, body or found.body
            installed = reader.registry()
            registry = installed[1] if installed is not None else registry
        for data in found.receipts:
            said = _said(data)
            if said is not None and said.subject.axis_id == axis_id and data != acceptance:
                given[hashlib.sha256(data).hexdigest()] = (said, data)
    if not acceptance:
        raise Rejected(Problem(Fault.NOT_FOUND, got=axis_id))
    gathered = _gathered(acceptance, body, list(given.values()), [registry] if registry else [], [], b"", None)
    return replace(gathered, parts=(*gathered.parts, *_told(proofs, known))) if known is not None else gathered


def _told(proofs: Mapping[str, bytes], known: Registry) -> list[tuple[Part, bytes]]:
    """What the log has told an agency, which believes it by the policy that the registry has."""
    counts = policy_of(known)
    if counts is None or not proofs:
        return []
    read = [(proof.read(data), data) for data in proofs.values()]
    newest = max((one.checkpoint for one, _ in read), key=lambda data: checkpoint.read(note.read(data).text).size)
    parts = [
        (Part(form.LOG, "log.vkey"), f"{counts.log.text}\n".encode()),
        (Part(form.CHECKPOINT, "checkpoint"), newest),
    ]
    parts.append((Part(form.POLICY, "log.policy"), text_in(known).encode()))
    return parts + [(Part(form.PROOF, f"entry-{one.index + 1}.tlog-proof"), data) for one, data in read]


def _gathered(
    acceptance: bytes,
    body: bytes,
    given: Sequence[tuple[Receipt, bytes]],
    known: Sequence[bytes],
    logged: Sequence[Proved],
    head: bytes,
    key: VerifierKey | None,
    policy: str = "",
    stamp: Stamp | None = None,
    others: str = "",
    renewed: tuple[Stamp, Proved] | None = None,
) -> Gathered:
    accepted = _claimed(acceptance)
    subject = accepted.subject
    parts: list[tuple[Part, bytes]] = [(Part(form.ACCEPTANCE, "accepted.A.1.asice"), acceptance)]
    if body:
        parts.append((Part(form.DOCUMENT, "document.asice"), body))
    for said, data in sorted(given, key=lambda one: (one[0].statements[0].time, one[0].statements[0].event.code)):
        if said.subject.content_digest == subject.content_digest:  # else: of the same, in other words
            first, digest = said.statements[0], hashlib.sha256(data).hexdigest()
            name = ".".join(filter(None, ("receipt", first.event.code, first.recipient or said.issuer, digest[:8])))
            parts.append((Part(form.RECEIPT, f"{name}.asice"), data))
    for number, data in enumerate(known, 1):
        parts.append((Part(form.REGISTRY, f"registry-{number}.asice"), data))
    if head and key is not None:
        parts.append((Part(form.LOG, "log.vkey"), f"{key.text}\n".encode()))
        parts.append((Part(form.CHECKPOINT, "checkpoint"), head))
        if policy and key.text in policy:  # that of this log
            parts.append((Part(form.POLICY, "log.policy"), policy.encode()))
            if others:
                parts.append((Part(form.OTHERS, "cosignatures.ml-dsa-44"), others.encode()))
        if stamp is not None:
            parts.append((Part(form.TIMESTAMP, "checkpoint.tsr"), stamp.reply))
            parts.append((Part(form.AUTHORITY, "tsa.pem"), stamp.authority))
        if stamp is not None and renewed is not None and (bound := renewed[1]).proof is not None:
            data = proved(bytes.fromhex(bound.salt), bound.canonical, bound.proof)
            parts.append((Part(form.RENEWED, "renewed.tlog-proof"), data))
            parts.append((Part(form.RENEWAL, "renewed.tsr"), renewed[0].reply))
            if renewed[0].authority != stamp.authority:
                parts.append((Part(form.AUTHORITY, "tsa-now.pem"), renewed[0].authority))
        for one in logged:
            if one.proof is not None:
                data = proved(bytes.fromhex(one.salt), one.canonical, one.proof)
                parts.append((Part(form.PROOF, f"entry-{one.position}.tlog-proof"), data))
    about = (subject.axis_id, subject.sender, subject.document_id, subject.content_digest)
    return Gathered(accepted.installation, *about, tuple(parts))


def _logged(found: Sequence[Proved], receipts: Sequence[Receipt]) -> list[Proved]:
    """Of the entries about it those that the hub's receipts quote, those by which it accepted what recipients have
    said, and that its bytes have ended."""
    quoted = {said.entry for one in receipts if one.issuer == HUB for said in one.statements}
    return [one for one in found if one.proof is not None and _is_needed(ledger.read(one.canonical), quoted)]


def _is_needed(entry: ledger.Entry, quoted: set[str]) -> bool:
    return entry.digest in quoted or "receipt" in entry.detail or entry.event == ENDED


def _claimed(data: bytes) -> Receipt:
    return receipt.claimed(parcel.peek(data)[1])


def _said(data: bytes) -> Receipt | None:
    """What a receipt says, whoever signed it; None for what is none."""
    try:
        return _claimed(data)
    except Rejected:
        return None


def as_facts(step: Step) -> dict[str, object]:
    """A step for programs."""
    reasons = [{"code": one.fault.code, "text_vi": one.text("vi"), "text_en": one.text("en")} for one in step.problems]
    return {"step": step.name, "verdict": step.verdict, "part": step.part, "facts": step.facts, "reasons": reasons}


__all__ = ["Gathered", "as_facts", "at_agency", "at_centre", "build", "judge", "judge_parts"]
