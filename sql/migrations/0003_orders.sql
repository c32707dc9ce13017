-- Orders: one row has it all, so that reading one is one page and placing one is one insert.
--
-- No foreign keys: each would lock the user's and the vendor's row for every order (a row that all
-- orders of a vendor share), and accounts are never removed. Few indexes, for the same reason.
-- Snapshots and lists are `json`, not jsonb: they are written once and passed through as they are.

CREATE TABLE orders (
  id                    text COLLATE "C" PRIMARY KEY,
  order_number          text COLLATE "C" NOT NULL CONSTRAINT orders_number_key UNIQUE,
  order_type            text COLLATE "C" NOT NULL,                   -- FOOD, MART, PACKAGE
  status                text COLLATE "C" NOT NULL,
  -- Not final yet. A column of its own, in place of status, leads the indexes: it changes once in an order's
  -- life, so every other change of status stays within its page (HOT).
  active                boolean NOT NULL DEFAULT true,
  user_id               text COLLATE "C" NOT NULL,
  user_name             text NOT NULL,
  user_phone            text NOT NULL,
  vendor_id             text COLLATE "C",          -- NULL: PACKAGE
  vendor_name           text,
  rider_id              text COLLATE "C",
  rider_name            text,
  rider_phone           text,
  items                 json NOT NULL DEFAULT '[]',
  package_details       json,
  subtotal              bigint NOT NULL,
  delivery_fee          bigint NOT NULL,
  service_fee           bigint NOT NULL DEFAULT 0,
  discount              bigint NOT NULL DEFAULT 0,
  total                 bigint NOT NULL,
  -- What the customer was spared of the delivery fee, which the platform pays the rider.
  funded_fee            bigint NOT NULL DEFAULT 0,
  commission_bps        integer NOT NULL,
  distance              double precision NOT NULL,  -- km
  payment_method        text COLLATE "C" NOT NULL,          -- WALLET, MOBILE_MONEY, CASH, CARD
  payment_status        text COLLATE "C" NOT NULL,          -- PENDING, PAID, FAILED, REFUNDED
  payment_reference     text COLLATE "C",
  pickup_address        json,                       -- as the client gave it (PACKAGE)
  pickup_text           text NOT NULL,
  pickup_lat            double precision NOT NULL,
  pickup_lng            double precision NOT NULL,
  delivery_address      json NOT NULL,
  delivery_text         text NOT NULL,
  delivery_lat          double precision NOT NULL,
  delivery_lng          double precision NOT NULL,
  delivery_instructions text,
  notes                 text,
  preparation_time      integer,
  estimated_delivery_at timestamptz,
  cancel_reason         text,
  cancelled_by          text COLLATE "C",                   -- USER, VENDOR, RIDER, ADMIN, SYSTEM
  rejection_reason      text,
  rating                json,
  pickup_photos         json NOT NULL DEFAULT '[]',
  delivery_photos       json NOT NULL DEFAULT '[]',
  verification_code     text,
  timeline              json NOT NULL,
  created_at            timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now(),
  accepted_at           timestamptz,
  preparing_at          timestamptz,
  ready_at              timestamptz,
  rider_assigned_at     timestamptz,
  arrived_at_pickup_at  timestamptz,
  picked_up_at          timestamptz,
  arrived_at_delivery_at timestamptz,
  delivered_at          timestamptz,
  cancelled_at          timestamptz,
  settled_at            timestamptz,
  -- One constraint: PostgreSQL reads each one's expression anew for every insert (seventeen of them cost 70 of
  -- 490 microseconds). Words come from our own statements, which the tests run through.
  CONSTRAINT orders_sound CHECK (total = subtotal + delivery_fee + service_fee - discount
    AND active = (status NOT IN ('DELIVERED', 'CANCELLED')))
) WITH (fillfactor = 70);

-- A person's lists, newest first: active and past are each one range, all of them a merge of the two.
CREATE INDEX orders_user ON orders (user_id, active, created_at);
CREATE INDEX orders_vendor ON orders (vendor_id, active, created_at) WHERE vendor_id IS NOT NULL;
CREATE INDEX orders_rider ON orders (rider_id, active, created_at) WHERE rider_id IS NOT NULL;
-- Timers and the live view: small, because only what is not final is in it.
CREATE INDEX orders_open ON orders (created_at) WHERE active;

-- An entry of a timeline, and a timeline with one more. Our own text in, our own text out: never empty.
CREATE FUNCTION timeline_entry(status text, at timestamptz, by text, note text DEFAULT NULL)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"status":' || json_word(status) || ',"timestamp":' || json_time(at)
    || ',"by":' || json_word(by) || coalesce(',"note":' || to_json(note)::text, '') || '}'
$$;
CREATE FUNCTION timeline_add(timeline json, status text, at timestamptz, by text,
  note text DEFAULT NULL) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (left(timeline::text, -1) || ',' || timeline_entry(status, at, by, note) || ']')::json
$$;

-- The Order object as vendors and riders see it: without the verification code. One expression over
-- the row, so that it inlines. PostgreSQL sets an expression up anew for each execution, function by function, and
-- that is most of what reading an order costs: concat of many arguments is one function where || is one for each
-- (25,900 against 28,500 reads/s). It takes at most 100 arguments, hence the groups.
-- The closing brace is left out: order_json and order_json_user put it.
CREATE FUNCTION order_members(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"orderId":"', o.id, '","orderNumber":"', o.order_number,
      '","orderType":"', o.order_type, '","status":"', o.status,
      '","userId":"', o.user_id, '","userName":', to_json(o.user_name),
      ',"userPhone":', to_json(o.user_phone)),
    concat(',"vendorId":', json_word(o.vendor_id), ',"vendorName":', json_text(o.vendor_name),
      ',"riderId":', json_word(o.rider_id), ',"riderName":', json_text(o.rider_name),
      ',"riderPhone":', json_text(o.rider_phone)),
    concat(',"items":', o.items,
      ',"packageDetails":', coalesce(o.package_details::text, 'null')),
    concat(',"subtotal":', o.subtotal, ',"deliveryFee":', o.delivery_fee,
      ',"serviceFee":', o.service_fee, ',"discount":', o.discount, ',"total":', o.total,
      ',"pricing":{"subtotal":', o.subtotal, ',"deliveryFee":', o.delivery_fee,
      ',"serviceFee":', o.service_fee, ',"discount":', o.discount, ',"total":', o.total,
      '},"currency":"XAF","distance":', o.distance),
    concat(',"paymentMethod":"', o.payment_method, '","paymentStatus":"', o.payment_status,
      '","paymentReference":', json_text(o.payment_reference)),
    concat(',"deliveryAddress":', o.delivery_address,
      ',"deliveryInstructions":', json_text(o.delivery_instructions),
      ',"pickupAddress":', coalesce(o.pickup_address::text, 'null')),
    concat(',"pickupLocation":{"address":', to_json(o.pickup_text),
      ',"coordinates":{"lat":', o.pickup_lat, ',"lng":', o.pickup_lng,
      '}},"deliveryLocation":{"address":', to_json(o.delivery_text),
      ',"coordinates":{"lat":', o.delivery_lat, ',"lng":', o.delivery_lng, '}}'),
    concat(',"locations":{"pickup":{"lat":', o.pickup_lat, ',"lng":', o.pickup_lng,
      ',"address":', to_json(o.pickup_text),
      '},"dropoff":{"lat":', o.delivery_lat, ',"lng":', o.delivery_lng,
      ',"address":', to_json(o.delivery_text), '}}'),
    concat(',"notes":', json_text(o.notes),
      ',"preparationTime":', coalesce(o.preparation_time::text, 'null'),
      ',"estimatedDeliveryTime":', json_time(o.estimated_delivery_at),
      ',"cancelReason":', json_text(o.cancel_reason),
      ',"cancelledBy":', json_word(o.cancelled_by),
      ',"rejectionReason":', json_text(o.rejection_reason),
      ',"rating":', coalesce(o.rating::text, 'null')),
    concat(',"photos":{"pickup":', o.pickup_photos, ',"delivery":', o.delivery_photos,
      '},"timeline":', o.timeline,
      ',"createdAt":', json_time(o.created_at), ',"updatedAt":', json_time(o.updated_at)),
    concat(',"acceptedAt":', json_time(o.accepted_at), ',"preparingAt":', json_time(o.preparing_at),
      ',"readyAt":', json_time(o.ready_at),
      ',"riderAssignedAt":', json_time(o.rider_assigned_at),
      ',"arrivedAtPickupAt":', json_time(o.arrived_at_pickup_at),
      ',"pickedUpAt":', json_time(o.picked_up_at),
      ',"arrivedAtDeliveryAt":', json_time(o.arrived_at_delivery_at),
      ',"deliveredAt":', json_time(o.delivered_at),
      ',"cancelledAt":', json_time(o.cancelled_at)))
$$;

-- For vendors and riders.
CREATE FUNCTION order_json(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT order_members(o) || '}'
$$;

-- For the customer: he alone sees the code that he tells the rider.
CREATE FUNCTION order_json_user(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(order_members(o), ',"verificationCode":', json_word(o.verification_code), '}')
$$;

-- Takes from counted stock, in order of id so that two orders cannot wait for each other. Called only
-- when a line's stock is counted. A function, because it must see what others committed while it
-- waited, line by line. Fails OUT_OF_STOCK naming the item.
CREATE FUNCTION stock_take(ids text[], quantities integer[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  line record;
BEGIN
  FOR line IN
    SELECT l.id, sum(l.quantity) AS quantity
      FROM unnest(ids, quantities) l(id, quantity) GROUP BY l.id ORDER BY l.id COLLATE "C"
  LOOP
    UPDATE items SET stock = stock - line.quantity
     WHERE id = line.id AND (stock IS NULL OR stock >= line.quantity);
    IF NOT FOUND THEN
      PERFORM fail('OUT_OF_STOCK', line.id);
    END IF;
  END LOOP;
  RETURN true;
END $$;

-- Gives back what a cancelled order took, in the same order. lines: orders.items.
CREATE FUNCTION stock_return(lines json) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  line record;
BEGIN
  FOR line IN
    SELECT l."itemId" AS id, sum(l.quantity) AS quantity
      FROM json_to_recordset(lines) AS l("itemId" text, quantity integer)
     GROUP BY 1 ORDER BY l."itemId" COLLATE "C"
  LOOP
    UPDATE items SET stock = stock + line.quantity WHERE id = line.id AND stock IS NOT NULL;
  END LOOP;
  RETURN true;
END $$;
