"""A delivery says itself whose document it is about, and when its consignment has to be told; what a batch asks the
record has an index."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """See above. Documents from before they had rows of their own get them: one without was never spoken of."""
    bind = op.get_bind()
    if "submission" not in sa.inspect(bind).get_table_names():
        return
    # Added in place, and filled in one pass: a table that others refer to cannot be copied and dropped.
    for name in ("owner", "document_id", "consigned_at", "consigned_entry", "owes_at"):
        op.add_column("delivery", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.execute(
        sa.text(
            "UPDATE delivery SET owner = submission.owner, document_id = submission.document_id "
            "FROM submission WHERE submission.axis_id = delivery.axis_id"
        )
    )
    op.execute(
        sa.text(
            "INSERT INTO document (sender, document_id) SELECT DISTINCT owner, document_id FROM submission "
            "WHERE true ON CONFLICT DO NOTHING"
        )
    )
    op.drop_index("submission_document", "submission")
    op.create_index("submission_document", "submission", ["document_id", "owner", "kind", "axis_id"])
    op.create_index("delivery_document", "delivery", ["document_id", "owner", "role", "recipient"])
    _partial("delivery_owes", "delivery", "owes_at", "owes_at <> ''")
    op.drop_index("demand_asked_by", "demand")
    op.create_index("demand_asked_by", "demand", ["asked_by", "delivery_id"])
    op.create_index("statement_submission", "statement", ["axis_id"])
    _partial("demand_recall", "demand", "delivery_id", "demand = 'recall'")
    op.create_index("quarantine_agency", "quarantine", ["agency"])


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
