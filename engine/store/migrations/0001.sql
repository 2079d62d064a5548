-- The first schema. Flows and sources are numbered, so that renaming a flow touches one row.
-- Times are milliseconds since 1970; run ids are 16 bytes; bodies are compressed JSON (see payload.rs).

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES
    ('epoch', 0),                           -- counts owners; writes of an earlier one are refused
    ('endings', 0),                         -- counts runs that ended; orders `run.ending`
    ('target_key_secret', randomblob(32));  -- hashes of targets' keys say nothing without it

CREATE TABLE flow (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    identity   TEXT NOT NULL UNIQUE,        -- its first name: what effect ids are made from, whatever it is called now
    state      TEXT NOT NULL DEFAULT 'active'
               CHECK (state IN ('active', 'paused', 'disabled', 'held', 'blocked', 'invalid')),
    reason     TEXT,
    changed_at INTEGER,
    asked      INTEGER NOT NULL DEFAULT 0   -- runs that an operator asked for, beside those of its polls
) STRICT;

CREATE TABLE source (
    number          INTEGER PRIMARY KEY,
    flow            INTEGER NOT NULL REFERENCES flow (number),
    name            TEXT NOT NULL,
    floor           INTEGER NOT NULL,
    watermark       INTEGER NOT NULL,
    wide_at         INTEGER NOT NULL,
    swept_at        INTEGER NOT NULL,
    overlap         INTEGER NOT NULL,
    allowance       INTEGER NOT NULL,
    pass_kind       TEXT CHECK (pass_kind IN ('quick', 'wide', 'sweep', 'whole')),
    pass_started_at INTEGER,
    pass_newest     INTEGER,
    resume_kind     TEXT CHECK (resume_kind IN ('from', 'drain')),
    resume_at       INTEGER,
    resume_after    TEXT,
    resume_order    TEXT CHECK (resume_order IN ('text', 'numbers')), -- of ids, by the pages of the pass
    polls           INTEGER NOT NULL DEFAULT 0,
    records         INTEGER NOT NULL DEFAULT 0,
    filtered        INTEGER NOT NULL DEFAULT 0,
    before_start    INTEGER NOT NULL DEFAULT 0,
    late            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (flow, name),
    CHECK ((pass_kind IS NULL) = (pass_started_at IS NULL)),
    CHECK ((pass_kind IS NULL) = (resume_kind IS NULL)),
    CHECK ((pass_kind IS NULL) = (resume_at IS NULL))
) STRICT;

-- Flows that go by the clock: their next time, and the walk under way.
CREATE TABLE schedule (
    flow       INTEGER PRIMARY KEY REFERENCES flow (number),
    times      TEXT NOT NULL,               -- what `next_due` was computed from
    source     TEXT,                        -- the object that is walked, where one is
    next_due   INTEGER,                     -- none where it never starts again
    last_fired INTEGER,
    walk_at    INTEGER,                     -- the time that began the walk under way
    walk_after TEXT,                        -- the last id that it has read
    walk_order TEXT CHECK (walk_order IN ('text', 'numbers')), -- of ids, by the page that this is from
    started    INTEGER NOT NULL DEFAULT 0,  -- runs that its times started, where it walks nothing
    records    INTEGER NOT NULL DEFAULT 0,  -- what its walks read
    filtered   INTEGER NOT NULL DEFAULT 0,
    CHECK (walk_at IS NOT NULL OR walk_after IS NULL)
) STRICT;

-- Which versions of recent records were read.
CREATE TABLE seen (
    source     INTEGER NOT NULL REFERENCES source (number),
    record     TEXT NOT NULL,
    stamp      INTEGER NOT NULL,
    hash       INTEGER NOT NULL,
    projection INTEGER NOT NULL,
    PRIMARY KEY (source, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_by_stamp ON seen (source, stamp);

CREATE TABLE run (
    id              BLOB PRIMARY KEY CHECK (length(id) = 16),
    flow            INTEGER NOT NULL REFERENCES flow (number),
    record          TEXT NOT NULL,
    stamp           INTEGER NOT NULL,
    hash            INTEGER NOT NULL,
    nonce           TEXT NOT NULL DEFAULT '',
    caller          BLOB,                   -- the run that called it, which waits for its end
    state           TEXT NOT NULL
                    CHECK (state IN ('pending', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'superseded', 'unknown', 'cancelled')),
    attempt         INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    ending          INTEGER NOT NULL DEFAULT 0,  -- which ending it was of all runs'; before that, how many there were at its claim
    has_body        INTEGER NOT NULL DEFAULT 1 CHECK (has_body IN (0, 1)),
    reason          TEXT,                   -- why it was skipped or cancelled
    stop_reason     TEXT,                   -- why an operator wanted it to stop while it was at work; it stays when it has ended
    ignored         INTEGER NOT NULL DEFAULT 0,  -- failures that its author let it go on after
    failure_step    TEXT,
    failure_class   TEXT,
    failure_message TEXT,
    failure_attempt INTEGER,
    dismissed_at    INTEGER                 -- since when an operator does not want to see its failure listed any more
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX run_version ON run (record, flow, stamp, hash, nonce);

-- Partial, so that a million ended runs cost the dispatcher nothing, and a run is entered into few of them at a time.
CREATE INDEX run_pending ON run (flow, due_at, id) WHERE state = 'pending';
CREATE INDEX run_lane ON run (flow, record, stamp, id) WHERE state = 'pending';
CREATE INDEX run_waiting ON run (flow, due_at, id) WHERE state = 'waiting';
CREATE INDEX run_at_work ON run (flow, record) WHERE state = 'running';
CREATE INDEX run_called ON run (caller, ending) WHERE caller IS NOT NULL;
-- History: pages by flow and state, and what ended since.
CREATE INDEX run_by_state ON run (flow, state, id) WHERE ended_at IS NOT NULL;
CREATE INDEX run_by_ending ON run (ending) WHERE ended_at IS NOT NULL;
-- Retention: what ended first, with a body and without.
CREATE INDEX run_by_end ON run (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX run_with_body ON run (ended_at)
    WHERE has_body = 1 AND ended_at IS NOT NULL AND (state NOT IN ('failed', 'unknown') OR dismissed_at IS NOT NULL);
-- Failures: what gave up and waits for an operator, by cause, and each page of them by age.
-- The last two columns are always the same; with them, causes are counted without a look at their runs.
CREATE INDEX run_failure ON run (flow, failure_step, failure_class, failure_message, ended_at, state, dismissed_at)
    WHERE state IN ('failed', 'unknown') AND dismissed_at IS NULL;
CREATE INDEX run_failure_by_age ON run (id) WHERE state IN ('failed', 'unknown') AND dismissed_at IS NULL;

-- How many runs of a flow ended in each state, kept by triggers so that no writer can forget it. Runs that have not
-- ended are counted in their partial indexes: keeping their number would cost each change of their state more than the
-- change itself.
CREATE TABLE run_count (
    flow  INTEGER NOT NULL REFERENCES flow (number),
    state TEXT NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (flow, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_ended AFTER UPDATE OF ended_at ON run WHEN new.ended_at IS NOT NULL BEGIN
    INSERT INTO run_count (flow, state, n) VALUES (new.flow, new.state, 1)
        ON CONFLICT (flow, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER run_reopened AFTER UPDATE OF ended_at ON run WHEN old.ended_at IS NOT NULL BEGIN
    UPDATE run_count SET n = n - 1 WHERE flow = old.flow AND state = old.state;
END;

CREATE TRIGGER run_removed AFTER DELETE ON run WHEN old.ended_at IS NOT NULL BEGIN
    UPDATE run_count SET n = n - 1 WHERE flow = old.flow AND state = old.state;
END;

-- Bodies, apart from the rows that lists read; they may go earlier than their run.
CREATE TABLE payload (
    run     BLOB PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    record  BLOB NOT NULL,
    outcome BLOB
) STRICT, WITHOUT ROWID;

-- What each attempt did, for people; one body for the whole run (see log.rs).
CREATE TABLE run_log (
    run   BLOB PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    lines BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run_key (
    value TEXT NOT NULL,
    name  TEXT NOT NULL,
    run   BLOB NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    PRIMARY KEY (value, name, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_key_by_run ON run_key (run);

-- What look-ups gave, so that a later attempt is told the same.
CREATE TABLE journal (
    run     BLOB NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

-- The ledger of writes. Its rows outlive their runs, and lie in the order in which they were planned: ids are hashes,
-- and a row in their order would be on another page at each of its changes.
CREATE TABLE effect (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    run           BLOB NOT NULL,
    flow          INTEGER NOT NULL REFERENCES flow (number),
    step          TEXT NOT NULL,
    item          TEXT NOT NULL,
    record        TEXT NOT NULL,
    stamp         INTEGER NOT NULL,
    state         TEXT NOT NULL
                  CHECK (state IN ('planned', 'sent', 'done', 'unchanged', 'superseded', 'failed', 'unknown', 'skipped')),
    verb          TEXT NOT NULL,
    connection    TEXT NOT NULL,
    object        TEXT NOT NULL,
    target_key    TEXT,
    request_hash  INTEGER NOT NULL,
    nonce         TEXT NOT NULL DEFAULT '',    -- an operator's run stands beside those of polls, not in their order
    attempts      INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,  -- attempts that count against the write
    maybe_applied INTEGER NOT NULL DEFAULT 0 CHECK (maybe_applied IN (0, 1)),
    planned_at    INTEGER NOT NULL,
    first_sent_at INTEGER,
    last_sent_at  INTEGER,
    settled_at    INTEGER,
    outcome       BLOB,
    target_id     TEXT,
    class         TEXT,
    CHECK (state <> 'sent' OR last_sent_at IS NOT NULL)
) STRICT;

CREATE INDEX effect_by_run ON effect (run);
CREATE INDEX effect_open ON effect (state) WHERE state IN ('planned', 'sent', 'failed', 'unknown');
CREATE INDEX effect_applied ON effect (record, flow, step, item, stamp) WHERE state IN ('done', 'unchanged');
CREATE INDEX effect_by_target ON effect (connection, object, target_key, settled_at)
    WHERE state IN ('done', 'unchanged') AND target_key IS NOT NULL;
CREATE INDEX effect_by_settled ON effect (settled_at) WHERE settled_at IS NOT NULL;
