"""Versions of the schema, one after the other (Alembic). How to add one: docs/decisions/record/a-new-revision.md."""
