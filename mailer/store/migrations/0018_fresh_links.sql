-- Links that prove an address, mailed to it for a short while; and lists that anybody may join.

-- One mail with one link. purpose: 'd' one's own data, 'c' confirm a new address, 's' confirm a
-- sign-up. email is where it goes, kept here only where no journalist has that address yet ('' else:
-- it stands in addresses); hash is that address's, for limits. state: waiting, sent, failed, used.
CREATE TABLE fresh_links (
    id BIGINT PRIMARY KEY,
    purpose TEXT NOT NULL,
    journalist INTEGER,
    hash {blob} NOT NULL,
    email TEXT NOT NULL,
    language TEXT NOT NULL,
    data TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    reply TEXT,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX fresh_links_hash ON fresh_links (hash, created_at);
CREATE INDEX fresh_links_journalist ON fresh_links (journalist);
CREATE INDEX fresh_links_waiting ON fresh_links (due_at) WHERE state = 'waiting';
CREATE INDEX fresh_links_expires ON fresh_links (expires_at);

-- 1: anybody may sign up on the newsroom's page (lists of kind topic only).
ALTER TABLE lists ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
