-- The transitions of orders and their cancellation. order_settlement.sql has what is booked.
--
-- A transition is a function and not one statement with many CTEs: after it has the order's lock it reads what others
-- committed while it waited, which the snapshot of a single statement does not contain; and a function runs only the
-- statements that the act needs, while PostgreSQL sets up every part of a statement. Functions in SQL that write, or that
-- cannot be inlined, are planned again at every call: what each act needs is written out here (a step of an order took 20 to
-- 30 % more). sql/README.md lists the order of the locks.

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

-- Moves the search for a rider along with an act: the dispatch queue, then the offers. offer: id of a row that may be
-- inserted. An offer that another rider had accepted before is withdrawn.
CREATE OR REPLACE FUNCTION order_redispatch(o orders, act text, rider text, reason text, offer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF act IN ('ACCEPT', 'RELEASE') THEN
    INSERT INTO dispatches (order_id) VALUES (o.id)
    ON CONFLICT (order_id) DO UPDATE SET next_at = now();
  ELSIF act = 'ASSIGN' THEN
    DELETE FROM dispatches d WHERE d.order_id = o.id;
    WITH answered AS (
      UPDATE offers f SET outcome = CASE WHEN f.rider_id = rider THEN 'ACCEPTED' ELSE 'WITHDRAWN' END, answered_at = now()
       WHERE f.order_id = o.id AND (f.outcome = 'OPEN' OR f.outcome = 'ACCEPTED' AND f.rider_id <> rider)
      RETURNING f.rider_id
    )
    INSERT INTO offers (id, order_id, rider_id, outcome, answered_at)
    SELECT offer, o.id, rider, 'ACCEPTED', now()
     WHERE NOT EXISTS (SELECT FROM answered a WHERE a.rider_id = rider)
       AND NOT EXISTS (SELECT FROM offers f WHERE f.order_id = o.id AND f.rider_id = rider AND f.outcome = 'ACCEPTED');
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

-- Whether an order is still as a transition was decided for. meal_states, parcel_states: the states of an order with and
-- without a vendor. its_vendor: the vendor who acts, NULL: anybody else. its_rider: the rider who has it (NULL: nobody),
-- unless any_rider. An order that has a rider keeps its status when it becomes ready, so only ready_at shows a repetition.
CREATE OR REPLACE FUNCTION order_fits(o orders, act text, meal_states text[], parcel_states text[], its_vendor text,
  any_rider boolean, its_rider text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT o.status = ANY (CASE o.order_type WHEN 'PACKAGE' THEN parcel_states ELSE meal_states END)
    AND (any_rider OR o.rider_id IS NOT DISTINCT FROM its_rider) AND (act <> 'READY' OR o.ready_at IS NULL)
    AND (its_vendor IS NULL OR o.vendor_id = its_vendor) AND (its_vendor IS NULL AND act <> 'ASSIGN' OR order_payable(o))
$$;

-- Checks a delivery code, which only the customer and the rider know. After five wrong codes no code is right. Returns
-- WRONG_DELIVERY_CODE, or NULL.
CREATE OR REPLACE FUNCTION order_code_try(o orders, given_code text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF o.verification_code IS NULL OR given_code = o.verification_code
     AND NOT EXISTS (SELECT FROM code_tries c WHERE c.order_id = o.id AND c.tries >= 5) THEN
    RETURN NULL;
  END IF;
  INSERT INTO code_tries AS c (order_id, tries)
  SELECT o.id, 1 WHERE given_code IS NOT NULL
  ON CONFLICT (order_id) DO UPDATE SET tries = c.tries + 1;
  RETURN 'WRONG_DELIVERY_CODE';
END $$;

-- Locks the rider who takes a locked order, and the one who had it. Returns why the taker may not have it, or NULL.
CREATE OR REPLACE FUNCTION order_taker_lock(o orders, taker text, by_whom text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  r riders;
BEGIN
  PERFORM FROM riders t WHERE t.id IN (taker, o.rider_id) ORDER BY t.id FOR NO KEY UPDATE;
  SELECT * INTO r FROM riders t WHERE t.id = taker;
  RETURN CASE WHEN r.id IS NULL THEN 'RIDER_NOT_FOUND'
    WHEN by_whom <> 'ADMIN' THEN rider_ineligibility(r, false, true)
    WHEN rider_ineligibility(r, false, false) IS NOT NULL THEN 'RIDER_NOT_READY' END;
END $$;

-- See the statements order_move and order_advance. seen: the order after the act, NULL unless DONE. CANCEL pays the vendor_share, if any, from the platform's account.
--
-- Most acts are one update, whose condition compares the order with what was decided on. The order is locked and read first
-- where more depends on it: on its former rider, on what it was before a release or cancellation, on its delivery code, on the
-- time of its last act. at: the time of the act, never before that of the act before.
CREATE OR REPLACE FUNCTION order_act(target text, act text, meal_states text[], parcel_states text[], kept_states text[],
  next_status text, its_vendor text, any_rider boolean, its_rider text, by_whom text,
  taker text, occurred timestamptz, remark text, picture text, minutes integer, place json,
  given_code text, needs_code boolean, entries text[], offer text,
  its_vendor_share bigint, rider_share bigint, platform_share bigint, subsidy bigint,
  account text, its_key text, its_print text, its_answer text, OUT outcome text, OUT seen orders)
LANGUAGE plpgsql AS $$
DECLARE
  was orders;
  o orders;
  r riders;
  at timestamptz := coalesce(occurred, now());
  locked boolean := next_status = 'CANCELLED' OR act = 'RELEASE' OR act = 'ASSIGN' AND by_whom = 'ADMIN'
    OR act = 'COMPLETE' AND by_whom = 'RIDER' AND needs_code OR occurred IS NOT NULL;
  pays boolean := act = 'CANCEL' AND by_whom = 'ADMIN' AND its_vendor_share > 0;
BEGIN
  IF act = 'ASSIGN' AND NOT locked THEN
    SELECT * INTO r FROM riders t WHERE t.id = taker;
    locked := r.id IS NULL OR rider_ineligibility(r, false, true) IS NOT NULL;
  END IF;
  LOOP
    IF locked THEN
      SELECT * INTO was FROM orders t WHERE t.id = target FOR NO KEY UPDATE;
      IF order_fits(was, act, meal_states, parcel_states, its_vendor, any_rider, its_rider) IS NOT TRUE THEN
        outcome := 'MOVED';
        RETURN;
      END IF;
      at := greatest(at, timeline_last(was.timeline));
      outcome := CASE WHEN act = 'COMPLETE' AND by_whom = 'RIDER' AND needs_code THEN order_code_try(was, given_code)
        WHEN act = 'ASSIGN' THEN order_taker_lock(was, taker, by_whom) END;
      IF outcome IS NOT NULL THEN
        RETURN;
      END IF;
    END IF;

    IF next_status = 'CANCELLED' THEN
      o := order_cancel(was, by_whom, remark, at, entries[1], pays);
    ELSIF act = 'ASSIGN' THEN
      IF locked THEN
        SELECT * INTO r FROM riders t WHERE t.id = taker;
      END IF;
      UPDATE orders t
         SET status = CASE WHEN t.status = ANY (kept_states) THEN t.status ELSE next_status END, updated_at = now(),
             timeline = timeline_add_at(t.timeline, 'RIDER_ASSIGNED', at, by_whom, remark, place),
             rider_id = r.id, rider_name = btrim(r.first_name || ' ' || r.last_name), rider_phone = r.phone,
             rider_assigned_at = at, attention = NULL,
             arrived_at_pickup_at = CASE WHEN t.picked_up_at IS NOT NULL THEN t.arrived_at_pickup_at END
       WHERE t.id = target AND timeline_last(t.timeline) <= at
         AND order_fits(t, act, meal_states, parcel_states, its_vendor, any_rider, its_rider)
      RETURNING * INTO o;
    ELSIF act = 'RELEASE' THEN
      UPDATE orders t
         SET status = next_status, updated_at = now(),
             timeline = timeline_add_at(t.timeline, next_status, at, by_whom, remark, place),
             rider_id = NULL, rider_name = NULL, rider_phone = NULL, rider_assigned_at = NULL, attention = NULL,
             arrived_at_pickup_at = NULL
       WHERE t.id = target
      RETURNING * INTO o;
    ELSIF act = 'COMPLETE' THEN
      UPDATE orders t
         SET status = next_status, active = false, updated_at = now(),
             timeline = timeline_add_at(t.timeline, next_status, at, by_whom, remark, place),
             delivered_at = at, settled_at = now(), payment_status = 'PAID', vendor_share = its_vendor_share,
             rider_earnings = rider_share + subsidy,
             commission = coalesce(t.commission, CASE WHEN t.vendor_id IS NULL THEN platform_share
               ELSE t.subtotal - its_vendor_share END),
             delivery_photos = CASE WHEN picture IS NULL THEN t.delivery_photos ELSE json_build_array(picture) END
       WHERE t.id = target AND timeline_last(t.timeline) <= at
         AND order_fits(t, act, meal_states, parcel_states, its_vendor, any_rider, its_rider)
      RETURNING * INTO o;
    ELSE
      -- READY can keep the status. The timeline entry names the act then.
      UPDATE orders t
         SET status = CASE WHEN t.status = ANY (kept_states) THEN t.status ELSE next_status END, updated_at = now(),
             timeline = timeline_add_at(t.timeline, CASE act WHEN 'READY' THEN 'READY_FOR_PICKUP' ELSE next_status END, at,
               by_whom, remark, place),
             preparation_time = CASE act WHEN 'ACCEPT' THEN coalesce(minutes,
               (SELECT v.average_preparation_time FROM vendors v WHERE v.id = t.vendor_id)) ELSE t.preparation_time END,
             accepted_at = CASE act WHEN 'ACCEPT' THEN at ELSE t.accepted_at END,
             preparing_at = CASE act WHEN 'PREPARE' THEN at ELSE t.preparing_at END,
             ready_at = CASE act WHEN 'READY' THEN at ELSE t.ready_at END,
             arrived_at_pickup_at = CASE act WHEN 'ARRIVE_PICKUP' THEN at ELSE t.arrived_at_pickup_at END,
             picked_up_at = CASE act WHEN 'PICK_UP' THEN at ELSE t.picked_up_at END,
             arrived_at_delivery_at = CASE act WHEN 'ARRIVE_DELIVERY' THEN at ELSE t.arrived_at_delivery_at END,
             pickup_photos = CASE WHEN act = 'PICK_UP' AND picture IS NOT NULL THEN json_build_array(picture)
               ELSE t.pickup_photos END
       WHERE t.id = target AND timeline_last(t.timeline) <= at
         AND order_fits(t, act, meal_states, parcel_states, its_vendor, any_rider, its_rider)
      RETURNING * INTO o;
    END IF;
    EXIT WHEN o.id IS NOT NULL;
    locked := true;
  END LOOP;

  IF act IN ('ACCEPT', 'ASSIGN', 'RELEASE') THEN
    PERFORM order_redispatch(o, act, coalesce(o.rider_id, was.rider_id), remark, offer);
  END IF;
  IF act = 'ASSIGN' AND was.rider_id IS NOT NULL THEN
    UPDATE riders t
       SET active_orders = greatest(0, t.active_orders - 1), cancelled_deliveries = t.cancelled_deliveries + 1
     WHERE t.id = was.rider_id;
    PERFORM order_event_add(o, 'rider_unassigned', ARRAY['rider:' || was.rider_id, 'admin'],
      json_build_object('orderId', o.id, 'riderId', was.rider_id, 'timestamp', iso(at)));
  END IF;
  IF act IN ('ASSIGN', 'RELEASE', 'COMPLETE') THEN
    UPDATE riders t
       SET active_orders = greatest(0, t.active_orders + CASE act WHEN 'ASSIGN' THEN 1 ELSE -1 END),
           total_deliveries = t.total_deliveries + (act = 'ASSIGN')::integer,
           completed_deliveries = t.completed_deliveries + (act = 'COMPLETE')::integer,
           cancelled_deliveries = t.cancelled_deliveries + (act = 'RELEASE')::integer
     WHERE t.id = coalesce(o.rider_id, was.rider_id)
       AND (act <> 'ASSIGN' OR locked OR rider_ineligibility(t, false, true) IS NULL);
    IF NOT FOUND AND act = 'ASSIGN' THEN
      PERFORM fail('CONFLICT', 'rider');       -- not eligible any more: the caller decides again
    END IF;
  END IF;

  -- The event of the act, then that of the status.
  IF act = 'ACCEPT' THEN
    INSERT INTO event_log (aggregate, type, rooms, payload) VALUES
      (o.id, 'order_accepted', order_rooms(o), concat('{"orderId":"', o.id, '","timestamp":', json_time(at), ',"vendorId":',
        json_word(o.vendor_id), ',"preparationTime":', coalesce(o.preparation_time::text, 'null'), '}')::json),
      (o.id, 'order_status_update', order_rooms(o), order_status_json(o, at, NULL));
  ELSIF act = 'ASSIGN' THEN
    INSERT INTO event_log (aggregate, type, rooms, payload) VALUES
      (o.id, 'rider_assigned', order_rooms(o), concat('{"orderId":"', o.id, '","riderId":"', o.rider_id, '","name":',
        json_text(o.rider_name), ',"phone":', json_text(o.rider_phone), ',"vehicle":', json_text(r.vehicle_type), ',"by":"',
        by_whom, '","timestamp":', json_time(at), '}')::json),
      (o.id, 'order_status_update', order_rooms(o), order_status_json(o, at, NULL));
  ELSIF act = 'COMPLETE' THEN
    INSERT INTO event_log (aggregate, type, rooms, payload) VALUES
      (o.id, 'order_delivered', order_rooms(o), concat('{"orderId":"', o.id, '","timestamp":', json_time(at), ',"riderId":',
        json_word(o.rider_id), '}')::json),
      (o.id, 'order_status_update', order_rooms(o), order_status_json(o, at, picture));
  ELSIF next_status <> 'CANCELLED' THEN
    INSERT INTO event_log (aggregate, type, rooms, payload)
    SELECT e.* FROM (VALUES
      (o.id, 'order_ready_for_pickup', ARRAY['rider:' || o.rider_id], concat('{"orderId":"', o.id, '","vendorId":',
        json_word(o.vendor_id), ',"timestamp":', json_time(at), '}')::json),
      (o.id, 'order_status_update', CASE act WHEN 'RELEASE' THEN order_rooms(was) ELSE order_rooms(o) END,
        order_status_json(o, at, picture))) AS e(aggregate, type, rooms, payload)
     WHERE e.type = 'order_status_update' OR act = 'READY' AND o.rider_id IS NOT NULL;
  END IF;

  IF act = 'COMPLETE' AND o.attention IS NOT NULL THEN
    UPDATE orders t SET attention = NULL WHERE t.id = o.id RETURNING * INTO o;
    PERFORM order_attention_event_add(o);
  ELSIF was.attention IS DISTINCT FROM o.attention THEN
    PERFORM order_attention_event_add(o);
  END IF;

  seen := o;
  IF its_key IS NOT NULL AND its_answer IS NULL THEN
    its_answer := '{"success":true,"data":' || order_json_to(o, by_whom) || '}';
  END IF;
  -- Last, so that the rows that all orders of a vendor share are locked as briefly as possible.
  IF act = 'COMPLETE' THEN
    PERFORM order_settle(o, entries, its_vendor_share, rider_share, platform_share, subsidy);
  ELSIF pays THEN
    PERFORM order_compensate(o, its_vendor_share, entries[2]);
  END IF;
  IF its_key IS NOT NULL THEN
    PERFORM idempotency_store(account, its_key, its_print, 200, its_answer);
  END IF;
  outcome := 'DONE';
END $$;

-- The form of order_act that the previous release calls: one state, one rider.
CREATE OR REPLACE FUNCTION order_move(target text, seen_status text, seen_rider text, act text, next_status text, by_whom text,
  taker text, occurred timestamptz, remark text, picture text, minutes integer, place json,
  given_code text, needs_code boolean, entries text[], offer text,
  vendor_share bigint, rider_share bigint, platform_share bigint, subsidy bigint,
  account text, its_key text, its_print text, its_answer text, OUT outcome text, OUT json text)
LANGUAGE sql AS $$
  SELECT a.outcome, CASE WHEN a.outcome = 'DONE' THEN order_json_to(a.seen, by_whom) END
    FROM order_act(target, act, ARRAY[seen_status], ARRAY[seen_status], '{}', next_status, NULL, false, seen_rider, by_whom,
    taker, occurred, remark, picture, minutes, place, given_code, needs_code, entries, offer,
    vendor_share, rider_share, platform_share, subsidy, account, its_key, its_print, its_answer) a
$$;

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
      PERFORM order_act(o.id, 'RELEASE', ARRAY[o.status], ARRAY[o.status], '{}', order_kitchen_status(o), NULL, false, o.rider_id,
        'SYSTEM', NULL, NULL, 'The rider cannot bring it', NULL, NULL, NULL, NULL, false, NULL, NULL, 0, 0, 0, 0, NULL, NULL,
        NULL, NULL);
    ELSIF why IS DISTINCT FROM o.attention THEN
      UPDATE orders t SET attention = why WHERE t.id = o.id RETURNING * INTO o;
      PERFORM order_attention_event_add(o);
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
