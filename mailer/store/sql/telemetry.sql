-- What /metrics and /readyz ask. Nothing here walks over what was sent: counts use the partial
-- indexes of what is open, answers are read once each by the ids of their events.

-- name: by_queued
INDEXED BY deliveries_queued

-- name: by_queued@postgresql

-- name: by_claimed
INDEXED BY deliveries_claimed

-- name: by_claimed@postgresql

-- name: by_deferred
INDEXED BY deliveries_deferred

-- name: by_deferred@postgresql

-- name: by_in_doubt
INDEXED BY deliveries_in_doubt

-- name: by_in_doubt@postgresql

-- name: untried
SELECT (SELECT count(*) FROM deliveries {{by_queued}} WHERE state = 0) AS queued,
    (SELECT count(*) FROM deliveries {{by_claimed}} WHERE state = 1) AS claimed

-- name: domain
lower({{audience.domain}})

-- name: deferred
SELECT d.route, {{domain}} AS domain, count(*) AS n
FROM deliveries d {{by_deferred}} LEFT JOIN addresses a ON a.journalist = d.journalist
WHERE d.state = 2 GROUP BY 1, 2

-- name: in_doubt
SELECT d.route, {{domain}} AS domain, count(*) AS n
FROM deliveries d {{by_in_doubt}} LEFT JOIN addresses a ON a.journalist = d.journalist
WHERE d.state = 5 GROUP BY 1, 2

-- name: oldest_due
-- One seek into an index for each batch and distribution that is being sent.
SELECT min(due) AS due FROM (
    SELECT (SELECT min(d.due_at) FROM deliveries d {{by_queued}}
            WHERE d.state = 0 AND d.distribution = w.distribution AND d.wave = w.id) AS due
    FROM distributions x JOIN waves w ON w.distribution = x.id
    WHERE x.state = 'sending' AND w.state = 'sending' AND w.due_at <= :now
      AND (x.embargo_until IS NULL OR x.embargo_until <= :now)
    UNION ALL
    SELECT (SELECT min(d.due_at) FROM deliveries d {{by_deferred}}
            WHERE d.state = 2 AND d.distribution = x.id) AS due
    FROM distributions x
    WHERE x.state = 'sending' AND (x.embargo_until IS NULL OR x.embargo_until <= :now)) AS open

-- name: waiting
SELECT
    (SELECT count(*) FROM distributions WHERE state = 'waiting') AS distribution,
    (SELECT count(*) FROM waves w JOIN distributions x ON x.id = w.distribution
        WHERE x.state = 'sending' AND w.state = 'waiting') AS batch,
    (SELECT count(*) FROM distributions WHERE state = 'draft') AS draft,
    (SELECT count(*) FROM routes WHERE state = 'paused') AS route

-- name: last_event
SELECT coalesce(max(id), 0) AS id FROM events

-- name: last_event@postgresql
-- Ids are given out before commits: what is younger than two seconds may still get a lower one
-- beside it, so it is left for the next time.
SELECT coalesce((SELECT id FROM events WHERE at <= :now - 2000000 ORDER BY id DESC LIMIT 1), 0)
    AS id

-- name: answers
-- Each answer that the events of (after, upto] tell, once. A batch that is spread has no one instant
-- at which it is due, so what it took is not measured.
SELECT e.kind, d.route, {{domain}} AS domain,
    CASE WHEN e.kind <> 'accepted' OR x.over > 0 OR w.due_at IS NULL THEN NULL
        {{buckets}} ELSE 9 END AS bucket,
    count(*) AS n,
    CAST(sum(CASE WHEN e.at > w.due_at THEN e.at - w.due_at ELSE 0 END) AS BIGINT) AS took
FROM ({{told}}) AS e
JOIN deliveries d ON d.distribution = e.distribution AND d.id = e.delivery
JOIN distributions x ON x.id = e.distribution
LEFT JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN addresses a ON a.journalist = d.journalist
GROUP BY 1, 2, 3, 4

-- name: told
SELECT kind, at, distribution, delivery FROM events
WHERE id > :after AND id <= :upto AND delivery IS NOT NULL
    AND kind IN ('accepted', 'deferred', 'refused', 'in_doubt', 'expired', 'suppressed', 'skipped',
        'cancelled')
UNION ALL
SELECT many.kind, many.at, many.distribution, CAST(each.value AS BIGINT)
FROM events many CROSS JOIN {{each_named}}
WHERE many.id > :after AND many.id <= :upto AND many.delivery IS NULL AND many.kind = 'accepted'

-- name: each_named
json_each(many.data, '$.deliveries') AS each

-- name: each_named@postgresql
LATERAL json_array_elements_text(many.data::json -> 'deliveries') AS each (value)

-- name: buckets
-- The bounds of store/telemetry.py, in its order.
WHEN e.at - w.due_at <= 1000000 THEN 0
WHEN e.at - w.due_at <= 5000000 THEN 1
WHEN e.at - w.due_at <= 15000000 THEN 2
WHEN e.at - w.due_at <= 60000000 THEN 3
WHEN e.at - w.due_at <= 300000000 THEN 4
WHEN e.at - w.due_at <= 900000000 THEN 5
WHEN e.at - w.due_at <= 3600000000 THEN 6
WHEN e.at - w.due_at <= 14400000000 THEN 7
WHEN e.at - w.due_at <= 86400000000 THEN 8

-- name: workers
SELECT count(*) AS present, sum(CASE WHEN lease_at >= :fresh THEN 1 ELSE 0 END) AS alive
FROM workers WHERE left_at IS NULL
