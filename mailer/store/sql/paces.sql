-- Pace: one row per route and destination group, locked by whoever takes places from it.

-- name: lock
-- Read for writing: on PostgreSQL other senders wait here until this transaction ends.
INSERT INTO paces (name, next_at, backlog_at) VALUES (:name, :now, :now)
ON CONFLICT (name) DO UPDATE SET next_at = paces.next_at
RETURNING next_at, backlog_at

-- name: move
UPDATE paces SET next_at = :next_at, backlog_at = :backlog_at WHERE name = :name

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
