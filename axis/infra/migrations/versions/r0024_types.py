"""Document types: the set goes with a registry, and a submission that has one is known by it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """No registry until now has had any, and no submission is looked at again."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for table in sorted(there & {"registry", "installed_registry"}):
        op.add_column(table, sa.Column("types_digest", sa.Text, nullable=False, server_default=""))
    if "submission" in there:
        op.create_table(
            "document_type",
            sa.Column("axis_id", sa.Text, sa.ForeignKey("submission.axis_id"), primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("shown", sa.Text, nullable=False),
        )
        op.create_index("document_type_name", "document_type", ["name", "axis_id"])
