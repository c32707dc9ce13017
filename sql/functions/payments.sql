-- Mobile money in. Money moves in one place, payment_book, called when an intent becomes SUCCEEDED under the row's
-- lock. Locks: intent, order, basket, wallets, items, vendor; payment_start: idempotency key, wallet.

-- --- The object ---------------------------------------------------------------------------------------

-- Why it was not paid, as its customer reads it: our reasons in his language, the gateway's as they are.
CREATE OR REPLACE FUNCTION payment_reason(i payment_intents) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE i.failure
    WHEN 'ANOTHER_AMOUNT' THEN CASE
      WHEN french AND i.resolution IS NULL THEN 'Un autre montant a été payé ; notre équipe en est informée'
      WHEN french THEN 'Un autre montant a été payé ; notre équipe l''a réglé avec vous'
      WHEN i.resolution IS NULL THEN 'Another amount was paid; support has been told'
      ELSE 'Another amount was paid; support has settled it with you' END
    WHEN 'UNTOLD' THEN CASE
      WHEN french THEN 'Le service de paiement ne dit pas si vous avez payé ; rien n''a été crédité'
      ELSE 'The payment service does not say whether you have paid; nothing was credited' END
    WHEN 'EXPIRED' THEN CASE WHEN french THEN 'Il n''a pas été fait à temps' ELSE 'It was not paid in time' END
    WHEN 'UNREACHED' THEN CASE WHEN french THEN 'Le service mobile money ne répondait pas'
      ELSE 'The mobile-money service could not be reached' END
    WHEN 'NOT_SENT' THEN CASE WHEN french THEN 'Il n''est jamais parvenu au service mobile money'
      ELSE 'It never reached the mobile-money service' END
    WHEN 'FAILED' THEN CASE WHEN french THEN 'Le paiement a échoué' ELSE 'The payment failed' END
    ELSE i.failure END
    FROM (SELECT coalesce((SELECT u.language FROM users u WHERE u.id = i.user_id), 'fr') = 'fr' AS french) l
$$;

-- A payment as its customer sees it.
CREATE OR REPLACE FUNCTION payment_json(i payment_intents) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"transactionId":"', i.entry, '","reference":"', i.id, '","status":"',
    CASE WHEN i.state = 'SUCCEEDED' OR i.resolution = 'BOOKED' THEN 'COMPLETED'
         WHEN i.state IN ('FAILED', 'EXPIRED', 'MISMATCH') THEN 'FAILED' ELSE 'PENDING' END,
    '","amount":', CASE i.resolution WHEN 'BOOKED' THEN i.told_amount ELSE i.amount END, ',"currency":"XAF","paymentMethod":"', i.method, '"',
    ',"orderId":"' || i.order_id || '"', ',"phone":"' || i.phone || '"', ',"operator":' || to_json(i.operator)::text,
    ',"ussdCode":' || to_json(i.ussd_code)::text,
    CASE WHEN i.state IN ('FAILED', 'EXPIRED', 'MISMATCH') AND i.resolution IS DISTINCT FROM 'BOOKED'
         THEN ',"reason":' || coalesce(to_json(payment_reason(i))::text, 'null') END,
    ',"wallet":', coalesce((SELECT wallet_json(w) FROM wallets w WHERE w.owner_id = i.user_id), 'null'),
    ',"createdAt":', json_time(i.created_at), ',"settledAt":', json_time(i.settled_at), '}')
$$;

-- The Payment as admins see it.
CREATE OR REPLACE FUNCTION admin_payment_json(i payment_intents, u users, o orders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', i.id, '","kind":"', i.kind, '","status":"', i.state, '","user_id":"', i.user_id,
    '","user_name":', json_text(btrim(u.first_name || ' ' || u.last_name)), ',"order_id":', json_word(i.order_id),
    ',"order_number":', json_word(o.order_number), ',"transaction_id":"', i.entry, '","amount":', i.amount,
    ',"paid_amount":', CASE WHEN i.state = 'SUCCEEDED' THEN i.amount::text ELSE coalesce(i.told_amount::text, 'null') END,
    ',"currency":"XAF","method":"', i.method, '","phone":', json_word(i.phone), ',"operator":', json_word(i.operator),
    ',"gateway_reference":', json_text(i.gateway_reference), ',"reason":', json_text(i.failure), ',"late":', json_flag(i.late),
    ',"resolution":', json_word(i.resolution), ',"resolved_by":', json_word(i.resolved_by),
    ',"resolved_at":', json_time(i.resolved_at), ',"notes":', json_text(i.notes),
    ',"created_at":', json_time(i.created_at), ',"settled_at":', json_time(i.settled_at), '}')
$$;

-- The same for an intent that the statement holds already.
CREATE OR REPLACE FUNCTION admin_payment_row(i payment_intents) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT admin_payment_json(i, u, o)
    FROM (SELECT) one LEFT JOIN users u ON u.id = i.user_id LEFT JOIN orders o ON o.id = i.order_id
$$;

-- --- Events and times ---------------------------------------------------------------------------------

-- How long after an ask the next one is due; NULL: never again. An open one is asked after 5, 10, 20 s … up to 10
-- minutes; one that is over for us ever more thinly, for two days: a success that nobody tells us must be found. What
-- failed without a reference never reached the gateway: it is looked for in the history for an hour, which is read
-- whole for it.
CREATE OR REPLACE FUNCTION payment_rest(i payment_intents) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN i.state IN ('CREATED', 'PENDING') THEN least(interval '10 minutes', interval '5 seconds' * 2 ^ least(i.asks, 10))
    WHEN i.state IN ('FAILED', 'EXPIRED') AND i.created_at > now()
        - CASE WHEN i.state = 'FAILED' AND i.gateway_reference IS NULL THEN interval '1 hour' ELSE interval '48 hours' END
      THEN greatest(interval '10 minutes', (now() - i.created_at) / 4) END
$$;

-- Writes an event of a payment. It names the vendor of its order, so that his webhooks get it. A MISMATCH goes to
-- admins, too.
CREATE OR REPLACE FUNCTION payment_tell(i payment_intents, type text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO outbox (aggregate, type, rooms, payload)
  VALUES (coalesce(i.order_id, i.id), type,
    CASE i.state WHEN 'MISMATCH' THEN ARRAY['user:' || i.user_id, 'admin'] ELSE ARRAY['user:' || i.user_id] END,
    json_strip_nulls(json_build_object(
      'transactionId', i.entry, 'reference', i.id, 'amount', i.amount, 'method', i.method, 'orderId', i.order_id,
      'vendorId', (SELECT o.vendor_id FROM orders o WHERE o.id = i.order_id),
      'reason', CASE type WHEN 'payment_failed' THEN payment_reason(i) END,
      'cause', CASE i.failure WHEN 'ANOTHER_AMOUNT' THEN i.failure END, 'paidAmount', i.told_amount,
      'timestamp', iso(now()))))
$$;

-- --- Success ------------------------------------------------------------------------------------------

-- Adds to a customer's balance and to what he spent; returns the balance.
CREATE OR REPLACE FUNCTION payment_wallet(owner text, more bigint, spent bigint) RETURNS bigint
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

-- A paid order concerns its vendor now, and a parcel looks for a rider.
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

-- Books what came in. The caller has locked the intent and found it not booked. An order that is over meanwhile is
-- paid and refunded at once. refund_entry: id of that second movement. Gives the order as it is now, if it was one.
CREATE OR REPLACE FUNCTION payment_book(i payment_intents, refund_entry text) RETURNS orders
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  waits boolean;
  balance bigint;
BEGIN
  IF i.kind = 'TOPUP' THEN
    balance := payment_wallet(i.user_id, i.amount, 0);
    INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)
    VALUES (i.entry, i.amount, 'CLEARING', 'USER', i.user_id, balance, 'WALLET_TOPUP', i.id, 'Top-up');
    PERFORM payment_tell(i, 'payment_received');
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
  balance := payment_wallet(i.user_id, CASE WHEN waits THEN 0 ELSE i.amount END, CASE WHEN waits THEN i.amount ELSE 0 END);
  INSERT INTO ledger (id, amount, from_kind, to_kind, category, order_id, reference, description)
  VALUES (i.entry, i.amount, 'CLEARING', 'ESCROW', 'ORDER_PAYMENT', o.id, i.id, 'Order ' || o.order_number);
  PERFORM payment_tell(i, 'payment_received');
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

-- An intent that is not paid, for now or for good: its order ends, its customer hears of it. The caller has locked it.
-- Gives the order that this has ended, or NULL.
CREATE OR REPLACE FUNCTION payment_fail(i payment_intents, next_state text, why text) RETURNS orders
LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  was text := i.state;
  ends boolean := false;
BEGIN
  UPDATE payment_intents t SET state = next_state, failure = why, settled_at = now() WHERE t.id = i.id
  RETURNING * INTO i;
  UPDATE payment_intents t SET next_ask_at = now() + payment_rest(i) WHERE t.id = i.id;
  IF i.kind = 'ORDER' THEN
    SELECT * INTO o FROM orders t WHERE t.id = i.order_id FOR NO KEY UPDATE;
    UPDATE orders t SET payment_status = 'FAILED', updated_at = now()
     WHERE t.id = o.id AND t.payment_status = 'PENDING' AND t.payment_method = i.method;
    ends := FOUND AND o.active;
    IF ends THEN
      o := order_cancel(o, 'SYSTEM', payment_reason(i), greatest(now(), timeline_last(o.timeline)), NULL);
    END IF;
  END IF;
  -- Who has ended the order himself, has heard already, or was answered so (UNREACHED) need not hear.
  IF was IN ('CREATED', 'PENDING') AND (ends OR i.kind = 'TOPUP') AND why <> 'UNREACHED' THEN
    PERFORM payment_tell(i, 'payment_failed');
  END IF;
  IF NOT ends THEN
    RETURN NULL;
  END IF;
  RETURN o;
END $$;

-- The statement payments_expire: see there.
CREATE OR REPLACE FUNCTION payments_expire(seconds bigint, most bigint)
RETURNS TABLE (id text, order_id text, vendor_id text, order_ended boolean)
LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
  o orders;
BEGIN
  FOR i IN
    SELECT * FROM payment_intents t
     WHERE t.state IN ('CREATED', 'PENDING') AND t.created_at < now() - seconds * interval '1 second'
     ORDER BY t.created_at LIMIT most
       FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    o := payment_fail(i, 'EXPIRED', 'EXPIRED');
    id := i.id;
    order_id := i.order_id;
    vendor_id := o.vendor_id;
    order_ended := o.id IS NOT NULL;
    RETURN NEXT;
  END LOOP;
END $$;

-- --- Start --------------------------------------------------------------------------------------------

-- What a customer can ask of the gateway is bounded: with twenty that wait to be paid, how many seconds the oldest has
-- waited. One of an order that is over does not count.
CREATE OR REPLACE FUNCTION payments_full(its_user text) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT extract(epoch FROM now() - min(t.created_at))::bigint
    FROM payment_intents t LEFT JOIN orders o ON o.id = t.order_id
   WHERE t.user_id = its_user AND t.state IN ('CREATED', 'PENDING') AND o.active IS NOT FALSE
  HAVING count(*) >= 20
$$;

-- Called by order_insert in the same statement: an order's intent. A CARD (sandbox) is paid and booked by that
-- statement.
CREATE OR REPLACE FUNCTION payment_of_order(its_id text, its_user text, its_order text, its_amount bigint, its_method text,
  its_phone text, its_operator text, its_entry text, its_key text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF its_method = 'CARD' THEN
    INSERT INTO payment_intents (id, kind, user_id, order_id, amount, method, entry, key, state, next_ask_at, settled_at)
    VALUES (its_id, 'ORDER', its_user, its_order, its_amount, its_method, its_entry, its_key, 'SUCCEEDED', NULL, now());
  ELSIF payments_full(its_user) IS NOT NULL THEN
    PERFORM fail('PAYMENTS_WAIT', payments_full(its_user)::text);
  ELSE
    INSERT INTO payment_intents (id, kind, user_id, order_id, amount, method, phone, operator, entry, key)
    VALUES (its_id, 'ORDER', its_user, its_order, its_amount, its_method, its_phone, its_operator, its_entry, its_key);
  END IF;
  RETURN 'PLACED';
END $$;

-- The statement payment_start: see there.
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
    UPDATE payment_intents t SET state = 'SUCCEEDED', settled_at = now(), next_ask_at = NULL WHERE t.id = i.id
    RETURNING * INTO i;
    PERFORM payment_book(i, NULL);
  END IF;
  json := payment_json(i);
  UPDATE idempotency k SET body = '{"success":true,"data":' || json || '}'
   WHERE k.account_id = its_user AND k.key = its_key;
END $$;

-- --- The gateway's answers ----------------------------------------------------------------------------

-- The statement payment_told: see there.
CREATE OR REPLACE FUNCTION payment_told(target text, told text, reference text, ussd text, its_operator text, told_amount bigint, why text,
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
    WHEN i.state = 'SUCCEEDED' OR i.resolution IS NOT NULL THEN 'KNOWN'
    WHEN told = 'REFUSED' THEN
      CASE WHEN i.gateway_reference IS NULL AND i.state IN ('CREATED', 'EXPIRED') THEN 'FAILED' ELSE 'KNOWN' END
    WHEN told = 'FAILED' THEN CASE WHEN i.state IN ('CREATED', 'PENDING', 'EXPIRED') THEN 'FAILED' ELSE 'KNOWN' END
    -- A success of which the amount is not told proves nothing yet: it is asked after like one that waits.
    WHEN told = 'PENDING' OR told_amount < 0 THEN CASE WHEN i.state = 'CREATED' THEN 'PENDING' ELSE 'KNOWN' END
    WHEN told_amount = i.amount THEN 'SUCCEEDED'
    WHEN i.state = 'MISMATCH' THEN 'KNOWN' ELSE 'MISMATCH' END;
  IF i.id IS NULL THEN
    RETURN;
  END IF;

  -- Until our own call is answered a callback's word for the reference is all there is; the answer's counts.
  first := told <> 'REFUSED' AND (i.gateway_reference IS NULL OR i.state = 'CREATED');
  IF first THEN
    UPDATE payment_intents t
       SET gateway_reference = coalesce(payment_told.reference, t.gateway_reference), ussd_code = coalesce(ussd, t.ussd_code), sent_at = now(),
           operator = coalesce(its_operator, t.operator)
     WHERE t.id = i.id
    RETURNING * INTO i;
  END IF;

  IF outcome = 'PENDING' THEN
    UPDATE payment_intents t SET state = 'PENDING', next_ask_at = now() + interval '5 seconds', asked_at = now()
     WHERE t.id = i.id
    RETURNING * INTO i;
  ELSIF outcome = 'SUCCEEDED' THEN
    late := i.state NOT IN ('CREATED', 'PENDING');
    UPDATE payment_intents t
       SET state = 'SUCCEEDED', settled_at = now(), next_ask_at = NULL, failure = NULL, told_amount = NULL,
           late = payment_told.late
     WHERE t.id = i.id
    RETURNING * INTO i;
    o := payment_book(i, refund_entry);
    IF o.payment_status = 'REFUNDED' AND NOT late THEN
      late := true;
      UPDATE payment_intents t SET late = true WHERE t.id = i.id;
    END IF;
    vendor_id := o.vendor_id;
  ELSIF outcome IN ('FAILED', 'MISMATCH') THEN
    IF told = 'REFUSED' AND i.state = 'CREATED' THEN
      DELETE FROM idempotency k WHERE k.account_id = i.user_id AND k.key = i.key AND k.created_at = i.created_at;
    END IF;
    UPDATE payment_intents t SET told_amount = CASE outcome WHEN 'MISMATCH' THEN payment_told.told_amount END
     WHERE t.id = i.id;
    IF outcome = 'MISMATCH' THEN
      why := 'ANOTHER_AMOUNT';
    END IF;
    o := payment_fail(i, outcome, coalesce(why, 'FAILED'));
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

-- The statement payment_resolve: see there. What is booked is a top-up of what was paid, whatever it was meant for: an
-- order that was to be paid by it is over.
CREATE OR REPLACE FUNCTION payment_resolve(target text, decision text, remark text, admin text, its_act text, details jsonb,
  request text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  i payment_intents;
  topup payment_intents;
BEGIN
  SELECT * INTO i FROM payment_intents t WHERE t.id = target FOR NO KEY UPDATE;
  outcome := CASE WHEN i.id IS NULL THEN 'PAYMENT_NOT_FOUND' WHEN i.resolution = decision THEN 'AGAIN'
    WHEN i.state <> 'MISMATCH' OR i.resolution IS NOT NULL OR decision = 'BOOKED' AND i.told_amount <= 0 THEN 'PAYMENT_DECIDED'
    ELSE 'DONE' END;
  IF outcome = 'DONE' THEN
    UPDATE payment_intents t
       SET resolution = decision, resolved_by = admin, resolved_at = now(), notes = remark, next_ask_at = NULL
     WHERE t.id = i.id
    RETURNING * INTO i;
    IF decision = 'BOOKED' THEN
      topup := i;
      topup.kind := 'TOPUP';
      topup.order_id := NULL;
      topup.amount := i.told_amount;
      topup.state := 'SUCCEEDED';
      topup.failure := NULL;
      topup.told_amount := NULL;
      PERFORM payment_book(topup, NULL);
    END IF;
    INSERT INTO admin_audit (admin_id, act, subject, details, request_id) VALUES (admin, its_act, i.id, details, request);
  END IF;
  IF outcome IN ('DONE', 'AGAIN') THEN
    json := admin_payment_row(i);
  END IF;
END $$;
