"""Tables of the log: its tiles, and how far it goes. They belong to the record."""

from __future__ import annotations

import sqlalchemy as sa

from axis.infra.database import metadata

# Nodes of the tree as C2SP tlog-tiles cuts them: `width` hashes of 32 bytes each.
log_tile = sa.Table(
    "log_tile",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
# One row for each log that there was, the last one grows: a record that was put back begins another, so that one size
# of one log has one root for ever. `frontier`: the roots of its perfect subtrees, the largest first.
log_head = sa.Table(
    "log_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
    sa.Column("checkpoint", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
)
TABLES = (log_tile, log_head)
