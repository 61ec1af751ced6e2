"""What came twice under two axis ids is known by its content: needed after the hub's record was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """See above. Rows that are there already have no digest: the hub lost nothing before this version."""
    if "incoming" in sa.inspect(op.get_bind()).get_table_names():
        with op.batch_alter_table("incoming") as incoming:
            incoming.add_column(sa.Column("content_digest", sa.Text, nullable=False, server_default=""))
            incoming.create_index("incoming_content", ["agency", "content_digest"])
