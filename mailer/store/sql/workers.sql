-- Workers: what senders tell each other of themselves through the store.

-- name: publish
UPDATE workers SET share = :share WHERE id = :id

-- name: block
UPDATE workers SET blocked = :reason WHERE id = :id AND left_at IS NULL

-- name: of_others
-- Senders of which something was heard since an instant, this one left out.
SELECT id, host, name, share, config_digest, lease_at, blocked FROM workers
WHERE left_at IS NULL AND lease_at > :since AND id <> :id ORDER BY id

-- name: all_present
SELECT id, host, name, journal, config_digest, lease_at, blocked FROM workers
WHERE left_at IS NULL ORDER BY host, id

-- name: schema
SELECT coalesce(max(number), 0) AS number FROM migrations
