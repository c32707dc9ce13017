-- The instance that leads `messages` keeps in memory which messages it sends. So a message is updated once, when it has ended,
-- and no index has a column that changes while it waits.

-- Queued messages in the order in which they were made, for each channel and for broadcasts. Replaces two indexes. NULLS FIRST
-- distinguishes its order from that of the primary key, which also has the messages of a week that were sent: a statement that
-- orders by `id NULLS FIRST` can use this index only.
CREATE INDEX messages_queue ON messages (channel, bulk, id NULLS FIRST) WHERE state = 'QUEUED';
DROP INDEX messages_due;
DROP INDEX messages_open;

-- The messages that an instance is sending or about to send, one row for each instance. Another one does not send them before
-- the claim ends. An instance of the previous release claims a message by its tries and next_at.
CREATE TABLE message_claims (
  holder text COLLATE "C" PRIMARY KEY,   -- as in `leases`
  ids    bigint[] NOT NULL,
  until  timestamptz NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE message_claims ALTER COLUMN ids SET STORAGE MAIN;
