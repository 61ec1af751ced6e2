"""Documents are listed by cause and urgency, refusals found by number and digest, and words within a part of time,
without looking at all the others."""

import sqlalchemy as sa
from alembic import op

from axis.infra.record import words

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Indexes alone; nothing that is kept changes."""
    if "submission" not in sa.inspect(op.get_bind()).get_table_names():
        return
    op.drop_index("delivery_open", "delivery")
    op.drop_index("delivery_recipient", "delivery")
    op.create_index("delivery_recipient", "delivery", ["recipient", "state", "id", "owner"])
    _partial("delivery_open", "delivery", ["state", "id"], "state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT closed")
    _partial("delivery_ended", "delivery", ["state", "id"], "(state IN ('REFUSED', 'RECALLED') OR closed)")
    _partial("business_status_told", "business_status", ["code", "delivery_id"], "code <> '01'")
    _partial("submission_urgent", "submission", ["priority", "axis_id"], "priority > 0")
    op.create_index("refusal_document", "refusal", ["document_id"])
    op.create_index("refusal_digest", "refusal", ["digest"])
    words.make_refused(op.get_bind())
    if op.get_bind().dialect.name != "sqlite":
        words.remake(op.get_bind())


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
