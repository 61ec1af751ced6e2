"""Time-stamps of a third party on the log's checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """A new table of the record alone."""
    if "log_head" in set(sa.inspect(op.get_bind()).get_table_names()):
        op.create_table(
            "log_stamp",
            sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("note", sa.LargeBinary, nullable=False),
            sa.Column("reply", sa.LargeBinary, nullable=False),
            sa.Column("authority", sa.LargeBinary, nullable=False),
            sa.Column("stamped_at", sa.Text, nullable=False),
        )
