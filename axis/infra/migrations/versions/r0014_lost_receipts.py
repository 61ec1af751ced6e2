"""Of a receipt that waits for what a restored record has lost: about which document it is, and who has signed it. Of a
recall at its recipient: the receipt of what was decided about it, beside the one of its hand-over."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """What waits already is found by its own look only (services/operate/dead_ends.py)."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "incoming" in there:
        op.add_column("incoming", sa.Column("decision_digest", sa.Text, nullable=False, server_default=""))
    if "quarantine" not in there:
        return
    for name in ("document_id", "issuer"):
        op.add_column("quarantine", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index("quarantine_document", "quarantine", ["document_id"])
    op.create_index("quarantine_issuer", "quarantine", ["issuer"])
    op.drop_index("quarantine_agency", "quarantine")
    op.create_index("quarantine_agency", "quarantine", ["agency", "document_id"])
