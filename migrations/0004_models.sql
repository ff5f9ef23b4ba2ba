-- What was said in sessions, in order. The words are artifacts; `record` is the rest of a message.
CREATE TABLE messages (
    seq        INTEGER PRIMARY KEY,
    session_id TEXT    NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    at_ms      INTEGER NOT NULL,
    record     TEXT    NOT NULL
) STRICT;
CREATE INDEX messages_by_session ON messages (session_id, seq);

-- Calls of models. One that has not ended counts as what was reserved for it.
CREATE TABLE model_calls (
    call_id         TEXT    PRIMARY KEY,
    session_id      TEXT    NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    plan_id         TEXT    NOT NULL,
    job_id          TEXT    NOT NULL,
    step            INTEGER NOT NULL,
    provider        TEXT    NOT NULL,
    model_id        TEXT    NOT NULL,
    backend         TEXT    NOT NULL,
    started_ms      INTEGER NOT NULL,
    reserved_tokens INTEGER NOT NULL,
    reserved_cost   INTEGER NOT NULL,
    ended_ms        INTEGER,
    tokens          INTEGER,
    output_tokens   INTEGER,
    cost            INTEGER,
    latency_ms      INTEGER,
    failed          INTEGER
) STRICT;
CREATE INDEX model_calls_by_session ON model_calls (session_id, started_ms);
CREATE INDEX model_calls_by_plan ON model_calls (plan_id);
CREATE INDEX model_calls_by_start ON model_calls (started_ms);

-- Agreements are found without a look at every event.
CREATE INDEX events_of_consent ON events (seq)
    WHERE event_type IN ('FR-EVT-CLOUD-002', 'FR-EVT-CLOUD-004', 'FR-EVT-CLOUD-005');

-- What people said about calls of tools is asked for before each of them.
CREATE INDEX events_of_rules ON events (session_id, seq)
    WHERE event_type IN ('FR-EVT-GUARD-009', 'FR-EVT-GUARD-010');
