"""What witnesses have cosigned with their ML-DSA-44 keys, beside what they have with the other."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Two new columns alone."""
    if "log_checkpoint" not in set(sa.inspect(op.get_bind()).get_table_names()):
        return
    for name in ("others", "others_at"):
        op.add_column("log_checkpoint", sa.Column(name, sa.Text, nullable=False, server_default=""))
