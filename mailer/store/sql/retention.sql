-- What is past its retention goes, in short steps. Delivery state numbers are those of
-- store/states.py; what is queued, claimed, deferred or in doubt (0, 1, 2, 5) is never touched.

-- name: hold
-- Changes nothing; on PostgreSQL it keeps others out of the run until the step is committed.
UPDATE facts SET value = value WHERE name = :name

-- name: ended
-- A distribution from which something may go: it has ended, and nothing of its release is still
-- under way, such as a correction that has to reach the same people.
x.state IN ('done', 'cancelled', 'killed') AND x.created_at <= :before
    AND x.release NOT IN (SELECT release FROM distributions
                          WHERE state NOT IN ('done', 'cancelled', 'killed'))

-- name: candidates
-- One look into the index for each distribution that old: which of them hold something still. No
-- EXISTS: PostgreSQL expects to find a row at once wherever it begins, and reads the whole table.
SELECT x.id FROM distributions x
WHERE x.id >= :first AND {{ended}}
    AND ((x.kind = 'resend' AND x.messages_gone_at IS NULL)
         OR (SELECT v.delivery FROM slot_values v WHERE v.distribution = x.id
             ORDER BY v.delivery LIMIT 1) IS NOT NULL)
ORDER BY x.id LIMIT :limit

-- name: still_ended
SELECT 1 AS found FROM distributions
WHERE id = :distribution AND state IN ('done', 'cancelled', 'killed')

-- name: last_of_block
-- So many rows are looked at, whatever becomes of them: no step takes longer than that.
SELECT max(delivery) AS last, count(*) AS n FROM (
    SELECT delivery FROM slot_values WHERE distribution = :distribution AND delivery > :after
    ORDER BY delivery LIMIT :limit) b

-- name: due
d.state IN (3, 4, 6, 7, 8, 9) AND coalesce(d.last_attempt_at, d.queued_at) <= :before

-- name: in_block
SELECT d.id FROM deliveries d WHERE d.distribution = :distribution
    AND d.id > :after AND d.id <= :last AND {{due}}

-- name: forget_signatures
UPDATE attempts SET signature = NULL, signer = NULL
WHERE distribution = :distribution AND delivery > :after AND delivery <= :last
    AND signature IS NOT NULL AND delivery IN ({{in_block}})

-- name: forget_messages
DELETE FROM slot_values
WHERE distribution = :distribution AND delivery > :after AND delivery <= :last
    AND delivery IN ({{in_block}})

-- name: mark
UPDATE distributions SET messages_gone_at = :now
WHERE id = :distribution AND messages_gone_at IS NULL

-- name: reasons
-- Why an officer sent something to one person once more: his words about that person.
SELECT id, data FROM events WHERE distribution = :distribution AND kind = 'send_to'

-- name: blank_reason
UPDATE events SET data = :data WHERE id = :id

-- name: overdue
SELECT 1 AS found FROM distributions x
WHERE {{ended}} AND EXISTS (
    SELECT 1 FROM slot_values v
    JOIN deliveries d ON d.distribution = v.distribution AND d.id = v.delivery
    WHERE v.distribution = x.id AND {{due}})
LIMIT 1

-- name: count_messages
SELECT count(*) AS messages, coalesce(sum((
        SELECT count(*) FROM attempts t WHERE t.distribution = v.distribution
            AND t.delivery = v.delivery AND t.signature IS NOT NULL)), 0) AS signatures
FROM distributions x
JOIN slot_values v ON v.distribution = x.id
JOIN deliveries d ON d.distribution = v.distribution AND d.id = v.delivery
WHERE {{ended}} AND {{due}}

-- name: reasons_due
SELECT e.data FROM distributions x
JOIN events e ON e.distribution = x.id AND e.kind = 'send_to'
WHERE x.kind = 'resend' AND x.messages_gone_at IS NULL AND {{ended}} AND NOT EXISTS (
    SELECT 1 FROM slot_values v
    JOIN deliveries d ON d.distribution = v.distribution AND d.id = v.delivery
    WHERE v.distribution = x.id AND NOT ({{due}}))

-- name: old_hold
-- Never written to: of who was, the messages have their own time.
j.state = 'on_hold' AND j.updated_at <= :before
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.journalist = j.id)

-- name: count_holds
SELECT count(*) AS n FROM journalists j WHERE {{old_hold}}

-- name: old_holds
SELECT j.id FROM journalists j WHERE {{old_hold}} ORDER BY j.id LIMIT :limit

-- name: count_absences
SELECT count(*) AS n FROM preferences WHERE away_until <= :before

-- name: forget_absences
UPDATE preferences SET away_until = NULL WHERE journalist IN (
    SELECT journalist FROM preferences WHERE away_until <= :before LIMIT :limit)

-- name: old_grant
-- Not while any embargo of the release still runs.
g.granted_at <= :before AND NOT EXISTS (SELECT 1 FROM distributions x
    WHERE x.release = g.release AND x.embargo_until > g.granted_at AND x.embargo_until > :before)

-- name: old_offer
o.offered_at <= :before AND NOT EXISTS (SELECT 1 FROM embargo_grants g
    WHERE g.release = o.release AND g.journalist = o.journalist)

-- name: count_agreements
SELECT (SELECT count(*) FROM embargo_grants g WHERE {{old_grant}})
    + (SELECT count(*) FROM embargo_offers o WHERE {{old_offer}}) AS n

-- name: forget_offers
DELETE FROM embargo_offers WHERE (release, journalist) IN (
    SELECT o.release, o.journalist FROM embargo_offers o WHERE {{old_offer}} LIMIT :limit)

-- name: forget_openings
DELETE FROM embargo_openings WHERE last_at <= :before AND NOT EXISTS (SELECT 1
    FROM embargo_grants g WHERE g.release = embargo_openings.release
        AND g.journalist = embargo_openings.journalist)

-- name: forget_agreements
DELETE FROM embargo_grants WHERE (release, journalist) IN (
    SELECT g.release, g.journalist FROM embargo_grants g WHERE {{old_grant}} LIMIT :limit)
