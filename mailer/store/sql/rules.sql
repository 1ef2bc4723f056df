-- Caps, gaps, hours and absence, asked of what a claim has just taken: for people without any rule
-- nothing of this runs. State numbers are those of store/states.py: 1 claimed, 3 accepted,
-- 5 in_doubt, 7 skipped.

-- name: bound
-- What the rules ask of the claimed, for everybody.
SELECT {{asked}}
FROM deliveries d
JOIN journalists j ON j.id = d.journalist
LEFT JOIN preferences p ON p.journalist = d.journalist
JOIN distributions x ON x.id = d.distribution
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
WHERE d.distribution = :distribution AND d.id {{ledger.is_one_of}}

-- name: bound_by_wishes
-- The same, only for those who chose something. The order of joins is given (SQLite keeps to it with
-- CROSS JOIN): from the few to their deliveries.
SELECT {{asked}}
FROM preferences p CROSS JOIN deliveries d CROSS JOIN journalists j CROSS JOIN distributions x
    CROSS JOIN waves w
WHERE p.journalist {{is_one_of}} AND d.journalist = p.journalist
  AND d.distribution = :distribution AND j.id = p.journalist AND x.id = d.distribution
  AND w.distribution = d.distribution AND w.id = d.wave

-- name: asked
d.distribution, d.id, d.journalist, d.wave, d.waits_since, d.last_attempt_at, j.zone, p.weekly_cap, p.office_hours,
    p.away_until, p.paused, p.no_embargoes, x.kind, x.release, x.revision, x.zone AS home,
    x.state AS distribution_state, x.embargo_until, w.due_at,
    CASE WHEN w.early IS NOT NULL AND x.embargo_until > :now THEN 1 ELSE 0 END AS early

-- name: is_one_of
IN (SELECT value FROM json_each(:people))

-- name: is_one_of@postgresql
= ANY (ARRAY(SELECT value::integer FROM json_array_elements_text(:people ::json)))

-- name: lock
-- SQLite has one writer: nobody else counts meanwhile.
SELECT value AS id FROM json_each(:people)

-- name: lock@postgresql
-- Of two claims that take something for the same person, one counts after the other is committed.
-- Nobody waits, so nobody waits in a circle: whoever comes second leaves him for the next claim.
SELECT id FROM journalists WHERE id {{is_one_of}} FOR NO KEY UPDATE SKIP LOCKED

-- name: first_recent
-- Before this distribution nothing was sent since then.
SELECT coalesce(min(id), 0) AS id FROM distributions
WHERE state IN ('scheduled', 'sending', 'waiting', 'paused') OR finished_at >= :since

-- name: recent
-- What each got or may have got since then, and what is on its way to him: what has a rule itself.
-- The table's own key by journalist finds it.
{{counted}} AND d.journalist {{is_one_of}} AND d.distribution <> :distribution
GROUP BY d.journalist

-- name: recent_of_all
{{counted}} GROUP BY d.journalist

-- name: counted
-- What was tried and is to be tried again keeps its place.
SELECT d.journalist, count(*) AS messages,
    max(CASE WHEN d.state = 1 THEN :now ELSE d.last_attempt_at END) AS last_at
FROM deliveries d
JOIN distributions x ON x.id = d.distribution
LEFT JOIN lists l ON l.id = d.list
WHERE d.distribution >= :first
  AND (d.state IN (1, 3, 5) OR (d.state = 2 AND d.last_attempt_at IS NOT NULL))
  AND d.kind = 'release' AND x.kind = 'release'
  AND (d.state IN (1, 2) OR d.last_attempt_at > :since)
  AND (l.kind IS NULL OR l.kind NOT IN ('topic', 'internal'))

-- name: wishes
SELECT journalist, weekly_cap, office_hours, away_until, paused FROM preferences

-- name: without_embargoes
SELECT journalist FROM preferences WHERE no_embargoes = 1

-- name: tried
SELECT id FROM deliveries
WHERE distribution = :distribution AND id {{ledger.is_one_of}} AND last_attempt_at IS NOT NULL

-- name: sent_again
-- Only what is in doubt is ever sent again.
SELECT DISTINCT delivery FROM events
WHERE distribution = :distribution AND kind = 'resend' AND delivery {{ledger.is_one_of}}

-- name: skip
-- Of a skipped one, due_at is when that was.
UPDATE deliveries SET state = r.state, worker = NULL, due_at = r.now, reason = r.reason
FROM (
    WITH r (distribution, delivery, worker, state, now, reason) AS (
        VALUES (:distribution, :delivery, :worker, :state, :now, :reason))
    SELECT * FROM r) AS r
WHERE {{ledger.held_row}}

-- name: skip@postgresql
UPDATE deliveries SET state = r.state, worker = NULL, due_at = r.now, reason = r.reason
FROM json_to_recordset(:rows ::json) AS r (distribution integer, delivery bigint, worker bigint,
    state integer, now bigint, reason text)
WHERE {{ledger.held_row}}

-- name: waits
UPDATE deliveries SET waits_since = :now
WHERE distribution = :distribution AND id {{ledger.is_one_of}} AND waits_since IS NULL

-- name: to_lift
-- Out of an early batch, before anything was tried, to where everybody waits for the end.
UPDATE deliveries SET state = 0, worker = NULL, wave = :lift, due_at = :due, reason = NULL
WHERE distribution = :distribution AND id {{ledger.is_one_of}} AND wave = :wave AND state = 1
    AND worker = :worker AND attempts = 0

-- name: language_of
SELECT language FROM waves WHERE distribution = :distribution AND id = :wave

-- name: resize
UPDATE waves SET recipients = recipients + CASE WHEN id = :lift THEN :moved ELSE -:moved END
WHERE distribution = :distribution AND id IN (:lift, :wave)

-- name: postponed
-- What waits for the rules, by reason, and when the first of it is due.
SELECT d.distribution, d.reason, count(*) AS deliveries, min(d.due_at) AS due_at
FROM deliveries d WHERE d.state = 2 AND d.distribution = :distribution
    AND d.waits_since IS NOT NULL AND d.reason LIKE 'waits for%'
GROUP BY d.distribution, d.reason ORDER BY d.reason

-- name: waiting
SELECT 1 AS found FROM deliveries WHERE state = 2 AND distribution = :distribution
    AND wave = :wave AND waits_since IS NOT NULL AND reason LIKE 'waits for%' LIMIT 1

-- name: skipped
SELECT reason, count(*) AS deliveries FROM deliveries
WHERE state = 7 AND distribution = :distribution AND reason IS NOT NULL
GROUP BY reason ORDER BY reason
