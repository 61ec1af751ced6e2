"""Business statuses and deadlines of deliveries; where business objects stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts, Limit, Standing
from axis.core.hub.terms import Leg, Progress
from axis.infra.record.dossiers.rows import Readers, columns
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

FEW = 8  # business statuses of a delivery that are read with it; of more those alone that a rule asks for
_BUSINESS = Query(
    1, "SELECT t.delivery_id, t.unit, t.code FROM {keys} CROSS JOIN business_status t WHERE t.delivery_id = k.c0"
)
_REPORTED = Query(
    2,
    "SELECT t.delivery_id, t.unit, t.code FROM {keys} CROSS JOIN business_status t "
    "WHERE t.delivery_id = k.c0 AND t.unit = k.c1",
)
_LIMIT = columns(Limit)
# An answer to a demand that was given in time is over: of those there are as many as there were updates.
_LIMITS = Query(
    1,
    f"SELECT t.delivery_id, {_LIMIT} FROM {{keys}} CROSS JOIN deadline t WHERE t.delivery_id = k.c0 "
    f"AND (t.next_at <> '' OR t.progress = '{Progress.MISSED.value}' OR t.leg NOT LIKE '{Leg.ANSWER.value}%%')",
)


def read_whole(
    connection: Connection, delivery_ids: Iterable[str], named: Iterable[tuple[str, str]], facts: Facts
) -> None:
    """Put the deadlines of these deliveries and their business statuses into `facts`; of a delivery with more statuses
    than a few those that are `named`."""
    keys = [(identifier,) for identifier in sorted(delivery_ids)]
    for (identifier,) in keys:
        facts.business.setdefault(identifier, {})
        facts.limits[identifier] = {}
    known = facts.deliveries
    few = [key for key in keys if key[0] in known and 0 < known[key[0]].reporters <= FEW]
    if few:
        _put_reports(_BUSINESS.rows(connection, few), facts)
    many = [(one, unit) for one, unit in named if known[one].reporters > FEW]
    if many:
        _read_reported(connection, many, facts)
    for identifier, leg, *rest in _LIMITS.rows(connection, keys):
        facts.limits[identifier][leg] = Limit(leg, *rest)


def _put_reports(rows: Iterable[Any], facts: Facts) -> None:
    for identifier, unit, code in rows:
        facts.business.setdefault(identifier, {})[unit] = code


def _read_reported(connection: Connection, keys: Sequence[tuple[str, str]], facts: Facts) -> None:
    for identifier, unit in keys:
        facts.business.setdefault(identifier, {})[unit] = ""
    _put_reports(_REPORTED.rows(connection, keys), facts)


def _reported(connection: Connection, asked: list[ask.Reported], facts: Facts) -> Iterable[str]:
    _read_reported(connection, [(one.delivery_id, one.unit) for one in asked], facts)
    return ()


def _reports(connection: Connection, asked: list[ask.Reports], facts: Facts) -> Iterable[str]:
    _put_reports(_BUSINESS.rows(connection, [(one.delivery_id,) for one in asked]), facts)
    return ()


_STANDS = Query(
    2,
    "SELECT t.object, t.key_digest, t.owner, t.state, t.parties, t.said_at, t.changed_at FROM {keys} "
    "CROSS JOIN standing t WHERE t.object = k.c0 AND t.key_digest = k.c1",
)


def _stands(connection: Connection, asked: list[ask.Stands], facts: Facts) -> Iterable[str]:
    facts.standing.update(dict.fromkeys((one.object for one in asked), ()))
    for name, key, owner, state, parties, *times in _STANDS.rows(connection, [one.object for one in asked]):
        found = Standing((name, key), owner, state, tuple(parties.split()), *times)
        facts.standing[name, key] += (found,)
    return ()


READERS: Readers = {
    ask.Stands: _stands,
    ask.Reported: _reported,
    ask.Reports: _reports,
}
