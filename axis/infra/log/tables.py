"""Tables of the log: its tiles, and how far it goes. They belong to the record."""

from __future__ import annotations

import sqlalchemy as sa

from axis.infra import policies
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
# What the witnesses were asked to cosign, with the lines that they have given. `witnessed_at`: since when a quorum has;
# "" before. `others`: the lines of their ML-DSA-44 keys under the same text, apart, for they are long; `others_at`:
# since when those of a quorum are there.
log_checkpoint = sa.Table(
    "log_checkpoint",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("witnessed_at", sa.Text, nullable=False),
    sa.Column("others", sa.Text, nullable=False, server_default=""),
    sa.Column("others_at", sa.Text, nullable=False, server_default=""),
)
# What is known of each witness: what it was asked last and how often since it has answered, what it has cosigned, and
# up to which place it was told its own entries: so many since `since`. `trouble`: the code of why it does not cosign.
log_witness = sa.Table(
    "log_witness",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("log", sa.Integer, nullable=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("cosigned", sa.BigInteger, nullable=False),
    sa.Column("cosigned_at", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
)
# Checkpoints as a third party has stamped them with its time (RFC 3161), with its whole reply.
log_stamp = sa.Table(
    "log_stamp",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sa.Column("reply", sa.LargeBinary, nullable=False),
    sa.Column("authority", sa.LargeBinary, nullable=False),
    sa.Column("stamped_at", sa.Text, nullable=False),
)
TABLES = (log_tile, log_head, log_checkpoint, log_witness, log_stamp, policies.log_policy)
