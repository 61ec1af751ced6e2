"""Bytes end one day: which are kept is found without looking at the others, what an operator holds has a table, and on
PostgreSQL new parcels lie in volumes."""

import sqlalchemy as sa
from alembic import op

from axis.infra.volumes import BEGIN, FIRST

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """See above. Parcels from before stay where they are, and end row by row."""
    bind = op.get_bind()
    there = set(sa.inspect(bind).get_table_names())
    if not there & {"submission", "outgoing"}:
        return
    op.create_table(
        "hold",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "retention_run",
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("began_at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text, nullable=False, server_default=""),
        sa.Column("counts", sa.JSON, nullable=False),
    )
    if "submission" in there:
        op.add_column("submission", sa.Column("ended_at", sa.Text, nullable=False, server_default=""))
        _partial("submission_kept", "submission", ["received_at", "axis_id"], "body_digest <> ''")
        if bind.dialect.name == "postgresql":
            _volumes()
    if "outgoing" in there:
        _partial("outgoing_kept", "outgoing", ["created_at", "source_digest"], "parcel_digest <> ''")
        _partial("incoming_kept", "incoming", ["received_at", "id"], "body_digest <> '' AND kind <> 'receipt'")


def _volumes() -> None:
    op.create_table(
        "parcel",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("volume", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        postgresql_partition_by="LIST (volume)",
    )
    op.create_table(
        "volume",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("began_at", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Text, nullable=False, server_default=""),
    )
    for statement in (*FIRST, *BEGIN):
        op.execute(sa.text(statement))


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
