-- What the rules of advertising ask of people.

-- name: facts
SELECT j.id, j.country, j.consent_basis, j.outlet, j.outlet_type, a.email,
    CASE WHEN EXISTS (SELECT 1 FROM memberships m JOIN lists l ON l.id = m.list
        WHERE m.journalist = j.id AND m.state = 'active' AND l.kind = 'topic' AND m.import IS NULL)
        THEN 1 ELSE 0 END AS signed_up
FROM journalists j JOIN addresses a ON a.journalist = j.id WHERE j.id IN (:values)
