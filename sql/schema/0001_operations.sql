-- Business settings and zones, feature flags, stored replies of Idempotency-Keys, leases.

CREATE SEQUENCE settings_seq;

-- Business settings. Every instance reads sum(seq) once a second and reads all settings again when it changed. The sum grows
-- with each change in any commit order; max(seq) would miss a smaller number that commits later. Rows are never deleted.
CREATE TABLE settings (
  key        text COLLATE "C" PRIMARY KEY,
  value      jsonb NOT NULL,
  seq        bigint NOT NULL DEFAULT nextval('settings_seq'),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text COLLATE "C"
);
CREATE TRIGGER settings_touched BEFORE UPDATE ON settings
  FOR EACH ROW EXECUTE FUNCTION settings_touched();
-- Money in XAF, rates in basis points, distances as named.
INSERT INTO settings (key, value) VALUES
  ('services.food.enabled', 'true'),
  ('services.food.minOrderAmount', '2000'),
  ('services.food.deliveryFee', '1500'),
  ('services.food.commissionBps', '1500'),
  ('services.mart.enabled', 'false'),
  ('services.mart.minOrderAmount', '5000'),
  ('services.mart.deliveryFee', '2000'),
  ('services.mart.commissionBps', '1000'),
  ('services.packages.enabled', 'false'),
  ('services.packages.baseFee', '2000'),
  ('services.packages.feePerKm', '500'),
  ('services.packages.fragileFee', '1000'),
  ('services.packages.freeWeightKg', '10'),
  ('services.packages.feePerExtraKg', '200'),
  ('services.packages.maxWeight', '50'),
  ('services.packages.commissionBps', '2000'),
  ('paymentMethods', '["WALLET", "MOBILE_MONEY", "CASH", "CARD"]'),
  ('delivery_fee_mode', '"distance"'),
  ('delivery_fee_base', '1000'),
  ('delivery_fee_per_km', '200'),
  ('free_delivery_threshold', '10000'),
  ('platform_funds_free_delivery', 'true'),
  ('delivery_max_distance_km', '50'),
  ('service_fee_bps', '0'),
  ('rider_cut_bps', '0'),
  ('min_order_amount', '500'),
  ('max_order_amount', '500000'),
  ('max_topup_amount', '500000'),
  ('min_payout.XAF', '5000'),
  ('payout_fee.rider', '200'),
  ('payout_fee.vendor', '0'),
  ('rider_search_radius_m', '5000'),
  ('rider_list_radius_km', '10'),
  ('delivery.verification_code', 'false'),
  ('enforce_business_hours', 'false'),
  ('menu.approval_required', 'false'),
  ('order_accept_minutes', '30'),
  ('maintenanceMode', 'false'),
  ('time_zone', '"Africa/Douala"'),
  ('version', '"1.0.0"'),
  ('zones', '0');

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
