"""A statement that reads for many keys at once, in the words of either database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection


def array(values: Sequence[Any]) -> str:
    """These texts, numbers or truths as PostgreSQL writes an array: for a hundred of them in a twentieth of the time
    that the driver takes."""
    if not values:
        return "{}"
    if all(type(one) is str for one in values):
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return f'{{"{joined}"}}'
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "NULL" if value is None else str(value)


class Query:
    """A statement in the words of either database. ``{keys}`` in it is a table `k` of the keys, columns c0, c1, …;
    ``{lock}`` locks the rows of the table named t, where there is more than one who writes."""

    def __init__(self, columns: int, text: str, postgresql: str = "") -> None:
        names = [f"c{n}" for n in range(columns)]
        arrays = f"unnest({', '.join(['%s::text[]'] * columns)}) AS k({', '.join(names)})"
        values = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names))
        rows = f"(SELECT {values} FROM json_each(?)) AS k"
        self._columns = columns
        self._times = text.count("{keys}")
        self._sqlite = text.format(keys=rows, lock="", n="?")
        self._postgresql = (postgresql or text).format(keys=arrays, lock="FOR UPDATE OF t", n="%s")

    def rows(self, connection: Connection, keys: Collection[tuple[str, ...]], *more: int) -> Sequence[Any]:
        """Its rows for these keys. `more`: the values that stand after the keys in its text."""
        given: list[Any]
        if connection.dialect.name == "sqlite":
            text, given = self._sqlite, [json.dumps(list(keys))]
        else:
            text, given = self._postgresql, [array(column) for column in zip(*keys, strict=True)]
        return connection.exec_driver_sql(text, (*given * self._times, *more)).all()


def newest(columns: int, result: str, table: str, key: str, where: str, *, order: str, limit: str, keys: str) -> Query:
    """The rows of `table` (x in `where` and `order`) that come first for each key, as t in `result`."""
    picked = f"FROM {table} x WHERE {where} ORDER BY {order} LIMIT {limit}"
    return Query(
        columns,
        f"SELECT {result} FROM {keys} CROSS JOIN {table} t WHERE t.{key} IN (SELECT x.{key} {picked})",
        f"SELECT {result} FROM {keys} CROSS JOIN LATERAL (SELECT x.* {picked}) t",
    )


class New:
    """Rows under keys that were made just now: PostgreSQL takes them as a stream. A key that is taken is an error."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        names = ", ".join(columns)
        self._sqlite = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
        self._postgresql = f"COPY {table} ({names}) FROM STDIN"

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert these."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, list(rows))
            return
        driver: Any = connection.connection.dbapi_connection
        try:
            with driver.cursor() as cursor, cursor.copy(self._postgresql) as copy:
                for row in rows:
                    copy.write_row(row)
        except connection.dialect.loaded_dbapi.Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise sa.exc.DBAPIError.instance(
                self._postgresql,
                None,
                error,
                connection.dialect.loaded_dbapi.Error,
                hide_parameters=True,
                connection_invalidated=bool(driver.closed),
                dialect=connection.dialect,
            ) from error
