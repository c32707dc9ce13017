-- Orders: the JSON object, the timeline, stock, events and statistics. order_transitions.sql has the transitions.

-- --- Timeline -----------------------------------------------------------------------------------------

-- One entry of a timeline.
CREATE OR REPLACE FUNCTION timeline_entry(status text, at timestamptz, by text, note text DEFAULT NULL)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"status":' || json_word(status) || ',"timestamp":' || json_time(at)
    || ',"by":' || json_word(by) || coalesce(',"note":' || to_json(note)::text, '') || '}'
$$;

-- A timeline with one more entry. The timeline is never empty.
CREATE OR REPLACE FUNCTION timeline_add(timeline json, status text, at timestamptz, by text,
  note text DEFAULT NULL) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (left(timeline::text, -1) || ',' || timeline_entry(status, at, by, note) || ']')::json
$$;

-- The same with the location of the act, {"lat":…,"lng":…} or NULL.
CREATE OR REPLACE FUNCTION timeline_add_at(timeline json, status text, at timestamptz, by text, note text, place json)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (left(timeline::text, -1) || ',' || left(timeline_entry(status, at, by, note), -1)
    || coalesce(',"location":' || place::text, '') || '}]')::json
$$;

-- The time of a timeline's last entry.
CREATE OR REPLACE FUNCTION timeline_last(timeline json) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (timeline -> -1 ->> 'timestamp')::timestamptz
$$;

-- --- The object ---------------------------------------------------------------------------------------

-- The members of the Order object that vendors and riders see (without the verification code). It is one expression over
-- the row, so that PostgreSQL inlines it. PostgreSQL sets up every function of an expression for each execution, and that
-- is most of the cost of reading an order: concat with many arguments is one function, || is one per operand (28,500
-- against 25,900 reads/s). concat takes at most 100 arguments, hence the groups. order_json and order_json_user add the
-- closing brace. What is read often is sent as a record and rendered by the server instead (sql/queries: order_row).
CREATE OR REPLACE FUNCTION order_members(o orders) RETURNS text
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

-- The Order object for vendors and riders.
CREATE OR REPLACE FUNCTION order_json(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT order_members(o) || '}'
$$;

-- The Order object for the customer, with the verification code that the customer gives to the rider.
CREATE OR REPLACE FUNCTION order_json_user(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(order_members(o), ',"verificationCode":', json_word(o.verification_code), '}')
$$;

-- The Order object that an actor (domain/order.h) sees.
CREATE OR REPLACE FUNCTION order_json_to(o orders, actor text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  IF actor = 'USER' THEN
    RETURN order_json_user(o);
  END IF;
  RETURN order_json(o);
END $$;

-- The columns of orders that the statement order_insert of this release does not know: none. order_insert builds whole rows
-- of orders, so the release that adds a column gives the view this column with its default, for the instances of this
-- release that still run, and has a view of its own (orders_later_2) in its own order_insert.
CREATE OR REPLACE VIEW orders_later AS SELECT;

-- --- Stock --------------------------------------------------------------------------------------------

-- Takes the quantities from limited stock, in the order of the ids so that two orders cannot deadlock. Called only when an
-- item has limited stock. It is a function because each line must see what others committed while it waited. Fails with
-- OUT_OF_STOCK and the id of the item.
CREATE OR REPLACE FUNCTION stock_take(ids text[], quantities integer[]) RETURNS boolean
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

-- Returns the stock of a cancelled order, in the same order of ids. lines: orders.items.
CREATE OR REPLACE FUNCTION stock_return(lines json) RETURNS boolean
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

-- The vendor whose menu a cancelled order has changed, because it returned limited stock. NULL: no menu has changed. It is
-- volatile, so that it sees the cancellation of the statement that calls it.
CREATE OR REPLACE FUNCTION order_restocked_vendor(its_order text) RETURNS text
LANGUAGE sql VOLATILE AS $$
  SELECT o.vendor_id FROM orders o
   WHERE o.id = its_order AND o.status = 'CANCELLED'
     AND EXISTS (SELECT FROM json_to_recordset(o.items) AS l("itemId" text) JOIN items i ON i.id = l."itemId"
                  WHERE i.stock IS NOT NULL)
$$;

-- --- Events -------------------------------------------------------------------------------------------

-- Paid, or CASH. Before that only the customer and admins see the order.
CREATE OR REPLACE FUNCTION order_payable(o orders) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT o.payment_status IN ('PAID', 'REFUNDED') OR o.payment_method = 'CASH'
$$;

-- The rooms of all parties of an order. The vendor is one of them once the order is paid or CASH.
CREATE OR REPLACE FUNCTION order_rooms(o orders) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_remove(ARRAY['order:' || o.id, 'user:' || o.user_id,
    CASE WHEN order_payable(o) THEN 'vendor:' || o.vendor_id END, 'rider:' || o.rider_id, 'admin'], NULL)
$$;

-- Writes an event of an order.
CREATE OR REPLACE FUNCTION order_event_add(o orders, type text, rooms text[], payload json) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO event_log (aggregate, type, rooms, payload) VALUES (o.id, type, rooms, payload)
$$;

-- The event of a status change. photo: its picture, or NULL.
CREATE OR REPLACE FUNCTION order_status_json(o orders, at timestamptz, photo text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"orderId":"', o.id, '","orderNumber":"', o.order_number, '","status":"', o.status,
    '","timestamp":', json_time(at), ',"riderId":"' || o.rider_id || '"', CASE WHEN o.active THEN ',"estimatedTime":'
      || greatest(0, ceil(extract(epoch FROM o.estimated_delivery_at - now()) / 60))::integer END,
    ',"photo":' || to_json(photo)::text, '}')::json
$$;

-- Writes the event of a status change.
CREATE OR REPLACE FUNCTION order_status_event_add(o orders, rooms text[], at timestamptz, photo text) RETURNS void
LANGUAGE sql AS $$
  SELECT order_event_add(o, 'order_status_update', rooms, order_status_json(o, at, photo))
$$;

-- Writes the event for admins that an order needs attention, or no longer does.
CREATE OR REPLACE FUNCTION order_attention_event_add(o orders) RETURNS void
LANGUAGE sql AS $$
  SELECT order_event_add(o, 'order_attention', ARRAY['admin'], json_build_object('orderId', o.id, 'orderNumber', o.order_number,
    'status', o.status, 'riderId', o.rider_id, 'attention', o.attention, 'timestamp', iso(now())))
$$;

-- --- Statistics ---------------------------------------------------------------------------------------

-- The columns that statistics need, in two parts that have an index each.
CREATE OR REPLACE VIEW orders_figures AS
  SELECT created_at, CASE WHEN settled_at IS NULL THEN 'CANCELLED' ELSE 'DELIVERED' END AS status, total, payment_method,
         vendor_id, user_id
    FROM orders WHERE active IS FALSE
  UNION ALL
  SELECT created_at, status, total, payment_method, vendor_id, user_id FROM orders WHERE active;
