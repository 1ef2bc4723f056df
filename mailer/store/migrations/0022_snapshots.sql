-- What a process read of everybody for segments, kept for the next one: bitmaps in pieces, with the
-- versions of blocks (audience_blocks) at which they are true. Derived from the other tables, so it
-- may be removed at any time.
CREATE TABLE audience_snapshots (
    generation BIGINT NOT NULL,
    number INTEGER NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (generation, number)
);
