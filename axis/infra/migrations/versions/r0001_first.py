"""The schema that began: its databases say so in the table "meta", not in Alembic's."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: a database of this version was made by axis 0.1.0."""
