-- What segments ask of a million people at once.

-- Blocks of 1,024 journalists (id / 1,024) of whom something changed that a segment asks for
-- ('facts') or that keeps mail from them ('standing'). version is another number after each
-- transaction that changed something; block -1 stands for everybody.
CREATE TABLE audience_blocks (
    kind TEXT NOT NULL,
    block INTEGER NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, block)
) {clustered};

-- Who complained or replied, whatever it was about.
CREATE INDEX deliveries_feedback ON deliveries (feedback, journalist) WHERE feedback IS NOT NULL;
