-- Transitions of orders, and the orders of vendors and riders. src/api/order_acts.c runs the transitions.

-- The facts that a transition is decided on.
--  $1 id or number   $2 occurredAt or NULL
-- Columns: 0 id, 1 type, 2 status, 3 user id, 4 vendor id, 5 rider id, 6 accepted, 7 preparing, 8 ready (flags),
--  9 payable (paid, or cash), 10 subtotal, 11 delivery fee, 12 service fee, 13 funded fee, 14 commission bps,
--  15 the fault of occurredAt: OLD (over 30 minutes), AHEAD (over 60 seconds), BEFORE (the previous act) or NULL.
--  No row: 404.
-- name: order_facts
SELECT o.id, o.order_type, o.status, o.user_id, o.vendor_id, o.rider_id, o.accepted_at IS NOT NULL,
       o.preparing_at IS NOT NULL, o.ready_at IS NOT NULL, order_payable(o), o.subtotal, o.delivery_fee,
       o.service_fee, o.funded_fee, o.commission_bps,
       CASE WHEN $2::timestamptz < now() - interval '30 minutes' THEN 'OLD'
            WHEN $2::timestamptz > now() + interval '60 seconds' THEN 'AHEAD'
            WHEN $2::timestamptz < timeline_last(o.timeline) THEN 'BEFORE' END
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- One transition of an order, with everything that belongs to it: timestamps, timeline, counters of rider and vendor, the
-- search for a rider, settlement or refund, stock, events, and the reply stored for the Idempotency-Key. Compare-and-set:
-- it is written only if status and rider are still the ones that were read, so of fifty riders one wins.
--  $1 order id          $2 status read         $3 rider read or NULL   $4 act (ACCEPT, REJECT, PREPARE, READY, ASSIGN,
--  RELEASE, ARRIVE_PICKUP, PICK_UP, ARRIVE_DELIVERY, COMPLETE, CANCEL)  $5 the new status
--  $6 by (USER, VENDOR, RIDER, ADMIN)          $7 the rider to assign (ASSIGN)
--  $8 occurredAt or NULL: now                  $9 note or reason       $10 photo    $11 preparation minutes
-- $12 location of the act, JSON {lat,lng}      $13 the delivery code sent           $14 whether a code is required
-- $15 ids of four ledger rows text[]           $16 id of an offer (off_…)
-- $17 to $20 COMPLETE: the parts of vendor, rider and platform, and the subsidy that the platform pays the rider
--     CANCEL: $17 is what the platform pays the vendor as compensation (0: nothing); the others are ignored
-- $21 id of the actor  $22 Idempotency-Key or NULL  $23 its fingerprint  $24 the reply to store with it, NULL: the order
-- $25 audit entry of an act by an admin, or NULL
-- Columns: outcome, order (the Order after DONE; the customer's view when by USER).
-- Outcomes: DONE; MOVED: the order has changed since it was read, read it again; WRONG_DELIVERY_CODE (one of five attempts
--  was used); ASSIGN: RIDER_NOT_FOUND, RIDER_NOT_READY, SUSPENDED, NOT_APPROVED, INACTIVE, RIDER_OFFLINE.
--  Raises IDEMPOTENCY_RUNNING when the key was taken by another act meanwhile.
-- name: order_move
WITH moved AS MATERIALIZED (
  SELECT outcome, json FROM order_move($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, $9::text, $10::text, $11::integer, $12::json, $13::text, $14::boolean, $15::text[], $16::text,
    $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::text, $22::text, $23::text, $24::text)
)
SELECT outcome, json, CASE WHEN outcome = 'DONE' THEN admin_audit_add($25::jsonb, $1::text,
    jsonb_strip_nulls(jsonb_build_object('riderId', $7::text, 'reason', $9::text,
      'vendorPaid', CASE $4::text WHEN 'CANCEL' THEN nullif($17::bigint, 0) END))) END
  FROM moved

-- Whether the same actor has already done this act and its effect still holds. Then nothing has to be written.
--  $1 order id   $2 act   $3 by (USER, VENDOR, RIDER, ADMIN)   $4 id of the actor   $5 the status in the timeline entry of
--  the act   $6 the states in which its effect can hold text[]
--  $7 Idempotency-Key or NULL   $8 its fingerprint   $9 the reply to store with it, NULL: the order
-- Columns: order (as order_move returns it). No row: it is not a repetition.
-- Acts of a rider count since the rider was assigned. Acts of admins are identified by their audit rows.
-- name: order_repeated
WITH held AS MATERIALIZED (
  SELECT o AS seen FROM orders o WHERE o.id = $1::text AND o.status = ANY ($6::text[])
), steps AS MATERIALIZED (
  SELECT e.entry ->> 'status' AS status, e.entry ->> 'by' AS by, e.n
    FROM held h, json_array_elements((h.seen).timeline) WITH ORDINALITY AS e(entry, n)
), found AS MATERIALIZED (
  SELECT CASE $3::text WHEN 'USER' THEN order_json_user(h.seen) ELSE order_json(h.seen) END AS json
    FROM held h
   WHERE EXISTS (SELECT FROM steps s WHERE s.status = $5::text AND s.by = $3::text
           AND s.n >= CASE WHEN $3::text = 'RIDER' OR $2::text = 'ASSIGN'
             THEN (SELECT max(g.n) FROM steps g WHERE g.status = 'RIDER_ASSIGNED') ELSE 0 END)
     AND ($3::text <> 'ADMIN' OR (SELECT a.admin_id FROM admin_audit a
           WHERE a.subject = $1::text AND a.act = 'order.' || lower($2::text) ORDER BY a.id DESC LIMIT 1) = $4::text)
), kept AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $4::text, $7::text, $8::text, 200, coalesce($9::text, concat('{"success":true,"data":', f.json, '}'))
    FROM found f WHERE $7::text IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT json FROM found

-- Handles orders whose rider may no longer work. An order that was not picked up is released and searches for another
-- rider. The others are marked with `attention`, like the orders of a rider who has not reported a location for too long.
-- The mark is cleared when its reason is gone.
--  $1 rider, NULL: all   $2 seconds without a location   $3 states in which a release is allowed text[]   $4 limit
-- Columns: order id, rider id, released. With as many rows as the limit there may be more.
-- name: orders_watch
SELECT order_id, rider_id, released FROM orders_watch($1::text, make_interval(secs => $2::double precision), $3::text[], $4::bigint)

-- A rider rejects an order that is not assigned to him: it is not offered again and not listed any more. His open offer is
-- closed, and dispatch offers the order to the next rider immediately.
--  $1 order id   $2 rider id   $3 reason   $4 id of a row (off_…)   $5 states in which a rider may take it text[]
--  $6 Idempotency-Key or NULL   $7 its fingerprint   $8 the reply to store with it
-- Columns: rejected (false: no rider can take the order any more).
-- name: offer_reject
WITH target AS MATERIALIZED (
  SELECT id FROM orders WHERE id = $1::text AND rider_id IS NULL AND status = ANY ($5::text[])
), queued AS MATERIALIZED (
  SELECT d.order_id FROM dispatches d JOIN target t ON t.id = d.order_id FOR UPDATE OF d
), answered AS (
  UPDATE offers f SET outcome = 'REJECTED', reason = $3::text, answered_at = now()
    FROM target t WHERE f.order_id = t.id AND f.rider_id = $2::text AND f.outcome = 'OPEN'
     AND (SELECT count(*) FROM queued) >= 0
  RETURNING f.order_id
), unasked AS (
  INSERT INTO offers (id, order_id, rider_id, outcome, reason, answered_at)
  SELECT $4::text, t.id, $2::text, 'REJECTED', $3::text, now() FROM target t WHERE NOT EXISTS (SELECT FROM answered)
     AND (SELECT f.outcome FROM offers f WHERE f.order_id = t.id AND f.rider_id = $2::text
           ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED'
), sooner AS (
  UPDATE dispatches d SET next_at = now() FROM answered a WHERE d.order_id = a.order_id
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $2::text, $6::text, $7::text, 200, $8::text FROM target WHERE $6::text IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM target)

-- Orders of a vendor, newest first, without those that wait for a payment.
--  $1 vendor id   $2 states text[] or NULL for all   $3 from, $4 before: timestamptz or NULL   $5 limit   $6 offset
-- Columns: total, orders (a JSON array). Always one row.
-- name: vendor_order_list
WITH page AS (
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = $1::text AND active IS TRUE AND order_payable(o)
      AND ($2::text[] IS NULL OR status = ANY ($2::text[]))
      AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
    ORDER BY created_at DESC LIMIT $5::bigint + $6::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders o
    WHERE vendor_id = $1::text AND active IS FALSE AND order_payable(o)
      AND ($2::text[] IS NULL OR $2::text[] && '{DELIVERED,CANCELLED}')
      AND ($2::text[] IS NULL OR status = ANY ($2::text[]))
      AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity')
    ORDER BY created_at DESC LIMIT $5::bigint + $6::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $5::bigint OFFSET $6::bigint
)
SELECT
  CASE WHEN $2::text[] IS NULL THEN
    (SELECT count(*) FROM orders
      WHERE vendor_id = $1::text
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
    - (SELECT count(*) FROM orders
      WHERE vendor_id = $1::text AND payment_method <> 'CASH' AND payment_status NOT IN ('PAID', 'REFUNDED')
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
  ELSE
    (SELECT count(*) FROM orders o
      WHERE vendor_id = $1::text AND order_payable(o) AND status = ANY ($2::text[])
        AND active = ANY (CASE WHEN NOT $2::text[] && '{DELIVERED,CANCELLED}' THEN '{t}'::boolean[]
                               WHEN $2::text[] <@ '{DELIVERED,CANCELLED}' THEN '{f}' ELSE '{t,f}' END)
        AND created_at >= coalesce($3::timestamptz, '-infinity') AND created_at < coalesce($4::timestamptz, 'infinity'))
  END,
  (SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id)

-- The queue of a vendor: orders in the given active states, oldest first, at most 200.
--  $1 vendor id   $2 states text[]
-- Columns: number of orders returned, orders (a JSON array). Always one row.
-- name: vendor_order_queue
SELECT count(*), '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at, o.id), '') || ']'
  FROM (SELECT * FROM orders t
         WHERE vendor_id = $1::text AND active IS TRUE AND status = ANY ($2::text[]) AND order_payable(t)
         ORDER BY created_at LIMIT 200) o

-- Statistics of a vendor for a period, in business days.
--  $1 vendor id   $2 today, week, month or year: the current one, from its first day
-- Columns: the statistics as JSON.
-- name: vendor_order_stats
SELECT '{"total":' || count(*) || ',"pending":' || count(*) FILTER (WHERE status = 'PENDING')
    || ',"accepted":' || count(*) FILTER (WHERE status = 'ACCEPTED')
    || ',"preparing":' || count(*) FILTER (WHERE status = 'PREPARING')
    || ',"ready":' || count(*) FILTER (WHERE status = 'READY_FOR_PICKUP')
    || ',"completed":' || count(*) FILTER (WHERE status = 'DELIVERED')
    || ',"cancelled":' || count(*) FILTER (WHERE status = 'CANCELLED')
    || ',"totalRevenue":' || coalesce(sum(subtotal) FILTER (WHERE status = 'DELIVERED'), 0)
    || ',"averageOrderValue":' || coalesce(round(avg(subtotal) FILTER (WHERE status = 'DELIVERED')), 0) || '}'
  FROM orders o
 WHERE vendor_id = $1::text AND order_payable(o)
   AND created_at >= date_trunc(CASE $2::text WHEN 'today' THEN 'day' ELSE $2::text END,
     now() AT TIME ZONE business_zone()) AT TIME ZONE business_zone()

-- One order for a vendor or rider.
--  $1 id or number   $2 the rider who reads it, NULL for a vendor
-- Columns: vendor id, rider id, payable, order, id, offerable (it has no rider, and this rider has not rejected it), type,
--  status. No row: 404.
-- name: order_get_party
SELECT o.vendor_id, o.rider_id, order_payable(o), order_json(o), o.id,
       o.rider_id IS NULL AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $2::text
         ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED',
       o.order_type, o.status
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- Orders of a rider, newest first.
--  $1 rider id   $2 limit   $3 offset
-- Columns: total, orders (a JSON array). Always one row.
-- name: rider_order_list
WITH page AS (
  (SELECT id, created_at FROM orders WHERE rider_id = $1::text AND active IS TRUE
    ORDER BY created_at DESC LIMIT $2::bigint + $3::bigint)
  UNION ALL
  (SELECT id, created_at FROM orders WHERE rider_id = $1::text AND active IS FALSE
    ORDER BY created_at DESC LIMIT $2::bigint + $3::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $2::bigint OFFSET $3::bigint
)
SELECT (SELECT count(*) FROM orders WHERE rider_id = $1::text),
  (SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id)

-- Active orders of a rider, newest first.
--  $1 rider id
-- Columns: orders (a JSON array). Always one row.
-- name: rider_order_active
SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE rider_id = $1::text AND active IS TRUE ORDER BY created_at DESC LIMIT 100) o

-- A rider reports an issue with an order that is or was assigned to the rider.
--  $1 issue id   $2 order, id or number   $3 rider   $4 type   $5 description   $6 photo   $7 occurredAt or NULL
--  $8 Idempotency-Key or NULL   $9 its fingerprint
-- Columns: outcome, issue. Outcomes: REPORTED, REPLAY (run idempotency_get), ORDER_NOT_FOUND, ORDER_NOT_OWNER.
-- name: rider_issue_add
WITH target AS MATERIALIZED (
  SELECT o.id, o.rider_id FROM orders o
   WHERE o.id = CASE WHEN substr($2::text, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = $2::text) ELSE $2::text END
), draft AS MATERIALIZED (
  SELECT $1::text COLLATE "C" AS id, t.id AS order_id, t.rider_id, $4::text COLLATE "C" AS issue_type, $5::text AS description,
         $6::text AS photo, least(coalesce($7::timestamptz, now()), now()) AS occurred_at, now() AS created_at
    FROM target t WHERE t.rider_id = $3::text
), made AS MATERIALIZED (
  SELECT rider_issue_json(ROW(draft.*)::rider_issues) AS json FROM draft
), once AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $3::text, $8::text, $9::text, 201, '{"success":true,"data":' || json || '}'
    FROM made WHERE $8::text IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING true
), written AS (
  INSERT INTO rider_issues SELECT draft.* FROM draft WHERE $8::text IS NULL OR EXISTS (SELECT FROM once)
  RETURNING true
)
SELECT CASE WHEN EXISTS (SELECT FROM written) THEN 'REPORTED'
            WHEN EXISTS (SELECT FROM made) THEN 'REPLAY'
            WHEN EXISTS (SELECT FROM target) THEN 'ORDER_NOT_OWNER'
            ELSE 'ORDER_NOT_FOUND' END,
       (SELECT json FROM made)
