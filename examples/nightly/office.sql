CREATE TABLE letters (
    id       INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    email    TEXT NOT NULL,
    stage    INTEGER NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE todo (
    order_id TEXT PRIMARY KEY,
    what     TEXT NOT NULL
);
