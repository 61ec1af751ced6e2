"""What the agency's system says of what it was shown, what it was shown before the start, and what waited for a
registry."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from axis.core import parcel
from axis.core.instant import to_text
from axis.errors import Corrupted, Fault, Problem, Rejected, Unavailable
from axis.services.agency import aside, judge, take
from axis.services.agency.aside import needed_version
from axis.services.agency.outcome import finish
from axis.services.agency.prepare import prepare

if TYPE_CHECKING:
    from datetime import datetime

    from axis.adapters.base import Answer
    from axis.infra.database import Row
    from axis.services.agency.adapter import Agency

log = logging.getLogger("axis.deliver")
BATCH = 50  # of answers, and of what was shown before the start
LOOK_AGAIN = timedelta(minutes=1)  # between two looks at what waits for a registry, if none comes


def asks_for_held(agency: Agency, now: datetime) -> bool:
    """Whether it is time to ask if mail of this agency waits for a newer registry."""
    return agency.held_at is None or not timedelta() <= now - agency.held_at < LOOK_AGAIN


def hear(agency: Agency, now: datetime, *, holds: bool) -> int:
    """What waits for a newer registry is released, where the journal `holds` something of that kind; what the agency's
    system has said, and what it was shown before the start, is dealt with; how many things."""
    count = 0
    if holds:
        _release_held(agency, now)
        count = _look_aside(agency, now)
    if holds or asks_for_held(agency, now):
        agency.held_at = now if agency.aside_seen[1] is None else None
    return count + _hear(agency, now) + _show_again(agency, now)


def _look_aside(agency: Agency, now: datetime) -> int:
    """What was put aside until a registry came is judged as if it had just come; how much."""
    count = 0
    for row, delivered in aside.ready(agency, now):
        claim = parcel.claim(delivered.message.body)
        found = judge.of(agency, delivered, claim.main if claim is not None else "", now)
        with agency.journal.transaction() as tx:
            tx.take_from_aside(row)
            take.keep(agency, tx, delivered, found, now)
        count += 1
    return count


def _hear(agency: Agency, now: datetime) -> int:
    """What the agency's system has said about what it was shown; how many. What it says of something whose receipt a
    disk has damaged waits, and keeps nothing else back."""
    heard = _heard(agency, now)
    if not heard:
        return 0
    recorded = []
    with agency.journal.transaction() as tx:
        rows = tx.incoming_of(list(heard))
        proofs = tx.payloads({row["proof_digest"] for row in rows.values()})
        for ref, one in heard.items():
            row = rows.get(ref)
            if row is not None and row["state"] in {"handing_over", "shown"}:
                failure, proof = Rejected(one.problem) if one.problem else None, proofs.get(row["proof_digest"], b"")
                if not finish(agency, tx, row, failure, now, proof=proof):
                    continue
            recorded.append(ref)
    if recorded:
        agency.adapter.answered(recorded)
    return len(recorded)


def _heard(agency: Agency, now: datetime) -> dict[str, Answer]:
    """The first answers that can be recorded now, by what they are about: a system may say something twice."""
    found: dict[str, Answer] = {}
    answers = agency.adapter.answers()
    while part := list(islice(answers, BATCH)):
        with agency.journal.reading() as reader:
            rows = reader.incoming_of([one.ref for one in part])
        for one in part:
            row = rows.get(one.ref)
            if row is None or row["state"] != "shown" or row["not_before"] <= to_text(now):
                found.setdefault(one.ref, one)
        if len(found) >= BATCH:
            break
    return found


def _show_again(agency: Agency, now: datetime) -> int:
    """Once after each start: what the agency's system was shown and has not answered is prepared and shown once more.
    It stays as it is where it still is; a system that has lost its mail, or is connected otherwise now, gets it."""
    if agency.shown_again is None:
        return 0
    has_it: list[Row] = []
    with agency.journal.reading() as reader:
        rows = reader.shown_since(agency.shown_again, BATCH)
        for row in rows:
            try:
                prepare(agency, reader, row)
                if agency.adapter.complete([(folder, name) for folder, name in row["names"]]):
                    has_it.append(row)
            except (Unavailable, Rejected, Corrupted) as error:
                log.warning("%s: %s not shown again: %s", agency.code, row["id"], error)
    agency.shown_again = rows[-1]["number"] if rows else None
    if has_it:
        with agency.journal.transaction() as tx:
            for row in has_it:
                finish(agency, tx, row, None, now)
    return len(rows)


def _release_held(agency: Agency, now: datetime) -> None:
    ready: list[Row] = []
    damaged: list[tuple[Row, Corrupted]] = []
    with agency.journal.reading() as reader:
        held = reader.held(now)
        version = reader.registry_version() if held else 0
        proofs = reader.payloads({row["proof_digest"] for row in held})
        for row in held:
            proof = proofs.get(row["proof_digest"])
            if proof is None:
                damaged.append((row, Corrupted(Problem(Fault.BODY_CORRUPT, expected=row["proof_digest"]))))
            elif needed_version(proof) <= version:
                ready.append(row)
    if ready or damaged:
        with agency.journal.transaction() as tx:
            for row in ready:
                tx.undecide(row["id"]) if row["kind"] in {"recall", "update"} else tx.release(row["id"])
            for row, damage in damaged:
                finish(agency, tx, row, damage, now)
