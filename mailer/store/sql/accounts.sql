-- What a newsroom has to be able to say of its own processing: counts, sources, who read in bulk.

-- name: states
SELECT state, count(*) AS people FROM journalists WHERE state <> 'test' GROUP BY state

-- name: bases
SELECT consent_basis AS basis, count(*) AS people FROM journalists
WHERE state IN ('active', 'away') GROUP BY consent_basis ORDER BY people DESC, basis

-- name: countries
SELECT country, count(*) AS people FROM journalists
WHERE state NOT IN ('test', 'erased') GROUP BY country ORDER BY people DESC, country

-- name: lists
SELECT l.id, l.name, l.kind, (SELECT count(*) FROM memberships m
    WHERE m.list = l.id AND m.state = 'active') AS people FROM lists l ORDER BY l.name

-- name: sources
-- Where the people of a list come from, most first.
SELECT j.source, count(*) AS people FROM memberships m JOIN journalists j ON j.id = m.journalist
WHERE m.list = :list AND m.state = 'active' GROUP BY j.source ORDER BY people DESC, j.source LIMIT 5

-- name: totals
SELECT (SELECT count(*) FROM suppressions) AS suppressions,
    (SELECT count(DISTINCT journalist) FROM deliveries) AS with_deliveries,
    (SELECT count(*) FROM deliveries) AS deliveries,
    (SELECT count(*) FROM events) AS events,
    (SELECT count(*) FROM embargo_grants) AS grants

-- name: read_in_bulk
SELECT at, kind, actor, data FROM events WHERE at >= :since AND at <= :until AND kind IN (
    'exported', 'fetched', 'read_in_bulk', 'subject_exported', 'backed_up', 'moved', 'restored')
ORDER BY id

-- name: acts
-- Everybody who did anything, with how much and when, as the history has it.
SELECT actor, count(*) AS acts, min(at) AS first_at, max(at) AS last_at FROM events
WHERE at >= :since AND at <= :until GROUP BY actor ORDER BY acts DESC, actor

-- name: sent
SELECT count(*) AS messages, count(DISTINCT journalist) AS people FROM deliveries
WHERE state IN (3, 5) AND last_attempt_at >= :since AND last_attempt_at <= :until

-- name: machines
SELECT DISTINCT host FROM workers WHERE started_at <= :until
    AND coalesce(left_at, lease_at) >= :since ORDER BY host

-- name: affected
-- Everybody whose data are held, or were until :since.
SELECT a.email, j.first_name, j.last_name, j.outlet, j.country, j.language, j.phone, j.created_at
FROM journalists j JOIN addresses a ON a.journalist = j.id
WHERE j.state NOT IN ('test', 'erased') AND j.created_at <= :until ORDER BY j.id
