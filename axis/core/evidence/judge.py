"""Evidence is judged, step by step, each part by itself: what one step finds wrong does not hide the next.

Nothing but `trust` is believed: the hub's certificate (or the registry of one's own home, or a CA). Everything is
judged as of when it happened: what expired, was rotated or revoked afterwards was good then. No clock is looked at.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509

from axis.core import ledger, parcel, receipt, witnesses
from axis.core import registry as registries
from axis.core.evidence import form
from axis.core.identity import same_id
from axis.core.instant import to_text
from axis.core.log import checkpoint, merkle, note, policy, proof
from axis.core.log.leaf import SALT, leaf
from axis.core.receipt import Event
from axis.core.registry import HUB, Registry
from axis.errors import Fault, Rejected, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from axis.core.evidence.form import Evidence
    from axis.core.ledger import Entry
    from axis.core.log.checkpoint import Checkpoint
    from axis.core.log.note import VerifierKey
    from axis.core.log.policy import Policy
    from axis.core.log.proof import LogProof
    from axis.core.parcel import Trust
    from axis.core.receipt import Receipt, Statement, Subject
    from axis.errors import Problem

    # Of a reply, what it is about, and authorities (PEM): the time that it says, and which of them says it.
    Stamped = Callable[[bytes, bytes, Sequence[bytes]], tuple[datetime, str]]

PASSED, FAILED, MISSING = "PASSED", "FAILED", "MISSING"
ENDED = "payload.ended"  # the ledger's entry when the bytes of a document have ended
STAMPED = "log.stamped"  # that of a time-stamp
# The entries that statements of the hub quote, where they stand for one moment of one delivery.
_QUOTED = {
    "D.1": {"delivery.consigned"},
    "D.2": {"delivery.failed"},
    "W.1": {"delivery.withdrawn", "recall.decided"},
    "W.2": {"delivery.withdrawn", "recall.decided"},
    "T.1": {"deadline.near"},
    "T.2": {"deadline.missed"},
}
_ACCEPTED = {"submission.accepted", "submission.repeated"}
_CLOCKS = timedelta(minutes=5)  # by which a recipient's clock may have been ahead of the hub's


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at: PASSED, FAILED with its problems, or MISSING where it is not there to be looked at.
    `part`: the name of the file; `facts`: what a sentence about it says."""

    name: str
    verdict: str
    part: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """All steps, in order; what was read on the way, for whoever tells of it."""

    steps: tuple[Step, ...]
    evidence: Evidence | None = None
    contents: tuple[bytes, ...] = ()
    receipts: tuple[tuple[str, Receipt], ...] = ()  # the good ones, by the names of their files
    places: tuple[tuple[str, Entry], ...] = ()  # entries that are proved to stand in the log, by their proofs' names
    elsewhere: frozenset[str] = frozenset()  # of these proofs those that rest on a checkpoint with a quorum of its own

    @property
    def is_good(self) -> bool:
        """Whether nothing was found wrong."""
        return all(one.verdict != FAILED for one in self.steps)


@dataclass(frozen=True, slots=True)
class Anchors:
    """What is believed without proof. `log`: the log's key, `policy`: who must have cosigned, where they are known;
    `authorities` (PEM): whose time-stamps are believed; without them those whose certificates are in the evidence.
    `stamped` gives what a time-stamp says (raises Rejected), where time-stamps can be read here."""

    trust: Trust
    log: VerifierKey | None = None
    policy: Policy | None = None
    stamped: Stamped | None = None
    authorities: tuple[bytes, ...] = ()


class _MissingError(Exception):
    """Nothing is wrong, and nothing is proved: what is said of it stands in `facts`."""

    def __init__(self, facts: dict[str, str] | None = None) -> None:
        super().__init__()
        self.facts = facts or {}


class _Anybody:
    """That a signature is right, whoever's key it is."""

    def certificate(self, der: bytes, _at: datetime) -> tuple[str, x509.Certificate]:
        try:
            certificate = x509.load_der_x509_certificate(der)
            certificate.public_key()
        except Exception:  # noqa: BLE001  the library names many faults of foreign bytes, all mean this
            raise rejected(Fault.SIG_SIGNER, "unreadable certificate") from None
        return "", certificate


def judge(data: bytes, anchors: Anchors, *, strict: bool = False) -> Judged:
    """Every step about a parcel of evidence. `strict`: each receipt of the hub must be proved to stand in the log."""
    try:
        opened = parcel.verify(data, _Anybody(), parcel.peek_signature(data).signing_time)
        if opened.main != parcel.EVIDENCE:
            raise rejected(Fault.EVIDENCE_INVALID, opened.main, parcel.EVIDENCE)
        contents = tuple(bytes(one) for one in opened.attachments)
        said = form.read(opened.content, contents)
    except Rejected as error:
        return Judged((Step("container", FAILED, problems=error.problems),))
    judgement = _Judgement(said, contents, anchors, strict=strict)
    judgement.step("container", "", lambda: {"digest": opened.content_digest})
    judgement.registries()
    judgement.step("maker", "", lambda: judgement.maker(opened.certificate, opened.signing_time))
    return judgement.parts()


def judge_parts(said: Evidence, contents: Sequence[bytes], anchors: Anchors) -> Judged:
    """The same of parts that nobody has signed together yet."""
    judgement = _Judgement(said, tuple(contents), anchors, strict=False)
    judgement.registries()
    return judgement.parts()


class _Judgement:
    def __init__(self, said: Evidence, contents: tuple[bytes, ...], anchors: Anchors, *, strict: bool) -> None:
        self.said, self.contents, self.anchors, self.strict = said, contents, anchors, strict
        self.steps: list[Step] = []
        self.known: Registry | None = None
        self.versions: set[int] = set()
        self.policies: dict[str, Policy | None] = {}  # those that these registries have, as they count by them
        self.then = 0  # the registry that the document was judged by
        self.key: VerifierKey | None = None
        self.entries: dict[str, Entry] = {}
        self.places: dict[str, str] = {}  # of their proofs, by their digests
        self.receipts: list[tuple[str, Receipt]] = []
        self.revoked: dict[str, datetime] = {}  # receipts whose certificate is not good any more, and since when
        self.roots: dict[bytes, Checkpoint] = {}
        self.believed: dict[bytes, bool] = {}  # checkpoints
        self.elsewhere: set[str] = set()

    def parts(self) -> Judged:
        """What is about the document, its receipts and the log."""
        for name, look in (
            (form.ACCEPTANCE, self.acceptance),
            (form.DOCUMENT, self.document),
            (form.LOG, self.log),
            (form.CHECKPOINT, self.checkpoint),
            (form.PROOF, self.proof),
            (form.RECEIPT, self.receipt),
        ):
            for part, content in self.said.of(name, self.contents):
                self.step(name, part.name, partial(look, part.name, content))
        self.steps.append(
            Step("then", PASSED if self.then in self.versions else MISSING, "", {"version": str(self.then)})
        )
        ended = next((to_text(one.time) for one in self.entries.values() if one.event == ENDED), "")
        for name in (form.DOCUMENT, form.LOG, form.CHECKPOINT):
            if not self.said.of(name, self.contents):
                self.steps.append(Step(name, MISSING, facts={"ended": ended} if name == form.DOCUMENT else {}))
        self._logged()
        self._witnessed()
        self._stamped()
        self._renewed()
        for kind in (form.MANUAL, form.PAGE):  # whatever they say: it is what the others prove that counts
            for part, _ in self.said.of(kind, self.contents):
                self.steps.append(Step("page", MISSING, part.name, {"maker": self.said.maker}))
        places = tuple((self.places[digest], one) for digest, one in self.entries.items())
        return Judged(
            tuple(self.steps), self.said, self.contents, tuple(self.receipts), places, frozenset(self.elsewhere)
        )

    def step(self, name: str, part: str, look: Callable[[], dict[str, str]]) -> None:
        """Look at something; what is wrong with it is what the step says."""
        try:
            self.steps.append(Step(name, PASSED, part, look()))
        except _MissingError as missing:
            self.steps.append(Step(name, MISSING, part, missing.facts))
        except Rejected as error:
            self.steps.append(Step(name, FAILED, part, problems=error.problems))
        except Exception as error:  # noqa: BLE001  of foreign bytes: whatever they bring about is what is wrong with them
            problem = rejected(Fault.EVIDENCE_INVALID, f"{type(error).__name__} {str(error)[:100]}").problems
            self.steps.append(Step(name, FAILED, part, problems=problem))

    # -- Who is who ----------------------------------------------------------------------------------------------

    def registries(self) -> None:
        """The registry as of then and as of when this was made, each signed by the hub."""
        for part, content in self.said.of(form.REGISTRY, self.contents):
            self.step(form.REGISTRY, part.name, partial(self._registry, content))
        if not self.versions:
            self.steps.append(Step(form.REGISTRY, FAILED, problems=rejected(Fault.EVIDENCE_INVALID, "-").problems))
        own = self.anchors.trust
        if isinstance(own, Registry) and own.installation == self.said.installation:
            self.known = max(own, self.known or own, key=lambda one: one.version)

    def _registry(self, content: bytes) -> dict[str, str]:
        signed = parcel.peek_signature(content)
        opened = parcel.verify(content, self.anchors.trust, signed.signing_time)
        if (opened.signer, opened.main) != (HUB, parcel.REGISTRY):
            raise rejected(Fault.REGISTRY_INVALID, f"{opened.main}, {opened.signer}")
        found = registries.read(opened.content)
        if found.installation != self.said.installation:
            raise rejected(Fault.REGISTRY_INVALID, f"installation {found.installation}")
        self.versions.add(found.version)
        text, by = witnesses.text_in(found), witnesses.policy_of(found)
        if by is not None and (before := self.policies.get(text)) is not None:  # whoever was a witness by one of them
            by = replace(by, witnesses=before.witnesses | by.witnesses)
        self.policies[text] = by
        self.known = max(found, self.known or found, key=lambda one: one.version)
        return {"version": str(found.version), "time": to_text(found.issued_at)}

    def _registry_known(self) -> Registry:
        if self.known is None:
            raise rejected(Fault.REGISTRY_INVALID, "-")
        return self.known

    def maker(self, der: bytes, at: datetime) -> dict[str, str]:
        """Who has put it together, by the registry."""
        code, certificate = self._registry_known().certificate(der, at)
        parcel.check_validity(certificate, at)
        if code != self.said.maker:
            raise rejected(Fault.EVIDENCE_INVALID, self.said.maker, code)
        return {"maker": code, "time": to_text(at)}

    # -- The document and what was said of it -------------------------------------------------------------------

    def acceptance(self, name: str, content: bytes) -> dict[str, str]:
        """A.1: what the hub accepted, from whom, and when."""
        moment = receipt.claimed(parcel.peek(content)[1]).statements[0].time
        opened = parcel.verify(content, self._registry_known(), moment)
        found = receipt.of(opened)
        self._check_subject(found)
        if (revoked_at := self._registry_known().revoked_at(opened.certificate)) is not None:
            self.revoked[name] = revoked_at
        if found.issuer != HUB or found.statements[0].event is not Event.SubmissionAcceptance:
            raise rejected(Fault.RECEIPT_INVALID, "no A.1")
        if (found.subject.sender, found.subject.document_id) != (self.said.sender, self.said.document_id):
            raise rejected(Fault.EVIDENCE_INVALID, found.subject.document_id, self.said.document_id)
        self.then = found.registry_version
        self.receipts.append((name, found))
        return {"time": to_text(moment), "sender": found.subject.sender}

    def document(self, _name: str, content: bytes) -> dict[str, str]:
        """The original, as the hub accepted it."""
        if not self.receipts:
            raise rejected(Fault.RECEIPT_INVALID, "no A.1")
        accepted = self.receipts[0][1]
        opened = parcel.verify(content, self._registry_known(), accepted.statements[0].time)
        if (opened.content_digest, opened.signer) != (accepted.subject.content_digest, accepted.subject.sender):
            raise rejected(Fault.RECEIPT_INVALID, f"A.1 is about {accepted.subject.content_digest}")
        return {"signer": opened.signer, "digest": opened.content_digest, "time": to_text(opened.signing_time)}

    def receipt(self, name: str, content: bytes) -> dict[str, str]:
        """The hub's as of when it was given; a recipient's as of when the hub accepted it, by the log, or else as of
        when it says that it was signed."""
        said = receipt.claimed(parcel.peek(content)[1])
        moment, how, by = parcel.peek_signature(content).signing_time, "self", ""
        if said.issuer != HUB and (entry := self._accepted(content, said)) is not None:
            moment, how, by = entry.time, "log", self.places[entry.digest]
        opened = parcel.verify(content, self._registry_known(), moment)
        found = receipt.of(opened)
        self._check_subject(found)
        revoked_at = self._registry_known().revoked_at(opened.certificate)
        if revoked_at is not None and found.issuer != HUB and how == "self":  # who has stolen a key writes any time
            raise rejected(Fault.KEY_REVOKED, to_text(revoked_at), found.issuer)
        if revoked_at is not None:
            self.revoked[name] = revoked_at
        first = found.statements[0]
        self.receipts.append((name, found))
        return {
            "event": first.event.code,
            "issuer": found.issuer,
            "recipient": ", ".join(one.recipient for one in found.statements if one.recipient),
            "time": to_text(first.time),
            "how": how,
            "by": by,
            "as_of": to_text(moment),
        }

    def _check_subject(self, found: Receipt) -> None:
        """It is about this submission; its DocumentId may be in another normal form."""
        about = found.subject
        if found.installation != self.said.installation or about.axis_id != self.said.axis_id:
            raise rejected(Fault.RECEIPT_INVALID, f"about {about.axis_id}", self.said.axis_id)
        if about.content_digest != self.said.digest:
            raise rejected(Fault.RECEIPT_INVALID, f"about {about.content_digest}", self.said.digest)
        wanted = (self.said.sender, same_id(self.said.document_id))
        if (about.sender, same_id(about.document_id)) != wanted:
            raise rejected(Fault.RECEIPT_INVALID, f"about {about.document_id} of {about.sender}")
        if self.receipts and about.kind != self.receipts[0][1].subject.kind:
            raise rejected(Fault.RECEIPT_INVALID, about.kind, self.receipts[0][1].subject.kind)

    def _accepted(self, content: bytes, said: Receipt) -> Entry | None:
        """The entry of when the hub accepted what a recipient has said: it has the digest of these bytes. Those of
        before have none; there what it says is compared, and it must have been signed by then."""
        digest, first = hashlib.sha256(content).hexdigest(), said.statements[0]
        by = (said.issuer, first.event.code, first.recipient, to_text(first.time))
        signed_at = parcel.peek_signature(content).signing_time
        for one in self.entries.values():
            named = one.detail.get("evidence")
            if (one.actor, one.detail.get("receipt"), one.recipient, one.detail.get("said_at")) != by:
                continue
            alone = named is None and not self.strict and len(said.statements) == 1
            if named == digest or (alone and signed_at <= one.time + _CLOCKS):
                return one
        return None

    # -- The log ------------------------------------------------------------------------------------------------

    def log(self, _name: str, content: bytes) -> dict[str, str]:
        """Whose the log's key is: known here, said by the registry, or by the hub, which has put this together."""
        key = note.verifier_key(content.decode("utf-8").removesuffix("\n"))
        if key.kind != note.ED25519 or content != f"{key.text}\n".encode():
            raise rejected(Fault.NOTE_INVALID, key.text)
        known = self.anchors.policy.log if self.anchors.policy is not None else self.anchors.log
        if known is not None and known.public != key.public:
            raise rejected(Fault.NOTE_INVALID, key.text, known.text)
        self.key = key
        in_registry = self.known is not None and f"log {key.text}" in witnesses.text_in(self.known).split("\n")
        if known is None and not in_registry and self.strict and self.said.maker != HUB:
            raise rejected(Fault.LOG_KEY_UNKNOWN, key.text)
        how = "known" if known is not None else "registry" if in_registry else "maker"
        return {"vkey": key.text, "how": how, "maker": self.said.maker}

    def checkpoint(self, _name: str, content: bytes) -> dict[str, str]:
        """What the log had signed when this was made."""
        found = self._root(content)
        return {"size": str(found.size), "root": found.root.hex(), "origin": found.origin}

    def _root(self, data: bytes) -> Checkpoint:
        if self.key is None:
            raise rejected(Fault.LOG_KEY_UNKNOWN, "-")
        if data not in self.roots:
            self.roots[data] = checkpoint.opened(data, self.key)[0]
        return self.roots[data]

    def proof(self, name: str, content: bytes) -> dict[str, str]:
        """That an entry about this document stands in the log."""
        found, entry = self._entry(content)
        if entry.axis_id != self.said.axis_id:
            raise rejected(Fault.LOG_PROOF, entry.axis_id, self.said.axis_id)
        root = self._root(found.checkpoint)
        facts = {"position": str(found.index + 1), "size": str(root.size), "event": entry.event}
        facts |= {"actor": entry.actor, "time": to_text(entry.time)}
        if not self._is_believed(found.checkpoint):
            raise _MissingError(facts)
        self.entries[entry.digest], self.places[entry.digest] = entry, name
        if not self._is_head(found.checkpoint):
            self.elsewhere.add(name)
        return facts

    def _is_believed(self, data: bytes) -> bool:
        """Whether a checkpoint is the one of the evidence, of which all other steps speak, or has been cosigned by a
        quorum itself."""
        if data not in self.believed:
            by = self._policy() if not self._is_head(data) else None
            self.believed[data] = self._is_head(data) or (by is not None and bool(self._cosigned(data, by)))
        return self.believed[data]

    def _is_head(self, data: bytes) -> bool:
        heads = self.said.of(form.CHECKPOINT, self.contents)
        return bool(heads) and data.rpartition(b"\n\n")[0] == heads[0][1].rpartition(b"\n\n")[0]

    def _policy(self) -> Policy | None:
        """By whom a checkpoint must have been cosigned: by the policy that is known here, of a log with another name,
        too (a record that was put back has begun one), else by the one that came with it, as it counts by the registry
        that has it: a witness is who was introduced as one by a key of its agency."""
        parts, own = self.said.of(form.POLICY, self.contents), self.anchors.policy
        text = parts[0][1].decode("utf-8") if parts else ""
        if parts and text not in self.policies:
            raise rejected(Fault.EVIDENCE_INVALID, "the policy of no registry in it")
        if own is not None and self.key is not None and own.log.public == self.key.public:
            return replace(own, log=self.key)
        by = self.policies.get(text) if parts else None
        if parts and (by is None or by.log != self.key):
            raise rejected(Fault.LOG_KEY_UNKNOWN, by.log.text if by is not None else "-")
        return by

    def _cosigned(self, data: bytes, by: Policy) -> str:
        """Who has cosigned a checkpoint, if they are a quorum; "" otherwise."""
        try:
            return ", ".join(sorted(policy.witnessed(data, by).by))
        except Rejected as error:
            if error.fault is not Fault.LOG_QUORUM:
                raise
            return ""

    def _entry(self, content: bytes) -> tuple[LogProof, Entry]:
        """An entry that stands in the log, and its proof."""
        found = proof.read(content)
        salt, text = (found.extra or b"")[:SALT], (found.extra or b"")[SALT:].decode("ascii")
        entry = ledger.read(text)
        if entry.canonical != text:
            raise rejected(Fault.LOG_PROOF, text[:120], entry.canonical[:120])
        root = self._root(found.checkpoint)
        merkle.check_inclusion(found.index, root.size, merkle.leaf_hash(leaf(salt, text)), found.hashes, root.root)
        return found, entry

    def _logged(self) -> None:
        """Each receipt of the hub quotes entries: they stand in the log, and say what it says."""
        for name, one in self.receipts:
            if one.issuer != HUB:
                continue
            quoted = [(said, self.entries.get(said.entry)) for said in one.statements]
            left = sum(entry is None for _, entry in quoted)
            facts = {"statements": str(len(one.statements)), "left": str(left)}
            problems = rejected(Fault.PROOF_MISSING, name).problems if left and self.strict else ()
            if left and name in self.revoked:  # only the log says that it was said before
                problems = rejected(Fault.KEY_REVOKED, to_text(self.revoked[name]), HUB).problems
            for said, entry in quoted:
                if entry is not None and not says(entry, one.subject, said):
                    problems = rejected(
                        Fault.LOG_PROOF, f"{said.event.code} {to_text(said.time)}", entry.canonical[:200]
                    ).problems
            verdict = FAILED if problems else MISSING if left else PASSED
            self.steps.append(Step("logged", verdict, name, facts, problems))

    def _witnessed(self) -> None:
        """A quorum of the agencies has cosigned the checkpoint."""
        heads = self.said.of(form.CHECKPOINT, self.contents)

        def look() -> dict[str, str]:
            by, parts = self._policy(), self.said.of(form.POLICY, self.contents)
            if not heads or by is None:
                raise _MissingError
            others = self.said.of(form.OTHERS, self.contents)
            came = self.policies[parts[0][1].decode("utf-8")] if others else None
            both = policy.beside(heads[0][1], came, others[0][1].decode("utf-8")) if came is not None else []
            if not (found := self._cosigned(heads[0][1], by)):  # not yet
                raise _MissingError({"by": ""})
            return {"by": found, "others": str(len(both))}

        self.step("witnessed", heads[0][0].name if heads else "", look)

    def _stamped(self) -> None:
        """Somebody else's time on the checkpoint."""
        stamps, heads = self.said.of(form.TIMESTAMP, self.contents), self.said.of(form.CHECKPOINT, self.contents)
        name = stamps[0][0].name if stamps else ""

        def look() -> dict[str, str]:
            if not stamps or not heads:
                raise _MissingError
            return self._stamp(stamps[0][1], heads[0][1])

        self.step(form.TIMESTAMP, name, look)

    def _stamp(self, reply: bytes, about: bytes) -> dict[str, str]:
        stamped, known = self.anchors.stamped, self.anchors.authorities
        if stamped is None:
            raise _MissingError
        by = known or [content for _, content in self.said.of(form.AUTHORITY, self.contents)]
        at, who = stamped(reply, about, by)
        return {"time": to_text(at), "by": who, "how": "known" if known else "maker", "maker": self.said.maker}

    def _renewed(self) -> None:
        """A later time-stamp on a checkpoint of the log that has the digest of the first."""
        bound, renewals = (self.said.of(kind, self.contents) for kind in (form.RENEWED, form.RENEWAL))
        # Where nobody has witnessed the first one, all of it is the log's word.
        is_witnessed = any((one.name, one.verdict) == ("witnessed", PASSED) for one in self.steps)

        def look() -> dict[str, str]:
            first = hashlib.sha256(self.said.of(form.TIMESTAMP, self.contents)[0][1]).hexdigest()
            found, entry = self._entry(bound[0][1])
            if (entry.event, entry.detail.get("reply")) != (STAMPED, first):
                raise rejected(Fault.LOG_PROOF, entry.event, f"{STAMPED} {first}")
            facts = self._stamp(renewals[0][1], found.checkpoint)
            if facts["time"] < to_text(entry.time):
                raise rejected(Fault.LOG_PROOF, facts["time"], to_text(entry.time))
            if is_witnessed and not self._is_believed(found.checkpoint):
                raise _MissingError
            return facts

        if renewals:
            self.step(form.RENEWAL, renewals[0][0].name, look)


def says(entry: Entry, about: Subject, said: Statement) -> bool:
    """Whether a statement of the hub about this submission says what the entry says that it quotes."""
    told, event = entry.detail, said.event
    if event is Event.DistributionCertificate:
        outcomes = told.get("outcomes")
        return isinstance(outcomes, dict) and (entry.actor, outcomes.get(said.recipient)) == (HUB, said.outcome)
    if event is Event.ReceiptAcceptance:
        is_accepted = told.get("receipt") is not None and told.get("evidence", said.evidence) == said.evidence
        return is_accepted and (entry.actor, to_text(entry.time)) == (said.recipient, to_text(said.time))
    if event is Event.SubmissionAcceptance and entry.event not in _ACCEPTED:
        return entry.actor == HUB and said.time <= entry.time  # of what was accepted before, for who was added since
    if (entry.actor, to_text(entry.time)) != (HUB, to_text(said.time)):
        return False
    if event is Event.SubmissionAcceptance:
        found = (told.get("content_digest"), told.get("sender"), told.get("kind", about.kind))
        named = same_id(str(told.get("document_id", about.document_id))) == same_id(about.document_id)
        return named and found == (about.content_digest, about.sender, about.kind)
    is_leg = event.code[0] != "T" or told.get("leg") == said.leg
    return is_leg and entry.event in _QUOTED.get(event.code, ()) and entry.recipient == said.recipient


def proved(salt: bytes, canonical: str, found: proof.LogProof) -> bytes:
    """A ``.tlog-proof`` that needs nothing beside it: salt and entry stand in its `extra`."""
    return proof.LogProof(found.index, found.hashes, found.checkpoint, salt + canonical.encode("ascii")).data
