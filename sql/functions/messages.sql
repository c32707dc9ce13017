-- Messages to people: the target of a broadcast, and the addresses of a message.

-- Whether a broadcast targets an account.
CREATE OR REPLACE FUNCTION broadcast_targets(status text, id text, country_code text, ids text[], country text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT status = 'ACTIVE' AND (ids IS NULL OR id = ANY (ids)) AND (country IS NULL OR country_code = upper(country))
$$;

-- What the texts of messages about an order need: {"orderNumber", …}. by: who cancelled it; known: it was shown to the vendor.
CREATE OR REPLACE FUNCTION message_order_facts(o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('orderNumber', o.order_number, 'vendorName', o.vendor_name, 'riderName', o.rider_name, 'total', o.total,
    'by', CASE WHEN o.cancelled_by = 'SYSTEM' AND o.payment_status = 'FAILED' THEN 'PAYMENT' ELSE o.cancelled_by END,
    'pickup', o.pickup_text, 'dropoff', o.delivery_text,
    'known', CASE WHEN o.payment_status IN ('PAID', 'REFUNDED') OR o.payment_method = 'CASH' THEN 'yes' END,
    'refundAmount', CASE o.payment_status WHEN 'REFUNDED' THEN o.total END)::text
$$;

-- The milliseconds until a queued message may be sent: until its next try, and until the claim of another instance ends. tried: it
-- was tried before; otherwise next_at says nothing.
CREATE OR REPLACE FUNCTION message_wait_ms(id bigint, next_at timestamptz, tried boolean, holder text) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT ceil(1000 * extract(epoch FROM greatest(now(), CASE WHEN tried THEN next_at END,
    (SELECT max(c.until) FROM message_claims c
      WHERE c.holder <> message_wait_ms.holder AND c.until > now() AND message_wait_ms.id = ANY (c.ids))) - now()))::bigint
$$;

-- The addresses of a recipient: for PUSH the device tokens. NULL: none. messages_take reads the same for all its rows; this
-- function and the next are for the previous release, and go in the next version.
CREATE OR REPLACE FUNCTION message_address(kind text, recipient text, channel text) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT CASE channel
    WHEN 'SMS' THEN (SELECT to_json(ARRAY[a.phone]) FROM accounts a
      WHERE a.kind = message_address.kind AND a.id = recipient AND a.standing <> 'DELETED')
    WHEN 'MAIL' THEN (SELECT to_json(ARRAY[a.email]) FROM accounts a
      WHERE a.kind = message_address.kind AND a.id = recipient AND a.email IS NOT NULL AND a.standing <> 'DELETED')
    ELSE (SELECT json_agg(d.token ORDER BY d.updated_at DESC) FROM device_tokens d
      WHERE d.account_id = recipient AND d.role = message_address.kind) END
$$;

-- Whether the recipient has verified the address of a channel. A device token is always valid, because the device sent it.
CREATE OR REPLACE FUNCTION message_address_proven(kind text, recipient text, channel text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT channel = 'PUSH' OR coalesce(CASE kind
    WHEN 'USER' THEN (SELECT CASE channel WHEN 'SMS' THEN u.phone_verified ELSE u.email_verified END
                        FROM users u WHERE u.id = recipient)
    WHEN 'VENDOR' THEN (SELECT CASE channel WHEN 'SMS' THEN v.phone_verified ELSE v.email_verified END
                          FROM vendors v WHERE v.id = recipient)
    WHEN 'RIDER' THEN (SELECT CASE channel WHEN 'SMS' THEN r.phone_verified ELSE r.email_verified END
                         FROM riders r WHERE r.id = recipient) END, false)
$$;

-- A message as admins see it: without its text.
CREATE OR REPLACE FUNCTION message_json(m messages) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":"msg_' || m.id || '","event_id":' || coalesce('"' || m.event_id || '"', 'null')
    || ',"recipient_type":"' || m.kind || '","recipient_id":' || json_word(m.recipient)
    || ',"channel":"' || m.channel || '","template":"' || m.template || '","language":"' || m.language
    || '","status":"' || m.state || '","tries":' || m.tries || ',"next_at":'
    || CASE m.state WHEN 'QUEUED' THEN json_time(m.next_at) ELSE 'null' END
    || ',"last_error":' || json_text(m.last_error) || ',"created_at":' || json_time(m.created_at)
    || ',"sent_at":' || json_time(m.sent_at) || '}'
$$;
