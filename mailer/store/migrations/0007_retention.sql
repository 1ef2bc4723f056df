-- What is kept for how long.

-- When what the messages of a distribution said of people began to be removed, past its retention.
-- What is not certain yet may still be there.
ALTER TABLE distributions ADD COLUMN messages_gone_at BIGINT;

-- What an officer has handed over, to be done by any machine: an import or an export. Its bytes
-- travel through the store. state: arriving (its bytes are being written), queued, running, done,
-- failed or cancelled. asked, result: JSON. taker: who does it now; each taking has a number of its
-- own, so that nobody who was taken for gone can write anything. tries: how often it was begun.
CREATE TABLE errands (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    asked TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    host TEXT,
    taker BIGINT,
    tries INTEGER NOT NULL,
    result TEXT
);
CREATE INDEX errands_open ON errands (id) WHERE state IN ('queued', 'running');

-- name: "in", what was handed over; "out", what came of it. Each part is compressed by itself.
CREATE TABLE errand_parts (
    errand BIGINT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (errand, name, number)
) {clustered};
