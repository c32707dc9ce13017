-- Webhooks of partners: events go out to addresses that admins register, signed, at least once.

-- At most 50 (webhook_add). The secret is kept as it is: signing needs it. After a rotation those before sign beside it
-- until previous_until.
CREATE TABLE webhook_endpoints (
  id              text COLLATE "C" PRIMARY KEY,       -- whe_…
  url             text NOT NULL,
  description     text,
  event_types     text[] COLLATE "C" NOT NULL,
  vendor_id       text COLLATE "C",                   -- only what concerns this vendor
  secret          text NOT NULL,                      -- whsec_…
  previous_secrets text[] NOT NULL DEFAULT '{}',      -- newest first, at most 4
  previous_until  timestamptz,
  enabled         boolean NOT NULL DEFAULT true,
  disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('ADMIN', 'GONE', 'FAILING')),
  failing_since   timestamptz,                        -- nothing has arrived since
  created_by      text COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

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
