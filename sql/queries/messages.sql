-- Messages to people: made from events, sent, and managed by admins.

-- --- Made from events --------------------------------------------------------------------------------------

-- The next events that may cause messages. after: events up to this id are done too, although the position was not stored
-- yet. next: the position after these events; count: events read; id: NULL when none
-- has one of the types; rooms: separated by commas. Always one row.
-- name: messages_read_events
-- columns: position, next, count, id, type, age_s, rooms, payload
WITH lease AS MATERIALIZED (
  SELECT position, greatest(position, :after::bigint) AS after FROM leases WHERE name = 'messages'
), page AS MATERIALIZED (
  SELECT e.id, e.type, e.rooms, e.payload, e.created_at
    FROM events e WHERE e.id > (SELECT after FROM lease) ORDER BY e.id LIMIT :limit::bigint
)
SELECT l.position, coalesce(t.next, l.after) AS next, t.count, d.id, d.type, extract(epoch FROM now() - d.created_at)::bigint AS age_s,
  array_to_string(d.rooms, ',') AS rooms, d.payload::text AS payload
  FROM lease l CROSS JOIN (SELECT max(id) AS next, count(*) AS count FROM page) t
  LEFT JOIN page d ON d.type = ANY (:types::text[])
 ORDER BY d.id

-- The facts for the texts of events, and the people they concern, a row for each element of the parallel arrays. An account that
-- is NULL is the one of the order, if it is the customer. push, mail: the channel has a provider; otherwise nothing is looked up
-- for it. user_id and so on NULL: nobody.
-- name: messages_read_facts
-- columns: facts
-- columns: user_id, user_language, user_name, user_has_device, user_has_email
-- columns: vendor_id, vendor_language, vendor_name, vendor_has_device, vendor_has_email
-- columns: rider_id, rider_language, rider_name, rider_has_device, rider_has_email
SELECT o.facts,
  u.id AS user_id, u.language AS user_language, u.name AS user_name, u.has_device AS user_has_device, u.has_email AS user_has_email,
  v.id AS vendor_id, v.language AS vendor_language, v.name AS vendor_name, v.has_device AS vendor_has_device,
  v.has_email AS vendor_has_email,
  r.id AS rider_id, r.language AS rider_language, r.name AS rider_name, r.has_device AS rider_has_device,
  r.has_email AS rider_has_email
  FROM unnest(:orders::text[], :users::text[], :vendors::text[], :riders::text[]) WITH ORDINALITY AS e(order_id, user_id, vendor_id,
    rider_id, n)
  -- LIMIT forces the primary key, whatever the planner estimates
  LEFT JOIN LATERAL (
    SELECT message_order_facts(o) AS facts, o.user_id FROM orders o WHERE o.id = e.order_id LIMIT 1) o ON true
  LEFT JOIN LATERAL (
    SELECT u.id, u.language, btrim(u.first_name || ' ' || u.last_name) AS name, :mail::boolean AND u.email IS NOT NULL AS has_email,
           :push::boolean AND EXISTS (SELECT FROM device_tokens t WHERE t.account_id = u.id AND t.role = 'USER') AS has_device
      FROM users u WHERE u.id = coalesce(e.user_id, o.user_id) LIMIT 1) u ON true
  LEFT JOIN LATERAL (
    SELECT v.id, v.language, v.owner_name AS name, :mail AND v.email IS NOT NULL AS has_email,
           :push AND EXISTS (SELECT FROM device_tokens t WHERE t.account_id = v.id AND t.role = 'VENDOR') AS has_device
      FROM vendors v WHERE v.id = e.vendor_id LIMIT 1) v ON true
  LEFT JOIN LATERAL (
    SELECT r.id, r.language, btrim(r.first_name || ' ' || r.last_name) AS name, :mail AND r.email IS NOT NULL AS has_email,
           :push AND EXISTS (SELECT FROM device_tokens t WHERE t.account_id = r.id AND t.role = 'RIDER') AS has_device
      FROM riders r WHERE r.id = e.rider_id LIMIT 1) r ON true
 ORDER BY e.n

-- Inserts the messages of a page of events and moves the position past the page: both or neither. Does nothing when another
-- instance has moved the position meanwhile. position: as read. messages, in order: [{"event","kind","recipient","channel",
-- "template","params","data","language","life" (s)}]. notifications: [{"room","payload"}]. A row, with the number of messages,
-- only when the position was as read.
-- name: messages_insert
-- columns: count
WITH moved AS (
  UPDATE leases SET position = :next::bigint WHERE name = 'messages' AND position = :position::bigint RETURNING position
), made AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, data, language, until)
  SELECT m.event, m.kind, m.recipient, m.channel, m.template, m.params, m.data, m.language,
         now() + make_interval(secs => m.life)
    FROM ROWS FROM (json_to_recordset(:messages::json) AS (event bigint, kind text, recipient text, channel text,
      template text, params json, data json, language text, life bigint)) WITH ORDINALITY
      AS m (event, kind, recipient, channel, template, params, data, language, life, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY m.n
  RETURNING 1
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT split_part(t.room, ':', 2), 'notification', ARRAY[t.room], t.payload
    FROM ROWS FROM (json_to_recordset(:notifications::json) AS (room text, payload json)) WITH ORDINALITY AS t (room, payload, n)
   WHERE EXISTS (SELECT FROM moved) ORDER BY t.n
)
SELECT (SELECT count(*) FROM made) AS count FROM moved

-- --- Sent --------------------------------------------------------------------------------------------------

-- Reads queued messages in the order in which they were made: for each kind at most `counts` of those after the id in `afters`,
-- and those that `ids` names. channels, bulks, afters and counts are parallel. The ids that are held already and the new ones are
-- claimed for claim_s seconds. Reads nothing when the instance does not hold the lease. leads: it holds it; id: NULL when none is
-- read; tries: so far; wait_ms: not before that; life_ms: 0: too late; addresses: a JSON array, NULL: none; verified: the recipient
-- has verified the address. Always one row. For the orders by NULLS FIRST see the index.
-- name: messages_take
-- columns: leads, id, recipient, channel, bulk, template, params, data, language, tries, wait_ms, life_ms, addresses, verified
WITH lease AS MATERIALIZED (
  SELECT FROM leases WHERE name = 'messages' AND holder = :holder::text AND until > now()
), taken AS MATERIALIZED (
  SELECT m.*
    FROM unnest(:channels::text[], :bulks::boolean[], :afters::bigint[], :counts::bigint[]) AS w(channel, bulk, after, count),
         LATERAL (SELECT * FROM messages m
                   WHERE m.state = 'QUEUED' AND m.channel = w.channel AND m.bulk = w.bulk AND m.id > w.after
                   ORDER BY m.id NULLS FIRST LIMIT w.count) m
   WHERE EXISTS (SELECT FROM lease)
  UNION ALL
  SELECT m.* FROM messages m WHERE m.id = ANY (:ids::bigint[]) AND m.state = 'QUEUED' AND EXISTS (SELECT FROM lease)
), claimed AS (
  INSERT INTO message_claims (holder, ids, until)
  SELECT :holder, :held::bigint[] || array_agg(id), now() + make_interval(secs => :claim_s::bigint) FROM taken HAVING count(*) > 0
  ON CONFLICT (holder) DO UPDATE SET ids = excluded.ids, until = excluded.until
), expired AS (
  DELETE FROM message_claims WHERE until < now() AND holder <> :holder
)
SELECT EXISTS (SELECT FROM lease) AS leads, t.id, t.recipient, t.channel, t.bulk, t.template, t.params::text AS params,
  t.data::text AS data, t.language, t.tries, w.wait_ms,
  greatest(0, extract(epoch FROM t.until - now()) * 1000)::bigint AS life_ms,
  CASE WHEN t.channel = 'PUSH' THEN d.tokens WHEN p.address IS NOT NULL THEN json_build_array(p.address)::text END AS addresses,
  t.channel = 'PUSH' OR coalesce(p.verified, false) AS verified
  FROM (SELECT) one LEFT JOIN taken t ON true
  LEFT JOIN LATERAL (
    SELECT message_wait_ms(t.id, t.next_at, t.tries > 0 OR t.last_error IS NOT NULL, :holder) AS wait_ms) w ON t.id IS NOT NULL
  -- as message_address and message_address_proven, without a call for each row
  LEFT JOIN LATERAL (
    SELECT CASE t.channel WHEN 'SMS' THEN a.phone ELSE a.email END AS address,
           CASE t.channel WHEN 'SMS' THEN a.phone_verified ELSE a.email_verified END AS verified
      FROM (SELECT phone, email, phone_verified, email_verified FROM users
             WHERE t.kind = 'USER' AND t.channel <> 'PUSH' AND id = t.recipient AND status <> 'DELETED'
            UNION ALL
            SELECT phone, email, phone_verified, email_verified FROM vendors
             WHERE t.kind = 'VENDOR' AND t.channel <> 'PUSH' AND id = t.recipient
               AND (status <> 'DELETED' OR approval_status = 'SUSPENDED')
            UNION ALL
            SELECT phone, email, phone_verified, email_verified FROM riders
             WHERE t.kind = 'RIDER' AND t.channel <> 'PUSH' AND id = t.recipient) a LIMIT 1) p ON true
  LEFT JOIN LATERAL (
    SELECT json_agg(d.token ORDER BY d.updated_at DESC)::text AS tokens FROM device_tokens d
     WHERE t.channel = 'PUSH' AND d.account_id = t.recipient AND d.role = t.kind) d ON true
 ORDER BY t.id

-- The queued messages of each kind after the id in `afters`, up to that in `lasts`, at most `limit` of each: to find those that
-- became due, were queued again, or were committed after later ones. channels, bulks, afters and lasts are parallel.
-- name: messages_recheck
-- columns: id, recipient, channel, bulk, wait_ms
SELECT m.id, m.recipient, w.channel, w.bulk,
  message_wait_ms(m.id, m.next_at, m.tries > 0 OR m.last_error IS NOT NULL, :holder::text) AS wait_ms
  FROM unnest(:channels::text[], :bulks::boolean[], :afters::bigint[], :lasts::bigint[]) AS w(channel, bulk, after, last),
       LATERAL (SELECT * FROM messages m
                 WHERE m.state = 'QUEUED' AND m.channel = w.channel AND m.bulk = w.bulk AND m.id > w.after AND m.id <= w.last
                 ORDER BY m.id NULLS FIRST LIMIT :limit::bigint) m
 ORDER BY m.id

-- Reduces the claim of an instance to the messages whose outcome it does not know.
-- name: messages_release
UPDATE message_claims SET ids = :ids::bigint[] WHERE holder = :holder::text

-- Stores the results of tries: SENT, DEAD, SKIPPED, or QUEUED again. A queued one is due after its wait, but not after the end
-- of its life, because it delays those behind it. A result QUEUED is ignored when another instance has tried the message since.
-- results: [{"id","tries" (with this one, if it counts),"state","error","wait" (ms),"text": send a text message
-- instead,"gone": [invalid device tokens]}].
-- name: messages_store_results
-- columns: count
WITH results AS MATERIALIZED (
  SELECT t.* FROM json_to_recordset(:results::json) AS t(id bigint, tries integer, state text, error text, wait bigint,
    text boolean, gone json)
), ended AS (
  UPDATE messages m
     SET state = t.state, tries = t.tries, last_error = t.error, sent_at = CASE t.state WHEN 'SENT' THEN now() END,
         next_at = CASE t.state WHEN 'QUEUED' THEN least(now() + t.wait * interval '1 millisecond', m.until) ELSE m.next_at END
    FROM results t
   WHERE m.id = t.id AND m.id = ANY (ARRAY(SELECT id FROM results))  -- forces the primary key, whatever the planner estimates
     AND m.state = 'QUEUED' AND (t.state <> 'QUEUED' OR m.tries <= t.tries)
  RETURNING m.id, m.event_id, m.kind, m.recipient, m.template, m.params, m.language, m.until, t.text
), instead AS (
  INSERT INTO messages (event_id, kind, recipient, channel, template, params, language, until)
  SELECT e.event_id, e.kind, e.recipient, 'SMS', e.template, e.params, e.language, e.until
    FROM ended e WHERE e.text AND e.until > now() ORDER BY e.id
), forgotten AS (
  DELETE FROM device_tokens d
   WHERE d.token IN (SELECT g.token FROM results t, json_array_elements_text(t.gone) AS g(token)
                      WHERE t.gone IS NOT NULL)
)
SELECT count(*) AS count FROM ended

-- --- Managed -----------------------------------------------------------------------------------------------

-- Newest first. Dead messages have a branch of their own, which uses their small index.
-- A NULL parameter does not filter. Always one row.
-- name: message_list
-- columns: total, rows
SELECT
  (SELECT count(*) FROM messages m
    WHERE :state::text = 'DEAD' AND m.state = 'DEAD' AND (:channel::text IS NULL OR m.channel = :channel::text)
      AND (:recipient::text IS NULL OR m.recipient = :recipient::text))
  + (SELECT count(*) FROM messages m
    WHERE :state::text IS DISTINCT FROM 'DEAD' AND (:state::text IS NULL OR m.state = :state::text)
      AND (:channel::text IS NULL OR m.channel = :channel::text) AND (:recipient::text IS NULL OR m.recipient = :recipient::text)) AS total,
  (SELECT '[' || coalesce(string_agg(message_json(m), ',' ORDER BY m.id DESC), '') || ']' FROM messages m
    WHERE m.id = ANY (ARRAY(
      SELECT id FROM (
        (SELECT m.id FROM messages m
          WHERE :state::text = 'DEAD' AND m.state = 'DEAD' AND (:channel::text IS NULL OR m.channel = :channel::text)
            AND (:recipient::text IS NULL OR m.recipient = :recipient::text)
          ORDER BY m.id DESC LIMIT :limit::bigint + :offset::bigint)
        UNION ALL
        (SELECT m.id FROM messages m
          WHERE :state::text IS DISTINCT FROM 'DEAD' AND (:state::text IS NULL OR m.state = :state::text)
            AND (:channel::text IS NULL OR m.channel = :channel::text) AND (:recipient::text IS NULL OR m.recipient = :recipient::text)
          ORDER BY m.id DESC LIMIT :limit::bigint + :offset::bigint)) found
       ORDER BY id DESC LIMIT :limit::bigint OFFSET :offset::bigint))) AS rows

-- Queues a dead message again; it lives for life_s seconds more.
-- Outcomes: DONE, CONFLICT (it is not dead). No row: 404.
-- name: message_retry
-- columns: outcome, message, audit_id
WITH was AS MATERIALIZED (
  SELECT m.id, m.state FROM messages m
   WHERE m.id = CASE WHEN :message_id::text ~ '^msg_[0-9]{1,18}$' THEN substr(:message_id::text, 5)::bigint END FOR UPDATE
), queued AS (
  UPDATE messages m
     SET state = 'QUEUED', tries = 0, next_at = now(), until = greatest(m.until, now() + make_interval(secs => :life_s::bigint))
    FROM was w WHERE m.id = w.id AND w.state = 'DEAD'
  RETURNING m AS message
)
SELECT CASE WHEN (q.message).id IS NULL THEN 'CONFLICT' ELSE 'DONE' END AS outcome,
    CASE WHEN (q.message).id IS NOT NULL THEN message_json(q.message) END AS message,
    CASE WHEN (q.message).id IS NOT NULL THEN admin_audit_add(:audit::jsonb, :message_id::text) END AS audit_id
  FROM was w LEFT JOIN queued q ON true

-- Deletes a batch of messages that were sent or skipped a week ago, or have been dead for a month.
-- name: sweep_messages
-- columns: count
WITH deleted AS (
  DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages
     WHERE (state IN ('SENT', 'SKIPPED') AND created_at < now() - interval '7 days')
        OR (state = 'DEAD' AND created_at < now() - interval '30 days') LIMIT :limit::bigint))
  RETURNING 1
)
SELECT count(*) AS count FROM deleted

-- How many accounts a broadcast targets, and how many of them have a device.
-- ids NULL: all accounts of the kind; country NULL: any. counts: {"targeted","sent","failed"}. Always one row.
-- name: broadcast_count
-- columns: counts
WITH people AS (
  SELECT u.id FROM users u
   WHERE :kind::text = 'USER' AND broadcast_targets(u.status, u.id, u.country_code, :ids::text[], :country::text)
  UNION ALL
  SELECT v.id FROM vendors v
   WHERE :kind::text = 'VENDOR' AND broadcast_targets(v.status, v.id, v.country_code, :ids::text[], :country::text)
  UNION ALL
  SELECT r.id FROM riders r
   WHERE :kind::text = 'RIDER' AND broadcast_targets(r.status, r.id, r.country_code, :ids::text[], :country::text)
)
SELECT json_build_object('targeted', count(*), 'sent', count(d.account_id), 'failed', count(*) - count(d.account_id))::text AS counts
  FROM people p
  LEFT JOIN (SELECT DISTINCT account_id FROM device_tokens WHERE role = :kind::text) d ON d.account_id = p.id

-- Creates a broadcast to all accounts of a kind, or to some. broadcast_expand makes a push for each account with a device. The
-- event `broadcast` goes to the rooms of the named accounts (rooms_max in an event), or to the room of all.
-- A broadcast to a country publishes no event, because a country has no room.
-- ids NULL: all accounts of the kind; country NULL: any; room_prefix: of the room of one account.
-- name: message_broadcast
-- columns: audit_id
WITH made AS (
  INSERT INTO broadcasts (kind, ids, country, params, data)
  VALUES (:kind::text, :ids::text[], :country::text, json_build_object('title', :title::text, 'body', :body::text), :data::json)
), people AS (
  SELECT i.id, (row_number() OVER (ORDER BY i.id) - 1) / :rooms_max::bigint AS part
    FROM (SELECT DISTINCT unnest(:ids::text[]) AS id) i
    LEFT JOIN users u ON :kind::text = 'USER' AND u.id = i.id
    LEFT JOIN vendors v ON :kind::text = 'VENDOR' AND v.id = i.id
    LEFT JOIN riders r ON :kind::text = 'RIDER' AND r.id = i.id
   WHERE broadcast_targets(coalesce(u.status, v.status, r.status), i.id,
           coalesce(u.country_code, v.country_code, r.country_code), NULL, :country::text)
), published AS (
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT :all_room::text, 'broadcast', t.rooms, json_build_object('type', 'BROADCAST', 'title', :title::text, 'body', :body::text,
    'data', :data::json, 'timestamp', iso(now()))
    FROM (SELECT ARRAY[:all_room::text] AS rooms WHERE :ids::text[] IS NULL AND :country::text IS NULL
          UNION ALL
          SELECT array_agg(:room_prefix::text || ':' || p.id) FROM people p GROUP BY p.part) t
)
SELECT admin_audit_add(:audit::jsonb, :all_room::text) AS audit_id

-- Makes the next page of messages of the oldest broadcast that is not done: a push for each account with a device, which expires
-- life_s seconds after the broadcast. limit: accounts to read. push: push messages have a provider; otherwise none is made. count:
-- messages made; skipped: accounts for which none was made because there is no provider. No row: all broadcasts are done, or
-- another instance is working on one.
-- name: broadcast_expand
-- columns: count, skipped
WITH next AS MATERIALIZED (
  SELECT * FROM broadcasts WHERE NOT done ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), page AS MATERIALIZED (
  SELECT d.account_id AS id
    FROM device_tokens d
   WHERE d.account_id > (SELECT position FROM next) AND d.role = (SELECT kind FROM next)
     AND ((SELECT ids FROM next) IS NULL OR d.account_id = ANY ((SELECT ids FROM next)::text[]))
   GROUP BY d.account_id ORDER BY d.account_id LIMIT :limit::bigint
), made AS (
  INSERT INTO messages (kind, recipient, channel, bulk, template, params, data, language, until)
  SELECT b.kind, a.id, 'PUSH', true, 'broadcast', b.params, b.data, a.language, b.created_at + make_interval(secs => :life_s::bigint)
    FROM next b, page p, LATERAL (
      SELECT u.id, u.language FROM users u
       WHERE b.kind = 'USER' AND u.id = p.id AND broadcast_targets(u.status, u.id, u.country_code, NULL, b.country)
      UNION ALL
      SELECT v.id, v.language FROM vendors v
       WHERE b.kind = 'VENDOR' AND v.id = p.id AND broadcast_targets(v.status, v.id, v.country_code, NULL, b.country)
      UNION ALL
      SELECT r.id, r.language FROM riders r
       WHERE b.kind = 'RIDER' AND r.id = p.id AND broadcast_targets(r.status, r.id, r.country_code, NULL, b.country)) a
   WHERE :push::boolean ORDER BY a.id
  RETURNING 1
), moved AS (
  UPDATE broadcasts t
     SET position = coalesce((SELECT max(id) FROM page), t.position), done = (SELECT count(*) FROM page) < :limit
    FROM next b WHERE t.id = b.id
)
SELECT (SELECT count(*) FROM made) AS count, CASE WHEN :push THEN 0 ELSE (SELECT count(*) FROM page) END AS skipped FROM next
