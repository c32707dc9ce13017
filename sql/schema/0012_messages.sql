-- Messages to people: text messages, e-mails and push messages created by events and broadcasts. A row exists from its
-- creation until some days after the message was sent.

-- Messages of one recipient, channel and bulk are sent in order: a later row waits for an earlier one that is still QUEUED.
-- One-time codes are never stored here, because they are secret. Phones, addresses and device tokens are not stored either:
-- they are read when the message is sent.
CREATE TABLE messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- shown as msg_…
  event_id   bigint,                             -- NULL: a broadcast
  kind       text COLLATE "C" NOT NULL CHECK (kind IN ('USER', 'VENDOR', 'RIDER')),
  recipient  text COLLATE "C" NOT NULL,
  channel    text COLLATE "C" NOT NULL CHECK (channel IN ('SMS', 'MAIL', 'PUSH')),
  bulk       boolean NOT NULL DEFAULT false,     -- has its own order: neither waits for other messages nor delays them
  template   text COLLATE "C" NOT NULL,          -- of config/messages
  params     json NOT NULL DEFAULT '{}',         -- parameters of the template
  data       json,                               -- data of a push message for the app
  language   text COLLATE "C" NOT NULL,
  state      text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'DEAD', 'SKIPPED')),
  tries      integer NOT NULL DEFAULT 0,
  next_at    timestamptz NOT NULL DEFAULT now(), -- QUEUED: not before; while being sent: when it is taken again unless it ends
  until      timestamptz NOT NULL,               -- not sent after this time
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at    timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX messages_due ON messages (channel, bulk, next_at) WHERE state = 'QUEUED';
CREATE INDEX messages_open ON messages (recipient, channel, bulk, id) WHERE state = 'QUEUED';
CREATE INDEX messages_dead ON messages (id) WHERE state = 'DEAD';
CREATE INDEX messages_created ON messages USING brin (created_at) WITH (autosummarize = on);

-- Messages of admins to many accounts, until each account with a device has its row in `messages`. Rows are created in pages,
-- by id, so that the duration of a statement does not depend on the number of accounts.
CREATE TABLE broadcasts (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text COLLATE "C" NOT NULL CHECK (kind IN ('USER', 'VENDOR', 'RIDER')),
  ids        text[],                             -- only these accounts; NULL: all
  country    text,                               -- only of this country; NULL: any
  params     json NOT NULL,                      -- title and body
  data       json,
  position   text COLLATE "C" NOT NULL DEFAULT '', -- accounts up to this id have their row
  done       boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX broadcasts_open ON broadcasts (id) WHERE NOT done;
