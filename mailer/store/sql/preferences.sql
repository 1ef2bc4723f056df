-- What a journalist chose himself. Nothing but his own act writes here.

-- name: get
SELECT weekly_cap, office_hours, away_until, paused, no_embargoes, language
FROM preferences WHERE journalist = :journalist

-- name: put
INSERT INTO preferences (journalist, weekly_cap, office_hours, away_until, paused, no_embargoes,
    language, updated_at)
VALUES (:journalist, :weekly_cap, :office_hours, :away_until, :paused, :no_embargoes, :language, :at)
ON CONFLICT (journalist) DO UPDATE SET weekly_cap = :weekly_cap, office_hours = :office_hours,
    away_until = :away_until, paused = :paused, no_embargoes = :no_embargoes, language = :language,
    updated_at = :at

-- name: choose_beat
INSERT INTO beat_choices (journalist, facet, wanted, created_at)
VALUES (:journalist, :facet, :wanted, :at)
ON CONFLICT (journalist, facet) DO UPDATE SET wanted = :wanted, created_at = :at
WHERE beat_choices.wanted <> :wanted

-- name: forget_beat
DELETE FROM beat_choices WHERE journalist = :journalist AND facet = :facet

-- name: beat
SELECT v.id, j.beats, c.wanted, (SELECT count(*) FROM (
    SELECT 1 FROM facets f WHERE f.facet = v.id LIMIT :few) AS bearers) AS n
FROM facet_values v
JOIN journalists j ON j.id = :journalist
LEFT JOIN beat_choices c ON c.facet = v.id AND c.journalist = :journalist
WHERE v.field = 'beat' AND v.value = :value

-- name: beats
-- Those that he is mailed for, and those he chose about.
SELECT v.value, NULL AS wanted FROM facets f JOIN facet_values v ON v.id = f.facet
WHERE f.journalist = :journalist AND v.field = 'beat'
UNION ALL
SELECT v.value, c.wanted FROM beat_choices c JOIN facet_values v ON v.id = c.facet
WHERE c.journalist = :journalist AND v.field = 'beat'

-- name: record
SELECT country, language, outlet, outlet_type, zone, beats FROM journalists WHERE id = :journalist

-- name: person
-- What the page needs of him and nothing that it would show.
SELECT j.state, j.language, j.zone, a.hash FROM journalists j
LEFT JOIN addresses a ON a.journalist = j.id WHERE j.id = :journalist

-- name: about
-- The message that a link came with.
SELECT x.audience, x.release, x.kind, x.notice, x.due_at, r.headline, r.language
FROM deliveries d JOIN distributions x ON x.id = d.distribution
JOIN revisions r ON r.release = x.release AND r.number = x.revision
WHERE d.distribution = :distribution AND d.id = :delivery AND d.journalist = :journalist

-- name: common_beats
-- The beats that many have, most of all first. Small numbers are left out: a label that the office
-- put on a few people is nobody else's business.
SELECT v.id, v.value, count(*) AS n FROM facet_values v JOIN facets f ON f.facet = v.id
WHERE v.field = 'beat' GROUP BY v.id, v.value HAVING count(*) >= :least
ORDER BY n DESC, v.value LIMIT :most

-- name: as_written
-- How a list wrote a beat: the beats of one who has it.
SELECT j.beats FROM facets f JOIN journalists j ON j.id = f.journalist
WHERE f.facet = :facet LIMIT 1

-- name: languages
-- In which the newsroom writes.
SELECT DISTINCT language FROM revisions ORDER BY language
