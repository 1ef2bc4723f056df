-- An import taken back: who is brought by nothing else goes, what stood before stands again.

-- name: keep_before
INSERT INTO import_before (import, journalist, data) VALUES (:import, :journalist, :data)
ON CONFLICT (import, journalist) DO UPDATE SET data = :data

-- name: drop_before
DELETE FROM import_before WHERE import = :import AND journalist = :journalist

-- name: imports
-- Those that came in force; one that broke off, or a dry run, is none.
SELECT i.id, i.list, l.name AS list_name, i.file, i.state, i.actor, i.started_at, i.finished_at,
    i.result, i.undoable, i.undone
FROM imports i LEFT JOIN lists l ON l.id = i.list
WHERE i.result IS NOT NULL ORDER BY i.id

-- name: begin
UPDATE imports SET state = 'undoing', undone = :counts
WHERE id = :id AND state = 'done' AND undoable = 1

-- name: count
UPDATE imports SET undone = :counts WHERE id = :id

-- name: close
UPDATE imports SET state = 'undone', undoable = 0 WHERE id = :id

-- name: planning
SELECT count(*) AS n FROM distributions WHERE state = 'planning' AND reason IS NULL

-- name: people
SELECT p.journalist, p.said, b.data AS before, j.state, j.hold_reason, j.hold_import, j.import,
    j.first_name, j.last_name, j.outlet, j.outlet_type, j.country, j.language, j.zone, j.beats,
    j.consent_basis, j.source, j.source_date, j.notes, j.phone,
    m.state AS member, m.import AS member_import
FROM import_people p
LEFT JOIN journalists j ON j.id = p.journalist
LEFT JOIN memberships m ON m.list = :list AND m.journalist = p.journalist
LEFT JOIN import_before b ON b.import = p.import AND b.journalist = p.journalist
WHERE p.import = :import ORDER BY p.journalist LIMIT :limit

-- name: others
-- Which other imports in force brought these people, the oldest first.
SELECT p.journalist, p.import, p.said, i.list, b.data AS before
FROM import_people p
JOIN imports i ON i.id = p.import AND i.state = 'done'
LEFT JOIN import_before b ON b.import = p.import AND b.journalist = p.journalist
WHERE p.import <> :import AND p.journalist IN (:values)
ORDER BY p.import

-- name: leave
DELETE FROM memberships WHERE list = :list AND journalist = :journalist AND import = :import

-- name: hand_on_membership
UPDATE memberships SET import = :to WHERE list = :list AND journalist = :journalist

-- name: says
UPDATE import_people SET said = :said WHERE import = :import AND journalist = :journalist

-- name: hand_on
UPDATE journalists SET import = :to WHERE id = :journalist

-- name: set_state
UPDATE journalists SET state = :state, hold_reason = :reason, hold_import = :import,
    updated_at = :now
WHERE id = :journalist AND state <> 'erased'

-- name: on_lists
SELECT DISTINCT journalist FROM memberships WHERE journalist IN (:values)

-- name: stays
-- With whom somebody was merged: his other address is known as this person's.
SELECT DISTINCT stays AS journalist FROM merged_journalists WHERE stays IN (:values)

-- name: active_on_lists
SELECT DISTINCT journalist FROM memberships WHERE state = 'active' AND journalist IN (:values)

-- name: stop
-- Whoever stands on no list any more gets nothing that is queued; a word about something that he
-- has already still reaches him.
UPDATE deliveries SET state = 8, reason = :reason
WHERE state IN (0, 2) AND kind NOT IN ('notice', 'test', 'service') AND journalist IN (:values)
RETURNING distribution, id

-- name: remove_facets
DELETE FROM facets WHERE journalist IN (:values)

-- name: remove_addresses
DELETE FROM addresses WHERE journalist IN (:values)

-- name: remove_journalists
DELETE FROM journalists WHERE id IN (:values)

-- name: forget_before
DELETE FROM import_before WHERE import = :import AND journalist <= :last

-- name: forget_people
DELETE FROM import_people WHERE import = :import AND journalist <= :last

-- name: list_is_used
SELECT 1 AS found WHERE
    EXISTS (SELECT 1 FROM memberships WHERE list = :list)
    OR EXISTS (SELECT 1 FROM imports WHERE list = :list AND id <> :import AND state = 'done')
    OR EXISTS (SELECT 1 FROM suppressions WHERE scope = 'list:' || :list)
    OR EXISTS (SELECT 1 FROM deliveries WHERE list = :list)

-- name: list_is_used@postgresql
SELECT 1 AS found WHERE
    EXISTS (SELECT 1 FROM memberships WHERE list = :list)
    OR EXISTS (SELECT 1 FROM imports WHERE list = :list AND id <> :import AND state = 'done')
    OR EXISTS (SELECT 1 FROM suppressions WHERE scope = 'list:' || (:list)::text)
    OR EXISTS (SELECT 1 FROM deliveries WHERE list = :list)

-- name: remove_list
DELETE FROM lists WHERE id = :list AND import = :import

-- name: hand_on_list
UPDATE lists SET import = (
    SELECT min(id) FROM imports WHERE list = :list AND id <> :import AND state = 'done')
WHERE id = :list AND import = :import

-- name: next_to_retire
SELECT id FROM imports WHERE undoable = 1 AND state IN ('done', 'undone') AND started_at <= :before
ORDER BY id LIMIT 1

-- name: count_to_retire
SELECT count(*) AS n FROM imports WHERE undoable = 1 AND result IS NOT NULL AND state = 'done'
    AND started_at <= :before

-- name: retire_before
DELETE FROM import_before WHERE import = :import AND journalist IN (
    SELECT journalist FROM import_before WHERE import = :import LIMIT :limit)

-- name: retired
UPDATE imports SET undoable = 0 WHERE id = :import
