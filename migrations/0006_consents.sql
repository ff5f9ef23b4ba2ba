-- Agreements that something is sent to others. `over`: 0 it holds; 1 it was taken back, or was for a single call that was
-- made; 2 it is for a single call that is being made.
CREATE TABLE consents (
    granted  TEXT    PRIMARY KEY,
    seq      INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    single   INTEGER NOT NULL,
    receipt  TEXT    NOT NULL,
    over     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX consents_that_hold ON consents (until_ms) WHERE over = 0;

INSERT INTO consents (granted, seq, at_ms, until_ms, single, receipt)
SELECT event_id, seq, at_ms, json_extract(data, '$.receipt.until_ms'),
       json_extract(data, '$.receipt.plan.scope') = 'SINGLE_CALL', json_extract(data, '$.receipt')
FROM events WHERE event_type = 'FR-EVT-CLOUD-002' ORDER BY seq;
UPDATE consents SET over = 1 WHERE granted IN
    (SELECT json_extract(data, '$.receipt') FROM events WHERE event_type = 'FR-EVT-CLOUD-005')
    OR (single AND granted IN
        (SELECT json_extract(data, '$.receipt') FROM events WHERE event_type = 'FR-EVT-CLOUD-004'));

-- By which agreement a call was made.
ALTER TABLE model_calls ADD COLUMN consent TEXT;

-- The tables say it now.
DROP INDEX events_of_consent;
