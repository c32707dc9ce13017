-- Riders at work: availability, positions, and the orders they can take.

-- Sets a rider online or offline. phone_optional: an unverified phone is allowed. rider_status_changed is published only when
-- the status changes. outcome: CHANGED, RIDER_NOT_FOUND, or why the rider is not eligible. rider: {riderId,isOnline,status}.
-- name: rider_set_online
-- columns: outcome, rider
WITH before AS MATERIALIZED (
  SELECT r.id, r.is_online,
    CASE WHEN :online::boolean THEN coalesce(rider_ineligibility(r, NOT :phone_optional::boolean, false), 'CHANGED')
      ELSE 'CHANGED' END AS outcome
    FROM riders r WHERE r.id = :rider_id::text FOR NO KEY UPDATE
), changed AS (
  UPDATE riders r SET is_online = :online::boolean, lat = coalesce(:lat?::double precision, r.lat),
         lng = coalesce(:lng?::double precision, r.lng),
         located_at = CASE WHEN :lat::double precision IS NULL THEN r.located_at ELSE greatest(r.located_at, now()) END,
         last_online = CASE WHEN :online::boolean OR r.is_online THEN now() ELSE r.last_online END, updated_at = now()
    FROM before WHERE r.id = before.id AND before.outcome = 'CHANGED'
  RETURNING r AS now
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT before.id, 'rider_status_changed', ARRAY['admin', 'rider:' || before.id], ('{"riderId":' || json_word(before.id)
    || ',"isOnline":' || json_flag(:online::boolean) || ',"timestamp":' || json_time(now()) || '}')::json
    FROM before WHERE before.outcome = 'CHANGED' AND before.is_online <> :online::boolean
)
SELECT coalesce(before.outcome, 'RIDER_NOT_FOUND') AS outcome, '{"riderId":' || json_word((c.now).id)
    || ',"isOnline":' || json_flag((c.now).is_online) || ',"status":'
    || CASE WHEN (c.now).is_online THEN '"online"' ELSE '"offline"' END || '}' AS rider
  FROM (VALUES (true)) one LEFT JOIN before ON true LEFT JOIN changed c ON true

-- A rider's status, as JSON. No row: no such rider.
-- name: rider_availability_get
-- columns: status
SELECT '{"riderId":' || json_word(r.id) || ',"isOnline":' || json_flag(r.is_online)
    || ',"status":' || CASE WHEN r.is_online THEN '"online"' ELSE '"offline"' END
    || ',"availability":' || json_word(rider_availability(r))
    || ',"currentLocation":' || coalesce(rider_place_json(r), 'null')
    || ',"lastOnline":' || json_time(CASE WHEN r.is_online THEN now() ELSE r.last_online END)
    || ',"verificationStatus":' || CASE WHEN r.phone_verified THEN '"VERIFIED"' ELSE '"PENDING"' END
    || ',"approvalStatus":' || json_word(r.approval_status) || ',"accountStatus":' || json_word(r.status) || '}' AS status
  FROM riders r WHERE r.id = :rider_id::text

-- A rider's activity today, in the business time zone, as JSON. No row: no such rider.
-- name: rider_activity
-- columns: activity
WITH day AS MATERIALIZED (
  SELECT date_trunc('day', now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone() AS began,
    to_char(now() AT TIME ZONE business_zone(), 'YYYY-MM-DD') AS date
)
SELECT '{"riderId":' || json_word(r.id) || ',"date":' || json_word(day.date)
    || ',"isOnline":' || json_flag(r.is_online)
    || ',"totalDeliveries":' || r.total_deliveries || ',"completedDeliveries":' || r.completed_deliveries
    || ',"rating":' || mean_rating(r.rating_sum, r.total_ratings)
    || ',"todayDeliveries":' || (SELECT count(*) FROM orders o
         WHERE o.rider_id = r.id AND o.active IS FALSE AND o.status = 'DELIVERED' AND o.delivered_at >= day.began)
    || ',"todayEarnings":' || (SELECT coalesce(sum(l.amount), 0) FROM ledger l
         WHERE l.to_kind = 'RIDER' AND l.to_owner = r.id AND l.category = 'DELIVERY_FEE' AND l.created_at >= day.began)
    || ',"onlineHours":' || (SELECT coalesce(round((sum(extract(epoch FROM
           coalesce(s.ended_at, now()) - greatest(s.began_at, day.began))) / 3600)::numeric, 2), 0)
         FROM online_spans s WHERE s.rider_id = r.id AND coalesce(s.ended_at, now()) > day.began) || '}' AS activity
  FROM riders r, day WHERE r.id = :rider_id::text

-- Stores the last known points of many riders; a point that is older than the row's is skipped. Locks in order of id, so that
-- two such statements cannot deadlock.
-- name: rider_positions_store
UPDATE riders r SET lat = p.lat, lng = p.lng, located_at = p.at
  FROM (SELECT q.id, w.lat, w.lng, to_timestamp(w.ms / 1000.0) AS at
          FROM unnest(:rider_ids::text[], :lats::double precision[], :lngs::double precision[], :times_ms::bigint[]) AS w(id, lat, lng, ms)
          JOIN riders q ON q.id = w.id ORDER BY q.id FOR NO KEY UPDATE OF q) p
 WHERE r.id = p.id AND (r.located_at IS NULL OR r.located_at < p.at)

-- Orders that wait for a rider near a point (NULL: the rider's last position), nearest first, without those that the rider
-- rejected, as a JSON array. Always one row.
-- name: orders_available
-- columns: orders
WITH origin AS MATERIALIZED (
  SELECT coalesce(:lat?::double precision, r.lat) AS lat, coalesce(:lng?::double precision, r.lng) AS lng
    FROM riders r WHERE r.id = :rider_id::text
), near AS (
  SELECT o.id, k.km FROM origin
    JOIN dispatches d ON true
    JOIN orders o ON o.id = d.order_id
   CROSS JOIN LATERAL (SELECT distance_km(origin.lat, origin.lng, o.pickup_lat, o.pickup_lng) AS km) k
   WHERE order_needs_rider(o)
     AND o.pickup_lat BETWEEN origin.lat - :radius_km::double precision / 110 AND origin.lat + :radius_km::double precision / 110
     AND k.km <= :radius_km::double precision
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = :rider_id::text
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
   ORDER BY k.km, o.id LIMIT :limit::bigint
)
SELECT '[' || coalesce(string_agg('{"orderId":' || json_word(o.id) || ',"orderNumber":' || json_word(o.order_number)
    || ',"orderType":' || json_word(o.order_type) || ',"vendorName":' || json_text(o.vendor_name)
    || ',"pickupLocation":{"address":' || json_text(o.pickup_text)
    || ',"coordinates":' || json_point(o.pickup_lat, o.pickup_lng)
    || '},"deliveryLocation":{"address":' || json_text(o.delivery_text)
    || ',"coordinates":' || json_point(o.delivery_lat, o.delivery_lng)
    || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || round(near.km::numeric, 2)
    || ',"estimatedTime":' || ride_minutes(near.km + o.distance)
    || ',"status":' || json_word(o.status) || '}', ',' ORDER BY near.km, o.id), '') || ']' AS orders
  FROM near JOIN orders o ON o.id = near.id

-- Sets riders offline that have sent no position for 300 seconds.
-- name: riders_set_silent_offline
-- columns: rider_id
WITH silent AS (
  SELECT r.id FROM riders r
   WHERE r.is_online
     AND greatest(r.located_at, r.last_online, CASE WHEN r.last_online IS NULL THEN r.created_at END)
         < now() - interval '300 seconds'
   ORDER BY r.id LIMIT :limit::bigint FOR NO KEY UPDATE SKIP LOCKED
), changed AS (
  UPDATE riders r SET is_online = false, updated_at = now() FROM silent WHERE r.id = silent.id
  RETURNING r.id
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT id, 'rider_status_changed', ARRAY['admin', 'rider:' || id], ('{"riderId":' || json_word(id)
    || ',"isOnline":false,"timestamp":' || json_time(now()) || '}')::json FROM changed
)
SELECT id AS rider_id FROM changed

-- Riders for the map of the console: those that are online or carry an order, and have a position, as a JSON array. rider_ids,
-- lats, lngs, times_ms: newer positions from Redis. Always one row.
-- name: riders_live
-- columns: riders
SELECT '[' || coalesce(string_agg('{"rider_id":' || json_word(r.id)
    || ',"name":' || json_text(btrim(r.first_name || ' ' || r.last_name))
    || ',"lat":' || coalesce(w.lat, r.lat) || ',"lng":' || coalesce(w.lng, r.lng)
    || ',"status":' || json_word(rider_availability(r))
    || ',"current_order_id":' || json_word((SELECT o.order_number FROM orders o
         WHERE o.rider_id = r.id AND o.active IS TRUE AND r.active_orders > 0 ORDER BY o.created_at LIMIT 1))
    || ',"updated_at":' || json_time(greatest(to_timestamp(w.ms / 1000.0), r.located_at)) || '}', ',' ORDER BY r.id), '')
    || ']' AS riders
  FROM riders r
  LEFT JOIN unnest(:rider_ids::text[], :lats::double precision[], :lngs::double precision[], :times_ms::bigint[]) AS w(id, lat, lng, ms)
    ON w.id = r.id
 WHERE (r.is_online OR r.active_orders > 0) AND (:country::text IS NULL OR r.country_code = :country::text)
   AND coalesce(w.lat, r.lat) IS NOT NULL

-- Riders that are online, latest first, as the console has them. Always one row.
-- name: admin_riders_online
-- columns: total, riders
WITH page AS (
  SELECT r.id, r.last_online, r AS rider FROM riders r WHERE r.is_online
   ORDER BY r.last_online DESC NULLS LAST, r.id LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM riders WHERE is_online) AS total,
  '[' || coalesce(string_agg(admin_rider_json(p.rider), ',' ORDER BY p.last_online DESC NULLS LAST, p.id), '') || ']' AS riders
  FROM page p
