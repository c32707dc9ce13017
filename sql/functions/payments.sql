-- Mobile money in. payment_book is the only function that moves money; it runs when a payment becomes SUCCEEDED, with the
-- row locked. Order of locks: payment, order, basket, wallets, items, vendor; payment_start: idempotency key, wallet.
-- States, times and texts come from src/domain/payment_state.c as parameters.

-- --- The object ---------------------------------------------------------------------------------------

-- The reply is in the language of the account: French by default.
CREATE OR REPLACE FUNCTION payment_text(its_user text, english text, french text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN coalesce((SELECT u.language FROM users u WHERE u.id = its_user), 'fr') = 'fr' THEN french ELSE english END
$$;

-- A payment, for its customer.
CREATE OR REPLACE FUNCTION payment_json(i payment_intents) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"transactionId":"', i.entry, '","reference":"', i.id, '","status":"',
    CASE WHEN i.state = 'SUCCEEDED' OR i.resolution = 'BOOKED' THEN 'COMPLETED'
         WHEN i.state IN ('FAILED', 'EXPIRED', 'MISMATCH') THEN 'FAILED' ELSE 'PENDING' END,
    '","amount":', CASE i.resolution WHEN 'BOOKED' THEN i.paid_amount ELSE i.amount END, ',"currency":"XAF","paymentMethod":"', i.method, '"',
    ',"orderId":"' || i.order_id || '"', ',"phone":"' || i.phone || '"', ',"operator":' || to_json(i.operator)::text,
    ',"ussdCode":' || to_json(i.ussd_code)::text,
    CASE WHEN i.state IN ('FAILED', 'EXPIRED', 'MISMATCH') AND i.resolution IS DISTINCT FROM 'BOOKED'
         THEN ',"reason":' || coalesce(to_json(i.reason)::text, 'null') END,
    ',"wallet":', coalesce((SELECT wallet_json(w) FROM wallets w WHERE w.owner_id = i.user_id), 'null'),
    ',"createdAt":', json_time(i.created_at), ',"settledAt":', json_time(i.settled_at), '}')
$$;

-- A payment, for admins.
CREATE OR REPLACE FUNCTION admin_payment_json(i payment_intents, u users, o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', i.id, '","kind":"', i.kind, '","status":"', i.state, '","user_id":"', i.user_id,
    '","user_name":', json_text(btrim(u.first_name || ' ' || u.last_name)), ',"order_id":', json_word(i.order_id),
    ',"order_number":', json_word(o.order_number), ',"transaction_id":"', i.entry, '","amount":', i.amount,
    ',"paid_amount":', CASE WHEN i.state = 'SUCCEEDED' THEN i.amount::text ELSE coalesce(i.paid_amount::text, 'null') END,
    ',"currency":"XAF","method":"', i.method, '","phone":', json_word(i.phone), ',"operator":', json_word(i.operator),
    ',"gateway_reference":', json_text(i.gateway_reference), ',"reason":', json_text(i.failure), ',"late":', json_flag(i.late),
    ',"resolution":', json_word(i.resolution), ',"resolved_by":', json_word(i.resolved_by),
    ',"resolved_at":', json_time(i.resolved_at), ',"notes":', json_text(i.notes),
    ',"created_at":', json_time(i.created_at), ',"settled_at":', json_time(i.settled_at), '}')
$$;

-- The same for a payment that the caller has read already.
CREATE OR REPLACE FUNCTION admin_payment_row(i payment_intents) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT admin_payment_json(i, u, o)
    FROM (SELECT) one LEFT JOIN users u ON u.id = i.user_id LEFT JOIN orders o ON o.id = i.order_id
$$;

-- --- Events -------------------------------------------------------------------------------------------

-- Writes an event of a payment. It names the vendor of the order, whose webhooks then get it. A MISMATCH also goes to
-- admins.
CREATE OR REPLACE FUNCTION payment_publish(i payment_intents, type text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO event_log (aggregate, type, rooms, payload)
  VALUES (coalesce(i.order_id, i.id), type,
    CASE i.state WHEN 'MISMATCH' THEN ARRAY['user:' || i.user_id, 'admin'] ELSE ARRAY['user:' || i.user_id] END,
    json_strip_nulls(json_build_object(
      'transactionId', i.entry, 'reference', i.id, 'amount', i.amount, 'method', i.method, 'orderId', i.order_id,
      'vendorId', (SELECT o.vendor_id FROM orders o WHERE o.id = i.order_id),
      'reason', CASE type WHEN 'payment_failed' THEN i.reason END,
      'cause', CASE i.failure WHEN 'ANOTHER_AMOUNT' THEN i.failure END, 'paidAmount', i.paid_amount,
      'timestamp', iso(now()))))
$$;

-- --- Success ------------------------------------------------------------------------------------------

-- Changes a customer's balance and total spent; returns the balance.
CREATE OR REPLACE FUNCTION payment_wallet_add(owner text, more bigint, spent bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  balance bigint;
BEGIN
  UPDATE wallets w SET available = w.available + more, total_spent = w.total_spent + spent, updated_at = now()
   WHERE w.owner_id = owner
  RETURNING w.available INTO balance;
  IF NOT FOUND THEN
    PERFORM fail('INTERNAL', 'wallet');
  END IF;
  RETURN balance;
END $$;

-- Publishes a paid order to its vendor; a parcel starts to look for a rider.
CREATE OR REPLACE FUNCTION payment_open_order(o orders) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM order_event_add(o, 'new_order', array_remove(ARRAY['vendor:' || o.vendor_id, 'admin'], NULL),
    concat('{"orderId":"', o.id, '","orderNumber":"', o.order_number, '","status":"', o.status, '","timestamp":',
      json_time(now()), ',"data":', order_json(o), '}')::json);
  IF o.order_type = 'PACKAGE' THEN
    INSERT INTO dispatches (order_id) VALUES (o.id) ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Books a payment. The caller has locked the row and found it not booked. When its order has ended meanwhile, the payment
-- is booked and refunded at once. refund_entry: id of that second movement. Returns the order as it is now, or NULL.
CREATE OR REPLACE FUNCTION payment_book(i payment_intents, refund_entry text) RETURNS orders
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  waits boolean;
  balance bigint;
BEGIN
  IF i.kind = 'TOPUP' THEN
    balance := payment_wallet_add(i.user_id, i.amount, 0);
    INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)
    VALUES (i.entry, i.amount, 'CLEARING', 'USER', i.user_id, balance, 'WALLET_TOPUP', i.id, 'Top-up');
    PERFORM payment_publish(i, 'payment_received');
    RETURN NULL;
  END IF;

  SELECT * INTO o FROM orders t WHERE t.id = i.order_id FOR NO KEY UPDATE;
  waits := o.active AND o.payment_status = 'PENDING';
  IF NOT waits AND o.status IS DISTINCT FROM 'CANCELLED' THEN
    PERFORM fail('INTERNAL', 'order');
  END IF;
  UPDATE orders t
     SET payment_status = CASE WHEN waits THEN 'PAID' ELSE 'REFUNDED' END, updated_at = now(),
         timeline = CASE WHEN waits THEN timeline_add(t.timeline, t.status, greatest(now(), timeline_last(t.timeline)),
           'SYSTEM', 'Paid') ELSE t.timeline END
   WHERE t.id = o.id
  RETURNING * INTO o;
  balance := payment_wallet_add(i.user_id, CASE WHEN waits THEN 0 ELSE i.amount END, CASE WHEN waits THEN i.amount ELSE 0 END);
  INSERT INTO ledger (id, amount, from_kind, to_kind, category, order_id, reference, description)
  VALUES (i.entry, i.amount, 'CLEARING', 'ESCROW', 'ORDER_PAYMENT', o.id, i.id, 'Order ' || o.order_number);
  PERFORM payment_publish(i, 'payment_received');
  IF waits THEN
    PERFORM payment_open_order(o);
    RETURN o;
  END IF;
  INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id, reference, description)
  VALUES (refund_entry, i.amount, 'ESCROW', 'USER', i.user_id, balance, 'REFUND', o.id, i.id,
    'Refund of order ' || o.order_number);
  PERFORM order_event_add(o, 'refund_issued', ARRAY['user:' || o.user_id, 'admin'],
    json_strip_nulls(json_build_object('orderId', o.id, 'vendorId', o.vendor_id, 'amount', i.amount,
      'timestamp', iso(now()))));
  RETURN o;
END $$;

-- --- Failure ------------------------------------------------------------------------------------------

-- Ends a locked payment that was not paid, and its order with it. why: a code or the gateway's text; next_check_s: NULL:
-- never; cancellable: the states of an order that a failed payment cancels. The customer gets an event unless the order had
-- ended before, or the reply carried the error (UNREACHED). Returns the order that this has ended, or NULL.
CREATE OR REPLACE FUNCTION payment_end(i payment_intents, next_state text, why text, english text, french text,
  next_check_s bigint, cancellable text[]) RETURNS orders
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  ended orders;
  was_open boolean := i.state IN ('CREATED', 'PENDING');
BEGIN
  UPDATE payment_intents t
     SET state = next_state, failure = why, reason = payment_text(t.user_id, english, french), settled_at = now(),
         next_check_at = now() + next_check_s * interval '1 second'
   WHERE t.id = i.id
  RETURNING * INTO i;
  IF i.kind = 'ORDER' THEN
    SELECT * INTO o FROM orders t WHERE t.id = i.order_id FOR NO KEY UPDATE;
    UPDATE orders t SET payment_status = 'FAILED', updated_at = now()
     WHERE t.id = o.id AND t.payment_status = 'PENDING' AND t.payment_method = i.method;
    IF FOUND THEN
      ended := order_cancel_by_system(o, cancellable, i.reason, greatest(now(), timeline_last(o.timeline)), NULL);
    END IF;
  END IF;
  IF was_open AND (ended.id IS NOT NULL OR i.kind = 'TOPUP') AND why <> 'UNREACHED' THEN
    PERFORM payment_publish(i, 'payment_failed');
  END IF;
  IF ended.id IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN ended;
END $$;

-- See the statement payments_expire.
CREATE OR REPLACE FUNCTION payments_end_unpaid(wait_s bigint, most bigint, expirable text[], english text, french text,
  next_check_s bigint, checked_for_s bigint, cancellable text[])
RETURNS TABLE (id text, vendor_id text, order_ended boolean)
LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
  o orders;
BEGIN
  FOR i IN
    SELECT * FROM payment_intents t
     WHERE t.state IN ('CREATED', 'PENDING') AND t.state = ANY (expirable) AND t.created_at < now() - wait_s * interval '1 second'
     ORDER BY t.created_at LIMIT most
       FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    o := payment_end(i, 'EXPIRED', 'EXPIRED', english, french,
      CASE WHEN i.created_at > now() - checked_for_s * interval '1 second' THEN next_check_s END, cancellable);
    id := i.id;
    vendor_id := o.vendor_id;
    order_ended := o.id IS NOT NULL;
    RETURN NEXT;
  END LOOP;
END $$;

-- --- Start --------------------------------------------------------------------------------------------

-- Limits the unpaid payments of a customer: with twenty, the age of the oldest in seconds; else NULL. A payment whose
-- order has ended does not count.
CREATE OR REPLACE FUNCTION payments_full(its_user text) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT extract(epoch FROM now() - min(t.created_at))::bigint
    FROM payment_intents t LEFT JOIN orders o ON o.id = t.order_id
   WHERE t.user_id = its_user AND t.state IN ('CREATED', 'PENDING') AND o.active IS NOT FALSE
  HAVING count(*) >= 20
$$;

-- Writes the payment of an order; called by order_insert in the same statement. A CARD (sandbox) is paid and booked by that
-- statement.
CREATE OR REPLACE FUNCTION payment_of_order(its_id text, its_user text, its_order text, its_amount bigint, its_method text,
  its_phone text, its_operator text, its_entry text, its_key text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF its_method = 'CARD' THEN
    INSERT INTO payment_intents (id, kind, user_id, order_id, amount, method, entry, key, state, next_check_at, settled_at)
    VALUES (its_id, 'ORDER', its_user, its_order, its_amount, its_method, its_entry, its_key, 'SUCCEEDED', NULL, now());
  ELSIF payments_full(its_user) IS NOT NULL THEN
    PERFORM fail('PAYMENTS_WAIT', payments_full(its_user)::text);
  ELSE
    INSERT INTO payment_intents (id, kind, user_id, order_id, amount, method, phone, operator, entry, key)
    VALUES (its_id, 'ORDER', its_user, its_order, its_amount, its_method, its_phone, its_operator, its_entry, its_key);
  END IF;
  RETURN 'PLACED';
END $$;

-- See the statement payment_start.
CREATE OR REPLACE FUNCTION payment_start(its_id text, its_user text, its_amount bigint, its_method text, its_phone text,
  its_operator text, its_entry text, its_key text, its_print text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
BEGIN
  outcome := CASE
    WHEN EXISTS (SELECT FROM idempotency k WHERE k.account_id = its_user AND k.key = its_key) THEN 'REPLAY'
    WHEN NOT EXISTS (SELECT FROM users u WHERE u.id = its_user AND u.status <> 'DELETED') THEN 'ACCOUNT_NOT_FOUND'
    WHEN its_method <> 'CARD' AND payments_full(its_user) IS NOT NULL THEN 'PAYMENTS_WAIT'
    ELSE 'STARTED' END;
  IF outcome = 'PAYMENTS_WAIT' THEN
    json := payments_full(its_user);
  END IF;
  IF outcome <> 'STARTED' THEN
    RETURN;
  END IF;
  PERFORM idempotency_store(its_user, its_key, its_print, 201, '');
  INSERT INTO payment_intents (id, kind, user_id, amount, method, phone, operator, entry, key)
  VALUES (its_id, 'TOPUP', its_user, its_amount, its_method, its_phone, its_operator, its_entry, its_key)
  RETURNING * INTO i;
  IF its_method = 'CARD' THEN
    UPDATE payment_intents t SET state = 'SUCCEEDED', settled_at = now(), next_check_at = NULL WHERE t.id = i.id
    RETURNING * INTO i;
    PERFORM payment_book(i, NULL);
  END IF;
  json := payment_json(i);
  UPDATE idempotency k SET body = '{"success":true,"data":' || json || '}'
   WHERE k.account_id = its_user AND k.key = its_key;
END $$;

-- --- The gateway's answers ----------------------------------------------------------------------------

-- See the statement payment_record. The row is compared with what C decided on: its state must be in `allowed`, and no
-- admin may have resolved it.
CREATE OR REPLACE FUNCTION payment_apply(target text, next_state text, allowed text[], unsent_only boolean, reference text,
  ussd text, its_operator text, paid bigint, why text, english text, french text, next_check_s bigint, cancellable text[],
  refund_entry text, OUT outcome text, OUT json text, OUT order_id text, OUT vendor_id text, OUT order_ended boolean,
  OUT late boolean) LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
  o orders;
  first boolean;
BEGIN
  SELECT * INTO i FROM payment_intents t WHERE t.id = target FOR NO KEY UPDATE;
  order_ended := false;
  late := false;
  outcome := CASE WHEN i.id IS NULL THEN 'UNKNOWN'
    WHEN i.state = ANY (allowed) AND i.resolution IS NULL AND NOT (unsent_only AND i.gateway_reference IS NOT NULL)
      THEN next_state
    ELSE 'UNCHANGED' END;
  IF i.id IS NULL THEN
    RETURN;
  ELSIF outcome = 'SUCCEEDED' AND paid IS DISTINCT FROM i.amount THEN
    PERFORM fail('INTERNAL', 'amount');
  END IF;

  -- Until the response to our own call arrives, the reference may come from a callback; the response replaces it.
  first := NOT unsent_only AND (i.gateway_reference IS NULL OR i.state = 'CREATED');
  IF first THEN
    UPDATE payment_intents t
       SET gateway_reference = coalesce(reference, t.gateway_reference), ussd_code = coalesce(ussd, t.ussd_code),
           sent_at = now(), operator = coalesce(its_operator, t.operator)
     WHERE t.id = i.id
    RETURNING * INTO i;
  END IF;

  IF outcome = 'PENDING' THEN
    UPDATE payment_intents t
       SET state = 'PENDING', next_check_at = now() + next_check_s * interval '1 second', checked_at = now()
     WHERE t.id = i.id
    RETURNING * INTO i;
  ELSIF outcome = 'SUCCEEDED' THEN
    late := i.state NOT IN ('CREATED', 'PENDING');
    UPDATE payment_intents t
       SET state = 'SUCCEEDED', settled_at = now(), next_check_at = NULL, failure = NULL, reason = NULL, paid_amount = NULL,
           late = payment_apply.late
     WHERE t.id = i.id
    RETURNING * INTO i;
    o := payment_book(i, refund_entry);
    IF o.payment_status = 'REFUNDED' AND NOT late THEN
      late := true;
      UPDATE payment_intents t SET late = true WHERE t.id = i.id;
    END IF;
    vendor_id := o.vendor_id;
  ELSIF outcome IN ('FAILED', 'MISMATCH') THEN
    IF unsent_only AND i.state = 'CREATED' THEN
      DELETE FROM idempotency k WHERE k.account_id = i.user_id AND k.key = i.key AND k.created_at = i.created_at;
    END IF;
    UPDATE payment_intents t SET paid_amount = CASE outcome WHEN 'MISMATCH' THEN paid END WHERE t.id = i.id;
    o := payment_end(i, outcome, why, english, french, next_check_s, cancellable);
    order_ended := o.id IS NOT NULL;
    vendor_id := o.vendor_id;
    SELECT * INTO i FROM payment_intents t WHERE t.id = target;
  END IF;

  order_id := i.order_id;
  json := payment_json(i);
  IF first AND i.kind = 'TOPUP' AND i.key IS NOT NULL THEN
    UPDATE idempotency k SET body = '{"success":true,"data":' || json || '}'
     WHERE k.account_id = i.user_id AND k.key = i.key AND k.created_at = i.created_at;
  END IF;
END $$;

-- --- Decisions ----------------------------------------------------------------------------------------

-- See the statement payment_resolve. BOOKED books a top-up of the paid amount, also when the payment was for an order, which
-- has ended.
CREATE OR REPLACE FUNCTION payment_resolve(target text, decision text, remark text, admin text, audit jsonb,
  english text, french text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
  topup payment_intents;
BEGIN
  SELECT * INTO i FROM payment_intents t WHERE t.id = target FOR NO KEY UPDATE;
  outcome := CASE WHEN i.id IS NULL THEN 'PAYMENT_NOT_FOUND' WHEN i.resolution = decision THEN 'AGAIN'
    WHEN i.state <> 'MISMATCH' OR i.resolution IS NOT NULL OR decision = 'BOOKED' AND i.paid_amount <= 0 THEN 'PAYMENT_DECIDED'
    ELSE 'DONE' END;
  IF outcome = 'DONE' THEN
    UPDATE payment_intents t
       SET resolution = decision, resolved_by = admin, resolved_at = now(), notes = remark, next_check_at = NULL,
           reason = payment_text(t.user_id, english, french)
     WHERE t.id = i.id
    RETURNING * INTO i;
    IF decision = 'BOOKED' THEN
      topup := i;
      topup.kind := 'TOPUP';
      topup.order_id := NULL;
      topup.amount := i.paid_amount;
      topup.state := 'SUCCEEDED';
      topup.failure := NULL;
      topup.reason := NULL;
      topup.paid_amount := NULL;
      PERFORM payment_book(topup, NULL);
    END IF;
    PERFORM admin_audit_add(audit, i.id);
  END IF;
  IF outcome IN ('DONE', 'AGAIN') THEN
    json := admin_payment_row(i);
  END IF;
END $$;
