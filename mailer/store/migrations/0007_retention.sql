-- What is kept for how long.

-- When what the messages of a distribution said of people began to be removed, past its retention.
-- What is not certain yet may still be there.
ALTER TABLE distributions ADD COLUMN messages_gone_at BIGINT;
