"""Messages as values: what was verified and judged, without a signature or a container."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from axis.core import admission, edxml, parcel, receipt
from axis.core.hub.opened import Opened
from axis.core.identity import same_id
from axis.core.message import Message, Route
from axis.core.parcel import Parcel
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.core.trust import Member
from axis.errors import Fault, Problem, Rejected
from tests.hub.memory import INSTALLATION, NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.admission import Candidate
    from axis.core.hub.rules import Rules
    from axis.core.trust import Registry
    from tests.hub.memory import Hub

SKEW = timedelta(minutes=5)


@lru_cache(maxsize=4096)
def _content(data: bytes, at: str, within: str) -> tuple[bytes, tuple[bytes, ...], str]:
    """(document, attachments, content digest) of a packet as an adapter sends it."""
    read = edxml.convert(data)
    assert read.packet is not None, read.problems
    document = edxml.write_document(edxml.with_terms(read.packet, at, within))
    return document, read.attachments, parcel.digest_of(parcel.DOCUMENT, document, read.attachments)


_JUDGED: dict[tuple[str, str, int, bool], tuple[Registry, Candidate | tuple[Problem, ...]]] = {}


def _judged(found: Parcel, rules: Rules) -> Candidate | tuple[Problem, ...]:
    """What the hub's admission makes of it, remembered by what it says: reading XML is no part of these tests."""
    registry = rules.registry
    key = (found.signer, found.content_digest, id(registry), rules.follow_successors)
    if key not in _JUDGED:
        now, follow = found.signing_time, rules.follow_successors
        try:
            made = admission.judge(found, found.signer, found.signer, registry, now, SKEW, follow)
        except Rejected as error:
            _JUDGED[key] = (registry, error.problems)
        else:
            _JUDGED[key] = (registry, made)
    judged = _JUDGED[key][1]
    return judged if isinstance(judged, tuple) else replace(judged, parcel=found)


def submission(
    data: bytes, sender: str, rules: Rules, *, again: int = 0, signed: datetime = NOW, at: str = "", within: str = ""
) -> Opened:
    """Agency `sender` sends this packet; another `again` is the same content in another parcel. `at`, `within`: when it
    shall be delivered."""
    document, contents, digest = _content(data, at, within)
    at = signed + timedelta(milliseconds=again)
    made = parcel._VERIFIER  # as if it had been verified: nobody else makes one
    found = Parcel(sender, at, parcel.DOCUMENT, document, contents, digest, b"", made)
    body = f"{sender} {digest} {found.signing_time}".encode()
    message = Message(hashlib.sha256(body).hexdigest()[:16], Route("in", sender), body, user_id=sender)
    own = hashlib.sha256(body).hexdigest()
    judged = _judged(found, rules)
    if isinstance(judged, tuple):
        return Opened(message, own, found, problems=judged)
    return Opened(message, own, found, candidate=judged, documents=judged.documents)


def garbage(sender: str, body: bytes = b"no parcel", *faults: Fault, retry: bool = False) -> Opened:
    """What cannot be verified."""
    message = Message(hashlib.sha256(body).hexdigest()[:16], Route("in", sender), body, user_id=sender)
    problems = tuple(Problem(fault, retry=retry) for fault in faults or (Fault.PARCEL_ZIP,))
    return Opened(message, hashlib.sha256(body).hexdigest(), None, problems=problems)


def said(
    hub: Hub, recipient: str, axis_id: str, *events: Event, why: Sequence[Fault] = (), at: datetime | None = None
) -> Opened:
    """The adapter of `recipient` says this of its delivery of submission `axis_id`."""
    about = hub.record.submissions[axis_id]
    subject = Subject(about.axis_id, about.kind, about.sender, about.document_id, about.content_digest)
    return spoken(hub, recipient, subject, *(statement(recipient, one, why, at or hub.now) for one in events))


def statement(recipient: str, event: Event, why: Sequence[Fault], at: datetime) -> Statement:
    """One statement of a recipient's adapter."""
    found = () if event.positive else receipt.reasons([Problem(one) for one in why or (Fault.DELIVERY_INVALID,)])
    name = hashlib.sha256(f"{recipient}{event}{at}".encode()).hexdigest()[:36]
    return Statement(name, event, at, recipient, (), found, "e" * 64)


def spoken(hub: Hub, recipient: str, subject: Subject, *statements: Statement, origin: str = "") -> Opened:
    """A receipt of `recipient`."""
    value = Receipt(INSTALLATION, recipient, subject, statements)
    body = receipt.write(value)
    message = Message(statements[0].id, Route("in", recipient), body, user_id=recipient, origin=origin)
    document_id = same_id(subject.document_id)
    owner = hub.rules.registry.author(document_id, subject.sender, hub.now)
    digest = hashlib.sha256(body).hexdigest()
    return Opened(message, digest, None, is_receipt=True, said=value, documents=((owner, document_id),))


def unbelieved(one: Opened, *faults: Fault) -> Opened:
    """The same receipt where its signature was found bad for these reasons."""
    problems = tuple(Problem(fault, retry=fault in parcel.CIRCUMSTANCES) for fault in faults)
    return replace(one, said=None, claimed=one.said, documents=(), problems=problems)


def again(one: Opened, times: int) -> Opened:
    """The same content in another parcel."""
    assert one.parcel is not None
    at = one.parcel.signing_time + timedelta(milliseconds=times)
    found = replace(one.parcel, signing_time=at, made_by=parcel._VERIFIER)
    candidate = replace(one.candidate, parcel=found) if one.candidate is not None else None
    body = one.message.body + b" again %d" % times
    digest = hashlib.sha256(body).hexdigest()
    message = replace(one.message, id=digest[:16], body=body)
    return replace(one, message=message, digest=digest, parcel=found, candidate=candidate)


def shown(one: Opened, agency: str) -> Opened:
    """A receipt that `agency` shows to the hub: it has come to it, and is not its own."""
    return replace(one, message=replace(one.message, route=Route("in", agency), user_id=agency))


def closing(code: str, until: datetime | None = None, successor: str = "") -> Member:
    """An agency, closed from a moment on if there is one."""
    return Member(code, f"Cơ quan {code}", valid_until=until, successor=successor)
