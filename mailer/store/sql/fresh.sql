-- Links that were mailed to prove an address, and the lists that anybody may join.

-- name: add
INSERT INTO fresh_links (id, purpose, journalist, hash, email, language, data, state, due_at,
    attempts, expires_at, created_at)
VALUES (:id, :purpose, :journalist, :hash, :email, :language, :data, 'waiting', :now, 0,
    :expires_at, :now)

-- name: recent
SELECT count(*) AS n FROM fresh_links WHERE hash = :hash AND created_at > :since

-- name: open
SELECT id, purpose, journalist, hash, email, language, data, expires_at, created_at FROM fresh_links
WHERE id = :id AND purpose = :purpose AND state IN ('waiting', 'sent') AND expires_at > :now

-- name: use
UPDATE fresh_links SET state = 'used', email = '' WHERE id = :id AND state IN ('waiting', 'sent')

-- name: drop_of
DELETE FROM fresh_links WHERE journalist = :journalist

-- name: forget
-- Not before they have counted for `recent`.
DELETE FROM fresh_links WHERE expires_at <= :now AND created_at <= :counted

-- name: any_due
-- Or something has expired, which whoever sends then removes.
SELECT count(*) AS n FROM fresh_links
WHERE (state = 'waiting' AND due_at <= :now AND expires_at > :now)
   OR (expires_at <= :now AND created_at <= :counted)

-- name: take
UPDATE fresh_links SET due_at = :until, attempts = attempts + 1 WHERE id IN (
    SELECT id FROM fresh_links WHERE state = 'waiting' AND due_at <= :now AND expires_at > :now
    ORDER BY due_at, id LIMIT :most)
  AND state = 'waiting' AND due_at <= :now
RETURNING id, purpose, journalist, email, language, data, attempts, expires_at

-- name: take@postgresql
UPDATE fresh_links SET due_at = :until, attempts = attempts + 1 WHERE id IN (
    SELECT id FROM fresh_links WHERE state = 'waiting' AND due_at <= :now AND expires_at > :now
    ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id, purpose, journalist, email, language, data, attempts, expires_at

-- name: ended
UPDATE fresh_links SET state = :state, reply = :reply WHERE id = :id AND state = 'waiting'

-- name: again
UPDATE fresh_links SET due_at = :due_at, reply = :reply WHERE id = :id AND state = 'waiting'

-- name: address
SELECT email, hash FROM addresses WHERE journalist = :journalist

-- name: held
SELECT j.state, j.first_name, j.last_name, j.outlet, j.consent_basis, j.source, j.source_date,
    j.created_at, j.language, j.zone, a.email
FROM journalists j JOIN addresses a ON a.journalist = j.id WHERE j.id = :journalist

-- name: topics_of
SELECT l.id, l.title, m.joined_at FROM memberships m JOIN lists l ON l.id = m.list
WHERE m.journalist = :journalist AND m.state = 'active' AND l.kind = 'topic' ORDER BY l.title, l.id

-- name: set_address
UPDATE addresses SET email = :email, hash = :hash WHERE journalist = :journalist

-- name: drop_address
DELETE FROM addresses WHERE journalist = :journalist

-- name: set_aside
UPDATE journalists SET state = 'on_hold', hold_reason = :reason, hold_import = NULL,
    updated_at = :now WHERE id = :journalist AND state <> 'erased'

-- name: copy_topics
INSERT INTO memberships (list, journalist, state, joined_at)
SELECT m.list, :target, 'active', m.joined_at FROM memberships m JOIN lists l ON l.id = m.list
WHERE m.journalist = :journalist AND m.state = 'active' AND l.kind = 'topic'
ON CONFLICT (list, journalist) DO NOTHING

-- name: copy_preferences
INSERT INTO preferences (journalist, weekly_cap, office_hours, away_until, paused, no_embargoes,
    language, updated_at)
SELECT :target, weekly_cap, office_hours, away_until, paused, no_embargoes, language, updated_at
FROM preferences WHERE journalist = :journalist
ON CONFLICT (journalist) DO NOTHING

-- name: copy_beats
INSERT INTO beat_choices (journalist, facet, wanted, created_at)
SELECT :target, facet, wanted, created_at FROM beat_choices WHERE journalist = :journalist
ON CONFLICT (journalist, facet) DO NOTHING

-- name: open_topics
SELECT id, name, title FROM lists WHERE kind = 'topic' AND open = 1
  AND (import IS NULL OR import NOT IN (SELECT id FROM imports WHERE state = 'staging'))
ORDER BY title, id

-- name: set_open
UPDATE lists SET open = :open WHERE id = :list AND open <> :open

-- name: add_person
INSERT INTO journalists (id, state, first_name, last_name, outlet, outlet_type, country, language,
    zone, beats, consent_basis, source, source_date, notes, created_at, updated_at)
VALUES (:id, 'active', '', '', '', '', '', :language, :zone, '', 'opt_in', :source, :source_date,
    '', :now, :now)

-- name: join
INSERT INTO memberships (list, journalist, state, joined_at)
VALUES (:list, :journalist, 'active', :now)
ON CONFLICT (list, journalist) DO UPDATE SET state = 'active', joined_at = :now, left_at = NULL,
    import = NULL
