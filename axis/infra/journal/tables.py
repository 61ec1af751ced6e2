"""The journal's tables, what in them may name bytes, and the marks that stand in their columns."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from axis.infra import payloads, policies, retained
from axis.infra.database import BIG_ID, metadata

outgoing = sa.Table(
    "outgoing",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("source_digest", sa.Text, primary_key=True),  # SHA-256 of what the local system gave
    sa.Column("state", sa.Text, nullable=False),  # pending, accepted, refused (by the hub), invalid (found here)
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("content_digest", sa.Text, nullable=False),
    sa.Column("parcel_digest", sa.Text, nullable=False),  # kept after A.1: the hub may have to ask for it again
    sa.Column("facts", sa.JSON, nullable=False),  # of the original, for status packets and error reports
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("answer_digest", sa.Text, nullable=False),  # the A.1 or A.2 receipt
    sa.Column("problems", sa.JSON, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False),  # the local system was told of the answer
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    # Accepted after it was refused, and the local system was told of the refusal alone.
    sa.Column("lifted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("outgoing_content", "agency", "content_digest"),
    sa.Index("outgoing_document", "agency", "document_id"),
    sa.Index("outgoing_parcel", "parcel_digest"),
    sa.Index("outgoing_due", "agency", "state", "urgent", "not_before"),
    sa.Index("outgoing_time", "agency", "created_at", "source_digest"),
    sa.Index(
        "outgoing_lifted",
        "agency",
        sqlite_where=sa.text("lifted"),
    ),
    sa.Index(
        "outgoing_kept",
        "created_at",
        "source_digest",
        sqlite_where=sa.text("parcel_digest <> ''"),
    ),
)
incoming = sa.Table(
    "incoming",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),  # axis id; a receipt's digest
    sa.Column("kind", sa.Text, nullable=False),  # document, update, recall, status, receipt
    # held → (update, recall: undecided →) received → handing_over → (shown →) handed_over | refused
    # and aside: withdrawing → withdrawn; done, of a recall that is not shown; doubted, after a restore: something may
    # have been decided about it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("proof_digest", sa.Text, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),  # [[folder, name], …] of the files handed over
    sa.Column("facts", sa.JSON, nullable=False),  # of a document: what a trace shows
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sa.Column("answer_digest", sa.Text, nullable=False, server_default=""),  # the E.1 or E.2 receipt given for it
    # Of a recall: the W.1 or W.2 that was given for it before it was shown.
    sa.Column("decision_digest", sa.Text, nullable=False, server_default=""),
    sa.Column("content_digest", sa.Text, nullable=False, server_default=""),  # of a document or status
    # Of the document that it is or is about; empty for a receipt.
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("document_id", sa.Text, nullable=False, server_default=""),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("agency", "id"),
    sa.Index("incoming_due", "agency", "state", "urgent", "not_before"),
    sa.Index("incoming_content", "agency", "content_digest"),
    sa.Index("incoming_document", "agency", "sender", "document_id"),
    sa.Index("incoming_body", "body_digest"),
    sa.Index(
        "incoming_kept",
        "received_at",
        "id",
        sqlite_where=sa.text("body_digest <> '' AND kind <> 'receipt'"),
    ),
    sqlite_autoincrement=True,  # a number that a row had is not given to another: who has read it may act on it later
)
# Documents that were withdrawn here for certain: whatever of them arrives later is not shown.
withdrawal = sa.Table(
    "withdrawal",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("sender", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("receipt_digest", sa.Text, nullable=False),  # the W.1 given for it
    sa.Column("withdrawn_at", sa.Text, nullable=False),
)
posted = sa.Table(
    "posted",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Index("posted_due", "agency", "not_before"),
    sa.Index("posted_body", "body_digest"),
    sqlite_autoincrement=True,
)
event = sa.Table(
    "event",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("canonical", sa.Text, nullable=False),
    sa.Index("event_submission", "agency", "axis_id"),
)
installed = sa.Table(
    "installed_registry",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("types_digest", sa.Text, nullable=False, server_default=""),  # the document types that came with it
)
# Which home this is (axis/core/homes.py). A home whose hub's record lies in the same file has no row.
home_instance = sa.Table(
    "home_instance",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("follows", sa.Text, nullable=False),  # whose place it has taken
    sa.Column("since", sa.Text, nullable=False),  # what it was sent from then on it may not know
    sa.Column("known", sa.Text, nullable=False),  # this home is behind: the instance that the hub has heard,
    sa.Column("heard", sa.BigInteger, nullable=False),  # and how much
    sa.Column("restored_at", sa.Text, nullable=False),  # when it took another's place
)
# What this agency's witness has cosigned last (`size`, and `note` with the log's signature alone), which checkpoint a
# quorum has cosigned (`believed`), and how many entries about it the log has told of since place `since`, up to `told`.
# `trouble`: the code of why it cosigns nothing more; `other` is then the note that speaks against the log.
witness = sa.Table(
    "witness",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
    sa.Column("believed", sa.LargeBinary, nullable=False),
    sa.Column("believed_at", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("unknown", sa.BigInteger, nullable=False),  # of these, in its name, and not known here
    sa.Column("trouble", sa.Text, nullable=False),
    sa.Column("trouble_at", sa.Text, nullable=False),
    sa.Column("other", sa.LargeBinary, nullable=False),
)
# Entries about the agency as the log has told of them, each with its proof but for the checkpoint, which many share.
log_proof = sa.Table(
    "log_proof",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("axis_id", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("kept_at", sa.Text, nullable=False),
    sa.Index("log_proof_submission", "agency", "axis_id"),
    sa.Index("log_proof_kept", "kept_at"),
)
log_proof_head = sa.Table(
    "log_proof_head",
    metadata,
    sa.Column("agency", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
# What came before the registry by which it can be verified, as it came: nobody has looked into it.
aside = sa.Table(
    "aside",
    metadata,
    sa.Column("number", BIG_ID, primary_key=True, autoincrement=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("body_digest", sa.Text, nullable=False),
    sa.Column("proof_digest", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("came_at", sa.Text, nullable=False),
    sa.Index("aside_once", "agency", "body_digest", "proof_digest", unique=True),
    sa.Index("aside_body", "body_digest"),
    sqlite_autoincrement=True,
)
TABLES = (
    payloads.payload,
    outgoing,
    incoming,
    withdrawal,
    posted,
    event,
    installed,
    home_instance,
    witness,
    log_proof,
    log_proof_head,
    policies.log_policy,
    aside,
    *retained.TABLES,
)
AGAIN = -1  # attempts of what the hub, which may have lost it, is to be sent again: an A.1 on its way is from before
REFUSED = -1  # attempts of a posted receipt whose signature the hub has refused: it is signed again first
FURTHEST = timedelta(days=1)  # nothing is put off so long: a time beyond it is one that a wrong clock has set
BODY_REFERENCES = (  # that may name a parcel
    outgoing.c.parcel_digest,
    incoming.c.body_digest,
    posted.c.body_digest,
    aside.c.body_digest,
)
PAYLOAD_REFERENCES = (
    outgoing.c.parcel_digest,
    outgoing.c.answer_digest,
    incoming.c.body_digest,
    incoming.c.proof_digest,
    incoming.c.answer_digest,
    incoming.c.decision_digest,
    withdrawal.c.receipt_digest,
    posted.c.body_digest,
    installed.c.digest,
    installed.c.types_digest,
    aside.c.body_digest,
    aside.c.proof_digest,
)
