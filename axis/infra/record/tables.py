"""The tables of the hub's record, and which of their columns name payloads."""

from __future__ import annotations

import sqlalchemy as sa

from axis.infra import payloads, retained, volumes
from axis.infra.database import BIG_ID, metadata
from axis.infra.log import tables as log
from axis.infra.record import words

submission = sa.Table(
    "submission",
    metadata,
    sa.Column("axis_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("organ_id", sa.Text, nullable=False),
    # Who sent the document that it is or is about: another than `sender` of a status, and of what a successor changes.
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("status_code", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("content_digest", sa.Text, nullable=False),
    sa.Column("parcel_digest", sa.Text, nullable=False),
    sa.Column("acceptance_digest", sa.Text, nullable=False),
    sa.Column("registry_version", sa.Integer, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    # Of a recall, an update, or an answer to one: which of the document's it is, from 1. Otherwise 0.
    sa.Column("number", sa.Integer, nullable=False, server_default="0"),
    sa.Column("body_digest", sa.Text, nullable=False, server_default=""),  # the parcel, "" once it was dropped
    sa.Column("has_content", sa.Boolean, nullable=False, server_default=sa.true()),  # a version of the document
    sa.Column("ended_at", sa.Text, nullable=False, server_default=""),  # when the time of its parcel was over
    sa.Index("submission_document", "document_id", "owner", "kind", "number"),
    sa.Index("submission_content", "content_digest"),
    sa.Index("submission_parcel", "parcel_digest"),
    sa.Index("submission_code", "code"),
    sa.Index("submission_sender", "sender", "axis_id"),
    sa.Index(
        "submission_rare",  # the kinds of which there are few
        "kind",
        "axis_id",
        sqlite_where=sa.text("kind IN ('replace', 'update', 'recall')"),
    ),
    sa.Index("submission_urgent", "priority", "axis_id", sqlite_where=sa.text("priority > 0")),
    sa.Index("submission_body", "body_digest"),
    sa.Index(
        "submission_kept",
        "received_at",
        "axis_id",
        sqlite_where=sa.text("body_digest <> ''"),
    ),
)
sa.event.listen(submission, "after_create", words.with_the_table)
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("axis_id", sa.Text, sa.ForeignKey(submission.c.axis_id), nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("units", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    # What it brings: "document" (the first thing this recipient has of it), "update", "recall" or "status".
    sa.Column("role", sa.Text, nullable=False, server_default="document"),
    # Publishing was tried: only the recipient's adapter can know from then on.
    sa.Column("tried", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("proof_digest", sa.Text, nullable=False, server_default=""),  # another than the submission's A.1
    sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false()),  # failed, and nobody tries again
    # The document that it brings, or brings something about: its submission's.
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("document_id", sa.Text, nullable=False, server_default=""),
    # While D.1 is owed: when its queue took it, the entry that says so, and when the receipt is due.
    sa.Column("consigned_at", sa.Text, nullable=False, server_default=""),
    sa.Column("consigned_entry", sa.Text, nullable=False, server_default=""),
    sa.Column("owes_at", sa.Text, nullable=False, server_default=""),
    sa.Column("reporters", sa.Integer, nullable=False, server_default="0"),  # units that have a business status of it
    sa.UniqueConstraint("axis_id", "recipient"),
    sa.Index("delivery_recipient", "recipient", "state", "id", "owner"),
    sa.Index("delivery_document", "document_id", "owner", "role", "recipient"),
    sa.Index("delivery_owes", "owes_at", sqlite_where=sa.text("owes_at <> ''")),
    sa.Index(
        "delivery_open",
        "state",
        "id",
        sqlite_where=sa.text("state IN ('ACCEPTED', 'QUEUED', 'FAILED') AND NOT closed"),
    ),
    sa.Index(
        "delivery_ended",  # those of which there are few
        "state",
        "id",
        sqlite_where=sa.text("(state IN ('REFUSED', 'RECALLED') OR closed)"),
    ),
)
business = sa.Table(
    "business_status",
    metadata,
    sa.Column("delivery_id", sa.Text, sa.ForeignKey(delivery.c.id), primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("reported_at", sa.Text, nullable=False),
    sa.Column("arrived_at", sa.Text, nullable=False),
    sa.Index("business_status_told", "code", "delivery_id", sqlite_where=sa.text("code <> '01'")),  # by a clerk
)
refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),  # of the content; of the bytes where no content was verified
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("receipt_digest", sa.Text, nullable=False),
    sa.Column("retry", sa.Boolean, nullable=False),
    sa.Column("refused_at", sa.Text, nullable=False),
    sa.Index("refusal_time", "refused_at"),
    sa.Index("refusal_document", "document_id"),
    sa.Index("refusal_digest", "digest"),
)
sa.event.listen(refusal, "after_create", words.with_the_refusals)
statement = sa.Table(
    "statement",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("axis_id", sa.Text, primary_key=True),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("receipt_digest", sa.Text, primary_key=True),  # a delivery may fail twice: overdue, then given up
    sa.Column("time", sa.Text, nullable=False),
    sa.Index("statement_submission", "axis_id"),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("proof_digest", sa.Text, nullable=False),
    sa.Column("delivery_id", sa.Text, nullable=False),  # "" for receipts and registries
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),  # of a document that came with one
    sa.Index("outbox_due", "not_before"),
    sa.Index("outbox_lane", "urgent", "code", "id"),
    sa.Index("outbox_delivery", "delivery_id"),
    sqlite_autoincrement=True,  # an id that a row had is not given to another: who has read it deletes it later
)
# One row for each document anybody spoke of, made by whoever comes first: what two hub workers lock, in order.
document = sa.Table(
    "document",
    metadata,
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("superseded_by", sa.Text, nullable=False, server_default=""),  # axis id of the document in its place
)
# What was asked of those that a document was delivered to: recall, update, replace; one row for each addressed unit.
demand = sa.Table(
    "demand",
    metadata,
    sa.Column("delivery_id", sa.Text, sa.ForeignKey(delivery.c.id), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1 for each document
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("demand", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, sa.ForeignKey(submission.c.axis_id), nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Text, nullable=False),
    sa.Column("answered_at", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Index("demand_asked_by", "asked_by", "delivery_id"),
    sa.Index(
        "demand_recall",
        "delivery_id",
        sqlite_where=sa.text("demand = 'recall'"),
    ),
)
# By when what must have happened to a delivery; an answer to a recall or update is a leg of its own: "answer 2".
deadline = sa.Table(
    "deadline",
    metadata,
    sa.Column("delivery_id", sa.Text, sa.ForeignKey(delivery.c.id), primary_key=True),
    sa.Column("leg", sa.Text, primary_key=True),
    sa.Column("due_at", sa.Text, nullable=False),
    sa.Column("next_at", sa.Text, nullable=False),  # when it is looked at next; "" when it is over
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("met_at", sa.Text, nullable=False, server_default=""),
    sa.Index("deadline_next", "next_at"),
    sa.Index("deadline_missed", "leg", "delivery_id", sqlite_where=sa.text("progress = 'missed'")),
)
# Messages that could not be dealt with, for an operator to decide about.
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    # Of a receipt about what the record has lost, which waits for it: about which document, and who has signed it.
    sa.Column("document_id", sa.Text, nullable=False, server_default=""),
    sa.Column("issuer", sa.Text, nullable=False, server_default=""),
    sa.Index("quarantine_agency", "agency", "document_id"),
    sa.Index("quarantine_document", "document_id"),
    sa.Index("quarantine_issuer", "issuer"),
)
# The same thing said in other words: accepted as what the submission that took the key had said.
repetition = sa.Table(
    "repetition",
    metadata,
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("content_digest", sa.Text, primary_key=True),
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("receipt_digest", sa.Text, nullable=False),
)
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("duty", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),  # grows with each change of holder
    sa.Column("until", sa.Text, nullable=False),
)
# Messages that are judged alone, because they came before.
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("queue", sa.Text, primary_key=True),
    sa.Column("message_id", sa.Text, primary_key=True),  # SHA-256 of its bytes: an id may be anything
    sa.Column("count", sa.Integer, nullable=False),  # how often it failed, by its own fault
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.false()),  # being judged, or a hub died of it
)
ledger_entry = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("position", sa.BigInteger, unique=True),
    sa.Column("link", sa.Text),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False, server_default=""),  # hex; none for entries of before there was a log
    sa.Index("ledger_submission", "axis_id"),
    sa.Index(
        "ledger_unlinked",
        "id",
        sqlite_where=sa.text("position IS NULL"),
    ),
)
registry_version = sa.Table(
    "registry",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("types_digest", sa.Text, nullable=False, server_default=""),  # the document types that go with it
)
# Submissions that have a document type (axis/core/types), with what is shown of each: no row for all the others.
document_type = sa.Table(
    "document_type",
    metadata,
    sa.Column("axis_id", sa.Text, sa.ForeignKey(submission.c.axis_id), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),  # JSON: [[vi, en, value], …], never a personal one
    sa.Index("document_type_name", "name", "axis_id"),
)
# Where the business objects stand that documents with states speak of (core/hub/objects.py).
standing = sa.Table(
    "standing",
    metadata,
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("key_digest", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("parties", sa.Text, nullable=False),  # codes, with blanks between them
    sa.Column("said_at", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)
# The homes that have published for an agency: which one works, how far its journal had come (axis/core/homes.py).
adapter_home = sa.Table(
    "adapter_home",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("start", sa.Text, nullable=False),
    sa.Column("began", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("follows", sa.Text, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
)
# A home that takes another's place waits until each hub worker has said that it holds nothing more of that agency: the
# row of worker "" asks, in this `turn`.
home_settled = sa.Table(
    "home_settled",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
)
# PostgreSQL with segments: the one folder that they lie in, and its machine. No row where parcels lie in the database.
segment_home = sa.Table(
    "segment_home",
    metadata,
    sa.Column("folder", sa.Text, primary_key=True),  # an id that lies in the folder, too
    sa.Column("machine", sa.Text, nullable=False),
)
TABLES = (
    payloads.payload,
    segment_home,
    submission,
    delivery,
    business,
    refusal,
    statement,
    outbox,
    document,
    demand,
    deadline,
    quarantine,
    repetition,
    lease,
    attempt,
    ledger_entry,
    registry_version,
    document_type,
    standing,
    adapter_home,
    home_settled,
    *volumes.TABLES,
    *retained.TABLES,
    *log.TABLES,
)
BODY_REFERENCES = (submission.c.body_digest, outbox.c.body_digest, quarantine.c.body_digest)  # that may name a parcel
PAYLOAD_REFERENCES = (
    submission.c.body_digest,
    submission.c.acceptance_digest,
    delivery.c.proof_digest,
    repetition.c.receipt_digest,
    quarantine.c.body_digest,
    refusal.c.receipt_digest,
    statement.c.receipt_digest,
    outbox.c.body_digest,
    outbox.c.proof_digest,
    registry_version.c.digest,
    registry_version.c.types_digest,
)
