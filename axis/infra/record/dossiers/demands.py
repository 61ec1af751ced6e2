"""What recalls, updates and replacements have asked of deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Demanded, Facts
from axis.core.hub.lifecycle import Stage
from axis.infra.record.dossiers.rows import (
    DELIVERY,
    DEMANDS,
    OF_DOCUMENT,
    STAGES,
    Readers,
    put_deliveries,
)
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

_DEMAND = "t.delivery_id, t.number, t.unit, t.demand, t.asked_by, t.stage"
_FROM_DEMAND = f"SELECT {_DEMAND} FROM {{keys}} CROSS JOIN demand t WHERE t.delivery_id = k.c0"
_IN_ORDER = "ORDER BY t.delivery_id, t.number, t.unit"
_ALL_DEMANDS = Query(1, f"{_FROM_DEMAND} {_IN_ORDER}")
RECALLS = Query(1, f"{_FROM_DEMAND} AND t.demand = 'recall' {_IN_ORDER}")


def read_demands(connection: Connection, query: Query, delivery_ids: Sequence[str], facts: Facts) -> None:
    """Put what `query` finds asked about these deliveries into `facts`: :data:`RECALLS`, or everything."""
    facts.demands.update({identifier: {} for identifier in delivery_ids})
    for identifier, number, unit, demand, asked_by, stage in query.rows(connection, [(one,) for one in delivery_ids]):
        known = facts.demands[identifier].get(number)
        if known is None:
            known = facts.demands[identifier][number] = Demanded(number, DEMANDS[demand], asked_by, {})
        cast("dict[str, Stage]", known.stages)[unit] = STAGES[stage]


def _demands(connection: Connection, asked: list[ask.Demands], facts: Facts) -> Iterable[str]:
    names = [one.delivery_id for one in asked]
    read_demands(connection, _ALL_DEMANDS, names, facts)
    facts.all_demands.update(names)
    return ()


_ASKED_BY = Query(
    1,
    f"SELECT {DELIVERY}, q.asked_by FROM {{keys}} CROSS JOIN demand q CROSS JOIN delivery t "
    "WHERE q.asked_by = k.c0 AND t.id = q.delivery_id",
)


def _asked_by(connection: Connection, asked: list[ask.AskedBy], facts: Facts) -> Iterable[str]:
    rows = _ASKED_BY.rows(connection, [(one.axis_id,) for one in asked])
    about: dict[str, set[str]] = {one.axis_id: set() for one in asked}
    for row in rows:
        about[row[-1]].add(row[0])
    put_deliveries(facts, {row[0]: row for row in rows}.values())
    facts.asked_by.update({axis_id: tuple(sorted(names)) for axis_id, names in about.items()})
    unknown = {name for names in about.values() for name in names} - facts.all_demands
    if unknown:
        read_demands(connection, _ALL_DEMANDS, sorted(unknown), facts)
        facts.all_demands.update(unknown)
    return ()


_ASKED_OF = Query(
    4,
    f"SELECT {DELIVERY}, q.number, q.unit, q.demand, q.asked_by, q.stage FROM {{keys}} CROSS JOIN delivery t "
    "CROSS JOIN demand q WHERE t.document_id = k.c2 AND t.owner = k.c1 AND t.role = 'document' AND t.recipient = k.c3 "
    "AND q.delivery_id = t.id AND q.asked_by = k.c0",
)


def _asked_of(connection: Connection, asked: list[ask.AskedOf], facts: Facts) -> Iterable[str]:
    keys = [(one.axis_id, *one.document, one.recipient) for one in asked]
    found: dict[ask.AskedOf, dict[tuple[str, int], None]] = {one: {} for one in asked}
    stages: dict[tuple[str, int], dict[str, Stage]] = {}
    rows = _ASKED_OF.rows(connection, keys)
    names = {one.id: one for one in put_deliveries(facts, {row[0]: row for row in rows}.values())}
    for row in rows:
        number, unit, demand, asked_by, stage = row[-5:]
        one, key = names[row[0]], (row[0], number)
        found[ask.AskedOf(asked_by, one.document, one.recipient)][key] = None
        stages.setdefault(key, {})[unit] = STAGES[stage]
        facts.single[key] = Demanded(number, DEMANDS[demand], asked_by, stages[key])
    facts.asked_of.update({question: tuple(sorted(numbers)) for question, numbers in found.items()})
    return ()


_LAST_DEMAND = Query(
    2,
    "SELECT t.owner, t.document_id, max((SELECT max(q.number) FROM demand q WHERE q.delivery_id = t.id)) "
    f"FROM {{keys}} CROSS JOIN delivery t WHERE {OF_DOCUMENT} AND t.role = 'document' GROUP BY t.owner, t.document_id",
)


def _last_demand(connection: Connection, asked: list[ask.LastDemand], facts: Facts) -> Iterable[str]:
    keys = [one.document for one in asked]
    facts.last_demand.update(dict.fromkeys(keys, 0))
    for owner, document_id, number in _LAST_DEMAND.rows(connection, keys):
        facts.last_demand[owner, document_id] = number or 0
    return ()


READERS: Readers = {
    ask.Demands: _demands,
    ask.AskedBy: _asked_by,
    ask.AskedOf: _asked_of,
    ask.LastDemand: _last_demand,
}
