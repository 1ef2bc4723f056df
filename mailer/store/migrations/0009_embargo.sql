-- Who may have a release before its embargo ends, and embargoes that an officer changed.

-- One person and one release (D3). how: agreed, vouched (by an officer), trusted (a list of that
-- kind was named in an audience). list: the list he was granted it by, NULL when by himself.
CREATE TABLE embargo_grants (
    release INTEGER NOT NULL,
    journalist INTEGER NOT NULL,
    how TEXT NOT NULL,
    reason TEXT NOT NULL,
    list INTEGER,
    actor TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (release, journalist)
) {clustered};

-- An officer's last word on the end of a release's embargo, instead of what its text says. A later
-- revision than `revision` speaks for itself again.
CREATE TABLE embargo_changes (
    release INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    until_at BIGINT NOT NULL,
    zone TEXT NOT NULL,
    actor TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- The compiled message, with the embargo in it, of a batch for those who have a grant; NULL for
-- all other batches. Such a batch does not wait for the embargo's end, but each person needs his
-- grant at the moment of the claim.
ALTER TABLE waves ADD COLUMN early TEXT;
