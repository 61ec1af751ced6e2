"""Time-stamps of a third party on the log's checkpoints; what proves an agency's receipts, in its journal."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """New tables alone."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "installed_registry" in there:
        op.create_table(
            "log_proof",
            sa.Column("agency", sa.Text, primary_key=True),
            sa.Column("digest", sa.Text, primary_key=True),
            sa.Column("axis_id", sa.Text, nullable=False),
            sa.Column("size", sa.BigInteger, nullable=False),
            sa.Column("data", sa.LargeBinary, nullable=False),
            sa.Column("kept_at", sa.Text, nullable=False),
        )
        op.create_index("log_proof_submission", "log_proof", ["agency", "axis_id"])
        op.create_index("log_proof_kept", "log_proof", ["kept_at"])
        op.create_table(
            "log_proof_head",
            sa.Column("agency", sa.Text, primary_key=True),
            sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("note", sa.LargeBinary, nullable=False),
        )
    if "log_head" in there:
        op.create_table(
            "log_stamp",
            sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column("note", sa.LargeBinary, nullable=False),
            sa.Column("reply", sa.LargeBinary, nullable=False),
            sa.Column("authority", sa.LargeBinary, nullable=False),
            sa.Column("stamped_at", sa.Text, nullable=False),
        )
