-- Embargoes: who may have a release before the end, the batches for them, and changed ends.

-- name: grant
-- The terms are those that he was shown, where he was.
INSERT INTO embargo_grants (release, journalist, how, reason, list, actor, granted_at, terms)
VALUES (:release, :journalist, :how, :reason, :list, :actor, :now, (SELECT o.terms
    FROM embargo_offers o WHERE o.release = :release AND o.journalist = :journalist))
ON CONFLICT (release, journalist) DO UPDATE SET how = excluded.how, reason = excluded.reason,
    list = excluded.list, actor = excluded.actor, granted_at = excluded.granted_at,
    terms = coalesce(excluded.terms, embargo_grants.terms), by_mail = 1

-- name: revoke
DELETE FROM embargo_grants WHERE release = :release AND journalist = :journalist

-- name: granted
-- By mail: who only reads it behind his link waits for the end with the others.
SELECT journalist FROM embargo_grants WHERE release = :release AND by_mail = 1

-- name: grants
-- With what became of the message to each: the last delivery that was not a test's.
SELECT g.journalist, a.email, g.how, g.reason, l.name AS list, g.actor, g.granted_at,
    (SELECT d.state FROM deliveries d JOIN distributions x ON x.id = d.distribution
     WHERE d.journalist = g.journalist AND x.release = g.release
       AND x.kind NOT IN ('test', 'notice', 'digest', 'internal') AND x.state <> 'planning' ORDER BY d.distribution DESC LIMIT 1) AS state
FROM embargo_grants g
LEFT JOIN addresses a ON a.journalist = g.journalist
LEFT JOIN lists l ON l.id = g.list
WHERE g.release = :release ORDER BY g.granted_at, a.email

-- name: have_it
-- Who was given the release before now, or may have been: the server's word, or none; or he opened
-- it behind his link.
SELECT q.journalist, a.email FROM (
    SELECT d.journalist FROM deliveries d JOIN distributions x ON x.id = d.distribution
    WHERE x.release = :release AND x.kind NOT IN ('test', 'notice', 'digest', 'internal')
        AND d.state IN (3, 5)
    UNION SELECT o.journalist FROM embargo_openings o WHERE o.release = :release) q
LEFT JOIN addresses a ON a.journalist = q.journalist ORDER BY a.email, q.journalist

-- name: members
SELECT m.journalist FROM memberships m JOIN journalists j ON j.id = m.journalist
LEFT JOIN imports i ON i.id = m.import
WHERE m.list = :list AND m.state = 'active' AND j.state = 'active'
  AND (i.state IS NULL OR i.state <> 'staging')
ORDER BY m.journalist

-- name: change
INSERT INTO embargo_changes (release, revision, until_at, zone, actor, changed_at)
VALUES (:release, (SELECT max(number) FROM revisions WHERE release = :release), :until, :zone,
    :actor, :now)
ON CONFLICT (release) DO UPDATE SET revision = excluded.revision, until_at = excluded.until_at,
    zone = excluded.zone, actor = excluded.actor, changed_at = excluded.changed_at

-- name: changed
SELECT until_at, zone FROM embargo_changes WHERE release = :release AND revision >= :revision

-- name: held
-- Distributions of a release that its embargo still binds; cancelled ones too, whose readers count.
SELECT id, revision, state, embargo_until, zone, kind FROM distributions
WHERE release = :release AND state <> 'planning' AND embargo_until > :now ORDER BY id

-- name: last_end
SELECT max(embargo_until) AS until_at FROM distributions
WHERE release = :release AND state NOT IN ('planning', 'cancelled')

-- name: move_waves
-- What was to leave at the old end or before the new one leaves at the new end.
UPDATE waves SET due_at = :until
WHERE distribution = :distribution AND state IN ('scheduled', 'waiting') AND early IS NULL
  AND (due_at <= :until OR due_at = :old)

-- name: move_distribution
UPDATE distributions SET embargo_until = :until, due_at = coalesce(
    (SELECT min(w.due_at) FROM waves w WHERE w.distribution = distributions.id), due_at)
WHERE id = :distribution

-- name: mark_early
UPDATE waves SET early = :digest WHERE distribution = :distribution AND id = :wave

-- name: last_wave
SELECT max(id) AS id FROM waves WHERE distribution = :distribution

-- name: lift_wave
-- Where they go who lose their grant, or whose early batch never left.
SELECT id FROM waves WHERE distribution = :distribution AND early IS NULL AND language = :language AND awaits = ''
  AND state IN ('scheduled', 'waiting', 'sending') ORDER BY due_at, id LIMIT 1

-- name: bring_forward
UPDATE deliveries SET wave = :wave, due_at = :now
WHERE distribution = :distribution AND state = 0
  AND journalist IN (SELECT g.journalist FROM embargo_grants g
                     JOIN journalists j ON j.id = g.journalist
                     WHERE g.release = :release AND g.by_mail = 1
                       AND j.zone IN {{these_zones}})
  AND wave IN (SELECT w.id FROM waves w WHERE w.distribution = :distribution
               AND w.state IN ('scheduled', 'sending', 'waiting')
               AND w.language = :language AND w.awaits = ''
               AND (w.early IS NULL OR w.early <> :digest))

-- name: these_zones
(SELECT value FROM json_each(:zones))

-- name: these_zones@postgresql
(SELECT json_array_elements_text(:zones ::json))

-- name: zones
SELECT DISTINCT j.zone FROM embargo_grants g
JOIN deliveries d ON d.journalist = g.journalist AND d.distribution = :distribution AND d.state = 0
JOIN journalists j ON j.id = g.journalist
WHERE g.release = :release AND g.by_mail = 1 ORDER BY j.zone

-- name: renew_early
-- What has not begun keeps its time and gets the message with the end that binds now.
UPDATE waves SET early = :digest
WHERE distribution = :distribution AND state = 'scheduled' AND early IS NOT NULL
  AND language = :language

-- name: put_back
-- Everybody whom no grant keeps in an early batch.
UPDATE deliveries SET wave = :wave, due_at = :due
WHERE distribution = :distribution AND state = 0
  AND journalist NOT IN (SELECT g.journalist FROM embargo_grants g
                         WHERE g.release = :release AND :keep = 1)
  AND wave IN (SELECT w.id FROM waves w WHERE w.distribution = :distribution
               AND w.early IS NOT NULL AND w.language = :language)

-- name: ungranted
SELECT DISTINCT w.language FROM waves w
JOIN deliveries d ON d.distribution = w.distribution AND d.wave = w.id AND d.state = 0
WHERE w.distribution = :distribution AND w.early IS NOT NULL
  AND d.journalist NOT IN (SELECT g.journalist FROM embargo_grants g
                           WHERE g.release = :release AND :keep = 1)
ORDER BY w.language

-- name: recount
UPDATE waves SET recipients = (SELECT count(*) FROM deliveries d
    WHERE d.distribution = waves.distribution AND d.wave = waves.id)
WHERE distribution = :distribution
