-- Rows of the admin namespace as both generations of the console read them (snake_case, every key always present).

-- --- Audit --------------------------------------------------------------------------------------------

-- Adds the audit row of an admin's write, in the transaction of that write. audit: {"adminId","act","details","requestId"}, made
-- by the server from the route's row (src/api/admin/audit.c); NULL, of a caller who is not an admin, adds nothing. details replaces
-- those of the entry. Returns the id of the row.
CREATE OR REPLACE FUNCTION admin_audit_add(audit jsonb, subject text, details jsonb DEFAULT NULL) RETURNS bigint
LANGUAGE sql AS $$
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT audit ->> 'adminId', audit ->> 'act', admin_audit_add.subject,
         coalesce(admin_audit_add.details, audit -> 'details', '{}'), audit ->> 'requestId'
   WHERE audit IS NOT NULL
  RETURNING id
$$;

-- --- Words --------------------------------------------------------------------------------------------

-- The console has eight statuses and reads any other word as pending.
CREATE OR REPLACE FUNCTION admin_order_status(status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE status WHEN 'ACCEPTED' THEN 'CONFIRMED' WHEN 'READY_FOR_PICKUP' THEN 'READY'
    WHEN 'RIDER_AT_PICKUP' THEN 'RIDER_ASSIGNED' WHEN 'RIDER_AT_DELIVERY' THEN 'IN_TRANSIT' ELSE status END
$$;

-- The console's word for a type of order or vendor.
CREATE OR REPLACE FUNCTION admin_vertical(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE kind WHEN 'FOOD' THEN 'food' WHEN 'MART' THEN 'grocery' ELSE 'parcel' END
$$;

-- A cash order is unpaid until it is delivered.
CREATE OR REPLACE FUNCTION admin_payment_status(o orders) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.payment_status IN ('PAID', 'REFUNDED') THEN o.payment_status
    WHEN o.payment_status = 'FAILED' THEN 'UNPAID' WHEN o.payment_method <> 'CASH' THEN 'PENDING'
    WHEN o.status = 'DELIVERED' THEN 'PAID' ELSE 'UNPAID' END
$$;

-- The payment method, with the mobile money operator when it is known.
CREATE OR REPLACE FUNCTION admin_payment_method(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.payment_method <> 'MOBILE_MONEY' THEN o.payment_method
    ELSE coalesce((SELECT CASE i.operator WHEN 'MTN' THEN 'MTN_MOMO' WHEN 'ORANGE' THEN 'ORANGE_MONEY' END
      FROM payment_intents i WHERE i.order_id = o.id), 'MOBILE_MONEY') END
$$;

-- The old console needs PENDING_APPROVAL. The new one reads "approv" in it, so only approval_status carries it.
CREATE OR REPLACE FUNCTION admin_approval(status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE status WHEN 'PENDING' THEN 'PENDING_APPROVAL' ELSE status END
$$;

-- --- Orders -------------------------------------------------------------------------------------------

-- The pick-up is shown as PICKED_UP. The note of a cancellation is shown as its reason.
CREATE OR REPLACE FUNCTION admin_timeline(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(concat('{"id":"', o.id, '-', t.n,
      '","status":', json_text(CASE t.e ->> 'status' WHEN 'IN_TRANSIT' THEN 'PICKED_UP'
        ELSE admin_order_status(t.e ->> 'status') END),
      ',"at":', json_text(t.e ->> 'timestamp'), ',"created_at":', json_text(t.e ->> 'timestamp'),
      ',"by":', json_text(t.e ->> 'by'),
      ',"reason":', json_text(CASE WHEN t.e ->> 'status' = 'CANCELLED' THEN t.e ->> 'note' END),
      ',"note":', json_text(t.e ->> 'note'), '}'), ',' ORDER BY t.n), '') || ']'
    FROM json_array_elements(o.timeline) WITH ORDINALITY t(e, n)
$$;

-- The unit price includes the options.
CREATE OR REPLACE FUNCTION admin_order_lines(o orders) RETURNS text
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

-- The items of an order in one line.
CREATE OR REPLACE FUNCTION admin_items_summary(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(o.package_details ->> 'description',
    (SELECT string_agg((l.e ->> 'quantity') || ' × ' || (l.e ->> 'name'), ', ' ORDER BY l.n)
       FROM json_array_elements(o.items) WITH ORDINALITY l(e, n)), '')
$$;

-- The statement joins the customer, vendor and rider. Without subqueries the function is one expression that PostgreSQL inlines:
-- a list of 100 took 63 ms, and 130 ms as a function of the order alone, which initialises its subqueries for each row.
CREATE OR REPLACE FUNCTION admin_order_json(o orders, u users, v vendors, r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', o.id, '","order_number":"', o.order_number,
      '","status":"', admin_order_status(o.status), '","raw_status":"', o.status,
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
      ',"rider_earnings":', order_rider_earnings(o)),
    concat(',"items_summary":', json_text(admin_items_summary(o)), ',"items":', admin_order_lines(o),
      ',"delivery_fee":', o.delivery_fee, ',"packaging_fee":0',
      ',"discount":', CASE WHEN o.discount > 0 THEN concat('{"code":null,"amount":', o.discount, '}') ELSE 'null' END,
      ',"surcharges":', CASE WHEN o.service_fee > 0
        THEN concat('[{"name":"Service fee","amount":', o.service_fee, '}]') ELSE '[]' END,
      ',"commission_amount":', order_commission(o),
      ',"total_amount":', o.total, ',"total":', o.total, ',"currency":"XAF"'),
    concat(',"payment_method":"', admin_payment_method(o), '","payment_status":"', admin_payment_status(o),
      '","payment":{"status":"', admin_payment_status(o), '"}',
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
      ',"attention":', json_word(o.attention), ',"timeline":', admin_timeline(o), '}'))
$$;

-- --- Vendors ------------------------------------------------------------------------------------------

-- A vendor for the console; detail: with statistics.
CREATE OR REPLACE FUNCTION admin_vendor_json(v vendors, detail boolean) RETURNS text
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

-- A menu item for the console.
CREATE OR REPLACE FUNCTION admin_item_json(i items) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', i.id, '","name":', json_text(i.name), ',"category":', json_text(i.category),
    ',"price":', i.price, ',"compare_at_price":', coalesce(i.original_price::text, 'null'),
    ',"stock":', coalesce(i.stock::text, 'null'), ',"add_ons":', i.add_ons,
    ',"is_available":', json_flag(i.available), ',"is_upsell":', json_flag(i.is_upsell),
    ',"image_url":', json_text(i.images[1]), '}')
$$;

-- --- Riders -------------------------------------------------------------------------------------------

-- The documents that a rider has submitted.
CREATE OR REPLACE FUNCTION rider_documents_submitted(r riders) RETURNS TABLE (n integer, document_type text, url text)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT * FROM (VALUES (1, 'NATIONAL_ID', r.documents ->> 'idCardUrl'),
    (2, 'DRIVERS_LICENSE', r.documents ->> 'drivingLicenseUrl'),
    (3, 'VEHICLE_REGISTRATION', r.documents ->> 'vehicleRegistrationUrl'),
    (4, 'PROFILE_PHOTO', r.profile_picture),
    (5, 'INSURANCE', r.documents ->> 'insuranceUrl')) d(n, document_type, url)
   WHERE d.url IS NOT NULL
$$;

-- decided: rows of rider_documents that replace those of the table, because a statement does not see its own writes.
CREATE OR REPLACE FUNCTION admin_documents(r riders, decided rider_documents[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(concat('{"document_type":"', h.document_type,
      '","status":"', coalesce(f.status, k.status, 'PENDING'), '","url":', json_text(h.url),
      ',"reason":', json_text(CASE WHEN f.status IS NOT NULL THEN f.reason ELSE k.reason END), '}'),
    ',' ORDER BY h.n), '') || ']'
    FROM rider_documents_submitted(r) h
    LEFT JOIN unnest(decided) f ON f.document_type = h.document_type
    LEFT JOIN rider_documents k ON k.rider_id = r.id AND k.document_type = h.document_type AND k.url = h.url
$$;

-- The rider is late when the estimated time of an active order has passed.
CREATE OR REPLACE FUNCTION admin_rider_state(r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM orders o WHERE o.rider_id = r.id AND o.active IS TRUE
      AND o.estimated_delivery_at < now()) THEN 'running late'
    WHEN r.active_orders > 0 THEN 'on a delivery' ELSE 'idle' END
$$;

-- A rider for the console; decided: as in admin_documents.
CREATE OR REPLACE FUNCTION admin_rider_json(r riders, decided rider_documents[] DEFAULT '{}') RETURNS text
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

-- --- Users --------------------------------------------------------------------------------------------

-- A customer with order figures for the console; detail: with statistics.
CREATE OR REPLACE FUNCTION admin_user_json(u users, detail boolean) RETURNS text
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
