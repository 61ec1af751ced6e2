"""A hub with agencies around it, all of it values: what happens is chosen, and what agencies say follows from it.

An adapter decides as :mod:`axis.services.agency.withdraw` does: hand-over and withdrawal compete for a document, and one
of them comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from axis.core import edxml
from axis.core.message import Outcome
from axis.core.receipt import Event
from axis.errors import Fault
from tests.hub import mail
from tests.hub.memory import Hub, rules
from tests.hub.record import Record
from tests.line import document, recall, replacement, status, update

if TYPE_CHECKING:
    from random import Random

    from axis.core.hub.dossier import Delivery, Document
    from axis.core.hub.opened import Opened
    from axis.core.hub.rules import Rules

SENDERS = ("G22", "H29")
RECIPIENTS = ("H41", "G06", "H29.10")
UNITS = ("H41", "H41.05", "G06", "H29.10")  # H41.05 is a unit of H41
NUMBERS = (1, 2)
TO = (("H41", "G06"), ("H41.05", "H29.10"), ("H41", "H41.05", "G06", "H29.10"), ("H41",), ("G06",))
CODES = ("01", "02", "03", "04", "06", "15", "15", "15", "16")
CHANGES: tuple[tuple[bool, tuple[str, ...], tuple[str, ...]], ...] = (
    (True, (), ()),
    (True, ("H29.10",), ()),
    (False, ("H41.05",), ()),
    (False, ("H29.10",), ("G06",)),
    (True, ("G06",), ("H41",)),
)
BAD_RECEIPTS = (Fault.SIG_SIGNER, Fault.KEY_EXPIRED, Fault.SIG_VALUE)


@dataclass
class Adapter:
    """An agency's adapter: what is in its queue, and what has become of each document."""

    code: str
    queue: list[str] = field(default_factory=list)  # delivery ids
    documents: dict[Document, str] = field(default_factory=dict)
    answers: dict[str, list[Opened]] = field(default_factory=dict)  # by delivery: what it has said about it
    unsent: list[Opened] = field(default_factory=list)

    def take(self, hub: Hub, delivery_id: str, *, refuses: bool) -> None:
        """A delivery has come: hand it over, refuse it, or take back what it takes back."""
        if delivery_id in self.answers:  # it came before
            self.unsent += self.answers[delivery_id]
            return
        row = hub.record.deliveries[delivery_id]
        self.answers[delivery_id] = [
            mail.said(hub, self.code, row.axis_id, *events, why=why) for events, why in self._decide(row, refuses)
        ]
        self.unsent += self.answers[delivery_id]

    def _decide(self, row: Delivery, refuses: bool) -> list[tuple[tuple[Event, ...], tuple[Fault, ...]]]:
        known = self.documents.get(row.document, "")
        if row.role == "status":
            return [((Event.ContentHandover,), ())]
        if row.role == "recall":
            if known == "handed over":
                late = ((Event.ContentWithdrawalFailure,), (Fault.RECALL_LATE,))
                return [late, ((Event.ContentHandover,), ())]
            if known == "refused":
                return [((Event.ContentWithdrawalFailure,), (Fault.RECALL_VOID,))]
            self.documents[row.document] = "withdrawn"
            return [((Event.ContentWithdrawal,), ())]
        if known == "withdrawn":
            return []
        if known != "handed over":
            self.documents[row.document] = "refused" if refuses else "handed over"
        return [((Event.ContentHandoverFailure if refuses else Event.ContentHandover,), ())]


class World:
    """A hub, its agencies, and what may happen; `chance` chooses."""

    def __init__(self, chance: Random, rule: Rules | None = None) -> None:
        self.chance = chance
        self.hub = Hub(rule=rule or rules())
        self.adapters = {code: Adapter(code) for code in self.hub.rules.registry.by_code if code != "HUB"}
        self.sent: list[Opened] = []

    # -- What agencies send ---------------------------------------------------------------------------------------

    def messages(self, most: int) -> list[Opened]:
        """Some messages as they may come together."""
        found: list[Opened] = []
        for _ in range(self.chance.randint(1, most)):
            one = self._message()
            if one is not None:
                found.append(one)
                self.sent.append(one)
        return found

    def _message(self) -> Opened | None:
        kind = self.chance.randrange(20)
        if kind < 8:
            return self._receipt()
        if kind < 10 and self.sent:
            return self._once_more()
        if kind == 10:
            return self._odd()
        return self._submission()

    def _receipt(self) -> Opened | None:
        """What an adapter has to say, in any order; now and then what it said before, or what nobody believes."""
        waiting = [one for one in self.adapters.values() if one.unsent]
        if not waiting:
            return self._submission()
        adapter = self.chance.choice(waiting)
        one = adapter.unsent.pop(self.chance.randrange(len(adapter.unsent)))
        if self.chance.randrange(8) == 0:
            adapter.unsent.append(one)
            return mail.unbelieved(one, self.chance.choice(BAD_RECEIPTS))
        return one

    def _once_more(self) -> Opened:
        """The same message, or the same content in another parcel."""
        one = self.chance.choice(self.sent[-12:])
        if one.candidate is None or self.chance.randrange(2):
            return one
        return mail.again(one, self.chance.randrange(1, 3))

    def _odd(self) -> Opened:
        """What the hub cannot take as it is."""
        chance, record = self.chance, self.hub.record
        which = chance.randrange(4)
        out = sorted(name for name, one in record.deliveries.items() if one.tried)  # nobody knows the ids of others
        if which == 0 or not out:
            return mail.garbage(chance.choice(SENDERS), b"bad %d" % chance.randrange(2))
        row = record.deliveries[chance.choice(out)]
        if which == 1:  # what nobody could say honestly
            event = chance.choice([e for e in Event if "recipient" in e.issuers])
            return mail.said(self.hub, row.recipient, row.axis_id, event, why=(Fault.RECALL_VOID,))
        if which == 2:  # somebody to whom it did not go
            return mail.said(self.hub, chance.choice(RECIPIENTS), row.axis_id, Event.ContentHandover)
        shown = mail.said(self.hub, row.recipient, row.axis_id, Event.ContentHandover)
        shown = chance.choice(
            [*(one for known in self.adapters.values() for a in known.answers.values() for one in a), shown]
        )
        assert shown.said is not None or shown.claimed is not None
        said = shown.said or shown.claimed
        to = said.subject.sender if said is not None else "G22"
        return mail.shown(mail.unbelieved(shown, Fault.SIG_SIGNER), to)

    def _submission(self) -> Opened:
        chance = self.chance
        sender, number, kind = chance.choice(SENDERS), chance.choice(NUMBERS), chance.randrange(12)
        if kind < 4:
            data = document(number, sender, chance.choice(TO), subject=chance.choice("AAAB"))
        elif kind == 4:
            data = taken_back(sender, number, chance.choice(RECIPIENTS))
        elif kind < 7:
            data = recall(number, chance.choice(TO), sender, chance.choice("AB"))
        elif kind < 9:
            changes_content, add, remove = chance.choice(CHANGES)
            content = chance.choice((b"one", b"two"))
            to = chance.choice(TO[:3])
            data = update(number, to, sender, content, changes_content=changes_content, add=add, remove=remove)
        elif kind == 9:
            replaced = {number: chance.choice(TO[:2])}
            if chance.randrange(2):
                replaced[3 - number] = chance.choice(TO[:2])
            data = replacement(chance.choice((3, number)), replaced, chance.choice(TO[:2]), sender)
        else:
            data = status(
                chance.choice(CODES), chance.choice((*NUMBERS, 3)), (who := chance.choice(UNITS)), sender, "so"
            )
            sender = self.hub.rules.registry.member_for(who).code
        return mail.submission(data, sender, self.hub.rules, signed=self.hub.now)

    # -- What happens around the hub ------------------------------------------------------------------------------

    def publish(self) -> None:
        """Some of what is due is published, with whatever outcome."""
        due = self.hub.due()
        rows = [name for name in due if self.chance.randrange(3)]
        chance = self.chance.randrange(10)
        outcome = (
            Outcome.CONFIRMED if chance < 8 else self.chance.choice([Outcome.FAILED, Outcome.RETURNED, Outcome.FULL])
        )
        for row in self.hub.publish(rows, outcome):
            if row.delivery_id:
                self.adapters[row.code].queue.append(row.delivery_id)

    def take(self) -> None:
        """Some adapters take some of what is in their queues."""
        for adapter in self.adapters.values():
            while adapter.queue and self.chance.randrange(4):
                place = self.chance.randrange(len(adapter.queue)) if self.chance.randrange(3) == 0 else 0
                adapter.take(self.hub, adapter.queue.pop(place), refuses=self.chance.randrange(6) == 0)

    def wait(self) -> None:
        """Time passes."""
        time = self.chance.choice((timedelta(seconds=6), timedelta(hours=3), timedelta(days=2)))
        self.hub.wait(time, at_once=not self.chance.randrange(4))

    def rest(self) -> None:
        """Everything that is under way arrives and is answered; what adapters say is recorded."""
        for _ in range(20):
            for row in self.hub.publish():
                if row.delivery_id:
                    self.adapters[row.code].queue.append(row.delivery_id)
            for adapter in self.adapters.values():
                while adapter.queue:
                    adapter.take(self.hub, adapter.queue.pop(0), refuses=False)
                if adapter.unsent:
                    self.hub.submit(*adapter.unsent)
                    adapter.unsent.clear()
            if not self.hub.due():
                return
        raise AssertionError(self.hub.record.outbox)

    def put_back(self, kept: Record) -> None:
        """An older record takes the place of the hub's: what agencies have sent since is not known any more, may have
        been delivered, and comes again. Adapters keep what they know, and say again what they have said."""
        self.hub.put_back(kept)
        for adapter in self.adapters.values():
            adapter.unsent = [one for said in adapter.answers.values() for one in said]
            adapter.queue.clear()
        again = self.sent[-20:]
        self.chance.shuffle(again)
        for one in again:
            if one.candidate is not None:
                self.hub.submit(one)


def taken_back(sender: str, number: int, holder: str) -> bytes:
    """A recall in the form of a status: 13."""
    about = edxml.ResponseFor(
        holder, f"{number}/TN-{sender}", f"{sender},2026/11/23,{number}/TN-{sender}", "2026/11/23"
    )
    return edxml.status_packet(edxml.Organ(sender, ""), about, "13", datetime(2026, 11, 23, 4, 0, tzinfo=UTC), "nham")
