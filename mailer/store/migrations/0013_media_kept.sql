-- When a file was last taken in, so that one that no revision came to name can go (ADR 27).

-- kept_at: UTC microseconds, 0 for what is older than this column.
ALTER TABLE media ADD COLUMN kept_at BIGINT NOT NULL DEFAULT 0;
-- A row stands before its pieces do from now on, its size is -1 until they all do. Pieces without a
-- row are those of imports that broke off.
DELETE FROM media_pieces WHERE NOT EXISTS (
    SELECT 1 FROM media m WHERE m.sha256 = media_pieces.sha256 AND m.form = media_pieces.form);
