-- The first schema. All ids are integers made by us (table counters) unless {identity} says so;
-- instants are UTC microseconds in BIGINT; journalist ids are dense 32-bit integers.

CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

-- The newsroom's own facts: ledger_id, fingerprints of the keys, count of starts.
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Raised by every opt-out, pause, cancel and kill; senders read it at least every 100 ms.
CREATE TABLE control (id INTEGER PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO control (id, version) VALUES (1, 1);

-- Append-only history: when, what, who.
CREATE TABLE events (
    id {identity},
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    distribution INTEGER,
    delivery BIGINT,
    journalist INTEGER,
    data TEXT NOT NULL
);
CREATE INDEX events_distribution ON events (distribution, id);

-- Audience -------------------------------------------------------------------------------------

-- import is the one that made the row, hold_import the one that put the person on hold, if any.
CREATE TABLE journalists (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    hold_reason TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    outlet TEXT NOT NULL,
    outlet_type TEXT NOT NULL,
    country TEXT NOT NULL,
    language TEXT NOT NULL,
    zone TEXT NOT NULL,
    beats TEXT NOT NULL,
    consent_basis TEXT NOT NULL,
    source TEXT NOT NULL,
    source_date TEXT NOT NULL,
    notes TEXT NOT NULL,
    import BIGINT,
    hold_import BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX journalists_inactive ON journalists (state) WHERE state <> 'active';

-- The only place of an address, so that erasure is one row. hash is keyed (design decision 8).
CREATE TABLE addresses (
    journalist INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    hash {blob} NOT NULL UNIQUE
);

-- import is the one that made it: nobody sees it before that import is whole.
CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    import BIGINT,
    created_at BIGINT NOT NULL
);

-- import is the one that made the row: nobody sees it before that import is whole.
CREATE TABLE memberships (
    list INTEGER NOT NULL,
    journalist INTEGER NOT NULL,
    state TEXT NOT NULL,
    joined_at BIGINT NOT NULL,
    left_at BIGINT,
    import BIGINT,
    PRIMARY KEY (list, journalist)
) {clustered};
CREATE INDEX memberships_journalist ON memberships (journalist);

-- Folded values a segment can ask for: beat, country, language, outlet, outlet_type, zone, tag.
-- Each stands once, so that who has it is two small integers.
CREATE TABLE facet_values (
    id INTEGER PRIMARY KEY,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (field, value)
);

CREATE TABLE facets (
    journalist INTEGER NOT NULL,
    facet INTEGER NOT NULL,
    PRIMARY KEY (journalist, facet)
) {clustered};
CREATE INDEX facets_facet ON facets (facet, journalist);

-- One run over one file. staging: its rows are in the tables but hidden; applying: in force, its
-- changes of people known before are being carried out; done; undone when it broke off.
-- first_journalist: the people it made have ids from there on.
CREATE TABLE imports (
    id BIGINT PRIMARY KEY,
    list INTEGER NOT NULL,
    file TEXT NOT NULL,
    state TEXT NOT NULL,
    actor TEXT NOT NULL,
    first_journalist BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    result TEXT
);
CREATE INDEX imports_open ON imports (state) WHERE state IN ('staging', 'applying');

-- What an open import will do to people known before; each row goes when it is done.
CREATE TABLE import_changes (
    import BIGINT NOT NULL,
    journalist INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (import, journalist)
) {clustered};

-- Objections found in the file of an open import; they become suppressions.
CREATE TABLE import_objections (
    import BIGINT NOT NULL,
    hash {blob} NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (import, hash)
) {clustered};

-- Do not contact. scope is 'all' or 'list:ID'. The address itself is not here.
CREATE TABLE suppressions (
    id BIGINT PRIMARY KEY,
    hash {blob} NOT NULL,
    hash_version INTEGER NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (hash, scope)
);

-- Releases -------------------------------------------------------------------------------------

CREATE TABLE releases (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Immutable; same bytes are the same revision.
CREATE TABLE revisions (
    release INTEGER NOT NULL,
    number INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    file TEXT NOT NULL,
    headline TEXT NOT NULL,
    language TEXT NOT NULL,
    source {blob} NOT NULL,
    document TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (release, number),
    UNIQUE (release, sha256)
);

-- Compiled templates by their SHA-256; senders load only these.
CREATE TABLE compiled (
    digest TEXT PRIMARY KEY,
    data {blob} NOT NULL,
    created_at BIGINT NOT NULL
);

-- Distributions --------------------------------------------------------------------------------

CREATE TABLE distributions (
    id INTEGER PRIMARY KEY,
    release INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    compiled TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    priority INTEGER NOT NULL,
    late TEXT NOT NULL,
    embargo_until BIGINT,
    due_at BIGINT NOT NULL,
    zone TEXT NOT NULL,
    audience TEXT NOT NULL,
    left_out TEXT NOT NULL,
    recipients INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX distributions_open ON distributions (priority, id)
    WHERE state IN ('scheduled', 'sending');

CREATE TABLE waves (
    distribution INTEGER NOT NULL,
    id INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    zone TEXT NOT NULL,
    state TEXT NOT NULL,
    recipients INTEGER NOT NULL,
    heartbeat_at BIGINT,
    PRIMARY KEY (distribution, id)
);

-- One message to one person. state is a number of store/states.py; the partial indexes name one
-- state each, because a claim asks for one.
CREATE TABLE deliveries (
    distribution INTEGER NOT NULL,
    id BIGINT NOT NULL,
    journalist INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    list INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state INTEGER NOT NULL,
    feedback TEXT,
    due_at BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    worker BIGINT,
    attempts INTEGER NOT NULL,
    first_attempt_at BIGINT,
    last_attempt_at BIGINT,
    code INTEGER,
    enhanced TEXT,
    reply TEXT,
    route TEXT,
    reason TEXT,
    PRIMARY KEY (distribution, id),
    UNIQUE (journalist, distribution)
) {clustered};
CREATE INDEX deliveries_queued ON deliveries (distribution, wave, id) WHERE state = 0;
CREATE INDEX deliveries_claimed ON deliveries (worker) WHERE state = 1;
CREATE INDEX deliveries_deferred ON deliveries (distribution, due_at) WHERE state = 2;
CREATE INDEX deliveries_in_doubt ON deliveries (worker, distribution, id) WHERE state = 5;

-- What the message said of the person, written at first claim and reused at every try.
CREATE TABLE slot_values (
    distribution INTEGER NOT NULL,
    delivery BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (distribution, delivery)
) {clustered};

-- One SMTP try with the server's words. sent_date and sha256 rebuild and prove the bytes.
CREATE TABLE attempts (
    distribution INTEGER NOT NULL,
    delivery BIGINT NOT NULL,
    number INTEGER NOT NULL,
    worker BIGINT NOT NULL,
    at BIGINT NOT NULL,
    sent_date BIGINT NOT NULL,
    route TEXT NOT NULL,
    phase TEXT NOT NULL,
    code INTEGER NOT NULL,
    enhanced TEXT NOT NULL,
    reply TEXT NOT NULL,
    verdict TEXT NOT NULL,
    state INTEGER NOT NULL,
    sha256 {blob},
    PRIMARY KEY (distribution, delivery, number)
) {clustered};

-- One row per start of a sender; its id fences everything it claimed.
CREATE TABLE workers (
    id BIGINT PRIMARY KEY,
    host TEXT NOT NULL,
    name TEXT NOT NULL,
    pid INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    journal TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    lease_at BIGINT NOT NULL,
    left_at BIGINT
);
CREATE INDEX workers_alive ON workers (host) WHERE left_at IS NULL;
