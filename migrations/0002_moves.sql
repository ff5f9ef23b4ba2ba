-- The last landing that was about to move a target is found without a look at every event.
CREATE INDEX events_of_moves ON events (seq) WHERE event_type = 'FR-EVT-MERGE-005';
