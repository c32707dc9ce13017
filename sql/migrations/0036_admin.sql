-- The operations console: rows as its two generations read them (snake_case, every key always there), what an
-- admin decides about a rider's documents, feature flags, and the end of an account's sessions.

-- --- Words -----------------------------------------------------------------------------------------------

-- The console knows eight states and reads any other word as pending.
CREATE FUNCTION admin_status(status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE status WHEN 'ACCEPTED' THEN 'CONFIRMED' WHEN 'READY_FOR_PICKUP' THEN 'READY'
    WHEN 'RIDER_AT_PICKUP' THEN 'RIDER_ASSIGNED' WHEN 'RIDER_AT_DELIVERY' THEN 'IN_TRANSIT' ELSE status END
$$;
CREATE FUNCTION admin_vertical(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE kind WHEN 'FOOD' THEN 'food' WHEN 'MART' THEN 'grocery' ELSE 'parcel' END
$$;
-- Cash is unpaid until it is delivered.
CREATE FUNCTION admin_payment(o orders) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.payment_status IN ('PAID', 'REFUNDED') THEN o.payment_status
    WHEN o.payment_status = 'FAILED' THEN 'UNPAID' WHEN o.payment_method <> 'CASH' THEN 'PENDING'
    WHEN o.status = 'DELIVERED' THEN 'PAID' ELSE 'UNPAID' END
$$;
-- The old panel needs PENDING_APPROVAL; the new one reads "approv" in it, so only approval_status carries it.
CREATE FUNCTION admin_approval(status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE status WHEN 'PENDING' THEN 'PENDING_APPROVAL' ELSE status END
$$;

-- A rate of the settings, in basis points.
CREATE FUNCTION setting_bps(name text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT (value #>> '{}')::numeric::bigint FROM settings WHERE key = name), 0)
$$;
-- Rounded half up, as domain/money.c does.
CREATE FUNCTION money_share(amount bigint, bps bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (amount * bps + 5000) / 10000
$$;

-- --- Orders ------------------------------------------------------------------------------------------------

-- The split of domain/split.c: what the platform keeps as commission, and what the rider gets (a waived fee is
-- the platform's to pay).
CREATE FUNCTION order_commission(o orders) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0
    ELSE money_share(CASE o.order_type WHEN 'PACKAGE' THEN o.total ELSE o.subtotal END, o.commission_bps) END
$$;
CREATE FUNCTION order_rider_share(o orders) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0
    WHEN o.order_type = 'PACKAGE' THEN o.total - money_share(o.total, o.commission_bps)
    ELSE o.delivery_fee - money_share(o.delivery_fee, setting_bps('rider_cut_bps'))
      + o.funded_fee - money_share(o.funded_fee, setting_bps('rider_cut_bps')) END
$$;

-- The moment of pick-up is an entry of its own word; what an actor gave as a note is the reason of an end.
CREATE FUNCTION admin_timeline(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(concat('{"id":"', o.id, '-', t.n,
      '","status":', json_text(CASE t.e ->> 'status' WHEN 'IN_TRANSIT' THEN 'PICKED_UP'
        ELSE admin_status(t.e ->> 'status') END),
      ',"at":', json_text(t.e ->> 'timestamp'), ',"created_at":', json_text(t.e ->> 'timestamp'),
      ',"by":', json_text(t.e ->> 'by'),
      ',"reason":', json_text(CASE WHEN t.e ->> 'status' = 'CANCELLED' THEN t.e ->> 'note' END),
      ',"note":', json_text(t.e ->> 'note'), '}'), ',' ORDER BY t.n), '') || ']'
    FROM json_array_elements(o.timeline) WITH ORDINALITY t(e, n)
$$;

-- The unit price is that of the line, options and all.
CREATE FUNCTION admin_lines(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(concat('{"id":', json_text(l.e ->> 'itemId'),
      ',"name":', json_text(l.e ->> 'name'), ',"quantity":', coalesce(l.e ->> 'quantity', '1'),
      ',"unit_price":', coalesce(l.e ->> 'price', '0'),
      ',"total_price":', (l.e ->> 'price')::bigint * (l.e ->> 'quantity')::bigint,
      ',"options":', coalesce((SELECT '[' || string_agg(concat('{"name":', json_text((p.e ->> 'name')
          || CASE WHEN (p.e ->> 'quantity')::bigint > 1 THEN ' × ' || (p.e ->> 'quantity') ELSE '' END),
          ',"price":', (p.e ->> 'price')::bigint * coalesce((p.e ->> 'quantity')::bigint, 1), '}'), ',' ORDER BY p.n) || ']'
        FROM json_array_elements(l.e -> 'options') WITH ORDINALITY p(e, n)), '[]'),
      ',"note":', json_text(l.e ->> 'notes'), ',"image_url":', json_text(l.e ->> 'image'), '}'),
    ',' ORDER BY l.n), '') || ']'
    FROM json_array_elements(o.items) WITH ORDINALITY l(e, n)
$$;

CREATE FUNCTION admin_summary(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(o.package_details ->> 'description',
    (SELECT string_agg((l.e ->> 'quantity') || ' × ' || (l.e ->> 'name'), ', ' ORDER BY l.n)
       FROM json_array_elements(o.items) WITH ORDINALITY l(e, n)), '')
$$;

CREATE FUNCTION minutes_json(since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(round(extract(epoch FROM until - since) / 60)::bigint::text, 'null')
$$;

-- With its customer, vendor and rider, whom the statement joins: without subqueries it is one expression that inlines (a
-- list of 100 took 63 ms; 130 as a function of the order alone, which sets its subqueries up for each row).
CREATE FUNCTION admin_order_json(o orders, u users, v vendors, r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', o.id, '","order_number":"', o.order_number,
      '","status":"', admin_status(o.status), '","raw_status":"', o.status,
      '","vertical":"', admin_vertical(o.order_type), '"'),
    concat(',"user":{"id":"', o.user_id, '","name":', json_text(o.user_name),
      ',"phone":', json_text(o.user_phone), ',"email":', json_text(u.email),
      ',"address":', json_text(o.delivery_text), ',"address_note":', json_text(o.delivery_instructions),
      ',"lat":', o.delivery_lat, ',"lng":', o.delivery_lng, '}'),
    concat(',"vendor":', CASE WHEN v.id IS NULL THEN 'null'
        ELSE concat('{"id":"', v.id, '","business_name":', json_text(v.business_name),
          ',"name":', json_text(v.business_name), ',"phone":', json_text(v.phone),
          ',"address":', json_text(v.address), ',"lat":', v.lat, ',"lng":', v.lng, '}') END,
      ',"vendor_name":', json_text(o.vendor_name),
      ',"pickup":{"phone":', json_text(coalesce(o.pickup_address ->> 'contactPhone', v.phone)),
      ',"address":', json_text(o.pickup_text), ',"lat":', o.pickup_lat, ',"lng":', o.pickup_lng, '}'),
    concat(',"rider":', CASE WHEN r.id IS NULL THEN 'null'
        ELSE concat('{"id":"', r.id, '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)),
          ',"phone":', json_text(r.phone), ',"vehicle_type":', json_text(r.vehicle_type),
          ',"plate":', json_text(r.vehicle_details ->> 'plateNumber'),
          ',"photo_url":', json_text(r.profile_picture), '}') END,
      ',"rider_earnings":', order_rider_share(o)),
    concat(',"items_summary":', json_text(admin_summary(o)), ',"items":', admin_lines(o),
      ',"delivery_fee":', o.delivery_fee, ',"packaging_fee":0',
      ',"discount":', CASE WHEN o.discount > 0 THEN concat('{"code":null,"amount":', o.discount, '}') ELSE 'null' END,
      ',"surcharges":', CASE WHEN o.service_fee > 0
        THEN concat('[{"name":"Service fee","amount":', o.service_fee, '}]') ELSE '[]' END,
      ',"commission_amount":', order_commission(o),
      ',"total_amount":', o.total, ',"total":', o.total, ',"currency":"XAF"'),
    concat(',"payment_method":"', o.payment_method, '","payment_status":"', admin_payment(o),
      '","payment":{"status":"', admin_payment(o), '"}',
      ',"payment_reference":', json_text(o.payment_reference),
      ',"note":', json_text(o.notes), ',"special_instructions":', json_text(o.delivery_instructions),
      ',"vendor_address":', json_text(o.pickup_text), ',"delivery_address":', json_text(o.delivery_text)),
    concat(',"zone":', json_text(v.zone),
      ',"city":', json_text(coalesce(nullif(o.delivery_address ->> 'city', ''), v.city)),
      ',"region":', json_text(v.region), ',"distance_km":', round(o.distance::numeric, 2)),
    concat(',"created_at":', json_time(o.created_at), ',"estimated_delivery_at":', json_time(o.estimated_delivery_at),
      ',"estimated_delivery_mins":', minutes_json(o.created_at, o.estimated_delivery_at),
      ',"actual_delivery_mins":', minutes_json(o.created_at, o.delivered_at),
      ',"fulfilment_minutes":', minutes_json(o.created_at, o.delivered_at),
      ',"timeline":', admin_timeline(o), '}'))
$$;

-- --- Vendors -----------------------------------------------------------------------------------------------

CREATE FUNCTION admin_vendor_json(v vendors, detail boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', v.id, '","name":', json_text(v.business_name), ',"business_name":', json_text(v.business_name),
      ',"owner_name":', json_text(v.owner_name), ',"phone":', json_text(v.phone), ',"email":', json_text(v.email),
      ',"vertical":"', admin_vertical(v.service_type), '","category":', json_text(v.business_type),
      ',"address":', json_text(v.address), ',"city":', json_text(v.city), ',"zone":', json_text(v.zone),
      ',"region":', json_text(v.region), ',"latitude":', v.lat, ',"longitude":', v.lng),
    concat(',"orders":', v.total_orders, ',"total_orders":', v.total_orders, ',"total_revenue":', v.total_revenue,
      ',"average_rating":', mean_rating(v.rating_sum, v.total_ratings), ',"total_ratings":', v.total_ratings,
      ',"prep_minutes":', v.average_preparation_time, ',"average_prep_time":', v.average_preparation_time,
      ',"status":"', v.approval_status, '","approval_status":"', admin_approval(v.approval_status),
      '","rejection_reason":', json_text(v.rejected_reason),
      ',"commission_rate":', (coalesce(v.commission_bps,
        setting_bps('services.' || lower(v.service_type) || '.commissionBps'))::numeric / 10000)::float8),
    concat(',"featured":', json_flag(v.featured), ',"is_high_demand":', json_flag(v.is_high_demand),
      ',"badges":', array_to_json(v.badges), ',"is_online":', json_flag(v.is_online),
      ',"profile_image_url":', json_text(v.logo), ',"business_hours":', v.business_hours,
      ',"mobile_money_number":', json_text(coalesce(v.mobile_money_number, v.bank_details ->> 'mobileMoneyNumber')),
      ',"mobile_money_provider":', json_text(v.mobile_money_provider),
      ',"bank_name":', json_text(v.bank_details ->> 'bankName'),
      ',"bank_account_number":', json_text(v.bank_details ->> 'accountNumber'),
      ',"bank_account_name":', json_text(v.bank_details ->> 'accountName'),
      ',"country_code":', json_text(v.country_code), ',"created_at":', json_time(v.created_at)),
    CASE WHEN detail THEN concat(
      ',"stats":{"wallet_balance":', (SELECT coalesce(max(w.available), 0) FROM wallets w WHERE w.owner_id = v.id),
      ',"total_revenue_30d":', (SELECT coalesce(sum(o.subtotal), 0) FROM orders o
        WHERE o.vendor_id = v.id AND o.active IS FALSE AND o.status = 'DELIVERED'
          AND o.created_at > now() - interval '30 days'),
      ',"active_menu_items":', (SELECT count(*) FROM items i
        WHERE i.vendor_id = v.id AND i.deleted_at IS NULL AND i.available), '}') END,
    '}')
$$;

CREATE FUNCTION admin_item_json(i items) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', i.id, '","name":', json_text(i.name), ',"category":', json_text(i.category),
    ',"price":', i.price, ',"compare_at_price":', coalesce(i.original_price::text, 'null'),
    ',"stock":', coalesce(i.stock::text, 'null'), ',"add_ons":', i.add_ons,
    ',"is_available":', json_flag(i.available), ',"is_upsell":', json_flag(i.is_upsell),
    ',"image_url":', json_text(i.images[1]), '}')
$$;

-- --- Riders --------------------------------------------------------------------------------------------------

-- What was decided about a document. It holds for the very file it was decided on: a new one is pending again.
CREATE TABLE rider_documents (
  rider_id      text COLLATE "C" NOT NULL,
  document_type text COLLATE "C" NOT NULL
                CHECK (document_type IN ('NATIONAL_ID', 'DRIVERS_LICENSE', 'VEHICLE_REGISTRATION', 'PROFILE_PHOTO', 'INSURANCE')),
  url           text NOT NULL,
  status        text NOT NULL CHECK (status IN ('APPROVED', 'REJECTED')),
  reason        text,
  decided_by    text COLLATE "C" NOT NULL,
  decided_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (rider_id, document_type)
);

-- The documents that a rider has handed in.
CREATE FUNCTION rider_handed_in(r riders) RETURNS TABLE (n integer, document_type text, url text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT * FROM (VALUES (1, 'NATIONAL_ID', r.documents ->> 'idCardUrl'),
    (2, 'DRIVERS_LICENSE', r.documents ->> 'drivingLicenseUrl'),
    (3, 'VEHICLE_REGISTRATION', r.documents ->> 'vehicleRegistrationUrl'),
    (4, 'PROFILE_PHOTO', r.profile_picture),
    (5, 'INSURANCE', r.documents ->> 'insuranceUrl')) d(n, document_type, url)
   WHERE d.url IS NOT NULL
$$;

-- decided: rows of rider_documents that go before the table's (a statement does not see what it has just written).
CREATE FUNCTION admin_documents(r riders, decided rider_documents[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(concat('{"document_type":"', h.document_type,
      '","status":"', coalesce(f.status, k.status, 'PENDING'), '","url":', json_text(h.url),
      ',"reason":', json_text(CASE WHEN f.status IS NOT NULL THEN f.reason ELSE k.reason END), '}'),
    ',' ORDER BY h.n), '') || ']'
    FROM rider_handed_in(r) h
    LEFT JOIN unnest(decided) f ON f.document_type = h.document_type
    LEFT JOIN rider_documents k ON k.rider_id = r.id AND k.document_type = h.document_type AND k.url = h.url
$$;

-- What he carries is late when one of his orders should have been there by now.
CREATE FUNCTION admin_rider_state(r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM orders o WHERE o.rider_id = r.id AND o.active IS TRUE
      AND o.estimated_delivery_at < now()) THEN 'running late'
    WHEN r.active_orders > 0 THEN 'on a delivery' ELSE 'idle' END
$$;

-- What a rider owes: the cash he collected less what he handed in. Of the movements towards him few are hand-ins.
CREATE INDEX ledger_handed_in ON ledger (to_owner) WHERE to_kind = 'CASH';
CREATE FUNCTION rider_owes(rider text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT sum(amount) FROM ledger WHERE from_owner = rider AND from_kind = 'CASH'), 0)::bigint
    - coalesce((SELECT sum(amount) FROM ledger WHERE to_owner = rider AND to_kind = 'CASH'), 0)::bigint
$$;

CREATE FUNCTION admin_rider_json(r riders, decided rider_documents[] DEFAULT '{}') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', r.id, '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)),
      ',"first_name":', json_text(r.first_name), ',"last_name":', json_text(r.last_name),
      ',"phone":', json_text(r.phone), ',"email":', json_text(r.email),
      ',"status":"', r.approval_status, '","approval_status":"', admin_approval(r.approval_status),
      '","state":"', admin_rider_state(r), '","online_status":"', rider_availability(r), '"'),
    concat(',"vehicle_type":', json_text(r.vehicle_type),
      ',"vehicle_plate":', json_text(r.vehicle_details ->> 'plateNumber'),
      ',"city":', json_text(r.city), ',"zone":null,"region":null',
      ',"total_deliveries":', r.total_deliveries, ',"average_rating":', mean_rating(r.rating_sum, r.total_ratings),
      ',"owed":', rider_owes(r.id),
      ',"total_earnings":', (SELECT coalesce(max(w.total_earned), 0) FROM wallets w WHERE w.owner_id = r.id)),
    concat(',"current_latitude":', coalesce(r.lat::text, 'null'), ',"current_longitude":', coalesce(r.lng::text, 'null'),
      ',"id_type":', CASE WHEN r.documents ->> 'idCardUrl' IS NULL THEN 'null' ELSE '"NATIONAL_ID"' END,
      ',"id_image_url":', json_text(r.documents ->> 'idCardUrl'),
      ',"rejection_reason":', json_text(r.rejected_reason),
      ',"documents":', admin_documents(r, decided), ',"created_at":', json_time(r.created_at), '}'))
$$;

-- --- Users ---------------------------------------------------------------------------------------------------

CREATE FUNCTION admin_user_json(u users, detail boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', u.id, '","name":', json_text(btrim(u.first_name || ' ' || u.last_name)),
      ',"phone":', json_text(u.phone), ',"email":', json_text(u.email), ',"status":"', u.status,
      '","country_code":', json_text(u.country_code),
      ',"city":', (SELECT json_text(max(a.city)) FROM addresses a WHERE a.user_id = u.id AND a.is_default)),
    concat(',"orders":', s.orders, ',"total_orders":', s.orders, ',"total_spent":', s.spent,
      ',"last_order_at":', json_time(s.latest), ',"rating":null,"segment":null',
      ',"referral_code":', json_text(u.referral_code), ',"created_at":', json_time(u.created_at)),
    CASE WHEN detail THEN concat(',"stats":{"total_orders":', s.orders, ',"active_orders":', s.open,
      ',"wallet_balance":', (SELECT coalesce(max(w.available), 0) FROM wallets w WHERE w.owner_id = u.id),
      ',"currency":"XAF","reecoins_balance":0}') END,
    '}')
    FROM (SELECT count(*) AS orders, count(*) FILTER (WHERE o.active) AS open, max(o.created_at) AS latest,
            coalesce(sum(o.total) FILTER (WHERE o.status = 'DELIVERED'), 0) AS spent
            FROM orders o WHERE o.user_id = u.id) s
$$;

-- --- The end of an account's sessions ----------------------------------------------------------------------------

-- Ends every session of an account whose row the statement has taken, so that a log-in beside it is either seen
-- here or comes after. Gives their ids, comma separated and at most 200: the rest is read from revocations within a second.
CREATE FUNCTION account_end(account text, why text, access_life bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  life interval := make_interval(secs => access_life);
  ended text;
BEGIN
  WITH done AS (
    UPDATE sessions SET ended_at = now(), ended_why = why
     WHERE account_id = account AND ended_at IS NULL
    RETURNING id, refreshed_at
  ), told AS (
    INSERT INTO revocations (subject, before, expires_at)
    SELECT id, now() + interval '1 day', now() + life FROM done
     WHERE refreshed_at > now() - life - interval '1 minute'
    RETURNING subject
  )
  SELECT coalesce(string_agg(subject, ','), '') INTO ended FROM (SELECT subject FROM told LIMIT 200) t;
  INSERT INTO revocations (subject, before, expires_at) VALUES (account, now(), now() + life);
  DELETE FROM reset_tokens WHERE account_id = account;
  RETURN ended;
END $$;

-- --- Configuration -------------------------------------------------------------------------------------------

-- Feature flags. Some are switches of the server itself: their truth is a setting (flag_setting).
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

-- The setting that a flag switches, or NULL.
CREATE FUNCTION flag_setting(flag text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE flag WHEN 'service.food' THEN 'services.food.enabled' WHEN 'service.mart' THEN 'services.mart.enabled'
    WHEN 'service.packages' THEN 'services.packages.enabled' WHEN 'service.package' THEN 'services.packages.enabled'
    WHEN 'delivery.verification_code' THEN flag WHEN 'enforce_business_hours' THEN flag
    WHEN 'menu.approval_required' THEN flag WHEN 'maintenance' THEN 'maintenanceMode' END
$$;
CREATE FUNCTION flag_json(f feature_flags, enabled boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"key":', json_text(f.key), ',"enabled":', json_flag(enabled),
    ',"description":', json_text(f.description), ',"rollout_pct":', f.rollout_pct,
    ',"scope":', json_text(f.scope), ',"country_code":', json_text(f.country_code), ',"metadata":', f.metadata, '}')
$$;

CREATE FUNCTION zone_json(z zones) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', z.id, '","name":', json_text(z.name), ',"country_code":', json_text(z.country_code),
    ',"polygon":', z.polygon, ',"delivery_fee_override":', coalesce(z.delivery_fee_override::text, 'null'),
    ',"is_active":', json_flag(z.is_active), ',"created_at":', json_time(z.created_at), '}')
$$;

-- The configuration from settings as {"key": value, …}. Rates in basis points become fractions, those of the new
-- console's card (commission_rate, service_fee, rider_cut) and of the services percents.
CREATE FUNCTION config_json(s jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object(
    'commission_rate', (s -> 'services.food.commissionBps')::float8 / 100,
    'commission_rate_food', (s -> 'services.food.commissionBps')::float8 / 10000,
    'commission_rate_mart', (s -> 'services.mart.commissionBps')::float8 / 10000,
    'package_platform_fee', (s -> 'services.packages.commissionBps')::float8 / 10000,
    'service_fee', (s -> 'service_fee_bps')::float8 / 100,
    'rider_cut', (s -> 'rider_cut_bps')::float8 / 100,
    'delivery_fee_base', s -> 'delivery_fee_base',
    'base_delivery_fare', s -> 'delivery_fee_base',
    'delivery_fee_per_km', s -> 'delivery_fee_per_km',
    'free_delivery_threshold', s -> 'free_delivery_threshold',
    'min_order_amount', s -> 'min_order_amount',
    'max_order_amount', s -> 'max_order_amount',
    'rider_search_radius_m', s -> 'rider_search_radius_m',
    'delivery_max_distance_km', s -> 'delivery_max_distance_km',
    'maintenance_mode', s -> 'maintenanceMode',
    'min_payout', json_build_object('XAF', s -> 'min_payout.XAF', 'NGN', s -> 'min_payout.NGN',
      'KES', s -> 'min_payout.KES', 'GHS', s -> 'min_payout.GHS'),
    'services', json_build_object(
      'food', json_build_object('enabled', s -> 'services.food.enabled',
        'minOrderAmount', s -> 'services.food.minOrderAmount', 'deliveryFee', s -> 'services.food.deliveryFee',
        'commissionRate', (s -> 'services.food.commissionBps')::float8 / 100),
      'mart', json_build_object('enabled', s -> 'services.mart.enabled',
        'minOrderAmount', s -> 'services.mart.minOrderAmount', 'deliveryFee', s -> 'services.mart.deliveryFee',
        'commissionRate', (s -> 'services.mart.commissionBps')::float8 / 100),
      'packages', json_build_object('enabled', s -> 'services.packages.enabled',
        'baseFee', s -> 'services.packages.baseFee', 'feePerKm', s -> 'services.packages.feePerKm',
        'fragileFee', s -> 'services.packages.fragileFee', 'freeWeightKg', s -> 'services.packages.freeWeightKg',
        'feePerExtraKg', s -> 'services.packages.feePerExtraKg', 'maxWeight', s -> 'services.packages.maxWeight',
        'commissionRate', (s -> 'services.packages.commissionBps')::float8 / 100)),
    'settings', s - 'zones',
    'paymentMethods', s -> 'paymentMethods')::text
$$;
