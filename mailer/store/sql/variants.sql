-- One release in several languages, and which of them a distribution sends.

-- name: revisions
SELECT number, language, stated, variants, translates FROM revisions WHERE release = :release
ORDER BY number

-- name: add
INSERT INTO distribution_variants (distribution, language, revision, compiled)
VALUES (:distribution, :language, :revision, :compiled)
ON CONFLICT (distribution, language) DO UPDATE SET revision = excluded.revision,
    compiled = excluded.compiled

-- name: sent
SELECT language, revision, compiled FROM distribution_variants WHERE distribution = :distribution
ORDER BY language

-- name: forget
DELETE FROM distribution_variants WHERE distribution = :distribution

-- name: awaited
-- Batches that wait for a text, and did not begin with another one meanwhile.
SELECT w.distribution, w.id AS wave, w.awaits, x.release, r.slug
FROM waves w JOIN distributions x ON x.id = w.distribution JOIN releases r ON r.id = x.release
WHERE w.awaits <> '' AND w.state = 'scheduled'
  AND x.state IN ('scheduled', 'sending', 'paused', 'waiting')
ORDER BY w.distribution, w.id

-- name: arrived
UPDATE waves SET language = awaits, awaits = '', due_at = :due_at
WHERE distribution = :distribution AND id = :wave AND awaits = :language AND state = 'scheduled'

-- name: outlets
SELECT outlet, language, count(*) AS n FROM journalists
WHERE outlet <> '' AND language <> '' AND state = 'active'
GROUP BY outlet, language
