-- What is sold: menus, and the distances and hours that listing vendors needs.

CREATE TABLE items (
  id               text COLLATE "C" PRIMARY KEY,
  vendor_id        text COLLATE "C" NOT NULL REFERENCES vendors,
  name             text NOT NULL,
  description      text NOT NULL DEFAULT '',
  category         text NOT NULL,
  price            bigint NOT NULL CHECK (price >= 0),
  original_price   bigint CHECK (original_price >= 0),
  preparation_time integer NOT NULL DEFAULT 20,
  available        boolean NOT NULL DEFAULT true,
  stock            integer CHECK (stock >= 0),  -- NULL: not counted
  unit             text,
  images           text[] NOT NULL DEFAULT '{}',
  tags             text[] NOT NULL DEFAULT '{}',
  variants         jsonb NOT NULL DEFAULT '[]',
  add_ons          jsonb NOT NULL DEFAULT '[]',
  is_upsell        boolean NOT NULL DEFAULT false,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  deleted_at       timestamptz
) WITH (fillfactor = 70);
CREATE INDEX items_vendor ON items (vendor_id) WHERE deleted_at IS NULL;

-- Great-circle distance on a sphere of 6371 km. least() because rounding may exceed 1 at antipodes; it passes
-- over NULL, hence the CASE.
CREATE FUNCTION distance_km(lat1 double precision, lng1 double precision,
  lat2 double precision, lng2 double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN lat1 + lng1 + lat2 + lng2 IS NOT NULL
    THEN 12742 * asin(sqrt(least(1, sind((lat2 - lat1) / 2) ^ 2
      + cosd(lat1) * cosd(lat2) * sind((lng2 - lng1) / 2) ^ 2))) END
$$;

-- Whether business hours {"monday":{"open":"08:00","close":"22:00","closed":false},…} say open at a
-- local time. No entry for the day, or no hours at all, is open; a close before its open spans midnight.
CREATE FUNCTION hours_open(hours jsonb, local timestamp) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH day AS (
    SELECT hours -> (ARRAY['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
                           'saturday'])[extract(dow FROM d)::int + 1] AS h, d
      FROM (VALUES (local), (local - interval '1 day')) v(d)
  ), span AS (
    SELECT d = local AS today, h IS NULL AS unset, coalesce((h ->> 'closed')::boolean, false) AS shut,
           h ->> 'open' AS opens, h ->> 'close' AS closes, to_char(local, 'HH24:MI') AS clock
      FROM day
  )
  SELECT bool_or(CASE
    WHEN unset THEN today
    WHEN shut OR opens IS NULL OR closes IS NULL THEN false
    WHEN today AND closes > opens THEN clock >= opens AND clock < closes
    WHEN today THEN clock >= opens
    ELSE closes <= opens AND clock < closes
  END) FROM span
$$;

CREATE FUNCTION vendor_open(v vendors, zone text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT v.is_online AND hours_open(v.business_hours, now() AT TIME ZONE zone)
$$;

CREATE FUNCTION mean_rating(total bigint, count bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(trim_scale(round(total::numeric / nullif(count, 0), 2)), 0)::text
$$;

-- The public Vendor object. distance and fee are null unless the caller said where he is.
-- zone: the business time zone, in which hours are meant.
CREATE FUNCTION vendor_json(v vendors, zone text, distance double precision DEFAULT NULL,
  fee bigint DEFAULT NULL) RETURNS text
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
    || ',"status":' || CASE WHEN v.is_online THEN '"online"' ELSE '"offline"' END
    || ',"isOpen":' || json_flag(vendor_open(v, zone))
    || ',"businessHours":' || v.business_hours::text
    || ',"minOrderAmount":' || v.min_order_amount
    || ',"averagePreparationTime":' || v.average_preparation_time
    || ',"tags":' || array_to_json(v.tags)::text || ',"badges":' || array_to_json(v.badges)::text
    || ',"isHighDemand":' || json_flag(v.is_high_demand)
    || ',"distance":' || coalesce(round(distance::numeric, 2)::text, 'null')
    || ',"deliveryFee":' || coalesce(fee::text, 'null') || '}'
$$;

CREATE FUNCTION item_json(i items) RETURNS text
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

-- A text as the pattern of "contains it": its own % and _ mean themselves.
CREATE FUNCTION like_text(sought text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '%' || regexp_replace(sought, '([\\%_])', '\\\1', 'g') || '%'
$$;
