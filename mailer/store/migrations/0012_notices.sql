-- Notices: corrections, holds, withdrawals … of a release that some have already.

-- An officer's word about everything that was sent of a release, whichever distribution and revision.
-- revision: the corrected text, compiled: the same as a plain release, NULL where there is none;
-- language: of the text that it is about, '' the lead text, '*' all; ends: the hold that is over by
-- it; paused: distributions that it stopped, "3 7"; batches: early ones that had begun
-- (distribution:wave, "3:1 3:2"), whom a notice about an embargo is for; rounds: how often people
-- were planned; planned_at: when somebody was last at it; closed_at: when nobody could come after any more who has to be told.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    release INTEGER NOT NULL,
    kind TEXT NOT NULL,
    revision INTEGER,
    compiled TEXT,
    language TEXT NOT NULL,
    ends INTEGER,
    paused TEXT NOT NULL,
    batches TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    rounds INTEGER NOT NULL DEFAULT 0,
    planned_at BIGINT,
    closed_at BIGINT
);
CREATE INDEX notices_release ON notices (release, id);
CREATE INDEX notices_open ON notices (id) WHERE closed_at IS NULL;

-- Where somebody is told what mail cannot tell him.
ALTER TABLE journalists ADD COLUMN phone TEXT NOT NULL DEFAULT '';

-- The notice that a distribution carries.
ALTER TABLE distributions ADD COLUMN notice INTEGER;
CREATE INDEX distributions_notice ON distributions (notice) WHERE notice IS NOT NULL;

-- A batch with a corrected text of its own, instead of its distribution's; and, of a batch that was
-- replaced by such a one (state moved), which: what of it was not sent goes there.
ALTER TABLE waves ADD COLUMN revision INTEGER;
ALTER TABLE waves ADD COLUMN compiled TEXT;
ALTER TABLE waves ADD COLUMN moved_to INTEGER;
CREATE INDEX waves_moved ON waves (distribution) WHERE moved_to IS NOT NULL;
