-- Webhooks of partners: what is said goes out to addresses that admins register, signed, at least once.

-- --- Who is told -------------------------------------------------------------------------------------------

-- At most 50 (webhook_add). The secret is kept as it is: signing needs it. After a rotation the one before signs
-- beside it until previous_until.
CREATE TABLE webhook_endpoints (
  id              text COLLATE "C" PRIMARY KEY,       -- whe_…
  url             text NOT NULL,
  description     text,
  event_types     text[] COLLATE "C" NOT NULL,
  vendor_id       text COLLATE "C",                   -- only what concerns this vendor
  secret          text NOT NULL,                      -- whsec_…
  previous_secret text,
  previous_until  timestamptz,
  enabled         boolean NOT NULL DEFAULT true,
  disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('ADMIN', 'GONE', 'FAILING')),
  failing_since   timestamptz,                        -- nothing has arrived since
  created_by      text COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

-- --- What they are told ------------------------------------------------------------------------------------

-- One event for one endpoint, kept 30 days. The id follows from both, so whoever queues it again queues the same one;
-- it is the webhook-id by which the partner knows a repeat. Taking a row moves next_at to when the taker must be dead
-- and raises tries, by which his outcome finds it.
CREATE TABLE webhook_deliveries (
  id           text COLLATE "C" PRIMARY KEY,          -- whd_…
  endpoint_id  text COLLATE "C" NOT NULL,
  event_id     bigint,                                -- NULL: a test
  type         text COLLATE "C" NOT NULL,
  payload      json NOT NULL,                         -- the body, as it is sent
  state        text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'DELIVERED', 'DEAD')),
  tries        integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL DEFAULT now(),
  busy_until   timestamptz,                           -- under way
  last_status  integer,
  last_error   text,
  attempts     jsonb NOT NULL DEFAULT '[]',           -- the last 20: {"at","status","error"}
  said_at      timestamptz NOT NULL,                  -- of the event
  created_at   timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_said ON webhook_deliveries (endpoint_id, said_at);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE state = 'QUEUED';
CREATE INDEX webhook_deliveries_busy ON webhook_deliveries (endpoint_id) WHERE busy_until IS NOT NULL;
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- Begins with what is said from now on.
INSERT INTO leases (name, position) SELECT 'webhooks', coalesce(max(id), 0) FROM events;

CREATE FUNCTION webhook_delivery_id(endpoint text, event bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'whd_' || md5(endpoint || '.' || event)
$$;

CREATE FUNCTION webhook_body(type text, said_at timestamptz, data text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"type":', json_word(type), ',"timestamp":', json_time(said_at), ',"data":', data, '}')::json
$$;

-- Whether an event is an endpoint's: of its types, and said to its vendor or about it.
CREATE FUNCTION webhook_wants(w webhook_endpoints, e events) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.type = ANY (w.event_types) AND (w.vendor_id IS NULL OR e.rooms @> ARRAY['vendor:' || w.vendor_id]
    OR e.payload ->> 'vendorId' = w.vendor_id)
$$;

-- --- As admins see them ------------------------------------------------------------------------------------

CREATE FUNCTION webhook_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', w.id, '","url":', json_text(w.url), ',"description":', json_text(w.description),
    ',"event_types":', to_json(w.event_types), ',"vendor_id":', json_text(w.vendor_id),
    ',"secret_prefix":', json_text(left(w.secret, 10)), ',"previous_secret_until":',
    json_time(CASE WHEN w.previous_until > now() THEN w.previous_until END), ',"enabled":', json_flag(w.enabled),
    ',"disabled_reason":', json_text(w.disabled_reason), ',"failing_since":', json_time(w.failing_since),
    ',"created_by":', json_text(w.created_by), ',"created_at":', json_time(w.created_at),
    ',"updated_at":', json_time(w.updated_at), '}')
$$;

-- The same with its secret, shown when that is new.
CREATE FUNCTION webhook_secret_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(left(webhook_json(w), -1), ',"secret":', json_text(w.secret), '}')
$$;

CREATE FUNCTION webhook_delivery_json(d webhook_deliveries) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', d.id, '","webhook_id":"', d.endpoint_id, '","event_id":', coalesce(d.event_id::text, 'null'),
    ',"type":', json_text(d.type), ',"state":"', d.state, '","tries":', d.tries, ',"next_at":',
    json_time(CASE d.state WHEN 'QUEUED' THEN d.next_at END), ',"last_status":', coalesce(d.last_status::text, 'null'),
    ',"last_error":', json_text(d.last_error), ',"attempts":', d.attempts, ',"payload":', d.payload,
    ',"said_at":', json_time(d.said_at), ',"created_at":', json_time(d.created_at), ',"delivered_at":',
    json_time(d.delivered_at), '}')
$$;

-- The statement admin_webhook_add: see there. Registering waits for whoever registers another, so that there are
-- never more than 50.
CREATE FUNCTION webhook_add(its_id text, its_url text, its_description text, types text[], vendor text,
  its_secret text, admin text) RETURNS webhook_endpoints
LANGUAGE plpgsql AS $$
DECLARE
  w webhook_endpoints;
BEGIN
  PERFORM FROM leases l WHERE l.name = 'webhooks' FOR NO KEY UPDATE;
  IF (SELECT count(*) FROM webhook_endpoints) >= 50 THEN
    PERFORM fail('CONFLICT', 'webhooks');
  END IF;
  INSERT INTO webhook_endpoints (id, url, description, event_types, vendor_id, secret, created_by)
  VALUES (its_id, its_url, its_description, types, vendor, its_secret, admin)
  RETURNING * INTO w;
  RETURN w;
END $$;
