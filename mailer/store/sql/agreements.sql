-- Agreeing to an embargo: terms, notes that ask, answers, standing agreements, who opened the text.
-- Delivery state numbers are those of store/states.py (3 accepted, 5 in doubt).

-- name: terms_of
SELECT id FROM embargo_terms WHERE sha256 = :sha256

-- name: add_terms
INSERT INTO embargo_terms (id, sha256, text, created_at) VALUES (:id, :sha256, :text, :now)
ON CONFLICT (sha256) DO NOTHING

-- name: known
-- Who needs no note or must not get one: asked already (also as somebody who was merged with him),
-- granted, or by his own wish. No rule is asked when a note leaves, so his wishes count here.
SELECT coalesce(g.stays, o.journalist) AS journalist,
    CASE WHEN o.answer = 'declined' THEN 'declined' ELSE 'asked' END AS why
FROM embargo_offers o LEFT JOIN merged_journalists g ON g.journalist = o.journalist
WHERE o.release = :release
UNION ALL SELECT journalist, 'granted' FROM embargo_grants WHERE release = :release
UNION ALL SELECT journalist, CASE WHEN no_embargoes = 1 THEN 'no_embargoes'
    WHEN paused = 1 THEN 'paused' ELSE 'away' END
FROM preferences WHERE no_embargoes = 1 OR paused = 1 OR away_until > :now

-- name: forget_broken_off
-- Notes that were planned by somebody who died in the middle of it.
DELETE FROM embargo_offers WHERE release = :release
    AND distribution NOT IN (SELECT id FROM distributions)

-- name: forget_plan
DELETE FROM embargo_offers WHERE distribution = :distribution

-- name: people
SELECT j.id, a.email, j.first_name, j.last_name, j.outlet, j.language, j.zone, j.source,
    j.source_date, l.name AS list_name, l.title AS list_title, l.kind AS list_kind
FROM journalists j JOIN addresses a ON a.journalist = j.id LEFT JOIN lists l ON l.id = :list
WHERE j.id = :journalist AND j.state = 'active'

-- name: offer
INSERT INTO embargo_offers (release, journalist, terms, distribution, delivery, actor, offered_at,
    answer) VALUES (:release, :journalist, :terms, :distribution, :delivery, :actor, :now, '')
ON CONFLICT (release, journalist) DO NOTHING

-- name: of_delivery
SELECT o.release, o.journalist, o.terms, t.text, o.answer, o.answered_at, o.offered_at, r.slug,
    j.language, j.outlet, j.zone, j.state, a.email,
    (SELECT g.how FROM embargo_grants g
     WHERE g.release = o.release AND g.journalist = o.journalist) AS granted
FROM embargo_offers o JOIN embargo_terms t ON t.id = o.terms JOIN releases r ON r.id = o.release
JOIN journalists j ON j.id = o.journalist LEFT JOIN addresses a ON a.journalist = o.journalist
WHERE o.distribution = :distribution AND o.delivery = :delivery AND o.journalist = :journalist

-- name: answer
UPDATE embargo_offers SET answer = :answer, answered_at = :now
WHERE release = :release AND journalist = :journalist AND answer <> :answer

-- name: agree
-- An agreement in place of none: one that stands keeps its date.
INSERT INTO embargo_grants (release, journalist, how, reason, list, actor, granted_at, terms,
    by_mail)
VALUES (:release, :journalist, :how, :reason, NULL, :actor, :now, :terms, :by_mail)
ON CONFLICT (release, journalist) DO NOTHING

-- name: opened
INSERT INTO embargo_openings (release, journalist, revision, first_at, last_at, times)
VALUES (:release, :journalist, :revision, :now, :now, 1)
ON CONFLICT (release, journalist, revision) DO UPDATE SET last_at = :now,
    times = embargo_openings.times + 1

-- name: had_by
-- The text that somebody has, or may have: by mail before the end or behind his link. text_of: the
-- revision of the message's text.
SELECT d.id AS delivery, d.state, d.last_attempt_at AS at, d.kind,
    coalesce(w.revision, t.revision, x.revision) AS revision
FROM deliveries d JOIN distributions x ON x.id = d.distribution
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN distribution_variants t ON t.distribution = d.distribution AND t.language = w.language
WHERE d.journalist = :journalist AND x.release = :release
    AND x.kind NOT IN ('test', 'notice') AND d.state IN (3, 5)
ORDER BY d.last_attempt_at

-- name: openings
SELECT revision, first_at, last_at, times FROM embargo_openings
WHERE release = :release AND journalist = :journalist ORDER BY revision

-- name: holders
-- Everybody who was asked, has agreed or was vouched for.
SELECT p.journalist, a.email, j.first_name, j.last_name, j.outlet, j.phone, g.how, g.reason,
    g.actor, g.granted_at, coalesce(g.terms, o.terms) AS terms, t.text, o.offered_at, o.answer,
    o.answered_at
FROM (SELECT journalist FROM embargo_grants WHERE release = :release
      UNION SELECT journalist FROM embargo_offers WHERE release = :release) p
JOIN journalists j ON j.id = p.journalist
LEFT JOIN addresses a ON a.journalist = p.journalist
LEFT JOIN embargo_grants g ON g.release = :release AND g.journalist = p.journalist
LEFT JOIN embargo_offers o ON o.release = :release AND o.journalist = p.journalist
LEFT JOIN embargo_terms t ON t.id = coalesce(g.terms, o.terms)
ORDER BY coalesce(g.granted_at, o.offered_at), p.journalist

-- name: stand
INSERT INTO embargo_standings (id, outlet, title, terms, how, reason, since_at, until_at, actor,
    created_at)
VALUES (:id, :outlet, :title, :terms, :how, :reason, :since, :until, :actor, :now)

-- name: end_standing
UPDATE embargo_standings SET until_at = :now
WHERE outlet = :outlet AND (until_at IS NULL OR until_at > :now)

-- name: standings
SELECT s.id, s.outlet, s.title, s.how, s.reason, s.since_at, s.until_at, s.actor, s.terms, t.text,
    (SELECT count(*) FROM journalists j JOIN facets f ON f.journalist = j.id
     JOIN facet_values v ON v.id = f.facet
     WHERE v.field = 'outlet' AND v.value = s.outlet AND j.state = 'active') AS people
FROM embargo_standings s JOIN embargo_terms t ON t.id = s.terms ORDER BY s.title, s.since_at

-- name: outlet_exists
SELECT count(*) AS n FROM facet_values v JOIN facets f ON f.facet = v.id
WHERE v.field = 'outlet' AND v.value = :outlet

-- name: pending_notes
-- Notes about a release that are still to be sent.
SELECT id FROM distributions WHERE release = :release AND kind = 'notice' AND notice IS NULL
    AND state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused') ORDER BY id

-- name: text_of_wave
UPDATE waves SET compiled = :digest WHERE distribution = :distribution AND id = :wave
