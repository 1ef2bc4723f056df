-- The audience of a distribution worked out anew, for batches that have not begun.

-- name: standing
-- Who stands where: waiting in a batch that has not begun, fallen out of one before any try, taken
-- out by an earlier refresh, or anything else.
SELECT m.what, {{bitmaps.people}} FROM (
    SELECT d.journalist, CASE
        WHEN w.state IS NULL OR w.state NOT IN ('scheduled', 'waiting') OR d.attempts > 0 THEN 'kept'
        WHEN d.state = 0 THEN 'waiting'
        WHEN d.state = 6 THEN 'fallen'
        WHEN d.state = 8 AND d.reason = :left THEN 'left'
        ELSE 'kept' END AS what
    FROM deliveries d LEFT JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
    WHERE d.distribution = :distribution) m
GROUP BY m.what

-- name: not_begun
wave IN (SELECT w.id FROM waves w
         WHERE w.distribution = :distribution AND w.state IN ('scheduled', 'waiting'))

-- name: leave
UPDATE deliveries SET state = 8, reason = :left
WHERE distribution = :distribution AND state = 0 AND attempts = 0 AND {{not_begun}}
  AND journalist IN ({{audience.array}})
RETURNING journalist, wave

-- name: come_back
UPDATE deliveries SET state = 0, reason = NULL
WHERE distribution = :distribution AND state = :state AND attempts = 0 AND {{not_begun}}
  AND journalist IN ({{audience.array}})
RETURNING journalist, wave

-- name: last_delivery
SELECT max(id) AS id FROM deliveries WHERE distribution = :distribution

-- name: last_due
-- Of a batch that is spread nobody who comes later is due before the last.
SELECT max(due_at) AS due_at FROM deliveries WHERE distribution = :distribution AND wave = :wave

-- name: count_wave
UPDATE waves SET recipients = recipients + :more WHERE distribution = :distribution AND id = :wave

-- name: count_all
UPDATE distributions SET recipients = recipients + :more, left_out = :left_out,
    audience = :audience
WHERE id = :distribution AND state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused')

-- name: to_draft
UPDATE distributions SET state = 'draft', reason = :reason
WHERE id = :distribution AND state IN ('scheduled', 'sending', 'waiting', 'paused')

-- name: forget_left_out
DELETE FROM left_out WHERE distribution = :distribution
