"""The spool: an agency's mail for systems that fetch it, in one SQLite file and a folder of packets.

It is the adapter of such an agency, and what the servers in front of it (VXP, HTTP) put into and take out of
(:mod:`~axis.adapters.spool.store`). A document lies here until its system says that it has it: only then is it handed
over.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from axis.adapters.base import Answer, Source
from axis.adapters.dvcqg import records
from axis.adapters.spool.store import open_spool
from axis.core import edxml
from axis.errors import Fault, Misconfigured, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from axis.adapters.base import Folder, LocalFile, Place

KEPT = timedelta(days=30)  # the files of what the agency's system has had
MARK, HEAD = b"ApplicationType", 256 * 1024  # what stands in a packet's header where it may be about an application
LOOK_AGAIN = 2.0  # seconds until a spool is looked at though nothing in this process has changed it


class SpoolAdapter:
    """The adapter of an agency whose system fetches its mail from the spool."""

    OPTIONS: ClassVar[Mapping[str, type]] = {}

    def __init__(self, place: Place) -> None:
        self.agency = place.agency
        self._owner = str(place.options.get("portal_owner", ""))
        self.spool = open_spool(place.folder / "spool")
        self._purge_at = time.monotonic() + 60
        self._seen, self._look_again = -1, 0.0

    def check(self) -> None:
        """The spool can be written. Raises Misconfigured CONFIG_INVALID."""
        try:
            self.spool.pending()
        except OSError as error:
            raise Misconfigured(
                Problem(Fault.CONFIG_INVALID, "spool", "a file that can be written", str(error))
            ) from None

    def collect(self) -> Iterator[Source]:
        """What was submitted and is not answered."""
        if time.monotonic() >= self._purge_at:
            more = self.spool.purge(datetime.now(UTC) - KEPT) == 1000
            self._purge_at = time.monotonic() + (0 if more else 3600)
        for row in self.spool.pending():
            yield Source(row["id"], row["digest"], partial(self.spool.read, row["id"]), row["traceparent"])

    def changed(self) -> bool:
        """See :meth:`axis.adapters.base.Guarded.changed`: whoever submits and acknowledges does it in this process."""
        return self.spool.changes != self._seen or time.monotonic() >= self._look_again

    def unsettled(self) -> bool:
        """False: an upload is a submission when it is complete."""
        return False

    def accepted(self, ref: str) -> None:
        """The hub holds it."""
        self.spool.settle(ref, "accepted")

    def refused(self, ref: str, report: bytes) -> None:
        """It was refused; the report is shown with it."""
        self.spool.settle(ref, "refused", json.loads(report))

    def lifted(self, digests: Sequence[str]) -> None:
        """Shown as accepted from now on."""
        self.spool.lift(digests)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """See :meth:`Spool.prepare`. What receipts say is noted with what was sent; what a record about an application
        says, with the application: raises Rejected where what is known of it contradicts that."""
        notes = [note for file in files if (note := self._about_an_application(file)) is not None]
        self.spool.prepare(files)
        for note in notes:
            note()
        for file in files:
            if file.about is not None and file.about.kind == "receipt":
                self.spool.note(file.about.axis_id, file.about.submissions, file.about.events)

    def _about_an_application(self, file: LocalFile) -> Callable[[], None] | None:
        if file.folder != "inbox" or not file.name.endswith(".edxml") or MARK not in bytes(file.content[:HEAD]):
            return None
        converted = edxml.convert(bytes(file.content))
        if converted.packet is None:
            return None
        return records.take(self.spool, converted.packet, converted.attachments, self._owner)

    def beside(self, folder: str, files: Mapping[str, Mapping[str, bytes]], flush: Callable[[], None]) -> int:
        """See :meth:`axis.adapters.base.Guarded.beside`: shown with the receipt that they prove."""
        del flush  # what is committed is on disk
        return self.spool.add(folder, files)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`Spool.discard`."""
        self.spool.discard([name for _, name in names])

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """Show it. False: the system says itself when it has it."""
        self.spool.show([name for _, name in names])
        return False

    def answers(self) -> Iterator[Answer]:
        """What the system has acknowledged, or has reported as failed too often."""
        self._seen, self._look_again = self.spool.changes, time.monotonic() + LOOK_AGAIN
        for row in self.spool.unanswered():  # a page at a time
            failed = Problem(Fault.SYSTEM_REFUSED, got=str(row["failures"]), expected=row["reason"] or "-")
            yield Answer(row["ref"], failed if row["state"] == "fail" else None)

    def answered(self, ref: str) -> None:
        """See :meth:`Spool.recorded`."""
        self.all_answered([ref])

    def all_answered(self, refs: Sequence[str]) -> None:
        """See :meth:`axis.adapters.base.Guarded.answered`."""
        self.spool.recorded(refs)
