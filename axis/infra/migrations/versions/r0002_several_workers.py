"""Several hub workers (documents to lock, leases), every agency its share of the outbox, receipts given again.

A home holds the hub's record, its agencies' journals, or both: each part is changed where it is there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """See above."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "outbox" in there:
        _record()
    if "incoming" in there:
        with op.batch_alter_table("incoming") as incoming:
            incoming.add_column(sa.Column("answer_digest", sa.Text, nullable=False, server_default=""))
    op.drop_table("meta")


def _record() -> None:
    op.create_index("outbox_agency", "outbox", ["code", "urgent", "id"])
    op.create_index("outbox_delivery", "outbox", ["delivery_id"])
    op.create_index("delivery_recipient", "delivery", ["recipient", "state", "id"])
    unlinked = sa.text("position IS NULL")
    op.create_index("ledger_unlinked", "ledger", ["id"], sqlite_where=unlinked, postgresql_where=unlinked)
    op.create_table(
        "document",
        sa.Column("sender", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
    )
    op.create_table(
        "lease",
        sa.Column("duty", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
    )
