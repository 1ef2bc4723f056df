-- Pace: one row per route and destination group, locked by whoever takes places from it.

-- name: lock
-- Read for writing: on PostgreSQL other senders wait here until this transaction ends.
INSERT INTO paces (name, next_at, backlog_at) VALUES (:name, :now, :now)
ON CONFLICT (name) DO UPDATE SET next_at = paces.next_at
RETURNING next_at, backlog_at

-- name: move
UPDATE paces SET next_at = :next_at, backlog_at = :backlog_at WHERE name = :name

-- name: changed
-- A row of its own: an officer's word waits for no sender that holds a queue.
INSERT INTO paces (name, next_at, backlog_at) VALUES ('changed', :now, :now)
ON CONFLICT (name) DO UPDATE SET next_at = :now

-- name: changed_at
SELECT next_at FROM paces WHERE name = 'changed'

-- name: seen
DELETE FROM paces WHERE name = 'changed' AND next_at = :at

-- name: held_up
-- All queues since a change; else those whose free places pass unused while others wait for later.
SELECT name FROM paces WHERE (name LIKE 'route:%' OR name LIKE 'to:%')
  AND (:changed = 1 OR (next_at < :now - :horizon AND backlog_at > :now + :horizon))
ORDER BY name

-- name: begin_anew
UPDATE paces SET backlog_at = next_at WHERE name = :name

-- name: let_go
UPDATE deliveries SET due_at = :now
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries {{by_deferred}}
    WHERE state = 2 AND distribution = :distribution AND due_at > :now AND reason = :reason
    ORDER BY due_at LIMIT :limit)

-- name: by_deferred
INDEXED BY deliveries_deferred

-- name: by_deferred@postgresql

-- name: rests
SELECT name, next_at FROM paces WHERE name LIKE 'rest:%' AND next_at > :now

-- name: rest
INSERT INTO paces (name, next_at, backlog_at) VALUES (:name, :until, :until)
ON CONFLICT (name) DO UPDATE SET
    next_at = CASE WHEN paces.next_at > :until THEN paces.next_at ELSE :until END

-- name: lock_day
-- Read for writing, as above.
INSERT INTO route_days (route, day, messages) VALUES (:route, :day, 0)
ON CONFLICT (route, day) DO UPDATE SET messages = route_days.messages
RETURNING messages

-- name: used_on
SELECT route, messages FROM route_days WHERE day = :day

-- name: use
INSERT INTO route_days (route, day, messages) VALUES (:route, :day, :count)
ON CONFLICT (route, day) DO UPDATE SET messages = route_days.messages + :count

-- name: keep_claims
INSERT INTO route_claims (distribution, delivery, worker, route, day)
VALUES (:distribution, :delivery, :worker, :route, :day)
ON CONFLICT (distribution, delivery) DO UPDATE SET worker = excluded.worker,
    route = excluded.route, day = excluded.day

-- name: keep_claims@postgresql
INSERT INTO route_claims (distribution, delivery, worker, route, day)
SELECT distribution, delivery, worker, route, day FROM json_to_recordset(:rows ::json)
    AS r (distribution integer, delivery bigint, worker bigint, route text, day text)
ON CONFLICT (distribution, delivery) DO UPDATE SET worker = excluded.worker,
    route = excluded.route, day = excluded.day

-- name: drop_claim
DELETE FROM route_claims
WHERE distribution = :distribution AND delivery = :delivery AND worker = :worker
RETURNING route, day

-- name: drop_old_claims
DELETE FROM route_claims WHERE worker = :worker AND day < :day

-- name: drop_claims
DELETE FROM route_claims WHERE worker = :worker
