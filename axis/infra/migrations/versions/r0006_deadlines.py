"""Deadlines; messages that were put aside are kept in the record, deliveries may be closed by an operator."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """What was accepted before has none."""
    if "delivery" in sa.inspect(op.get_bind()).get_table_names():
        op.create_table(
            "deadline",
            sa.Column("delivery_id", sa.Text, sa.ForeignKey("delivery.id"), primary_key=True),
            sa.Column("leg", sa.Text, primary_key=True),
            sa.Column("due_at", sa.Text, nullable=False),
            sa.Column("next_at", sa.Text, nullable=False),
            sa.Column("progress", sa.Text, nullable=False),
            sa.Column("met_at", sa.Text, nullable=False, server_default=""),
        )
        op.create_index("deadline_next", "deadline", ["next_at"])
        op.create_table(
            "quarantine",
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("agency", sa.Text, nullable=False),
            sa.Column("message_id", sa.Text, nullable=False),
            sa.Column("user_id", sa.Text, nullable=False),
            sa.Column("body_digest", sa.Text, nullable=False),
            sa.Column("code", sa.Text, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("since", sa.Text, nullable=False),
        )
        op.add_column("delivery", sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()))
