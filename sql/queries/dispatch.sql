-- Dispatch: offers an order to riders one after the other. Its whole state is in these tables, so any instance can
-- continue where another stopped.

-- Expires offers without an answer, deletes dispatches of orders that need no rider any more, and claims orders that are due.
-- A claimed order is due again after retry_s seconds, in case the instance stops before it decides.
-- When it returns as many rows as the limit there may be more.
-- name: dispatch_claim
-- columns: order_id, pickup_lat, pickup_lng
WITH expired AS (
  UPDATE offers f SET outcome = 'EXPIRED', answered_at = now()
    FROM (SELECT id FROM offers WHERE outcome = 'OPEN' AND expires_at <= now() FOR UPDATE SKIP LOCKED) overdue
   WHERE f.id = overdue.id
), due AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d
   WHERE d.next_at <= now() ORDER BY d.next_at LIMIT :limit::bigint FOR UPDATE SKIP LOCKED
), checked AS MATERIALIZED (
  SELECT due.order_id, o.pickup_lat, o.pickup_lng, coalesce(order_needs_rider(o), false) AS seeks,
    (SELECT f.expires_at FROM offers f
      WHERE f.order_id = due.order_id AND f.outcome = 'OPEN' AND f.expires_at > now()) AS open_until
    FROM due LEFT JOIN orders o ON o.id = due.order_id
), finished AS (
  DELETE FROM dispatches d USING checked j WHERE d.order_id = j.order_id AND NOT j.seeks
), claimed AS (
  UPDATE dispatches d SET next_at = coalesce(j.open_until, now() + make_interval(secs => :retry_s::bigint))
    FROM checked j WHERE d.order_id = j.order_id AND j.seeks
)
SELECT order_id, pickup_lat, pickup_lng
  FROM checked WHERE seeks AND open_until IS NULL

-- The facts for the scores of riders near an order. Riders that are not eligible (RIDER_MAY_TAKE of domain/rider.h; any_phone:
-- an unverified phone is allowed), or that rejected the order, are left out. order_ids, rider_ids and kms are pairs of an order
-- and a rider near it. rating: the mean (0: no ratings). offered: in this round.
-- name: dispatch_candidates
-- columns: order_id, rider_id, km, completed, total, rating, active, offered
SELECT p.order_id, r.id AS rider_id, p.km, r.completed_deliveries AS completed, r.total_deliveries AS total,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0) AS rating, r.active_orders AS active,
    coalesce(last.offered_at >= d.round_at, false) AS offered
  FROM unnest(:order_ids::text[], :rider_ids::text[], :kms::double precision[]) AS p(order_id, rider_id, km)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.id = p.rider_id
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = p.rider_id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE rider_ineligibility(r, NOT :any_phone::boolean, true) IS NULL
   AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, p.km

-- The same while Redis is unavailable: finds the riders by positions that were stored in the last fresh_s seconds.
-- name: dispatch_candidates_near
-- columns: order_id, rider_id, km, completed, total, rating, active, offered
SELECT p.order_id, r.id AS rider_id, k.km, r.completed_deliveries AS completed, r.total_deliveries AS total,
    coalesce(r.rating_sum::double precision / nullif(r.total_ratings, 0), 0) AS rating, r.active_orders AS active,
    coalesce(last.offered_at >= d.round_at, false) AS offered
  FROM unnest(:order_ids::text[], :lats::double precision[], :lngs::double precision[]) AS p(order_id, lat, lng)
  JOIN dispatches d ON d.order_id = p.order_id
  JOIN riders r ON r.is_online AND r.located_at > now() - make_interval(secs => :fresh_s::bigint)
   AND r.lat BETWEEN p.lat - :radius_km::double precision / 110 AND p.lat + :radius_km / 110
  CROSS JOIN LATERAL (SELECT distance_km(p.lat, p.lng, r.lat, r.lng) AS km) k
  LEFT JOIN LATERAL (SELECT f.offered_at, f.outcome FROM offers f
    WHERE f.order_id = p.order_id AND f.rider_id = r.id ORDER BY f.offered_at DESC LIMIT 1) last ON true
 WHERE k.km <= :radius_km AND rider_ineligibility(r, NOT :any_phone::boolean, true) IS NULL
   AND last.outcome IS DISTINCT FROM 'REJECTED'
 ORDER BY p.order_id, k.km

-- Stores the decisions: the offer, its candidates, and when the order is due again (when the offer expires; without a rider,
-- in retry_s seconds). An order that has a rider meanwhile is skipped. The arrays are parallel: an element of rider_ids is NULL
-- when no rider was near; kms: to the pickup; candidates: JSON; new_rounds: a new round begins. Returns the offers made.
-- name: dispatch_offers_store
-- columns: order_id, rider_id
WITH decided AS MATERIALIZED (
  SELECT w.*, d.rounds + w.new_round::integer AS round, o.order_number
    FROM unnest(:order_ids::text[], :rider_ids::text[], :offer_ids::text[], :scores::double precision[],
           :kms::double precision[], :candidates::text[], :new_rounds::boolean[]) AS w(order_id, rider_id, offer_id, score, km, candidates, new_round)
    JOIN dispatches d ON d.order_id = w.order_id
    JOIN orders o ON o.id = w.order_id
   WHERE order_needs_rider(o) ORDER BY w.order_id FOR UPDATE OF d
), offered AS (
  INSERT INTO offers (id, order_id, rider_id, score, expires_at)
  SELECT offer_id, order_id, rider_id, score, now() + make_interval(secs => :offer_s::bigint) FROM decided WHERE rider_id IS NOT NULL
  ON CONFLICT (order_id) WHERE outcome = 'OPEN' DO NOTHING
  RETURNING order_id, rider_id, expires_at
), next AS (
  UPDATE dispatches d SET next_at = coalesce(f.expires_at, now() + make_interval(secs => :retry_s::bigint)), rounds = w.round,
         round_at = CASE WHEN w.new_round THEN now() ELSE d.round_at END
    FROM decided w LEFT JOIN offered f ON f.order_id = w.order_id
   WHERE d.order_id = w.order_id
), recorded AS (
  INSERT INTO dispatch_decisions (order_id, round, rider_id, candidates)
  SELECT w.order_id, w.round, w.rider_id, w.candidates::json FROM decided w JOIN offered f ON f.order_id = w.order_id
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT o.id, 'delivery_request', ARRAY['rider:' || f.rider_id],
    ('{"orderId":"' || o.id || '","orderNumber":"' || o.order_number
     || '","pickupLocation":{"lat":' || o.pickup_lat || ',"lng":' || o.pickup_lng
     || ',"address":' || json_text(o.pickup_text)
     || '},"dropoffLocation":{"lat":' || o.delivery_lat || ',"lng":' || o.delivery_lng
     || ',"address":' || json_text(o.delivery_text)
     || '},"deliveryFee":' || o.delivery_fee || ',"distance":' || o.distance
     || ',"orderType":"' || o.order_type || '","estimatedTime":' || ride_minutes(w.km + o.distance)
     || ',"expiresIn":' || :offer_s::bigint || ',"timestamp":' || json_time(now()) || '}')::json
    FROM offered f JOIN decided w ON w.order_id = f.order_id JOIN orders o ON o.id = f.order_id
)
SELECT order_id, rider_id FROM offered
