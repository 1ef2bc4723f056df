-- Files that go with releases: their forms, in pieces.

-- name: there
SELECT size FROM media WHERE sha256 = :sha256 AND form = :form AND size >= 0

-- name: begin
-- Also a file that is there is kept from now on: a sweep must not take it before it is named.
INSERT INTO media (sha256, form, type, size, kept_at) VALUES (:sha256, :form, :type, -1, :now)
ON CONFLICT (sha256, form) DO UPDATE SET kept_at = excluded.kept_at

-- name: piece
INSERT INTO media_pieces (sha256, form, number, data) VALUES (:sha256, :form, :number, :data)
ON CONFLICT (sha256, form, number) DO UPDATE SET data = excluded.data

-- name: cut
-- What another make of the same form had more.
DELETE FROM media_pieces WHERE sha256 = :sha256 AND form = :form AND number >= :pieces

-- name: whole
UPDATE media SET size = :size WHERE sha256 = :sha256 AND form = :form

-- name: unnamed
kept_at < :before AND NOT EXISTS (SELECT 1 FROM release_media r WHERE r.sha256 = media.sha256)

-- name: count_unnamed
SELECT count(DISTINCT sha256) AS n FROM media WHERE {{unnamed}}

-- name: next_unnamed
SELECT sha256, form FROM media WHERE {{unnamed}} ORDER BY sha256, form LIMIT 1

-- name: forget
DELETE FROM media WHERE sha256 = :sha256 AND form = :form AND {{unnamed}}

-- name: forget_pieces
DELETE FROM media_pieces WHERE sha256 = :sha256 AND form = :form

-- name: refer
INSERT INTO release_media (release, revision, sha256) VALUES (:release, :revision, :sha256)
ON CONFLICT (release, revision, sha256) DO NOTHING

-- name: pieces
SELECT data FROM media_pieces WHERE sha256 = :sha256 AND form = :form ORDER BY number

-- name: forms
SELECT sha256, form FROM media WHERE size >= 0 ORDER BY sha256, form

-- name: missing
SELECT r.release, r.revision, r.sha256 FROM release_media r
WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.sha256 = r.sha256 AND m.form = 'full'
    AND m.size >= 0)
ORDER BY r.release, r.revision

-- name: named
SELECT sha256 FROM release_media WHERE release = :release AND revision = :revision
