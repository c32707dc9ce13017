-- What the machinery keeps: events to send, answers to repeat, baskets just ordered, business settings.

-- Each change's event, written by its own statement; the relay publishes and removes them in order
-- of id. The payload names rows; what a consumer shows it reads when it sends.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  aggregate  text COLLATE "C" NOT NULL,   -- the id of what changed: order within it is kept
  type       text COLLATE "C" NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Answers by Idempotency-Key: written by the statement that does the work, kept 24 hours.
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

-- What a customer has just ordered: the same basket again within the window is a double tap.
CREATE TABLE baskets (
  user_id   text COLLATE "C" NOT NULL,
  basket    text COLLATE "C" NOT NULL,    -- a hash of what was ordered, from whom, to where
  placed_at timestamptz NOT NULL DEFAULT now(),
  order_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, basket)
) WITH (fillfactor = 70);
CREATE INDEX baskets_placed ON baskets USING brin (placed_at) WITH (autosummarize = on);

-- Business configuration. Every copy asks once a second for sum(seq), which grows with each change in
-- whatever order changes commit (a maximum would miss the later commit of an earlier number), and
-- reads everything again when it differs. Rows are never deleted.
CREATE SEQUENCE settings_seq;
CREATE TABLE settings (
  key        text COLLATE "C" PRIMARY KEY,
  value      jsonb NOT NULL,
  seq        bigint NOT NULL DEFAULT nextval('settings_seq'),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by text COLLATE "C"
);
CREATE FUNCTION settings_touched() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.seq := nextval('settings_seq');
  NEW.updated_at := now();
  RETURN NEW;
END $$;
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
  ('paymentMethods', '["WALLET", "CASH"]'),
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

-- Delivery zones. Any change raises the setting `zones`, so that copies read them again too.
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
CREATE FUNCTION zones_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE settings SET value = to_jsonb((value #>> '{}')::bigint + 1) WHERE key = 'zones';
  RETURN NULL;
END $$;
CREATE TRIGGER zones_changed AFTER INSERT OR UPDATE OR DELETE ON zones
  FOR EACH STATEMENT EXECUTE FUNCTION zones_changed();

-- The time zone in which business hours and "today" are meant.
CREATE FUNCTION business_zone() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT value #>> '{}' FROM settings WHERE key = 'time_zone'), 'Africa/Douala')
$$;
