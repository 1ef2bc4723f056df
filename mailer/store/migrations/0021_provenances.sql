-- Where rows of an import came from, numbered within the import, so that none has to be looked for
-- among those of all imports; and the doubts that an officer has decided.

-- cleared: the doubts about a person that an officer has decided; they hold him back no more.
ALTER TABLE journalists ADD COLUMN cleared TEXT NOT NULL DEFAULT '';

CREATE TABLE import_provenances (
    import BIGINT NOT NULL,
    id INTEGER NOT NULL,
    source TEXT NOT NULL,
    source_date TEXT NOT NULL,
    basis TEXT NOT NULL,
    PRIMARY KEY (import, id)
) {clustered};
INSERT INTO import_provenances (import, id, source, source_date, basis)
SELECT DISTINCT p.import, v.id, v.source, v.source_date, v.basis
FROM import_people p JOIN provenances v ON v.id = p.provenance;
DROP TABLE provenances;
