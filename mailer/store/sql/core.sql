-- What every topic needs: ids, the control version, the newsroom's own facts, events.

-- name: next_ids
INSERT INTO counters (name, value) VALUES (:name, :count)
ON CONFLICT (name) DO UPDATE SET value = counters.value + :count
RETURNING value

-- name: server_now
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now

-- name: control_version
SELECT version FROM control WHERE id = 1

-- name: raise_control
UPDATE control SET version = version + 1 WHERE id = 1

-- name: raise_control@postgresql
-- Senders that listen are told at the commit.
WITH raised AS (UPDATE control SET version = version + 1 WHERE id = 1 RETURNING version)
SELECT pg_notify('mailer_control', version::text) FROM raised

-- name: get_fact
SELECT value FROM facts WHERE name = :name

-- name: set_fact
INSERT INTO facts (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = :value

-- name: set_fact_once
INSERT INTO facts (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING

-- name: drop_fact
DELETE FROM facts WHERE name = :name

-- name: unfinished
-- What is under way, or was when somebody died.
SELECT (SELECT count(*) FROM deliveries WHERE state = 1) AS claimed,
    (SELECT count(*) FROM imports WHERE state IN ('staging', 'applying', 'undoing')) AS imports,
    (SELECT count(*) FROM distributions WHERE state = 'planning') AS plans

-- name: add_event
INSERT INTO events (at, kind, actor, distribution, delivery, journalist, data)
VALUES (:at, :kind, :actor, :distribution, :delivery, :journalist, :data)

-- name: add_events
INSERT INTO events (at, kind, actor, distribution, delivery, journalist, data)
VALUES (:at, :kind, :actor, :distribution, :delivery, :journalist, :data)

-- name: add_events@postgresql
COPY events (at, kind, actor, distribution, delivery, journalist, data) FROM STDIN

-- name: applied_migrations
SELECT number FROM migrations ORDER BY number

-- name: record_migration
INSERT INTO migrations (number, name, at) VALUES (:number, :name, :at)

-- name: touch
INSERT INTO audience_blocks (kind, block, version) VALUES (:kind, :block, :version)
ON CONFLICT (kind, block) DO UPDATE SET version = :version

-- name: sending
-- Whether anything is being sent, or is about to be.
SELECT CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE state = 1)
    OR EXISTS (SELECT 1 FROM waves WHERE state = 'sending') THEN 1 ELSE 0 END AS busy

-- name: backed_up
SELECT at FROM events WHERE kind = 'backed_up' ORDER BY id

-- name: by_kind_of
-- Which scope beside 'all' and its own stops a list: 'office' ends mail on every list that the
-- journalist did not choose himself. The list's id and two brackets follow.
(SELECT CASE WHEN max(kind) = 'topic' THEN '' ELSE 'office' END FROM lists WHERE id =
