-- The spool's tables as the program made them before they had columns added.
CREATE TABLE sent (
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipients JSON NOT NULL,
  document_id TEXT NOT NULL,
  code TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  report JSON NOT NULL,
  outcomes JSON NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (id),
  UNIQUE (digest)
);
CREATE INDEX sent_document ON sent (document_id, kind);
CREATE TABLE received (
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  ref TEXT NOT NULL,
  folder TEXT NOT NULL,
  names JSON NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipients JSON NOT NULL,
  document_id TEXT NOT NULL,
  code TEXT NOT NULL,
  subject TEXT NOT NULL,
  visible BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  failures INTEGER NOT NULL,
  reason TEXT NOT NULL,
  answered BOOLEAN NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  PRIMARY KEY (number),
  UNIQUE (id)
);
CREATE INDEX received_answers ON received (answered, state);
CREATE INDEX received_list ON received (folder, visible, number);
CREATE INDEX received_ref ON received (ref);
CREATE TABLE answer (
  request TEXT NOT NULL,
  content TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (request)
);
CREATE TABLE webhook (
  id INTEGER NOT NULL,
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  PRIMARY KEY (id)
);
CREATE TABLE notice (
  number INTEGER NOT NULL,
  event TEXT NOT NULL,
  document_id TEXT NOT NULL,
  content JSON NOT NULL,
  attempts INTEGER NOT NULL,
  not_before TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (number)
);
CREATE TABLE unit (
  code TEXT NOT NULL,
  facts JSON NOT NULL,
  version INTEGER NOT NULL,
  deleted BOOLEAN NOT NULL,
  modified_at TEXT NOT NULL,
  PRIMARY KEY (code)
);
