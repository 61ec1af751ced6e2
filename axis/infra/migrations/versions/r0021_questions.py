"""Documents are listed by sender and by rare kinds, and what waits, is late or was refused is counted, without looking
at all the others."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Indexes alone; nothing that is kept changes."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submission" in there:
        op.create_index("submission_sender", "submission", ["sender", "axis_id"])
        _partial("submission_rare", "submission", ["kind", "axis_id"], "kind IN ('replace', 'update', 'recall')")
        op.create_index("refusal_time", "refusal", ["refused_at"])
        _partial(
            "delivery_open",
            "delivery",
            ["recipient", "state"],
            "state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT closed",
        )
        _partial("deadline_missed", "deadline", ["leg", "delivery_id"], "progress = 'missed'")
    if "outgoing" in there:
        op.create_index("outgoing_time", "outgoing", ["agency", "created_at", "source_digest"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
