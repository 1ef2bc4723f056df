-- Who has what, as JSON arrays of journalist ids: what is kept as bitmaps in memory.

-- name: versions
SELECT kind, block, version FROM audience_blocks

-- name: facet_values
SELECT id, field, value FROM facet_values WHERE id > :after

-- name: people
CAST(json_group_array(m.journalist) AS TEXT) AS people

-- name: people@postgresql
CAST(json_agg(m.journalist) AS TEXT) AS people

-- name: facets
SELECT m.facet, {{people}} FROM facets m WHERE m.journalist BETWEEN :first AND :last
GROUP BY m.facet

-- name: memberships
SELECT m.list, m.import, m.joined_at / 86400000000 AS day, {{people}} FROM memberships m
WHERE m.state = 'active' AND m.journalist BETWEEN :first AND :last
GROUP BY m.list, m.import, m.joined_at / 86400000000

-- name: states
SELECT m.state, {{people}} FROM (
    SELECT id AS journalist, state FROM journalists
    WHERE state <> 'active' AND id BETWEEN :first AND :last) m
GROUP BY m.state

-- name: suppressed
SELECT m.scope, {{people}} FROM (
    SELECT s.scope, a.journalist FROM suppressions s JOIN addresses a ON a.hash = s.hash) m
GROUP BY m.scope

-- name: suppressed_of
SELECT m.scope, {{people}} FROM (
    SELECT s.scope, a.journalist FROM addresses a JOIN suppressions s ON s.hash = a.hash
    WHERE a.journalist BETWEEN :first AND :last) m
GROUP BY m.scope

-- name: wishes
SELECT journalist, away_until, paused, weekly_cap FROM preferences
WHERE journalist BETWEEN :first AND :last
  AND (paused = 1 OR away_until IS NOT NULL OR weekly_cap IS NOT NULL)

-- name: busy
-- How many messages people got, or may have got, of what a weekly cap counts.
SELECT m.n, {{people}} FROM (
    SELECT c.journalist, c.messages AS n FROM ({{rules.recent_of_all}}) c
    WHERE c.messages >= :least) m
GROUP BY m.n

-- name: busy_of
SELECT m.n, {{people}} FROM (
    SELECT c.journalist, c.messages AS n FROM (
        {{rules.counted}} AND d.journalist {{rules.is_one_of}} GROUP BY d.journalist) c
    WHERE c.messages >= :least) m
GROUP BY m.n

-- name: got
SELECT {{people}} FROM deliveries m JOIN distributions x ON x.id = m.distribution
WHERE x.release = :release AND {{audience.got}}

-- name: accepted_since
SELECT {{people}} FROM deliveries m JOIN distributions x ON x.id = m.distribution
WHERE {{audience.accepted}} AND m.last_attempt_at >= :at
  AND (x.finished_at IS NULL OR x.finished_at >= :at)

-- name: accepted_before
SELECT {{people}} FROM deliveries m JOIN distributions x ON x.id = m.distribution
WHERE {{audience.accepted}} AND m.last_attempt_at < :at

-- name: feedback
SELECT {{people}} FROM deliveries m WHERE m.feedback = :word
