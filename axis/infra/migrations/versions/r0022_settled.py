"""A home that takes another's place waits for what other hub workers have in hand of its agency."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """A table that is empty but for the seconds in which such a home is answered."""
    if "adapter_home" not in set(sa.inspect(op.get_bind()).get_table_names()):
        return
    op.create_table(
        "home_settled",
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
