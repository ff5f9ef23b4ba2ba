-- The log is the truth; every other table is folded from it and can be rebuilt.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    event_id   TEXT    NOT NULL UNIQUE,
    at_ms      INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    trace_id   TEXT    NOT NULL,
    session_id TEXT,
    job_id     TEXT,
    event_type TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    hash       TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_session ON events (session_id, seq) WHERE session_id IS NOT NULL;

-- The end of the chain, so that a truncated log is noticed, and where it now begins.
CREATE TABLE chain (
    only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
    first_seq   INTEGER NOT NULL,
    first_hash  TEXT    NOT NULL,
    head_seq    INTEGER NOT NULL,
    head_hash   TEXT    NOT NULL
) STRICT;

CREATE TABLE sessions (
    session_id     TEXT    PRIMARY KEY,
    created_seq    INTEGER NOT NULL UNIQUE,
    name           TEXT    NOT NULL,
    plan_id        TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    spec           TEXT    NOT NULL,
    branch         TEXT    NOT NULL,
    target         TEXT    NOT NULL,
    auto_land      INTEGER NOT NULL,
    lane           TEXT    NOT NULL,
    priority       INTEGER NOT NULL,
    group_name     TEXT,
    worktree_path  TEXT,
    git_dir        TEXT,
    base           TEXT,
    fill_method    TEXT,
    tip            TEXT,
    released       INTEGER NOT NULL DEFAULT 0,
    landed_commit  TEXT,
    landing_code   TEXT,
    report         TEXT,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL
) STRICT;
-- What the runner asks at every look is answered by these two, whatever else is on record. A
-- partial index is used only by a query that repeats its condition word for word.
CREATE INDEX sessions_open ON sessions (created_seq)
    WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED');
CREATE INDEX sessions_to_land ON sessions (created_seq)
    WHERE state = 'COMPLETED' AND auto_land = 1 AND landed_commit IS NULL
      AND landing_code IS NULL;
CREATE INDEX sessions_by_name ON sessions (name, created_seq);
CREATE INDEX sessions_by_short_id ON sessions (substr(session_id, 29));
CREATE INDEX sessions_by_plan ON sessions (plan_id, created_seq);

CREATE TABLE session_after (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    after_id   TEXT NOT NULL,
    PRIMARY KEY (session_id, after_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_after_by_before ON session_after (after_id);

CREATE TABLE jobs (
    job_id        TEXT    PRIMARY KEY,
    session_id    TEXT    NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    queued_seq    INTEGER NOT NULL UNIQUE,
    kind          TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    command       TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    not_before_ms INTEGER NOT NULL,
    queued_ms     INTEGER NOT NULL,
    started_ms    INTEGER,
    ended_ms      INTEGER,
    duration_ms   INTEGER,
    outcome       TEXT,
    output        TEXT
) STRICT;
CREATE INDEX jobs_by_session ON jobs (session_id, position, queued_seq);
CREATE INDEX jobs_open ON jobs (state, session_id) WHERE state IN ('queued', 'running', 'stalled');

-- The newest starts, for the rates of groups.
CREATE INDEX jobs_by_start ON jobs (started_ms) WHERE started_ms IS NOT NULL;

-- The head of a session's queue is the first entry of this index.
CREATE INDEX jobs_queued ON jobs (session_id, position, queued_seq) WHERE state = 'queued';

CREATE TABLE artifacts (
    seq         INTEGER PRIMARY KEY,
    hash        TEXT    NOT NULL,
    session_id  TEXT,
    job_id      TEXT,
    size        INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    media_type  TEXT    NOT NULL,
    stored_ms   INTEGER NOT NULL,
    quarantined INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX artifacts_by_hash ON artifacts (hash);
CREATE INDEX artifacts_by_session ON artifacts (session_id);
