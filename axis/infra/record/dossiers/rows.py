"""Rows of submissions and deliveries, as the questions read them: what is selected, and the values made of it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from axis.core.hub.dossier import Delivery, Facts, Submission
from axis.core.hub.lifecycle import FINAL, Demand, Stage, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection

# By the question that they answer, and as its text promises; each puts its answers into the facts, and tells the
# deliveries that are read with their business statuses and deadlines.
Readers = dict[type, "Callable[[Connection, Any, Facts], Iterable[str]]"]


def columns(row: type) -> str:
    """The columns of table `t` that make such a row, in order."""
    return ", ".join(f"t.{field.name}" for field in fields(row))


SUBMISSION, DELIVERY = columns(Submission), columns(Delivery)
_STATES = {state.value: state for state in State}
STAGES = {stage.value: stage for stage in Stage}
DEMANDS = {demand.value: demand for demand in Demand}
OVER = ", ".join(f"'{state.value}'" for state in sorted(FINAL))
OF_DOCUMENT = "t.document_id = k.c1 AND t.owner = k.c0"
X_OF_DOCUMENT = "x.document_id = k.c1 AND x.owner = k.c0"
FROM_SUBMISSION = f"SELECT {SUBMISSION} FROM {{keys}} CROSS JOIN submission t WHERE"
FROM_DELIVERY = f"SELECT {DELIVERY} FROM {{keys}} CROSS JOIN delivery t WHERE"


def put_submissions(facts: Facts, rows: Iterable[Any]) -> list[Submission]:
    """Put these rows of :data:`SUBMISSION` into `facts`; what was made of them."""
    found = [Submission(*(*row[:-1], bool(row[-1]))) for row in rows]
    for one in found:
        facts.submissions[one.axis_id] = one
        facts.by_name[one.axis_id] = one.axis_id
    return found


def put_deliveries(facts: Facts, rows: Iterable[Any]) -> list[Delivery]:
    """Put these rows of :data:`DELIVERY` into `facts`; what was made of them, in order of their ids, which is that of
    their beginning."""
    found = []
    for row in rows:
        (identifier, axis_id, recipient, units, state, attempts, updated_at, role, owner, document_id) = row[:10]
        tried, proof_digest, closed, consigned_at, consigned_entry, owes_at, reporters = row[10:17]
        one = Delivery(
            identifier,
            axis_id,
            recipient,
            tuple(json.loads(units) if isinstance(units, str) else units),
            _STATES[state],
            attempts,
            updated_at,
            role,
            owner,
            document_id,
            bool(tried),
            proof_digest,
            bool(closed),
            consigned_at,
            consigned_entry,
            owes_at,
            reporters,
        )
        facts.deliveries[identifier] = one
        found.append(one)
    found.sort(key=lambda one: one.id)
    return found


def earlier(index: dict[Any, str | None], key: object, axis_id: str) -> None:
    """`axis_id` answers the question `key`, unless one that was accepted earlier does."""
    known = index[key]
    index[key] = axis_id if known is None else min(known, axis_id)
