"""The agencies witness the log: they are asked to cosign its checkpoint, and told what a quorum has cosigned.

Apart from what accepts documents, once in a minute or ten thousand entries, and never where nothing has happened. Asked
is who has a witness key in the registry, and whose adapter has said that it works: one of before would take the
question for bad mail. One that does not answer is asked ever more seldom.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from axis.core import witnesses
from axis.core.instant import from_text, to_text
from axis.core.ledger import Entry
from axis.core.log import checkpoint, exchange, merkle, note, own, policy, tiles
from axis.core.log.exchange import Told
from axis.core.log.note import Note
from axis.core.log.witness import Request
from axis.core.message import Message, Outcome, Route
from axis.core.registry import HUB
from axis.errors import Fault, Problem, Rejected
from axis.infra import policies
from axis.infra.log import store
from axis.infra.log.store import Cosigned, Witness
from axis.infra.record import homes, lease, ledger
from axis.services.hub.asking import ANSWERS, Round, Untold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from axis.core.log.note import VerifierKey
    from axis.core.log.policy import Policy
    from axis.core.message import Delivered
    from axis.infra.log.store import Head
    from axis.infra.record.store import HubReader
    from axis.services.hub.asking import Asking
    from axis.services.hub.worker import Hub

log = logging.getLogger("axis.witness")
DUTY = "witness"  # to ask: its lease
EVERY, MANY = timedelta(seconds=60), 10_000  # so often, or after so many entries
PATIENCE, LONGEST = timedelta(minutes=10), timedelta(days=1)  # with one that does not answer
BEHIND = timedelta(seconds=0.5)  # between two portions, where no answer comes before
CHUNK = 2000  # entries of the ledger that are looked through at a time, for whom they are about
MOST_NODES = 50_000  # hashes of the tree that are remembered
MOST_PLACES = 10_000  # that are remembered for an agency; it is told before more is looked through for it
# Who are asked or told in one portion: those that share a process answer, check, keep and show all at once, and mail
# waits so long.
WITNESSES, ENTRIES = 20, 150  # agencies; entries, one agency's more or less
MOST_LINES = note.MAX_SIGNATURES - 1


def step(hub: Hub, now: datetime) -> int:
    """Ask the witnesses and tell them, if it is time; how many messages. Asks nobody, not even the record, where
    nothing has come since and everybody has answered."""
    known = hub.asking
    if hub.log_key is None or not hub.logged:
        return 0
    if known.next is None:
        known.next = known.look = now + EVERY
    has_many = bool(known.asked) and hub.logged - known.asked >= MANY
    # One round of asking is finished first: witnesses that are asked about different checkpoints are no quorum of any.
    is_time = hub.logged > known.asked and known.round is None and (now >= known.next or has_many)
    if not is_time and (known.look is None or now < known.look):
        return 0
    known.look = now  # should it fail in between
    _note_policy(hub, now)
    counts = witnesses.policy_of(hub.registry())
    if counts is None or not _hold(hub, now):
        known.rest_until(now + EVERY)
        return 0
    with hub.store.reading() as reader:
        head = store.head(reader.connection)
        if head is None or head.origin != counts.log.name or not head.checkpoint:
            known.asked = hub.logged
            known.rest_until(now + EVERY)
            return 0
        known.turn_to(head.number)
        there, keys = store.witnesses(reader.connection), witnesses.of(hub.registry())
        works = homes.agencies(reader) if hub.homes_ask else set(keys)
        those = {code: _of(there.get(code), code, head) for code in keys if code in works}
        cosigned = store.witnessed(reader.connection)
        node = _cached(known.nodes, tiles.reader(head.frontier.size, store.fetcher(reader.connection)))
        if is_time:
            is_first = store.last_asked(reader.connection, head.number)[:10] < to_text(now)[:10]
            known.round = Round(head, is_first, _answering(those.values(), head))
        of = known.round or Round(head, is_first=False, to_ask=())
        portion, later = of.to_ask[:WITNESSES], of.to_ask[WITNESSES:]
        asked = [one for code, one in those.items() if code not in later]
        letters = _to_ask(asked, of.about, node, now, portion, is_first=of.is_first)
        if cosigned is not None and cosigned.log == head.number:
            letters += _to_tell(reader, known, those.values(), cosigned, node)
    if letters:
        those |= _send(hub, those, letters, of.about, now)
    known.round = replace(of, to_ask=later) if later else None
    if is_time:
        known.asked, known.next, known.wait = head.frontier.size, now + EVERY, ANSWERS
    _look_again(known, those.values(), head.frontier.size, cosigned.size if cosigned is not None else 0, now)
    return len(letters)


def _send(
    hub: Hub, before: dict[str, Witness], letters: Sequence[Letter], head: Head, now: datetime
) -> dict[str, Witness]:
    """Note what is sent, and send it; what is known of its witnesses then. It is noted first: another worker may hear
    the answer. What the broker did not take is as if it had not been tried."""
    after: dict[str, Witness] = {}
    for letter in letters:
        after[letter.code] = letter.noted(after.get(letter.code, before[letter.code]))
    with hub.store.transaction() as tx:
        store.keep_witnesses(tx.connection, list(after.values()))
        if any(letter.asked is not None for letter in letters):
            store.keep_asked(tx.connection, head, now)
            store.prune(tx.connection, head.number)
    outcomes = hub.broker.publish([letter.message for letter in letters])
    failed = {one.code for one, outcome in zip(letters, outcomes, strict=True) if outcome is not Outcome.CONFIRMED}
    if failed:
        again = {code: before[code] for code in failed}
        with hub.store.transaction() as tx:
            store.keep_witnesses(tx.connection, list(again.values()))
        after |= again
    return after


def _note_policy(hub: Hub, now: datetime) -> None:
    """Another policy in the registry is noted, whoever has put it there: ``axis witness status`` and doctor say so."""
    text = witnesses.text_in(hub.registry())
    if text == hub.asking.policy:
        return
    with hub.store.transaction() as tx:
        if policies.note(tx.connection, HUB, text, now):
            log.warning("the registry has another witness policy than before; see axis witness status")
    hub.asking.policy = text


def _hold(hub: Hub, now: datetime) -> bool:
    with hub.store.transaction() as tx:
        return lease.hold(tx, DUTY, hub.worker, now) is not None


def _of(known: Witness | None, code: str, head: Head) -> Witness:
    """What is known of this witness; of a new one, or of another log, its own entries are counted from the newest
    entry on."""
    if known is not None and known.log == head.number:
        return known
    since = head.frontier.size - 1
    return Witness(code, head.number, since=since, told=since, trouble=known.trouble if known is not None else "")


def _look_again(known: Asking, those: Collection[Witness], size: int, told: int, now: datetime) -> None:
    """When it is looked for answers, or somebody asked again, if anybody owes one; or who else is asked or told."""
    owing = [one for one in those if one.cosigned < size and one.tries and one.asked_at]
    known.look = min((from_text(one.asked_at) + _patience(one) for one in owing), default=None)
    if known.wait < EVERY and owing:
        known.look, known.wait = now + known.wait, known.wait * 2
    if known.round is not None or any(_is_to_be_told(one, told) for one in those):
        known.look = now + BEHIND


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to a witness; up to which size it asks it, or what it tells it: up to which place, so many entries."""

    code: str
    message: Message
    asked: tuple[int, datetime] | None = None
    told: tuple[int, int] | None = None

    def noted(self, before: Witness) -> Witness:
        """What is known of the witness when it has gone."""
        if self.asked is not None:
            size, at = self.asked
            return replace(before, asked=size, asked_at=to_text(at), tries=before.tries + 1)
        end, count = self.told or (before.told, 0)
        return replace(before, told=end, entries=before.entries + count)


# -- To ask -----------------------------------------------------------------------------------------------------------


def _answering(those: Iterable[Witness], head: Head) -> list[str]:
    """Who has answered what it was asked last, and has cosigned less than there is."""
    return [one.code for one in those if one.cosigned < head.frontier.size and _has_answered(one)]


def _has_answered(one: Witness) -> bool:
    return not one.tries or not one.asked_at


def _to_ask(
    those: Iterable[Witness],
    about: Head,
    node: Callable[[int, int], bytes],
    now: datetime,
    portion: Collection[str],
    *,
    is_first: bool,
) -> list[Letter]:
    """Of these, who is in this portion, was never asked, or has not answered for long enough. The first checkpoint of a
    day (UTC) is cosigned with both keys."""
    size, proofs = about.frontier.size, dict[int, tuple[bytes, ...]]()
    letters = []
    for one in those:
        if one.cosigned >= size or not (one.code in portion or _is_to_be_asked_again(one, now)):
            continue
        if one.cosigned not in proofs:
            spans = merkle.consistency_spans(one.cosigned, size) if one.cosigned else []
            proofs[one.cosigned] = tuple(merkle.span_hash(span, node) for span in spans)
        first = is_first and one.code in portion
        body = exchange.write_ask(Request(one.cosigned, proofs[one.cosigned], about.checkpoint), is_first=first)
        letters.append(Letter(one.code, _message(one.code, body), asked=(size, now)))
    return letters


def _is_to_be_asked_again(one: Witness, now: datetime) -> bool:
    return not one.asked_at or (one.tries > 0 and from_text(one.asked_at) + _patience(one) <= now)


def _patience(one: Witness) -> timedelta:
    wait: timedelta = PATIENCE * 2 ** min(max(one.tries - 1, 0), 10)
    return min(wait, LONGEST)


def _message(code: str, body: bytes) -> Message:
    return Message(uuid.uuid4().hex, Route("out", code, urgent=True), body)


# -- To tell ----------------------------------------------------------------------------------------------------------


def _to_tell(
    reader: HubReader,
    known: Asking,
    those: Iterable[Witness],
    cosigned: Cosigned,
    node: Callable[[int, int], bytes],
) -> list[Letter]:
    """A portion of what has its quorum: to each that answers and has not been told, in turn, the next of its own
    entries, or at once that there are none."""
    waiting = {one.code: one for one in those if _is_to_be_told(one, cosigned.size)}
    untold = known.untold = _still_untold(known.untold, waiting.values())
    _look_through(reader, untold, cosigned.size)
    portion = _portion(untold, cosigned.size)
    found = _entries(reader, portion)
    letters = []
    for code, places in portion.items():
        untold[code] = untold.pop(code)  # the others' turn is next, whether it is taken or not
        one, entries = waiting[code], tuple(found[place] for place in places)
        upto = untold[code].upto if len(places) == len(untold[code].places) else places[-1]
        told = Told(
            cosigned.note,
            one.cosigned,
            _between(one.cosigned, cosigned.size, node),
            one.since,
            one.told,
            upto,
            one.entries,
            entries,
            {
                span: merkle.span_hash(span, node)
                for entry in entries
                for span in merkle.inclusion_spans(entry.position - 1, cosigned.size)
            },
        )
        letters.append(Letter(code, _message(code, exchange.write_told(told)), told=(upto, len(entries))))
    return letters


def _still_untold(known: dict[str, Untold], waiting: Iterable[Witness]) -> dict[str, Untold]:
    """What is known of the entries of those who wait, in the order of their turns; who is new has his last."""
    found = {}
    for one in waiting:
        old = known.get(one.code)
        if old is None or not old.start <= one.told <= old.upto:
            found[one.code] = Untold(one.told, one.told)
        elif old.start == one.told:
            found[one.code] = old
        else:
            found[one.code] = Untold(one.told, old.upto, [place for place in old.places if place > one.told])
    return {code: found[code] for code in dict.fromkeys([*known, *found]) if code in found}


def _look_through(reader: HubReader, known: dict[str, Untold], size: int) -> None:
    """Learn of the next entries of the ledger for whom they are; who is far behind does not keep the others waiting."""
    behind: dict[int, list[str]] = {}
    for code, one in known.items():
        if one.upto < size and len(one.places) < MOST_PLACES:
            behind.setdefault(one.upto, []).append(code)
    for start in sorted(behind)[-2:]:
        end = min(start + CHUNK, size)
        found = _places(reader, start, end)
        for code in behind[start]:
            known[code].places += found.get(code, ())
            known[code].upto = end


def _portion(known: dict[str, Untold], size: int) -> dict[str, list[int]]:
    """The places that are told next, of all together few enough."""
    found: dict[str, list[int]] = {}
    count = 0
    for code, one in known.items():
        if len(found) == WITNESSES or count >= ENTRIES:
            break
        if one.upto == size or len(one.places) >= ENTRIES:
            found[code] = one.places[:ENTRIES]
            count += len(found[code])
    return found


def _is_to_be_told(one: Witness, size: int) -> bool:
    """Whether it has not been told up to this size, and listens: it has something against the log otherwise."""
    return bool(one.cosigned) and not one.trouble and one.told < size


def _cached(known: dict[tuple[int, int], bytes], node: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """The same, with what is known: portion after portion is proved with most of the same nodes."""
    if len(known) > MOST_NODES:
        known.clear()

    def found(level: int, index: int) -> bytes:
        place = level, index
        if place not in known:
            known[place] = node(level, index)
        return known[place]

    return found


def _between(one: int, other: int, node: Callable[[int, int], bytes]) -> tuple[bytes, ...]:
    old, size = sorted((one, other))
    return tuple(merkle.span_hash(span, node) for span in merkle.consistency_spans(old, size))


def _places(reader: HubReader, start: int, end: int) -> dict[str, list[int]]:
    """The places of the entries behind place `start` to `end`, by the agencies that they are about."""
    rows = store.entries(reader.connection, start, end - start)
    senders = store.senders(reader.connection, {row.axis_id for row in rows if row.axis_id})
    found: dict[str, list[int]] = {}
    for row in rows:
        for code in own.agencies(json.loads(row.canonical), senders.get(row.axis_id, "")):
            found.setdefault(code, []).append(row.position)
    return found


def _entries(reader: HubReader, portion: Mapping[str, Sequence[int]]) -> dict[int, exchange.Entry]:
    """The entries at these places."""
    rows = store.entries_at(reader.connection, {place for places in portion.values() for place in places})
    return {row.position: exchange.Entry(row.position, row.canonical, bytes.fromhex(row.salt)) for row in rows}


# -- What they say ----------------------------------------------------------------------------------------------------


def hear(hub: Hub, taken: Sequence[Delivered], now: datetime) -> None:
    """Keep what witnesses have cosigned, and where they are; what is none of theirs is rejected. One transaction."""
    if not taken:
        return
    registry = hub.registry()
    keys, counts = witnesses.of(registry), witnesses.policy_of(registry)
    others = witnesses.of(registry, note.ML_DSA_44_COSIGNATURE)
    bad: list[Delivered] = []
    with hub.store.transaction() as tx:
        head = store.head(tx.connection)
        there = store.witnesses(tx.connection)
        said = [(one, exchange.read_said(one.message.body)) for one in taken]
        sizes = sorted({word.size for _, word in said if word is not None})
        asked = store.cosigned(tx.connection, head.number, sizes) if head is not None else {}
        sheets = {size: Sheet(one) for size, one in asked.items()}
        changed: dict[str, Witness] = {}
        for delivered, word in said:
            code = delivered.message.route.code
            before = changed.get(code, there.get(code))
            if word is None or code not in keys:
                bad.append(delivered)
                continue
            if before is None or head is None or before.log != head.number:
                continue  # about a log that has ended
            after = replace(before, told=min(before.told, max(word.told, before.since)), trouble=word.trouble)
            if after.told < before.told:
                after = replace(after, entries=word.entries)
            if word.trouble and word.trouble != before.trouble:
                log.error("%s cosigns nothing more: %s", code, word.trouble)
                detail = {"code": word.trouble, "size": word.size}
                ledger.enter(tx, Entry(now, HUB, "witness.stopped", "", code, detail))
            sheet = sheets.get(word.size)
            if sheet is not None and sheet.takes(word.line, keys[code]):
                if code in others:
                    sheet.takes(word.other, others[code])
                after = replace(after, cosigned=word.size, cosigned_at=to_text(now), tries=0)
            elif sheet is not None and word.line:  # all it says is under a key that nobody knows as its
                if before.trouble != Fault.WITNESS_KEY.code:
                    log.error("%s", Problem(Fault.WITNESS_KEY, path=code).text())
                changed[code] = replace(before, trouble=Fault.WITNESS_KEY.code)
                continue
            elif not word.trouble:  # it is elsewhere
                after = replace(after, cosigned=min(word.size, head.frontier.size), tries=0)
            if after.cosigned < before.asked and not word.trouble:  # asked again at once, from where it is
                after = replace(after, asked_at="")
            changed[code] = after
        for sheet in sheets.values():
            if sheet.added:
                store.keep_cosigned(tx.connection, sheet.kept(counts, now))
        store.keep_witnesses(tx.connection, list(changed.values()))
    if bad:
        log.error("%d words about the log are not believed", len(bad))
        hub.broker.reject(bad)
    hub.broker.ack([one for one in taken if one not in bad])
    hub.asking.look = now


class Sheet:
    """A checkpoint that the witnesses were asked to cosign, and the lines that come for it: it is read once for all of
    them, and only the line that has just come is verified."""

    def __init__(self, asked: Cosigned) -> None:
        self.asked = asked
        self.note = note.read(asked.note)
        self.others = note.signatures(asked.others)
        self.added: list[note.Signature] = []
        self._there = {(one.name, one.id) for one in (*self.note.signatures, *self.others)}

    def takes(self, text: str, key: VerifierKey) -> bool:
        """Whether this is the line of this witness here; it is added where it has none yet, and there is room."""
        if not text:
            return False
        try:
            line = note.signature(text)
            if checkpoint.verified(Note(self.note.text, (line,)), key) is None:
                return False
        except Rejected:
            return False
        lines = self.others if key.kind == note.ML_DSA_44_COSIGNATURE else (*self.note.signatures, *self.added)
        if (line.name, line.id) not in self._there and len(lines) < MOST_LINES:
            self._there.add((line.name, line.id))
            (self.others if lines is self.others else self.added).append(line)
        return True

    def kept(self, counts: Policy | None, now: datetime) -> Cosigned:
        """With what was added; where a quorum is complete with it, that is noted."""
        data, asked = self.note.with_signatures(self.added).data, self.asked
        return replace(
            asked,
            note=data,
            witnessed_at=asked.witnessed_at or self._since(data, counts, now),
            others="".join(one.line for one in self.others),
            others_at=asked.others_at or (now if self._has_others(counts) else None),
        )

    def _has_others(self, counts: Policy | None) -> bool:
        """Whether those of whom these lines are would make a quorum: a name of the policy for each key of theirs."""
        if counts is None or not self.others:
            return False
        by = {one.name for one in self.others}
        return counts.has_quorum([name for name, key in counts.counting.items() if key.name in by])

    def _since(self, data: bytes, counts: Policy | None, now: datetime) -> datetime | None:
        """By their names first: while a quorum is not there, nothing is verified for it."""
        if counts is None:
            return None
        names = [name for name, key in counts.witnesses.items() if (key.name, key.id) in self._there]
        if not counts.has_quorum(names):
            return None
        try:
            policy.witnessed(data, counts)
        except Rejected as error:
            log.warning("%s", error.problems[0].text())
            return None
        return now
