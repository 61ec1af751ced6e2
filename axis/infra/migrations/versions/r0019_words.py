"""Documents are found by number and by words of their subject, whatever the case and accents."""

import sqlalchemy as sa
from alembic import op

from axis.infra.record import words

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Indexes for what is there; nothing that is kept changes."""
    if "submission" in sa.inspect(op.get_bind()).get_table_names():
        words.make(op.get_bind())
