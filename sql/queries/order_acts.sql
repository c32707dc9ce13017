-- Transitions of orders, and the orders of vendors and riders. src/service/order_transition.c runs the
-- transitions.

-- The facts that a transition is decided on.
--  order: id or number. occurred_at: RFC 3339 or NULL
-- Columns: payable: paid, or CASH. time_fault: OLD (occurred_at is over 30 minutes ago), AHEAD (over 60 seconds in the
--  future), BEFORE (before the previous act) or NULL. No row: 404.
-- name: order_facts_get
-- columns: id, type, status, user_id, vendor_id, rider_id, accepted, preparing, ready, payable
-- columns: subtotal, delivery_fee, service_fee, total, waived_fee, commission_bps, rider_cut_bps, time_fault
SELECT o.id, o.order_type AS type, o.status, o.user_id, o.vendor_id, o.rider_id, o.accepted_at IS NOT NULL AS accepted,
       o.preparing_at IS NOT NULL AS preparing, o.ready_at IS NOT NULL AS ready, order_payable(o) AS payable, o.subtotal,
       o.delivery_fee, o.service_fee, o.total, o.funded_fee AS waived_fee, o.commission_bps, o.rider_cut_bps,
       CASE WHEN :occurred_at::timestamptz < now() - interval '30 minutes' THEN 'OLD'
            WHEN :occurred_at > now() + interval '60 seconds' THEN 'AHEAD'
            WHEN :occurred_at < timeline_last(o.timeline) THEN 'BEFORE' END AS time_fault
  FROM orders o
 WHERE o.id = CASE WHEN substr(:order::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END

-- One transition of an order, with everything that belongs to it: timestamps, timeline, counters of rider and vendor, the
-- search for a rider, settlement or refund, stock, events, and the reply stored for the Idempotency-Key. Compare-and-set:
-- it is written only if status and rider are still the ones that were read, so of fifty riders one wins.
--  act, by: as domain/order.h names them. status_read, rider_read: what the transition was decided on. status: the new one
--  rider_id: the rider to assign (ASSIGN). note: note or reason. minutes: preparation, NULL: the vendor's average (ACCEPT)
--  location: JSON {lat,lng} or NULL. code: the delivery code sent; needs_code: whether one is required
--  entries: ids of four ledger rows. offer: id of an offer (off_…)
--  vendor_share, rider_share, platform_share, subsidy: COMPLETE: the split (domain/split.h), which must add up to the total.
--   CANCEL: vendor_share is what the platform pays the vendor as compensation (0: nothing); the others are ignored
--  reply: the reply to store with the key, NULL: the order. audit: entry for admin_audit_add, NULL unless by ADMIN
-- Columns: order is the row after DONE; restocked_vendor_id: see order_restocked_vendor.
-- Outcomes: DONE; MOVED: the order has changed since it was read, read it again; WRONG_DELIVERY_CODE (one of five attempts
--  was used); ASSIGN: RIDER_NOT_FOUND, RIDER_NOT_READY, SUSPENDED, NOT_APPROVED, INACTIVE, RIDER_OFFLINE.
--  Raises IDEMPOTENCY_RUNNING when the key was taken by another act meanwhile.
-- name: order_move
-- columns: outcome text, order order_user_row, restocked_vendor_id text, audit_id bigint
WITH moved AS MATERIALIZED (
  SELECT outcome, seen FROM order_act(:order_id::text, :act::text, ARRAY[:status_read::text], ARRAY[:status_read], '{}',
    :status::text, NULL, false, :rider_read::text, :by::text, :rider_id::text, :occurred_at::timestamptz, :note::text,
    :photo::text, :minutes?::integer, :location::json, :code::text, :needs_code::boolean, :entries::text[], :offer::text,
    :vendor_share::bigint, :rider_share::bigint, :platform_share::bigint, :subsidy::bigint, :actor_id::text, :key::text,
    :fingerprint::text, :reply::text)
)
SELECT outcome, CASE WHEN outcome = 'DONE' THEN @order_user_row(s) END AS order,
  CASE WHEN outcome = 'DONE' AND :status = 'CANCELLED' AND :vendor_share = 0 THEN order_restocked_vendor(:order_id) END
    AS restocked_vendor_id,
  CASE WHEN outcome = 'DONE' THEN admin_audit_add(:audit, :order_id,
    jsonb_strip_nulls(jsonb_build_object('riderId', :rider_id, 'reason', :note,
      'vendorPaid', CASE :act WHEN 'CANCEL' THEN nullif(:vendor_share, 0) END))) END AS audit_id
  FROM moved CROSS JOIN LATERAL (SELECT (seen).*) s

-- The same for the acts of vendors and riders that depend on the order's state only, without reading the order before:
-- ACCEPT, PREPARE, READY, ASSIGN, ARRIVE_PICKUP, PICK_UP, ARRIVE_DELIVERY.
--  order_id: not the number. status: the new one
--  meal_states, parcel_states: the states in which the act is allowed, of FOOD and MART, and of PACKAGE
--  kept_states: those of them that the act keeps
--  vendor_id: the order must be this vendor's, and paid or CASH; NULL: any. rider_read: the order must be this rider's
--   (NULL: without a rider), unless any_rider
-- Outcomes: DONE; MOVED: the act does not fit, or there is no such order: order_facts_get shows why; those of ASSIGN.
--  Raises CONFLICT when the rider changed meanwhile: decide by order_facts_get. Raises IDEMPOTENCY_RUNNING as order_move.
-- name: order_advance
-- columns: outcome text, order order_user_row
SELECT outcome, CASE WHEN outcome = 'DONE' THEN @order_user_row(s) END AS order
  FROM order_act(:order_id::text, :act::text, :meal_states::text[], :parcel_states::text[], :kept_states::text[], :status::text,
    :vendor_id::text, :any_rider::boolean, :rider_read::text, :by::text, :rider_id::text, NULL, :note::text, :photo::text,
    :minutes?::integer, :location::json, NULL, false, NULL, :offer::text, 0, 0, 0, 0, :actor_id::text, :key::text,
    :fingerprint::text, :reply::text) CROSS JOIN LATERAL (SELECT (seen).*) s

-- Whether the same actor has already done this act and its effect still holds. Then nothing has to be written.
--  status: the one that the timeline entry of the act names. states: those in which its effect can hold. reply: as in
--   order_move
-- Columns: order as order_move returns it. No row: it is not a repetition.
-- Acts of a rider count since the rider was assigned. Acts of admins are identified by their audit rows.
-- name: order_repeated
-- columns: order order_user_row
WITH held AS MATERIALIZED (
  SELECT o AS seen FROM orders o WHERE o.id = :order_id::text AND o.status = ANY (:states::text[])
), steps AS MATERIALIZED (
  SELECT e.entry ->> 'status' AS status, e.entry ->> 'by' AS by, e.n
    FROM held h, json_array_elements((h.seen).timeline) WITH ORDINALITY AS e(entry, n)
), found AS MATERIALIZED (
  SELECT seen
    FROM held h
   WHERE EXISTS (SELECT FROM steps s WHERE s.status = :status::text AND s.by = :by::text
           AND s.n >= CASE WHEN :by = 'RIDER' OR :act::text = 'ASSIGN'
             THEN (SELECT max(g.n) FROM steps g WHERE g.status = 'RIDER_ASSIGNED') ELSE 0 END)
     AND (:by <> 'ADMIN' OR (SELECT a.admin_id FROM admin_audit a
           WHERE a.subject = :order_id AND a.act = 'order.' || lower(:act) ORDER BY a.id DESC LIMIT 1) = :actor_id::text)
), kept AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT :actor_id, :key::text, :fingerprint::text, 200, coalesce(:reply::text, concat('{"success":true,"data":', order_json_to(f.seen, :by), '}'))
    FROM found f WHERE :key IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT @order_user_row(s) AS order FROM found CROSS JOIN LATERAL (SELECT (seen).*) s

-- Handles orders whose rider may no longer work. An order that was not picked up is released and searches for another
-- rider. The others are marked with `attention`, like the orders of a rider who has not reported a location for too long.
-- The mark is cleared when its reason is gone.
--  rider_id: NULL for all. silence_seconds: without a location. released_from: states in which a release is allowed
-- Columns: released: the order has no rider any more. With as many rows as the limit there may be more.
-- name: orders_watch
-- columns: order_id, rider_id, released
SELECT order_id, rider_id, released
  FROM orders_watch(:rider_id::text, make_interval(secs => :silence_seconds::double precision), :released_from::text[],
    :limit::bigint)

-- A rider rejects an order that is not assigned to him: it is not offered again and not listed any more. His open offer is
-- closed, and dispatch offers the order to the next rider immediately.
--  offer: id of a row (off_…). states: those in which a rider may take the order. reply: the reply to store with the key
-- Columns: rejected is false when no rider can take the order any more.
-- name: offer_reject
-- columns: rejected
WITH target AS MATERIALIZED (
  SELECT id FROM orders WHERE id = :order_id::text AND rider_id IS NULL AND status = ANY (:states::text[])
), queued AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d JOIN target t ON t.id = d.order_id FOR UPDATE OF d
), answered AS (
  UPDATE offers f SET outcome = 'REJECTED', reason = :reason::text, answered_at = now()
    FROM target t WHERE f.order_id = t.id AND f.rider_id = :rider_id::text AND f.outcome = 'OPEN'
     AND (SELECT count(*) FROM queued) >= 0
  RETURNING f.order_id
), unasked AS (
  INSERT INTO offers (id, order_id, rider_id, outcome, reason, answered_at)
  SELECT :offer::text, t.id, :rider_id, 'REJECTED', :reason, now() FROM target t WHERE NOT EXISTS (SELECT FROM answered)
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = t.id AND f.rider_id = :rider_id
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
), sooner AS (
  UPDATE dispatches d SET next_at = now() FROM answered a WHERE d.order_id = a.order_id
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT :rider_id, :key::text, :fingerprint::text, 200, :reply::text FROM target WHERE :key IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM target) AS rejected

-- Orders of a vendor, newest first, without those that wait for a payment.
--  states: NULL for all. from, before: timestamptz or NULL
-- Always one row.
-- name: vendor_order_list
-- columns: total bigint, orders order_row[]
WITH page AS (
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = :vendor_id::text AND active IS TRUE AND order_payable(o)
      AND (:states::text[] IS NULL OR status = ANY (:states))
      AND created_at >= coalesce(:from::timestamptz, '-infinity') AND created_at < coalesce(:before::timestamptz, 'infinity')
    ORDER BY created_at DESC LIMIT :limit::bigint + :offset::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = :vendor_id AND active IS FALSE AND order_payable(o)
      AND (:states IS NULL OR :states && '{DELIVERED,CANCELLED}')
      AND (:states IS NULL OR status = ANY (:states))
      AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity')
    ORDER BY created_at DESC LIMIT :limit + :offset)
  ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
)
SELECT
  CASE WHEN :states IS NULL THEN
    (SELECT count(*) FROM orders
      WHERE vendor_id = :vendor_id
        AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity'))
    - (SELECT count(*) FROM orders
      WHERE vendor_id = :vendor_id AND payment_method <> 'CASH' AND payment_status NOT IN ('PAID', 'REFUNDED')
        AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  ELSE
    (SELECT count(*) FROM orders o
      WHERE vendor_id = :vendor_id AND order_payable(o) AND status = ANY (:states)
        AND active = ANY (CASE WHEN NOT :states && '{DELIVERED,CANCELLED}' THEN '{t}'::boolean[]
                               WHEN :states <@ '{DELIVERED,CANCELLED}' THEN '{f}' ELSE '{t,f}' END)
        AND created_at >= coalesce(:from, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  END AS total,
  ARRAY(SELECT @order_row(o) FROM page JOIN orders o ON o.id = page.id ORDER BY o.created_at DESC, o.id DESC) AS orders

-- The queue of a vendor: orders in the given active states, oldest first, at most 200.
-- Always one row.
-- name: vendor_order_queue
-- columns: orders order_row[]
SELECT ARRAY(SELECT @order_row(o)
  FROM (SELECT * FROM orders t
         WHERE vendor_id = :vendor_id::text AND active IS TRUE AND status = ANY (:states::text[]) AND order_payable(t)
         ORDER BY created_at LIMIT 200) o
 ORDER BY o.created_at, o.id) AS orders

-- Statistics of a vendor for a period, in business days.
--  period: today, week, month or year: the current one, from its first day
-- Columns: stats is JSON.
-- name: vendor_order_stats
-- columns: stats
SELECT '{"total":' || count(*) || ',"pending":' || count(*) FILTER (WHERE status = 'PENDING')
    || ',"accepted":' || count(*) FILTER (WHERE status = 'ACCEPTED')
    || ',"preparing":' || count(*) FILTER (WHERE status = 'PREPARING')
    || ',"ready":' || count(*) FILTER (WHERE status = 'READY_FOR_PICKUP')
    || ',"completed":' || count(*) FILTER (WHERE status = 'DELIVERED')
    || ',"cancelled":' || count(*) FILTER (WHERE status = 'CANCELLED')
    || ',"totalRevenue":' || coalesce(sum(subtotal) FILTER (WHERE status = 'DELIVERED'), 0)
    || ',"averageOrderValue":' || coalesce(round(avg(subtotal) FILTER (WHERE status = 'DELIVERED')), 0) || '}' AS stats
  FROM orders o
 WHERE vendor_id = :vendor_id::text AND order_payable(o)
   AND created_at >= date_trunc(CASE :period::text WHEN 'today' THEN 'day' ELSE :period END,
     now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone()

-- One order for a vendor or rider.
--  order: id or number. rider_id: the rider who reads it, NULL for a vendor
-- Columns: offerable: it has no rider, and this rider has not rejected it. No row: 404.
-- name: order_get_party
-- columns: order order_row, payable boolean, offerable boolean
SELECT @order_row(o) AS order, order_payable(o) AS payable,
       o.rider_id IS NULL AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = :rider_id::text
         ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED' AS offerable
  FROM orders o
 WHERE o.id = CASE WHEN substr(:order::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END

-- Orders of a rider, newest first.
-- Always one row.
-- name: rider_order_list
-- columns: total bigint, orders order_row[]
WITH page AS (
  (SELECT id, created_at FROM orders WHERE rider_id = :rider_id::text AND active IS TRUE
    ORDER BY created_at DESC LIMIT :limit::bigint + :offset::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders WHERE rider_id = :rider_id AND active IS FALSE
    ORDER BY created_at DESC LIMIT :limit + :offset)
  ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
)
SELECT (SELECT count(*) FROM orders WHERE rider_id = :rider_id) AS total,
  ARRAY(SELECT @order_row(o) FROM page JOIN orders o ON o.id = page.id ORDER BY o.created_at DESC, o.id DESC) AS orders

-- Active orders of a rider, newest first.
-- Always one row.
-- name: rider_order_active
-- columns: orders order_row[]
SELECT ARRAY(SELECT @order_row(o)
  FROM (SELECT * FROM orders WHERE rider_id = :rider_id::text AND active IS TRUE ORDER BY created_at DESC LIMIT 100) o
 ORDER BY o.created_at DESC, o.id DESC) AS orders

-- A rider reports an issue with an order that is or was assigned to the rider.
--  order: id or number. occurred_at: NULL: now. key, fingerprint: Idempotency-Key or NULL
-- Outcomes: REPORTED, REPLAY (run idempotency_get), ORDER_NOT_FOUND, ORDER_NOT_OWNER.
-- name: rider_issue_add
-- columns: outcome, issue
WITH target AS MATERIALIZED (
  SELECT o.id, o.rider_id FROM orders o
   WHERE o.id = CASE WHEN substr(:order::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = :order) ELSE :order END
), draft AS MATERIALIZED (
  SELECT :id::text COLLATE "C" AS id, t.id AS order_id, t.rider_id, :type::text COLLATE "C" AS issue_type,
         :description::text AS description,
         :photo::text AS photo, least(coalesce(:occurred_at::timestamptz, now()), now()) AS occurred_at, now() AS created_at
    FROM target t WHERE t.rider_id = :rider_id::text
), made AS MATERIALIZED (
  SELECT rider_issue_json(ROW(draft.*)::rider_issues) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT :rider_id, :key::text, :fingerprint::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE :key IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO rider_issues SELECT draft.* FROM draft WHERE :key IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'REPORTED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END AS outcome,
       (SELECT json FROM made) AS issue
