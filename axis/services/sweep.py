"""One sweep over all agencies of a process: each step is done for all of them at once.

Take mail, look at the outboxes, write files out of sight → flush → one transaction: what has come is kept, what is new
is frozen, what is prepared will be shown → acknowledge → show → flush → one transaction: handed over, with the receipts
→ publish. Each file system is flushed twice, however many files and agencies there are; and once more for each agency
that was told what proves receipts, however many.

What goes wrong with one agency ends its own sweep, and nobody else's: a transaction that fails for all is made for
each alone. A sweep is bounded by count, bytes and time; another agency is the first in each. One agency is n = 1.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from axis import crashpoints
from axis.core.edxml import Kind
from axis.core.homes import Standing
from axis.errors import AxisError, Corrupted, Fault, Unavailable, away
from axis.infra.journal.transaction import JournalTransaction
from axis.services import turns
from axis.services.agency import hand_over, hear, proofs, publish, readable, standing, submit, take, withdraw, witness
from axis.services.agency.adapter import Outbox
from axis.services.agency.mail import Mail
from axis.services.agency.prepare import know

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from axis.adapters.base import Source
    from axis.core.message import Delivered, Line, Outcome, Route
    from axis.infra.journal.due import Due
    from axis.infra.journal.journals import Journals
    from axis.services.agency.adapter import Agency
    from axis.services.agency.hand_over import Showing
    from axis.services.agency.mail import Judged
    from axis.services.agency.publish import Fresh, Letters
    from axis.services.agency.submit import Gathered

    Change = Callable[[JournalTransaction], None]

log = logging.getLogger("axis.sweep")
MESSAGES, BYTES = 200, 32 * 1024 * 1024  # taken, and looked for, in one sweep
SECONDS = 1.0  # after which no more is looked for
T = TypeVar("T")


class Sweep:
    """A sweep over these agencies; afterwards `done` says how much was done for whom, and `failed` what went wrong.

    Not `thorough`: only who seems to have something to do, as far as this program knows without asking anybody. Of the
    sources of one agency it takes `batch` at most; None: as many as make a batch."""

    def __init__(
        self,
        agencies: Sequence[Agency],
        now: datetime,
        *,
        thorough: bool = True,
        batch: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.failed: dict[str, Exception] = {}
        self.passed_over: set[str] = set()  # whose sources were not looked at, for it took too long already
        self.has_more = False  # somebody has more mail, or more to send, than was dealt with
        self._now = now
        self._batch = batch
        self._stopped = stopped
        self._away: dict[str, Unavailable] = {}
        self._until = time.monotonic() + SECONDS
        self._begin(agencies)
        self._each(agencies, lambda one: one.keep_time(now))
        self._awake: set[str] = set()
        if not thorough:
            for journals, those in _journals(agencies).items():
                self._awake |= set(journals.awake([one.code for one in those], now))
        self._agencies = [one for one in agencies if thorough or self._seems_busy(one)]
        # Before anything is asked of an adapter: what it answers next may be that nothing has changed since.
        self._listed = {one.code for one in self._agencies if thorough or _has_sources(one)}
        self._run()
        for one in self._agencies:
            one.is_unsure = one.is_unsure or one.code in self.failed

    @property
    def attended(self) -> set[str]:
        """Who took part."""
        return {one.code for one in self._agencies}

    # -- The steps ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        if not self._agencies:
            return
        working = [one for one, is_ready in self._each(self._agencies, self._is_ready) if is_ready]
        self._publish_again([one for one in working if one.is_unsure])
        judged = self._judge(self._take(working))
        self._begin(working)  # who has a new registry
        working = [one for one, works in self._each(working, _works) if works]
        others = [one for one in judged if one not in working]  # have just been told to do nothing more
        self._each(others, lambda one: take.keep_all(one, judged.pop(one), self._now))
        heard = self._hear(working)
        due = self._due(working)
        deciding = [one for one in working if _decides(one, judged, due, self._now)]
        showing = self._prepare([one for one in heard if one not in deciding], judged, due)
        gathered = self._gather(working)
        self._flush_prepared(showing)
        self._keep(working, judged, showing, gathered)
        self._acknowledge(judged)
        self._decide(deciding)
        self._show(showing)
        self._finish(showing)
        self._leave_answered(judged, due)
        self._publish(working, due, gathered, showing)
        self._answer_log(working)
        self._each_system([one for one in working if one.proving], lambda agency: proofs.show(agency, self._now))
        for one in working:
            if one.code not in self.failed:
                self.done[one.code] += readable.step(one)
                one.reached(self._away.get(one.code))

    def _begin(self, agencies: Sequence[Agency]) -> None:
        """Those that ask for it are told what their journals have: one question for all."""
        for journals, those in _journals([one for one in agencies if one.needs_start]).items():
            found = self._together(those, lambda: journals.starts([one.code for one in those]))  # noqa: B023
            if found is not None:
                for one in those:
                    one.begin(found[one.code])

    def _is_ready(self, agency: Agency) -> bool:
        """Whether it works: the hub has said that its home is the one that does."""
        if agency.standing is not Standing.CURRENT:
            self.done[agency.code] += standing.ask(agency, self._now)
            if agency.standing is not Standing.BEHIND:
                self.done[agency.code] += take.take(agency, self._now, urgent_only=True)
            return False
        agency.open()
        return True

    def _publish_again(self, agencies: Sequence[Agency]) -> None:
        """What an earlier run, or a sweep that failed, has noted as published and perhaps has not published is due."""
        for journals, those in _journals(agencies).items():
            self._together(those, lambda: note_later(those))  # noqa: B023
            self._together(those, lambda: journals.tried_before(self._now, [one.code for one in those]))  # noqa: B023
            for one in those:
                one.is_unsure = one.code in self.failed

    def _take(self, agencies: Sequence[Agency]) -> dict[Agency, list[Delivered]]:
        taken: dict[Agency, list[Delivered]] = {}
        for one in agencies:
            one.turn += 1
        for line, those in _lines(self._rotated(agencies)).items():
            if line is None:
                for one, mail in self._each(those, self._take_alone):
                    self.has_more |= turns.is_full(mail)
                    if mail:
                        taken[one] = mail
                continue
            room, size = MESSAGES, BYTES
            for lane in _lanes(those[0].turn):
                found = self._together(those, lambda: _receive(line, those, lane, room, size))  # noqa: B023
                for one, mail in zip(those, found or (), strict=False):
                    if mail:
                        taken.setdefault(one, []).extend(mail)
                        room -= len(mail)
                        size -= sum(len(d.message.body) + len(d.message.proof) for d in mail)
        for one, mail in taken.items():
            self.done[one.code] += len(mail)
        if taken:
            crashpoints.reached("D01")
        return taken

    def _take_alone(self, agency: Agency) -> list[Delivered]:
        return turns.take(agency.broker, take.routes(agency), agency.turn, 0)

    def _judge(self, taken: dict[Agency, list[Delivered]]) -> dict[Agency, Judged]:
        return {
            one: judged
            for one, (judged, _) in self._each(taken, lambda agency: take.judge(agency, taken[agency], self._now))
        }

    def _hear(self, agencies: Sequence[Agency]) -> list[Agency]:
        """What their systems have said: the receipt goes before what they want sent. Whose system is there."""
        asking = [one for one in agencies if hear.asks_for_held(one, self._now)]
        held: set[str] = set()
        for journals, those in _journals(asking).items():
            codes = [one.code for one in those]
            held |= self._together(those, lambda: journals.with_held(codes, self._now)) or set()  # noqa: B023
        found = self._each_system(agencies, lambda agency: hear.hear(agency, self._now, holds=agency.code in held))
        for one, count in found:
            self.done[one.code] += count
        return [one for one, _ in found]

    def _due(self, agencies: Sequence[Agency]) -> dict[str, Due]:
        """What is due in the journals, by agency."""
        found: dict[str, Due] = {}
        for journals, those in _journals(agencies).items():
            due = self._ask(journals, those)
            if due is not None:
                lifted = [one for one in those if one.code in due.lifted]
                for one, count in self._each_system(lifted, submit.tell_lifted):
                    self.done[one.code] += count
                found |= dict.fromkeys((one.code for one in those), due)
        return found

    def _ask(self, journals: Journals, agencies: Sequence[Agency]) -> Due | None:
        codes = journals.awake((one.code for one in agencies if one.code not in self.failed), self._now)
        return self._together(agencies, lambda: journals.due(codes, self._now, hand_over.BATCH_MESSAGES))

    def _decide(self, agencies: Sequence[Agency]) -> None:
        """Recalls and updates are decided about before anything more of that agency is shown."""
        for one, count in self._each(agencies, lambda agency: withdraw.step(agency, self._now)):
            self.done[one.code] += count
        for one, count in self._each_system(agencies, lambda agency: hand_over.hand_over(agency, self._now)):
            self.done[one.code] += count

    def _prepare(
        self, agencies: Sequence[Agency], judged: dict[Agency, Judged], due: dict[str, Due]
    ) -> dict[Agency, Showing]:
        showing = {one: hand_over.Showing(one, self._now) for one in agencies if one.code not in self.failed}
        for journals, those in _journals(list(showing)).items():
            mail = [one for agency in those for one in _mail(judged.get(agency, []))]
            known = self._together(those, lambda: know(journals, mail)) if mail else None  # noqa: B023
            for agency in those:
                rows = due[agency.code].show.get(agency.code, []) if agency.code in due else []
                own = _mail(judged.get(agency, []))

                def prepare(agency: Agency, rows: Any = rows, own: Any = own, known: Any = known) -> None:
                    showing[agency].prepare(rows)
                    if known is not None:
                        showing[agency].prepare_mail(own, known)

                if rows or own:
                    self._each_system([agency], prepare)
        return {one: found for one, found in showing.items() if one.code not in self._away}

    def _gather(self, agencies: Sequence[Agency]) -> dict[Agency, Gathered]:
        gathered: dict[Agency, Gathered] = {}
        looked = dict(self._each_system(self._until_full(agencies), self._look))
        self.has_more |= any(one.outbox.has_more for one in looked)
        known: dict[tuple[str, str], Any] = {}
        for journals, those in _journals(list(looked)).items():
            asked = [(one.code, source.digest) for one in those for source in looked[one]]
            known |= self._together(those, lambda: journals.outgoing_of(asked)) or {}  # noqa: B023
        count, size = 0, 0
        for one, sources in looked.items():
            is_late = self._stopped() or time.monotonic() > self._until
            if count >= MESSAGES or size >= BYTES or (count and is_late):
                submit.put_back(one, sources)
                continue
            left = BYTES - size

            def gather(agency: Agency, sources: Any = sources, left: int = left) -> Gathered:
                return submit.gather(agency, sources, known, self._now, left)

            for _, found in self._each_system([one], gather):
                if found.changes or found.then:
                    gathered[one] = found
                    count, size = count + len(found.changes), size + found.size
        return gathered

    def _look(self, agency: Agency) -> list[Source]:
        at_all = agency.code in self._listed or agency.away is not None
        return submit.look(agency, at_all=at_all, most=self._batch)

    def _until_full(self, agencies: Sequence[Agency]) -> Iterator[Agency]:
        """Those whose sources are looked at: no more than fit into a sweep, and nobody's once it is to stop."""
        rotated = self._rotated(agencies)
        for place, one in enumerate(rotated):
            if self._stopped() or (place and time.monotonic() > self._until):
                self.passed_over = {each.code for each in rotated[place:]}
                return
            yield one

    def _flush_prepared(self, showing: dict[Agency, Showing]) -> None:
        for one, failure in self._flush(showing).items():
            showing[one].unprepared(failure)

    def _keep(
        self,
        agencies: Sequence[Agency],
        judged: dict[Agency, Judged],
        showing: dict[Agency, Showing],
        gathered: dict[Agency, Gathered],
    ) -> None:
        changes: dict[Agency, list[Change]] = {}
        for one in agencies:
            if one.code in self.failed:
                continue
            own: list[Change] = [_keeps(one, d, change, self._now) for d, change in judged.get(one, [])]
            if one in gathered:
                own += gathered[one].changes
            if one in showing and showing[one].is_marked_next:
                own.append(showing[one].mark)
            if one.later or own:
                changes[one] = [*one.later, *own]
        if any(one in gathered for one in changes):
            crashpoints.reached("C01")
        mail = [one for agency in changes for one in _mail(judged.get(agency, []))]
        for one, error in self._commit(changes, mail).items():
            self._keep_alone(one, error, judged)
        crashpoints.reached("D02")
        for one in changes:
            if one.code in self.failed:
                one.outbox = Outbox()
                continue
            one.later.clear()
            if one in gathered:
                self.done[one.code] += len(gathered[one].changes)
                for step in gathered[one].then:
                    step()
        if any(one in gathered for one in changes):
            crashpoints.reached("C02")

    def _keep_alone(self, agency: Agency, error: Exception, judged: dict[Agency, Judged]) -> None:
        """Its part of the transaction failed by itself: of its mail that may be one message, which is found."""
        mine = judged.pop(agency, [])
        if isinstance(error, AxisError) or not mine:
            self.failed[agency.code] = error
            return
        for _ in self._each([agency], lambda one: take.keep_all(one, mine, self._now)):
            self.failed[agency.code] = error

    def _acknowledge(self, judged: dict[Agency, Judged]) -> None:
        left = [one for one in judged if one.code not in self.failed]
        for line, those in _lines(left).items():
            if line is None:
                self._each(those, lambda agency: take.acknowledge(agency, judged[agency]))
                continue
            done = [take.acknowledged(judged[one]) for one in those]
            self._together(those, lambda: line.ack(list(zip((one.broker for one in those), done, strict=True))))  # noqa: B023
            self._each(those, lambda agency: take.reject(agency, judged[agency]))

    def _show(self, showing: dict[Agency, Showing]) -> None:
        self._each_system([one for one in showing if one.code not in self.failed], lambda one: showing[one].show())
        for one, failure in self._flush(showing).items():
            showing[one].not_flushed(failure)

    def _finish(self, showing: dict[Agency, Showing]) -> None:
        confirm_by = publish.confirm_by(self._now)
        changes: dict[Agency, list[Change]] = {
            one: [_finishes(found, confirm_by)]
            for one, found in showing.items()
            if found.has_outcome and one.code not in self.failed
        }
        self.failed |= {one.code: error for one, error in self._commit(changes, []).items()}
        for one in changes:
            if one.code not in self.failed:
                self.done[one.code] += showing[one].count

    def _leave_answered(self, judged: dict[Agency, Judged], due: dict[str, Due]) -> None:
        """What was due before the mail of this sweep was kept, and is answered by it, is not published once more."""
        both = [one for one in judged if one.code in due and due[one.code].publish.get(one.code)]
        for journals, those in _journals(both).items():
            asked = [(one.code, row["source_digest"]) for one in those for row in due[one.code].publish[one.code]]
            known = self._together(those, lambda: journals.outgoing_of(asked)) or {}  # noqa: B023
            waiting = {pair: row["parcel_digest"] for pair, row in known.items() if row["state"] == "pending"}
            for one in those:
                rows = due[one.code].publish[one.code]
                left = [row for row in rows if waiting.get((one.code, row["source_digest"])) == row["parcel_digest"]]
                due[one.code].publish[one.code] = left

    def _publish(
        self,
        agencies: Sequence[Agency],
        due: dict[str, Due],
        gathered: dict[Agency, Gathered],
        showing: dict[Agency, Showing],
    ) -> None:
        letters: dict[Agency, Letters] = {}
        for one in self._rotated(agencies):
            fresh: list[Fresh] = gathered[one].frozen if one in gathered else []
            if one in showing:
                fresh = [*showing[one].fresh(), *fresh]
            found = due.get(one.code)
            rows = found.publish.get(one.code, []) if found else []
            posts = found.post.get(one.code, []) if found else []
            if not (fresh or rows or posts):
                continue

            def read(agency: Agency, rows: Any = rows, posts: Any = posts, fresh: Any = fresh) -> Letters:
                made = publish.Letters(agency, self._now)
                made.read(rows, posts, fresh)
                return made

            letters |= dict(self._each([one], read))
        sent: dict[Agency, Sequence[Outcome]] = {}
        if any(made.messages for made in letters.values()):
            crashpoints.reached("C05")
        for line, those in _lines([one for one, made in letters.items() if made.messages]).items():
            if line is None:
                sent |= dict(self._each(those, lambda agency: agency.broker.publish(letters[agency].messages)))
                continue
            parts = [(one.broker, letters[one].messages) for one in those]
            found_outcomes = self._together(those, lambda: line.publish(parts))  # noqa: B023
            sent |= dict(zip(those, found_outcomes or (), strict=False))
        changes: dict[Agency, list[Change]] = {}
        for one, made in letters.items():
            if one in sent:
                made.confirm(sent[one])
                if made.has_news:
                    changes[one] = [made.note]
                if (later := made.noted_later()) is not None:
                    one.later.append(later)
            if one.code not in self.failed:
                self.done[one.code] += made.count
        self.failed |= {one.code: error for one, error in self._commit(changes, []).items()}

    def _answer_log(self, agencies: Sequence[Agency]) -> None:
        """What those say who were asked to cosign: it is committed. What does not arrive is asked for again."""
        owing = [one for one in agencies if one.owes_word and one.code not in self.failed]
        said = {one: word for one, word in self._each(owing, lambda agency: witness.answer(agency, self._now)) if word}
        for line, those in _lines(list(said)).items():
            if line is None:
                self._each(those, lambda agency: agency.broker.publish([said[agency]]))
                continue
            parts = [(one.broker, [said[one]]) for one in those]
            self._together(those, lambda: line.publish(parts))  # noqa: B023
        for one in said:
            self.done[one.code] += 1

    # -- How they are done for many ------------------------------------------------------------------------------

    def _seems_busy(self, agency: Agency) -> bool:
        if not agency.is_open or agency.standing is not Standing.CURRENT:
            return True
        if agency.trouble is not None or agency.away is not None or agency.has_copies:
            return True
        if agency.shown_again is not None or agency.code in self._awake or agency.later or agency.owes_word:
            return True
        try:
            line = _line_of(agency)
            if line is None or line.may_have_mail(agency.code):
                return True
            return _has_sources(agency)
        except Exception:  # noqa: BLE001  it is found again where it counts
            return True

    def _rotated(self, agencies: Sequence[Agency]) -> list[Agency]:
        """Another one is the first each time."""
        if not agencies:
            return []
        first = agencies[0].turn % len(agencies)
        return [*agencies[first:], *agencies[:first]]

    def _each(self, agencies: Iterable[Agency], step: Callable[[Agency], T]) -> list[tuple[Agency, T]]:
        """This step of each agency; whose step fails takes part in nothing more."""
        found = []
        for one in agencies:
            if one.code in self.failed:
                continue
            try:
                found.append((one, step(one)))
            except Exception as error:  # noqa: BLE001  whatever it is, it is this agency's
                self.failed[one.code] = error
        return found

    def _each_system(self, agencies: Iterable[Agency], step: Callable[[Agency], T]) -> list[tuple[Agency, T]]:
        """The same of a step that needs the agency's own system: while that is away its other steps go on."""
        found = []
        for one in agencies:
            if one.code in self.failed:
                continue
            try:
                found.append((one, step(one)))
            except Unavailable as error:
                if error.fault is Fault.ADAPTER_AWAY:
                    self._away[one.code] = error
                else:
                    self.failed[one.code] = error
            except Exception as error:  # noqa: BLE001  as above
                self.failed[one.code] = error
        return found

    def _together(self, agencies: Iterable[Agency], step: Callable[[], T]) -> T | None:
        """A step that is one for all of these: when it fails, it fails for each."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001  as above
            self.failed |= {one.code: error for one in agencies if one.code not in self.failed}
            return None

    def _flush(self, showing: dict[Agency, Showing]) -> dict[Agency, Unavailable]:
        failed: dict[str, OSError] = {}
        for disk in {id(one.disk): one.disk for one in self._agencies}.values():
            if disk is not None:
                failed |= disk.flush()
        return {one: away(failed[one.code]) for one in showing if one.code in failed}

    def _commit(self, changes: dict[Agency, list[Change]], mail: Sequence[Mail]) -> dict[Agency, Exception]:
        """One transaction for all; if it fails, one for each. Whose failed, and why."""
        failed: dict[Agency, Exception] = {}
        for journals, those in _journals(list(changes)).items():
            try:
                _write(journals, {one: changes[one] for one in those}, mail)
            except Exception as error:
                if len(those) == 1 or _is_the_worlds(error):
                    failed |= dict.fromkeys(those, error)
                    continue
                log.warning("what %d agencies change failed; each is tried alone", len(those), exc_info=error)
                for one in those:
                    try:
                        _write(journals, {one: changes[one]}, [m for m in mail if m.agency is one])
                    except Exception as own:  # noqa: BLE001
                        failed[one] = own
        return failed


def note_later(agencies: Iterable[Agency]) -> None:
    """What is noted with whatever is next is noted now."""
    for journals, those in _journals([one for one in agencies if one.later]).items():
        _write(journals, {one: one.later for one in those}, [])
        for one in those:
            one.later.clear()


def _write(journals: Journals, changes: dict[Agency, list[Change]], mail: Sequence[Mail]) -> None:
    with journals.transaction() as writes:
        if mail:
            take.expect(writes, mail)
        for agency, own in changes.items():
            tx = JournalTransaction(writes, agency.code)
            for change in own:
                change(tx)


def _is_the_worlds(error: Exception) -> bool:
    return isinstance(error, Unavailable | Corrupted) and error.fault is Fault.STORE_DOWN


def _has_sources(agency: Agency) -> bool:
    """Whether its adapter may have something new to send; what is wrong with it is found where it counts."""
    try:
        return not agency.is_open or submit.has_sources(agency)
    except Exception:  # noqa: BLE001  see above
        return True


def _works(agency: Agency) -> bool:
    return agency.standing is Standing.CURRENT and agency.is_enrolled()


def _decides(agency: Agency, judged: dict[Agency, Judged], due: dict[str, Due], now: datetime) -> bool:
    """Whether there is a recall or an update to be decided about, or anything to be given up."""
    waits = agency.code in due and agency.code in due[agency.code].decide
    mail = _mail(judged.get(agency, []))
    if waits or any(one.kind in {Kind.RECALL, Kind.UPDATE} for one in mail):
        return True
    shown = agency.code in due and due[agency.code].show.get(agency.code)
    return bool(mail or shown) and withdraw.is_past(agency, now)


def _mail(judged: Judged) -> list[Mail]:
    return [one for _, one in judged if isinstance(one, Mail)]


def _keeps(agency: Agency, delivered: Delivered, change: Any, now: datetime) -> Change:
    return lambda tx: take.keep(agency, tx, delivered, change, now)


def _finishes(showing: Showing, confirm_by: datetime) -> Change:
    return lambda tx: showing.finish(tx, confirm_by)


def _lanes(turn: int) -> tuple[bool | None, bool | None]:
    """Urgent mail of all comes before ordinary mail of any, but not always: (first, then); None: whatever waits."""
    return (False, None) if turn % turns.ORDINARY_FIRST == turns.ORDINARY_FIRST - 1 else (True, None)


def _receive(line: Line, agencies: Sequence[Agency], lane: bool | None, room: int, size: int) -> list[list[Delivered]]:
    parts: list[tuple[Any, list[Route]]] = []
    for one in agencies:
        routes = [route for route in take.routes(one) if lane is None or route.urgent is lane]
        parts.append((one.broker, routes))
    return line.receive(parts, limit=room, max_bytes=size)


def _line_of(agency: Agency) -> Line | None:
    return getattr(agency.broker, "line", None)


def _lines(agencies: Sequence[Agency]) -> dict[Line | None, list[Agency]]:
    """The agencies by what their brokers have in common."""
    found: dict[Line | None, list[Agency]] = {}
    for one in agencies:
        found.setdefault(_line_of(one), []).append(one)
    return found


def _journals(agencies: Sequence[Agency]) -> dict[Journals, list[Agency]]:
    """The agencies by the database of their journals: one for all of a home."""
    found: dict[Journals, list[Agency]] = {}
    for one in agencies:
        found.setdefault(one.journal.all, []).append(one)
    return found
