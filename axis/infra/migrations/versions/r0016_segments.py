"""A payload's row may say where in a segment its bytes lie."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """What lies in rows stays there: `axis upgrade` moves it."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submission" in there:
        op.create_table(
            "segment_home",
            sa.Column("folder", sa.Text, primary_key=True),
            sa.Column("machine", sa.Text, nullable=False),
        )
    if "payload" not in there:
        return
    op.add_column("payload", sa.Column("segment", sa.Text, nullable=False, server_default=""))
    for name in ("start", "length"):
        op.add_column("payload", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    where = sa.text("segment <> ''")
    op.create_index("payload_segment", "payload", ["segment", "length"], sqlite_where=where, postgresql_where=where)
