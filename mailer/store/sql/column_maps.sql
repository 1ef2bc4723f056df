-- How officers mapped the columns of list files.

-- name: get
SELECT columns, file, actor, updated_at FROM column_maps WHERE header = :header

-- name: keep
INSERT INTO column_maps (header, columns, file, actor, updated_at)
VALUES (:header, :columns, :file, :actor, :now)
ON CONFLICT (header) DO UPDATE SET columns = :columns, file = :file, actor = :actor,
    updated_at = :now

-- name: forget
DELETE FROM column_maps WHERE header = :header
