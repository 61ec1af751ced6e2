"""The spool's tables, and what a file of an older program lacks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Row = RowMapping
metadata = sa.MetaData()
sent = sa.Table(
    "sent",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # a UUID; the packet is out/<id>.edxml
    sa.Column("digest", sa.Text, nullable=False, unique=True),  # hex SHA-256 of the packet as it came
    sa.Column("kind", sa.Text, nullable=False),  # new, recall, update, replace, status
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # pending, accepted, refused
    sa.Column("report", sa.JSON, nullable=False),  # why it was refused
    sa.Column("outcomes", sa.JSON, nullable=False),  # by recipient: {event, time} of the newest receipt
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("essence", sa.Text, nullable=False, server_default=""),  # what a repetition in other bytes is known by
    sa.Column("axis_id", sa.Text, nullable=False, server_default=""),  # as the newest receipt says
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),  # of the request that brought it
    sa.Index("sent_document", "document_id", "kind"),
    sa.Index("sent_essence", "essence"),
    sa.Index("sent_axis_id", "axis_id"),
)
received = sa.Table(
    "received",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # a UUID: the axis id, or made of the file's name
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),  # inbox, status, receipts
    sa.Column("names", sa.JSON, nullable=False),  # the files in in/
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("visible", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # initial, processing, done, fail (for good)
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("failed_at", sa.Text, nullable=False, server_default=""),  # the newest failure that was counted
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),  # of the request that began it
    sa.Index("received_list", "folder", "visible", "number"),
    sa.Index("received_answers", "answered", "state"),
    sa.Index("received_ref", "ref"),
)
# What a request was answered with: the same request once more is the client's repeat.
answer = sa.Table(
    "answer",
    metadata,
    sa.Column("request", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
# Who is to be told what happens here, and what it was not told yet, in order.
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
)
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Index("notice_document", "document_id", "number"),  # or each that waits costs for all the others
)
unit = sa.Table(
    "unit",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("modified_at", sa.Text, nullable=False),
)

# How the applications for public services stand that the agency's system has told of, or was told of. Whose they are
# stands in the parcels alone.
application = sa.Table(
    "application",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),  # MaHoSo
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("receiver", sa.Text, nullable=False),
    sa.Column("resolver", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
    sa.Column("closed_at", sa.Text, nullable=False),  # "" while it is open
    sa.Column("on_line", sa.Boolean, nullable=False),
    sa.Column("by_post", sa.Boolean, nullable=False),
    sa.Index("application_received", "received_at"),
)
event = sa.Table(
    "application_event",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # collected, returned, paid
    sa.Column("ordered", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("bank", sa.Text, nullable=False),
    sa.Index("application_event_at", "at"),
)

# Orders about an application (a payment, the post either way) as they stand, and which files were fetched for it; the
# questions and answers that are known, without who has asked.
order = sa.Table(
    "application_order",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # payment, collection, return, file, question
    sa.Column("ordered", sa.Text, primary_key=True),  # its number; a file's URL as digest; a question's asker, too
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Index("application_order_number", "number"),
)


def add_what_is_new(connection: Connection) -> None:
    """The columns and indexes that a file of an older program does not have yet."""
    found = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                definition = sa.schema.CreateColumn(column).compile(connection)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
        for index in table.indexes:
            index.create(connection, checkfirst=True)
