-- The weekly mail of headlines: what a cap left out, by person, and which mail named it. State
-- numbers are those of store/states.py: 7 skipped, 8 cancelled.

-- name: capped
d.state = 7 AND d.reason = 'cap' AND d.digest IS NULL

-- name: wanted
-- Was anything left out and not named, or is there a mail that may have to be stopped?
SELECT EXISTS (SELECT 1 FROM deliveries d WHERE {{capped}})
    OR EXISTS (SELECT 1 FROM digest_releases) AS wanted

-- name: zones
SELECT DISTINCT j.zone FROM deliveries d JOIN journalists j ON j.id = d.journalist
WHERE {{capped}} ORDER BY j.zone

-- name: people
-- The next of those in a zone of whom something was left out.
SELECT DISTINCT d.journalist FROM deliveries d JOIN journalists j ON j.id = d.journalist
WHERE {{capped}} AND j.zone = :zone AND d.journalist > :after
ORDER BY d.journalist LIMIT :limit

-- name: untold
-- What was left out between two instants (due_at of a skipped one says when), newest first; not what
-- he got or gets after all, nothing for who may not be mailed, is away, or had the mail of that day.
SELECT d.journalist, d.distribution, d.list, x.release, r.slug, j.zone,
    coalesce(nullif(p.language, ''), j.language) AS language
FROM deliveries d
JOIN journalists j ON j.id = d.journalist AND j.state = 'active'
JOIN distributions x ON x.id = d.distribution
JOIN releases r ON r.id = x.release
LEFT JOIN preferences p ON p.journalist = d.journalist
WHERE {{capped}} AND d.journalist {{rules.is_one_of}} AND d.due_at >= :since AND d.due_at < :until
  AND coalesce(p.paused, 0) = 0 AND coalesce(p.away_until, 0) <= :now
  AND NOT EXISTS (SELECT 1 FROM digests g WHERE g.journalist = d.journalist AND g.day = :day)
  AND NOT EXISTS (SELECT 1 FROM addresses a JOIN suppressions s ON s.hash = a.hash
                  WHERE a.journalist = d.journalist AND s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list)))
  AND NOT EXISTS (SELECT 1 FROM deliveries h JOIN distributions y ON y.id = h.distribution
                  WHERE h.journalist = d.journalist AND y.release = x.release
                    AND h.state IN (0, 1, 2, 3, 5) AND y.kind NOT IN ('test', 'notice', 'digest', 'internal'))
ORDER BY d.journalist, d.due_at DESC, d.distribution DESC

-- name: take
-- Of some people those who have no mail of that day yet: the first to ask gets them.
INSERT INTO digests (journalist, day, distribution)
SELECT journalist, day, distribution FROM (
    WITH r (journalist, day, distribution) AS (VALUES (:journalist, :day, :distribution))
    SELECT * FROM r) AS r
WHERE 1 = 1
ON CONFLICT (journalist, day) DO NOTHING RETURNING journalist

-- name: take@postgresql
INSERT INTO digests (journalist, day, distribution)
SELECT journalist, day, distribution
FROM json_to_recordset(:rows ::json) AS r (journalist integer, day text, distribution integer)
ORDER BY journalist
ON CONFLICT (journalist, day) DO NOTHING RETURNING journalist

-- name: name
-- It was named in a mail.
UPDATE deliveries AS d {{by_capped}} SET digest = :digest
WHERE {{capped}} AND d.journalist {{rules.is_one_of}} AND d.due_at < :until
  AND d.distribution IN (SELECT x.id FROM distributions x WHERE x.release {{these_releases}})

-- name: by_capped
INDEXED BY deliveries_capped

-- name: by_capped@postgresql

-- name: these_releases
IN (SELECT value FROM json_each(:releases))

-- name: these_releases@postgresql
= ANY (ARRAY(SELECT value::integer FROM json_array_elements_text(:releases ::json)))

-- name: names_release
INSERT INTO digest_releases (release, distribution) VALUES (:release, :distribution)

-- name: naming
-- Mails that name a release and of which something is still to be sent.
SELECT x.id FROM digest_releases n JOIN distributions x ON x.id = n.distribution
WHERE n.release = :release AND x.state IN ('scheduled', 'sending', 'waiting', 'paused')
ORDER BY x.id

-- name: stopped
-- Mails that were stopped so, and whose people are still to be written to anew.
SELECT DISTINCT x.id FROM digest_releases n JOIN distributions x ON x.id = n.distribution
WHERE x.state = 'cancelled' AND x.reason = :reason ORDER BY x.id

-- name: still_claimed
SELECT 1 AS found FROM deliveries WHERE distribution = :digest AND state IN (0, 1, 2) LIMIT 1

-- name: unname
UPDATE deliveries SET digest = NULL
WHERE digest = :digest AND journalist IN
    (SELECT c.journalist FROM deliveries c WHERE c.distribution = :digest AND c.state = 8)

-- name: untake
DELETE FROM digests WHERE distribution = :digest AND journalist IN
    (SELECT c.journalist FROM deliveries c WHERE c.distribution = :digest AND c.state = 8)

-- name: forget_releases
DELETE FROM digest_releases WHERE distribution = :digest

-- name: waiting
SELECT count(DISTINCT d.journalist) AS people FROM deliveries d WHERE {{capped}}
    AND d.due_at >= :since

-- name: revision_of
SELECT x.revision FROM distributions x
WHERE x.release = :release AND x.kind = 'release' ORDER BY x.id DESC LIMIT 1
