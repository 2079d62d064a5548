-- The warehouse's tables. Run once, when `warehouse.db` is made. A table that you add here later, add to the database
-- yourself: `sqlite3 warehouse.db < warehouse.sql` does it, for each statement bears being repeated.

CREATE TABLE IF NOT EXISTS customers (
    id         INTEGER PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    name       TEXT,
    company    TEXT,
    city       TEXT,
    since      TEXT
);

CREATE TABLE IF NOT EXISTS accounts (
    hubspot_id TEXT PRIMARY KEY,
    name       TEXT,
    domain     TEXT,
    industry   TEXT,
    employees  INTEGER
);

CREATE TABLE IF NOT EXISTS call_list (
    id         INTEGER PRIMARY KEY,
    hubspot_id TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    stage      TEXT NOT NULL
);

-- People who asked not to be called.
CREATE TABLE IF NOT EXISTS do_not_call (
    phone      TEXT PRIMARY KEY
);

INSERT OR IGNORE INTO do_not_call (phone) VALUES
    ('+49 711 5550433'),
    ('+49 711 5557060'),
    ('+49 711 5559373');
