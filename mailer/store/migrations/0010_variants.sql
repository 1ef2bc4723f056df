-- One release in several languages.

-- stated: 1 where the author said which language it is. variants: the languages announced, "en fr";
-- translates: the revision of the lead text that this one translates, where it says so.
ALTER TABLE revisions ADD COLUMN stated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN variants TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN translates INTEGER;

-- What a distribution sends beside its lead text: one text for each language.
CREATE TABLE distribution_variants (
    distribution INTEGER NOT NULL,
    language TEXT NOT NULL,
    revision INTEGER NOT NULL,
    compiled TEXT NOT NULL,
    PRIMARY KEY (distribution, language)
);

-- Which text a batch gets ('' is the lead text), and which it still waits for ('' is none).
ALTER TABLE waves ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE waves ADD COLUMN awaits TEXT NOT NULL DEFAULT '';
CREATE INDEX waves_awaiting ON waves (distribution) WHERE awaits <> '';
