-- Dispatch: riders are asked one after the other whether they carry an order. All of it is here, so that any copy can
-- go on where another stopped.

-- Ends offers that nobody answered, forgets orders that look no longer, and takes what is due. What is taken is not due again
-- for five seconds: should the taker die before he has decided, the next one decides.
--  $1 how many
-- Columns: order id, pickup lat, lng, how far to look (m). As many rows as asked for: there may be more.
-- name: dispatch_take
WITH expired AS (
  UPDATE offers f SET outcome = 'EXPIRED', answered_at = now()
    FROM (SELECT id FROM offers WHERE outcome = 'OPEN' AND expires_at <= now() FOR UPDATE SKIP LOCKED) late
   WHERE f.id = late.id
), due AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d
   WHERE d.next_at <= now() ORDER BY d.next_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED
), judged AS MATERIALIZED (
  SELECT due.order_id, o.pickup_lat, o.pickup_lng, coalesce(order_seeks_rider(o), false) AS seeks,
    (SELECT f.expires_at FROM offers f
      WHERE f.order_id = due.order_id AND f.outcome = 'OPEN' AND f.expires_at > now()) AS open_until
    FROM due LEFT JOIN orders o ON o.id = due.order_id
), gone AS (
  DELETE FROM dispatches d USING judged j WHERE d.order_id = j.order_id AND NOT j.seeks
), claimed AS (
  UPDATE dispatches d SET next_at = coalesce(j.open_until, now() + interval '5 seconds')
    FROM judged j WHERE d.order_id = j.order_id AND j.seeks
)
SELECT order_id, pickup_lat, pickup_lng, coalesce((SELECT (value #>> '{}')::double precision FROM settings
    WHERE key = 'rider_search_radius_m'), 5000)
  FROM judged WHERE seeks AND open_until IS NULL

-- What the scores are made of, for riders in reach. Left out: who may not carry, who rejected the order.
--  $1 order ids text[]   $2 rider ids text[]   $3 km double precision[]   (pairs)
--  $4 a phone need not be verified
-- Columns: order id, rider id, km, completed, total deliveries, mean rating (0: none), active orders, asked in this round.
-- name: dispatch_facts
SELECT p.order_id, r.id, p.km, r.completed_deliveries, r.total_deliveries,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0), r.active_orders,
    coalesce(last.offered_at >= d.round_at, false)
  FROM unnest($1::text[], $2::text[], $3::double precision[]) AS p(order_id, rider_id, km)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.id = p.rider_id
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = p.rider_id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE r.is_online AND r.approval_status = 'APPROVED' AND r.status = 'ACTIVE' AND (r.phone_verified OR $4::boolean)
   AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, p.km

-- The same while Redis cannot say who is near: by last known points of the last minute.
--  $1 order ids text[]   $2 lats, $3 lngs double precision[]   $4 radius km   $5 a phone need not be verified
-- Columns: as dispatch_facts.
-- name: dispatch_facts_near
SELECT p.order_id, r.id, k.km, r.completed_deliveries, r.total_deliveries,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0), r.active_orders,
    coalesce(last.offered_at >= d.round_at, false)
  FROM unnest($1::text[], $2::double precision[], $3::double precision[]) AS p(order_id, lat, lng)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.is_online AND r.located_at > now() - interval '60 seconds'
   AND r.lat BETWEEN p.lat - $4::double precision / 110 AND p.lat + $4::double precision / 110
  CROSS JOIN LATERAL (SELECT distance_km(p.lat, p.lng, r.lat, r.lng) AS km) k
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = r.id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE k.km <= $4::double precision AND r.approval_status = 'APPROVED' AND r.status = 'ACTIVE'
   AND (r.phone_verified OR $5::boolean) AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, k.km

-- Writes down what was decided: the offer, why, and when to look again (when the offer ends; without anybody in reach
-- in five seconds). An order that found its rider meanwhile is passed over.
--  $1 order ids text[]   $2 rider ids text[], NULL where nobody was in reach   $3 offer ids text[]
--  $4 scores double precision[]   $5 km to the pickup double precision[]   $6 candidates text[] (JSON)
--  $7 a new round begins boolean[]
-- Columns: order id, rider id of each offer made.
-- name: dispatch_offer
WITH decided AS MATERIALIZED (
  SELECT w.*, d.rounds + w.anew::integer AS round, o.order_number
    FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::double precision[], $6::text[],
           $7::boolean[]) AS w(order_id, rider_id, offer_id, score, km, candidates, anew)
    JOIN dispatches d ON d.order_id = w.order_id
    JOIN orders o ON o.id = w.order_id
   WHERE order_seeks_rider(o) ORDER BY w.order_id FOR UPDATE OF d
), offered AS (
  INSERT INTO offers (id, order_id, rider_id, score, expires_at)
  SELECT offer_id, order_id, rider_id, score, now() + interval '60 seconds' FROM decided WHERE rider_id IS NOT NULL
  ON CONFLICT (order_id) WHERE outcome = 'OPEN' DO NOTHING
  RETURNING order_id, rider_id, expires_at
), next AS (
  UPDATE dispatches d SET next_at = coalesce(f.expires_at, now() + interval '5 seconds'), rounds = w.round,
         round_at = CASE WHEN w.anew THEN now() ELSE d.round_at END
    FROM decided w LEFT JOIN offered f ON f.order_id = w.order_id
   WHERE d.order_id = w.order_id
), noted AS (
  INSERT INTO dispatch_decisions (order_id, round, rider_id, candidates)
  SELECT w.order_id, w.round, w.rider_id, w.candidates::json FROM decided w JOIN offered f ON f.order_id = w.order_id
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT o.id, 'delivery_request', ARRAY['rider:' || f.rider_id],
    ('{"orderId":"' || o.id || '","orderNumber":"' || o.order_number
     || '","pickupLocation":{"lat":' || o.pickup_lat || ',"lng":' || o.pickup_lng
     || ',"address":' || json_text(o.pickup_text)
     || '},"dropoffLocation":{"lat":' || o.delivery_lat || ',"lng":' || o.delivery_lng
     || ',"address":' || json_text(o.delivery_text)
     || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || o.distance
     || ',"orderType":"' || o.order_type || '","estimatedTime":' || ride_minutes(w.km + o.distance)
     || ',"expiresIn":60,"timestamp":' || json_time(now()) || '}')::json
    FROM offered f JOIN decided w ON w.order_id = f.order_id JOIN orders o ON o.id = f.order_id
)
SELECT order_id, rider_id FROM offered
