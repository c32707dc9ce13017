-- Events: written to the outbox by the statement that makes a change, moved to `events` by the relay.

-- The event of each change, written by the statement of the change. The relay publishes and removes events in order of id. The
-- payload contains ids of rows; a consumer reads the rows when it needs them.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  aggregate  text COLLATE "C" NOT NULL,   -- id of the changed row; events of one aggregate stay in order
  type       text COLLATE "C" NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- The rooms that receive it: 'user:ID', 'vendor:ID', 'rider:ID', 'order:ID', 'admin', and the audiences 'users', 'vendors',
  -- 'riders'. An event without rooms goes only to the consumers of the stream.
  rooms      text[] COLLATE "C" NOT NULL DEFAULT '{}'
-- A row lives for some milliseconds: vacuum by number of rows, otherwise the start of the index fills with dead rows.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

-- Published events, in the order in which all subscribers receive them. Only the leading instance moves rows here from the
-- outbox, so ids grow in commit order and "id > last read" misses nothing. Kept 72 hours.
CREATE TABLE events (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  aggregate  text COLLATE "C" NOT NULL,
  type       text COLLATE "C" NOT NULL,
  rooms      text[] COLLATE "C" NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_rooms ON events USING gin (rooms);
CREATE INDEX events_created ON events USING brin (created_at) WITH (autosummarize = on);
