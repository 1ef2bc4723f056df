-- What a journalist asked for himself, on his own page: no list and no import changes it.

-- A row only for who chose something. weekly_cap: at most so many messages in seven days, NULL no
-- wish; office_hours: 1, only then in his own zone; away_until: nothing before that instant;
-- paused: 1, nothing until he says so; no_embargoes: 1, nothing that is not free yet;
-- language: '' no wish.
CREATE TABLE preferences (
    journalist INTEGER PRIMARY KEY,
    weekly_cap INTEGER,
    office_hours INTEGER NOT NULL DEFAULT 0,
    away_until BIGINT,
    paused INTEGER NOT NULL DEFAULT 0,
    no_embargoes INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL DEFAULT '',
    updated_at BIGINT NOT NULL
);

-- Beats that he added (wanted 1) or wants no more (0), beside those that lists say.
CREATE TABLE beat_choices (
    journalist INTEGER NOT NULL,
    facet INTEGER NOT NULL,
    wanted INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (journalist, facet)
);
