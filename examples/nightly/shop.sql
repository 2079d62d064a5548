CREATE TABLE orders (
    id     INTEGER PRIMARY KEY,
    email  TEXT,
    amount INTEGER NOT NULL,
    state  TEXT NOT NULL,
    stage  INTEGER NOT NULL DEFAULT 0
);

INSERT INTO orders (id, email, amount, state) VALUES
    (1001, 'ada@example.com', 120, 'open'),
    (1002, 'bob@example.com',  80, 'paid'),
    (1003, 'cyd@example.com', 950, 'open'),
    (1004, NULL,               45, 'open'),
    (1005, 'eve@example.com',  30, 'open');
