-- Run once, when `warehouse.db` is made. A table that you add here later, add to the database yourself:
-- `sqlite3 warehouse.db < warehouse.sql` does it, for each statement bears being repeated.
CREATE TABLE IF NOT EXISTS contacts (
    hubspot_id TEXT PRIMARY KEY,
    email      TEXT,
    name       TEXT
);

CREATE TABLE IF NOT EXISTS companies (
    hubspot_id TEXT PRIMARY KEY,
    name       TEXT
);
