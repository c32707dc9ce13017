-- Business settings and zones, feature flags, stored replies of Idempotency-Keys, leases.

CREATE SEQUENCE settings_seq;

-- Business settings. Every instance reads sum(seq) once a second and reads all settings again when it changed. The sum grows
-- with each change in any commit order; max(seq) would miss a smaller number that commits later. Rows are never deleted.
-- `reeyo migrate` writes the default of include/reeyo/domain/setting.h where a key has no row.
CREATE TABLE settings (
  key        text COLLATE "C" PRIMARY KEY,
  value      jsonb NOT NULL,
  seq        bigint NOT NULL DEFAULT nextval('settings_seq'),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text COLLATE "C"
);
CREATE TRIGGER settings_touched BEFORE UPDATE ON settings
  FOR EACH ROW EXECUTE FUNCTION settings_touched();

-- Delivery zones. Any change increments the setting `zones`, so that instances read them again.
CREATE TABLE zones (
  id                    text COLLATE "C" PRIMARY KEY,
  name                  text NOT NULL,
  country_code          text NOT NULL DEFAULT 'CM',
  polygon               jsonb NOT NULL CHECK (jsonb_array_length(polygon) >= 3),  -- [[lat,lng],…]
  delivery_fee_override bigint CHECK (delivery_fee_override >= 0),
  is_active             boolean NOT NULL DEFAULT true,
  created_at            timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER zones_changed AFTER INSERT OR UPDATE OR DELETE ON zones
  FOR EACH STATEMENT EXECUTE FUNCTION zones_changed();

-- Feature flags. Some are switches of the server itself: their value is a setting (flag_setting).
CREATE TABLE feature_flags (
  key          text COLLATE "C" PRIMARY KEY,
  enabled      boolean NOT NULL DEFAULT false,
  description  text NOT NULL DEFAULT '',
  rollout_pct  integer NOT NULL DEFAULT 100 CHECK (rollout_pct BETWEEN 0 AND 100),
  scope        text NOT NULL DEFAULT 'GLOBAL' CHECK (scope IN ('GLOBAL', 'COUNTRY')),
  country_code text,
  metadata     jsonb NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);
INSERT INTO feature_flags (key, description) VALUES
  ('service.food', 'Orders from restaurants'),
  ('service.mart', 'Orders from shops'),
  ('service.packages', 'Parcels'),
  ('delivery.verification_code', 'Riders need the customer''s code to complete a delivery'),
  ('enforce_business_hours', 'No orders outside a vendor''s business hours'),
  ('menu.approval_required', 'New items and prices wait for an admin');

-- Stored replies by Idempotency-Key: written by the statement that does the work, kept 24 hours.
CREATE TABLE idempotency (
  account_id  text COLLATE "C" NOT NULL,
  key         text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  status      integer NOT NULL,
  body        text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_created ON idempotency USING brin (created_at) WITH (autosummarize = on);

-- Leases for work that one instance does for all: the holder, the end of the lease unless renewed, and the position reached.
-- A row, not an advisory lock of a session: lanes reconnect, and a lock that is lost with the connection would let two
-- instances believe that they hold it.
CREATE TABLE leases (
  name     text COLLATE "C" PRIMARY KEY,
  holder   text COLLATE "C" NOT NULL DEFAULT '',
  until    timestamptz NOT NULL DEFAULT '-infinity',
  position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO leases (name) VALUES ('relay'), ('dispatch'), ('timers'), ('payments'), ('payouts'), ('messages'), ('webhooks');
