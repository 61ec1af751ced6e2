"""The verdict on a parcel or receipt somebody holds, with the words of ETSI EN 319 102-1: PASSED or FAILED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.x509 import BasicConstraints

from axis.core import conformance, edxml, ledger, parcel, receipt
from axis.core import registry as trust
from axis.core.instant import to_text
from axis.core.log import checkpoint, merkle, policy, proof
from axis.core.log.leaf import SALT, leaf
from axis.core.saying import label, local, word
from axis.errors import Fault, Language, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

    from axis.core.log.note import VerifierKey
    from axis.core.log.policy import Policy
    from axis.core.parcel import Parcel, Trust


def by_certificate(certificate: x509.Certificate) -> Trust:
    """Trust in a CA alone: codes from certificates' subjects, no revocation; or in the hub, where it is the hub's."""
    basic = [one.value for one in certificate.extensions if isinstance(one.value, BasicConstraints)]
    if any(one.ca for one in basic):
        return trust.AuthorityOnly(certificate)
    return trust.HubOnly(trust.signing_certificate(certificate))


def is_of_hub(data: bytes) -> bool:
    """Whether it says to be a receipt of the hub: that is proved in the log."""
    try:
        main, content = parcel.peek(data)
        return main == parcel.RECEIPT and receipt.claimed(content).issuer == trust.HUB
    except Rejected:
        return False


def proved(data: bytes, proofs: Sequence[bytes], log: VerifierKey | None, counts: Policy | None) -> list[Problem]:
    """What is missing to the proof that each entry that a receipt of the hub quotes stands in the log: by the log's
    key, and a quorum of its witnesses where it has a policy. Nothing, where all is proved."""
    said, known = receipt.claimed(parcel.peek(data)[1]), log
    if counts is not None and (log is None or log.public == counts.log.public):
        known = counts.log  # by the name that it has now
    if known is None:
        return [Problem(Fault.LOG_KEY_UNKNOWN, got="-")]
    there, problems = set[str](), list[Problem]()
    for one in proofs:
        try:
            found = proof.read(one)
            salt, text = (found.extra or b"")[:SALT], (found.extra or b"")[SALT:].decode("ascii")
            if counts is not None and counts.log == known:
                root = policy.witnessed(found.checkpoint, counts).checkpoint
            else:
                root, _ = checkpoint.opened(found.checkpoint, known)
            hashed = merkle.leaf_hash(leaf(salt, text))
            merkle.check_inclusion(found.index, root.size, hashed, found.hashes, root.root)
            entry = ledger.read(text)
            if entry.axis_id == said.subject.axis_id:
                there.add(entry.digest)
        except Rejected as error:
            problems += error.problems
        except (ValueError, KeyError, TypeError) as error:
            problems.append(Problem(Fault.LOG_PROOF, got=f"{type(error).__name__}"))
    if any(one.entry not in there for one in said.statements):
        problems.append(Problem(Fault.PROOF_MISSING, got=said.statements[0].event.code))
    return problems


def is_evidence(data: bytes) -> bool:
    """Whether it says to be evidence: that is judged step by step."""
    try:
        return parcel.peek(data)[0] == parcel.EVIDENCE
    except Rejected:
        return parcel.EVIDENCE.encode() in data[:200]


def verify(data: bytes, source: Trust, at: datetime, lang: Language = "en") -> dict[str, Any]:
    """What `data` is and whether it is good, with keys as `source` knows them at `at`; `says`: what it says, in
    sentences of `lang`.

    A document's `From` must be its signer or a unit below it, as far as the trust given can tell.
    """
    try:
        opened = parcel.verify(data, source, at)
        says = _says(opened, lang)
        _check_authority(opened, source)
    except Rejected as error:
        reasons = reasons_of(error.problems)
        return {
            "verdict": "FAILED",
            "kind": "",
            "signer": "",
            "signing_time": "",
            "content_digest": "",
            "says": [],
            "reasons": reasons,
        }
    return {
        "verdict": "PASSED",
        "kind": opened.kind,
        "signer": opened.signer,
        "signing_time": to_text(opened.signing_time),
        "content_digest": opened.content_digest,
        "says": says,
        "reasons": [],
    }


def reasons_of(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """What is wrong, for programs."""
    return [{"code": p.fault.code, "path": p.path, "text_vi": p.text("vi"), "text_en": p.text("en")} for p in problems]


def _says(opened: Parcel, lang: Language) -> list[str]:
    if opened.main == parcel.RECEIPT:
        said = receipt.read(opened.content, opened.signer)
        about = f"{said.subject.document_id} ({said.subject.axis_id or said.subject.content_digest})"
        return [
            f"{s.event.code} {label('receipt', s.event.code, lang)}: "
            + " ".join(filter(None, (about, s.recipient, local(to_text(s.time), lang))))
            + "".join(f" [{r.code}] {r.text_vi if lang == 'vi' else r.text_en}" for r in s.reasons)
            for s in said.statements
        ]
    if opened.main == parcel.CONFORMANCE:
        report = conformance.read(opened.content)
        return [f"{name}: {why or label('verify', 'held', lang)}" for name, why in report.checks]
    if opened.main == parcel.REGISTRY:
        return [word("verify.version", lang, version=trust.read(opened.content).version)]
    packet = edxml.read_document(opened.content, len(opened.attachments))
    return [f"{label('kind', packet.kind.value, lang)}: {packet.document_id} {packet.code} {packet.subject}"]


def _check_authority(opened: Parcel, source: Trust) -> None:
    if opened.main != parcel.DOCUMENT:
        return
    packet = edxml.read_document(opened.content, len(opened.attachments))
    trust.check_authority(packet.sender.organ_id, opened.signer, source)
