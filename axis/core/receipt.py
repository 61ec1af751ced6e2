"""Receipts: signed statements about submissions and deliveries (events and codes of ETSI EN 319 522).

One receipt speaks of one submission: one A.1 or A.2, or D or E statements for one to a hundred recipients.
So a receipt tells nobody about another document, and its file can be named after the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal
from xml.sax import saxutils

from axis import counting
from axis.core import parcel, xml
from axis.core.instant import from_text, to_text
from axis.core.registry import HUB
from axis.errors import Fault, Problem, rejected

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from axis.core.parcel import Parcel
    from axis.core.signature import Signer

NAMESPACE = "urn:axis:receipt:1"
KIND = "receipt"  # of the subject of a refusal (A.2) that is about a receipt; its digest is that of the receipt's bytes
MAX_STATEMENTS = 100  # of one receipt
MAX_DOCUMENT_ID = 200  # characters, as in a packet (core/edxml/grammar.py)
# A refusal must stay small whatever was refused: a packet can have a hundred thousand things wrong with it.
MAX_REASONS, MAX_REASON_TEXT = 50, 500


Issuer = Literal["hub", "recipient"]
_HUB: frozenset[Issuer] = frozenset({"hub"})
_RECIPIENT: frozenset[Issuer] = frozenset({"recipient"})


class Event(Enum):
    """What a statement says. Value: (code, who may issue it, positive).

    A, D and E are those of ETSI EN 319 522. It has none for these, so they are our own: W stands on a recall's
    receipt and speaks of the document recalled, T of a deadline, S of how a delivery to several ended. R travels beside
    a recipient's receipt whose certificate is no longer good, as A.1 does beside a document.
    """

    SubmissionAcceptance = ("A.1", _HUB, True)
    SubmissionRejection = ("A.2", _HUB, False)
    ContentConsignment = ("D.1", _HUB, True)
    ContentConsignmentFailure = ("D.2", _HUB, False)
    ContentHandover = ("E.1", _RECIPIENT, True)
    ContentHandoverFailure = ("E.2", _RECIPIENT, False)
    ContentWithdrawal = ("W.1", _HUB | _RECIPIENT, True)  # by whoever could know: the recipient's system never saw it
    ContentWithdrawalFailure = ("W.2", _HUB | _RECIPIENT, False)  # it has it; a request from here on
    DeadlineWarning = ("T.1", _HUB, False)  # of a leg: its time is nearly over
    DeadlineExpiry = ("T.2", _HUB, False)  # of a leg: it has not happened so far
    DistributionCertificate = ("S.1", _HUB, True)  # of one recipient: how the delivery ended, by which receipt
    ReceiptAcceptance = ("R.1", _HUB, True)  # when the hub accepted a receipt of `recipient`, which it is as of then

    @property
    def code(self) -> str:
        """``A.1`` … ``E.2``."""
        return self.value[0]

    @property
    def issuers(self) -> frozenset[Issuer]:
        """Who may issue it: the hub, the recipient's adapter about its own deliveries, or either."""
        return self.value[1]

    @property
    def positive(self) -> bool:
        """False where reasons are required."""
        return self.value[2]


@dataclass(frozen=True)
class Subject:
    """The submission a receipt speaks of. `axis_id` is empty where nothing was accepted (A.2)."""

    axis_id: str
    kind: str
    sender: str  # member code
    document_id: str
    content_digest: str


@dataclass(frozen=True)
class Reason:
    """Why, on a negative statement; `retry` when the same content may be accepted later."""

    code: str
    text_vi: str
    text_en: str
    retry: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement. `recipient` is a member code, empty on A.2; `recipients` are A.1's routes.

    `leg`: of which deadline a T speaks; `outcome`: how a delivery ended (S); `evidence`: the hex SHA-256 of the receipt
    that says so (S), or that was accepted (R)."""

    id: str
    event: Event
    time: datetime
    recipient: str = ""
    recipients: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    entry: str = ""  # hex digest of the issuer's ledger entry
    leg: str = ""
    outcome: str = ""
    evidence: str = ""

    @property
    def parcel(self) -> str:
        """Of an A.2: the hex SHA-256 of the parcel that was refused; "" where it does not say."""
        return self.id.rpartition(".")[0] if self.event is Event.SubmissionRejection else ""

    @property
    def key(self) -> str:
        """What is said once about a delivery: the event's code, with the leg that it is about."""
        return f"{self.event.code} {self.leg}".strip()


@dataclass(frozen=True)
class Receipt:
    """What receipt.xml says; signed as a parcel by `issuer`."""

    installation: str
    issuer: str
    subject: Subject
    statements: tuple[Statement, ...]
    registry_version: int = 0  # on A.1: the registry the submission was judged by


def refusal_id(unique: str, parcel_digest: str) -> str:
    """The id of an A.2's statement. It begins with the parcel that is refused: the one place for it that readers of the
    first version take; they name files by an id's end."""
    return f"{parcel_digest}.{unique}"


def reasons(problems: tuple[Problem, ...] | list[Problem]) -> tuple[Reason, ...]:
    """The catalogue's codes and sentences of `problems`, errors only, the first MAX_REASONS of them."""
    return tuple(
        Reason(p.fault.code, _located(p, p.text("vi")), _located(p, p.text("en")), p.retry)
        for p in [p for p in problems if p.severity == "error"][:MAX_REASONS]
    )


def _located(problem: Problem, text: str) -> str:
    return (f"{problem.path}: {text}" if problem.path else text)[:MAX_REASON_TEXT]


def write(receipt: Receipt) -> bytes:
    """receipt.xml: one encoding for each value. XSD: schemas/receipt/1."""
    subject = receipt.subject
    version = f' registry="{receipt.registry_version}"' if receipt.registry_version else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<receipt xmlns="{NAMESPACE}" installation={_quoted(receipt.installation)} '
        f"issuer={_quoted(receipt.issuer)}{version}>",
        f"  <submission id={_quoted(subject.axis_id)} kind={_quoted(subject.kind)} "
        f"sender={_quoted(subject.sender)} digest={_quoted(subject.content_digest)}>"
        f"{xml.escape(subject.document_id)}</submission>",
    ]
    for statement in receipt.statements:
        recipient = f" recipient={_quoted(statement.recipient)}" if statement.recipient else ""
        more = "".join(
            f" {name}={_quoted(value)}"
            for name in ("entry", "leg", "outcome", "evidence")
            if (value := getattr(statement, name))
        )
        lines.append(
            f'  <statement id={_quoted(statement.id)} code="{statement.event.code}" '
            f'event="{statement.event.name}" time="{to_text(statement.time)}"{recipient}{more}>'
        )
        lines += [f"    <recipient>{xml.escape(code)}</recipient>" for code in statement.recipients]
        for reason in statement.reasons:
            retry = ' retry="yes"' if reason.retry else ""
            lines.append(f"    <reason code={_quoted(reason.code)}{retry}>")
            lines.append(f'      <text lang="vi">{xml.escape(_plain(reason.text_vi))}</text>')
            lines.append(f'      <text lang="en">{xml.escape(_plain(reason.text_en))}</text>')
            lines.append("    </reason>")
        lines.append("  </statement>")
    return ("\n".join([*lines, "</receipt>"]) + "\n").encode()


def read(data: bytes, signer: str) -> Receipt:
    """The receipt in `data`, a verified parcel's content signed by `signer`.

    Raises :class:`Rejected` RECEIPT_INVALID unless writing it again gives `data`, the issuer is the signer,
    the signer may issue these events, about its own deliveries only, and each negative one has a reason.
    """
    return _judged(_read_written(data) or _read_parsed(data), signer)


def of(opened: Parcel) -> Receipt:
    """The receipt in a verified parcel, read once for this parcel. Raises :class:`Rejected` as :func:`read` does."""
    return opened.once(_read_parcel)


def _read_parcel(opened: Parcel) -> Receipt:
    return read(opened.content, opened.signer)


# The values in the text that :func:`write` gives, where none of them had to be escaped.
_HEAD = re.compile(
    r'<receipt xmlns="[^"]*" installation="([^"]*)" issuer="([^"]*)"(?: registry="([1-9][0-9]{0,8})")?>\n'
    r'  <submission id="([^"]*)" kind="([^"]*)" sender="([^"]*)" digest="([^"]*)">([^<]*)</submission>\n'
)
# What is in a statement is further in than where one begins: a text of beginnings is gone through once, not from each.
_STATEMENT = re.compile(
    r'^  <statement id="([^"]*)" code="[^"]*" event="([^"]*)" time="([^"]*)"(?: recipient="([^"]*)")?'
    r'(?: entry="([^"]*)")?(?: leg="([^"]*)")?(?: outcome="([^"]*)")?(?: evidence="([^"]*)")?>\n'
    r"((?:    .*\n)*)  </statement>\n",
    re.MULTILINE,
)
_RECIPIENT_LINE = re.compile(r"    <recipient>([^<]*)</recipient>\n")
_REASON = re.compile(
    r'    <reason code="([^"]*)"( retry="yes")?>\n      <text lang="vi">([^<]*)</text>\n'
    r'      <text lang="en">([^<]*)</text>\n    </reason>\n'
)
_LONGEST = 1_000_000  # bytes of a receipt that is read so


def _read_written(data: bytes) -> Receipt | None:
    """The receipt in a text that is, byte for byte, what :func:`write` gives for it: then any XML parser reads the same
    in it. None for every other text, and for one with something escaped in it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    head = _HEAD.search(text)
    if head is None or "&" in text or len(data) > _LONGEST or xml.NOT_TEXT.search(text):
        return None
    try:
        found = Receipt(
            head[1],
            head[2],
            Subject(head[4], head[5], head[6], head[8], head[7]),
            tuple(_written_statement(*one) for one in _STATEMENT.findall(text, head.end())),
            int(head[3] or 0),
        )
    except (ValueError, KeyError):
        return None
    if write(found) != data:
        return None
    counting.done.receipts += 1
    return found


def _written_statement(
    identifier: str,
    event: str,
    time: str,
    recipient: str,
    entry: str,
    leg: str,
    outcome: str,
    evidence: str,
    inner: str,
) -> Statement:
    recipients = tuple(_RECIPIENT_LINE.findall(inner))
    reasons = tuple(Reason(code, vi, en, bool(retry)) for code, retry, vi, en in _REASON.findall(inner))
    moment = from_text(time)
    return Statement(identifier, Event[event], moment, recipient, recipients, reasons, entry, leg, outcome, evidence)


def _read_parsed(data: bytes) -> Receipt:
    """The receipt in `data`, whoever signed it. Raises :class:`Rejected` RECEIPT_INVALID unless writing it again gives
    `data`."""
    root = xml.parse(data, max_bytes=2_000_000)
    counting.done.receipts += 1
    try:
        receipt = Receipt(
            xml.attribute(root, "installation"),
            xml.attribute(root, "issuer"),
            _subject(root[0]),
            tuple(_statement(child) for child in list(root)[1:]),
            int(root.get("registry", "0")),
        )
    except (ValueError, KeyError, IndexError) as error:
        raise rejected(Fault.RECEIPT_INVALID, f"{type(error).__name__} {str(error)[:100]}") from None
    if receipt.registry_version < 0 or write(receipt) != data:
        raise rejected(Fault.RECEIPT_INVALID, "not in the one allowed form")
    return receipt


def _judged(receipt: Receipt, signer: str) -> Receipt:
    """`receipt`, if `signer` may say this."""
    subject = receipt.subject
    if max(map(len, (subject.axis_id, subject.kind, subject.sender, subject.document_id))) > MAX_DOCUMENT_ID:
        raise rejected(Fault.RECEIPT_INVALID, "an identifier that is too long")
    if receipt.issuer != signer:
        raise rejected(Fault.RECEIPT_INVALID, f"issuer {receipt.issuer}, signed by {signer}")
    if not 1 <= len(receipt.statements) <= MAX_STATEMENTS:
        raise rejected(Fault.RECEIPT_INVALID, f"{len(receipt.statements)} statements")
    for statement in receipt.statements:
        if ("hub" if signer == HUB else "recipient") not in statement.event.issuers:
            raise rejected(Fault.RECEIPT_INVALID, f"{statement.event.code} issued by {signer}")
        if signer not in {HUB, statement.recipient}:
            raise rejected(Fault.RECEIPT_INVALID, f"{signer} speaks for {statement.recipient}")
        by_rule = statement.event in {Event.DeadlineWarning, Event.DeadlineExpiry, Event.DistributionCertificate}
        witness = statement.event is Event.ReceiptAcceptance
        if ((statement.leg or statement.outcome) and not by_rule) or (statement.evidence and not (by_rule or witness)):
            raise rejected(Fault.RECEIPT_INVALID, f"{statement.event.code} with what only T, S and R have")
        if bool(statement.reasons) == statement.event.positive:
            raise rejected(Fault.RECEIPT_INVALID, f"{statement.event.code} with {len(statement.reasons)} reasons")
    return receipt


def claimed(data: bytes) -> Receipt:
    """What `data` says, whoever signed it: for what cannot be verified. Raises :class:`Rejected` RECEIPT_INVALID."""
    said = _read_written(data) or _read_parsed(data)
    return _judged(said, said.issuer)


_QUOTED = re.compile('[&<>"\n\r\t]')


def _quoted(value: str) -> str:
    """`value` as an attribute's, in quotes."""
    return saxutils.quoteattr(value) if _QUOTED.search(value) else f'"{value}"'


def _plain(text: str) -> str:
    """`text` without the characters that XML 1.0 cannot carry or that reading would change."""
    return "".join(c if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff" else " " for c in text)


def _subject(element: _Element) -> Subject:
    return Subject(
        xml.attribute(element, "id"),
        xml.attribute(element, "kind"),
        xml.attribute(element, "sender"),
        element.text or "",
        xml.attribute(element, "digest"),
    )


def _statement(element: _Element) -> Statement:
    recipients = [c.text or "" for c in element if c.tag == f"{{{NAMESPACE}}}recipient"]
    return Statement(
        xml.attribute(element, "id"),
        Event[xml.attribute(element, "event")],
        from_text(xml.attribute(element, "time")),
        element.get("recipient", ""),
        tuple(recipients),
        tuple(
            Reason(xml.attribute(c, "code"), c[0].text or "", c[1].text or "", c.get("retry") == "yes")
            for c in element
            if c.tag == f"{{{NAMESPACE}}}reason"
        ),
        element.get("entry", ""),
        element.get("leg", ""),
        element.get("outcome", ""),
        element.get("evidence", ""),
    )


def signed(receipt: Receipt, signer: Signer, at: datetime) -> bytes:
    """The parcel of `receipt`, signed by its issuer at `at`."""
    return parcel.build(parcel.RECEIPT, write(receipt), (), signer, at)
