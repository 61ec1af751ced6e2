"""The applications that an agency's system has told of or was told of: their statuses, and nothing of the people."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from axis.adapters.spool.file import SpoolFile
from axis.adapters.spool.tables import application, event, order
from axis.core.applications.application import Application
from axis.core.applications.figures import Cell, Event, Happened, Outcome
from axis.core.applications.status import Status
from axis.core.instant import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from axis.core.figures import Period

By = Literal["agency", "service", "channel"]
_KEYS = {
    "agency": "a.resolver",
    "service": "a.service",
    "channel": "CASE WHEN a.on_line THEN 'on_line' WHEN a.by_post THEN 'post' ELSE 'counter' END",
}
# axis.core.applications.figures.outcome, in SQL; a contract test compares them.
_OUTCOME = (
    "CASE WHEN a.closed_at = '' OR a.closed_at >= :before THEN "
    f"CASE WHEN a.due_at < :before THEN '{Outcome.OVERDUE}' ELSE '{Outcome.OPEN}' END "
    f"WHEN a.status = '{Status.WITHDRAWN}' THEN '{Outcome.WITHDRAWN}' "
    f"WHEN a.status = '{Status.STOPPED}' THEN '{Outcome.STOPPED}' "
    f"WHEN a.status = '{Status.NOT_ACCEPTED}' THEN '{Outcome.NOT_ACCEPTED}' "
    f"WHEN a.closed_at > a.due_at THEN '{Outcome.LATE}' "
    f"WHEN date(a.closed_at, '+7 hours') < date(a.due_at, '+7 hours') THEN '{Outcome.EARLY}' "
    f"ELSE '{Outcome.ON_TIME}' END"
)
_ONLY = " AND (a.receiver = :of OR substr(a.receiver, 1, length(:below)) = :below)"
_COUNTED = (
    "SELECT {key}, CASE WHEN a.received_at < :since THEN '' ELSE strftime('%Y-%m', a.received_at, '+7 hours') END, "
    "CASE WHEN a.closed_at = '' OR a.closed_at >= :before THEN '' "
    "ELSE strftime('%Y-%m', a.closed_at, '+7 hours') END, {outcome}, count(*) FROM application a "
    "WHERE a.received_at < :before AND (a.closed_at = '' OR a.closed_at >= :since){only} GROUP BY 1, 2, 3, 4"
)
_EVENTS = (
    "SELECT {key}, strftime('%Y-%m', e.at, '+7 hours'), e.kind, e.bank, count(*) FROM application_event e "
    "JOIN application a ON a.number = e.number WHERE e.at >= :since AND e.at < :before{only} GROUP BY 1, 2, 3, 4"
)


class Applications(SpoolFile):
    """See the module."""

    def application(self, number: str) -> Application | None:
        """The application of this number as it stands."""
        with self._begin() as connection:
            row = connection.execute(sa.select(application).where(application.c.number == number)).mappings().first()
        return _read(row) if row is not None else None

    def applications(self, limit: int) -> list[Application]:
        """The newest of them, at most so many."""
        query = sa.select(application).order_by(application.c.received_at.desc()).limit(limit)
        with self._begin() as connection:
            return [_read(row) for row in connection.execute(query).mappings()]

    def note_applications(self, known: Iterable[Application]) -> None:
        """How each of them stands now."""
        rows = [_written(one) for one in known]
        statement = insert(application)
        changed = {c.name: statement.excluded[c.name] for c in application.columns if c.name != "number"}
        with self._begin() as connection:
            if rows:
                connection.execute(statement.on_conflict_do_update(["number"], set_=changed), rows)

    def order(self, kind: str, ordered: str) -> dict[str, Any] | None:
        """What stands of an order of this kind and number."""
        query = sa.select(order.c.content).where(order.c.kind == kind, order.c.ordered == ordered)
        with self._begin() as connection:
            return connection.execute(query).scalar()

    def orders(self, kind: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """(number, what stands of it) of the newest of this kind."""
        columns = order.c.ordered, order.c.content
        newest = sa.text("rowid DESC")
        with self._begin() as connection:
            query = sa.select(*columns).where(order.c.kind == kind).order_by(newest).limit(limit)
            return [(ordered, content) for ordered, content in connection.execute(query)]

    def note_order(self, kind: str, ordered: str, number: str, content: dict[str, Any]) -> None:
        """How it stands now."""
        statement = insert(order).values(kind=kind, ordered=ordered, number=number, content=content)
        changed = statement.on_conflict_do_update(["kind", "ordered"], set_={"content": content})
        with self._begin() as connection:
            connection.execute(changed)

    def events(self, number: str) -> list[dict[str, Any]]:
        """What has happened with an application, in order."""
        query = sa.select(event).where(event.c.number == number).order_by(event.c.at)
        with self._begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def note_event(self, number: str, kind: Happened, order: str, at: datetime, bank: str = "") -> None:
        """Something has happened with an application; of one order of its kind once."""
        row = {"number": number, "kind": kind.value, "ordered": order, "at": to_text(at), "bank": bank}
        with self._begin() as connection:
            connection.execute(insert(event).on_conflict_do_nothing(), row)


# -- Counting ------------------------------------------------------------------------------------------------------


@contextmanager
def reading(folder: Path) -> Iterator[Connection | None]:
    """The spool in `folder`, to be counted while its adapter works: nothing is written. None where there is none, or
    one of an older program that knows no applications."""
    file = folder / "spool.db"
    if not file.exists():
        yield None
        return
    place = f"sqlite:///file:{quote(str(file.resolve()))}?mode=ro&uri=true"
    engine = sa.create_engine(place, poolclass=sa.pool.NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection if sa.inspect(connection).has_table(event.name) else None
    finally:
        engine.dispose()


def counted(connection: Connection, period: Period, by: By, receiver: str = "") -> tuple[list[Cell], list[Event]]:
    """What :func:`axis.core.applications.figures.tally` counts, by OrganId of the resolver, by service or by channel;
    with a `receiver` only what this agency or a unit below it has received."""
    values = {"since": to_text(period.since), "before": to_text(period.before), "of": receiver, "below": f"{receiver}."}
    words = {"key": _KEYS[by], "outcome": _OUTCOME, "only": _ONLY if receiver else ""}
    cells = [
        Cell(key, since, until, Outcome(outcome), count)
        for key, since, until, outcome, count in connection.execute(sa.text(_COUNTED.format(**words)), values)
    ]
    events = [
        Event(key, month, Happened(kind), bank, count)
        for key, month, kind, bank, count in connection.execute(sa.text(_EVENTS.format(**words)), values)
    ]
    return cells, events


def services(connection: Connection, receiver: str = "") -> dict[tuple[str, str], datetime]:
    """When the first application of each service was received, by (service, OrganId of its resolver)."""
    a = application.c
    query = sa.select(a.service, a.resolver, sa.func.min(a.received_at)).group_by(a.service, a.resolver)
    if receiver:
        query = query.where(sa.or_(a.receiver == receiver, a.receiver.startswith(f"{receiver}.", autoescape=True)))
    return {(service, resolver): from_text(at) for service, resolver, at in connection.execute(query)}


def _written(one: Application) -> dict[str, Any]:
    return {
        "number": one.number,
        "service": one.service,
        "receiver": one.receiver,
        "resolver": one.resolver,
        "status": one.status.value,
        "received_at": to_text(one.received_at),
        "due_at": to_text(one.due_at),
        "changed_at": to_text(one.changed_at),
        "closed_at": to_text(one.closed_at) if one.closed_at is not None else "",
        "on_line": one.on_line,
        "by_post": one.by_post,
    }


def _read(row: sa.RowMapping) -> Application:
    return Application(
        row["number"],
        row["service"],
        row["receiver"],
        row["resolver"],
        Status(row["status"]),
        from_text(row["received_at"]),
        from_text(row["due_at"]),
        from_text(row["changed_at"]),
        from_text(row["closed_at"]) if row["closed_at"] else None,
        row["on_line"],
        row["by_post"],
    )
