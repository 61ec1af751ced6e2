"""The agencies witness the log: what they were asked and have cosigned, at the centre and in their journals."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """New tables alone."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "log_head" in there:
        _of_the_record()
    if "installed_registry" in there:
        _of_a_journal()


def _of_the_record() -> None:
    op.create_table(
        "log_checkpoint",
        sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("witnessed_at", sa.Text, nullable=False),
    )
    op.create_table(
        "log_witness",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("log", sa.Integer, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("cosigned", sa.BigInteger, nullable=False),
        sa.Column("cosigned_at", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
    )


def _of_a_journal() -> None:
    op.create_table(
        "witness",
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("believed", sa.LargeBinary, nullable=False),
        sa.Column("believed_at", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("unknown", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("trouble_at", sa.Text, nullable=False),
        sa.Column("other", sa.LargeBinary, nullable=False),
    )
