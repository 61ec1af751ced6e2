"""A DocumentId is known by one normal form: what is recorded in another is found by it too.

Where both forms are there already, as two documents, they stay two.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_PLACES = (  # table, whose document it is, other columns that name it
    ("submission", "owner", ("key", "code")),
    ("document", "sender", ()),
    ("incoming", "agency || ' ' || sender", ()),
    ("outgoing", "agency", ()),
    ("withdrawal", "agency || ' ' || sender", ()),
)


def upgrade() -> None:
    """See above. In SQL there are no normal forms: the few ids that it is about are changed one by one."""
    connection = op.get_bind()
    there = set(sa.inspect(connection).get_table_names())
    for table, whose, others in _PLACES:
        if table not in there:
            continue
        everything = connection.execute(sa.text(f"SELECT DISTINCT {whose}, document_id FROM {table}")).all()  # noqa: S608
        known = {(row[0], row[1]) for row in everything}
        for owner, written in known:
            same = unicodedata.normalize("NFC", written)
            if same == written or (owner, same) in known:
                continue
            where = f"WHERE {whose} = :owner AND document_id = :written"
            values = {"owner": owner, "written": written, "same": same}
            for column in others:
                rows = connection.execute(sa.text(f"SELECT DISTINCT {column} FROM {table} {where}"), values).scalars()  # noqa: S608
                for value in list(rows):
                    change = f"UPDATE {table} SET {column} = :new {where} AND {column} = :old"  # noqa: S608
                    forms = {"old": value, "new": unicodedata.normalize("NFC", value)}
                    connection.execute(sa.text(change), values | forms)
            connection.execute(sa.text(f"UPDATE {table} SET document_id = :same {where}"), values)  # noqa: S608
