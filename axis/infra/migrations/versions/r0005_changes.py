"""Recalls, updates and replacements; what is urgent has a lane in the journals too."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """See above. What was accepted before is a document or a status, and was tried to be published."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submission" in there:
        _record()
    if "incoming" in there:
        _journal()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _flag(name: str, default: sa.sql.elements.ColumnElement[bool]) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=default)


def _record() -> None:
    # Added in place: a table that others refer to cannot be copied and dropped.
    op.add_column("submission", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
    op.add_column("submission", _text("body_digest"))
    op.add_column("submission", _flag("has_content", sa.true()))
    op.drop_index("submission_document", "submission")
    op.create_index("submission_document", "submission", ["document_id", "sender"])
    op.execute(sa.text("UPDATE submission SET body_digest = parcel_digest"))
    op.add_column("delivery", sa.Column("role", sa.Text, nullable=False, server_default="document"))
    op.add_column("delivery", _flag("tried", sa.true()))
    op.add_column("delivery", _text("proof_digest"))
    statuses = "SELECT axis_id FROM submission WHERE kind = 'status'"
    op.execute(sa.text(f"UPDATE delivery SET role = 'status' WHERE axis_id IN ({statuses})"))  # noqa: S608  constants
    op.add_column("document", _text("superseded_by"))
    op.create_table(
        "demand",
        sa.Column("delivery_id", sa.Text, sa.ForeignKey("delivery.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("demand", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, sa.ForeignKey("submission.axis_id"), nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        _text("answered_at"),
        _text("reason"),
    )
    op.create_index("demand_asked_by", "demand", ["asked_by"])
    op.create_table(
        "repetition",
        sa.Column("sender", sa.Text, primary_key=True),
        sa.Column("content_digest", sa.Text, primary_key=True),
        sa.Column("axis_id", sa.Text, nullable=False),
        sa.Column("receipt_digest", sa.Text, nullable=False),
    )


def _journal() -> None:
    with op.batch_alter_table("outgoing") as outgoing:
        outgoing.add_column(_flag("urgent", sa.false()))
        outgoing.create_index("outgoing_document", ["agency", "document_id"])
    with op.batch_alter_table("incoming") as incoming:
        incoming.add_column(_text("sender"))
        incoming.add_column(_text("document_id"))
        incoming.add_column(_flag("urgent", sa.false()))
        incoming.create_index("incoming_document", ["agency", "sender", "document_id"])
    op.create_table(
        "withdrawal",
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("sender", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("receipt_digest", sa.Text, nullable=False),
        sa.Column("withdrawn_at", sa.Text, nullable=False),
    )
    _fill_in()


def _fill_in() -> None:
    """Which document each row is about stood in its facts only."""
    bind = op.get_bind()
    rows = bind.execute(sa.text("SELECT number, facts FROM incoming")).all()
    change = sa.text("UPDATE incoming SET sender = :sender, document_id = :document_id WHERE number = :number")
    for number, facts in rows:
        known = facts if isinstance(facts, dict) else json.loads(facts)
        if known.get("document_id"):
            values = {"sender": known["sender"], "document_id": known["document_id"], "number": number}
            bind.execute(change, values)
