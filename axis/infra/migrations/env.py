"""Run by Alembic: on the connection that axis/infra/database.py hands over, within its transaction."""

from alembic import context

from axis.infra.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
