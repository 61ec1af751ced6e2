-- The schema of version 1 as its program made it, frozen: what an upgrade must be able to start from.
CREATE TABLE attempt (
  queue TEXT NOT NULL,
  message_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (queue, message_id)
);
CREATE TABLE event (
  number BIGSERIAL NOT NULL,
  agency TEXT NOT NULL,
  axis_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  canonical TEXT NOT NULL,
  PRIMARY KEY (number)
);
CREATE INDEX event_submission ON event (agency, axis_id);
CREATE TABLE incoming (
  number BIGSERIAL NOT NULL,
  agency TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  proof_digest TEXT NOT NULL,
  names JSON NOT NULL,
  facts JSON NOT NULL,
  attempts INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  received_at TEXT NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (agency, id)
);
CREATE INDEX incoming_due ON incoming (agency, state, not_before);
CREATE TABLE installed_registry (
  agency TEXT NOT NULL,
  version INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (agency)
);
CREATE TABLE ledger (
  id BIGSERIAL NOT NULL,
  position BIGINT,
  link TEXT,
  digest TEXT NOT NULL,
  canonical TEXT NOT NULL,
  axis_id TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (position)
);
CREATE INDEX ledger_submission ON ledger (axis_id);
CREATE TABLE meta (
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (name)
);
CREATE TABLE outbox (
  id BIGSERIAL NOT NULL,
  code TEXT NOT NULL,
  urgent BOOLEAN NOT NULL,
  message_id TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  proof_digest TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  not_before TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX outbox_due ON outbox (not_before);
CREATE TABLE outgoing (
  agency TEXT NOT NULL,
  source_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  document_id TEXT NOT NULL,
  content_digest TEXT NOT NULL,
  parcel_digest TEXT NOT NULL,
  facts JSON NOT NULL,
  axis_id TEXT NOT NULL,
  answer_digest TEXT NOT NULL,
  problems JSON NOT NULL,
  settled BOOLEAN NOT NULL,
  attempts INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (agency, source_digest)
);
CREATE INDEX outgoing_content ON outgoing (agency, content_digest);
CREATE INDEX outgoing_due ON outgoing (state, not_before);
CREATE TABLE payload (
  digest TEXT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (digest)
);
CREATE TABLE posted (
  number BIGSERIAL NOT NULL,
  agency TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  PRIMARY KEY (number)
);
CREATE INDEX posted_due ON posted (agency, not_before);
CREATE TABLE refusal (
  sender TEXT NOT NULL,
  digest TEXT NOT NULL,
  document_id TEXT NOT NULL,
  receipt_digest TEXT NOT NULL,
  retry BOOLEAN NOT NULL,
  refused_at TEXT NOT NULL,
  PRIMARY KEY (sender, digest)
);
CREATE TABLE registry (
  version SERIAL NOT NULL,
  digest TEXT NOT NULL,
  issued_at TEXT NOT NULL,
  PRIMARY KEY (version)
);
CREATE TABLE statement (
  issuer TEXT NOT NULL,
  event TEXT NOT NULL,
  axis_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  receipt_digest TEXT NOT NULL,
  time TEXT NOT NULL,
  PRIMARY KEY (issuer, event, axis_id, recipient)
);
CREATE TABLE submission (
  axis_id TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  organ_id TEXT NOT NULL,
  document_id TEXT NOT NULL,
  code TEXT NOT NULL,
  subject TEXT NOT NULL,
  status_code TEXT NOT NULL,
  priority INTEGER NOT NULL,
  content_digest TEXT NOT NULL,
  parcel_digest TEXT NOT NULL,
  acceptance_digest TEXT NOT NULL,
  registry_version INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  PRIMARY KEY (axis_id),
  UNIQUE (key)
);
CREATE INDEX submission_code ON submission (code);
CREATE INDEX submission_content ON submission (content_digest);
CREATE INDEX submission_document ON submission (sender, document_id);
CREATE INDEX submission_parcel ON submission (parcel_digest);
CREATE TABLE delivery (
  id TEXT NOT NULL,
  axis_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  units JSON NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (axis_id, recipient),
  FOREIGN KEY(axis_id) REFERENCES submission (axis_id)
);
CREATE TABLE business_status (
  delivery_id TEXT NOT NULL,
  unit TEXT NOT NULL,
  code TEXT NOT NULL,
  reported_at TEXT NOT NULL,
  arrived_at TEXT NOT NULL,
  PRIMARY KEY (delivery_id, unit),
  FOREIGN KEY(delivery_id) REFERENCES delivery (id)
);
INSERT INTO meta (name, value) VALUES ('schema_version', '1');
