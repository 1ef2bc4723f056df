-- Distributions and waves: planned, opened, stopped, finished, and read by people.

-- name: insert
INSERT INTO distributions (id, release, revision, compiled, state, priority, late, embargo_until,
    due_at, zone, audience, left_out, recipients, actor, created_at, kind, parent, over, notice)
VALUES (:id, :release, :revision, :compiled, 'planning', :priority, :late, :embargo_until,
    :due_at, :zone, :audience, '{}', 0, :actor, :now, :kind, :parent, :over, :notice)

-- name: insert_wave
INSERT INTO waves (distribution, id, due_at, zone, state, recipients, language, awaits)
VALUES (:distribution, :id, :due_at, :zone, 'scheduled', :recipients, :language, :awaits)

-- name: planned
UPDATE distributions SET state = 'scheduled', recipients = :recipients, left_out = :left_out,
    due_at = :due_at
WHERE id = :id AND state = 'planning' AND reason IS NULL

-- name: abandoned
SELECT id FROM distributions WHERE state = 'planning' AND created_at < :before

-- name: state_of
SELECT state FROM distributions WHERE id = :id

-- name: abandon
-- From now on this plan cannot be finished any more; it only awaits its removal.
UPDATE distributions SET reason = 'broken off' WHERE id = :id AND state = 'planning'

-- name: forget_deliveries
DELETE FROM deliveries WHERE distribution = :id AND id IN
    (SELECT id FROM deliveries WHERE distribution = :id LIMIT :limit)

-- name: forget_left_out
DELETE FROM left_out WHERE distribution = :id AND journalist IN
    (SELECT journalist FROM left_out WHERE distribution = :id LIMIT :limit)

-- name: forget_slot_values
DELETE FROM slot_values WHERE distribution = :id AND delivery IN
    (SELECT delivery FROM slot_values WHERE distribution = :id LIMIT :limit)

-- name: forget_waves
DELETE FROM waves WHERE distribution = :id

-- name: forget
DELETE FROM distributions WHERE id = :id AND state = 'planning'

-- name: get
SELECT x.*, r.slug AS slug, v.headline AS headline
FROM distributions x
JOIN releases r ON r.id = x.release
JOIN revisions v ON v.release = x.release AND v.number = x.revision
WHERE x.id = :id AND x.state <> 'planning'

-- name: ls
SELECT x.*, r.slug AS slug, v.headline AS headline
FROM distributions x
JOIN releases r ON r.id = x.release
JOIN revisions v ON v.release = x.release AND v.number = x.revision
WHERE x.state <> 'planning' ORDER BY x.id

-- name: ls_open
SELECT id, state FROM distributions
WHERE state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused')
ORDER BY id

-- name: internal_of
-- The internal copies that go beside a distribution.
SELECT id FROM distributions WHERE parent = :id AND kind = 'internal' AND state <> 'planning'

-- name: waves
SELECT * FROM waves WHERE distribution = :id ORDER BY due_at, id

-- name: counts
SELECT state, feedback, count(*) AS n FROM deliveries WHERE distribution = :id
GROUP BY state, feedback

-- name: already
SELECT count(DISTINCT d.journalist) AS n FROM deliveries d
JOIN distributions x ON x.id = d.distribution
WHERE x.release = :release AND x.kind NOT IN ('test', 'notice', 'digest', 'internal') AND d.state IN (3, 5)

-- name: had_by
-- What one journalist has of a release, or has under way.
SELECT d.distribution, d.id, d.state, d.last_attempt_at, d.queued_at FROM deliveries d
JOIN distributions x ON x.id = d.distribution
WHERE d.journalist = :journalist AND x.release = :release AND x.kind NOT IN ('test', 'notice', 'digest', 'internal')
  AND x.state <> 'planning' AND d.state IN (0, 1, 2, 3, 5)
ORDER BY d.distribution

-- name: due_waves
SELECT w.distribution, w.id, w.due_at, w.zone, w.recipients, x.late, x.embargo_until, w.early,
    x.release, x.revision, x.zone AS home
FROM distributions x JOIN waves w ON w.distribution = x.id
WHERE x.state IN ('scheduled', 'sending') AND w.state = 'scheduled' AND w.due_at <= :now
ORDER BY x.priority, w.due_at, w.distribution, w.id

-- name: next_wave
SELECT min(w.due_at) AS due_at FROM distributions x JOIN waves w ON w.distribution = x.id
WHERE x.state IN ('scheduled', 'sending') AND w.state = 'scheduled' AND w.due_at < :never

-- name: next_spread
-- The next delivery of batches that are being spread. One look into the index for each of them.
SELECT min(due_at) AS due_at FROM (
    SELECT (SELECT d.due_at FROM deliveries d WHERE d.distribution = w.distribution
            AND d.wave = w.id AND d.state = 0 AND d.due_at > :now
            ORDER BY d.due_at LIMIT 1) AS due_at
    FROM distributions x JOIN waves w ON w.distribution = x.id
    WHERE x.state = 'sending' AND w.state = 'sending') s

-- name: first_open_due
-- Since when, at the latest, something of a batch is or will be due.
SELECT min(due_at) AS due_at FROM (
    SELECT (SELECT due_at FROM deliveries WHERE distribution = :distribution AND wave = :wave
            AND state = 0 ORDER BY due_at LIMIT 1) AS due_at
    UNION ALL
    SELECT min(due_at) FROM deliveries WHERE distribution = :distribution AND wave = :wave
        AND state = 2) s

-- name: open_wave
UPDATE waves SET state = 'sending', heartbeat_at = :now
WHERE distribution = :distribution AND id = :wave AND state IN ('scheduled', 'waiting')

-- name: hold_wave
UPDATE waves SET state = 'waiting'
WHERE distribution = :distribution AND id = :wave AND state IN ('scheduled', 'sending')

-- name: drop_wave
UPDATE waves SET state = 'dropped'
WHERE distribution = :distribution AND id = :wave AND state IN ('scheduled', 'waiting')

-- name: cancel_wave
UPDATE waves SET state = 'cancelled'
WHERE distribution = :distribution AND id = :wave AND state IN ('scheduled', 'waiting', 'sending')

-- name: finish_wave
UPDATE waves SET state = 'done'
WHERE distribution = :distribution AND id = :wave AND state = 'sending'

-- name: any_sending
SELECT 1 AS found FROM distributions WHERE state = 'sending' LIMIT 1

-- name: sending_waves
SELECT w.distribution, w.id, w.due_at, w.heartbeat_at, w.recipients, x.embargo_until, w.early, x.over,
    x.state AS distribution_state, x.kind
FROM waves w JOIN distributions x ON x.id = w.distribution
WHERE w.state = 'sending' AND x.state IN ('scheduled', 'sending', 'paused')

-- name: heartbeat
UPDATE waves SET heartbeat_at = :now WHERE distribution = :distribution AND id = :wave
    AND state = 'sending'

-- name: to_sending
-- By the clock alone: what an officer paused or must decide about is not set going by it.
UPDATE distributions SET state = 'sending', reason = NULL
WHERE id = :id AND state IN ('scheduled', 'sending')

-- name: to_resumed
UPDATE distributions SET state = 'sending', reason = NULL
WHERE id = :id AND state IN ('waiting', 'paused')

-- name: to_scheduled
UPDATE distributions SET state = 'scheduled', reason = NULL
WHERE id = :id AND state IN ('waiting', 'paused')

-- name: to_waiting
UPDATE distributions SET state = 'waiting', reason = :reason
WHERE id = :id AND state IN ('scheduled', 'sending')

-- name: to_paused
UPDATE distributions SET state = 'paused', reason = :reason
WHERE id = :id AND state IN ('scheduled', 'sending', 'waiting')

-- name: to_cancelled
UPDATE distributions SET state = 'cancelled', reason = :reason, finished_at = :now
WHERE id = :id AND state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused')

-- name: to_killed
UPDATE distributions SET state = 'killed', reason = :reason, finished_at = :now
WHERE id = :id AND state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused')

-- name: to_done
UPDATE distributions SET state = 'done', finished_at = :now
WHERE id = :id AND state IN ('scheduled', 'sending')

-- name: open_deliveries
-- Is anything of this wave still to happen by itself?
SELECT 1 AS found WHERE
    EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 0)
    OR EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 1)
    OR EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 2)

-- name: busy_now
-- Does this wave have anything to send at this instant, in hand, or only waiting for its turn?
SELECT 1 AS found WHERE
    EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 0
               AND due_at <= :now)
    OR EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 1)
    OR EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 2
               AND due_at <= :now)
    OR EXISTS (SELECT 1 FROM deliveries WHERE distribution = :distribution AND wave = :wave AND state = 2
               AND reason LIKE :turn)

-- name: stop_queued
UPDATE deliveries SET state = 8, reason = :reason
WHERE state = 0 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 0 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)
RETURNING id

-- name: stop_deferred
UPDATE deliveries SET state = 8, reason = :reason
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 2 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)
RETURNING id

-- name: leftovers
-- Stopped batches to which something came back after the stop: an answer that said later, a
-- claim given back while the stop was being written.
SELECT w.distribution, w.id, w.state, x.reason FROM waves w
JOIN distributions x ON x.id = w.distribution
WHERE (w.state IN ('cancelled', 'dropped')
       OR (w.state = 'moved' AND x.state IN ('cancelled', 'killed'))) AND (
    EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution AND d.wave = w.id
            AND d.state = 0)
    OR EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution
            AND d.wave = w.id AND d.state = 2))

-- name: fallen_out
-- Since the plan: do not contact, or no longer active. Driven from the few, not the many.
SELECT d.id, d.journalist, '' AS gone
FROM suppressions s JOIN addresses a ON a.hash = s.hash
JOIN deliveries d ON d.journalist = a.journalist AND d.distribution = :distribution
WHERE d.state IN (0, 2) AND s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list))
UNION
SELECT d.id, d.journalist, j.state AS gone
FROM journalists j JOIN deliveries d ON d.journalist = j.id AND d.distribution = :distribution
WHERE j.state <> 'active' AND d.state IN (0, 2) AND d.kind <> 'test'
ORDER BY 1, 3

-- name: fall_out
UPDATE deliveries SET state = :state, reason = :reason
WHERE distribution = :distribution AND id = :id AND state IN (0, 2)

-- name: due
-- A delivery's own time counts from when its batch is due; of one that waits without end (in the
-- year 9000, store/variants.py) only its own time is known.
CASE WHEN d.state = 0 AND w.due_at > d.due_at AND w.due_at < 221845392000000000 THEN w.due_at
    ELSE d.due_at END

-- name: log
SELECT d.distribution, d.id, r.slug AS release, a.email, d.state, d.feedback, d.queued_at,
    d.attempts, d.first_attempt_at, d.last_attempt_at, d.code, d.enhanced, d.reply, d.route,
    d.reason, {{due}} AS due_at, d.kind, d.wave, l.name AS list,
    coalesce(w.early, w.compiled, t.compiled, x.compiled) AS compiled, w.language
FROM deliveries d
JOIN distributions x ON x.id = d.distribution AND x.state <> 'planning'
LEFT JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
JOIN releases r ON r.id = x.release
LEFT JOIN addresses a ON a.journalist = d.journalist
LEFT JOIN lists l ON l.id = d.list

-- name: left_out
-- Who was selected and is in no batch. The address's own suppressions say more where they are known.
SELECT o.distribution, r.slug AS release, a.email, o.reason, x.created_at, x.kind,
    (SELECT s.reason FROM suppressions s WHERE s.hash = a.hash ORDER BY s.scope LIMIT 1)
        AS suppressed_by
FROM left_out o
JOIN distributions x ON x.id = o.distribution AND x.state <> 'planning'
JOIN releases r ON r.id = x.release
LEFT JOIN addresses a ON a.journalist = o.journalist

-- name: delivery
SELECT d.distribution, d.id, d.journalist, d.list AS list_id, r.slug AS release, a.email, d.state,
    d.feedback, d.queued_at, d.attempts, d.first_attempt_at, d.last_attempt_at, d.code, d.enhanced,
    d.reply, d.route, d.reason, {{due}} AS due_at, d.kind, d.wave, l.name AS list,
    coalesce(w.early, w.compiled, t.compiled, x.compiled) AS compiled, w.language,
    v.data AS frozen, x.messages_gone_at
FROM deliveries d
JOIN distributions x ON x.id = d.distribution AND x.state <> 'planning'
LEFT JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
JOIN releases r ON r.id = x.release
LEFT JOIN addresses a ON a.journalist = d.journalist
LEFT JOIN lists l ON l.id = d.list
LEFT JOIN slot_values v ON v.distribution = d.distribution AND v.delivery = d.id
WHERE d.distribution = :distribution AND d.id = :id

-- name: attempts
SELECT * FROM attempts WHERE distribution = :distribution AND delivery = :id ORDER BY number

-- name: events
-- What names many deliveries is read as text first: a distribution of millions has tens of thousands
-- of such lines.
SELECT * FROM events WHERE distribution = :distribution AND (delivery = :id
    OR (delivery IS NULL AND (kind NOT IN ('claimed', 'accepted') OR data LIKE :named)))
ORDER BY id
