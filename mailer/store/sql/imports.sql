-- Lists coming in: staged in short steps, in force by one row, then carried out.

-- name: begin
INSERT INTO imports (id, list, file, state, actor, first_journalist, started_at, undoable)
VALUES (:id, :list, :file, 'staging', :actor, :first_journalist, :now, 1)

-- name: get
SELECT id, list, file, state, actor, first_journalist, started_at, finished_at, result, undoable,
    undone
FROM imports WHERE id = :id

-- name: last_journalist
SELECT coalesce(max(id), 0) AS id FROM journalists

-- name: last_list
SELECT max(id) AS id FROM lists

-- name: add_list
INSERT INTO lists (id, name, title, kind, import, created_at)
VALUES (:id, :name, :name, :kind, :import, :now)

-- name: forget_list
DELETE FROM lists WHERE import = :import

-- name: flip
UPDATE imports SET state = 'applying', result = :result WHERE id = :id AND state = 'staging'

-- name: hold_row
-- Changes nothing; on PostgreSQL it keeps others out of this import until the step is committed.
UPDATE imports SET state = state WHERE id = :id AND state = :state

-- name: close
UPDATE imports SET state = :state, finished_at = :now WHERE id = :id

-- name: known
SELECT a.hash, j.id, j.state, j.import, j.hold_import, j.first_name, j.last_name, j.outlet,
    j.outlet_type, j.country, j.language, j.zone, j.beats, j.consent_basis, j.source,
    j.source_date, j.notes, j.phone, m.state AS member, m.import AS member_import, c.data AS staged,
    p.said, j.cleared
FROM addresses a
LEFT JOIN merged_journalists g ON g.journalist = a.journalist
JOIN journalists j ON j.id = coalesce(g.stays, a.journalist)
LEFT JOIN memberships m ON m.list = :list AND m.journalist = j.id
LEFT JOIN import_changes c ON c.import = :import AND c.journalist = j.id
LEFT JOIN import_people p ON p.import = :import AND p.journalist = j.id
WHERE a.hash IN (:hashes)

-- name: shut_out
SELECT hash FROM suppressions
WHERE scope IN ('all', :scope, {{core.by_kind_of}} :list)) AND hash IN (:hashes)
UNION ALL
SELECT hash FROM import_objections WHERE import = :import AND hash IN (:hashes)

-- name: facet_id
SELECT id FROM facet_values WHERE field = :field AND value = :value

-- name: add_facet
INSERT INTO facet_values (id, field, value) VALUES (:id, :field, :value)

-- name: stage
INSERT INTO import_changes (import, journalist, data) VALUES (:import, :journalist, :data)
ON CONFLICT (import, journalist) DO UPDATE SET data = :data

-- name: unstage
DELETE FROM import_changes WHERE import = :import AND journalist = :journalist

-- name: staged_people
SELECT j.id, a.email, j.first_name, j.last_name, j.outlet, j.state, j.hold_reason, j.import,
    m.import AS member_import, c.data AS staged
FROM import_people p
JOIN imports i ON i.id = p.import
JOIN journalists j ON j.id = p.journalist
JOIN addresses a ON a.journalist = j.id
LEFT JOIN memberships m ON m.list = i.list AND m.journalist = j.id
LEFT JOIN import_changes c ON c.import = p.import AND c.journalist = j.id
WHERE p.import = :import ORDER BY p.journalist

-- name: bring_again
UPDATE import_people SET said = :said, provenance = :provenance
WHERE import = :import AND journalist = :journalist

-- name: object
INSERT INTO import_objections (import, hash, evidence) VALUES (:import, :hash, :evidence)
ON CONFLICT (import, hash) DO NOTHING

-- name: changes
SELECT c.journalist, c.data, j.state, j.hold_reason, j.hold_import, j.first_name, j.last_name, j.outlet,
    j.outlet_type, j.country, j.language, j.zone, j.beats, j.consent_basis, j.source,
    j.source_date, j.notes, j.phone
FROM import_changes c LEFT JOIN journalists j ON j.id = c.journalist
WHERE c.import = :import ORDER BY c.journalist LIMIT :limit

-- name: objections
SELECT hash, evidence FROM import_objections WHERE import = :import ORDER BY hash LIMIT :limit

-- name: objected
DELETE FROM import_objections WHERE import = :import AND hash = :hash

-- name: write
UPDATE journalists SET first_name = :first_name, last_name = :last_name, outlet = :outlet,
    outlet_type = :outlet_type, country = :country, language = :language, zone = :zone,
    beats = :beats, consent_basis = :consent_basis, source = :source,
    source_date = :source_date, notes = :notes, phone = :phone,
    updated_at = :now
WHERE id = :id AND state <> 'erased'

-- name: lift
-- An officer's hold, or one that another import made since, stays. Who only got test sends
-- becomes a journalist by standing on a list.
UPDATE journalists SET state = 'active', hold_reason = NULL, hold_import = NULL, updated_at = :now
WHERE id = :id AND (state = 'test' OR (state = 'on_hold' AND hold_import IS NOT NULL))

-- name: hold
UPDATE journalists SET state = 'on_hold', hold_reason = :reason, hold_import = :import,
    updated_at = :now
WHERE id = :id AND (state IN ('active', 'test') OR (state = 'on_hold' AND hold_import IS NOT NULL))

-- name: chosen_beats
SELECT journalist, facet, wanted FROM beat_choices WHERE journalist BETWEEN :first AND :last

-- name: chosen_languages
SELECT journalist, language FROM preferences
WHERE journalist BETWEEN :first AND :last AND language <> ''

-- name: drop_facets
DELETE FROM facets WHERE journalist = :journalist

-- name: made
SELECT id FROM journalists WHERE id >= :first AND import = :import ORDER BY id LIMIT :limit

-- name: forget_people_made
DELETE FROM import_people WHERE import = :import AND journalist BETWEEN :first AND :last

-- name: forget_people
DELETE FROM import_people WHERE import = :import AND journalist IN (
    SELECT journalist FROM import_people WHERE import = :import LIMIT :limit)

-- name: forget_facets
DELETE FROM facets WHERE journalist BETWEEN :first AND :last
    AND journalist IN (
        SELECT id FROM journalists WHERE id BETWEEN :first AND :last AND import = :import)

-- name: forget_addresses
DELETE FROM addresses WHERE journalist BETWEEN :first AND :last
    AND journalist IN (
        SELECT id FROM journalists WHERE id BETWEEN :first AND :last AND import = :import)

-- name: forget_journalists
DELETE FROM journalists WHERE id BETWEEN :first AND :last AND import = :import

-- name: forget_memberships
DELETE FROM memberships WHERE list = :list AND journalist BETWEEN :first AND :last
    AND import = :import

-- name: next_members
SELECT max(journalist) AS last FROM (
    SELECT journalist FROM memberships WHERE list = :list AND journalist >= :first
    ORDER BY journalist LIMIT :limit) x

-- name: forget_changes
DELETE FROM import_changes WHERE import = :import AND journalist IN (
    SELECT journalist FROM import_changes WHERE import = :import LIMIT :limit)

-- name: forget_provenances
DELETE FROM import_provenances WHERE import = :import AND id IN (
    SELECT id FROM import_provenances WHERE import = :import LIMIT :limit)

-- name: forget_objections
DELETE FROM import_objections WHERE import = :import AND hash IN (
    SELECT hash FROM import_objections WHERE import = :import LIMIT :limit)
