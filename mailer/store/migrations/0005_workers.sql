-- What several machines tell each other of their senders. share: how many senders their host runs;
-- blocked: why this one claims nothing at the moment, if anything keeps it from doing so.
ALTER TABLE workers ADD COLUMN share INTEGER NOT NULL DEFAULT 1;
ALTER TABLE workers ADD COLUMN blocked TEXT;
