-- Events: written to the outbox by the statement that makes a change, moved to `events` by the relay.

-- Each change's event, written by its own statement; the relay publishes and removes them in order
-- of id. The payload names rows; what a consumer shows it reads when it sends.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  aggregate  text COLLATE "C" NOT NULL,   -- the id of what changed: order within it is kept
  type       text COLLATE "C" NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Which rooms get it: 'user:ID', 'vendor:ID', 'rider:ID', 'order:ID', 'admin', and the audiences 'users', 'vendors',
  -- 'riders'. A row without rooms goes to the consumers of the stream only.
  rooms      text[] COLLATE "C" NOT NULL DEFAULT '{}'
-- Each row lives for some milliseconds: vacuum by number, or the index's beginning fills with dead rows.
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

-- What was published, in the order in which everybody gets it. The one leading instance moves rows here from the
-- outbox, so ids grow in the order of commit and "id > last read" misses nothing. Kept 72 hours.
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
