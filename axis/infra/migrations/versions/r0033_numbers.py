"""A number that a row had is never given to another: SQLite gives the highest one out again when its row is deleted,
unless the table says otherwise. On PostgreSQL it is so ever since."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_TABLES = ("outbox", "posted", "incoming", "aside")
_KEY = re.compile(r"PRIMARY KEY \((id|number)\)")
_INDEX = re.compile(r"INDEX (\w+)")


def upgrade() -> None:
    """Copy these tables into ones with AUTOINCREMENT; their indexes are as they were."""
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        return
    for name in _TABLES:
        made = bind.execute(
            sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL ORDER BY type = 'index'"),
            {"name": name},
        ).scalars()
        table, *indexes = [*made, ""]
        if not table or "AUTOINCREMENT" in table:
            continue
        new, changed = _KEY.subn(r"PRIMARY KEY (\1 AUTOINCREMENT)", table)
        if changed != 1:
            raise ValueError(f"{name} is made in another way: {table}")
        before = f"{name}_before_0033"
        for index in _INDEX.findall("\n".join(indexes)):  # the old one's would keep its name
            bind.exec_driver_sql(f"DROP INDEX {index}")
        bind.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {before}")
        bind.exec_driver_sql(new)
        columns = ", ".join(column["name"] for column in sa.inspect(bind).get_columns(name))
        bind.exec_driver_sql(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {before}")  # noqa: S608  own names
        bind.exec_driver_sql(f"DROP TABLE {before}")
        for index in indexes:
            if index:
                bind.exec_driver_sql(index)
