"""Attempts at a message count what it was itself to blame for, under the digest of its bytes; a refusal that was lifted
is told to the agency's system.

What was counted until now counted the database's trouble too: it begins anew."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """See above."""
    there = sa.inspect(op.get_bind()).get_table_names()
    if "attempt" in there:
        op.execute(sa.text("DELETE FROM attempt"))
        op.add_column("attempt", sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.false()))
    if "outgoing" in there:
        op.add_column("outgoing", sa.Column("lifted", sa.Boolean, nullable=False, server_default=sa.false()))
        lifted = sa.text("lifted")
        op.create_index("outgoing_lifted", "outgoing", ["agency"], sqlite_where=lifted, postgresql_where=lifted)
