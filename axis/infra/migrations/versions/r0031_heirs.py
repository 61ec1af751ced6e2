"""What came to an agency before the registry by which it can be verified, put aside as it came."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """A new table alone."""
    if "installed_registry" not in set(sa.inspect(op.get_bind()).get_table_names()):
        return
    op.create_table(
        "aside",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("body_digest", sa.Text, nullable=False),
        sa.Column("proof_digest", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("came_at", sa.Text, nullable=False),
    )
    op.create_index("aside_once", "aside", ["agency", "body_digest", "proof_digest"], unique=True)
    op.create_index("aside_body", "aside", ["body_digest"])
