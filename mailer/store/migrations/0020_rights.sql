-- What a person may ask of what is held on him, and what he agreed to.

-- One erasure. hash, journalist: of whom, while it is under way; hash goes at the end (the
-- do-not-contact entry keeps it). result: JSON, how much went.
CREATE TABLE erasures (
    id BIGINT PRIMARY KEY,
    hash {blob},
    journalist INTEGER,
    actor TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    finished_at BIGINT,
    result TEXT
);
CREATE INDEX erasures_open ON erasures (id) WHERE finished_at IS NULL;

-- Terms as they were shown to somebody: they never change.
CREATE TABLE embargo_terms (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- terms: those he agreed to; by_mail: 1 where the release comes to him as a mail too before the end,
-- 0 where he only reads it behind his link.
ALTER TABLE embargo_grants ADD COLUMN terms INTEGER;
ALTER TABLE embargo_grants ADD COLUMN by_mail INTEGER NOT NULL DEFAULT 1;

-- Who was told of a release under embargo, and his answer: '' none yet, agreed or declined.
-- distribution, delivery: the note to him.
CREATE TABLE embargo_offers (
    release INTEGER NOT NULL,
    journalist INTEGER NOT NULL,
    terms INTEGER NOT NULL,
    distribution INTEGER NOT NULL,
    delivery BIGINT NOT NULL,
    actor TEXT NOT NULL,
    offered_at BIGINT NOT NULL,
    answer TEXT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (release, journalist)
) {clustered};

-- Which revision of the text was shown to somebody behind his link, and how often.
CREATE TABLE embargo_openings (
    release INTEGER NOT NULL,
    journalist INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (release, journalist, revision)
) {clustered};

-- An outlet whose people need not be asked each time. outlet: folded, as segments compare it;
-- until_at: NULL until somebody ends it.
CREATE TABLE embargo_standings (
    id INTEGER PRIMARY KEY,
    outlet TEXT NOT NULL,
    title TEXT NOT NULL,
    terms INTEGER NOT NULL,
    how TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
