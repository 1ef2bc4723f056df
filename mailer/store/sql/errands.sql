-- What officers handed over: imports and exports for any machine.

-- name: begin
INSERT INTO errands (id, kind, state, asked, actor, created_at, tries)
VALUES (:id, :kind, 'arriving', :asked, :actor, :now, 0)

-- name: add_part
INSERT INTO errand_parts (errand, name, number, data) VALUES (:errand, :name, :number, :data)

-- name: ready
UPDATE errands SET state = 'queued' WHERE id = :id AND state = 'arriving'

-- name: open_ones
SELECT id, kind FROM errands WHERE state IN ('queued', 'running') ORDER BY id

-- name: get
SELECT id, kind, state, asked, actor, created_at, started_at, finished_at, host, taker, tries, result
FROM errands WHERE id = :id

-- name: ls
SELECT id, kind, state, asked, actor, created_at, started_at, finished_at, host, taker, tries, result
FROM errands WHERE state <> 'arriving' ORDER BY id

-- name: take
UPDATE errands SET state = 'running', taker = :taker, host = :host, tries = tries + 1,
    started_at = :now
WHERE id = :id AND state IN ('queued', 'running')

-- name: give_back
UPDATE errands SET state = 'queued', taker = NULL, tries = tries - 1
WHERE id = :id AND state = 'running' AND taker = :taker

-- name: hold
-- Changes nothing; on PostgreSQL nobody else can take it until this is committed.
UPDATE errands SET taker = taker WHERE id = :id AND state = 'running' AND taker = :taker

-- name: finish
UPDATE errands SET state = :state, finished_at = :now, taker = NULL, result = :result
WHERE id = :id AND state = 'running' AND taker = :taker

-- name: cancel
UPDATE errands SET state = 'cancelled', finished_at = :now, taker = NULL
WHERE id = :id AND state IN ('queued', 'running')

-- name: part
SELECT data FROM errand_parts WHERE errand = :errand AND name = :name AND number = :number

-- name: forget_parts
DELETE FROM errand_parts WHERE errand = :errand AND name = :name AND number IN (
    SELECT number FROM errand_parts WHERE errand = :errand AND name = :name LIMIT :limit)

-- name: is_old
-- Long done, or what never arrived because whoever handed it over was interrupted.
(finished_at < :before OR (state = 'arriving' AND created_at < :abandoned))

-- name: oldest
SELECT id FROM errands WHERE {{is_old}} ORDER BY id LIMIT 1

-- name: count_old
SELECT count(*) AS n FROM errands WHERE {{is_old}}

-- name: needless
-- What was handed over is not needed any more once its errand has ended.
SELECT e.id FROM errands e WHERE e.state IN ('done', 'failed', 'cancelled')
    AND EXISTS (SELECT 1 FROM errand_parts p WHERE p.errand = e.id AND p.name = 'in')
ORDER BY e.id LIMIT 1

-- name: forget
DELETE FROM errands WHERE id = :id
