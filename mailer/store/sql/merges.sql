-- People who are the same: found, shown, merged into the one who stays.

-- name: people
-- Everybody on a list, each once, in the order of their ids.
SELECT j.id, a.email, j.first_name, j.last_name, j.outlet, j.phone
FROM journalists j JOIN addresses a ON a.journalist = j.id
WHERE j.state NOT IN ('erased', 'test', 'merged') AND EXISTS (
    SELECT 1 FROM memberships m WHERE m.journalist = j.id AND {active})
ORDER BY j.id

-- name: members
SELECT m.journalist FROM memberships m WHERE m.list = :list AND {active} ORDER BY m.journalist

-- name: staged
-- Whom an open import made, for its dry run.
SELECT j.id, a.email, j.first_name, j.last_name, j.outlet, j.phone
FROM journalists j JOIN addresses a ON a.journalist = j.id
WHERE j.id >= :first AND j.import = :import ORDER BY j.id

-- name: shown
SELECT j.id, a.email, j.state, j.first_name, j.last_name, j.outlet, j.phone
FROM journalists j JOIN addresses a ON a.journalist = j.id WHERE j.id IN (:values)

-- name: stays_of
SELECT stays FROM merged_journalists WHERE journalist = :journalist

-- name: merged_into
SELECT g.journalist, a.email, g.merged_at, g.actor FROM merged_journalists g
LEFT JOIN addresses a ON a.journalist = g.journalist
WHERE g.stays = :journalist ORDER BY g.merged_at, g.journalist

-- name: kin
-- The hashes of everybody who is the same person as whoever has this one, himself left out.
SELECT b.hash FROM addresses b WHERE b.hash <> :hash AND b.journalist IN (
    SELECT f.journalist FROM addresses a
    LEFT JOIN merged_journalists g ON g.journalist = a.journalist
    JOIN merged_journalists f ON f.stays = coalesce(g.stays, a.journalist)
    WHERE a.hash = :hash
    UNION
    SELECT g.stays FROM addresses a JOIN merged_journalists g ON g.journalist = a.journalist
    WHERE a.hash = :hash)

-- name: record
SELECT id, state, hold_reason, first_name, last_name, outlet, outlet_type, country, language, zone,
    beats, consent_basis, source, source_date, notes, phone, import, created_at, updated_at
FROM journalists WHERE id = :journalist

-- name: merge
INSERT INTO merged_journalists (journalist, stays, merged_at, actor)
VALUES (:journalist, :stays, :now, :actor)

-- name: move_merged
-- Who was merged with the one that goes now is merged with the one that stays.
UPDATE merged_journalists SET stays = :stays WHERE stays = :journalist

-- name: gone
UPDATE journalists SET state = 'merged', hold_reason = NULL, hold_import = NULL, updated_at = :now
WHERE id = :journalist

-- name: join_hold
-- A doubt about either holds both, until it is cleared or a list settles it.
UPDATE journalists SET state = 'on_hold',
    hold_reason = (SELECT o.hold_reason FROM journalists o WHERE o.id = :journalist),
    hold_import = (SELECT o.hold_import FROM journalists o WHERE o.id = :journalist)
WHERE id = :stays AND state IN ('active', 'test') AND EXISTS (
    SELECT 1 FROM journalists o WHERE o.id = :journalist AND o.state = 'on_hold')

-- name: join_lists
-- A list that either has left is left.
INSERT INTO memberships (list, journalist, state, joined_at, left_at, import)
SELECT list, :stays, state, joined_at, left_at, import FROM memberships
WHERE journalist = :journalist
ON CONFLICT (list, journalist) DO UPDATE SET state = excluded.state, left_at = excluded.left_at
WHERE memberships.state = 'active' AND excluded.state = 'left'

-- name: leave_lists
DELETE FROM memberships WHERE journalist = :journalist

-- name: drop_facets
DELETE FROM facets WHERE journalist = :journalist

-- name: move_brought
UPDATE import_people SET journalist = :stays WHERE journalist = :journalist AND NOT EXISTS (
    SELECT 1 FROM import_people o WHERE o.import = import_people.import AND o.journalist = :stays)

-- name: drop_brought
DELETE FROM import_people WHERE journalist = :journalist

-- name: drop_before
DELETE FROM import_before WHERE journalist = :journalist

-- name: join_preferences
-- The stricter wish of either.
INSERT INTO preferences (journalist, weekly_cap, office_hours, away_until, paused, no_embargoes,
    language, updated_at)
SELECT :stays, weekly_cap, office_hours, away_until, paused, no_embargoes, language, updated_at
FROM preferences WHERE journalist = :journalist
ON CONFLICT (journalist) DO UPDATE SET
    weekly_cap = CASE
        WHEN preferences.weekly_cap IS NULL THEN excluded.weekly_cap
        WHEN excluded.weekly_cap < preferences.weekly_cap THEN excluded.weekly_cap
        ELSE preferences.weekly_cap END,
    away_until = CASE
        WHEN preferences.away_until IS NULL THEN excluded.away_until
        WHEN excluded.away_until > preferences.away_until THEN excluded.away_until
        ELSE preferences.away_until END,
    office_hours = CASE WHEN excluded.office_hours > preferences.office_hours
        THEN excluded.office_hours ELSE preferences.office_hours END,
    paused = CASE WHEN excluded.paused > preferences.paused
        THEN excluded.paused ELSE preferences.paused END,
    no_embargoes = CASE WHEN excluded.no_embargoes > preferences.no_embargoes
        THEN excluded.no_embargoes ELSE preferences.no_embargoes END,
    language = CASE WHEN preferences.language = '' THEN excluded.language
        ELSE preferences.language END

-- name: drop_preferences
DELETE FROM preferences WHERE journalist = :journalist

-- name: join_beats
-- A beat that either wants no more is wanted no more.
INSERT INTO beat_choices (journalist, facet, wanted, created_at)
SELECT :stays, facet, wanted, created_at FROM beat_choices WHERE journalist = :journalist
ON CONFLICT (journalist, facet) DO UPDATE SET wanted = excluded.wanted
WHERE excluded.wanted < beat_choices.wanted

-- name: drop_beats
DELETE FROM beat_choices WHERE journalist = :journalist

-- name: join_informed
INSERT INTO informed_journalists (journalist, delivery)
SELECT :stays, delivery FROM informed_journalists WHERE journalist = :journalist
ON CONFLICT (journalist, delivery) DO NOTHING

-- name: join_grants
INSERT INTO embargo_grants (release, journalist, how, reason, list, actor, granted_at, terms,
    by_mail)
SELECT release, :stays, how, reason, list, actor, granted_at, terms, by_mail FROM embargo_grants
WHERE journalist = :journalist
ON CONFLICT (release, journalist) DO NOTHING

-- name: move_queued
-- What is queued for the one that goes leaves for the one that stays, unless he gets it anyway, or
-- a message was written already.
UPDATE deliveries SET journalist = :stays
WHERE journalist = :journalist AND state = 0
    AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.distribution = deliveries.distribution
        AND o.journalist = :stays)
    AND NOT EXISTS (SELECT 1 FROM slot_values v WHERE v.distribution = deliveries.distribution
        AND v.delivery = deliveries.id)
RETURNING distribution, id

-- name: stop_queued
UPDATE deliveries SET state = 8, reason = :reason
WHERE journalist = :journalist AND state IN (0, 2) AND kind NOT IN ('test', 'service')
RETURNING distribution, id

-- name: clear
UPDATE journalists SET state = 'active', hold_reason = NULL, hold_import = NULL, updated_at = :now,
    cleared = CASE WHEN cleared = '' THEN '' ELSE cleared || '; ' END || coalesce(hold_reason, '')
WHERE id = :journalist AND state = 'on_hold'
