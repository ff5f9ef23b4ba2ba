-- Points in sessions' lives that one can go back to. The commits are kept by refs, until they are dropped.
CREATE TABLE checkpoints (
    checkpoint_id TEXT    PRIMARY KEY,
    session_id    TEXT    NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    at_ms         INTEGER NOT NULL,
    record        TEXT    NOT NULL,
    UNIQUE (session_id, number)
) STRICT;

-- What was said after the point to which a thread was taken back is not in it any more.
ALTER TABLE messages ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
