-- Notices: who has a release in which text, who was told, and batches with a corrected text.

-- name: add
INSERT INTO notices (id, release, kind, revision, compiled, language, ends, paused, batches, reason,
    actor, created_at)
VALUES (:id, :release, :kind, :revision, :compiled, :language, :ends, :paused, :batches, :reason,
    :actor, :now)

-- name: get
SELECT * FROM notices WHERE id = :id

-- name: ls
SELECT * FROM notices WHERE release = :release ORDER BY id

-- name: ls_open
SELECT * FROM notices WHERE closed_at IS NULL ORDER BY id

-- name: unheard
-- Words that nobody was told of for so long.
SELECT n.kind, r.slug FROM notices n JOIN releases r ON r.id = n.release
WHERE n.closed_at IS NULL AND n.rounds = 0 AND n.created_at < :before
    AND (n.planned_at IS NULL OR n.planned_at < :before)
ORDER BY n.id

-- name: count_round
-- Whoever plans says which round he saw: of two, one is told that he came too late.
UPDATE notices SET rounds = rounds + 1 WHERE id = :id AND rounds = :seen AND closed_at IS NULL

-- name: at_work
UPDATE notices SET planned_at = :now WHERE id = :id

-- name: at_rest
UPDATE notices SET planned_at = NULL WHERE id = :id

-- name: close
UPDATE notices SET closed_at = :now WHERE id = :id AND rounds = :seen AND closed_at IS NULL

-- name: close_earlier
-- What a later word is in the place of: nobody is told of it any more.
UPDATE notices SET closed_at = :now WHERE id = :id AND closed_at IS NULL

-- name: lock
-- Whoever gives a word about a release, and whoever is about to let something of it be sent, goes
-- after the other. SQLite's writers do anyway.
SELECT id FROM releases WHERE id = :release

-- name: lock@postgresql
SELECT id FROM releases WHERE id = :release FOR UPDATE

-- name: early_batches
-- Batches for early readers that have begun: who is in them has the end in it that was said then.
SELECT w.distribution, w.id FROM waves w JOIN distributions x ON x.id = w.distribution
WHERE x.release = :release AND w.early IS NOT NULL AND w.state <> 'scheduled'
ORDER BY w.distribution, w.id

-- name: stoppable
-- What is still to be sent of a release, tests and other notices included.
SELECT id, kind, state, revision, embargo_until, zone, audience, notice FROM distributions
WHERE release = :release AND state IN ('draft', 'scheduled', 'sending', 'waiting', 'paused')
ORDER BY id

-- name: text_key
-- Which text a batch w of a distribution x has: its language where somebody stated one, else ''.
coalesce(nullif(w.language, ''), (SELECT CASE WHEN v.stated = 1 THEN v.language ELSE '' END
    FROM revisions v WHERE v.release = x.release AND v.number = x.revision), '')

-- name: text_revision
coalesce(w.revision, t.revision, x.revision)

-- name: batches
-- The batches that are still to be sent, with the text that they have.
SELECT w.*, {{text_key}} AS text_key, {{text_revision}} AS text_revision
FROM waves w JOIN distributions x ON x.id = w.distribution
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
WHERE w.distribution = :distribution AND w.state IN ('scheduled', 'waiting', 'sending')
ORDER BY w.id

-- name: replace
INSERT INTO waves (distribution, id, due_at, zone, state, recipients, heartbeat_at, early, language,
    awaits, revision, compiled)
SELECT distribution, :new, due_at, zone, state, 0, heartbeat_at, :early, language, awaits,
    :revision, :compiled
FROM waves WHERE distribution = :distribution AND id = :wave

-- name: replaced
UPDATE waves SET state = 'moved', moved_to = :new
WHERE distribution = :distribution AND (id = :wave OR moved_to = :wave)

-- name: moved_into
SELECT id FROM waves WHERE distribution = :distribution AND moved_to = :wave

-- name: move_queued
UPDATE deliveries SET wave = :new
WHERE state = 0 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 0 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)

-- name: move_deferred
UPDATE deliveries SET wave = :new
WHERE state = 2 AND distribution = :distribution AND id IN (
    SELECT id FROM deliveries WHERE state = 2 AND distribution = :distribution AND wave = :wave
    LIMIT :limit)

-- name: to_move
-- Replaced batches of which something is still to be sent, also what came back since.
SELECT w.distribution, w.id, w.moved_to FROM waves w
WHERE w.moved_to IS NOT NULL AND (
    EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution AND d.wave = w.id
            AND d.state = 0)
    OR EXISTS (SELECT 1 FROM deliveries d WHERE d.distribution = w.distribution AND d.wave = w.id
            AND d.state = 2))
ORDER BY w.distribution, w.id

-- name: of_text
-- A delivery d, its distribution x and batch w, of what a notice is about: everything of the release
-- that was queued before it, in an older text where it brings another.
x.release = :release AND x.kind NOT IN ('test', 'digest') AND x.state <> 'planning' AND x.created_at <= :at
    AND {{text_revision}} < :below

-- name: under_way
-- Is anything of what a notice is about in a sender's hand? Its outcome is not known yet.
SELECT 1 AS found FROM deliveries d {{by_claimed}}
JOIN distributions x ON x.id = d.distribution
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
WHERE d.state = 1 AND {{of_text}} LIMIT 1

-- name: by_claimed
INDEXED BY deliveries_claimed

-- name: by_claimed@postgresql

-- name: reached
-- Every message of a release that reached somebody or may have, by person, oldest first: also
-- earlier notices, which continue the thread, and notes that asked him to agree, with a row for each
-- text that he opened behind the link in it (D3): opened_at, of which he has the text though no
-- message brought it. The person as he is now; who was merged is the one who stays.
SELECT j.id AS journalist, d.id, d.distribution, d.wave, d.list, d.state, d.last_attempt_at, x.kind,
    x.notice, o.first_at AS opened_at,
    (SELECT k.kind FROM notices k WHERE k.id = x.notice) AS notice_kind,
    CASE WHEN o.revision IS NULL THEN CASE WHEN {{of_text}} THEN 1 ELSE 0 END
         WHEN o.revision < :below THEN 1 ELSE 0 END AS concerned,
    CASE WHEN o.revision IS NULL THEN {{text_key}}
         ELSE (SELECT CASE WHEN v.stated = 1 THEN v.language ELSE '' END FROM revisions v
               WHERE v.release = o.release AND v.number = o.revision) END AS text_key,
    coalesce(w.early, w.compiled, t.compiled, x.compiled) AS compiled,
    a.email, j.first_name, j.last_name, j.outlet, j.language, j.state AS person_state,
    l.name AS list_name, l.title AS list_title, l.kind AS list_kind, j.source, j.source_date, j.phone,
    (SELECT s.reason FROM suppressions s WHERE s.hash = a.hash
        AND s.scope IN ('all', 'list:' || d.list,
        {{core.by_kind_of}} d.list)) ORDER BY s.scope LIMIT 1) AS suppressed_by,
    CASE WHEN EXISTS (
        SELECT 1 FROM distributions n JOIN deliveries e ON e.distribution = n.id
        WHERE n.notice = :notice AND n.state <> 'planning'
          AND e.journalist IN (d.journalist, j.id))
      THEN 1 ELSE 0 END AS told
FROM distributions x
JOIN deliveries d ON d.distribution = x.id
JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave
LEFT JOIN distribution_variants t ON t.distribution = w.distribution AND t.language = w.language
LEFT JOIN merged_journalists g ON g.journalist = d.journalist
JOIN journalists j ON j.id = coalesce(g.stays, d.journalist)
LEFT JOIN addresses a ON a.journalist = j.id
LEFT JOIN lists l ON l.id = d.list
LEFT JOIN embargo_offers f ON f.journalist = d.journalist AND f.delivery = d.id
    AND f.release = CASE WHEN x.kind = 'notice' AND x.notice IS NULL THEN x.release END
LEFT JOIN embargo_openings o ON o.release = f.release AND o.journalist = f.journalist
WHERE x.release = :release AND x.kind NOT IN ('test', 'digest') AND x.state <> 'planning'
    AND (d.state IN (3, 5) OR o.revision IS NOT NULL)
ORDER BY j.id, d.last_attempt_at, d.id, o.last_at

-- name: told
-- How many deliveries carry a notice, by state.
SELECT d.state, count(*) AS n FROM distributions n JOIN deliveries d ON d.distribution = n.id
WHERE n.notice = :notice AND n.state <> 'planning' GROUP BY d.state

-- name: distributions
SELECT id, state FROM distributions WHERE notice = :notice AND state <> 'planning' ORDER BY id

-- name: stopped
-- How many never get a release that was withdrawn.
SELECT count(*) AS n FROM distributions x JOIN deliveries d ON d.distribution = x.id
WHERE x.release = :release AND x.state = 'killed' AND x.kind <> 'notice' AND d.state = 8

-- name: in_corrected
-- How many are still to get a corrected text.
SELECT count(*) AS n FROM distributions x
JOIN waves w ON w.distribution = x.id AND w.revision = :revision
JOIN deliveries d ON d.distribution = w.distribution AND d.wave = w.id AND d.state IN (0, 1, 2)
WHERE x.release = :release

-- name: sent_texts
-- Each text of a release that some distribution has, or somebody opened behind a link: its language
-- ('' where none was stated) and revision.
SELECT CASE WHEN v.stated = 1 THEN v.language ELSE '' END AS language, x.revision AS number
FROM distributions x JOIN revisions v ON v.release = x.release AND v.number = x.revision
WHERE x.release = :release AND x.kind NOT IN ('test', 'notice', 'digest') AND x.state <> 'planning'
UNION
SELECT t.language, t.revision FROM distributions x
JOIN distribution_variants t ON t.distribution = x.id
WHERE x.release = :release AND x.kind NOT IN ('test', 'notice', 'digest') AND x.state <> 'planning'
UNION
SELECT n.language, n.revision FROM notices n WHERE n.release = :release AND n.revision IS NOT NULL
UNION
SELECT CASE WHEN v.stated = 1 THEN v.language ELSE '' END, o.revision FROM embargo_openings o
JOIN revisions v ON v.release = o.release AND v.number = o.revision WHERE o.release = :release
