-- Bitmaps of people that one process read, kept for the next. Number 0 is the head, written last.

-- name: piece
INSERT INTO audience_snapshots (generation, number, data) VALUES (:generation, :number, :data)

-- name: pieces
SELECT count(*) AS n FROM audience_snapshots WHERE generation = :generation

-- name: head
SELECT generation, data FROM audience_snapshots WHERE number = 0 ORDER BY generation LIMIT 1

-- name: read
SELECT data FROM audience_snapshots WHERE generation = :generation AND number > 0 ORDER BY number

-- name: forget_one
DELETE FROM audience_snapshots WHERE generation = :generation

-- name: forget_others
DELETE FROM audience_snapshots WHERE generation <> :generation

-- name: forget
DELETE FROM audience_snapshots
