-- One person: everything that is held, and its removal. {table} and the like are filled in from the
-- schema's own names (store/subjects.py). Delivery state numbers are those of store/states.py.

-- name: by_hash
SELECT a.journalist, a.email, a.hash, j.state, j.first_name, j.last_name, j.phone
FROM addresses a JOIN journalists j ON j.id = a.journalist WHERE a.hash = :hash

-- name: by_journalist
SELECT a.journalist, a.email, a.hash, j.state, j.first_name, j.last_name, j.phone
FROM addresses a JOIN journalists j ON j.id = a.journalist WHERE a.journalist = :journalist

-- name: same_person
-- Everybody who was found to be the same as this one, himself included.
SELECT x.journalist FROM (
    SELECT :journalist AS journalist
    UNION SELECT stays FROM merged_journalists WHERE journalist = :journalist
    UNION SELECT journalist FROM merged_journalists WHERE stays = :journalist
    UNION SELECT o.journalist FROM merged_journalists m JOIN merged_journalists o ON o.stays = m.stays
    WHERE m.journalist = :journalist) x ORDER BY x.journalist

-- name: of_journalist
SELECT * FROM {table} WHERE journalist = :journalist ORDER BY {order}

-- name: of_hash
SELECT * FROM {table} WHERE hash = :hash ORDER BY {order}

-- name: of_delivery
SELECT * FROM {table} WHERE distribution = :distribution AND delivery = :delivery

-- name: profile
SELECT j.*, a.email FROM journalists j JOIN addresses a ON a.journalist = j.id
WHERE j.id = :journalist

-- name: lists
SELECT l.name, l.title, l.kind, m.state, m.joined_at, m.left_at, i.file AS import_file,
    i.started_at AS imported_at, i.actor AS imported_by
FROM memberships m JOIN lists l ON l.id = m.list LEFT JOIN imports i ON i.id = m.import
WHERE m.journalist = :journalist ORDER BY m.joined_at, l.id

-- name: beat_choices
SELECT f.value AS beat, c.wanted, c.created_at FROM beat_choices c
JOIN facet_values f ON f.id = c.facet WHERE c.journalist = :journalist ORDER BY f.value

-- name: facets
SELECT f.field, f.value FROM facets x JOIN facet_values f ON f.id = x.facet
WHERE x.journalist = :journalist ORDER BY f.field, f.value

-- name: grants
SELECT r.slug AS release, g.how, g.reason, l.name AS list, t.text AS terms, g.actor, g.granted_at
FROM embargo_grants g JOIN releases r ON r.id = g.release
LEFT JOIN lists l ON l.id = g.list LEFT JOIN embargo_terms t ON t.id = g.terms
WHERE g.journalist = :journalist ORDER BY g.granted_at

-- name: deliveries
SELECT d.id, d.distribution, r.slug AS release, v.headline, x.kind, l.name AS list, d.state,
    d.feedback, d.due_at, d.queued_at, d.attempts, d.first_attempt_at, d.last_attempt_at, d.code,
    d.enhanced, d.reply, d.route, d.reason
FROM deliveries d JOIN distributions x ON x.id = d.distribution
JOIN releases r ON r.id = x.release
JOIN revisions v ON v.release = x.release AND v.number = x.revision
LEFT JOIN lists l ON l.id = d.list
WHERE d.journalist = :journalist ORDER BY d.id

-- name: attempts
SELECT number, at, route, phase, code, enhanced, reply, verdict, sha256 FROM attempts
WHERE distribution = :distribution AND delivery = :delivery ORDER BY number

-- name: slot_values
SELECT data FROM slot_values WHERE distribution = :distribution AND delivery = :delivery

-- name: search
-- Rows of a table in which any text holds what is looked for. The texts are read as one, which is
-- made once a row: without a limit both databases would put it into each comparison.
SELECT {columns} FROM (SELECT {columns}, lower({whole}) AS whole FROM {table}
    LIMIT 9223372036854775807) q
WHERE {condition}

-- name: replace
UPDATE {table} SET {column} = :new WHERE {key} AND {column} = :old

-- name: forget
DELETE FROM {table} WHERE journalist = :journalist

-- name: begin
INSERT INTO erasures (id, hash, journalist, actor, begun_at)
VALUES (:id, :hash, :journalist, :actor, :now)

-- name: open_ones
SELECT id, hash, journalist, actor, begun_at FROM erasures WHERE finished_at IS NULL ORDER BY id

-- name: open_of
SELECT id FROM erasures WHERE hash = :hash AND finished_at IS NULL

-- name: last_of
SELECT max(finished_at) AS at FROM erasures WHERE finished_at IS NOT NULL

-- name: finish
UPDATE erasures SET finished_at = :now, hash = NULL, result = :result WHERE id = :id

-- name: hide
UPDATE journalists SET state = 'erased', updated_at = :now WHERE id = :journalist

-- name: blank
UPDATE journalists SET state = 'erased', hold_reason = NULL, import = NULL, hold_import = NULL,
    updated_at = :now, {blanks} WHERE id = :journalist

-- name: drop_address
DELETE FROM addresses WHERE journalist = :journalist

-- name: claimed
SELECT count(*) AS n FROM deliveries WHERE journalist = :journalist AND state = 1

-- name: own_deliveries
SELECT distribution, id FROM deliveries WHERE journalist = :journalist AND id > :after
ORDER BY id LIMIT :limit

-- name: blank_delivery
UPDATE deliveries SET reply = NULL
WHERE distribution = :distribution AND id = :delivery AND reply IS NOT NULL

-- name: blank_attempts
UPDATE attempts SET reply = '', signature = NULL, signer = NULL
WHERE distribution = :distribution AND delivery = :delivery

-- name: forget_fields
DELETE FROM slot_values WHERE distribution = :distribution AND delivery = :delivery

-- name: own_events
SELECT id, data FROM events WHERE journalist = :journalist AND id > :after ORDER BY id LIMIT :limit

-- name: blank_event
UPDATE events SET data = :data WHERE id = :id

-- name: forget_hash
DELETE FROM {table} WHERE hash = :hash

-- name: suppress
INSERT INTO suppressions (id, hash, hash_version, scope, reason, evidence, actor, created_at)
VALUES (:id, :hash, :hash_version, 'all', 'erased', '{}', :actor, :now)

-- name: handed_over
-- Imports and exports that were handed over, with their bytes.
SELECT DISTINCT e.id, e.state FROM errands e JOIN errand_parts p ON p.errand = e.id ORDER BY e.id

-- name: forget_parts
DELETE FROM errand_parts WHERE errand = :errand

-- name: parts
SELECT name, number, data FROM errand_parts WHERE errand = :errand ORDER BY name, number

-- name: since
-- Whoever's data a person or a program could have read at once since an instant.
SELECT id, at, kind, actor, data FROM events WHERE at >= :since AND kind IN ('exported',
    'subject_exported', 'backed_up', 'moved_away', 'erased', 'copied') ORDER BY id
