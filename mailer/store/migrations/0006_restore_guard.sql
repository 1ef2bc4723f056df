-- A ledger that was put back from an earlier time: who keeps it, and what it holds for an officer.

-- Machines that have had this ledger at work; starts is the count of starts at their last one.
CREATE TABLE keepers (
    host TEXT NOT NULL,
    machine TEXT NOT NULL,
    starts BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (host, machine)
);

-- Each time the ledger was found, or made, older than it had been. id is the instant;
-- knows_until the last one of which the ledger has any history.
CREATE TABLE incidents (
    id BIGINT PRIMARY KEY,
    why TEXT NOT NULL,
    host TEXT NOT NULL,
    knows_until BIGINT NOT NULL
);

-- Batches that were open then, and the states they had. decision is NULL until an officer's word.
CREATE TABLE held_back (
    distribution INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    incident BIGINT NOT NULL,
    wave_was TEXT NOT NULL,
    distribution_was TEXT NOT NULL,
    decision TEXT,
    decided_at BIGINT,
    actor TEXT,
    PRIMARY KEY (distribution, wave)
) {clustered};
