"""What is true of every record, whatever came in whatever order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from axis.core.hub.lifecycle import FINAL, Stage, State

if TYPE_CHECKING:
    from axis.core.hub.dossier import Delivery
    from tests.hub.memory import Hub
    from tests.hub.record import Record

_SAYS = {State.HANDED_OVER: "E.1", State.REFUSED: "E.2", State.FAILED: "D.2"}


def check(hub: Hub) -> None:
    """Raises AssertionError where the record contradicts itself. That states, stages and statuses only go forward, that
    no key is taken twice and that only what is locked changes is checked where it is written (memory.py)."""
    record = hub.record
    said = {(stated.event, stated.axis_id, stated.recipient) for stated, _ in record.said}
    for row in record.deliveries.values():
        _check_delivery(record, row, said)
    for value in record.receipts.values():
        for one in value.statements:
            assert one.entry in record.entered, ("a statement quotes no entry", one)
    for about in record.submissions.values():
        assert ("A.1", about.axis_id, "") in said, ("accepted without A.1", about)
        assert about.acceptance_digest in record.receipts, about
    _check_certificates(record)


def _check_delivery(record: Record, row: Delivery, said: set[tuple[str, str, str]]) -> None:
    here = {event for event in ("E.1", "E.2") if (event, row.axis_id, row.recipient) in said}
    assert len(here) <= 1, ("handed over and refused", row)
    if row.state in {State.HANDED_OVER, State.REFUSED}:
        assert here == {_SAYS[row.state]}, ("it ended and nobody said so", row)
    elif row.state is State.RECALLED:
        assert not here, ("withdrawn, and something else", row)
    else:
        assert not here, ("it ended, and is not over", row)
    assert not row.owes_at or row.state is State.QUEUED, ("D.1 is owed of what is not on its way", row)
    if row.role != "document":
        return
    withdrawn = [
        one.asked_by
        for one in record.demands.get(row.id, {}).values()
        if Stage.WITHDRAWN in one.stages.values() and ("W.1", one.asked_by, row.recipient) in said
    ]
    assert bool(withdrawn) == (row.state is State.RECALLED), ("W.1 for what was not withdrawn", row)


def _check_certificates(record: Record) -> None:
    certified: dict[str, list[set[str]]] = {}
    for entry in record.entries:
        if entry.event == "distribution.certified":
            certified.setdefault(entry.axis_id, []).append(set(entry.detail["outcomes"]))
    for axis_id, of in certified.items():
        assert all(one < other for one, other in itertools.pairwise(of)), ("certified twice", axis_id, of)
    for about in record.submissions.values():
        if about.kind not in {"new", "replace"}:
            continue
        rows = [r for r in record.deliveries.values() if r.document == about.document and r.role == "document"]
        if len(rows) > 1 and all(one.is_over for one in rows):
            assert certified.get(about.axis_id, [set()])[-1] >= {r.recipient for r in rows}, ("not certified", rows)
    for value in record.receipts.values():
        for one in value.statements:
            if one.event.code == "S.1":
                _check_evidence(record, one.recipient, one.outcome, one.evidence, value.subject.axis_id)


def _check_evidence(record: Record, recipient: str, outcome: str, evidence: str, axis_id: str) -> None:
    events = [stated.event for stated, digest in record.said if digest == evidence and stated.recipient == recipient]
    expected = {**_SAYS, State.RECALLED: "W.1"}[State(outcome)]
    assert expected in events, ("S.1 without the receipt that it rests on", axis_id, recipient, outcome, events)
    assert State(outcome) in {*FINAL, State.FAILED}
