"""Where the business objects stand that documents of a type with states speak of."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """A new table alone: what no document has told of since may stand anywhere."""
    if "submission" in set(sa.inspect(op.get_bind()).get_table_names()):
        op.create_table(
            "standing",
            *(sa.Column(name, sa.Text, primary_key=True) for name in ("object", "key_digest", "owner")),
            *(sa.Column(name, sa.Text, nullable=False) for name in ("state", "parties", "said_at", "changed_at")),
        )
