-- Messages to people: text messages, e-mails and push messages that events and broadcasts make, each a row from when it
-- is owed until some days after it was sent.

-- Order is kept for each recipient, channel and bulk: a later row waits for an earlier one that is still QUEUED. One-time
-- codes never come here, they are secrets. Phones, addresses and device tokens do not either: they are read when it is sent.
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
) WITH (fillfactor = 80);
CREATE INDEX messages_due ON messages (channel, bulk, next_at) WHERE state = 'QUEUED';
CREATE INDEX messages_open ON messages (recipient, channel, bulk, id) WHERE state = 'QUEUED';
CREATE INDEX messages_dead ON messages (id) WHERE state = 'DEAD';
CREATE INDEX messages_created ON messages USING brin (created_at) WITH (autosummarize = on);
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

-- What admins tell many, until a row of messages stands for each who has a device: page by page, in the order of their ids, so
-- that no statement's length depends on how many there are.
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

-- Whether somebody is one of those whom a broadcast is for.
CREATE FUNCTION broadcast_means(status text, id text, country_code text, ids text[], country text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT status = 'ACTIVE' AND (ids IS NULL OR id = ANY (ids)) AND (country IS NULL OR country_code = upper(country))
$$;

-- Who makes messages of events, and up to which event that is done. What was said hours before there were messages is
-- nobody's news any more.
INSERT INTO leases (name, position)
SELECT 'messages', coalesce(max(e.id), 0) FROM events e WHERE e.created_at < now() - interval '6 hours';

-- Where a message goes: of PUSH the devices' tokens. NULL: nowhere.
CREATE FUNCTION message_address(kind text, recipient text, channel text) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT CASE channel
    WHEN 'SMS' THEN (SELECT to_json(ARRAY[a.phone]) FROM accounts a
      WHERE a.kind = message_address.kind AND a.id = recipient AND a.standing <> 'DELETED')
    WHEN 'MAIL' THEN (SELECT to_json(ARRAY[a.email]) FROM accounts a
      WHERE a.kind = message_address.kind AND a.id = recipient AND a.email IS NOT NULL AND a.standing <> 'DELETED')
    ELSE (SELECT json_agg(d.token ORDER BY d.updated_at DESC) FROM device_tokens d
      WHERE d.account_id = recipient AND d.role = message_address.kind) END
$$;

-- A message as admins see it: nothing of what it says.
CREATE FUNCTION message_json(m messages) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":"msg_' || m.id || '","event_id":' || coalesce('"' || m.event_id || '"', 'null')
    || ',"recipient_type":"' || m.kind || '","recipient_id":' || json_word(m.recipient)
    || ',"channel":"' || m.channel || '","template":"' || m.template || '","language":"' || m.language
    || '","status":"' || m.state || '","tries":' || m.tries || ',"next_at":'
    || CASE m.state WHEN 'QUEUED' THEN json_time(m.next_at) ELSE 'null' END
    || ',"last_error":' || json_text(m.last_error) || ',"created_at":' || json_time(m.created_at)
    || ',"sent_at":' || json_time(m.sent_at) || '}'
$$;
