-- How officers mapped the columns of list files.

-- One row for each set of column names, whatever their order; header: SHA-256 of the folded names,
-- sorted; columns: field to column name, JSON; file: the last one that was read so.
CREATE TABLE column_maps (
    header TEXT PRIMARY KEY,
    columns TEXT NOT NULL,
    file TEXT NOT NULL,
    actor TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
