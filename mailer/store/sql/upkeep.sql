-- What `store check` asks: whether the ledger agrees with itself.

-- name: uneven
SELECT x.id, x.recipients, count(d.id) AS planned
FROM distributions x LEFT JOIN deliveries d ON d.distribution = x.id
WHERE x.state <> 'planning'
GROUP BY x.id, x.recipients
HAVING x.recipients <> count(d.id)

-- name: strays
SELECT
    (SELECT count(*) FROM addresses a
        WHERE NOT EXISTS (SELECT 1 FROM journalists j WHERE j.id = a.journalist)) AS addresses,
    (SELECT count(*) FROM memberships m
        WHERE NOT EXISTS (SELECT 1 FROM lists l WHERE l.id = m.list)) AS memberships,
    (SELECT count(*) FROM deliveries d
        WHERE NOT EXISTS (SELECT 1 FROM distributions x WHERE x.id = d.distribution)) AS deliveries,
    (SELECT count(*) FROM distributions x
        WHERE NOT EXISTS (SELECT 1 FROM revisions v
            WHERE v.release = x.release AND v.number = x.revision)) AS distributions

-- name: templates
SELECT x.compiled AS digest, c.data
FROM (SELECT DISTINCT compiled FROM distributions) x LEFT JOIN compiled c ON c.digest = x.compiled

-- name: revisions
SELECT release, number, sha256, source FROM revisions

-- name: integrity
SELECT 'ok' AS integrity_check

-- name: integrity@sqlite
PRAGMA integrity_check(10)
