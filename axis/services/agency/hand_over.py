"""From the journal to the agency's system: prepared out of sight, shown once, answered with a signed receipt."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

from axis import crashpoints
from axis.core.agency import files
from axis.core.ledger import Entry
from axis.errors import AxisError, Corrupted, Fault, Problem, Rejected, Unavailable
from axis.services.agency.hear import asks_for_held, hear
from axis.services.agency.mail import axis_id, handing_over
from axis.services.agency.outcome import finish
from axis.services.agency.prepare import files_of, prepare
from axis.services.agency.publish import Fresh

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from axis.core.agency.files import Names
    from axis.core.receipt import Receipt
    from axis.infra.database import Row
    from axis.infra.journal.transaction import JournalTransaction
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Mail
    from axis.services.agency.prepare import Known

log = logging.getLogger("axis.deliver")
BATCH_MESSAGES = 50  # to hand over at once


def hand_over(agency: Agency, now: datetime) -> int:
    """Hand what is due over to the agency's system; how many things.

    Prepare (files written and flushed out of sight) → journal: handing over → show → journal: handed over,
    with E.1. After a crash in between, what is still out of sight is shown; what is not was shown before.
    A system that fetches its mail has it when it says so: until then it is shown.
    """
    waits = asks_for_held(agency, now) and bool(agency.journal.all.with_held([agency.code], now))
    done = hear(agency, now, holds=waits)
    showing = Showing(agency, now)
    showing.prepare(agency.journal.all.due([agency.code], now, BATCH_MESSAGES).show.get(agency.code, []))
    try:
        agency.flush()
    except Unavailable as error:
        showing.unprepared(error)
    if showing.is_marked_next:
        with agency.journal.transaction() as tx:
            showing.mark(tx)
    showing.show()
    try:
        agency.flush()
    except Unavailable as error:
        showing.not_flushed(error)
    if showing.has_outcome:
        with agency.journal.transaction() as tx:
            showing.finish(tx)
    return done + showing.count


class Showing:
    """What one agency is shown in one sweep. Its steps are those of :func:`hand_over`; between them all that was
    written is flushed, and what they change is committed, for all agencies of a process together."""

    def __init__(self, agency: Agency, now: datetime) -> None:
        self.agency = agency
        self.now = now
        self.mail: list[Mail] = []  # prepared before it is kept
        self.answers: list[bytes] = []  # receipts that were given, if they are published next
        self._confirm_by: datetime | None = None
        self._prepared: list[tuple[Row | dict[str, Any], Names, Receipt | None]] = []
        self._outcomes: list[tuple[Row | dict[str, Any], AxisError | None, Receipt | None]] = []
        self._shown: list[Row | dict[str, Any]] = []
        self._clearing: list[Row] = []
        self._cleared: list[tuple[Row, Unavailable | None]] = []
        self._withdrawn: set[str] = set()

    def prepare(self, due: Sequence[Row]) -> None:
        """Write the files of what is due out of sight."""
        agency = self.agency
        self._clearing = [row for row in due if row["state"] == "withdrawing"]
        rows = [row for row in due if row["state"] != "withdrawing"]
        if not rows:
            return
        with agency.journal.reading() as reader:
            alike = reader.same_before([row for row in rows if row["state"] == "received"])
            for row in rows:
                names: Names = [(folder, name) for folder, name in row["names"]]
                same = alike.get(row["id"])
                if same is not None:  # shown once, under the first axis id; the second is answered alike, and after it
                    first = Unavailable(Problem(Fault.ADAPTER_AWAY, got=f"{same['id']} first"))
                    self._outcomes.append((row, None if same["state"] == "handed_over" else first, None))
                    continue
                try:
                    prepared = prepare(agency, reader, row) if row["state"] == "received" else names
                    self._prepared.append((row, prepared, None))
                except (Unavailable, Rejected, Corrupted) as error:
                    self._outcomes.append((row, error, None))
                except AxisError:
                    raise
                except Exception as error:  # our own bug with this one
                    log.exception("%s: %s broke the adapter", agency.code, row["id"])
                    failure = Unavailable(Problem(Fault.INTERNAL, got=type(error).__name__))
                    self._outcomes.append((row, failure, None))

    def prepare_mail(self, mail: Sequence[Mail], known: Known) -> None:
        """The same for mail that is kept next: in one step it is here and will be shown. What cannot be prepared now,
        or may have to wait for something, is kept first and prepared later."""
        for one in mail:
            key = self.agency.code, one.facts.get("content_digest", "")
            if one.state != "received" or (one.kind != "receipt" and one.opened is None):
                continue
            if (self.agency.code, one.identifier) in known.here or key in known.here:
                continue
            known.here.add((self.agency.code, one.identifier))
            if one.kind != "receipt":
                known.here.add(key)
            try:
                made = files_of(self.agency, one, known)
                self.agency.adapter.prepare(made)
            except (Unavailable, Rejected, Corrupted) as error:
                log.debug("%s: %s not prepared at once: %s", self.agency.code, one.identifier, error)
                continue
            one.names = [(file.folder, file.name) for file in made]
            self.mail.append(one)

    @property
    def is_marked_next(self) -> bool:
        """Whether :meth:`mark` has something to do."""
        return any(row["state"] == "received" for row, _, _ in self._prepared)

    def mark(self, tx: JournalTransaction) -> None:
        """From here on the agency's system may see what was prepared."""
        self._withdrawn = set()
        for row, names, _ in self._prepared:
            if row["state"] == "received":
                entry = handing_over(self.agency, row, names, self.now)
                if not tx.handing_over(row["id"], names, entry):
                    self._withdrawn.add(row["id"])

    def show(self) -> None:
        """Show it; clear away what was withdrawn."""
        self._prepared += [(one.row, one.names, one.said) for one in self.mail if one.is_new]
        for row, names, accepted in self._prepared:
            if row["id"] in self._withdrawn:
                continue  # the next hand-over clears it away
            try:
                has_it = self.agency.adapter.complete(names)
            except (Unavailable, Rejected) as error:
                self._outcomes.append((row, error, accepted))
            else:
                if has_it or row["kind"] == "receipt":
                    self._outcomes.append((row, None, accepted))
                else:
                    self._shown.append(row)
        for one in self._clearing:
            try:
                self.agency.adapter.discard(files.names_of_document(str(one["id"])))
            except Unavailable as error:
                self._cleared.append((one, error))
            else:
                self._cleared.append((one, None))
        crashpoints.reached("D04")

    def unprepared(self, failure: AxisError) -> None:
        """What was written may not be on disk: it is written once more, and nothing of it shown before."""
        for one in self.mail:
            one.names = []
        self.mail = []
        fresh = [(row, failure, accepted) for row, _, accepted in self._prepared if row["state"] == "received"]
        self._prepared = [one for one in self._prepared if one[0]["state"] != "received"]
        self._outcomes += fresh

    def fresh(self) -> list[Fresh]:
        """The receipts that were given, and are published now."""
        digests = [hashlib.sha256(one).hexdigest() for one in self.answers]
        return [
            Fresh(self.agency, digest, one, urgent=False, confirm_by=self._confirm_by)
            for digest, one in zip(digests, self.answers, strict=True)
        ]

    def not_flushed(self, failure: AxisError) -> None:
        """What was shown may not be on disk: it is shown once more."""
        self._outcomes = [(row, before or failure, accepted) for row, before, accepted in self._outcomes]
        self._shown = []

    @property
    def has_outcome(self) -> bool:
        """Whether :meth:`finish` has something to do."""
        return bool(self._outcomes or self._shown or self._cleared)

    @property
    def count(self) -> int:
        """How many things were dealt with."""
        return len(self._outcomes) + len(self._shown) + len(self._cleared)

    def finish(self, tx: JournalTransaction, confirm_by: datetime | None = None) -> None:
        """Record how it went. With `confirm_by` the receipts are published next, and noted so."""
        self.answers, self._confirm_by = [], confirm_by
        for row, failure, accepted in self._outcomes:
            finish(self.agency, tx, row, failure, self.now, accepted, (confirm_by, self.answers))
        for row in self._shown:
            tx.shown(row["id"], Entry(self.now, self.agency.code, f"{row['kind']}.shown", axis_id(row)))
        for cleared, away in self._cleared:
            finish(self.agency, tx, cleared, away, self.now) if away else tx.cleared(cleared["id"])
