"""A spool as its servers and its adapter use it: one object for each folder in a process."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from axis.adapters.spool.applications import Applications
from axis.adapters.spool.notices import Notices
from axis.adapters.spool.received import Received
from axis.adapters.spool.repeats import Repeats
from axis.adapters.spool.selection import is_named
from axis.adapters.spool.sent import Sent
from axis.adapters.spool.tables import Row, received, sent
from axis.adapters.spool.units import Units


class Spool(Sent, Received, Repeats, Notices, Units, Applications):
    """All of it; see :func:`open_spool`."""

    def trace(self, reference: str, limit: int) -> tuple[list[Row], list[Row]]:
        """(what was submitted, what it may see) under an id, a DocumentId or number/notation, and what else there is
        about the same documents; of each the first `limit`."""
        shown = ((sent, sa.true()), (received, received.c.visible.is_(True)))
        with self._begin() as connection:
            documents: set[str] = set()
            for table, seen in shown:
                query = sa.select(table.c.document_id).where(is_named(table, reference), seen).distinct()
                documents.update(connection.execute(query.limit(limit)).scalars())
            documents.discard("")  # what has no DocumentId has nothing in common with the others that have none
            found = []
            for table, seen in shown:
                about = sa.or_(is_named(table, reference), table.c.document_id.in_(documents))
                query = sa.select(table).where(about, seen).order_by(table.c.number).limit(limit)
                found.append(list(connection.execute(query).mappings()))
        return found[0], found[1]


_opened: dict[Path, Spool] = {}
_opening = threading.Lock()


def open_spool(folder: Path) -> Spool:
    """The spool in `folder`: the same object for the adapter and for the servers, as it has one writing connection."""
    with _opening:
        path = folder.resolve()
        if path not in _opened:
            _opened[path] = Spool(path)
        return _opened[path]
