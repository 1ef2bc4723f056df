-- What the rules of advertising ask of people.

-- name: facts
SELECT j.id, j.country, j.consent_basis, j.outlet, j.outlet_type, a.email
FROM journalists j JOIN addresses a ON a.journalist = j.id WHERE j.id IN (:values)

-- name: consents
-- What these people, or who was merged with them, agreed to on the sign-up page, and confirmed.
SELECT e.journalist, e.data FROM events e WHERE e.kind = 'consent' AND e.journalist IN (:values)
UNION ALL
SELECT g.stays AS journalist, e.data FROM merged_journalists g
JOIN events e ON e.journalist = g.journalist
WHERE e.kind = 'consent' AND g.stays IN (:values)

-- name: topics
-- The topic lists that people are on now.
SELECT m.journalist, m.list FROM memberships m JOIN lists l ON l.id = m.list AND l.kind = 'topic'
WHERE m.state = 'active' AND m.journalist IN (:values)
