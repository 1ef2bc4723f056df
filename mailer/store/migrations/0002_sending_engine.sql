-- What the sending engine needs beyond the first schema: signatures, ways out and their pace,
-- what answers say of an address over days, distributions that come from another one.

-- Everything about a DKIM signature but what differs by message: an interned text, so that an
-- attempt keeps a number and the signature's own bytes.
CREATE TABLE signers (
    id INTEGER PRIMARY KEY,
    template TEXT NOT NULL UNIQUE
);
ALTER TABLE attempts ADD COLUMN signer INTEGER;
ALTER TABLE attempts ADD COLUMN signature {blob};

-- A way out (mail service) that is not simply working: resting until an instant, or paused until
-- an officer's word. No row means that it works.
CREATE TABLE routes (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    until_at BIGINT,
    failures INTEGER NOT NULL,
    changed_at BIGINT NOT NULL
);

-- The one owner of a rate: the instant of the next free place in the queue of a route or of a
-- destination group, and up to when what does not fit has been put off.
CREATE TABLE paces (
    name TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL,
    backlog_at BIGINT NOT NULL
);

-- Messages handed to a route per day of the newsroom, for its warm-up (A31).
CREATE TABLE route_days (
    route TEXT NOT NULL,
    day TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (route, day)
);

-- Which deliveries a worker holds, or held, that count for a route's day, so that what never began
-- can be taken off again when the worker dies. Rows go with the day or the worker.
CREATE TABLE route_claims (
    distribution INTEGER NOT NULL,
    delivery BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    route TEXT NOT NULL,
    day TEXT NOT NULL,
    PRIMARY KEY (distribution, delivery)
) {clustered};
CREATE INDEX route_claims_worker ON route_claims (worker, day);

-- Answers that speak against an address only when they come again on other days (G6, G7).
CREATE TABLE address_doubts (
    journalist INTEGER NOT NULL,
    reason TEXT NOT NULL,
    days INTEGER NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (journalist, reason)
) {clustered};

-- kind: release, resend or test. parent: the distribution it was made from. over: over how many
-- microseconds each batch is spread.
ALTER TABLE distributions ADD COLUMN kind TEXT NOT NULL DEFAULT 'release';
ALTER TABLE distributions ADD COLUMN parent INTEGER;
ALTER TABLE distributions ADD COLUMN over BIGINT NOT NULL DEFAULT 0;

-- Who was selected and is not in the plan, and why: suppressed, on_hold, away, excepted or received.
CREATE TABLE left_out (
    distribution INTEGER NOT NULL,
    journalist INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (distribution, journalist)
) {clustered};
CREATE INDEX left_out_journalist ON left_out (journalist);

-- By due time first: a batch that is spread is claimed from its front, and what is due later is
-- never walked over.
DROP INDEX deliveries_queued;
CREATE INDEX deliveries_queued ON deliveries (distribution, wave, due_at, id) WHERE state = 0;
