"""What is due in a journal lies side by side in an index, urgent and ordinary apart: what was done before, and
what waits, is not passed by."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Indexes alone; nothing that is kept changes."""
    if "outgoing" not in sa.inspect(op.get_bind()).get_table_names():
        return
    for table in ("outgoing", "incoming"):
        op.drop_index(f"{table}_due", table)
        op.create_index(f"{table}_due", table, ["agency", "state", "urgent", "not_before"])
