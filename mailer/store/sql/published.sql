-- What the public pages may show: releases that have begun to be sent and stand under no embargo.

-- name: begun
-- Distributions that reached, or are reaching, somebody. A release with an embargo to come in any
-- of its distributions is not there at all (D4), also when trusted people already have it. A test
-- publishes nothing.
SELECT x.release, r.slug, x.revision, x.due_at, {{is_lead}} AS is_lead,
    CASE WHEN x.state = 'killed' THEN 1 ELSE 0 END AS killed,
    CASE WHEN x.state = 'killed' THEN x.finished_at END AS killed_at
FROM distributions x JOIN releases r ON r.id = x.release
WHERE x.state NOT IN ('planning', 'draft') AND x.kind NOT IN ('test', 'notice', 'digest', 'internal')
  AND {{has_begun}}
  AND NOT EXISTS (SELECT 1 FROM distributions e
                  WHERE e.release = x.release AND e.embargo_until > :now AND {{binds}})

-- name: is_lead
-- Is a distribution's own text the lead text, and not one other language that was queued alone?
CASE WHEN EXISTS (
    SELECT 1 FROM revisions v WHERE v.release = x.release AND v.number = x.revision
    AND v.stated = 1 AND v.language <> (
        SELECT f.language FROM revisions f WHERE f.release = x.release AND f.stated = 1
        ORDER BY CASE WHEN f.variants <> '' THEN 0 ELSE 1 END, f.number LIMIT 1)) THEN 0 ELSE 1 END

-- name: has_begun
(EXISTS (SELECT 1 FROM waves w WHERE w.distribution = x.id AND w.state IN ('sending', 'done'))
 OR EXISTS (SELECT 1 FROM attempts a WHERE a.distribution = x.id))

-- name: texts
-- A release that is published, in the languages that went out beside its lead text.
SELECT t.language, t.revision, v.sha256, min(x.due_at) AS revised_at
FROM distribution_variants t JOIN distributions x ON x.id = t.distribution
JOIN revisions v ON v.release = x.release AND v.number = t.revision
WHERE x.release = :release AND x.state NOT IN ('planning', 'draft') AND x.kind NOT IN ('test', 'internal')
  AND {{has_begun}}
GROUP BY t.language, t.revision, v.sha256 ORDER BY t.language, t.revision

-- name: corrected_texts
-- The corrections of those languages, oldest first.
SELECT n.language, n.revision, v.sha256, n.created_at AS revised_at
FROM notices n JOIN revisions v ON v.release = n.release AND v.number = n.revision
WHERE n.release = :release AND n.revision IS NOT NULL AND n.language NOT IN ('', '*') ORDER BY n.id

-- name: with_corrections
-- The rows of begun, here b0, and each corrected lead text of theirs.
SELECT * FROM b0 UNION ALL
SELECT n.release, c.slug, n.revision, n.created_at, 1, 0, NULL
FROM (SELECT DISTINCT release, slug FROM b0) c JOIN notices n ON n.release = c.release
WHERE n.revision IS NOT NULL AND n.language = ''

-- name: withdrawn_at
SELECT min(n.created_at) FROM notices n WHERE n.release = p.release AND n.kind = 'kill'

-- name: binds
-- Whose embargo counts: also a cancelled one's, where some already have the text.
(e.state NOT IN ('planning', 'cancelled')
 OR (e.state = 'cancelled' AND EXISTS (SELECT 1 FROM attempts a WHERE a.distribution = e.id)))

-- name: standing
-- What binds whoever takes a release out of here by hand.
SELECT max(CASE WHEN e.state = 'killed' OR EXISTS (
        SELECT 1 FROM notices n WHERE n.release = e.release AND n.kind = 'kill')
    THEN 1 ELSE 0 END) AS killed, max(e.embargo_until) AS embargo_until
FROM distributions e WHERE e.release = :release AND {{binds}}

-- name: summed
-- One row a release, from the rows of begun. embargo_until is the last one that was ever set on it:
-- the public has it from then on, whoever had it before.
SELECT p.release, p.slug, p.revision, p.first_at,
    CASE WHEN p.killed = 1 OR ({{withdrawn_at}}) IS NOT NULL THEN 1 ELSE 0 END AS killed,
    coalesce(({{withdrawn_at}}), p.killed_at) AS killed_at,
    (SELECT min(c.due_at) FROM b c WHERE c.release = p.release AND c.revision = p.revision)
        AS revised_at,
    (SELECT max(e.embargo_until) FROM distributions e
     WHERE e.release = p.release AND {{binds}}) AS embargo_until,
    (SELECT v.sha256 FROM revisions v WHERE v.release = p.release AND v.number = p.revision)
        AS sha256,
    (SELECT h.until_at FROM embargo_changes h WHERE h.release = p.release
        AND h.revision >= p.revision) AS changed_until
FROM p

-- name: grouped
-- The lead text where it was ever sent, else the one that was.
SELECT b.release, b.slug,
    coalesce(max(CASE WHEN b.is_lead = 1 THEN b.revision END), max(b.revision)) AS revision,
    min(b.due_at) AS first_at,
    max(b.killed) AS killed, min(b.killed_at) AS killed_at
FROM b GROUP BY b.release, b.slug

-- name: latest
WITH b0 AS ({{begun}}), b AS ({{with_corrections}}),
    p AS ({{grouped}} ORDER BY min(b.due_at) DESC, b.release DESC LIMIT :limit)
{{summed}} ORDER BY p.first_at DESC, p.release DESC

-- name: by_slug
WITH b0 AS ({{begun}} AND r.slug = :slug), b AS ({{with_corrections}}),
    p AS ({{grouped}}) {{summed}}

-- name: document
SELECT document FROM revisions WHERE release = :release AND number = :revision
