-- Claim, record, give back, recover: where mail is lost or doubled. State numbers are those of
-- store/states.py: 0 queued, 1 claimed, 2 deferred, 3 accepted, 4 refused, 5 in_doubt,
-- 6 suppressed, 7 skipped, 8 cancelled, 9 expired. Each UPDATE repeats the states it may leave.

-- name: open_waves
-- Waves from which something may be claimed at this instant, most urgent distribution first.
SELECT w.distribution, w.id AS wave, {{text}}, x.priority,
    CASE WHEN (x.embargo_until IS NOT NULL AND w.early IS NULL) OR x.priority < 50
        THEN 1 ELSE 0 END AS urgent,
    CASE WHEN EXISTS (SELECT 1 FROM preferences) THEN 1 ELSE 0 END AS wishes
FROM distributions x JOIN waves w ON w.distribution = x.id
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
WHERE x.state = 'sending' AND w.state = 'sending' AND w.due_at <= :now
  AND (x.embargo_until IS NULL OR x.embargo_until <= :now OR w.early IS NOT NULL)
  AND (EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution AND d.wave = w.id
               AND d.state = 0 AND d.due_at <= :now)
       OR EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution
               AND d.wave = w.id AND d.state = 2 AND d.due_at <= :now))
ORDER BY x.priority, w.due_at, x.id, w.id

-- name: text
-- The compiled text of a wave: that for early readers, a corrected one, of its language, else the
-- lead text.
coalesce(w.early, w.compiled, t.compiled, x.compiled) AS compiled

-- name: gates
-- Every reason not to send stands here, in the claim itself (design decision 3, H14). Of the
-- person no EXISTS: PostgreSQL would make a join of it, and where it expects few to pass it reads
-- all that is due and sorts it, instead of the first in the index.
EXISTS (
        SELECT 1 FROM distributions x JOIN waves w ON w.distribution = x.id AND w.id = :wave
        WHERE x.id = :distribution AND x.state = 'sending' AND w.state = 'sending'
          AND w.due_at <= :now
          AND (x.embargo_until IS NULL OR x.embargo_until <= :now OR w.early IS NOT NULL))
      AND CASE WHEN {{free}} THEN {{yes}} ELSE (SELECT count(*) FROM embargo_grants g
          WHERE g.journalist = d.journalist AND g.release =
              (SELECT x.release FROM distributions x WHERE x.id = :distribution)) > 0 END
      AND (SELECT j.state = 'active' OR d.kind = 'test' FROM journalists j
           WHERE j.id = d.journalist)
      AND coalesce((SELECT {{no}} FROM addresses a JOIN suppressions s ON s.hash = a.hash
                    WHERE a.journalist = d.journalist AND s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list))
                    LIMIT 1), {{yes}})

-- name: free
-- Is no grant asked for? Nothing in it is of the person, so it is answered once for a claim.
(SELECT w.early IS NULL OR x.embargo_until <= :now
    FROM distributions x JOIN waves w ON w.distribution = x.id AND w.id = :wave
    WHERE x.id = :distribution)

-- name: yes
1

-- name: yes@postgresql
true

-- name: no
0

-- name: no@postgresql
false

-- name: by_keys
-- For the rest of the transaction PostgreSQL finds rows by their keys. A plan that was made when a
-- table was small, and is kept, would read it from end to end for every delivery once it is large.
SELECT set_config('enable_seqscan', 'off', true)

-- name: place
d.distribution, d.id, d.journalist, d.list, d.attempts, d.first_attempt_at, d.kind

-- name: found
-- What a claim takes: with SQLite by a statement of its own that follows (claim), since nobody else
-- writes meanwhile.
picked AS MATERIALIZED

-- name: found@postgresql
-- MATERIALIZED, because PostgreSQL may run a locking subquery more than once.
found AS MATERIALIZED

-- name: whatever_is_found
{{place}}

-- name: whatever_is_found@postgresql
d.ctid AS spot

-- name: taken

-- name: taken@postgresql
-- Claimed where it was locked. Only what was really changed goes on: a row that somebody moved
-- while it was being locked is left for the next claim. Of an array PostgreSQL expects ten rows,
-- of a LIMIT that it does not know when it plans a tenth of the queue.
, picked AS (
    UPDATE deliveries d SET state = 1, worker = :worker
    WHERE d.ctid = ANY (ARRAY(SELECT spot FROM found)) AND d.state IN (0, 2)
    RETURNING {{place}}),
told AS (
    INSERT INTO events (at, kind, actor, distribution, data)
    SELECT :now, 'claimed', 'worker:' || :worker, :distribution,
        json_build_object('wave', :wave, 'deliveries', json_agg(id ORDER BY id))
    FROM picked HAVING count(*) > 0)

-- name: with_people
-- What a claim reads comes as one JSON array: to step from row to row costs the caller more than
-- the rows do. A test may go to somebody on no list.
SELECT CAST({{array_of}}({{row_of}}(d.id, d.journalist, d.list, d.attempts, d.first_attempt_at,
    d.kind, v.data, {{provenance.to_inform}}, a.email, j.first_name, j.last_name, j.outlet, j.language,
    coalesce(l.name, 'test'), coalesce(l.title, 'Test'), coalesce(l.kind, 'press'), j.source,
    j.source_date)) AS TEXT) AS deliveries
FROM picked d
JOIN journalists j ON j.id = d.journalist
JOIN addresses a ON a.journalist = d.journalist
LEFT JOIN lists l ON l.id = d.list
LEFT JOIN slot_values v ON v.distribution = d.distribution AND v.delivery = d.id

-- name: skip_locked

-- name: skip_locked@postgresql
FOR UPDATE OF d SKIP LOCKED

-- name: by_queued
-- SQLite would rather walk the primary key, past all that was sent already.
INDEXED BY deliveries_queued

-- name: by_queued@postgresql

-- name: by_deferred
INDEXED BY deliveries_deferred

-- name: by_deferred@postgresql

-- name: array_of
json_group_array

-- name: array_of@postgresql
json_agg

-- name: row_of
json_array

-- name: row_of@postgresql
json_build_array

-- name: pick_queued
WITH {{found}} (
    SELECT {{whatever_is_found}} FROM deliveries d {{by_queued}}
    WHERE d.state = 0 AND d.distribution = :distribution AND d.wave = :wave
      AND d.due_at <= :now AND {{gates}}
    ORDER BY d.due_at, d.id LIMIT :limit {{skip_locked}})
{{taken}}
{{with_people}}

-- name: pick_deferred
WITH {{found}} (
    SELECT {{whatever_is_found}} FROM deliveries d {{by_deferred}}
    WHERE d.state = 2 AND d.distribution = :distribution AND d.due_at <= :now AND d.wave = :wave
      AND {{gates}}
    ORDER BY d.due_at LIMIT :limit {{skip_locked}})
{{taken}}
{{with_people}}

-- name: pick_deferred_but
-- Without what waits for reasons that keep it from this sender. Only the first that are due are
-- looked at: many of those must not make every claim slow, and others bring them forward.
WITH first AS MATERIALIZED (
    SELECT d.id, d.reason FROM deliveries d {{by_deferred}}
    WHERE d.state = 2 AND d.distribution = :distribution AND d.due_at <= :now AND d.wave = :wave
    ORDER BY d.due_at LIMIT :limit + 2000),
{{found}} (
    SELECT {{whatever_is_found}} FROM deliveries d
    WHERE d.state = 2 AND d.distribution = :distribution AND d.due_at <= :now
      AND d.id IN (SELECT id FROM first WHERE coalesce(reason, '') NOT {{in_reasons}})
      AND {{gates}}
    ORDER BY d.due_at LIMIT :limit {{skip_locked}})
{{taken}}
{{with_people}}

-- name: in_reasons
IN (SELECT value FROM json_each(:but))

-- name: in_reasons@postgresql
IN (SELECT json_array_elements_text(:but ::json))

-- name: claim
-- What was picked in the same transaction: nobody else can have changed it since.
UPDATE deliveries SET state = 1, worker = :worker
WHERE state IN (0, 2) AND distribution = :distribution AND id {{is_one_of}}

-- name: is_one_of
IN (SELECT value FROM json_each(:ids))

-- name: is_one_of@postgresql
= ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text(:ids ::json)))

-- name: freeze_fields
INSERT INTO slot_values (distribution, delivery, data) VALUES (:distribution, :delivery, :data)

-- name: freeze_fields@postgresql
COPY slot_values (distribution, delivery, data) FROM STDIN

-- name: readdress
UPDATE slot_values SET data = :data WHERE distribution = :distribution AND delivery = :delivery

-- name: compiled
SELECT data FROM compiled WHERE digest = :digest

-- name: keep_compiled
INSERT INTO compiled (digest, data, created_at) VALUES (:digest, :data, :now)
ON CONFLICT (digest) DO NOTHING

-- name: record
-- in_doubt may still be settled by the worker that held it, when its answer was read after all.
UPDATE deliveries SET state = r.state, worker = NULL, due_at = r.due_at, attempts = r.number,
    first_attempt_at = coalesce(first_attempt_at, r.at), last_attempt_at = r.at, code = r.code,
    enhanced = r.enhanced, reply = r.reply, route = r.route, reason = r.reason
FROM (
    WITH r (distribution, delivery, worker, number, state, at, due_at, code, enhanced, reply,
        route, reason) AS (
        VALUES (:distribution, :delivery, :worker, :number, :state, :at, :due_at, :code,
            :enhanced, :reply, :route, :reason))
    SELECT * FROM r) AS r
WHERE deliveries.distribution = r.distribution AND deliveries.id = r.delivery
    AND deliveries.state IN (1, 5) AND deliveries.worker = r.worker
RETURNING id

-- name: record@postgresql
-- Of two recoveries of one worker the second waits here, and then finds nothing of its own.
UPDATE deliveries d SET state = r.state, worker = NULL, due_at = r.due_at, attempts = r.number,
    first_attempt_at = coalesce(d.first_attempt_at, r.at), last_attempt_at = r.at, code = r.code,
    enhanced = r.enhanced, reply = r.reply, route = r.route, reason = r.reason
FROM json_to_recordset(:rows ::json) AS r (distribution integer, delivery bigint, worker bigint,
    number integer, state integer, at bigint, due_at bigint, code integer, enhanced text,
    reply text, route text, reason text)
WHERE d.distribution = r.distribution AND d.id = r.delivery AND d.state IN (1, 5)
    AND d.worker = r.worker
RETURNING d.id

-- name: add_attempt
INSERT INTO attempts (distribution, delivery, number, worker, at, sent_date, route, phase, code,
    enhanced, reply, verdict, state, sha256, signer, signature)
VALUES (:distribution, :delivery, :number, :worker, :at, :sent_date, :route, :phase, :code,
    :enhanced, :reply, :verdict, :state, :sha256, :signer, :signature)
ON CONFLICT (distribution, delivery, number) DO UPDATE SET at = excluded.at, code = excluded.code,
    enhanced = excluded.enhanced, reply = excluded.reply, verdict = excluded.verdict,
    state = excluded.state, phase = excluded.phase

-- name: add_attempt@postgresql
INSERT INTO attempts (distribution, delivery, number, worker, at, sent_date, route, phase, code,
    enhanced, reply, verdict, state, sha256, signer, signature)
SELECT distribution, delivery, number, worker, at, sent_date, route, phase, code, enhanced, reply,
    verdict, state, decode(sha256, 'hex'), signer, decode(signature, 'hex')
FROM json_to_recordset(:rows ::json) AS r (distribution integer, delivery bigint, number integer,
    worker bigint, at bigint, sent_date bigint, route text, phase text, code integer,
    enhanced text, reply text, verdict text, state integer, sha256 text, signer integer,
    signature text)
ON CONFLICT (distribution, delivery, number) DO UPDATE SET at = excluded.at, code = excluded.code,
    enhanced = excluded.enhanced, reply = excluded.reply, verdict = excluded.verdict,
    state = excluded.state, phase = excluded.phase

-- name: signer_id
SELECT id FROM signers WHERE template = :template

-- name: signer_text
SELECT template FROM signers WHERE id = :id

-- name: keep_signer
INSERT INTO signers (id, template) VALUES (:id, :template) ON CONFLICT (template) DO NOTHING

-- name: set_aside
-- A claimed delivery that was not tried: stopped, skipped, or back to where it was.
UPDATE deliveries SET state = :state, worker = NULL, reason = :reason
WHERE distribution = :distribution AND id = :delivery AND state = 1 AND worker = :worker

-- name: held_row
-- A row that is still in this worker's hand; r says which and whose.
deliveries.distribution = r.distribution AND deliveries.id = r.delivery
    AND deliveries.state = 1 AND deliveries.worker = r.worker

-- name: put_off
-- A claimed delivery that was not tried waits: its route or destination has no place for it now.
UPDATE deliveries SET state = 2, worker = NULL, due_at = r.due_at, reason = r.reason
FROM (
    WITH r (distribution, delivery, worker, due_at, reason) AS (
        VALUES (:distribution, :delivery, :worker, :due_at, :reason))
    SELECT * FROM r) AS r
WHERE {{held_row}}

-- name: put_off@postgresql
UPDATE deliveries SET state = 2, worker = NULL, due_at = r.due_at, reason = r.reason
FROM json_to_recordset(:rows ::json) AS r (distribution integer, delivery bigint, worker bigint,
    due_at bigint, reason text)
WHERE {{held_row}}

-- name: back_to
-- Where an untried delivery goes back to: cancelled with its distribution or batch, else where it
-- was before the claim.
CASE WHEN EXISTS (SELECT 1 FROM distributions x JOIN waves w ON w.distribution = x.id
            WHERE x.id = deliveries.distribution AND w.id = deliveries.wave
              AND (x.state IN ('cancelled', 'killed') OR w.state IN ('cancelled', 'dropped')))
        THEN 8 WHEN attempts = 0 THEN 0 ELSE 2 END

-- name: give_back
UPDATE deliveries SET state = {{back_to}}, worker = NULL
WHERE distribution = :distribution AND id {{is_one_of}} AND state = 1 AND worker = :worker
RETURNING distribution, id, state

-- name: give_back_all
UPDATE deliveries SET state = {{back_to}}, worker = NULL
WHERE state = 1 AND worker = :worker
RETURNING distribution, id, state

-- name: doubt
UPDATE deliveries SET state = 5, attempts = :number, last_attempt_at = :at,
    first_attempt_at = coalesce(first_attempt_at, :at), reason = :reason
WHERE distribution = :distribution AND id = :delivery AND state = 1 AND worker = :worker

-- name: resend
-- What it waited for before is not counted against the new decision.
UPDATE deliveries SET state = 2, worker = NULL, due_at = :now, reason = NULL, waits_since = NULL
WHERE distribution = :distribution AND id = :delivery AND state = 5

-- name: held_by
SELECT distribution, id, attempts FROM deliveries WHERE state = 1 AND worker = :worker

-- name: withdrawn
-- What this worker holds and may no longer send, and what becomes of it.
SELECT d.distribution, d.id, x.state AS distribution_state, w.state AS wave_state,
    CASE WHEN EXISTS (
        SELECT 1 FROM addresses a JOIN suppressions s ON s.hash = a.hash
        WHERE a.journalist = d.journalist AND s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list)))
      THEN 1 ELSE 0 END AS suppressed,
    CASE WHEN d.kind IN ('release', 'digest') AND x.kind IN ('release', 'digest')
        AND p.paused = 1 THEN 1 ELSE 0 END AS paused
FROM deliveries d
JOIN distributions x ON x.id = d.distribution
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN preferences p ON p.journalist = d.journalist
WHERE d.state = 1 AND d.worker = :worker

-- name: others_at_work
SELECT id FROM deliveries WHERE state = 1 AND worker <> :worker LIMIT 1

-- name: defer_wave
-- The way out is away: what is due and was not tried yet waits with the rest.
UPDATE deliveries SET state = 2, due_at = :due_at, reason = :reason
WHERE state = 0 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries {{by_queued}}
    WHERE state = 0 AND distribution = :distribution AND wave = :wave AND due_at <= :now
    ORDER BY due_at, id LIMIT :limit)
RETURNING id

-- name: defer_wave_again
-- The same for what was deferred before and has come due again.
UPDATE deliveries SET due_at = :due_at, reason = :reason
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries {{by_deferred}}
    WHERE state = 2 AND distribution = :distribution AND wave = :wave AND due_at <= :now
    ORDER BY due_at LIMIT :limit)
RETURNING id

-- name: new_worker
INSERT INTO workers (id, host, name, pid, boot_id, journal, config_digest, started_at, lease_at)
VALUES (:id, :host, :name, :pid, :boot_id, :journal, :config_digest, :now, :now)

-- name: renew_lease
UPDATE workers SET lease_at = :now WHERE id = :id AND left_at IS NULL

-- name: worker_left
UPDATE workers SET left_at = :now WHERE id = :id

-- name: present_workers
SELECT id, host, name, pid, boot_id, journal, config_digest, started_at, lease_at
FROM workers WHERE left_at IS NULL ORDER BY id
