"""Which home of an agency works: remembered by the hub, and named by what the home publishes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Of homes until now nothing is known: the first that asks is the one."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submission" in there:
        op.create_table(
            "adapter_home",
            sa.Column("agency", sa.Text, primary_key=True),
            sa.Column("instance", sa.Text, primary_key=True),
            sa.Column("start", sa.Text, nullable=False),
            sa.Column("began", sa.BigInteger, nullable=False),
            sa.Column("sequence", sa.BigInteger, nullable=False),
            sa.Column("follows", sa.Text, nullable=False),
            sa.Column("current", sa.Boolean, nullable=False),
            sa.Column("told", sa.Boolean, nullable=False),
        )
    if "incoming" in there:
        op.create_table(
            "home_instance",
            sa.Column("agency", sa.Text, primary_key=True),
            sa.Column("instance", sa.Text, nullable=False),
            sa.Column("follows", sa.Text, nullable=False),
            sa.Column("since", sa.Text, nullable=False),
            sa.Column("known", sa.Text, nullable=False),
            sa.Column("heard", sa.BigInteger, nullable=False),
            sa.Column("restored_at", sa.Text, nullable=False),
        )
    if "queue_message" in there:
        op.add_column("queue_message", sa.Column("origin", sa.Text, nullable=False, server_default=""))
