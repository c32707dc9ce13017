-- Orders in the admin namespace.

-- Newest first: ids are ULIDs, so they sort by time. Each kind of list is a branch with its own index; the parameters let only
-- one branch run. Orders that need attention are few and have an index of their own.
--  $1 states text[] or NULL   $2 payment status or NULL   $3 vendor   $4 rider   $5 user, each or NULL
--  $6 from   $7 before: timestamptz or NULL   $8 whether attention is needed, NULL: both   $9 limit   $10 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_order_list
WITH page AS (
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND $5::text IS NULL
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND vendor_id = $3::text AND active = ANY ('{t,f}') AND ($4::text IS NULL OR rider_id = $4::text)
      AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND rider_id = $4::text AND active = ANY ('{t,f}') AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND user_id = $5::text AND active = ANY ('{t,f}')
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  UNION ALL
  (SELECT id FROM orders
    WHERE $8::boolean IS TRUE AND attention IS NOT NULL AND ($3::text IS NULL OR vendor_id = $3::text)
      AND ($4::text IS NULL OR rider_id = $4::text) AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')
    ORDER BY id DESC LIMIT $9::bigint + $10::bigint)
  ORDER BY id DESC LIMIT $9::bigint OFFSET $10::bigint
)
SELECT
  (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND $5::text IS NULL
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND vendor_id = $3::text AND active = ANY ('{t,f}') AND ($4::text IS NULL OR rider_id = $4::text)
      AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND rider_id = $4::text AND active = ANY ('{t,f}') AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS NOT TRUE AND ($8::boolean IS NULL OR attention IS NULL)
      AND $3::text IS NULL AND $4::text IS NULL AND user_id = $5::text AND active = ANY ('{t,f}')
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity'))
  + (SELECT count(*) FROM orders
    WHERE $8::boolean IS TRUE AND attention IS NOT NULL AND ($3::text IS NULL OR vendor_id = $3::text)
      AND ($4::text IS NULL OR rider_id = $4::text) AND ($5::text IS NULL OR user_id = $5::text)
      AND ($1::text[] IS NULL OR status = ANY ($1::text[])) AND ($2::text IS NULL OR payment_status = $2::text)
      AND created_at >= coalesce($6::timestamptz, '-infinity') AND created_at < coalesce($7::timestamptz, 'infinity')),
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id)

-- Newest orders whose number contains the text, in upper or lower case (numbers are upper case), with or without dashes. A
-- complete number uses an index; a part of one has no index, so all numbers are scanned.
--  $1 text   $2 limit   $3 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: admin_order_search
WITH exact AS MATERIALIZED (
  SELECT order_number FROM orders WHERE order_number = upper($1::text)
), found AS MATERIALIZED (
  SELECT order_number FROM exact
  UNION ALL
  SELECT order_number FROM orders
   WHERE NOT EXISTS (SELECT FROM exact)
     AND CASE WHEN strpos($1::text, '-') > 0 THEN order_number ELSE replace(order_number, '-', '') END
       LIKE like_text(upper($1::text))
), page AS (
  SELECT o.id FROM found JOIN orders o USING (order_number) ORDER BY o.id DESC LIMIT $2::bigint OFFSET $3::bigint
)
SELECT (SELECT count(*) FROM found),
  (SELECT '[' || coalesce(string_agg(admin_order_json(o, u, v, r), ',' ORDER BY o.id DESC), '') || ']'
     FROM page JOIN orders o ON o.id = page.id LEFT JOIN users u ON u.id = o.user_id
     LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id)

-- One order. $1 id, or number. Columns: row, timeline. No row: 404.
-- name: admin_order_get
SELECT admin_order_json(o, u, v, r), admin_timeline(o)
  FROM orders o LEFT JOIN users u ON u.id = o.user_id
  LEFT JOIN vendors v ON v.id = o.vendor_id LEFT JOIN riders r ON r.id = o.rider_id
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END

-- Dispatch decisions of an order with their outcomes, oldest first.
--  $1 id or number
-- Columns: rows (a JSON array). No row: the order does not exist.
-- name: admin_order_dispatch
SELECT '[' || coalesce(string_agg(concat('{"id":', d.id, ',"at":', json_time(d.at), ',"round":', d.round,
      ',"rider":{"id":"', d.rider_id, '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)),
      '},"outcome":', json_word(f.outcome), ',"answered_at":', json_time(f.answered_at),
      ',"reason":', json_text(f.reason), ',"candidates":', d.candidates, '}'), ',' ORDER BY d.id)
    FILTER (WHERE d.id IS NOT NULL), '') || ']'
  FROM orders o
  LEFT JOIN dispatch_decisions d ON d.order_id = o.id
  LEFT JOIN offers f ON f.order_id = d.order_id AND f.rider_id = d.rider_id AND f.offered_at = d.at
  LEFT JOIN riders r ON r.id = d.rider_id
 WHERE o.id = CASE WHEN substr($1::text, 2, 1) = '-'
   THEN (SELECT n.id FROM orders n WHERE n.order_number = $1::text) ELSE $1::text END
 GROUP BY o.id
