"""What a document's request was traced by goes with it through the queues."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """A column for the outbox and for the embedded broker's queues; nothing that is kept changes."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for table in sorted(there & {"outbox", "queue_message"}):
        op.add_column(table, sa.Column("traceparent", sa.Text, nullable=False, server_default=""))
