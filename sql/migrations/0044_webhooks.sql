-- Webhooks of partners: what is said goes out to addresses that admins register, signed, at least once. And a settlement that
-- holds its vendor's rows for less time.

-- --- Who is told -------------------------------------------------------------------------------------------

-- At most 50 (webhook_add). The secret is kept as it is: signing needs it. After a rotation those before sign beside it
-- until previous_until.
CREATE TABLE webhook_endpoints (
  id              text COLLATE "C" PRIMARY KEY,       -- whe_…
  url             text NOT NULL,
  description     text,
  event_types     text[] COLLATE "C" NOT NULL,
  vendor_id       text COLLATE "C",                   -- only what concerns this vendor
  secret          text NOT NULL,                      -- whsec_…
  previous_secrets text[] NOT NULL DEFAULT '{}',      -- newest first, at most 4
  previous_until  timestamptz,
  enabled         boolean NOT NULL DEFAULT true,
  disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('ADMIN', 'GONE', 'FAILING')),
  failing_since   timestamptz,                        -- nothing has arrived since
  created_by      text COLLATE "C" NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

-- --- What they are told ------------------------------------------------------------------------------------

-- One event for one endpoint, kept 30 days. The id follows from both, so whoever queues it again queues the same one;
-- it is the webhook-id by which the partner knows a repeat. Taking a row moves next_at to when the taker must be dead
-- and raises tries, by which his outcome finds it.
CREATE TABLE webhook_deliveries (
  id           text COLLATE "C" PRIMARY KEY,          -- whd_…
  endpoint_id  text COLLATE "C" NOT NULL,
  event_id     bigint,                                -- NULL: a test
  type         text COLLATE "C" NOT NULL,
  payload      json NOT NULL,                         -- the body, as it is sent
  state        text COLLATE "C" NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'DELIVERED', 'DEAD')),
  tries        integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL DEFAULT now(),
  busy_until   timestamptz,                           -- under way
  last_status  integer,
  last_error   text,
  attempts     jsonb NOT NULL DEFAULT '[]',           -- the last 20: {"at","status","error"}
  said_at      timestamptz NOT NULL,                  -- of the event
  created_at   timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_said ON webhook_deliveries (endpoint_id, said_at);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE state = 'QUEUED';
CREATE INDEX webhook_deliveries_busy ON webhook_deliveries (endpoint_id) WHERE busy_until IS NOT NULL;
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- Begins with what is said from now on.
INSERT INTO leases (name, position) SELECT 'webhooks', coalesce(max(id), 0) FROM events;

CREATE FUNCTION webhook_delivery_id(endpoint text, event bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'whd_' || md5(endpoint || '.' || event)
$$;

CREATE FUNCTION webhook_body(type text, said_at timestamptz, data text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"type":', json_word(type), ',"timestamp":', json_time(said_at), ',"data":', data, '}')::json
$$;

-- Whether an event is an endpoint's: of its types, and said to its vendor or about it.
CREATE FUNCTION webhook_wants(w webhook_endpoints, e events) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT e.type = ANY (w.event_types) AND (w.vendor_id IS NULL OR e.rooms @> ARRAY['vendor:' || w.vendor_id]
    OR e.payload ->> 'vendorId' = w.vendor_id)
$$;

-- --- As admins see them ------------------------------------------------------------------------------------

CREATE FUNCTION webhook_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', w.id, '","url":', json_text(w.url), ',"description":', json_text(w.description),
    ',"event_types":', to_json(w.event_types), ',"vendor_id":', json_text(w.vendor_id),
    ',"secret_prefix":', json_text(left(w.secret, 10)), ',"previous_secret_until":',
    json_time(CASE WHEN w.previous_until > now() THEN w.previous_until END), ',"enabled":', json_flag(w.enabled),
    ',"disabled_reason":', json_text(w.disabled_reason), ',"failing_since":', json_time(w.failing_since),
    ',"created_by":', json_text(w.created_by), ',"created_at":', json_time(w.created_at),
    ',"updated_at":', json_time(w.updated_at), '}')
$$;

-- The same with its secret, shown when that is new.
CREATE FUNCTION webhook_secret_json(w webhook_endpoints) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(left(webhook_json(w), -1), ',"secret":', json_text(w.secret), '}')
$$;

CREATE FUNCTION webhook_delivery_json(d webhook_deliveries) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', d.id, '","webhook_id":"', d.endpoint_id, '","event_id":', coalesce(d.event_id::text, 'null'),
    ',"type":', json_text(d.type), ',"state":"', d.state, '","tries":', d.tries, ',"next_at":',
    json_time(CASE d.state WHEN 'QUEUED' THEN d.next_at END), ',"last_status":', coalesce(d.last_status::text, 'null'),
    ',"last_error":', json_text(d.last_error), ',"attempts":', d.attempts, ',"payload":', d.payload,
    ',"said_at":', json_time(d.said_at), ',"created_at":', json_time(d.created_at), ',"delivered_at":',
    json_time(d.delivered_at), '}')
$$;

-- The statement admin_webhook_add: see there. Registering waits for whoever registers another, so that there are
-- never more than 50.
CREATE FUNCTION webhook_add(its_id text, its_url text, its_description text, types text[], vendor text,
  its_secret text, admin text, its_act text, act_details jsonb, request text, its_key text, its_print text,
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
  INSERT INTO admin_acts (admin_id, act, subject, details, request_id)
  VALUES (admin, its_act, w.id, act_details, request);
  json := webhook_secret_json(w);
  PERFORM key_keep(admin, its_key, its_print, 201, '{"success":true,"data":' || json || '}');
END $$;

-- The statement admin_webhook_rotate: see there.
CREATE FUNCTION webhook_rotate(target text, its_secret text, admin text, its_act text, request text, its_key text,
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
  -- Which of them the partner knows by now is his to say: those of a rotation before this one still sign.
  UPDATE webhook_endpoints t
     SET secret = its_secret, previous_until = now() + interval '24 hours', updated_at = now(),
         previous_secrets = t.secret || CASE WHEN t.previous_until > now() THEN t.previous_secrets[1:3] ELSE '{}' END
   WHERE t.id = w.id
  RETURNING * INTO w;
  INSERT INTO admin_acts (admin_id, act, subject, request_id) VALUES (admin, its_act, w.id, request);
  json := webhook_secret_json(w);
  PERFORM key_keep(admin, its_key, its_print, 200, '{"success":true,"data":' || json || '}');
END $$;

-- --- A settlement holds its vendor for less time -----------------------------------------------------------

-- As in 0040, in two steps: first what is the rider's and the platform's, and last the vendor's wallet, whose row is the
-- one thing that all his orders at that moment wait for. Wallets are still locked by id: riders' ids come before vendors'.
CREATE OR REPLACE FUNCTION order_settle(o orders, entries text[], vendor_share bigint, rider_share bigint,
  platform_share bigint, subsidy bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  cash boolean := o.payment_method = 'CASH';
  source text := CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END;
  payer text := CASE WHEN cash THEN o.rider_id END;
  rider_balance bigint;
  vendor_balance bigint;
  hand bigint;
BEGIN
  IF vendor_share + rider_share + platform_share IS DISTINCT FROM o.total
     OR least(vendor_share, rider_share, platform_share, subsidy) < 0
     OR (o.vendor_id IS NULL AND vendor_share <> 0) OR o.settled_at IS NULL THEN
    PERFORM fail('INTERNAL', 'split');
  END IF;

  IF o.rider_id IS NOT NULL THEN
    INSERT INTO wallets AS w (owner_id, kind, available, total_earned, cash_in_hand)
    VALUES (o.rider_id, 'RIDER', rider_share + subsidy, rider_share + subsidy, CASE WHEN cash THEN o.total ELSE 0 END)
    ON CONFLICT (owner_id) DO UPDATE
      SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
          cash_in_hand = w.cash_in_hand + excluded.cash_in_hand, updated_at = now()
    RETURNING w.available, w.cash_in_hand INTO rider_balance, hand;
  END IF;
  -- left: what of the cash is not shared out yet. later: what the same wallet still gets.
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, order_id,
    description)
  SELECT m.entry, m.amount, m.from_kind, m.from_owner, CASE WHEN m.from_kind = 'CASH' THEN m.left_over - hand END, m.to_kind,
         m.to_owner, CASE m.to_kind WHEN 'RIDER' THEN rider_balance - m.later END, m.category, o.id,
         m.description || o.order_number
    FROM (VALUES
      (entries[2], rider_share, source, payer, platform_share, 'RIDER', o.rider_id, subsidy, 'DELIVERY_FEE', 'Delivery of order '),
      (entries[3], platform_share, source, payer, 0, 'PLATFORM', NULL, 0, 'ORDER_COMMISSION', 'Commission of order '),
      (entries[4], subsidy, 'PLATFORM', NULL, 0, 'RIDER', o.rider_id, 0, 'DELIVERY_FEE', 'Free delivery of order '))
      AS m(entry, amount, from_kind, from_owner, left_over, to_kind, to_owner, later, category, description)
   WHERE m.amount > 0;

  IF o.vendor_id IS NOT NULL THEN
    INSERT INTO wallets AS w (owner_id, kind, available, total_earned)
    VALUES (o.vendor_id, 'VENDOR', vendor_share, vendor_share)
    ON CONFLICT (owner_id) DO UPDATE
      SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
          updated_at = now()
    RETURNING w.available INTO vendor_balance;
    INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, order_id,
      description)
    SELECT entries[1], vendor_share, source, payer, CASE WHEN cash THEN rider_share + platform_share - hand END, 'VENDOR',
           o.vendor_id, vendor_balance, 'ORDER_PAYMENT', o.id, 'Order ' || o.order_number
     WHERE vendor_share > 0;
  END IF;
END $$;

-- As in 0033, with the settlement after all that needs nothing of the vendor's.
CREATE OR REPLACE FUNCTION order_move(target text, seen_status text, seen_rider text, act text, next_status text, by_whom text,
  taker text, occurred timestamptz, remark text, picture text, minutes integer, place json,
  given_code text, needs_code boolean, entries text[], offer text,
  vendor_share bigint, rider_share bigint, platform_share bigint, subsidy bigint,
  account text, its_key text, its_print text, its_answer text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  was orders;
  o orders;
  r riders;
  at timestamptz;
  shown text;
BEGIN
  SELECT * INTO was FROM orders t WHERE t.id = target FOR NO KEY UPDATE;
  IF was.status IS DISTINCT FROM seen_status OR was.rider_id IS DISTINCT FROM seen_rider THEN
    outcome := 'MOVED';
    RETURN;
  END IF;
  at := greatest(coalesce(occurred, now()), timeline_last(was.timeline));

  IF act = 'COMPLETE' AND needs_code AND was.verification_code IS NOT NULL THEN
    IF given_code IS DISTINCT FROM was.verification_code
       OR EXISTS (SELECT FROM code_tries c WHERE c.order_id = was.id AND c.tries >= 5) THEN
      INSERT INTO code_tries AS c (order_id, tries)
      SELECT was.id, 1 WHERE given_code IS NOT NULL
      ON CONFLICT (order_id) DO UPDATE SET tries = c.tries + 1;
      outcome := 'WRONG_DELIVERY_CODE';
      RETURN;
    END IF;
  END IF;

  IF act = 'ASSIGN' THEN
    SELECT * INTO r FROM riders t WHERE t.id = taker FOR NO KEY UPDATE;
    outcome := CASE WHEN r.id IS NULL THEN 'RIDER_NOT_FOUND'
      WHEN by_whom = 'ADMIN' AND r.approval_status = 'APPROVED' AND r.status = 'ACTIVE' THEN NULL
      WHEN by_whom = 'ADMIN' THEN 'RIDER_NOT_READY'
      WHEN r.approval_status = 'SUSPENDED' THEN 'SUSPENDED'
      WHEN r.approval_status <> 'APPROVED' THEN 'NOT_APPROVED'
      WHEN r.status <> 'ACTIVE' THEN 'INACTIVE'
      WHEN NOT r.is_online THEN 'RIDER_OFFLINE' END;
    IF outcome IS NOT NULL THEN
      RETURN;
    END IF;
  END IF;

  IF next_status = 'CANCELLED' THEN
    o := order_void(was, by_whom, remark, at, entries[1]);
  ELSE
    -- An order that is ready when it has a rider already keeps its state: the timeline names the step, not the state.
    shown := CASE act WHEN 'READY' THEN 'READY_FOR_PICKUP' ELSE next_status END;
    UPDATE orders t
       SET status = next_status, active = next_status <> 'DELIVERED', updated_at = now(),
           timeline = timeline_add(t.timeline, shown, at, by_whom, remark, place),
           rider_id = CASE act WHEN 'ASSIGN' THEN r.id WHEN 'RELEASE' THEN NULL ELSE t.rider_id END,
           rider_name = CASE act WHEN 'ASSIGN' THEN btrim(r.first_name || ' ' || r.last_name)
                                 WHEN 'RELEASE' THEN NULL ELSE t.rider_name END,
           rider_phone = CASE act WHEN 'ASSIGN' THEN r.phone WHEN 'RELEASE' THEN NULL ELSE t.rider_phone END,
           rider_assigned_at = CASE act WHEN 'ASSIGN' THEN at WHEN 'RELEASE' THEN NULL ELSE t.rider_assigned_at END,
           preparation_time = CASE act WHEN 'ACCEPT' THEN coalesce(minutes,
             (SELECT v.average_preparation_time FROM vendors v WHERE v.id = t.vendor_id))
             ELSE t.preparation_time END,
           accepted_at = CASE act WHEN 'ACCEPT' THEN at ELSE t.accepted_at END,
           preparing_at = CASE act WHEN 'PREPARE' THEN at ELSE t.preparing_at END,
           ready_at = CASE act WHEN 'READY' THEN at ELSE t.ready_at END,
           arrived_at_pickup_at = CASE act WHEN 'ARRIVE_PICKUP' THEN at ELSE t.arrived_at_pickup_at END,
           picked_up_at = CASE act WHEN 'PICK_UP' THEN at ELSE t.picked_up_at END,
           arrived_at_delivery_at = CASE act WHEN 'ARRIVE_DELIVERY' THEN at ELSE t.arrived_at_delivery_at END,
           delivered_at = CASE act WHEN 'COMPLETE' THEN at ELSE t.delivered_at END,
           settled_at = CASE act WHEN 'COMPLETE' THEN now() ELSE t.settled_at END,
           payment_status = CASE WHEN act = 'COMPLETE' THEN 'PAID' ELSE t.payment_status END,
           pickup_photos = CASE WHEN act = 'PICK_UP' AND picture IS NOT NULL
             THEN json_build_array(picture) ELSE t.pickup_photos END,
           delivery_photos = CASE WHEN act = 'COMPLETE' AND picture IS NOT NULL
             THEN json_build_array(picture) ELSE t.delivery_photos END
     WHERE t.id = was.id
    RETURNING * INTO o;
  END IF;

  IF act IN ('ACCEPT', 'ASSIGN', 'RELEASE') THEN
    PERFORM order_redispatch(o, act, coalesce(o.rider_id, was.rider_id), remark, offer);
  END IF;
  IF act IN ('ASSIGN', 'RELEASE', 'COMPLETE') THEN
    UPDATE riders t
       SET active_orders = greatest(0, t.active_orders + CASE act WHEN 'ASSIGN' THEN 1 ELSE -1 END),
           total_deliveries = t.total_deliveries + (act = 'ASSIGN')::integer,
           completed_deliveries = t.completed_deliveries + (act = 'COMPLETE')::integer,
           cancelled_deliveries = t.cancelled_deliveries + (act = 'RELEASE')::integer
     WHERE t.id = coalesce(o.rider_id, was.rider_id);
  END IF;

  IF act = 'ACCEPT' THEN
    PERFORM order_tell(o, 'order_accepted', order_rooms(o), json_build_object('orderId', o.id, 'timestamp', iso(at),
      'vendorId', o.vendor_id, 'preparationTime', o.preparation_time));
  ELSIF act = 'READY' AND o.rider_id IS NOT NULL THEN
    PERFORM order_tell(o, 'order_ready_for_pickup', ARRAY['rider:' || o.rider_id],
      json_build_object('orderId', o.id, 'vendorId', o.vendor_id, 'timestamp', iso(at)));
  ELSIF act = 'ASSIGN' THEN
    PERFORM order_tell(o, 'rider_assigned', order_rooms(o), json_build_object('orderId', o.id, 'riderId', o.rider_id,
      'name', o.rider_name, 'phone', o.rider_phone, 'vehicle', r.vehicle_type, 'timestamp', iso(at)));
  ELSIF act = 'COMPLETE' THEN
    PERFORM order_tell(o, 'order_delivered', order_rooms(o),
      json_build_object('orderId', o.id, 'timestamp', iso(at), 'riderId', o.rider_id));
  END IF;
  IF next_status <> 'CANCELLED' THEN
    PERFORM order_tell_status(o, CASE act WHEN 'RELEASE' THEN order_rooms(was) ELSE order_rooms(o) END, at, picture);
  END IF;

  json := CASE WHEN by_whom = 'USER' THEN order_json_user(o) ELSE order_json(o) END;
  -- Last, so that what all orders of a vendor share is held for as short a time as can be.
  IF act = 'COMPLETE' THEN
    PERFORM order_settle(o, entries, vendor_share, rider_share, platform_share, subsidy);
    UPDATE vendors v SET total_orders = v.total_orders + 1, total_revenue = v.total_revenue + o.subtotal
     WHERE v.id = o.vendor_id;
  END IF;
  IF its_key IS NOT NULL THEN
    PERFORM key_keep(account, its_key, its_print, 200, coalesce(its_answer, '{"success":true,"data":' || json || '}'));
  END IF;
  outcome := 'DONE';
END $$;
