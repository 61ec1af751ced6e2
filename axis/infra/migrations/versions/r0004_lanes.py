"""The outbox in two lanes: what is due is found by one step through the index, however much is parked."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """See above."""
    if "outbox" in sa.inspect(op.get_bind()).get_table_names():
        op.drop_index("outbox_agency", "outbox")
        op.create_index("outbox_lane", "outbox", ["urgent", "code", "id"])
