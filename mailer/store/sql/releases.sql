-- Releases and their numbered, immutable revisions.

-- name: by_sha256
SELECT release, number FROM revisions WHERE sha256 = :sha256 ORDER BY release, number LIMIT 1

-- name: by_slug
SELECT id FROM releases WHERE slug = :slug

-- name: insert
INSERT INTO releases (id, slug, created_at) VALUES (:id, :slug, :now)

-- name: last_number
SELECT max(number) AS number FROM revisions WHERE release = :release

-- name: insert_revision
INSERT INTO revisions
    (release, number, sha256, file, headline, language, stated, variants, translates, source,
    document, actor, created_at)
VALUES
    (:release, :number, :sha256, :file, :headline, :language, :stated, :variants, :translates,
    :source, :document, :actor, :now)

-- name: revision
SELECT r.id, r.slug, v.number, v.sha256, v.file, v.headline, v.language, v.document, v.actor,
    v.created_at
FROM releases r JOIN revisions v ON v.release = r.id
WHERE r.id = :release AND v.number = :number

-- name: source
SELECT source FROM revisions WHERE release = :release AND number = :number

-- name: ls
SELECT r.id, r.slug, v.number, v.sha256, v.file, v.headline, v.language, v.actor, v.created_at,
    (SELECT count(*) FROM distributions d
        WHERE d.release = r.id AND d.state <> 'planning' AND d.kind NOT IN ('test', 'notice', 'digest', 'internal'))
        AS distributions
FROM releases r JOIN revisions v ON v.release = r.id
WHERE v.number = (SELECT max(number) FROM revisions WHERE release = r.id)
ORDER BY r.id

-- name: recipient
-- One journalist as a message sees him, with the first list he is on.
SELECT a.email, j.first_name, j.last_name, j.outlet, j.language, j.source, j.source_date,
    l.name AS list_name, l.title AS list_title, l.kind AS list_kind
FROM addresses a JOIN journalists j ON j.id = a.journalist
LEFT JOIN memberships m ON m.journalist = j.id AND m.state = 'active'
LEFT JOIN lists l ON l.id = m.list
WHERE a.hash = :hash AND j.state <> 'test'
ORDER BY l.id LIMIT 1
