"""A document's changes are found by their numbers, and a delivery says how many units have reported on it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Nothing is lost: who has reported is counted once."""
    if "submission" not in sa.inspect(op.get_bind()).get_table_names():
        return
    op.drop_index("submission_document", "submission")
    op.create_index("submission_document", "submission", ["document_id", "owner", "kind", "number"])
    op.add_column("delivery", sa.Column("reporters", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        sa.text(
            "UPDATE delivery SET reporters = known.number FROM (SELECT delivery_id, count(*) AS number "
            "FROM business_status GROUP BY delivery_id) AS known WHERE known.delivery_id = delivery.id"
        )
    )
