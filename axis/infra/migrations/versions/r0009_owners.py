"""Whose document a submission is about: a successor changes what the agency before it had sent."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """See above. Until now only the sender could change a document; a status goes to who has sent it."""
    if "submission" not in sa.inspect(op.get_bind()).get_table_names():
        return
    op.add_column("submission", sa.Column("owner", sa.Text, nullable=False, server_default=""))
    op.execute(sa.text("UPDATE submission SET owner = sender"))
    told = "SELECT recipient FROM delivery WHERE delivery.axis_id = submission.axis_id"
    some = f"UPDATE submission SET owner = ({told}) WHERE kind = 'status' AND EXISTS ({told})"  # noqa: S608  constants
    op.execute(sa.text(some))
    op.drop_index("submission_document", "submission")
    op.create_index("submission_document", "submission", ["document_id", "owner"])
