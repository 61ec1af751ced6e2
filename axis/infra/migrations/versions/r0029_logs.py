"""Which witness policy was seen last, and which one before it, at the centre and in journals."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """A new table alone."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if there & {"log_head", "installed_registry"}:
        op.create_table(
            "log_policy",
            sa.Column("seen_by", sa.Text, primary_key=True),
            sa.Column("text", sa.Text, nullable=False),
            sa.Column("before", sa.Text, nullable=False),
            sa.Column("changed_at", sa.Text, nullable=False),
        )
