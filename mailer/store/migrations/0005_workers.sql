-- What several machines tell each other. Of a sender: share, how many its host runs; blocked, why
-- it claims nothing at the moment, if anything keeps it from doing so.
ALTER TABLE workers ADD COLUMN share INTEGER NOT NULL DEFAULT 1;
ALTER TABLE workers ADD COLUMN blocked TEXT;

-- Machines whose scheduler runs, with or without anything to send.
CREATE TABLE machines (
    host TEXT PRIMARY KEY,
    config_digest TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    blocked TEXT
);
