-- Messages to people: text messages, e-mails and push messages that events and broadcasts make, each a row from when it
-- is owed until some days after it was sent.

-- Order is kept for each recipient, channel and bulk: a later row waits for an earlier one that is still QUEUED.
-- One-time codes never come here, they are secrets. Phones, addresses and device tokens do not either: they are read
-- when it is sent.
CREATE TABLE messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- shown as msg_…
  event_id   bigint,                             -- NULL: a broadcast
  kind       text COLLATE "C" NOT NULL CHECK (kind IN ('USER', 'VENDOR', 'RIDER')),
  recipient  text COLLATE "C" NOT NULL,
  channel    text COLLATE "C" NOT NULL CHECK (channel IN ('SMS', 'MAIL', 'PUSH')),
  bulk       boolean NOT NULL DEFAULT false,     -- waits behind nobody's own messages, and nobody's behind it
  template   text COLLATE "C" NOT NULL,          -- of config/messages
  params     json NOT NULL DEFAULT '{}',         -- the words of its texts
  data       json,                               -- what a push carries for the app
  language   text COLLATE "C" NOT NULL,
  state      text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'DEAD', 'SKIPPED')),
  tries      integer NOT NULL DEFAULT 0,
  next_at    timestamptz NOT NULL DEFAULT now(), -- QUEUED: not before; while it is being sent: taken again when nobody ends it
  until      timestamptz NOT NULL,               -- of no use afterwards
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at    timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX messages_due ON messages (channel, bulk, next_at) WHERE state = 'QUEUED';
CREATE INDEX messages_open ON messages (recipient, channel, bulk, id) WHERE state = 'QUEUED';
CREATE INDEX messages_dead ON messages (id) WHERE state = 'DEAD';
CREATE INDEX messages_created ON messages USING brin (created_at) WITH (autosummarize = on);

-- What admins tell many, until a row of messages stands for each who has a device: page by page, in the order of their
-- ids, so that no statement's length depends on how many there are.
CREATE TABLE broadcasts (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text COLLATE "C" NOT NULL CHECK (kind IN ('USER', 'VENDOR', 'RIDER')),
  ids        text[],                             -- only these; NULL: all
  country    text,                               -- only of this one; NULL: of any
  params     json NOT NULL,                      -- title and body
  data       json,
  position   text COLLATE "C" NOT NULL DEFAULT '', -- accounts up to this one have their row
  done       boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX broadcasts_open ON broadcasts (id) WHERE NOT done;
