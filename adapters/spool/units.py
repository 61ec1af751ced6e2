"""The agency's units, as its own system registers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from axis.adapters.spool.file import SpoolFile, now_text
from axis.adapters.spool.tables import Row, unit

if TYPE_CHECKING:
    from collections.abc import Mapping


class Units(SpoolFile):
    """Units that are, and that are no more."""

    def register(self, code: str, facts: Mapping[str, str]) -> None:
        """A unit of the agency, new or changed."""
        self._put_unit(code, dict(facts), deleted=False)

    def has_units(self, count: int) -> bool:
        """Whether so many units are registered."""
        with self._begin() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(unit)).scalar_one()) >= count

    def unregister(self, code: str) -> None:
        """A unit is no more; nothing where there was none."""
        with self._begin() as connection:
            facts = connection.execute(sa.select(unit.c.facts).where(unit.c.code == code)).scalar()
            if facts is not None:
                self._put_unit(code, facts, deleted=True)

    def units(self) -> list[Row]:
        """Every unit that was registered, by code; also those that are no more."""
        with self._begin() as connection:
            return list(connection.execute(sa.select(unit).order_by(unit.c.code)).mappings())

    def _put_unit(self, code: str, facts: dict[str, str], *, deleted: bool) -> None:
        with self._begin() as connection:
            version = connection.execute(sa.select(unit.c.version).where(unit.c.code == code)).scalar() or 0
            row = {"code": code, "facts": facts, "version": version + 1, "deleted": deleted, "modified_at": now_text()}
            statement = insert(unit).values(row)
            changed = {name: statement.excluded[name] for name in row if name != "code"}
            connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))
