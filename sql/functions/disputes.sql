-- Disputes and their refunds.

-- The Dispute object for the console and for customers.
CREATE OR REPLACE FUNCTION dispute_json(d disputes) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', d.id, '","ticket_number":"', d.ticket_number, '","subject":', to_json(d.subject),
    ',"category":', to_json(d.category), ',"description":', to_json(d.description), ',"status":"', d.status,
    '","priority":"', d.priority, '","user":{"id":"', d.user_id, '","name":', to_json(d.user_name),
    '},"order":{"id":"', d.order_id, '","order_number":"', d.order_number, '"},"resolution":',
    json_text(d.resolution), ',"refund_amount":', coalesce(d.refund_amount::text, 'null'),
    ',"created_at":', json_time(d.created_at), ',"resolved_at":', json_time(d.resolved_at), ',"messages":[]}')
$$;

-- The amount of a locked order that can still be refunded: the total less earlier refunds. NULL for an order that is not
-- delivered: its money is in escrow, and a cancellation refunds it.
CREATE OR REPLACE FUNCTION order_refundable(o orders) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN o.status = 'DELIVERED' AND o.payment_status = 'PAID' THEN o.total
      - coalesce((SELECT sum(l.amount) FROM ledger l WHERE l.order_id = o.id AND l.category = 'REFUND'), 0)::bigint END
$$;

-- Refunds a part of the price of a locked order. The platform pays.
CREATE OR REPLACE FUNCTION order_refund(o orders, refund bigint, d disputes, entry text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  balance bigint;
BEGIN
  UPDATE wallets w
     SET available = w.available + refund, updated_at = now(),
         total_spent = w.total_spent - CASE o.payment_method WHEN 'CASH' THEN 0 ELSE refund END
   WHERE w.owner_id = o.user_id
  RETURNING w.available INTO balance;
  IF NOT FOUND THEN
    PERFORM fail('INTERNAL', 'wallet');
  END IF;
  INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, order_id, reference, description)
  VALUES (entry, refund, 'PLATFORM', 'USER', o.user_id, balance, 'REFUND', o.id, d.id, 'Refund of order ' || o.order_number);
  INSERT INTO event_log (aggregate, type, rooms, payload)
  VALUES (d.id, 'refund_issued', ARRAY['user:' || o.user_id, 'admin'], json_strip_nulls(json_build_object('orderId', o.id,
    'vendorId', o.vendor_id, 'amount', refund, 'disputeId', d.id, 'timestamp', iso(now()))));
END $$;

-- See the statement dispute_decide.
CREATE OR REPLACE FUNCTION dispute_decide(target text, ending text, words text, refund bigint, admin text, audit jsonb,
  entry text, its_key text, its_print text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  d disputes;
  o orders;
BEGIN
  IF ending = 'REJECTED' AND refund > 0 THEN
    PERFORM fail('INTERNAL', 'refund');
  END IF;
  SELECT * INTO d FROM disputes t WHERE t.id = CASE WHEN substr(target, 2, 1) = '-'
    THEN (SELECT n.id FROM disputes n WHERE n.ticket_number = target) ELSE target END FOR NO KEY UPDATE;
  IF refund > 0 THEN
    SELECT * INTO o FROM orders t WHERE t.id = d.order_id FOR NO KEY UPDATE;
  END IF;
  outcome := CASE WHEN d.id IS NULL THEN 'NOT_FOUND'
    WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = admin AND i.key = its_key) THEN 'REPLAY'
    WHEN d.status <> 'OPEN' THEN 'DISPUTE_DECIDED'
    WHEN refund > 0 AND order_refundable(o) IS NULL THEN 'REFUND_UNDELIVERED'
    WHEN refund > 0 AND order_refundable(o) < refund THEN 'REFUND_OVER' ELSE 'DONE' END;
  IF outcome <> 'DONE' THEN
    RETURN;
  END IF;
  UPDATE disputes t SET status = ending, resolution = words, refund_amount = nullif(refund, 0), resolved_by = admin,
         resolved_at = now()
   WHERE t.id = d.id RETURNING * INTO d;
  IF refund > 0 THEN
    PERFORM order_refund(o, refund, d, entry);
  END IF;
  INSERT INTO event_log (aggregate, type, rooms, payload)
  VALUES (d.id, 'dispute_' || lower(ending), ARRAY['user:' || d.user_id, 'admin'], json_strip_nulls(json_build_object(
    'disputeId', d.id, 'ticketNumber', d.ticket_number, 'orderId', d.order_id, 'orderNumber', d.order_number,
    'vendorId', (SELECT v.vendor_id FROM orders v WHERE v.id = d.order_id), 'resolution', CASE ending WHEN 'RESOLVED' THEN words END, 'reason', CASE ending WHEN 'REJECTED' THEN words END,
    'refundAmount', d.refund_amount, 'timestamp', iso(now()))));
  PERFORM admin_audit_add(audit, d.id);
  json := dispute_json(d);
  PERFORM idempotency_store(admin, its_key, its_print, 200, '{"success":true,"data":' || json || '}');
END $$;
