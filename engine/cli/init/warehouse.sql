-- Run each time the connection is opened, so every statement must bear being repeated.
CREATE TABLE IF NOT EXISTS contacts (
    hubspot_id TEXT PRIMARY KEY,
    email      TEXT,
    name       TEXT
);
