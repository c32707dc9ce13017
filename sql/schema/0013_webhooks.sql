-- Webhooks of partners: events are sent, signed and at least once, to addresses that admins register.

-- At most 50 (webhook_add). The secret is stored in plain text, because signing needs it. After a rotation the previous secrets
-- sign in addition until previous_until.
CREATE TABLE webhook_endpoints (
  id              text COLLATE "C" PRIMARY KEY,       -- whe_…
  url             text NOT NULL,
  description     text,
  event_types     text[] COLLATE "C" NOT NULL,
  vendor_id       text COLLATE "C",                   -- only events of this vendor
  secret          text NOT NULL,                      -- whsec_…
  previous_secrets text[] NOT NULL DEFAULT '{}',      -- newest first, at most 4
  previous_until  timestamptz,
  enabled         boolean NOT NULL DEFAULT true,
  disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('ADMIN', 'GONE', 'FAILING')),
  failing_since   timestamptz,                        -- no delivery has succeeded since
  created_by      text COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

-- One event for one endpoint, kept 30 days. The id is derived from both, so queueing it twice gives the same row; it is the
-- webhook-id by which the partner detects repeats. Taking a row sets next_at to the time after which the sender must have
-- failed, and increments tries, by which the sender's result finds the row.
CREATE TABLE webhook_deliveries (
  id           text COLLATE "C" PRIMARY KEY,          -- whd_…
  endpoint_id  text COLLATE "C" NOT NULL,
  event_id     bigint,                                -- NULL: a test
  type         text COLLATE "C" NOT NULL,
  payload      json NOT NULL,                         -- the body that is sent
  state        text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'DELIVERED', 'DEAD')),
  tries        integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL DEFAULT now(),
  busy_until   timestamptz,                           -- being sent until then
  last_status  integer,
  last_error   text,
  attempts     jsonb NOT NULL DEFAULT '[]',           -- the last 20: {"at","status","error"}
  said_at      timestamptz NOT NULL,                  -- time of the event
  created_at   timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_said ON webhook_deliveries (endpoint_id, said_at);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE state = 'QUEUED';
CREATE INDEX webhook_deliveries_busy ON webhook_deliveries (endpoint_id) WHERE busy_until IS NOT NULL;
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);
