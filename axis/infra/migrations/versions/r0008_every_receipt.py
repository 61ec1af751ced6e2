"""Every receipt about a delivery is named, not only the first of its kind: it may be overdue, and then be given up."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
_KEY = ["issuer", "event", "axis_id", "recipient", "receipt_digest"]


def upgrade() -> None:
    """See above."""
    bind = op.get_bind()
    if "statement" not in sa.inspect(bind).get_table_names():
        return
    if bind.dialect.name == "postgresql":
        op.drop_constraint("statement_pkey", "statement", type_="primary")
        op.create_primary_key("statement_pkey", "statement", _KEY)
        return
    op.rename_table("statement", "statement_before")
    op.create_table(
        "statement",
        *(sa.Column(name, sa.Text, primary_key=True) for name in _KEY),
        sa.Column("time", sa.Text, nullable=False),
    )
    op.execute(
        sa.text(
            "INSERT INTO statement SELECT issuer, event, axis_id, recipient, receipt_digest, time FROM statement_before"
        )
    )
    op.drop_table("statement_before")
