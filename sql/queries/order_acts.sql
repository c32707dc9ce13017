-- The steps of an order: what a step is decided on, and the step itself. src/api/order_acts.c runs both.

-- What an act is decided on.
--  $1 id or number   $2 occurredAt or NULL
-- Columns: 0 id, 1 type, 2 status, 3 user id, 4 vendor id, 5 rider id, 6 accepted, 7 preparing, 8 ready (flags),
--  9 payable (paid, or cash), 10 subtotal, 11 delivery fee, 12 service fee, 13 funded fee, 14 commission bps,
--  15 what is wrong with occurredAt: OLD (over 30 minutes), AHEAD (over 60 seconds), BEFORE (the previous act) or NULL.
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

-- One step of an order, with all that goes with it: stamps, timeline, rider and vendor counters, the search for a
-- rider, settlement or refund, stock, events, and the answer to an Idempotency-Key. Compare-and-set: it happens
-- only while the order is as it was seen, so of fifty riders one wins.
--  $1 order id          $2 status seen         $3 rider seen or NULL   $4 act (ACCEPT, REJECT, PREPARE, READY, ASSIGN,
--  RELEASE, ARRIVE_PICKUP, PICK_UP, ARRIVE_DELIVERY, COMPLETE, CANCEL)  $5 the status it leads to
--  $6 by (USER, VENDOR, RIDER, ADMIN)          $7 the rider who gets it (ASSIGN)
--  $8 occurredAt or NULL: now                  $9 note or reason       $10 photo    $11 preparation minutes
-- $12 where it was done, JSON {lat,lng}        $13 the delivery code given          $14 whether one is asked for
-- $15 ids of four ledger rows text[]           $16 id of an offer (off_…)
-- $17 to $20 COMPLETE: the vendor's, rider's and platform's part, and what the platform pays the rider besides
--     CANCEL: what the platform pays the vendor for what was made, 0: nothing (the rest is not looked at)
-- $21 who acts         $22 Idempotency-Key or NULL  $23 its fingerprint  $24 the answer to keep with it, NULL: the order
-- $25 the request's id: what an admin does is noted with it
-- Columns: outcome, order (the Order; the customer's when by USER; when DONE).
-- Outcomes: DONE; MOVED: the order is not as it was seen, look again; WRONG_DELIVERY_CODE (that was one try of five);
--  ASSIGN: RIDER_NOT_FOUND, RIDER_NOT_READY, SUSPENDED, NOT_APPROVED, INACTIVE, RIDER_OFFLINE.
--  Raises IDEMPOTENCY_RUNNING when the key was taken by another act meanwhile.
-- name: order_move
WITH moved AS MATERIALIZED (
  SELECT outcome, json FROM order_move($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
    $8::timestamptz, $9::text, $10::text, $11::integer, $12::json, $13::text, $14::boolean, $15::text[], $16::text,
    $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::text, $22::text, $23::text, $24::text)
), noted AS (
  INSERT INTO admin_acts (admin_id, act, subject, details, request_id)
  SELECT $21::text, 'order.' || lower($4::text), $1::text,
         jsonb_strip_nulls(jsonb_build_object('riderId', $7::text, 'reason', $9::text,
           'vendorPaid', CASE $4::text WHEN 'CANCEL' THEN nullif($17::bigint, 0) END)), $25::text
    FROM moved WHERE outcome = 'DONE' AND $6::text = 'ADMIN'
)
SELECT outcome, json FROM moved

-- Whether the same actor has done this act before, and what it brought about still holds: then nothing is to be done.
--  $1 order id   $2 act   $3 by (USER, VENDOR, RIDER, ADMIN)   $4 who acts   $5 the state that the act's entry in the
--  timeline names   $6 the states in which its effect can hold text[]
--  $7 Idempotency-Key or NULL   $8 its fingerprint   $9 the answer to keep with it, NULL: the order
-- Columns: order (as order_move gives it). No row: it is not a repetition.
-- What a rider did counts since he got the order; an admin's acts are told apart by the notes of them.
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
     AND ($3::text <> 'ADMIN' OR (SELECT a.admin_id FROM admin_acts a
           WHERE a.subject = $1::text AND a.act = 'order.' || lower($2::text) ORDER BY a.id DESC LIMIT 1) = $4::text)
), kept AS (
  INSERT INTO idempotency (account_id, key, fingerprint, status, body)
  SELECT $4::text, $7::text, $8::text, 200, coalesce($9::text, concat('{"success":true,"data":', f.json, '}'))
    FROM found f WHERE $7::text IS NOT NULL
  ON CONFLICT DO NOTHING
)
SELECT json FROM found

-- Looks after orders whose rider may not work any more: those that are not picked up go back to the search for a rider,
-- the others get `attention`, as do those of a rider who has been silent for too long. Clears it when its reason is gone.
--  $1 rider, NULL: all   $2 seconds of silence   $3 states that a release starts from text[]   $4 how many at most
-- Columns: order id, rider id, released. As many rows as asked for: there may be more.
-- name: orders_watch
SELECT order_id, rider_id, released FROM orders_watch($1::text, make_interval(secs => $2::double precision), $3::text[], $4::bigint)

-- A rider does not want an order that he has not got: he is not asked again, and does not see it any more. An offer
-- that he has open is answered, and the next rider is looked for at once.
--  $1 order id   $2 rider id   $3 reason   $4 id of a row (off_…)   $5 states in which it can be had text[]
--  $6 Idempotency-Key or NULL   $7 its fingerprint   $8 the answer to keep with it
-- Columns: hidden (false: the order is no longer to be had).
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

-- A vendor's orders, newest first; those that wait for a payment do not exist for him.
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

-- What a vendor has to do now: his orders in some states that are not final, oldest first, at most 200.
--  $1 vendor id   $2 states text[]
-- Columns: total shown, orders (a JSON array). Always one row.
-- name: vendor_order_queue
SELECT count(*), '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at, o.id), '') || ']'
  FROM (SELECT * FROM orders t
         WHERE vendor_id = $1::text AND active IS TRUE AND status = ANY ($2::text[]) AND order_payable(t)
         ORDER BY created_at LIMIT 200) o

-- A vendor's figures of a period, in the business's days.
--  $1 vendor id   $2 today, week, month or year: this one, from its first day
-- Columns: the figures as JSON.
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

-- One order as a vendor or rider sees it.
--  $1 id or number   $2 the rider who asks, NULL for a vendor
-- Columns: vendor id, rider id, payable, order, id, offerable: a rider may have it (it has none, and he did not refuse
--  it), type, status. No row: 404.
-- name: order_get_party
SELECT o.vendor_id, o.rider_id, order_payable(o), order_json(o), o.id,
       o.rider_id IS NULL AND (SELECT f.outcome FROM offers f WHERE f.order_id = o.id AND f.rider_id = $2::text
         ORDER BY f.offered_at DESC LIMIT 1) IS DISTINCT FROM 'REJECTED',
       o.order_type, o.status
  FROM orders o
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- A rider's deliveries, newest first.
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

-- What a rider carries now, newest first.
--  $1 rider id
-- Columns: orders (a JSON array). Always one row.
-- name: rider_order_active
SELECT '[' || coalesce(string_agg(order_json(o), ',' ORDER BY o.created_at DESC, o.id DESC), '') || ']'
  FROM (SELECT * FROM orders WHERE rider_id = $1::text AND active IS TRUE ORDER BY created_at DESC LIMIT 100) o

-- A rider reports what is wrong with an order that is, or was, his.
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
