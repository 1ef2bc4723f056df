-- What `store check` asks: whether the ledger agrees with itself. Delivery state numbers are those
-- of store/states.py (0 queued, 1 claimed, 2 deferred, 3 accepted, 4 refused, 5 in_doubt).
--
-- What begins with rule_ answers with `n`, how many deliveries break the rule, and `first`, the
-- lowest id among them. The database walks its own indexes, so the caller's memory stays flat.

-- name: uneven
SELECT x.id, x.recipients, count(d.id) AS planned
FROM distributions x LEFT JOIN deliveries d ON d.distribution = x.id
WHERE x.state <> 'planning'
GROUP BY x.id, x.recipients
HAVING x.recipients <> count(d.id)

-- name: strays
SELECT
    (SELECT count(*) FROM addresses a
        WHERE NOT EXISTS (SELECT 1 FROM journalists j WHERE j.id = a.journalist)) AS addresses,
    (SELECT count(*) FROM memberships m
        WHERE NOT EXISTS (SELECT 1 FROM lists l WHERE l.id = m.list)) AS memberships,
    (SELECT count(*) FROM deliveries d
        WHERE NOT EXISTS (SELECT 1 FROM distributions x WHERE x.id = d.distribution)) AS deliveries,
    (SELECT count(*) FROM distributions x
        WHERE NOT EXISTS (SELECT 1 FROM revisions v
            WHERE v.release = x.release AND v.number = x.revision)) AS distributions,
    (SELECT count(*) FROM attempts t
        WHERE NOT EXISTS (SELECT 1 FROM deliveries d
            WHERE d.distribution = t.distribution AND d.id = t.delivery)) AS attempts,
    (SELECT count(*) FROM slot_values v
        WHERE NOT EXISTS (SELECT 1 FROM deliveries d
            WHERE d.distribution = v.distribution AND d.id = v.delivery)) AS slot_values,
    (SELECT count(*) FROM waves w
        WHERE NOT EXISTS (SELECT 1 FROM distributions x WHERE x.id = w.distribution)) AS waves

-- name: templates
SELECT x.compiled AS digest, c.data
FROM (SELECT compiled FROM distributions UNION SELECT compiled FROM distribution_variants
    UNION SELECT early FROM waves WHERE early IS NOT NULL) x
LEFT JOIN compiled c ON c.digest = x.compiled

-- name: revisions
SELECT release, number, sha256, source FROM revisions

-- name: integrity
SELECT 'ok' AS integrity_check

-- name: integrity@sqlite
PRAGMA integrity_check(10)

-- name: rule_known_state
SELECT count(*) AS n, min(id) AS first FROM deliveries WHERE state NOT BETWEEN 0 AND 9

-- name: rule_planned_once
SELECT count(*) AS n, min(first) AS first FROM (
    SELECT min(id) AS first FROM deliveries GROUP BY journalist, distribution HAVING count(*) > 1) r

-- name: rule_accepted_once
SELECT count(*) AS n, min(delivery) AS first FROM (
    SELECT delivery FROM attempts WHERE state = 3
    GROUP BY distribution, delivery HAVING count(*) > 1) r

-- name: rule_accepted_by_answer
-- By the answer to its last attempt, or by somebody's word, which then stands as its reason.
SELECT count(*) AS n, min(d.id) AS first FROM deliveries d
WHERE d.state = 3 AND d.reason IS NULL AND NOT EXISTS (
    SELECT 1 FROM attempts t WHERE t.distribution = d.distribution AND t.delivery = d.id
      AND t.number = d.attempts AND t.state = 3 AND t.code BETWEEN 200 AND 299)

-- name: rule_refused_by_answer
SELECT count(*) AS n, min(d.id) AS first FROM deliveries d
WHERE d.state = 4 AND NOT EXISTS (
    SELECT 1 FROM attempts t WHERE t.distribution = d.distribution AND t.delivery = d.id
      AND t.number = d.attempts AND t.state = 4)

-- name: rule_answer_kept
SELECT count(*) AS n, min(d.id) AS first FROM attempts t
JOIN deliveries d ON d.distribution = t.distribution AND d.id = t.delivery
WHERE t.state IN (3, 4) AND d.state <> t.state

-- name: rule_attempts_counted
SELECT count(*) AS n, min(d.id) AS first FROM attempts t
JOIN deliveries d ON d.distribution = t.distribution AND d.id = t.delivery
WHERE t.number > d.attempts

-- name: rule_claimed_by_present
SELECT count(*) AS n, min(d.id) AS first FROM deliveries d
WHERE d.state = 1 AND NOT EXISTS (
    SELECT 1 FROM workers w WHERE w.id = d.worker AND w.left_at IS NULL)

-- name: rule_held_when_claimed
-- What is in doubt keeps its worker, who may still read the answer.
SELECT count(*) AS n, min(id) AS first FROM deliveries
WHERE state NOT IN (1, 5) AND worker IS NOT NULL

-- name: rule_nothing_open_when_done
SELECT count(*) AS n, min(d.id) AS first FROM waves w
JOIN distributions x ON x.id = w.distribution
JOIN deliveries d ON d.distribution = w.distribution AND d.wave = w.id
WHERE (w.state = 'done' OR x.state = 'done') AND d.state IN (0, 1, 2)

-- name: rule_waits_for_a_word
-- Held back when the ledger was put back: nothing of it may be sendable before an officer's word.
SELECT count(*) AS n, min(d.id) AS first FROM held_back h
JOIN waves w ON w.distribution = h.distribution AND w.id = h.wave
JOIN distributions x ON x.id = h.distribution
JOIN deliveries d ON d.distribution = h.distribution AND d.wave = h.wave
WHERE h.decision IS NULL AND w.state IN ('scheduled', 'sending') AND d.state IN (0, 1, 2)
  AND x.state IN ('scheduled', 'sending')

-- name: rule_in_a_batch
SELECT count(*) AS n, min(d.id) AS first FROM deliveries d
JOIN distributions x ON x.id = d.distribution AND x.state <> 'planning'
WHERE NOT EXISTS (
    SELECT 1 FROM waves w WHERE w.distribution = d.distribution AND w.id = d.wave)

-- name: rule_nobody_after_his_stop
-- An attempt's own time is when its message was made. :grace is how much later than a stop that
-- may be: the second that the promise allows, and how far the clocks of machines may differ.
SELECT count(*) AS n, min(d.id) AS first FROM suppressions s
JOIN addresses a ON a.hash = s.hash
JOIN deliveries d ON d.journalist = a.journalist
JOIN attempts t ON t.distribution = d.distribution AND t.delivery = d.id
WHERE s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list)) AND t.state = 3
  AND t.sent_date > s.created_at + :grace

-- name: unevenly_divided
SELECT w.distribution, w.id, w.recipients, coalesce(c.n, 0) AS planned
FROM waves w LEFT JOIN (
    SELECT distribution, wave, count(*) AS n FROM deliveries GROUP BY distribution, wave) c
  ON c.distribution = w.distribution AND c.wave = w.id
WHERE w.recipients <> coalesce(c.n, 0)
ORDER BY w.distribution, w.id

-- name: without_history
-- Each answer that was recorded as accepted has its line in the history.
SELECT t.distribution, t.n AS answers, coalesce(e.n, 0) AS told
FROM (SELECT distribution, count(*) AS n FROM attempts WHERE state = 3 GROUP BY distribution) t
LEFT JOIN (SELECT distribution,
               sum(CASE WHEN delivery IS NULL THEN {{named_in}} ELSE 1 END) AS n
           FROM events WHERE kind = 'accepted' GROUP BY distribution) e
  ON e.distribution = t.distribution
WHERE coalesce(e.n, 0) < t.n
ORDER BY t.distribution

-- name: named_in
-- How many deliveries an event is about that names them in its data.
json_array_length(data, '$.deliveries')

-- name: named_in@postgresql
json_array_length(data::json -> 'deliveries')

-- name: at_odds
-- Batches that are still to come, or that nobody knows, in a distribution that has ended.
SELECT w.distribution, w.id, w.state AS wave_state, x.state FROM waves w
JOIN distributions x ON x.id = w.distribution
WHERE (x.state IN ('done', 'cancelled', 'killed') AND w.state IN ('scheduled', 'waiting', 'sending'))
   OR w.state NOT IN ('scheduled', 'waiting', 'sending', 'done', 'dropped', 'cancelled', 'moved')
   OR x.state NOT IN ('planning', 'draft', 'scheduled', 'sending', 'done', 'waiting', 'paused',
        'cancelled', 'killed')
ORDER BY w.distribution, w.id

-- name: used_numbers
-- Counters that would give out a number that is taken.
SELECT r.name, r.last, coalesce(c.value, 0) AS value
FROM (SELECT 'distribution' AS name, coalesce(max(id), 0) AS last FROM distributions
      UNION ALL SELECT 'worker', coalesce(max(id), 0) FROM workers) r
LEFT JOIN counters c ON c.name = r.name
WHERE coalesce(c.value, 0) < r.last
