-- Vendors and their menus: the objects on the wire, business hours, and the limits of a menu.

-- --- Business hours -----------------------------------------------------------------------------------

-- Whether business hours {"monday":{"open":"08:00","close":"22:00","closed":false},…} are open at a local time. A day
-- that is not given is closed; without any day every day is open. A close that is not after its open spans midnight.
-- The rule is hours_open of src/domain/hours.c; tests/unit/service/sql_rules_test.c runs both on the same cases.
CREATE OR REPLACE FUNCTION hours_open(hours jsonb, local timestamp) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH day AS (
    SELECT hours -> (ARRAY['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
                           'saturday'])[extract(dow FROM d)::int + 1] AS h, d
      FROM (VALUES (local), (local - interval '1 day')) v(d)
  ), span AS (
    SELECT d = local AS today, coalesce((h ->> 'closed')::boolean, false) AS closed_day,
           h ->> 'open' AS opens, h ->> 'close' AS closes, to_char(local, 'HH24:MI') AS clock
      FROM day
  )
  SELECT NOT coalesce(hours ?| ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], false)
    OR bool_or(CASE
      WHEN closed_day OR opens IS NULL OR closes IS NULL THEN false
      WHEN today AND closes > opens THEN clock >= opens AND clock < closes
      WHEN today THEN clock >= opens
      ELSE closes <= opens AND clock < closes
    END) FROM span
$$;

-- Milliseconds from a local time until the hours open or close next: the next edge of yesterday's, today's or tomorrow's
-- hours. NULL: no such edge, so not before any cached value expires.
CREATE OR REPLACE FUNCTION hours_hold_ms(hours jsonb, local timestamp) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT floor(extract(epoch FROM min(edge) - local) * 1000)::bigint
    FROM (VALUES (-1), (0), (1)) near(days)
    CROSS JOIN LATERAL (SELECT date_trunc('day', local) + days * interval '1 day' AS midnight) m
    CROSS JOIN LATERAL (SELECT hours -> (ARRAY['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
      'saturday'])[extract(dow FROM midnight)::int + 1] AS h) d
    CROSS JOIN LATERAL (VALUES (midnight + (h ->> 'open')::interval), (midnight + (h ->> 'close')::interval
      + CASE WHEN h ->> 'close' <= h ->> 'open' THEN interval '1 day' ELSE interval '0' END)) e(edge)
   WHERE edge > local
$$;

-- Whether a vendor takes orders now: online, and within its hours.
CREATE OR REPLACE FUNCTION vendor_open(v vendors, zone text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT v.is_online AND hours_open(v.business_hours, now() AT TIME ZONE zone)
$$;

-- --- Vendors ------------------------------------------------------------------------------------------

-- The members that every form of a Vendor has but distance and deliveryFee, without the closing brace. zone: the business
-- time zone, which the hours are in.
CREATE OR REPLACE FUNCTION vendor_common_members(v vendors, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"vendorId":' || json_word(v.id) || ',"businessName":' || json_text(v.business_name)
    || ',"serviceType":' || json_word(v.service_type) || ',"businessType":' || json_text(v.business_type)
    || ',"description":' || json_text(v.description) || ',"logo":' || json_text(v.logo)
    || ',"coverImage":' || json_text(v.cover_image)
    || ',"location":{"address":' || json_text(v.address) || ',"city":' || json_text(v.city)
    || ',"coordinates":' || json_point(v.lat, v.lng) || '}'
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings)
    || ',"totalRatings":' || v.total_ratings || ',"totalOrders":' || v.total_orders
    || ',"isOnline":' || json_flag(v.is_online)
    || ',"isOpen":' || json_flag(vendor_open(v, zone))
    || ',"businessHours":' || v.business_hours::text
    || ',"minOrderAmount":' || v.min_order_amount
    || ',"averagePreparationTime":' || v.average_preparation_time
    || ',"tags":' || array_to_json(v.tags)::text || ',"badges":' || array_to_json(v.badges)::text
    || ',"isHighDemand":' || json_flag(v.is_high_demand)
$$;

-- The public Vendor object without distance, deliveryFee and the closing brace.
CREATE OR REPLACE FUNCTION vendor_public_members(v vendors, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_common_members(v, zone) || ',"status":' || CASE WHEN v.is_online THEN '"online"' ELSE '"offline"' END
$$;

-- The public Vendor object without a position of the customer.
CREATE OR REPLACE FUNCTION vendor_public_json(v vendors, zone text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_public_members(v, zone) || ',"distance":null,"deliveryFee":null}'
$$;

-- The destination of a vendor's pay-outs, as bankDetails: the mobile-money number that an admin entered, or else the
-- vendor's own details. The latest write wins (admin_vendor_edit, vendor_update).
CREATE OR REPLACE FUNCTION vendor_destination(v vendors) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN v.mobile_money_number <> '' THEN jsonb_strip_nulls(jsonb_build_object('accountName', v.owner_name,
    'accountNumber', v.mobile_money_number, 'bankName', nullif(v.mobile_money_provider, ''))) ELSE v.bank_details END
$$;

-- The Vendor as it sees itself, with the destination of its pay-outs.
CREATE OR REPLACE FUNCTION vendor_self_json(v vendors) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_common_members(v, business_zone()) || ',"distance":null,"deliveryFee":null'
    || ',"ownerName":' || json_text(v.owner_name) || ',"email":' || json_text(v.email)
    || ',"phone":' || json_text(v.phone) || ',"bankDetails":' || coalesce(vendor_destination(v)::text, 'null')
    || ',"isEmailVerified":' || json_flag(v.email_verified)
    || ',"isPhoneVerified":' || json_flag(v.phone_verified)
    || ',"status":' || json_word(v.status) || ',"approvalStatus":' || json_word(v.approval_status)
    || ',"deliveryRadius":' || coalesce(v.delivery_radius::text, 'null')
    || ',"commissionRate":' || (coalesce(v.commission_bps, setting_bps('services.' || lower(v.service_type)
         || '.commissionBps'))::numeric / 10000)::float8
    || ',"documents":' || v.documents::text || ',"rejectedReason":' || json_text(v.rejected_reason)
    || ',"createdAt":' || json_time(v.created_at) || ',"updatedAt":' || json_time(v.updated_at)
    || ',"lastLogin":' || json_time(v.last_login) || '}'
$$;

-- --- Menus --------------------------------------------------------------------------------------------

-- The MenuItem object.
CREATE OR REPLACE FUNCTION item_json(i items) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"itemId":' || json_word(i.id) || ',"vendorId":' || json_word(i.vendor_id)
    || ',"name":' || json_text(i.name) || ',"description":' || json_text(i.description)
    || ',"category":' || json_text(i.category)
    || ',"price":' || i.price || ',"originalPrice":' || coalesce(i.original_price::text, 'null')
    || ',"preparationTime":' || i.preparation_time
    || ',"available":' || json_flag(i.available) || ',"isAvailable":' || json_flag(i.available)
    || ',"inStock":' || json_flag(coalesce(i.stock > 0, true))
    || ',"stock":' || coalesce(i.stock::text, 'null')
    || ',"images":' || array_to_json(i.images)::text || ',"tags":' || array_to_json(i.tags)::text
    || ',"variants":' || i.variants::text || ',"addOns":' || i.add_ons::text
    || ',"isUpsell":' || json_flag(i.is_upsell)
    || ',"createdAt":' || json_time(i.created_at) || ',"updatedAt":' || json_time(i.updated_at) || '}'
$$;

-- Whether a vendor's menu (500 items at most) has room for one more; NULL when there is no such vendor. Holds the
-- vendor's row until the end of the statement, so that two additions cannot both take the last place; a function,
-- because the count must see what others committed while it waited.
CREATE OR REPLACE FUNCTION menu_has_room(vendor text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM vendors WHERE id = vendor FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT count(*) FROM items WHERE vendor_id = vendor AND deleted_at IS NULL) < 500;
END $$;

-- The price of one unit of an item with its choices: 'v:ID*1;a:ID*2' (variant; add-ons, each with its number).
-- NULL: the item has no such choice.
CREATE OR REPLACE FUNCTION item_price(price bigint, variants jsonb, add_ons jsonb, chosen text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT price + CASE WHEN count(*) = count(extra) THEN sum(extra)::bigint END
    FROM (SELECT split_part(choice, '*', 2)::bigint * (
            SELECT (o ->> 'price')::bigint
              FROM jsonb_array_elements(CASE WHEN choice LIKE 'v:%' THEN variants ELSE add_ons END) o
             WHERE o ->> 'id' = substr(split_part(choice, '*', 1), 3) LIMIT 1) AS extra
            FROM string_to_table(chosen, ';') AS choice) c
$$;
