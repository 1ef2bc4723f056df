-- Workers: what senders tell each other of themselves through the store.

-- name: publish
UPDATE workers SET share = :share WHERE id = :id

-- name: block
UPDATE workers SET blocked = :reason WHERE id = :id AND left_at IS NULL

-- name: of_others
-- Senders of which something was heard since an instant, this one left out.
SELECT id, host, name, share, lease_at, blocked FROM workers
WHERE left_at IS NULL AND lease_at > :since AND id <> :id ORDER BY id

-- name: other_digests
-- Configurations that others send with: living senders but this one, and other machines.
SELECT host, config_digest FROM workers
WHERE left_at IS NULL AND lease_at > :since AND id <> :id
UNION
SELECT host, config_digest FROM machines WHERE seen_at > :since AND host <> :host
ORDER BY host

-- name: heard_of
-- When something was last heard of each machine and sender there is. A journal is a sender's.
SELECT host, lease_at AS heard_at, journal, blocked FROM workers WHERE left_at IS NULL
UNION ALL
SELECT host, seen_at, '', blocked FROM machines
ORDER BY host, heard_at

-- name: machine_seen
INSERT INTO machines (host, config_digest, seen_at, blocked)
VALUES (:host, :digest, :now, :blocked)
ON CONFLICT (host) DO UPDATE SET config_digest = :digest, seen_at = :now, blocked = :blocked

-- name: machine_left
DELETE FROM machines WHERE host = :host

-- name: forget_machines
DELETE FROM machines WHERE seen_at < :long_ago

-- name: schema
SELECT coalesce(max(number), 0) AS number FROM migrations
