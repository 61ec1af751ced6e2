"""What is done with a record about an application: judged, noted, sent on; at its sender and at each recipient.

The steps are the same for every kind: read it, judge it by what is known here, and note what stands after it. A sender
sends it in between; a recipient refuses what its own record contradicts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from axis.core.applications import application as rules
from axis.core.applications import payment, post
from axis.core.applications import question as questions
from axis.core.applications.figures import Happened
from axis.core.applications.payment import Answer, Channel, Payment, Result
from axis.core.applications.post import Order
from axis.core.applications.status import IN_ITS_HANDS, Post
from axis.core.instant import from_text, to_text
from axis.errors import Fault, Problem, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from axis.adapters.spool.store import Spool
    from axis.core.applications.application import Application
    from axis.core.edxml import Packet

MAX_RECORD = 2_000_000  # bytes of the attachment that holds it
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LISTED = 500  # questions of one answer
APPLICATION, PROGRESS, CORRECTION = "MCDT_DT", "DVCQG_PROGRESS", "DVCQG_CORRECTION"
REQUEST, ANSWER = "DVCQG_PAYMENT_REQUEST", "DVCQG_PAYMENT_ANSWER"
COLLECTION, RETURN, RATING = "DVCQG_POSTAL_COLLECTION", "DVCQG_POSTAL_RETURN", "DVCQG_RATING"
QUESTION, REPLY = "DVCQG_QUESTION", "DVCQG_REPLY"
ATTACHMENTS = {
    APPLICATION: "application.json",
    PROGRESS: "progress.json",
    CORRECTION: "correction.json",
    REQUEST: "payment.json",
    ANSWER: "payment-answer.json",
    COLLECTION: "postal.json",
    RETURN: "postal.json",
    RATING: "rating.json",
    QUESTION: "question.json",
    REPLY: "reply.json",
}


@dataclass(frozen=True)
class Judged:
    """A record that may stand: about which application or question, as of when (the same whenever it is sent), whom it
    concerns beside the portal's owner, what it is called, how it is noted."""

    number: str
    at: datetime
    parties: tuple[str, ...]
    title: str
    note: Callable[[], None]


@dataclass(frozen=True)
class Sent:
    """Who sends a record: `by`, with attachments of these names. `owner`: who runs the portal, and alone says what was
    paid and how it was rated. `told`: it comes from another agency; what is not known here yet is taken as it is.
    `now`: the time of what says none itself."""

    by: str
    files: Collection[str]
    owner: str
    told: bool = False
    now: datetime = NEVER

    def is_owner(self) -> bool:
        """Whether it is who runs the portal."""
        return bool(self.owner) and rules.speaks_for(self.owner, self.by)

    def demand(self, *allowed: str) -> None:
        """Raise :class:`Rejected` APPLICATION_PARTY for anybody but these, those above them, and the portal's owner."""
        if not self.is_owner() and not any(rules.speaks_for(self.by, one) for one in allowed):
            expected = " / ".join(dict.fromkeys((*allowed, self.owner or "portal.owner")))
            raise Rejected(Problem(Fault.APPLICATION_PARTY, "madonvi", expected, self.by))


def judge(spool: Spool, kind: str, value: Any, sent: Sent) -> Judged:
    """Judge a record of `kind` by what the spool knows. Raises :class:`Rejected` with every finding."""
    by = sent.by
    if kind == APPLICATION:
        return _application(spool, value, sent)
    if kind == PROGRESS:
        step = rules.read_progress(value)
        return _noted(spool, rules.advance(spool.application(step.number), step, by), step.at)
    if kind == CORRECTION:
        mended = rules.read_correction(value)
        return _noted(spool, rules.correct(spool.application(mended.number), mended, by), mended.at)
    if kind == REQUEST:
        return _request(spool, value, sent)
    if kind == ANSWER:
        return _answer(spool, value, sent)
    if kind in {COLLECTION, RETURN}:
        return _post(spool, value, "collection" if kind == COLLECTION else "return", sent)
    if kind in {QUESTION, REPLY}:
        return _question(spool, value, sent) if kind == QUESTION else _reply(spool, value, sent)
    fields = rules.Fields(value)  # a rating: the citizen's own word
    sent.demand()
    number, at = fields.number(), fields.time("ThoiDiem")
    fields.refuse()
    known = _known(spool, number)
    return _judged(known, at, lambda: None)


def take(spool: Spool, packet: Packet, attachments: Collection[bytes], owner: str) -> Callable[[], None] | None:
    """What is to be noted of a packet that is handed over to this spool; None where it is about no application, or is
    one of OpenCPS, whose record no machine reads. Raises :class:`Rejected` where the spool's own record contradicts it:
    it is refused then."""
    kind = packet.header.value("ApplicationType")
    wanted = ATTACHMENTS.get(kind)
    names = [info.name for info in packet.attachments]
    if wanted is None or wanted not in names:
        return None
    content = list(attachments)[names.index(wanted)]
    return judge(spool, kind, read(content), Sent(packet.sender.organ_id, names, owner, told=True)).note


def read(content: bytes) -> Any:
    """The record in an attachment. Raises :class:`Rejected` PACKET_VALUE."""
    try:
        if len(content) > MAX_RECORD:
            raise ValueError
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Rejected(Problem(Fault.PACKET_VALUE, "JSON", f"JSON, {MAX_RECORD} B", f"{len(content)} B")) from None


def _known(spool: Spool, number: str) -> Application:
    known = spool.application(number)
    if known is None:
        raise Rejected(Problem(Fault.APPLICATION_UNKNOWN, "MaHoSo"))
    return known


def _judged(known: Application, at: datetime, note: Callable[[], None]) -> Judged:
    return Judged(known.number, at, (known.receiver, known.resolver), known.service, note)


def _noted(spool: Spool, after: Application, at: datetime) -> Judged:
    return _judged(after, at, lambda: spool.note_applications([after]))


def _application(spool: Spool, value: Any, sent: Sent) -> Judged:
    said, letter = rules.read_application(value, sent.by), rules.apology(value)
    known = spool.application(said.number)
    if sent.told and known is None:
        after = rules.heard(said, sent.by)
    else:
        after = rules.synchronise(known, said, sent.by, letter, sent.files)
    return _noted(spool, after, said.changed_at)


def _request(spool: Spool, value: Any, sent: Sent) -> Judged:
    said = payment.read_request(value)
    known = _known(spool, said.number)
    sent.demand(known.receiver, known.resolver)
    after = payment.ask(_payment(spool.order("payment", said.order)), said)
    content = _plain(after)
    note = partial(spool.note_order, "payment", said.order, said.number, content)
    return _judged(known, known.changed_at, note)


def _answer(spool: Spool, value: Any, sent: Sent) -> Judged:
    said = payment.read_answer(value)
    known = _known(spool, said.number)
    sent.demand()
    after = payment.answered(_payment(spool.order("payment", said.order)), said)

    def note() -> None:
        spool.note_order("payment", said.order, said.number, _plain(after))
        if said.at is not None:
            spool.note_event(said.number, Happened.PAID, said.order, said.at, said.bank)

    return _judged(known, said.at or known.received_at, note)


def _post(spool: Spool, value: Any, direction: post.Direction, sent: Sent) -> Judged:
    said = post.read_order(value, direction)
    known = _known(spool, said.number)
    sent.demand(known.receiver, known.resolver)
    before = spool.order(direction, said.order)
    after = post.carry(_order(before), said)

    def note() -> None:
        spool.note_order(direction, said.order, said.number, _plain(after))
        if after.status in IN_ITS_HANDS:
            kind = Happened.COLLECTED if direction == "collection" else Happened.RETURNED
            spool.note_event(said.number, kind, said.order, said.at)

    return _judged(known, said.at, note)


# -- Questions and answers ---------------------------------------------------------------------------------------------

_KIND, _TITLE = "question", "Hỏi đáp"


def _question(spool: Spool, value: Any, sent: Sent) -> Judged:
    """One that the portal's owner passes on to whose it is; or one that an agency publishes at the portal, answered."""
    said = questions.read_question(value)
    asker = sent.owner if sent.is_owner() else said.agency
    if not sent.is_owner():
        sent.demand(said.agency)
        if not said.answer:
            raise Rejected(Problem(Fault.PACKET_MISSING, "NOIDUNGTRALOI", "NOIDUNGTRALOI"))
    return _about(spool, asker, asdict(said), said.agency, sent)


def _reply(spool: Spool, value: Any, sent: Sent) -> Judged:
    """The answer to one of the portal's, by whom it was passed on to."""
    said = questions.read_reply(value)
    known = spool.order(_KIND, f"{sent.owner}/{said.id}")
    if known is None:
        raise Rejected(Problem(Fault.NOT_FOUND, "HOIDAPID", got=said.id))
    sent.demand(known["agency"])
    content = {name: text for name, text in known.items() if name != "at"} | {"answer": said.answer}
    return _about(spool, sent.owner, content, known["agency"], sent)


def _about(spool: Spool, asker: str, content: dict[str, str], agency: str, sent: Sent) -> Judged:
    key = f"{asker}/{content['id']}"
    known = spool.order(_KIND, key) or {}
    same = all(known.get(name) == text for name, text in content.items())
    at = from_text(known["at"]) if same else sent.now  # the same record is the same packet
    number = questions.number(asker, content["id"], at)
    note = partial(spool.note_order, _KIND, key, number, content | {"at": to_text(at)})
    return Judged(number, at, (agency,), _TITLE, note)


def listed(spool: Spool, owner: str, *, of_owner: bool) -> list[dict[str, str]]:
    """The newest questions that are known here: those of the portal's citizens, or those that agencies have published;
    each as it is told to a system."""
    return [
        {
            "HOIDAPID": one["id"],
            "MADONVI": one["agency"],
            "MaLinhVuc": one["field"],
            "NOIDUNG": one["text"],
            "NOIDUNGTRALOI": one["answer"],
        }
        for key, one in spool.orders(_KIND, MAX_LISTED)
        if key.startswith(f"{owner}/") is of_owner
    ]


# -- Orders as JSON ----------------------------------------------------------------------------------------------------


def _plain(value: Payment | Order) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(value), default=to_text))  # type: ignore[no-any-return]


def _payment(content: dict[str, Any] | None) -> Payment | None:
    if content is None:
        return None
    given = content["answer"]
    if given is not None:
        at = from_text(given["at"]) if given["at"] else None
        channel = Channel(given["channel"]) if given["channel"] else None
        given = replace(Answer(**given), result=Result(given["result"]), at=at, channel=channel)
    return replace(Payment(**content), answer=given)


def _order(content: dict[str, Any] | None) -> Order | None:
    if content is None:
        return None
    return replace(Order(**content), status=Post(content["status"]), at=from_text(content["at"]))
