-- The transitions of orders, their settlement and their cancellation.
--
-- A transition is a function and not one statement with many CTEs: it first locks the order and then reads what others
-- committed while it waited, which the snapshot of a single statement does not contain. sql/README.md lists the order of
-- the locks.

-- --- Shares -------------------------------------------------------------------------------------------

-- The platform's commission on an order, for rows of the console: 0 for a cancelled order.
-- The amounts are those of domain/split.c, stored when the order was placed.
CREATE OR REPLACE FUNCTION order_commission(o orders) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0 ELSE coalesce(o.commission, 0) END
$$;

-- The rider's earnings, 0 for a cancelled order.
CREATE OR REPLACE FUNCTION order_rider_earnings(o orders) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.status = 'CANCELLED' THEN 0 ELSE coalesce(o.rider_earnings, 0) END
$$;

-- Books the parts of a delivered order out of escrow (CASH: out of the cash that the rider collected), and the subsidy that
-- the platform pays the rider. C computes the parts (domain/split.h); this function checks that they add up to the total.
-- entries: ids of up to four ledger rows. The from_balance of a CASH part is what the rider owes, below zero.
--
-- Rider and platform are booked first and the vendor's wallet last, because all concurrent orders of a vendor wait for
-- that one row. Wallets are locked by id: ids of riders come before ids of vendors.
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
  -- left_over: cash that is not booked yet. later: what the same wallet still gets.
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

-- Pays the vendor for an order that was prepared and cancelled. The platform pays, because the customer was refunded.
-- Runs last, as in order_settle.
CREATE OR REPLACE FUNCTION order_compensate(o orders, share bigint, entry text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  balance bigint;
BEGIN
  IF o.vendor_id IS NULL OR o.status <> 'CANCELLED' OR share NOT BETWEEN 1 AND o.subtotal THEN
    PERFORM fail('INTERNAL', 'compensation');
  END IF;
  INSERT INTO wallets AS w (owner_id, kind, available, total_earned) VALUES (o.vendor_id, 'VENDOR', share, share)
  ON CONFLICT (owner_id) DO UPDATE
    SET available = w.available + excluded.available, total_earned = w.total_earned + excluded.total_earned,
        updated_at = now()
  RETURNING w.available INTO balance;
  INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id, description)
  VALUES (entry, share, 'PLATFORM', 'VENDOR', o.vendor_id, balance, 'ORDER_PAYMENT', o.id,
    'Cancelled order ' || o.order_number);
END $$;

-- --- Cancellation -------------------------------------------------------------------------------------

-- Cancels a locked order: the payment is refunded from escrow into the wallet, limited stock is returned, the basket may be
-- ordered again, the rider is freed, open offers are withdrawn, and all parties get the events. entry: id of the ledger
-- row of the refund. paid_for: the vendor is compensated, so the stock is not returned. Returns the order after the
-- cancellation; the refund is its total when payment_status is REFUNDED.
CREATE OR REPLACE FUNCTION order_cancel(was orders, by_whom text, reason text, at timestamptz, entry text, paid_for boolean DEFAULT false)
RETURNS orders
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
         attention = NULL,
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
  IF o.vendor_id IS NOT NULL AND NOT paid_for THEN
    PERFORM stock_return(o.items);
  END IF;

  IF by_whom = 'VENDOR' THEN
    PERFORM order_event_add(o, 'order_rejected', order_rooms(o),
      json_build_object('orderId', o.id, 'reason', reason, 'timestamp', iso(at)));
  ELSE
    PERFORM order_event_add(o, 'order_cancelled', order_rooms(o), json_build_object('orderId', o.id, 'reason', reason,
      'refundAmount', refund, 'timestamp', iso(at)));
  END IF;
  PERFORM order_status_event_add(o, order_rooms(o), at, NULL);
  RETURN o;
END $$;

-- The same by SYSTEM, for orders that expire and payments that fail. allowed: the states in which domain/transition.c
-- lets SYSTEM cancel the order. Returns NULL when there is no order, or when it is in another state.
CREATE OR REPLACE FUNCTION order_cancel_by_system(o orders, allowed text[], reason text, at timestamptz, entry text)
RETURNS orders LANGUAGE plpgsql AS $$
BEGIN
  IF o.status IS NULL OR o.status <> ALL (allowed) THEN
    RETURN NULL;
  END IF;
  RETURN order_cancel(o, 'SYSTEM', reason, at, entry);
END $$;

-- --- Transitions --------------------------------------------------------------------------------------

-- Updates offers and the dispatch queue for an act. offer: id of a row that may be inserted. An offer that another rider had
-- accepted before is withdrawn.
CREATE OR REPLACE FUNCTION order_redispatch(o orders, act text, rider text, reason text, offer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF act IN ('ACCEPT', 'RELEASE') THEN
    INSERT INTO dispatches (order_id) VALUES (o.id)
    ON CONFLICT (order_id) DO UPDATE SET next_at = now();
  ELSIF act = 'ASSIGN' THEN
    DELETE FROM dispatches d WHERE d.order_id = o.id;
    UPDATE offers f SET outcome = CASE WHEN f.rider_id = rider THEN 'ACCEPTED' ELSE 'WITHDRAWN' END,
           answered_at = now()
     WHERE f.order_id = o.id AND (f.outcome = 'OPEN' OR f.outcome = 'ACCEPTED' AND f.rider_id <> rider);
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

-- The status of an order that loses its rider: how far the vendor had come. The same rule as status_without_rider in
-- domain/transition.c.
CREATE OR REPLACE FUNCTION order_kitchen_status(o orders) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN o.order_type = 'PACKAGE' THEN 'PENDING' WHEN o.ready_at IS NOT NULL THEN 'READY_FOR_PICKUP'
    WHEN o.preparing_at IS NOT NULL THEN 'PREPARING' ELSE 'ACCEPTED' END
$$;

-- See the statement order_move. ASSIGN can also move an order from one rider to another. CANCEL pays the vendor_share, if
-- any, from the platform's account. orders_watch uses RELEASE for orders whose rider may no longer work.
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
  former text;
  pays boolean := act = 'CANCEL' AND by_whom = 'ADMIN' AND vendor_share > 0;
BEGIN
  SELECT * INTO was FROM orders t WHERE t.id = target FOR NO KEY UPDATE;
  -- An order with a rider keeps its status when it becomes ready; only ready_at shows it.
  IF was.status IS DISTINCT FROM seen_status OR was.rider_id IS DISTINCT FROM seen_rider
     OR act = 'READY' AND was.ready_at IS NOT NULL THEN
    outcome := 'MOVED';
    RETURN;
  END IF;
  at := greatest(coalesce(occurred, now()), timeline_last(was.timeline));

  -- Only the customer and the rider know the code; an admin completes an order without it.
  IF act = 'COMPLETE' AND by_whom = 'RIDER' AND needs_code AND was.verification_code IS NOT NULL THEN
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
    former := was.rider_id;
    PERFORM FROM riders t WHERE t.id IN (taker, former) ORDER BY t.id FOR NO KEY UPDATE;
    SELECT * INTO r FROM riders t WHERE t.id = taker;
    outcome := CASE WHEN r.id IS NULL THEN 'RIDER_NOT_FOUND'
      WHEN by_whom <> 'ADMIN' THEN rider_ineligibility(r, false, true)
      WHEN rider_ineligibility(r, false, false) IS NOT NULL THEN 'RIDER_NOT_READY' END;
    IF outcome IS NOT NULL THEN
      RETURN;
    END IF;
  END IF;

  IF next_status = 'CANCELLED' THEN
    o := order_cancel(was, by_whom, remark, at, entries[1], pays);
  ELSE
    -- READY and ASSIGN can keep the status. The timeline entry then names the act, not the status.
    shown := CASE act WHEN 'READY' THEN 'READY_FOR_PICKUP' WHEN 'ASSIGN' THEN 'RIDER_ASSIGNED' ELSE next_status END;
    UPDATE orders t
       SET status = next_status, active = next_status <> 'DELIVERED', updated_at = now(),
           timeline = timeline_add_at(t.timeline, shown, at, by_whom, remark, place),
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
           arrived_at_pickup_at = CASE WHEN act = 'ARRIVE_PICKUP' THEN at WHEN act = 'RELEASE' THEN NULL
             WHEN act = 'ASSIGN' AND t.picked_up_at IS NULL THEN NULL ELSE t.arrived_at_pickup_at END,
           picked_up_at = CASE act WHEN 'PICK_UP' THEN at ELSE t.picked_up_at END,
           arrived_at_delivery_at = CASE act WHEN 'ARRIVE_DELIVERY' THEN at ELSE t.arrived_at_delivery_at END,
           delivered_at = CASE act WHEN 'COMPLETE' THEN at ELSE t.delivered_at END,
           settled_at = CASE act WHEN 'COMPLETE' THEN now() ELSE t.settled_at END,
           attention = CASE WHEN act NOT IN ('ASSIGN', 'RELEASE', 'COMPLETE') THEN t.attention END,
           payment_status = CASE WHEN act = 'COMPLETE' THEN 'PAID' ELSE t.payment_status END,
           vendor_share = CASE act WHEN 'COMPLETE' THEN order_move.vendor_share ELSE t.vendor_share END,
           rider_earnings = CASE act WHEN 'COMPLETE' THEN rider_share + subsidy ELSE t.rider_earnings END,
           commission = CASE WHEN act <> 'COMPLETE' OR t.commission IS NOT NULL THEN t.commission
             WHEN t.vendor_id IS NULL THEN platform_share ELSE t.subtotal - order_move.vendor_share END,
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
  IF former IS NOT NULL THEN
    UPDATE riders t
       SET active_orders = greatest(0, t.active_orders - 1), cancelled_deliveries = t.cancelled_deliveries + 1
     WHERE t.id = former;
    PERFORM order_event_add(o, 'rider_unassigned', ARRAY['rider:' || former, 'admin'],
      json_build_object('orderId', o.id, 'riderId', former, 'timestamp', iso(at)));
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
    PERFORM order_event_add(o, 'order_accepted', order_rooms(o), json_build_object('orderId', o.id, 'timestamp', iso(at),
      'vendorId', o.vendor_id, 'preparationTime', o.preparation_time));
  ELSIF act = 'READY' AND o.rider_id IS NOT NULL THEN
    PERFORM order_event_add(o, 'order_ready_for_pickup', ARRAY['rider:' || o.rider_id],
      json_build_object('orderId', o.id, 'vendorId', o.vendor_id, 'timestamp', iso(at)));
  ELSIF act = 'ASSIGN' THEN
    PERFORM order_event_add(o, 'rider_assigned', order_rooms(o), json_build_object('orderId', o.id, 'riderId', o.rider_id,
      'name', o.rider_name, 'phone', o.rider_phone, 'vehicle', r.vehicle_type, 'by', by_whom, 'timestamp', iso(at)));
  ELSIF act = 'COMPLETE' THEN
    PERFORM order_event_add(o, 'order_delivered', order_rooms(o),
      json_build_object('orderId', o.id, 'timestamp', iso(at), 'riderId', o.rider_id));
  END IF;
  IF next_status <> 'CANCELLED' THEN
    PERFORM order_status_event_add(o, CASE act WHEN 'RELEASE' THEN order_rooms(was) ELSE order_rooms(o) END, at, picture);
  END IF;

  IF was.attention IS DISTINCT FROM o.attention THEN
    PERFORM order_attention_event_add(o);
  END IF;

  json := CASE WHEN by_whom = 'USER' THEN order_json_user(o) ELSE order_json(o) END;
  -- Last, so that the rows that all orders of a vendor share are locked as briefly as possible.
  IF act = 'COMPLETE' THEN
    PERFORM order_settle(o, entries, vendor_share, rider_share, platform_share, subsidy);
    UPDATE vendors v SET total_orders = v.total_orders + 1, total_revenue = v.total_revenue + o.subtotal
     WHERE v.id = o.vendor_id;
  END IF;
  IF pays THEN
    PERFORM order_compensate(o, vendor_share, entries[2]);
  END IF;
  IF its_key IS NOT NULL THEN
    PERFORM idempotency_store(account, its_key, its_print, 200, coalesce(its_answer, '{"success":true,"data":' || json || '}'));
  END IF;
  outcome := 'DONE';
END $$;

-- --- Timers -------------------------------------------------------------------------------------------

-- See the statement order_expire.
CREATE OR REPLACE FUNCTION order_expire(minutes integer, states text[], entry text)
RETURNS TABLE (order_id text, vendor_id text) LANGUAGE plpgsql AS $$
DECLARE
  o orders;
BEGIN
  SELECT * INTO o FROM orders t
   WHERE t.active AND t.status = ANY (states) AND t.created_at < now() - minutes * interval '1 minute'
     AND timeline_last(t.timeline) < now() - minutes * interval '1 minute'
   ORDER BY t.created_at LIMIT 1
     FOR NO KEY UPDATE SKIP LOCKED;
  o := order_cancel_by_system(o, states, 'Nobody accepted the order in time', now(), entry);
  IF o.id IS NOT NULL THEN
    RETURN QUERY SELECT o.id, o.vendor_id;
  END IF;
END $$;

-- Why an order needs attention, or NULL. A rider who never reported a location is silent since the assignment.
CREATE OR REPLACE FUNCTION order_attention(o orders, r riders, silence interval) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN NOT o.active OR o.rider_id IS NULL THEN NULL
    WHEN r.approval_status = 'SUSPENDED' THEN 'RIDER_SUSPENDED'
    WHEN NOT rider_may_work(r) THEN 'RIDER_UNAVAILABLE'
    WHEN coalesce(r.located_at, o.rider_assigned_at, o.updated_at) < now() - silence THEN 'RIDER_SILENT' END
$$;

-- See the statement orders_watch. Few riders may not work or are silent, so it starts from the riders and not from the
-- orders. Locked orders are skipped until the next call, so this never waits for one order while it holds another.
CREATE OR REPLACE FUNCTION orders_watch(its_rider text, silence interval, released_from text[], most bigint)
RETURNS TABLE (order_id text, rider_id text, released boolean) LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  r riders;
  why text;
BEGIN
  FOR o IN
    SELECT t.* FROM orders t WHERE t.id IN (
      SELECT c.id FROM riders w JOIN orders c ON c.rider_id = w.id AND c.active IS TRUE
       WHERE (its_rider IS NULL OR w.id = its_rider)
         AND (NOT rider_may_work(w) OR w.located_at IS NULL OR w.located_at < now() - silence)
         AND (c.attention IS DISTINCT FROM order_attention(c, w, silence) OR NOT rider_may_work(w) AND c.status = ANY (released_from))
      UNION ALL
      SELECT c.id FROM orders c JOIN riders w ON w.id = c.rider_id
       WHERE c.attention IS NOT NULL AND (its_rider IS NULL OR w.id = its_rider)
         AND c.attention IS DISTINCT FROM order_attention(c, w, silence)
      LIMIT most)
     ORDER BY t.rider_id, t.id FOR NO KEY UPDATE OF t SKIP LOCKED
  LOOP
    SELECT * INTO r FROM riders t WHERE t.id = o.rider_id;
    why := order_attention(o, r, silence);
    order_id := o.id;
    rider_id := o.rider_id;
    released := r.id IS NOT NULL AND NOT rider_may_work(r) AND o.status = ANY (released_from);
    IF released THEN
      PERFORM order_move(o.id, o.status, o.rider_id, 'RELEASE', order_kitchen_status(o), 'SYSTEM', NULL, NULL,
        'The rider cannot bring it', NULL, NULL, NULL, NULL, false, NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL);
    ELSIF why IS DISTINCT FROM o.attention THEN
      UPDATE orders t SET attention = why WHERE t.id = o.id RETURNING * INTO o;
      PERFORM order_attention_event_add(o);
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
