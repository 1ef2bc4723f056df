-- Two kinds of doubt: deliveries whose answer was lost, and addresses of which servers said bad
-- things more than once. Delivery state numbers are those of store/states.py (2 deferred,
-- 3 accepted, 4 refused, 5 in_doubt).

-- name: deliveries
SELECT d.id, d.journalist, d.wave, d.last_attempt_at, a.email, x.state AS distribution_state,
    w.state AS wave_state, h.incident AS until_at
FROM deliveries d
JOIN distributions x ON x.id = d.distribution
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN addresses a ON a.journalist = d.journalist
LEFT JOIN held_back h ON h.distribution = d.distribution AND h.wave = d.wave
    AND h.decision = 'not_certain'
WHERE d.state = 5 AND d.distribution = :distribution
ORDER BY d.id

-- name: settle
UPDATE deliveries SET state = 3, worker = NULL, reply = :reply, reason = :reason
WHERE distribution = :distribution AND id = :delivery AND state = 5

-- name: reopen_distribution
UPDATE distributions SET state = 'sending', finished_at = NULL WHERE id = :distribution
    AND state = 'done'

-- name: reopen_wave
UPDATE waves SET state = 'sending', heartbeat_at = :now
WHERE distribution = :distribution AND id = :wave AND state = 'done'

-- name: addressee
-- Whom a delivery was for, and what his message said of him: the address that counts is the one
-- it was sent to (G2).
SELECT d.journalist, a.email, a.hash, v.data AS frozen
FROM deliveries d
LEFT JOIN addresses a ON a.journalist = d.journalist
LEFT JOIN slot_values v ON v.distribution = d.distribution AND v.delivery = d.id
WHERE d.distribution = :distribution AND d.id = :delivery

-- name: of_address
SELECT days, first_at, last_at FROM address_doubts
WHERE journalist = :journalist AND reason = :reason

-- name: keep
INSERT INTO address_doubts (journalist, reason, days, first_at, last_at)
VALUES (:journalist, :reason, :days, :first_at, :last_at)
ON CONFLICT (journalist, reason) DO UPDATE SET days = :days, first_at = :first_at,
    last_at = :last_at

-- name: forget
DELETE FROM address_doubts WHERE journalist = :journalist

-- name: successes
-- What a mail server took for this person since an instant and did not send back.
SELECT min(last_attempt_at) AS first_at FROM deliveries
WHERE journalist = :journalist AND state = 3 AND id <> :delivery AND last_attempt_at > :after
  AND (feedback IS NULL OR feedback <> 'bounced')

-- name: told_together
-- What a line about many deliveries says of those that were accepted.
CASE WHEN kind = 'accepted' AND delivery IS NULL THEN data END AS together

-- name: recent_of
-- The newest lines of a distribution's history, answers with the server's words.
SELECT e.id, e.kind, e.actor, e.together, t.phase, t.code, t.enhanced, t.reply, t.verdict
FROM (SELECT id, kind, actor, distribution, delivery, {{told_together}} FROM events
      WHERE distribution = :distribution ORDER BY id DESC LIMIT :limit) e
LEFT JOIN attempts t ON t.distribution = e.distribution AND t.delivery = e.delivery
    AND e.kind IN ('accepted', 'refused') AND t.state IN (3, 4)
ORDER BY e.id DESC

-- name: first_of
-- The oldest lines of a distribution's history, answers with their verdicts.
SELECT e.id, e.kind, e.actor, e.together, t.verdict
FROM (SELECT id, kind, actor, distribution, delivery, {{told_together}} FROM events
      WHERE distribution = :distribution ORDER BY id LIMIT :limit) e
LEFT JOIN attempts t ON t.distribution = e.distribution AND t.delivery = e.delivery
    AND e.kind IN ('accepted', 'refused') AND t.state IN (3, 4)
ORDER BY e.id

-- name: recent
-- The newest lines of the newsroom's history, whatever distribution; answers with the server's
-- words, the route and the address.
SELECT e.id, e.kind, e.distribution, e.place, e.together, t.route, t.phase, t.code, t.enhanced,
    t.reply, a.email
FROM (SELECT id, kind, distribution, delivery, {{told_together}},
             CASE WHEN kind = 'route_resumed' THEN data ELSE '' END AS place
      FROM events ORDER BY id DESC LIMIT :limit) e
LEFT JOIN attempts t ON t.distribution = e.distribution AND t.delivery = e.delivery
    AND e.kind IN ('accepted', 'refused') AND t.state IN (3, 4)
LEFT JOIN deliveries d ON d.distribution = t.distribution AND d.id = t.delivery
LEFT JOIN addresses a ON a.journalist = d.journalist
ORDER BY e.id DESC

-- name: emails
SELECT a.email FROM deliveries d LEFT JOIN addresses a ON a.journalist = d.journalist
WHERE d.distribution = :distribution AND d.id {{ledger.is_one_of}}
