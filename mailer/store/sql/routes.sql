-- Ways out that do not simply work: resting until an instant, or paused until an officer's word.

-- name: ls
SELECT name, state, reason, until_at, failures, changed_at FROM routes ORDER BY name

-- name: paused
SELECT name FROM routes WHERE state = 'paused'

-- name: resting
SELECT name FROM routes WHERE state = 'resting' AND until_at > :now

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

-- name: let_go
-- What waits for this mail service and for nothing else is due at once.
UPDATE deliveries SET due_at = :now
WHERE state = 2 AND (distribution, id) IN (
    SELECT distribution, id FROM deliveries
    WHERE state = 2 AND due_at > :now AND reason LIKE 'mail service ' || :name || ' is %'
    LIMIT :limit)

-- name: works
DELETE FROM routes WHERE name = :name AND state = 'resting'
