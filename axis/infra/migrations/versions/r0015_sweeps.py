"""What waits in the adapters' journals is found for all agencies at once; who holds a message is not written."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nothing that is kept changes."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "outgoing" in there:
        op.drop_index("outgoing_due", "outgoing")
        op.create_index("outgoing_due", "outgoing", ["agency", "state", "not_before"])
    if "posted" in there:
        op.create_index("posted_body", "posted", ["body_digest"])
    if "queue_message" in there:
        op.create_table("queue_rest", sa.Column("name", sa.Text, primary_key=True))
