"""What one transaction changes in the journals of its agencies, gathered: one statement for each kind of change."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from axis.infra import payloads
from axis.infra.journal import lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection, RowMapping


class Writes:
    """What one transaction changes in the journals of its agencies, gathered: written with one statement for each kind
    of change, before anything is read and at the end."""

    def __init__(self, connection: Connection, references: payloads.References) -> None:
        self._connection = connection
        self.references = references
        self.agencies: set[str] = set()
        self.events: list[tuple[str, str]] = []  # (agency, event) of the entries
        self.new: dict[tuple[str, str], bool] | None = None  # (agency, id) of mail that is not here
        self.gone: dict[tuple[str, str, str], RowMapping] = {}  # the withdrawals of the documents of this mail
        self._contents: dict[str, bytes] = {}
        self._inserts: dict[str, tuple[sa.Table, list[dict[str, Any]]]] = {}
        self._changes: dict[Any, list[dict[str, Any]]] = {}

    @property
    def connection(self) -> Connection:
        """To read from, or to change something by itself: what was gathered until now is written."""
        self.flush()
        return self._connection

    def expect(self, mail: Sequence[tuple[str, str]], documents: Sequence[tuple[str, str, str]]) -> None:
        """This mail (agency, id) is about to be received; the documents (agency, sender, id) it is or is about."""
        there = {(row["agency"], row["id"]) for row in lookup.find(self.connection, lookup.INCOMING_OF, mail)}
        self.new = {one: one not in there for one in mail}
        found = lookup.find(self.connection, lookup.WITHDRAWN, documents)
        self.gone = {(row["agency"], row["sender"], row["document_id"]): row for row in found}

    def keep(self, content: bytes, digest: str = "") -> str:
        """These bytes are to be kept; their digest, which somebody here may have computed."""
        digest = digest or payloads.digest_of(content)
        self._contents[digest] = content
        return digest

    def insert(self, table: sa.Table, row: dict[str, Any]) -> None:
        """A new row."""
        self._inserts.setdefault(table.name, (table, []))[1].append(row)

    def change(self, statement: sa.Update | sa.Delete | sa.Insert, **values: Any) -> None:
        """One of the statements that the modules beside have built at import: all its values are written at once."""
        self._changes.setdefault(statement, []).append(values)

    def flush(self) -> None:
        """Write what was gathered: bytes, new rows, changes of rows, in this order."""
        if self._contents:
            contents, self._contents = self._contents, {}
            payloads.put_known(self._connection, contents)
        if self._inserts:
            inserts, self._inserts = self._inserts, {}
            for table, rows in inserts.values():
                self._connection.execute(_insert(table), rows)
        if self._changes:
            changes, self._changes = self._changes, {}
            for statement, values in changes.items():
                self._connection.execute(statement, values)


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return table.insert()
