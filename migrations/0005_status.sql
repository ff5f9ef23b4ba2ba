-- How a session stands, as the last event says that tells it in a line for programs.
ALTER TABLE sessions ADD COLUMN status TEXT;
