-- Ways out that do not simply work: resting until an instant, or paused until an officer's word.

-- name: ls
SELECT name, state, reason, until_at, failures, changed_at FROM routes ORDER BY name

-- name: paused
SELECT name FROM routes WHERE state = 'paused'

-- name: resting
SELECT name FROM routes WHERE state = 'resting' AND until_at > :now

-- name: hold
SELECT name FROM routes WHERE name = :name

-- name: hold@postgresql
-- Whoever would let it go waits until this transaction ends, and so sees what was put off in it.
SELECT name FROM routes WHERE name = :name FOR SHARE

-- name: pause
-- A pause takes the place of a rest; one that stands keeps its first reason.
INSERT INTO routes (name, state, reason, until_at, failures, changed_at)
VALUES (:name, 'paused', :reason, NULL, 0, :now)
ON CONFLICT (name) DO UPDATE SET state = 'paused', reason = :reason, until_at = NULL,
    changed_at = :now
WHERE routes.state <> 'paused'

-- name: rest
-- A rest never lifts a pause; failures in a row are counted until the route works again.
INSERT INTO routes (name, state, reason, until_at, failures, changed_at)
VALUES (:name, 'resting', :reason, :until, 1, :now)
ON CONFLICT (name) DO UPDATE SET reason = :reason, until_at = :until,
    failures = routes.failures + 1, changed_at = :now
WHERE routes.state = 'resting'

-- name: resume
DELETE FROM routes WHERE name = :name

-- name: waiting
SELECT distribution, count(*) AS n FROM deliveries
WHERE state = 2 AND due_at > :now AND reason LIKE 'mail service % is %'
GROUP BY distribution ORDER BY distribution

-- name: let_go
-- What waits for a mail service is due at once, whichever of several would have come back first.
UPDATE deliveries SET due_at = :now
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries
    WHERE state = 2 AND distribution = :distribution AND due_at > :now
      AND reason LIKE 'mail service % is %'
    ORDER BY due_at LIMIT :limit)

-- name: works
DELETE FROM routes WHERE name = :name AND state = 'resting'
