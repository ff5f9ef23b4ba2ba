-- Who may change what now. A session has one lock at most; the database refuses a second one.
CREATE TABLE locks (
    token             INTEGER PRIMARY KEY,
    session_id        TEXT,
    holder_session_id TEXT,
    owner             TEXT    NOT NULL,
    holder            TEXT    NOT NULL,
    scope             TEXT    NOT NULL,
    since             INTEGER NOT NULL,
    lease             TEXT,
    granted_ms        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX locks_by_session ON locks (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX locks_by_holder ON locks (holder_session_id) WHERE holder_session_id IS NOT NULL;

-- What a session asks for, as a list of patterns; the last lock it had and the first of the unbroken
-- row that this one ends; the lock that it waits for; and what it asked for on top while it runs.
ALTER TABLE sessions ADD COLUMN scope TEXT NOT NULL DEFAULT '["**"]';
ALTER TABLE sessions ADD COLUMN lock_token INTEGER;
ALTER TABLE sessions ADD COLUMN lock_since INTEGER;
ALTER TABLE sessions ADD COLUMN waits_for_token INTEGER;
ALTER TABLE sessions ADD COLUMN waits_since_grant INTEGER;
ALTER TABLE sessions ADD COLUMN wants TEXT;
UPDATE sessions SET scope = json_extract(spec, '$.scope');
CREATE INDEX sessions_that_want ON sessions (created_seq) WHERE wants IS NOT NULL;

-- Whether anybody else was granted something in between is asked of the grants alone.
CREATE INDEX events_of_grants ON events (seq) WHERE event_type = 'FR-EVT-LOCK-001';

-- How many grants there were, since a request that saw too many of them pass it by is next; and how
-- many changes of locks, so that who has read them all knows whether there is anything new.
CREATE TABLE grants (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    count    INTEGER NOT NULL,
    changes  INTEGER NOT NULL
) STRICT;
INSERT INTO grants VALUES (1, 0, 0);
