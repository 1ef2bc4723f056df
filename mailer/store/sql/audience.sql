-- Who is selected, and lists of journalists coming in. What an open import has written stays
-- hidden: a membership counts only once its import is past "staging".

-- name: open_imports
SELECT id, state FROM imports WHERE state IN ('staging', 'applying', 'undoing') ORDER BY id

-- name: lists
SELECT id, name, title, kind, created_at FROM lists
WHERE import IS NULL OR import NOT IN (SELECT id FROM imports WHERE state = 'staging')
ORDER BY id

-- name: count
SELECT q.state, q.suppressed, q.internal, count(*) AS n FROM (
    SELECT p.state, p.suppressed,
        CASE WHEN p.list IN (SELECT id FROM lists WHERE kind = 'internal') THEN 1 ELSE 0 END AS internal
    FROM ({people}) p) q
GROUP BY q.state, q.suppressed, q.internal

-- name: facet_ids
SELECT id, value FROM facet_values WHERE field = :field AND value IN ({{texts}})

-- name: texts
SELECT value FROM json_each(:values)

-- name: texts@postgresql
SELECT json_array_elements_text(:values ::json)

-- name: array
SELECT value FROM json_each(:array)

-- name: array@postgresql
SELECT CAST(json_array_elements_text(:array ::json) AS bigint)

-- name: like
SELECT value FROM facet_values
WHERE field = :field AND substr(value, 1, 1) = :first AND length(value) BETWEEN :least AND :most
ORDER BY value LIMIT :limit

-- name: people
SELECT j.id, a.email, j.first_name, j.last_name, j.outlet, j.beats, j.country,
    {{language}} AS language
FROM journalists j LEFT JOIN addresses a ON a.journalist = j.id
WHERE j.id IN ({people}) ORDER BY j.id

-- name: releases
SELECT id, slug FROM releases

-- name: language
-- Of a journalist j: the language he chose himself, else what lists say.
coalesce((SELECT nullif(c.language, '') FROM preferences c WHERE c.journalist = j.id), j.language)

-- name: got
-- Of deliveries m of distributions x: one that brought a release.
m.state = 3 AND x.kind NOT IN ('test', 'notice', 'digest', 'internal')

-- name: accepted
m.state = 3 AND x.kind NOT IN ('test', 'internal')

-- name: is_suppressed
-- Of a person p whose delivery is attributed to p.list. The sets are made once.
p.id IN (SELECT a.journalist FROM suppressions s JOIN addresses a ON a.hash = s.hash
         WHERE s.scope = 'all')
  OR (p.id, 'list:' || p.list) IN (
    SELECT a.journalist, s.scope FROM suppressions s JOIN addresses a ON a.hash = s.hash
    WHERE s.scope <> 'all')
  OR p.id IN (SELECT a.journalist FROM suppressions s JOIN addresses a ON a.hash = s.hash
              WHERE s.scope = 'office') AND p.list NOT IN (SELECT id FROM lists WHERE kind = 'topic')

-- name: is_suppressed@postgresql
EXISTS (SELECT 1 FROM addresses a JOIN suppressions s ON s.hash = a.hash
        WHERE a.journalist = p.id AND s.scope IN ('all', 'list:' || p.list,
        {{core.by_kind_of}} p.list)))

-- name: has_received
-- Of a person p: has he any revision of the release, or may he have it, or is it under way.
EXISTS (SELECT 1 FROM deliveries d JOIN distributions x ON x.id = d.distribution
        WHERE d.journalist = p.id AND d.state IN (0, 1, 2, 3, 5) AND x.release = :release
          AND x.kind NOT IN ('test', 'notice', 'digest', 'internal') AND x.state <> 'planning')

-- name: by_hash
SELECT j.id, j.state, a.email FROM addresses a JOIN journalists j ON j.id = a.journalist
LEFT JOIN imports i ON i.id = j.import
WHERE a.hash = :hash AND j.state <> 'test' AND (i.state IS NULL OR i.state <> 'staging')

-- name: of_address
SELECT journalist FROM addresses WHERE hash = :hash

-- name: add_test_recipient
INSERT INTO journalists (id, state, first_name, last_name, outlet, outlet_type, country, language,
    zone, beats, consent_basis, source, source_date, notes, created_at, updated_at)
VALUES (:id, 'test', '', '', '', '', '', '', :zone, '', '', 'test recipient', '', '', :now, :now)

-- name: domain
-- What stands behind the last @ of an address.
substr(a.email, length(rtrim(a.email, replace(a.email, '@', ''))) + 1)

-- name: domain@postgresql
substring(a.email from '[^@]*$')

-- name: by_domain
SELECT q.zone, {{domain}} AS domain, count(*) AS n
FROM ({people}) q JOIN addresses a ON a.journalist = q.id
WHERE q.state = 'active' AND q.suppressed = 0{more}
GROUP BY 1, 2

-- name: empty_fields
SELECT count(*) AS people,
    sum(CASE WHEN trim(j.first_name) = '' THEN 1 ELSE 0 END) AS first_name,
    sum(CASE WHEN trim(j.last_name) = '' THEN 1 ELSE 0 END) AS last_name,
    sum(CASE WHEN trim(j.first_name) = '' AND trim(j.last_name) = '' THEN 1 ELSE 0 END) AS name,
    sum(CASE WHEN trim(j.outlet) = '' THEN 1 ELSE 0 END) AS outlet
FROM ({people}) q JOIN journalists j ON j.id = q.id
WHERE q.state = 'active' AND q.suppressed = 0{more}

-- name: planned_by_domain
SELECT d.wave, {{domain}} AS domain, count(*) AS n
FROM deliveries d JOIN addresses a ON a.journalist = d.journalist
WHERE d.distribution = :distribution
GROUP BY 1, 2

-- name: list_facts
SELECT m.list, j.state, count(*) AS n FROM memberships m JOIN journalists j ON j.id = m.journalist
WHERE {active} GROUP BY m.list, j.state

-- name: list_suppressed
SELECT m.list, count(DISTINCT m.journalist) AS n
FROM suppressions s JOIN addresses a ON a.hash = s.hash JOIN memberships m ON m.journalist = a.journalist
WHERE s.scope IN ('all', 'list:' || m.list,
        {{core.by_kind_of}} m.list)) AND {active} GROUP BY m.list

-- name: members
SELECT a.email, j.id, j.state, j.first_name, j.last_name, j.outlet, j.outlet_type, j.beats, j.country,
    j.language, j.zone, j.consent_basis, j.source, j.source_date, j.notes, j.phone
FROM memberships m JOIN journalists j ON j.id = m.journalist JOIN addresses a ON a.journalist = j.id
WHERE m.list = :list AND {active} AND j.state <> 'erased' AND NOT EXISTS (
    SELECT 1 FROM suppressions s WHERE s.hash = a.hash AND s.scope IN ('all', 'list:' || m.list,
        {{core.by_kind_of}} m.list)))
ORDER BY m.journalist

-- name: everybody
-- Who is on any list that he may be written to by, each once.
SELECT a.email, j.id, j.state, j.first_name, j.last_name, j.outlet, j.outlet_type, j.beats, j.country,
    j.language, j.zone, j.consent_basis, j.source, j.source_date, j.notes, j.phone
FROM journalists j JOIN addresses a ON a.journalist = j.id
WHERE j.state NOT IN ('erased', 'test') AND EXISTS (
    SELECT 1 FROM memberships m WHERE m.journalist = j.id AND {active} AND NOT EXISTS (
        SELECT 1 FROM suppressions s WHERE s.hash = a.hash AND s.scope IN ('all', 'list:' || m.list,
        {{core.by_kind_of}} m.list))))
ORDER BY j.id
