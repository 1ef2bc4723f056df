-- The restore guard: is this ledger older than it was, what may have left meanwhile, and what an
-- officer says of it. Delivery state numbers are those of store/states.py (0 queued, 1 claimed,
-- 2 deferred, 3 accepted, 5 in_doubt).
--
-- What begins with hold_ has `:incident` (an instant) as its only parameter and is one statement
-- that psql runs as well: a PostgreSQL store is put back and held in one transaction of psql.

-- name: last_event
SELECT coalesce(max(id), 0) AS id FROM events

-- name: last_known
-- The last instant of which the ledger has history.
SELECT coalesce(max(at), 0) AS at FROM (SELECT at FROM events ORDER BY id DESC LIMIT 100) e

-- name: counters
SELECT name, value FROM counters ORDER BY name

-- name: last_incident
SELECT coalesce(max(id), 0) AS id FROM incidents

-- name: last_keeper
SELECT host, machine FROM keepers ORDER BY starts DESC LIMIT 1

-- name: kept_by_another
SELECT 1 AS found FROM keepers
WHERE seen_at >= :since AND (host <> :host OR machine <> :machine) LIMIT 1

-- name: keep
INSERT INTO keepers (host, machine, starts, seen_at) VALUES (:host, :machine, :starts, :now)
ON CONFLICT (host, machine) DO UPDATE SET starts = :starts, seen_at = :now

-- name: seen
UPDATE keepers SET seen_at = :now WHERE host = :host AND machine = :machine

-- name: at_least
INSERT INTO counters (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value

-- name: add_incident
INSERT INTO incidents (id, why, host, knows_until) VALUES (:incident, :why, :host, :knows_until)

-- name: hold_incident
-- As psql writes it, who has no words of ours at hand.
INSERT INTO incidents (id, why, host, knows_until)
SELECT :incident, 'it was put back from a backup', '',
    coalesce((SELECT max(at) FROM (SELECT at FROM events ORDER BY id DESC LIMIT 100) e), 0)

-- name: hold_keep
-- Batches in which anything is still to happen. What is held already, and not decided about, keeps
-- the states it had at first.
INSERT INTO held_back (distribution, wave, incident, wave_was, distribution_was)
SELECT w.distribution, w.id, :incident, w.state, x.state
FROM waves w JOIN distributions x ON x.id = w.distribution
WHERE x.state IN ('scheduled', 'sending', 'waiting', 'paused')
  AND w.state IN ('scheduled', 'sending', 'waiting')
  AND EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution AND d.wave = w.id
              AND d.state IN (0, 1, 2))
ON CONFLICT (distribution, wave) DO UPDATE SET incident = excluded.incident,
    wave_was = CASE WHEN held_back.decision IS NULL THEN held_back.wave_was
        ELSE excluded.wave_was END,
    distribution_was = CASE WHEN held_back.decision IS NULL THEN held_back.distribution_was
        ELSE excluded.distribution_was END,
    decision = NULL, decided_at = NULL, actor = NULL

-- name: hold_waves
UPDATE waves SET state = 'waiting' WHERE state IN ('scheduled', 'sending')
  AND EXISTS (SELECT 1 FROM held_back h WHERE h.distribution = waves.distribution
              AND h.wave = waves.id AND h.incident = :incident)

-- name: hold_distributions
UPDATE distributions SET state = 'waiting', reason = 'the ledger was put back to an earlier time'
WHERE state IN ('scheduled', 'sending')
  AND EXISTS (SELECT 1 FROM held_back h WHERE h.distribution = distributions.id
              AND h.incident = :incident)

-- name: hold_events
INSERT INTO events (at, kind, actor, distribution, delivery, journalist, data)
SELECT :incident, 'held_back', 'guard', h.distribution, NULL, NULL, '{}'
FROM (SELECT DISTINCT distribution FROM held_back WHERE incident = :incident) h
ORDER BY h.distribution

-- name: hold_numbers
-- Numbers given out after the copy was made are unknown to it, and stand in mails that were sent:
-- in links, bounce addresses and Message-IDs. They must not be given out again.
UPDATE counters SET value = value + CASE name WHEN 'journalist' THEN 1000000
    WHEN 'distribution' THEN 1000 WHEN 'start' THEN 0 ELSE 1000 END
WHERE :incident > 0

-- name: hold_control
UPDATE control SET version = version + 1 WHERE :incident > 0

-- name: undecided
-- Batches that wait for an officer's word. One that was stopped meanwhile needs none.
SELECT h.distribution, h.wave, h.incident, h.wave_was, h.distribution_was, w.due_at, w.zone,
    w.recipients, w.state AS wave_state, x.state, x.late, r.slug AS release, v.headline,
    i.knows_until, i.why
FROM held_back h
JOIN waves w ON w.distribution = h.distribution AND w.id = h.wave
JOIN distributions x ON x.id = h.distribution
JOIN releases r ON r.id = x.release
JOIN revisions v ON v.release = x.release AND v.number = x.revision
JOIN incidents i ON i.id = h.incident
WHERE h.decision IS NULL AND x.state IN ('scheduled', 'sending', 'waiting', 'paused')
  AND w.state IN ('scheduled', 'sending', 'waiting')
ORDER BY w.due_at, h.distribution, h.wave

-- name: is_held
SELECT 1 AS found FROM held_back h
JOIN waves w ON w.distribution = h.distribution AND w.id = h.wave
WHERE h.distribution = :distribution AND h.decision IS NULL
  AND w.state IN ('scheduled', 'sending', 'waiting') LIMIT 1

-- name: wave_counts
SELECT state, count(*) AS n FROM deliveries WHERE distribution = :distribution AND wave = :wave
GROUP BY state

-- name: decide
UPDATE held_back SET decision = :decision, decided_at = :now, actor = :actor
WHERE distribution = :distribution AND wave = :wave AND decision IS NULL

-- name: gone_queued
UPDATE deliveries SET state = :state, reason = :reason, last_attempt_at = :at
WHERE state = 0 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 0 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)
  AND EXISTS (SELECT 1 FROM held_back h WHERE h.distribution = deliveries.distribution
              AND h.wave = deliveries.wave AND h.decision IS NULL)
RETURNING id

-- name: gone_deferred
UPDATE deliveries SET state = :state, reason = :reason,
    last_attempt_at = coalesce(:at, last_attempt_at)
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 2 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)
  AND EXISTS (SELECT 1 FROM held_back h WHERE h.distribution = deliveries.distribution
              AND h.wave = deliveries.wave AND h.decision IS NULL)
RETURNING id

-- name: finish_wave
UPDATE waves SET state = 'done' WHERE distribution = :distribution AND id = :wave
  AND state IN ('scheduled', 'sending', 'waiting')

-- name: finish_empty
-- Batches beside it in which nothing is left to do; the sweep would have ended them.
UPDATE waves SET state = 'done' WHERE distribution = :distribution AND state = 'sending'
  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = waves.distribution
                  AND d.wave = waves.id AND d.state IN (0, 1, 2))
RETURNING id

-- name: finish_distribution
UPDATE distributions SET state = 'done', reason = NULL, finished_at = :now
WHERE id = :distribution AND state IN ('scheduled', 'sending', 'waiting', 'paused')
  AND NOT EXISTS (SELECT 1 FROM waves w WHERE w.distribution = distributions.id
                  AND w.state IN ('scheduled', 'waiting', 'sending'))

-- name: plan_wave
-- Back to its own time.
UPDATE waves SET state = 'scheduled'
WHERE distribution = :distribution AND id = :wave AND state = 'waiting'

-- name: at_work_since
SELECT host FROM keepers WHERE seen_at >= :since AND host <> :host ORDER BY seen_at DESC LIMIT 1

-- name: is_unused
-- Tables only, as `init` leaves them.
SELECT 1 AS found WHERE NOT EXISTS (SELECT 1 FROM events)
  AND NOT EXISTS (SELECT 1 FROM journalists) AND NOT EXISTS (SELECT 1 FROM lists)
  AND NOT EXISTS (SELECT 1 FROM releases) AND NOT EXISTS (SELECT 1 FROM suppressions)
  AND NOT EXISTS (SELECT 1 FROM distributions) AND NOT EXISTS (SELECT 1 FROM imports)
