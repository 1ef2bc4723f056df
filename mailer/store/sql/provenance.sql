-- What is known of one person, and from where.

-- name: of_person
SELECT p.import, l.name AS list, l.kind, i.file, i.actor, i.started_at, i.state AS import_state,
    v.source, v.source_date, v.basis, m.state AS member
FROM import_people p
JOIN imports i ON i.id = p.import
JOIN import_provenances v ON v.import = p.import AND v.id = p.provenance
LEFT JOIN lists l ON l.id = i.list
LEFT JOIN memberships m ON m.list = i.list AND m.journalist = p.journalist
WHERE p.journalist = :journalist AND i.state <> 'staging'
ORDER BY p.import

-- name: memberships
-- Also those of which no import tells: made before it was kept, or by the person himself.
SELECT l.name AS list, l.kind, m.state, m.joined_at, m.left_at, m.import
FROM memberships m JOIN lists l ON l.id = m.list
WHERE m.journalist = :journalist ORDER BY l.name

-- name: deliveries
SELECT d.distribution, d.id, r.slug AS release, d.state, d.feedback, d.reason,
    coalesce(d.last_attempt_at, d.queued_at) AS at, d.kind
FROM deliveries d JOIN distributions x ON x.id = d.distribution AND x.state <> 'planning'
JOIN releases r ON r.id = x.release
WHERE d.journalist = :journalist ORDER BY d.distribution DESC LIMIT :limit

-- name: events
SELECT at, kind, actor, data FROM events WHERE journalist = :journalist ORDER BY id DESC LIMIT :limit

-- name: exported
-- Each person on a list and each import that brought him to it.
SELECT a.email, j.first_name, j.last_name, j.outlet, l.name AS list, p.import, p.file, p.actor,
    coalesce(p.started_at, m.joined_at) AS at,
    coalesce(v.source, j.source) AS source, coalesce(v.source_date, j.source_date) AS source_date,
    coalesce(v.basis, j.consent_basis) AS basis,
    (SELECT min(o.last_attempt_at) FROM informed_journalists f
     JOIN deliveries o ON o.distribution = f.delivery >> 32 AND o.id = f.delivery AND o.state = 3
     WHERE f.journalist = j.id) AS informed_at
FROM memberships m
JOIN lists l ON l.id = m.list
JOIN journalists j ON j.id = m.journalist
JOIN addresses a ON a.journalist = j.id
LEFT JOIN (SELECT x.journalist, x.import, x.provenance, y.file, y.actor, y.started_at
           FROM import_people x JOIN imports y ON y.id = x.import
           WHERE y.list = :list AND y.state = 'done') p ON p.journalist = m.journalist
LEFT JOIN import_provenances v ON v.import = p.import AND v.id = p.provenance
WHERE m.list = :list AND {active} AND j.state <> 'erased' AND NOT EXISTS (
    SELECT 1 FROM suppressions s WHERE s.hash = a.hash AND s.scope IN ('all', 'list:' || m.list,
        {{core.by_kind_of}} m.list)))
ORDER BY m.journalist, p.import

-- name: informed
SELECT o.last_attempt_at AS informed_at, f.delivery FROM informed_journalists f
JOIN deliveries o ON o.distribution = f.delivery >> 32 AND o.id = f.delivery AND o.state = 3
WHERE f.journalist = :journalist ORDER BY o.last_attempt_at LIMIT 1

-- name: to_inform
-- Of a claimed delivery d, its fields v and its person j the legal basis, where no message that was
-- accepted has told him yet what is kept of him.
-- No EXISTS: PostgreSQL may answer it by reading all deliveries once, and hash them.
CASE WHEN v.data IS NULL AND d.kind IN ('release', 'resend') AND (
    SELECT f.delivery FROM informed_journalists f
    JOIN deliveries o ON o.distribution = f.delivery >> 32 AND o.id = f.delivery AND o.state = 3
    WHERE f.journalist = d.journalist LIMIT 1) IS NULL THEN j.consent_basis END
