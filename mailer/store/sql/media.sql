-- Files that go with releases: their forms, in pieces.

-- name: there
SELECT size FROM media WHERE sha256 = :sha256 AND form = :form

-- name: piece
INSERT INTO media_pieces (sha256, form, number, data) VALUES (:sha256, :form, :number, :data)
ON CONFLICT (sha256, form, number) DO UPDATE SET data = excluded.data

-- name: add
INSERT INTO media (sha256, form, type, size) VALUES (:sha256, :form, :type, :size)
ON CONFLICT (sha256, form) DO NOTHING

-- name: refer
INSERT INTO release_media (release, revision, sha256) VALUES (:release, :revision, :sha256)
ON CONFLICT (release, revision, sha256) DO NOTHING

-- name: pieces
SELECT data FROM media_pieces WHERE sha256 = :sha256 AND form = :form ORDER BY number

-- name: forms
SELECT sha256, form FROM media ORDER BY sha256, form

-- name: missing
SELECT r.release, r.revision, r.sha256 FROM release_media r
WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.sha256 = r.sha256 AND m.form = 'full')
ORDER BY r.release, r.revision

-- name: named
SELECT sha256 FROM release_media WHERE release = :release AND revision = :revision
