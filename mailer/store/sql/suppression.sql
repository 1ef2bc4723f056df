-- Do not contact: whom not to mail, why, and what of theirs stops. Delivery state numbers are those
-- of store/states.py (0 queued, 2 deferred, 6 suppressed).

-- name: add
-- A stronger reason (a complaint, an officer's) takes the place of the journalist's own, so that
-- he cannot undo it by a link in a forwarded mail; never the other way round.
INSERT INTO suppressions (id, hash, hash_version, scope, reason, evidence, actor, created_at)
VALUES (:id, :hash, :hash_version, :scope, :reason, :evidence, :actor, :at)
ON CONFLICT (hash, scope) DO UPDATE SET reason = :reason, evidence = :evidence, actor = :actor,
    created_at = :at
WHERE suppressions.reason = 'opt-out' AND :reason <> 'opt-out'

-- name: remove
DELETE FROM suppressions WHERE hash = :hash AND scope = :scope

-- name: remove_own
DELETE FROM suppressions WHERE hash = :hash AND scope = :scope AND reason = 'opt-out'

-- name: find
SELECT id, scope, reason, evidence, actor, created_at FROM suppressions WHERE hash = :hash
ORDER BY created_at, id

-- name: ls
SELECT s.id, s.scope, s.reason, s.evidence, s.actor, s.created_at, a.journalist, a.email
FROM suppressions s LEFT JOIN addresses a ON a.hash = s.hash
ORDER BY s.created_at, s.id

-- name: hash_of_journalist
SELECT hash FROM addresses WHERE journalist = :journalist

-- name: journalist_of_hash
SELECT journalist FROM addresses WHERE hash = :hash

-- name: stop_all
UPDATE deliveries SET state = 6, reason = :reason
WHERE journalist = :journalist AND state IN (0, 2)
RETURNING distribution, id

-- name: stop_office
UPDATE deliveries SET state = 6, reason = :reason
WHERE journalist = :journalist AND state IN (0, 2)
  AND list NOT IN (SELECT id FROM lists WHERE kind = 'topic')
RETURNING distribution, id

-- name: stop_list
UPDATE deliveries SET state = 6, reason = :reason
WHERE journalist = :journalist AND list = :list AND state IN (0, 2)
RETURNING distribution, id

-- name: leave_list
UPDATE memberships SET state = 'left', left_at = :at
WHERE list = :list AND journalist = :journalist AND state = 'active'

-- name: rejoin_list
UPDATE memberships SET state = 'active', left_at = NULL
WHERE list = :list AND journalist = :journalist AND state = 'left'

-- name: list_named
SELECT id, name, title, kind FROM lists WHERE id = :list

-- name: lists_of
-- The list his message came from, and the topics he signed up to himself; not the office's own
-- lists, which he never chose and which a forwarded mail must not tell.
SELECT l.id, l.name, l.title, l.kind
FROM lists l LEFT JOIN memberships m ON m.list = l.id AND m.journalist = :journalist
WHERE l.id = :list OR (l.kind = 'topic' AND m.journalist IS NOT NULL)
ORDER BY CASE WHEN l.id = :list THEN 0 ELSE 1 END, l.title, l.id
