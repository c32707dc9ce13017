-- Orders in the admin namespace.

-- Newest first: ids are ULIDs, so they sort by time. Each kind of list is a branch with its own index; the parameters let only
-- one branch run. Orders that need attention are few and have an index of their own.
-- A NULL parameter does not filter. attention: orders that need an admin, or the others. Always one row.
-- name: admin_order_list
-- columns: total, rows
WITH page AS (
  (SELECT id FROM orders
    WHERE :attention?::boolean IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id::text IS NULL AND :rider_id::text IS NULL AND :user_id::text IS NULL
      AND (:states::text[] IS NULL OR status = ANY (:states)) AND (:payment_status::text IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since::timestamptz, '-infinity') AND created_at < coalesce(:before::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT :limit::bigint + :offset::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND vendor_id = :vendor_id AND active = ANY ('{t,f}') AND (:rider_id IS NULL OR rider_id = :rider_id)
      AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity')
    ORDER BY id DESC LIMIT :limit + :offset)
  UNION ALL
  (SELECT id FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id IS NULL AND rider_id = :rider_id AND active = ANY ('{t,f}') AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity')
    ORDER BY id DESC LIMIT :limit + :offset)
  UNION ALL
  (SELECT id FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id IS NULL AND :rider_id IS NULL AND user_id = :user_id AND active = ANY ('{t,f}')
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity')
    ORDER BY id DESC LIMIT :limit + :offset)
  UNION ALL
  (SELECT id FROM orders
    WHERE :attention IS TRUE AND attention IS NOT NULL AND (:vendor_id IS NULL OR vendor_id = :vendor_id)
      AND (:rider_id IS NULL OR rider_id = :rider_id) AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity')
    ORDER BY id DESC LIMIT :limit + :offset)
  ORDER BY id DESC LIMIT :limit OFFSET :offset
)
SELECT
  (SELECT count(*) FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id IS NULL AND :rider_id IS NULL AND :user_id IS NULL
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND vendor_id = :vendor_id AND active = ANY ('{t,f}') AND (:rider_id IS NULL OR rider_id = :rider_id)
      AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id IS NULL AND rider_id = :rider_id AND active = ANY ('{t,f}') AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE :attention IS NOT TRUE AND (:attention IS NULL OR attention IS NULL)
      AND :vendor_id IS NULL AND :rider_id IS NULL AND user_id = :user_id AND active = ANY ('{t,f}')
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE :attention IS TRUE AND attention IS NOT NULL AND (:vendor_id IS NULL OR vendor_id = :vendor_id)
      AND (:rider_id IS NULL OR rider_id = :rider_id) AND (:user_id IS NULL OR user_id = :user_id)
      AND (:states IS NULL OR status = ANY (:states)) AND (:payment_status IS NULL OR payment_status = :payment_status)
      AND created_at >= coalesce(:since, '-infinity') AND created_at < coalesce(:before, 'infinity'))
    AS total,
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id) AS rows

-- Newest orders whose number contains the text, in upper or lower case (numbers are upper case), with or without dashes. A
-- complete number uses an index; a part of one has no index, so all numbers are scanned.
-- Always one row.
-- name: admin_order_search
-- columns: total, rows
WITH exact AS MATERIALIZED (
  SELECT order_number FROM orders WHERE order_number = upper(:text::text)
), found AS MATERIALIZED (
  SELECT order_number FROM exact
  UNION ALL
  SELECT order_number FROM orders
   WHERE NOT EXISTS (SELECT FROM exact)
     AND CASE WHEN strpos(:text, '-') > 0 THEN order_number ELSE replace(order_number, '-', '') END
       LIKE like_text(upper(:text))
), page AS (
  SELECT o.id FROM found JOIN orders o USING (order_number) ORDER BY o.id DESC LIMIT :limit::bigint OFFSET :offset::bigint
)
SELECT (SELECT count(*) FROM found) AS total,
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id) AS rows

-- One order. order_ref: id or number. No row: 404.
-- name: admin_order_get
-- columns: order, timeline
SELECT admin_order_json(o, u, v, r) AS order, admin_timeline(o) AS timeline
  FROM orders o LEFT JOIN users u ON u.id = o.user_id
  LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id
 WHERE o.id = CASE WHEN substr(:order_ref::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order_ref) ELSE :order_ref END

-- Dispatch decisions of an order with their outcomes, oldest first.
-- order_ref: id or number. No row: the order does not exist.
-- name: admin_order_dispatch
-- columns: decisions
SELECT '[' || coalesce(string_agg(concat('{"id":', d.id, ',"at":', json_time(d.at), ',"round":', d.round,
      ',"rider":{"id":"', d.rider_id, '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)),
      '},"outcome":', json_word(f.outcome), ',"answered_at":', json_time(f.answered_at),
      ',"reason":', json_text(f.reason), ',"candidates":', d.candidates, '}'), ',' ORDER BY d.id)
    FILTER (WHERE d.id IS NOT NULL), '') || ']' AS decisions
  FROM orders o
  LEFT JOIN dispatch_decisions d ON d.order_id = o.id
  LEFT JOIN offers f ON f.order_id = d.order_id AND f.rider_id = d.rider_id AND f.offered_at = d.at
  LEFT JOIN riders r ON r.id = d.rider_id
 WHERE o.id = CASE WHEN substr(:order_ref::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = :order_ref) ELSE :order_ref END
 GROUP BY o.id
