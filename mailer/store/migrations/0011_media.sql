-- Pictures and other files of a release, in the store so that every machine and every copy has them.

-- One form of a file: what is hosted ('full') or a small one, called by its width. sha256 (hex) is
-- that of the full form. A row stands here once all of its pieces do.
CREATE TABLE media (
    sha256 TEXT NOT NULL,
    form TEXT NOT NULL,
    type TEXT NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (sha256, form)
);

-- Its bytes in pieces, so that no write is long and none needs much memory.
CREATE TABLE media_pieces (
    sha256 TEXT NOT NULL,
    form TEXT NOT NULL,
    number INTEGER NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (sha256, form, number)
);

-- Which revisions name a file.
CREATE TABLE release_media (
    release INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (release, revision, sha256)
);
