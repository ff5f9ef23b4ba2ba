-- What a runner asks of each job before it takes new work is found without a walk through its session's events.
CREATE INDEX events_of_runners ON events (seq) WHERE event_type = 'FR-EVT-RUNNER-001';
CREATE INDEX events_of_dispatches ON events (job_id, seq) WHERE event_type = 'FR-EVT-SESS-SCHED-002';
CREATE INDEX events_of_stops ON events (job_id, seq) WHERE event_type = 'FR-EVT-MODEL-003';
CREATE INDEX events_of_turning_back ON events (session_id, seq) WHERE event_type = 'FR-EVT-CKPT-004';
