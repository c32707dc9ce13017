-- Webhooks of partners: the events of an endpoint, and the objects as admins see them.

-- The id of a delivery, computed from its endpoint and its event: queueing it twice has no effect.
CREATE OR REPLACE FUNCTION webhook_delivery_id(endpoint text, event bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'whd_' || md5(endpoint || '.' || event)
$$;

-- The body that is sent.
CREATE OR REPLACE FUNCTION webhook_body(type text, said_at timestamptz, data text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"type":', json_word(type), ',"timestamp":', json_time(said_at), ',"data":', data, '}')::json
$$;

-- Whether an endpoint receives an event: its type is selected, and it concerns the vendor of the endpoint.
CREATE OR REPLACE FUNCTION webhook_matches(w webhook_endpoints, e events) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.type = ANY (w.event_types) AND (w.vendor_id IS NULL OR e.rooms @> ARRAY['vendor:' || w.vendor_id]
    OR e.payload ->> 'vendorId' = w.vendor_id)
$$;

-- --- As admins see them -------------------------------------------------------------------------------

-- The WebhookEndpoint object, without its secret.
CREATE OR REPLACE FUNCTION webhook_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', w.id, '","url":', json_text(w.url), ',"description":', json_text(w.description),
    ',"event_types":', to_json(w.event_types), ',"vendor_id":', json_text(w.vendor_id),
    ',"secret_prefix":', json_text(left(w.secret, 10)), ',"previous_secret_until":',
    json_time(CASE WHEN w.previous_until > now() THEN w.previous_until END), ',"enabled":', json_flag(w.enabled),
    ',"disabled_reason":', json_text(w.disabled_reason), ',"failing_since":', json_time(w.failing_since),
    ',"created_by":', json_text(w.created_by), ',"created_at":', json_time(w.created_at),
    ',"updated_at":', json_time(w.updated_at), '}')
$$;

-- The same with its secret, shown once when that is new.
CREATE OR REPLACE FUNCTION webhook_secret_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(left(webhook_json(w), -1), ',"secret":', json_text(w.secret), '}')
$$;

-- The WebhookDelivery object.
CREATE OR REPLACE FUNCTION webhook_delivery_json(d webhook_deliveries) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', d.id, '","webhook_id":"', d.endpoint_id, '","event_id":', coalesce(d.event_id::text, 'null'),
    ',"type":', json_text(d.type), ',"state":"', d.state, '","tries":', d.tries, ',"next_at":',
    json_time(CASE d.state WHEN 'QUEUED' THEN d.next_at END), ',"last_status":', coalesce(d.last_status::text, 'null'),
    ',"last_error":', json_text(d.last_error), ',"attempts":', d.attempts, ',"payload":', d.payload,
    ',"said_at":', json_time(d.said_at), ',"created_at":', json_time(d.created_at), ',"delivered_at":',
    json_time(d.delivered_at), '}')
$$;

-- --- Writes -------------------------------------------------------------------------------------------

-- See the statement admin_webhook_add. Registrations run one after the other, so that there are never more than 50.
CREATE OR REPLACE FUNCTION webhook_add(its_id text, its_url text, its_description text, types text[], vendor text,
  its_secret text, admin text, audit jsonb, its_key text, its_print text,
  OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  w webhook_endpoints;
BEGIN
  PERFORM FROM leases l WHERE l.name = 'webhooks' FOR NO KEY UPDATE;
  outcome := CASE
    WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = admin AND i.key = its_key) THEN 'REPLAY'
    WHEN vendor IS NOT NULL AND NOT EXISTS (SELECT FROM vendors v WHERE v.id = vendor) THEN 'VENDOR_NOT_FOUND'
    WHEN (SELECT count(*) FROM webhook_endpoints) >= 50 THEN 'CONFLICT' ELSE 'DONE' END;
  IF outcome <> 'DONE' THEN
    RETURN;
  END IF;
  INSERT INTO webhook_endpoints (id, url, description, event_types, vendor_id, secret, created_by)
  VALUES (its_id, its_url, its_description, types, vendor, its_secret, admin)
  RETURNING * INTO w;
  PERFORM admin_audit_add(audit, w.id);
  json := webhook_secret_json(w);
  PERFORM idempotency_store(admin, its_key, its_print, 201, '{"success":true,"data":' || json || '}');
END $$;

-- See the statement admin_webhook_rotate.
CREATE OR REPLACE FUNCTION webhook_rotate(target text, its_secret text, admin text, audit jsonb, its_key text,
  its_print text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  w webhook_endpoints;
BEGIN
  SELECT * INTO w FROM webhook_endpoints t WHERE t.id = target FOR NO KEY UPDATE;
  outcome := CASE WHEN w.id IS NULL THEN 'NOT_FOUND'
    WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = admin AND i.key = its_key) THEN 'REPLAY' ELSE 'DONE' END;
  IF outcome <> 'DONE' THEN
    RETURN;
  END IF;
  -- It is unknown which secret the partner uses by now, so secrets of an earlier rotation sign too.
  UPDATE webhook_endpoints t
     SET secret = its_secret, previous_until = now() + interval '24 hours', updated_at = now(),
         previous_secrets = t.secret || CASE WHEN t.previous_until > now() THEN t.previous_secrets[1:3] ELSE '{}' END
   WHERE t.id = w.id
  RETURNING * INTO w;
  PERFORM admin_audit_add(audit, w.id);
  json := webhook_secret_json(w);
  PERFORM idempotency_store(admin, its_key, its_print, 200, '{"success":true,"data":' || json || '}');
END $$;
