-- Caps, quiet hours and the weekly mail of headlines.

-- waits_since: since when the newsroom's rules or the journalist's own wishes keep it waiting. digest:
-- the distribution of the weekly mail that named it, of one that a cap left out.
ALTER TABLE deliveries ADD COLUMN waits_since BIGINT;
ALTER TABLE deliveries ADD COLUMN digest INTEGER;

-- What a weekly mail has yet to name. Nothing is written here for anybody without a cap.
CREATE INDEX deliveries_capped ON deliveries (journalist, distribution)
    WHERE state = 7 AND reason = 'cap' AND digest IS NULL;

-- One weekly mail per person and day on which it is due by his own clock.
CREATE TABLE digests (
    journalist INTEGER NOT NULL,
    day TEXT NOT NULL,
    distribution INTEGER NOT NULL,
    PRIMARY KEY (journalist, day)
) {clustered};

-- Which releases a weekly mail names: it is stopped when one of them is withdrawn or held.
CREATE TABLE digest_releases (
    release INTEGER NOT NULL,
    distribution INTEGER NOT NULL,
    PRIMARY KEY (release, distribution)
) {clustered};
