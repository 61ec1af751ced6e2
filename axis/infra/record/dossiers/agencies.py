"""What is known of an agency itself: its homes, and what of it is put aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axis.core.homes import Known
from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts
from axis.infra.record.dossiers.rows import Readers, columns
from axis.infra.record.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

_HOME = columns(Known)
_HOMES = Query(
    1,
    f"SELECT t.agency, {_HOME} FROM {{keys}} CROSS JOIN adapter_home t WHERE t.agency = k.c0 "
    "ORDER BY t.agency, t.instance {lock}",
)


def _homes(connection: Connection, asked: list[ask.Homes], facts: Facts) -> Iterable[str]:
    """They are locked: which home works for an agency is not decided anew while something is decided by it."""
    facts.homes.update(dict.fromkeys((one.agency for one in asked), ()))
    for agency, *known, current, told in _HOMES.rows(connection, [(one.agency,) for one in asked]):
        facts.homes[agency] += (Known(*(*known, bool(current), bool(told))),)
    return ()


_QUARANTINED = Query(
    1,
    "SELECT t.agency, t.document_id <> '', count(*) FROM {keys} CROSS JOIN quarantine t WHERE t.agency = k.c0 "
    "GROUP BY t.agency, t.document_id <> ''",
)


def _quarantined(connection: Connection, asked: list[ask.Quarantined], facts: Facts) -> Iterable[str]:
    agencies = {one.agency for one in asked}
    facts.quarantined.update({(agency, waiting): 0 for agency in agencies for waiting in (False, True)})
    for agency, waiting, count in _QUARANTINED.rows(connection, [(agency,) for agency in sorted(agencies)]):
        facts.quarantined[agency, bool(waiting)] = count
    return ()


READERS: Readers = {
    ask.Homes: _homes,
    ask.Quarantined: _quarantined,
}
