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

-- Invariants: each gives how many rows break it and one of them, and asks for what a database finds
-- by one walk over an index or a table, whatever the size of the ledger. State numbers are those
-- of store/states.py (0 queued, 1 claimed, 2 deferred, 3 accepted, 4 refused, 5 in_doubt).

-- name: no_attempt
-- Accepted by an officer's word, or as a mail log says, has that as its reason.
SELECT count(*) AS n, min(d.id) AS example FROM deliveries d
WHERE (d.state = 4 OR (d.state = 3 AND d.reason IS NULL)) AND NOT EXISTS (
    SELECT 1 FROM attempts t WHERE t.distribution = d.distribution AND t.delivery = d.id
      AND t.number = d.attempts AND t.state = d.state)

-- name: other_end
-- The server took it, and the delivery says something else.
SELECT count(*) AS n, min(d.id) AS example FROM attempts t
JOIN deliveries d ON d.distribution = t.distribution AND d.id = t.delivery
WHERE t.state = 3 AND d.state <> 3

-- name: accepted_twice
SELECT count(*) AS n, min(delivery) AS example FROM (
    SELECT delivery FROM attempts WHERE state = 3 GROUP BY distribution, delivery
    HAVING count(*) > 1) s

-- name: attempt_astray
SELECT count(*) AS n, min(t.delivery) AS example FROM attempts t
WHERE NOT EXISTS (SELECT 1 FROM deliveries d
    WHERE d.distribution = t.distribution AND d.id = t.delivery AND d.attempts >= t.number)

-- name: twice_for_one
SELECT count(*) AS n, min(example) AS example FROM (
    SELECT min(id) AS example FROM deliveries GROUP BY journalist, distribution
    HAVING count(*) > 1) s

-- name: claimed_by_nobody
SELECT count(*) AS n, min(d.id) AS example FROM deliveries d
WHERE d.state = 1 AND NOT EXISTS (
    SELECT 1 FROM workers w WHERE w.id = d.worker AND w.left_at IS NULL)

-- name: held_unclaimed
SELECT count(*) AS n, min(id) AS example FROM deliveries
WHERE worker IS NOT NULL AND state NOT IN (1, 5)

-- name: unknown_state
SELECT count(*) AS n, min(id) AS example FROM deliveries WHERE state NOT BETWEEN 0 AND 9

-- name: without_wave
SELECT count(*) AS n, min(d.id) AS example FROM deliveries d
JOIN distributions x ON x.id = d.distribution AND x.state <> 'planning'
WHERE NOT EXISTS (
    SELECT 1 FROM waves w WHERE w.distribution = d.distribution AND w.id = d.wave)

-- name: mailed_after_stop
-- Dated more than a minute after he was suppressed, and accepted.
SELECT count(*) AS n, min(d.id) AS example
FROM suppressions s JOIN addresses a ON a.hash = s.hash
JOIN deliveries d ON d.journalist = a.journalist
JOIN attempts t ON t.distribution = d.distribution AND t.delivery = d.id
WHERE d.state = 3 AND t.state = 3 AND s.scope IN ('all', 'list:' || d.list)
  AND t.sent_date > s.created_at + 60000000

-- name: open_in_done_wave
SELECT count(*) AS n, min(d.id) AS example
FROM waves w JOIN deliveries d ON d.distribution = w.distribution AND d.wave = w.id
WHERE w.state = 'done' AND d.state IN (0, 1, 2)

-- name: open_wave_in_done
SELECT count(*) AS n, min(w.distribution) AS example
FROM waves w JOIN distributions x ON x.id = w.distribution
WHERE x.state = 'done' AND w.state IN ('scheduled', 'waiting', 'sending')

-- name: event_astray
SELECT count(*) AS n, min(e.delivery) AS example FROM events e
WHERE e.delivery IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM deliveries d WHERE d.distribution = e.distribution AND d.id = e.delivery)

-- name: loose_hold
-- Waits for an officer's word after a restore, and could be sent.
SELECT count(*) AS n, min(h.distribution) AS example
FROM held_back h JOIN waves w ON w.distribution = h.distribution AND w.id = h.wave
JOIN distributions x ON x.id = h.distribution
WHERE h.decision IS NULL AND w.state IN ('scheduled', 'sending')
  AND x.state IN ('scheduled', 'sending')

-- name: answers
-- Deliveries with an answer beside the lines of history that tell of one.
SELECT x.id, x.accepted, x.refused, coalesce(e.accepted, 0) AS told_accepted,
    coalesce(e.refused, 0) AS told_refused
FROM (
    SELECT distribution AS id,
        count(CASE WHEN state = 3 AND coalesce(reason, '') NOT LIKE 'left before %' THEN 1 END)
            AS accepted,
        count(CASE WHEN state = 4 THEN 1 END) AS refused
    FROM deliveries GROUP BY distribution) x
LEFT JOIN (
    SELECT distribution AS id, count(CASE WHEN kind = 'accepted' THEN 1 END) AS accepted,
        count(CASE WHEN kind = 'refused' THEN 1 END) AS refused
    FROM events WHERE distribution IS NOT NULL AND delivery IS NOT NULL
    GROUP BY distribution) e ON e.id = x.id
WHERE x.accepted <> coalesce(e.accepted, 0) OR x.refused <> coalesce(e.refused, 0)
ORDER BY x.id
