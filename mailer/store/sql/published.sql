-- What the public pages may show: releases that have begun to be sent and stand under no embargo.

-- name: begun
-- Distributions that reached, or are reaching, somebody. A release with an embargo to come in any
-- of its distributions is not there at all (D4), also when trusted people already have it. A test
-- publishes nothing.
SELECT x.release, r.slug, x.revision, x.due_at, CASE WHEN x.state = 'killed' THEN 1 ELSE 0 END AS killed
FROM distributions x JOIN releases r ON r.id = x.release
WHERE x.state NOT IN ('planning', 'draft') AND x.kind <> 'test'
  AND (EXISTS (SELECT 1 FROM waves w
               WHERE w.distribution = x.id AND w.state IN ('sending', 'done'))
       OR EXISTS (SELECT 1 FROM attempts a WHERE a.distribution = x.id))
  AND NOT EXISTS (SELECT 1 FROM distributions e
                  WHERE e.release = x.release AND e.embargo_until > :now
                    AND e.state NOT IN ('planning', 'cancelled'))

-- name: latest
SELECT b.release, b.slug, max(b.revision) AS revision, min(b.due_at) AS published_at,
    max(b.killed) AS killed
FROM ({{begun}}) b GROUP BY b.release, b.slug
ORDER BY min(b.due_at) DESC, b.release DESC LIMIT :limit

-- name: by_slug
SELECT b.release, b.slug, max(b.revision) AS revision, min(b.due_at) AS published_at,
    max(b.killed) AS killed
FROM ({{begun}}) b WHERE b.slug = :slug GROUP BY b.release, b.slug

-- name: document
SELECT document FROM revisions WHERE release = :release AND number = :revision
