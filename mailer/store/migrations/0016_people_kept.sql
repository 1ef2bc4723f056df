-- What is kept of people and of the imports that brought them: from where, what stood before, who
-- was merged with whom, who has been informed (GDPR art. 14).

-- undoable: 1 while what an undo needs is kept. undone: counts of what an undo did so far.
ALTER TABLE imports ADD COLUMN undoable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN undone TEXT;

-- undoing: no longer in force, and what it brought is being taken back.
DROP INDEX imports_open;
CREATE INDEX imports_open ON imports (state) WHERE state IN ('staging', 'applying', 'undoing');

-- Where a row of a list came from, in the file's words. Each stands once.
CREATE TABLE provenances (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    source_date TEXT NOT NULL,
    basis TEXT NOT NULL,
    UNIQUE (source, source_date, basis)
);

-- Whom an import brought to its list. said: which fields its file filled, one bit each in the
-- order of store/people.py.
CREATE TABLE import_people (
    import BIGINT NOT NULL,
    journalist INTEGER NOT NULL,
    said INTEGER NOT NULL,
    provenance INTEGER NOT NULL,
    PRIMARY KEY (import, journalist)
) {clustered};
CREATE INDEX import_people_journalist ON import_people (journalist, import);

-- What stood, of somebody known before, in place of what an import changed.
CREATE TABLE import_before (
    import BIGINT NOT NULL,
    journalist INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (import, journalist)
) {clustered};
CREATE INDEX import_before_journalist ON import_before (journalist);

-- Who was found to be the same person as somebody else, who stays.
CREATE TABLE merged_journalists (
    journalist INTEGER PRIMARY KEY,
    stays INTEGER NOT NULL,
    merged_at BIGINT NOT NULL,
    actor TEXT NOT NULL
);
CREATE INDEX merged_journalists_stays ON merged_journalists (stays);

-- Messages that tell a person whose first one they are what is kept of him (GDPR art. 14). He is
-- informed once one of them is accepted.
CREATE TABLE informed_journalists (
    journalist INTEGER NOT NULL,
    delivery BIGINT NOT NULL,
    PRIMARY KEY (journalist, delivery)
) {clustered};
