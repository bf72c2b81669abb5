-- A journal as version 1 kept it: one change, one that was left open, and a batch of two rows.
CREATE TABLE entries (
    entry INTEGER PRIMARY KEY AUTOINCREMENT, time, person, host, merchant, operation, customer_id,
    outcome, before, sent, after, request_id, consent, undoes, process, api, answered_by,
    token_digest, clover_time, checked INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX entries_of_customer ON entries (customer_id);
CREATE TABLE batches (
    batch INTEGER PRIMARY KEY AUTOINCREMENT, plan TEXT, host TEXT, merchant TEXT, person TEXT,
    process TEXT, started REAL, ended REAL, state TEXT, stop INTEGER NOT NULL DEFAULT 0,
    reason TEXT, headings TEXT, undoes INTEGER, UNIQUE (host, merchant, plan)
);
CREATE TABLE rows (
    batch INTEGER, row INTEGER, action TEXT, customer_id TEXT, before TEXT, wanted TEXT,
    cells TEXT, state TEXT, reason TEXT, request_id TEXT, uid TEXT, changed REAL, verified INTEGER,
    PRIMARY KEY (batch, row)
) WITHOUT ROWID;
CREATE INDEX rows_of_customer ON rows (customer_id);
CREATE TABLE claims (
    host TEXT, customer_id TEXT, entry INTEGER NOT NULL, PRIMARY KEY (host, customer_id)
) WITHOUT ROWID;
INSERT INTO entries VALUES (
    4, 9e9, 'ana', 'h', 'M1', 'modify', 'A', 'done', '{"name": "Ana"}', '{"name": "Bea"}',
    '{"name": "Bea"}', 'r1', NULL, NULL, 'node.1.a', 'ecommerce', 'ecommerce', NULL, NULL, 0
);
INSERT INTO entries VALUES (
    7, 9e9, 'ana', 'h', 'M1', 'modify', 'B', 'open', NULL, '{"name": "Cleo"}', NULL, NULL, 1, NULL,
    'node.1.a', 'ecommerce', NULL, NULL, 1.5, 0
);
INSERT INTO batches VALUES (
    3, 'p', 'h', 'M1', 'ana', 'node.1.a', 9e9, NULL, 'running', 0, NULL, '["id", "phone"]', NULL
);
INSERT INTO rows VALUES (
    3, 2, 'modify', 'A', '{"phone": "1"}', '{"phone": "2"}', '["A", "2"]', 'done', NULL, 'r2',
    'u1', 9e9, NULL
);
INSERT INTO rows VALUES (
    3, 3, 'create', NULL, '{}', '{"phone": "3"}', '["", "3"]', 'open', NULL, NULL, 'u2', 9e9, NULL
);
INSERT INTO claims VALUES ('h', 'A', 4);
PRAGMA user_version = 1;
