"""Which reader answers which question, and asking all of a batch at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from axis.core.hub import dossier as ask
from axis.core.hub.dossier import Facts
from axis.infra.record.dossiers import agencies, deliveries, demands, said, statuses, submissions
from axis.infra.record.dossiers.rows import Readers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from axis.core.hub.dossier import Question

_READERS: Readers = {
    **submissions.READERS,
    **deliveries.READERS,
    **demands.READERS,
    **statuses.READERS,
    **said.READERS,
    **agencies.READERS,
}


def read(connection: Connection, questions: Iterable[Question], facts: Facts) -> None:
    """Put the answer to each of `questions` into `facts`."""
    asked: dict[type, list[Any]] = defaultdict(list)
    for question in dict.fromkeys(questions):
        asked[type(question)].append(question)
    whole: set[str] = set()
    for kind, reader in _READERS.items():
        if kind in asked:
            whole.update(reader(connection, asked[kind], facts))
    if whole:
        named = [(facts.brought[one.document, one.recipient], one.reporter) for one in asked.get(ask.Brought, ())]
        statuses.read_whole(connection, whole, [(one, unit) for one, unit in named if one and unit], facts)
