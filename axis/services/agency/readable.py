"""Readable copies of what was handed over (:mod:`axis.core.readable`), for adapters that show some.

Made from the journal's own events after their receipts have gone, a few at a time: nothing waits for it, and what a
crash or a full disk has left out is made when it can be.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from axis.core import readable
from axis.core.instant import from_text
from axis.errors import Corrupted, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from axis.core.readable import Readable
    from axis.infra.journal.reading import JournalReader
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.readable")
SCANNED, COPIES, BYTES = 2000, 20, 32 * 1024 * 1024  # events looked at, copies made and written, in one sweep
AGAIN = 15.0  # seconds after what has failed
_HANDED_OVER = {"document.handed_over", "update.handed_over", "recall.handed_over"}


def step(agency: Agency) -> int:
    """Make the copies that are due, and say why files are not taken; how much was done. What fails is said once, and
    tried again later: never raises."""
    if not agency.adapter.shows_copies or time.monotonic() < agency.copies_at:
        return 0
    try:
        done = _make(agency)
        agency.adapter.explain()
    except Exception as error:  # noqa: BLE001  nobody's mail is kept up by it
        why = f"{type(error).__name__}: {error}"
        if agency.copies_wrong != why:
            log.warning("%s: readable copies wait: %s", agency.code, why)
        agency.copies_at, agency.copies_wrong, agency.has_copies = time.monotonic() + AGAIN, why, False
        return 0
    agency.has_copies = done > 0
    if agency.copies_wrong:
        log.warning("%s: readable copies are made again", agency.code)
        agency.copies_wrong = ""
    return done


def _make(agency: Agency) -> int:
    before = agency.adapter.copies_mark()
    made: list[Readable] = []
    size = 0
    with agency.journal.reading() as reader:
        after, events = reader.events_since(before, SCANNED)
        members = {one.code: one.name_vi for one in agency.registry().agencies} if events else {}
        for mark, event in events:
            copy = _copy(agency.code, reader, event.axis_id, members) if event.event in _HANDED_OVER else None
            if copy is None:
                continue
            agency.adapter.prepare_copy(copy)
            made.append(copy)
            size += copy.size
            if len(made) == COPIES or size >= BYTES:
                after = mark
                break
    if made:
        agency.flush()
        for copy in made:
            agency.adapter.show_copy(copy)
        agency.flush()  # a mark that outlives what it speaks of would lose that
    if after != before:
        agency.adapter.mark_copies(after)
    return len(made) + (after != before)


def _copy(code: str, reader: JournalReader, axis_id: str, members: Mapping[str, str]) -> Readable | None:
    """The copy of what was handed over; None where its bytes are no more, or are none that can be shown."""
    row = reader.incoming(axis_id)
    if row is None or not row["body_digest"]:
        return None
    try:
        body, acceptance, answer = (reader.payload(row[f"{name}_digest"]) for name in ("body", "proof", "answer"))
        came = from_text(row["received_at"])
        return readable.of_document(readable.Arrived(axis_id, body, acceptance, answer, came), members)
    except (Rejected, Corrupted) as error:
        log.warning("%s: no readable copy of %s: %s", code, axis_id, error)
        return None
