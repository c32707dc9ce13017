-- What moves an order, and what its customer and rider say of it afterwards.
--
-- Functions, not statements of many parts: each first locks the order and then reads what others committed while it
-- waited, which a single statement's snapshot cannot. Locks are taken in one order: order, basket, rider, wallets by
-- id, items by id, vendor, idempotency key (of the one who acts).

-- --- Words ---------------------------------------------------------------------------------------------

CREATE FUNCTION timeline_last(timeline json) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (timeline -> -1 ->> 'timestamp')::timestamptz
$$;

-- A timeline with one more entry; place: where it was done, {"lat":…,"lng":…} or NULL.
CREATE FUNCTION timeline_add(timeline json, status text, at timestamptz, by text, note text, place json)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (left(timeline::text, -1) || ',' || left(timeline_entry(status, at, by, note), -1)
    || coalesce(',"location":' || place::text, '') || '}]')::json
$$;

-- Paid, or to be paid at the door: until then nobody but the customer and the admins is concerned.
CREATE FUNCTION order_payable(o orders) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT o.payment_status IN ('PAID', 'REFUNDED') OR o.payment_method = 'CASH'
$$;

-- The few that wait for a payment: what a vendor has is what bears his name, less these. payment_status changes only with
-- `active` or from here to PAID, so no other change of an order leaves its page.
CREATE INDEX orders_unpaid ON orders (vendor_id, created_at)
  WHERE vendor_id IS NOT NULL AND payment_method <> 'CASH' AND payment_status NOT IN ('PAID', 'REFUNDED');

-- --- Events ----------------------------------------------------------------------------------------------

CREATE FUNCTION order_tell(o orders, type text, rooms text[], payload json) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO outbox (aggregate, type, rooms, payload) VALUES (o.id, type, rooms, payload)
$$;

CREATE FUNCTION order_tell_status(o orders, rooms text[], at timestamptz, photo text) RETURNS void
LANGUAGE sql AS $$
  SELECT order_tell(o, 'order_status_update', rooms, json_strip_nulls(json_build_object(
    'orderId', o.id, 'orderNumber', o.order_number, 'status', o.status, 'timestamp', iso(at),
    'riderId', o.rider_id, 'estimatedTime', CASE WHEN o.active THEN
      greatest(0, ceil(extract(epoch FROM o.estimated_delivery_at - now()) / 60))::integer END,
    'photo', photo)))
$$;

-- --- Its end without delivery ----------------------------------------------------------------------------

-- Ends a locked order: what was paid goes from escrow back into the wallet, counted stock goes back, the basket may be
-- ordered again, its rider is free, nobody is asked any more, and all parties hear of it. entry: id of the
-- refund's ledger row. Gives the order as it is now; the refund is its total when it is REFUNDED.
CREATE FUNCTION order_void(was orders, by_whom text, reason text, at timestamptz, entry text) RETURNS orders
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  refund bigint;
  balance bigint;
BEGIN
  UPDATE orders t
     SET status = 'CANCELLED', active = false, cancelled_at = at, updated_at = now(), cancelled_by = by_whom,
         cancel_reason = reason, rejection_reason = CASE WHEN by_whom = 'VENDOR' THEN reason END,
         payment_status = CASE t.payment_status WHEN 'PAID' THEN 'REFUNDED' ELSE t.payment_status END,
         timeline = timeline_add(t.timeline, 'CANCELLED', at, by_whom, reason)
   WHERE t.id = was.id
  RETURNING * INTO o;
  refund := CASE WHEN o.payment_status = 'REFUNDED' THEN o.total ELSE 0 END;

  DELETE FROM baskets b WHERE b.user_id = o.user_id AND b.order_id = o.id;
  UPDATE riders r
     SET active_orders = greatest(0, r.active_orders - 1), cancelled_deliveries = r.cancelled_deliveries + 1
   WHERE r.id = o.rider_id;
  DELETE FROM dispatches d WHERE d.order_id = o.id;
  UPDATE offers f SET outcome = 'WITHDRAWN', answered_at = now() WHERE f.order_id = o.id AND f.outcome = 'OPEN';

  IF refund > 0 THEN
    UPDATE wallets w
       SET available = w.available + refund, total_spent = w.total_spent - refund, updated_at = now()
     WHERE w.owner_id = o.user_id
    RETURNING w.available INTO balance;
    IF NOT FOUND THEN
      PERFORM fail('INTERNAL', 'wallet');
    END IF;
    INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id, description)
    VALUES (entry, refund, 'ESCROW', 'USER', o.user_id, balance, 'REFUND', o.id, 'Refund of order ' || o.order_number);
  END IF;
  IF o.vendor_id IS NOT NULL THEN
    PERFORM stock_return(o.items);
  END IF;

  IF by_whom = 'VENDOR' THEN
    PERFORM order_tell(o, 'order_rejected', order_rooms(o),
      json_build_object('orderId', o.id, 'reason', reason, 'timestamp', iso(at)));
  ELSE
    PERFORM order_tell(o, 'order_cancelled', order_rooms(o), json_build_object('orderId', o.id, 'reason', reason,
      'refundAmount', refund, 'timestamp', iso(at)));
  END IF;
  PERFORM order_tell_status(o, order_rooms(o), at, NULL);
  RETURN o;
END $$;

-- The statement order_cancel: see there.
CREATE FUNCTION order_cancel(target text, asker text, reason text, by_whom text, states text[], entry text,
  its_key text, its_print text, OUT outcome text, OUT json text, OUT customer text, OUT vendor text, OUT rider text, OUT refund bigint)
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
BEGIN
  SELECT * INTO o FROM orders t
   WHERE t.id = CASE WHEN substr(target, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = target) ELSE target END
     FOR NO KEY UPDATE;
  outcome := CASE WHEN o.id IS NULL THEN 'ORDER_NOT_FOUND'
    WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = asker AND i.key = its_key) THEN 'REPLAY'
    WHEN o.user_id <> coalesce(asker, o.user_id) THEN 'ORDER_NOT_OWNER'
    WHEN o.status <> ALL (states) THEN 'CANNOT_CANCEL' ELSE 'CANCELLED' END;
  IF outcome = 'CANCELLED' THEN
    o := order_void(o, by_whom, reason, greatest(now(), timeline_last(o.timeline)), entry);
    json := order_json_user(o);
    customer := o.user_id;
    vendor := o.vendor_id;
    rider := o.rider_id;
    refund := CASE WHEN o.payment_status = 'REFUNDED' THEN o.total ELSE 0 END;
  END IF;
  IF outcome = 'CANCELLED' AND its_key IS NOT NULL THEN
    INSERT INTO idempotency (account_id, key, fingerprint, status, body)
    VALUES (asker, its_key, its_print, 200, '{"success":true,"data":' || json || '}')
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      PERFORM fail('IDEMPOTENCY_RUNNING');
    END IF;
  END IF;
END $$;

-- The statement orders_expire: see there.
CREATE FUNCTION orders_expire(minutes integer, entries text[]) RETURNS TABLE (order_id text, vendor_id text)
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  n integer := 0;
BEGIN
  FOR o IN
    SELECT * FROM orders t
     WHERE t.active AND t.status = 'PENDING' AND t.created_at < now() - minutes * interval '1 minute'
       AND timeline_last(t.timeline) < now() - minutes * interval '1 minute'
     ORDER BY t.created_at LIMIT cardinality(entries)
       FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    n := n + 1;
    o := order_void(o, 'SYSTEM', 'Nobody accepted the order in time', now(), entries[n]);
    order_id := o.id;
    vendor_id := o.vendor_id;
    RETURN NEXT;
  END LOOP;
END $$;

-- --- Who gets what of a delivered order ------------------------------------------------------------------

-- Books the parts out of escrow (cash: out of what the rider collected), and what the platform pays the
-- rider besides. The parts are the server's (domain/split.h); that they make up the total is checked here. entries:
-- ids of up to four ledger rows.
CREATE FUNCTION order_settle(o orders, entries text[], vendor_share bigint, rider_share bigint,
  platform_share bigint, subsidy bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  cash boolean := o.payment_method = 'CASH';
BEGIN
  IF vendor_share + rider_share + platform_share IS DISTINCT FROM o.total
     OR least(vendor_share, rider_share, platform_share, subsidy) < 0
     OR (o.vendor_id IS NULL AND vendor_share <> 0) OR o.settled_at IS NULL THEN
    PERFORM fail('INTERNAL', 'split');
  END IF;
  WITH paid AS (
    INSERT INTO wallets (owner_id, kind, available, total_earned)
    SELECT owner, kind, amount, amount
      FROM (VALUES (o.vendor_id, 'VENDOR', vendor_share), (o.rider_id, 'RIDER', rider_share + subsidy))
        AS part(owner, kind, amount)
     WHERE owner IS NOT NULL ORDER BY owner COLLATE "C"
    ON CONFLICT (owner_id) DO UPDATE
      SET available = wallets.available + excluded.available,
          total_earned = wallets.total_earned + excluded.total_earned, updated_at = now()
    RETURNING owner_id, available
  )
  INSERT INTO ledger (id, amount, from_kind, from_owner, to_kind, to_owner, to_balance, category, order_id,
    description)
  SELECT m.entry, m.amount, m.from_kind, CASE m.from_kind WHEN 'CASH' THEN o.rider_id END, m.to_kind, m.to_owner,
         paid.available - m.later, m.category, o.id, m.description || o.order_number
    FROM (VALUES
      (entries[1], vendor_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'VENDOR', o.vendor_id,
       0::bigint, 'ORDER_PAYMENT', 'Order '),
      (entries[2], rider_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'RIDER', o.rider_id,
       subsidy, 'DELIVERY_FEE', 'Delivery of order '),
      (entries[3], platform_share, CASE WHEN cash THEN 'CASH' ELSE 'ESCROW' END, 'PLATFORM', NULL,
       0, 'ORDER_COMMISSION', 'Commission of order '),
      (entries[4], subsidy, 'PLATFORM', 'RIDER', o.rider_id, 0, 'DELIVERY_FEE', 'Free delivery of order '))
      AS m(entry, amount, from_kind, to_kind, to_owner, later, category, description)
    LEFT JOIN paid ON paid.owner_id = m.to_owner
   WHERE m.amount > 0;
END $$;

-- --- A step ----------------------------------------------------------------------------------------------

-- Wrong delivery codes given for an order: after five nobody may guess any more.
CREATE TABLE code_tries (
  order_id text COLLATE "C" PRIMARY KEY,
  tries    integer NOT NULL
);

-- What the search for a rider makes of an act, offers and queue. offer: id of a row that may be needed.
CREATE FUNCTION order_redispatch(o orders, act text, rider text, reason text, offer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF act IN ('ACCEPT', 'RELEASE') THEN
    INSERT INTO dispatches (order_id) VALUES (o.id)
    ON CONFLICT (order_id) DO UPDATE SET next_at = now();
  ELSIF act = 'ASSIGN' THEN
    DELETE FROM dispatches d WHERE d.order_id = o.id;
    UPDATE offers f SET outcome = CASE WHEN f.rider_id = rider THEN 'ACCEPTED' ELSE 'WITHDRAWN' END,
           answered_at = now()
     WHERE f.order_id = o.id AND f.outcome = 'OPEN';
    INSERT INTO offers (id, order_id, rider_id, outcome, answered_at)
    SELECT offer, o.id, rider, 'ACCEPTED', now()
     WHERE NOT EXISTS (SELECT FROM offers f
       WHERE f.order_id = o.id AND f.rider_id = rider AND f.outcome = 'ACCEPTED');
  END IF;
  IF act = 'RELEASE' THEN
    UPDATE offers f SET outcome = 'REJECTED', reason = order_redispatch.reason, answered_at = now()
     WHERE f.order_id = o.id AND f.rider_id = rider AND f.outcome = 'ACCEPTED';
  END IF;
END $$;

-- The statement order_move: see there.
CREATE FUNCTION order_move(target text, seen_status text, seen_rider text, act text, next_status text, by_whom text,
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
  IF act = 'COMPLETE' THEN
    PERFORM order_settle(o, entries, vendor_share, rider_share, platform_share, subsidy);
    UPDATE vendors v SET total_orders = v.total_orders + 1, total_revenue = v.total_revenue + o.subtotal
     WHERE v.id = o.vendor_id;
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
  IF its_key IS NOT NULL THEN
    INSERT INTO idempotency (account_id, key, fingerprint, status, body)
    VALUES (account, its_key, its_print, 200, coalesce(its_answer, '{"success":true,"data":' || json || '}'))
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      PERFORM fail('IDEMPOTENCY_RUNNING');
    END IF;
  END IF;
  outcome := 'DONE';
END $$;

-- --- What is said of it afterwards -----------------------------------------------------------------------

-- A customer's stars for the vendor or the rider of a delivered order; saying it again puts the first aside.
CREATE TABLE ratings (
  order_id  text COLLATE "C" NOT NULL,
  target    text COLLATE "C" NOT NULL CHECK (target IN ('VENDOR', 'RIDER')),
  target_id text COLLATE "C" NOT NULL,
  user_id   text COLLATE "C" NOT NULL,
  stars     integer NOT NULL CHECK (stars BETWEEN 1 AND 5),
  review    text,
  rated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, target)
);
CREATE INDEX ratings_target ON ratings (target_id, rated_at);

-- vendorRating and riderRating as orders and answers show them.
CREATE FUNCTION rating_json(r ratings) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('stars', r.stars, 'rating', r.stars, 'review', r.review, 'ratedAt', iso(r.rated_at))
   WHERE r.order_id IS NOT NULL
$$;

-- One target's stars into its row and its mean. The order is locked: nobody else rates it meanwhile.
CREATE FUNCTION rating_set(o orders, its_target text, its_id text, its_stars integer, its_review text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before integer := (SELECT r.stars FROM ratings r WHERE r.order_id = o.id AND r.target = its_target);
  more integer := its_stars - coalesce(before, 0);
  first integer := (before IS NULL)::integer;
BEGIN
  INSERT INTO ratings (order_id, target, target_id, user_id, stars, review)
  VALUES (o.id, its_target, its_id, o.user_id, its_stars, its_review)
  ON CONFLICT (order_id, target) DO UPDATE
    SET stars = excluded.stars, review = excluded.review, rated_at = excluded.rated_at;
  IF its_target = 'VENDOR' THEN
    UPDATE vendors v SET rating_sum = v.rating_sum + more, total_ratings = v.total_ratings + first WHERE v.id = its_id;
  ELSE
    UPDATE riders r SET rating_sum = r.rating_sum + more, total_ratings = r.total_ratings + first WHERE r.id = its_id;
  END IF;
END $$;

-- The statement order_rate: see there.
CREATE FUNCTION order_rate(target text, asker text, plain_stars integer, plain_review text, vendor_stars integer,
  vendor_review text, rider_stars integer, rider_review text,
  OUT outcome text, OUT json text, OUT said text, OUT vendor text) LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  of_vendor ratings;
  of_rider ratings;
BEGIN
  SELECT * INTO o FROM orders t
   WHERE t.id = CASE WHEN substr(target, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = target) ELSE target END
     FOR NO KEY UPDATE;
  IF plain_stars IS NOT NULL AND o.vendor_id IS NOT NULL AND vendor_stars IS NULL THEN
    vendor_stars := plain_stars;
    vendor_review := plain_review;
  ELSIF plain_stars IS NOT NULL AND o.vendor_id IS NULL AND rider_stars IS NULL THEN
    rider_stars := plain_stars;
    rider_review := plain_review;
  END IF;
  outcome := CASE WHEN o.id IS NULL THEN 'ORDER_NOT_FOUND'
    WHEN o.user_id <> asker THEN 'ORDER_NOT_OWNER'
    WHEN o.status <> 'DELIVERED' THEN 'CANNOT_RATE'
    WHEN vendor_stars IS NOT NULL AND o.vendor_id IS NULL THEN 'VENDOR_NOT_FOUND'
    ELSE 'RATED' END;
  IF outcome <> 'RATED' THEN
    RETURN;
  END IF;
  IF rider_stars IS NOT NULL THEN
    PERFORM rating_set(o, 'RIDER', o.rider_id, rider_stars, rider_review);
  END IF;
  IF vendor_stars IS NOT NULL THEN
    PERFORM rating_set(o, 'VENDOR', o.vendor_id, vendor_stars, vendor_review);
  END IF;
  SELECT * INTO of_vendor FROM ratings r WHERE r.order_id = o.id AND r.target = 'VENDOR';
  SELECT * INTO of_rider FROM ratings r WHERE r.order_id = o.id AND r.target = 'RIDER';
  UPDATE orders t
     SET updated_at = now(),
         rating = concat('{"stars":', coalesce(of_vendor.stars, of_rider.stars),
           ',"rating":', coalesce(of_vendor.stars, of_rider.stars), ',"review":',
           json_text(CASE WHEN of_vendor.order_id IS NULL THEN of_rider.review ELSE of_vendor.review END),
           ',"ratedAt":', json_time(greatest(of_vendor.rated_at, of_rider.rated_at)),
           ',"vendorRating":' || rating_json(of_vendor)::text, ',"riderRating":' || rating_json(of_rider)::text,
           '}')::json
   WHERE t.id = o.id
  RETURNING * INTO o;
  json := order_json_user(o);
  said := json_build_object('orderId', o.id, 'vendorRating', rating_json(of_vendor),
    'riderRating', rating_json(of_rider));
  vendor := CASE WHEN vendor_stars IS NOT NULL THEN o.vendor_id END;
END $$;

CREATE TABLE disputes (
  id            text COLLATE "C" PRIMARY KEY,       -- dsp_…
  ticket_number text COLLATE "C" NOT NULL CONSTRAINT disputes_ticket_key UNIQUE,
  user_id       text COLLATE "C" NOT NULL,
  user_name     text NOT NULL,
  order_id      text COLLATE "C" NOT NULL,
  order_number  text COLLATE "C" NOT NULL,
  category      text NOT NULL,
  subject       text NOT NULL,
  description   text NOT NULL,
  status        text COLLATE "C" NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RESOLVED', 'REJECTED')),
  priority      text COLLATE "C" NOT NULL DEFAULT 'MEDIUM' CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH')),
  resolution    text,
  refund_amount bigint,
  resolved_by   text COLLATE "C",
  created_at    timestamptz NOT NULL DEFAULT now(),
  resolved_at   timestamptz
);
CREATE INDEX disputes_user ON disputes (user_id, id);
CREATE INDEX disputes_order ON disputes (order_id);
CREATE INDEX disputes_status ON disputes (status, id);

-- The Dispute row of the console, which customers see too.
CREATE FUNCTION dispute_json(d disputes) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', d.id, '","ticket_number":"', d.ticket_number, '","subject":', to_json(d.subject),
    ',"category":', to_json(d.category), ',"description":', to_json(d.description), ',"status":"', d.status,
    '","priority":"', d.priority, '","user":{"id":"', d.user_id, '","name":', to_json(d.user_name),
    '},"order":{"id":"', d.order_id, '","order_number":"', d.order_number, '"},"resolution":',
    json_text(d.resolution), ',"refund_amount":', coalesce(d.refund_amount::text, 'null'),
    ',"created_at":', json_time(d.created_at), ',"resolved_at":', json_time(d.resolved_at), ',"messages":[]}')
$$;

-- What a rider reports of an order.
CREATE TABLE rider_issues (
  id          text COLLATE "C" PRIMARY KEY,       -- iss_…
  order_id    text COLLATE "C" NOT NULL,
  rider_id    text COLLATE "C" NOT NULL,
  issue_type  text COLLATE "C" NOT NULL
              CHECK (issue_type IN ('CUSTOMER_NOT_AVAILABLE', 'WRONG_ADDRESS', 'DAMAGED_ITEMS', 'OTHER')),
  description text NOT NULL,
  photo       text,
  occurred_at timestamptz NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rider_issues_order ON rider_issues (order_id);

CREATE FUNCTION rider_issue_json(i rider_issues) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"issueId":' || json_word(i.id) || ',"orderId":' || json_word(i.order_id)
    || ',"riderId":' || json_word(i.rider_id) || ',"issueType":' || json_word(i.issue_type)
    || ',"description":' || json_text(i.description) || ',"photo":' || json_text(i.photo)
    || ',"status":"OPEN","occurredAt":' || json_time(i.occurred_at)
    || ',"createdAt":' || json_time(i.created_at) || '}'
$$;
