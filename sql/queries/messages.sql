-- Messages to people: made of events, sent, and looked after.

-- --- Made of events ----------------------------------------------------------------------------------------

-- The next events that may make messages, with what is needed to say them. The reasons that the system gives are in its own
-- words and in one language: they are not said to people.
--  $1 their types text[]   $2 how many events to look at
-- Columns: position, position once these are done (the same: there is nothing new), how many were looked at, id (NULL: none
--  of these types), type, age (s), payload, facts; then of the customer, the vendor and the rider concerned: id (NULL: none), language,
--  name, has a device, has an e-mail. Always one row.
-- name: messages_ahead
WITH lease AS MATERIALIZED (
  SELECT position FROM leases WHERE name = 'messages'
), page AS MATERIALIZED (
  SELECT e.id, e.aggregate, e.type, e.rooms, e.payload, e.created_at
    FROM events e WHERE e.id > (SELECT position FROM lease) ORDER BY e.id LIMIT $2::bigint
), due AS MATERIALIZED (
  SELECT p.*, o.id AS order_id, o.order_number, o.vendor_name, o.rider_name, o.total, o.cancelled_by, o.payment_status,
         o.payment_method, o.pickup_text, o.delivery_text, o.user_id,
         (SELECT substr(r, 6) FROM unnest(p.rooms) r WHERE r LIKE 'user:%' LIMIT 1) AS of_user,
         (SELECT substr(r, 8) FROM unnest(p.rooms) r WHERE r LIKE 'vendor:%' LIMIT 1) AS of_vendor,
         (SELECT substr(r, 7) FROM unnest(p.rooms) r WHERE r LIKE 'rider:%' LIMIT 1) AS of_rider
    FROM page p LEFT JOIN orders o ON o.id = p.payload ->> 'orderId'
   WHERE p.type = ANY ($1::text[])
)
SELECT l.position, coalesce((SELECT max(id) FROM page), l.position), (SELECT count(*) FROM page), d.id, d.type,
  extract(epoch FROM now() - d.created_at)::bigint,
  CASE WHEN d.type = 'order_cancelled' AND d.cancelled_by = 'SYSTEM' THEN (d.payload::jsonb - 'reason')::text
    ELSE d.payload::text END,
  CASE WHEN d.order_id IS NOT NULL THEN json_build_object('orderNumber', d.order_number, 'vendorName', d.vendor_name,
    'riderName', d.rider_name, 'total', d.total,
    'by', CASE WHEN d.cancelled_by = 'SYSTEM' AND d.payment_status = 'FAILED' THEN 'PAYMENT' ELSE d.cancelled_by END,
    'pickup', d.pickup_text, 'dropoff', d.delivery_text,
    'known', CASE WHEN d.payment_status IN ('PAID', 'REFUNDED') OR d.payment_method = 'CASH' THEN 'yes' END,
    'refundAmount', CASE d.payment_status WHEN 'REFUNDED' THEN d.total END)::text END,
  u.id, u.language, btrim(u.first_name || ' ' || u.last_name),
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = u.id AND t.role = 'USER'), u.email IS NOT NULL,
  v.id, v.language, v.owner_name,
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = v.id AND t.role = 'VENDOR'), v.email IS NOT NULL,
  r.id, r.language, btrim(r.first_name || ' ' || r.last_name),
  EXISTS (SELECT FROM device_tokens t WHERE t.account_id = r.id AND t.role = 'RIDER'), r.email IS NOT NULL
  FROM lease l LEFT JOIN due d ON true
  LEFT JOIN users u ON u.id = coalesce(d.of_user, d.user_id, d.payload ->> 'userId')
  LEFT JOIN vendors v ON v.id = coalesce(d.of_vendor, d.payload ->> 'vendorId')
  LEFT JOIN riders r ON r.id = coalesce(d.of_rider, d.payload ->> 'riderId')
 ORDER BY d.id

-- Makes the messages of a page of events, and moves the position beyond it: both or neither, and nothing when another copy
-- has moved it meanwhile.
--  $1 position seen   $2 position then   $3 messages [{"event","kind","recipient","channel","template","params","data",
--  "language","life"}] (life in seconds), in order   $4 notifications [{"room","payload"}]
-- Columns: messages made. A row only when the position was as seen.
-- name: messages_make
WITH moved AS (
  UPDATE leases SET position = $2::bigint WHERE name = 'messages' AND position = $1::bigint RETURNING position
), made AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, data, language, until)
  SELECT m.event, m.kind, m.recipient, m.channel, m.template, m.params, m.data, m.language,
         now() + make_interval(secs => m.life)
    FROM ROWS FROM (json_to_recordset($3::json) AS (event bigint, kind text, recipient text, channel text,
      template text, params json, data json, language text, life bigint)) WITH ORDINALITY
      AS m (event, kind, recipient, channel, template, params, data, language, life, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY m.n
  RETURNING 1
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT split_part(t.room, ':', 2), 'notification', ARRAY[t.room], t.payload
    FROM ROWS FROM (json_to_recordset($4::json) AS (room text, payload json)) WITH ORDINALITY AS t (room, payload, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY t.n
)
SELECT (SELECT count(*) FROM made) FROM moved

-- --- Sent --------------------------------------------------------------------------------------------------

-- Takes messages that are due: each recipient's earliest of a channel. They are its taker's for a while; a taker that died
-- leaves them to be taken again. Of each that is due the earliest of its recipient is looked up: that one is taken, if it is
-- due too, and those behind it are put off for minutes, since messages_end makes the next one due. So a look at any of a
-- long queue moves its head, and however long it is nobody looks at all of it again and again.
--  $1 channels text[]   $2 bulk boolean[]   $3 how many of each integer[]   $4 seconds that they are its taker's
-- Columns: id (NULL: none is taken), kind, recipient, channel, bulk, template, params, data, language, tries (this one
--  included), seconds it is of use yet (0: too late), where to (JSON array; NULL: nowhere), whether the owner has proved that it is his,
--  how many were looked at. Always one row.
-- name: messages_take
WITH wanted AS (
  SELECT w.channel, w.bulk, w.room FROM unnest($1::text[], $2::boolean[], $3::integer[]) AS w(channel, bulk, room)
   WHERE w.room > 0
), looked AS MATERIALIZED (
  SELECT d.id, d.head, w.room
    FROM wanted w, LATERAL (
      SELECT m.id,
             (SELECT e.id FROM messages e
               WHERE e.state = 'QUEUED' AND e.recipient = m.recipient AND e.channel = m.channel AND e.bulk = m.bulk
               ORDER BY e.id LIMIT 1) AS head
        FROM messages m
       WHERE m.state = 'QUEUED' AND m.channel = w.channel AND m.bulk = w.bulk AND m.next_at <= now()
       ORDER BY m.next_at LIMIT 2 * w.room + 20
         FOR UPDATE OF m SKIP LOCKED) d
), heads AS MATERIALIZED (
  SELECT m.id, l.room, row_number() OVER (PARTITION BY m.channel, m.bulk ORDER BY m.next_at, m.id) AS n
    FROM (SELECT DISTINCT head, room FROM looked) l JOIN messages m ON m.id = l.head
   WHERE m.state = 'QUEUED' AND m.next_at <= now() AND m.id = ANY (ARRAY(SELECT head FROM looked))
), taken AS (
  UPDATE messages m SET tries = m.tries + 1, next_at = now() + $4::bigint * interval '1 second'
    FROM heads h
   WHERE m.id = h.id AND h.n <= h.room AND m.state = 'QUEUED' AND m.next_at <= now()
     AND m.id = ANY (ARRAY(SELECT id FROM heads))  -- by its key, however many the planner takes them for
  RETURNING m.id, m.kind, m.recipient, m.channel, m.bulk, m.template, m.params, m.data, m.language, m.tries, m.until
), behind AS (
  UPDATE messages m SET next_at = now() + interval '1 minute' * (1 + 4 * random())
    FROM looked l
   WHERE m.id = l.id AND l.head <> l.id AND m.id = ANY (ARRAY(SELECT id FROM looked))
)
SELECT t.id, t.kind, t.recipient, t.channel, t.bulk, t.template, t.params::text, t.data::text, t.language, t.tries,
  greatest(0, ceil(extract(epoch FROM t.until - now())))::bigint, message_address(t.kind, t.recipient, t.channel)::text,
  message_address_proven(t.kind, t.recipient, t.channel), (SELECT count(*) FROM looked)
  FROM (SELECT) one LEFT JOIN taken t ON true ORDER BY t.id

-- Ends tries: SENT, DEAD, SKIPPED, or QUEUED again after some time, but not beyond its life: it would hold up those behind
-- it. Who waited behind an ended one is due at once. What was taken by another meanwhile is his to queue again.
--  $1 [{"id","tries","state","error","wait" (ms),"untried": it counts as no try,"text": a text message goes in its
--  place,"gone": [tokens that are of no use
--  any more]}]
-- name: messages_end
WITH told AS MATERIALIZED (
  SELECT t.* FROM json_to_recordset($1::json) AS t(id bigint, tries integer, state text, error text, wait bigint, untried boolean,
    text boolean, gone json)
), ended AS (
  UPDATE messages m
     SET state = t.state, tries = m.tries - coalesce(t.untried, false)::integer, last_error = t.error, sent_at = CASE t.state WHEN 'SENT' THEN now() END,
         next_at = least(now() + coalesce(t.wait, 0) * interval '1 millisecond', m.until)
    FROM told t
   WHERE m.id = t.id AND m.state = 'QUEUED' AND (t.state <> 'QUEUED' OR m.tries = t.tries)
  RETURNING m.*, t.text
), instead AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, language, until)
  SELECT e.event_id, e.kind, e.recipient, 'SMS', e.template, e.params, e.language, e.until
    FROM ended e WHERE e.text AND e.until > now() ORDER BY e.id
), woken AS (
  UPDATE messages m SET next_at = now()
   WHERE m.next_at > now() AND m.id IN (
     SELECT (SELECT min(n.id) FROM messages n
              WHERE n.state = 'QUEUED' AND n.recipient = e.recipient AND n.channel = e.channel AND n.bulk = e.bulk
                AND n.id > e.id)
       FROM ended e WHERE e.state <> 'QUEUED')
     AND m.id NOT IN (SELECT id FROM told)
), forgotten AS (
  DELETE FROM device_tokens d
   WHERE d.token IN (SELECT g.token FROM told t, json_array_elements_text(t.gone) AS g(token) WHERE t.gone IS NOT NULL)
)
SELECT count(*) FROM ended

-- --- Looked after ------------------------------------------------------------------------------------------

-- Newest first. Dead ones are a branch of their own, which their small index serves.
--  $1 status or NULL   $2 channel or NULL   $3 recipient or NULL   $4 limit   $5 offset
-- Columns: total, rows (a JSON array). Always one row.
-- name: message_list
SELECT
  (SELECT count(*) FROM messages m
    WHERE $1::text = 'DEAD' AND m.state = 'DEAD' AND ($2::text IS NULL OR m.channel = $2::text)
      AND ($3::text IS NULL OR m.recipient = $3::text))
  + (SELECT count(*) FROM messages m
    WHERE $1::text IS DISTINCT FROM 'DEAD' AND ($1::text IS NULL OR m.state = $1::text)
      AND ($2::text IS NULL OR m.channel = $2::text) AND ($3::text IS NULL OR m.recipient = $3::text)),
  (SELECT '[' || coalesce(string_agg(message_json(m), ',' ORDER BY m.id DESC), '') || ']' FROM messages m
    WHERE m.id = ANY (ARRAY(
      SELECT id FROM (
        (SELECT m.id FROM messages m
          WHERE $1::text = 'DEAD' AND m.state = 'DEAD' AND ($2::text IS NULL OR m.channel = $2::text)
            AND ($3::text IS NULL OR m.recipient = $3::text)
          ORDER BY m.id DESC LIMIT $4::bigint + $5::bigint)
        UNION ALL
        (SELECT m.id FROM messages m
          WHERE $1::text IS DISTINCT FROM 'DEAD' AND ($1::text IS NULL OR m.state = $1::text)
            AND ($2::text IS NULL OR m.channel = $2::text) AND ($3::text IS NULL OR m.recipient = $3::text)
          ORDER BY m.id DESC LIMIT $4::bigint + $5::bigint)) found
       ORDER BY id DESC LIMIT $4::bigint OFFSET $5::bigint)))

-- A dead message is sent once more, for a day.
--  $1 id   $2 admin   $3 act   $4 request id
-- Columns: outcome (DONE, CONFLICT: it is not dead), row. No row: 404.
-- name: message_retry
WITH was AS MATERIALIZED (
  SELECT m.id, m.state FROM messages m
   WHERE m.id = CASE WHEN $1::text ~ '^msg_[0-9]{1,18}$' THEN substr($1::text, 5)::bigint END FOR UPDATE
), queued AS (
  UPDATE messages m
     SET state = 'QUEUED', tries = 0, next_at = now(), until = greatest(m.until, now() + interval '1 day')
    FROM was w WHERE m.id = w.id AND w.state = 'DEAD'
  RETURNING m AS message
), noted AS (
  INSERT INTO admin_acts (admin_id, act, subject, request_id)
  SELECT $2::text, $3::text, $1::text, $4::text FROM queued
)
SELECT CASE WHEN q.message IS NULL THEN 'CONFLICT' ELSE 'DONE' END, message_json(q.message)
  FROM was w LEFT JOIN queued q ON true

-- Deletes at most $1 that were sent or skipped a week ago, or have been dead for a month.
-- Columns: how many.
-- name: sweep_messages
WITH gone AS (
  DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages
     WHERE (state IN ('SENT', 'SKIPPED') AND created_at < now() - interval '7 days')
        OR (state = 'DEAD' AND created_at < now() - interval '30 days') LIMIT $1::bigint))
  RETURNING 1
)
SELECT count(*) FROM gone

-- How many a broadcast is for, and how many of them have a device.
--  $1 kind   $2 ids text[] or NULL for all   $3 country or NULL
-- Columns: {"targeted","sent","failed"}. Always one row.
-- name: broadcast_count
WITH people AS (
  SELECT u.id FROM users u
   WHERE $1::text = 'USER' AND broadcast_means(u.status, u.id, u.country_code, $2::text[], $3::text)
  UNION ALL
  SELECT v.id FROM vendors v
   WHERE $1::text = 'VENDOR' AND broadcast_means(v.status, v.id, v.country_code, $2::text[], $3::text)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE $1::text = 'RIDER' AND broadcast_means(r.status, r.id, r.country_code, $2::text[], $3::text)
)
SELECT json_build_object('targeted', count(*), 'sent', count(d.account_id), 'failed', count(*) - count(d.account_id))::text
  FROM people p
  LEFT JOIN (SELECT DISTINCT account_id FROM device_tokens WHERE role = $1::text) d ON d.account_id = p.id

-- Tells everybody of a kind, or some of them, something: a broadcast, of which broadcast_page makes a push for each who has a
-- device, and the event `broadcast` to the rooms of those who are named (eight of an event are heard: see EVENT_ROOMS_MAX),
-- or of all. Of a country alone nobody's app is told: it has no room.
--  $1 kind   $2 ids text[] or NULL for all   $3 country or NULL   $4 title   $5 body   $6 data   $7 room of all
--  $8 prefix of one's room   $9 admin   $10 act   $11 details   $12 request id
-- name: message_broadcast
WITH made AS (
  INSERT INTO broadcasts (kind, ids, country, params, data)
  VALUES ($1::text, $2::text[], $3::text, json_build_object('title', $4::text, 'body', $5::text), $6::json)
), people AS (
  SELECT i.id, (row_number() OVER (ORDER BY i.id) - 1) / 8 AS part
    FROM (SELECT DISTINCT unnest($2::text[]) AS id) i
    LEFT JOIN users u ON $1::text = 'USER' AND u.id = i.id
    LEFT JOIN vendors v ON $1::text = 'VENDOR' AND v.id = i.id
    LEFT JOIN riders r ON $1::text = 'RIDER' AND r.id = i.id
   WHERE broadcast_means(coalesce(u.status, v.status, r.status), i.id,
           coalesce(u.country_code, v.country_code, r.country_code), NULL, $3::text)
), told AS (
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT $7::text, 'broadcast', t.rooms, json_build_object('type', 'BROADCAST', 'title', $4::text, 'body', $5::text,
    'data', $6::json, 'timestamp', iso(now()))
    FROM (SELECT ARRAY[$7::text] AS rooms WHERE $2::text[] IS NULL AND $3::text IS NULL
          UNION ALL
          SELECT array_agg($8::text || ':' || p.id) FROM people p GROUP BY p.part) t
)
INSERT INTO admin_acts (admin_id, act, subject, details, request_id)
VALUES ($9::text, $10::text, $7::text, $11::jsonb, $12::text)

-- Makes the next page of messages of the oldest broadcast that is not done: a push for each account that has a device. What
-- is not sent within a day is of no use.
--  $1 accounts to look at
-- Columns: messages made. No row: all is done, or another copy is at it.
-- name: broadcast_page
WITH next AS MATERIALIZED (
  SELECT * FROM broadcasts WHERE NOT done ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), page AS MATERIALIZED (
  SELECT d.account_id AS id
    FROM device_tokens d
   WHERE d.account_id > (SELECT position FROM next) AND d.role = (SELECT kind FROM next)
     AND ((SELECT ids FROM next) IS NULL OR d.account_id = ANY ((SELECT ids FROM next)::text[]))
   GROUP BY d.account_id ORDER BY d.account_id LIMIT $1::bigint
), made AS (
  INSERT INTO messages (kind, recipient, channel, bulk, template, params, data, language, until)
  SELECT b.kind, a.id, 'PUSH', true, 'broadcast', b.params, b.data, a.language, b.created_at + interval '1 day'
    FROM next b, page p, LATERAL (
      SELECT u.id, u.language FROM users u
       WHERE b.kind = 'USER' AND u.id = p.id AND broadcast_means(u.status, u.id, u.country_code, NULL, b.country)
      UNION ALL
      SELECT v.id, v.language FROM vendors v
       WHERE b.kind = 'VENDOR' AND v.id = p.id AND broadcast_means(v.status, v.id, v.country_code, NULL, b.country)
      UNION ALL
      SELECT r.id, r.language FROM riders r
       WHERE b.kind = 'RIDER' AND r.id = p.id AND broadcast_means(r.status, r.id, r.country_code, NULL, b.country)) a
   ORDER BY a.id
  RETURNING 1
), moved AS (
  UPDATE broadcasts t
     SET position = coalesce((SELECT max(id) FROM page), t.position), done = (SELECT count(*) FROM page) < $1::bigint
    FROM next b WHERE t.id = b.id
)
SELECT (SELECT count(*) FROM made) FROM next
