-- Jobs: looks into Procrastinate's tables, on PostgreSQL only.

-- name: takers
SELECT count(*) AS n FROM procrastinate_workers
WHERE last_heartbeat > now() - make_interval(secs => :silence)

-- name: waiting
SELECT queueing_lock AS once FROM procrastinate_jobs
WHERE status = 'todo' AND queueing_lock IS NOT NULL
