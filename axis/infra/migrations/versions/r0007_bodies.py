"""Who names a parcel is found through an index: a withdrawn one is dropped at once, however much there is."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """See above."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submission" in there:
        op.create_index("submission_body", "submission", ["body_digest"])
    if "incoming" in there:
        op.create_index("outgoing_parcel", "outgoing", ["parcel_digest"])
        op.create_index("incoming_body", "incoming", ["body_digest"])
