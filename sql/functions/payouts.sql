-- Money out. A pay-out holds its amount in the pending part of its owner's wallet until it ends. Only payout_settle,
-- payout_return and payout_book move money. The state machine is in src/domain/payout_state.c.

-- --- The object ---------------------------------------------------------------------------------------

-- A pay-out, for its owner.
CREATE OR REPLACE FUNCTION payout_json(p payouts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"payoutId":"', p.id, '","amount":', p.amount, ',"processingFee":', p.fee,
    ',"netAmount":', p.amount - p.fee, ',"currency":"XAF","status":"', p.status, '","method":"', p.method,
    '","bankDetails":', p.bank_details, ',"requestedAt":', json_time(p.requested_at),
    ',"processedAt":', json_time(p.processed_at), ',"completedAt":', json_time(p.completed_at),
    ',"failureReason":', json_text(p.failure_reason), ',"rejectionReason":', json_text(p.rejection_reason),
    ',"transactionReference":', json_text(CASE p.status WHEN 'COMPLETED' THEN p.transaction_reference END), '}')
$$;

-- A pay-out, for the console. two_from: amounts from here on need two admins (0: none). past: in the history, where REJECTED is
-- shown as FAILED. There must be no key `reference`: the console would use it as the id.
CREATE OR REPLACE FUNCTION admin_payout_json(p payouts, v vendors, r riders, two_from bigint, past boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat(
    concat('{"id":"', p.id, '","type":"', p.owner_kind, '",', CASE p.owner_kind
      WHEN 'VENDOR' THEN concat('"vendor_id":"', p.owner_id, '","vendor":{"id":"', p.owner_id,
        '","name":', json_text(v.business_name), ',"business_name":', json_text(v.business_name), '}')
      ELSE concat('"rider_id":"', p.owner_id, '","rider":{"id":"', p.owner_id,
        '","name":', json_text(btrim(r.first_name || ' ' || r.last_name)), '}') END,
      ',"entity_name":', json_text(coalesce(v.business_name, btrim(r.first_name || ' ' || r.last_name)))),
    concat(',"amount":', p.amount, ',"fee":', p.fee, ',"net_amount":', p.amount - p.fee, ',"currency":"XAF","method":"',
      p.method, '","number":', json_text(p.destination), ',"status":"',
      CASE WHEN past AND p.status = 'REJECTED' THEN 'FAILED' ELSE p.status END, '"'),
    concat(',"created_at":', json_time(p.requested_at), ',"processed_at":', json_time(p.processed_at),
      ',"completed_at":', json_time(p.completed_at),
      ',"transaction_reference":', json_text(p.transaction_reference),
      ',"rejection_reason":', json_text(p.rejection_reason), ',"failure_reason":', json_text(p.failure_reason),
      ',"notes":', json_text(p.notes), ',"trouble":', json_text(p.trouble),
      ',"gateway_reference":', json_text(p.gateway_reference), ',"told_amount":', coalesce(p.told_amount::text, 'null'),
      ',"resolution":', json_word(p.resolution), ',"first_resolution":', json_word(p.first_resolution),
      ',"first_resolved_by":', json_word(p.first_resolved_by), ',"resolved_by":', json_word(p.resolved_by)),
    concat(',"first_approved_by":', json_word(p.first_approved_by), ',"approved_by":', json_word(p.approved_by),
      ',"approvals_needed":', CASE WHEN p.status <> 'PENDING' THEN 0
        WHEN two_from > 0 AND p.amount >= two_from AND p.first_approved_by IS NULL THEN 2 ELSE 1 END),
    CASE WHEN past THEN concat(',"from":"Reeyo","to":',
      json_text(coalesce(v.business_name, btrim(r.first_name || ' ' || r.last_name))),
      ',"description":', json_text('Pay-out to ' || p.destination),
      ',"decision":"', CASE p.status WHEN 'REJECTED' THEN 'REJECTED' ELSE 'APPROVED' END, '"') END,
    '}')
$$;

-- The same for a pay-out that the caller has read already.
CREATE OR REPLACE FUNCTION admin_payout_row(p payouts, two_from bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT admin_payout_json(p, v, r, two_from, false)
    FROM (SELECT) one LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id
$$;

-- Writes an event of a pay-out, to its owner and to admins.
CREATE OR REPLACE FUNCTION payout_publish(p payouts, type text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT p.id, type, ARRAY['admin', lower(p.owner_kind) || ':' || p.owner_id], json_strip_nulls(json_build_object(
    'payoutId', p.id, 'ownerId', p.owner_id, 'ownerType', p.owner_kind, 'amount', p.amount, 'fee', p.fee,
    'netAmount', p.amount - p.fee, 'reason', coalesce(p.rejection_reason, p.failure_reason),
    'transactionReference', CASE p.status WHEN 'COMPLETED' THEN p.transaction_reference END, 'timestamp', iso(now())))
$$;

-- --- Bookings -----------------------------------------------------------------------------------------

-- The account that holds the amounts of open pay-outs.
CREATE OR REPLACE FUNCTION pending_kind(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT kind || '_PENDING'
$$;

-- Books the payment of a locked pay-out. held: from the pending part of the wallet; otherwise (a success after the amount was
-- returned) from the available part; returns false and writes nothing when that is too low. p.transaction_reference is shown,
-- or else the gateway's. entries: two ids.
CREATE OR REPLACE FUNCTION payout_settle(p payouts, held boolean, entries text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  left_over bigint;
BEGIN
  UPDATE wallets t
     SET pending = t.pending - CASE WHEN held THEN p.amount ELSE 0 END,
         available = t.available - CASE WHEN held THEN 0 ELSE p.amount END,
         total_withdrawn = t.total_withdrawn + p.amount, updated_at = now()
   WHERE t.owner_id = p.owner_id AND (held OR t.available >= p.amount)
  RETURNING * INTO w;
  IF w.owner_id IS NULL AND held THEN
    PERFORM fail('INTERNAL', 'wallet');
  ELSIF w.owner_id IS NULL THEN
    RETURN false;
  END IF;
  left_over := CASE WHEN held THEN w.pending ELSE w.available END;
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, category, reference, description)
  SELECT m.entry, m.amount, CASE WHEN held THEN pending_kind(p.owner_kind) ELSE p.owner_kind END, p.owner_id,
         left_over + m.later, m.to_kind, 'PAYOUT', p.id, m.description
    FROM (VALUES (entries[1], p.amount - p.fee, p.fee, 'CLEARING', 'Pay-out'),
      (entries[2], p.fee, 0, 'PLATFORM', 'Fee of a pay-out')) AS m(entry, amount, later, to_kind, description)
   WHERE m.amount > 0;
  UPDATE payouts t
     SET status = 'COMPLETED', completed_at = now(), processed_at = coalesce(t.processed_at, now()), next_check_at = NULL,
         trouble = NULL, resolution = NULL, failure_reason = NULL, rejection_reason = NULL,
         transaction_reference = coalesce(p.transaction_reference, t.gateway_reference)
   WHERE t.id = p.id
  RETURNING * INTO p;
  PERFORM payout_publish(p, 'payout_completed');
  RETURN true;
END $$;

-- Ends a locked pay-out without payment: the amount is available again. ending: FAILED or REJECTED. next_check_s: NULL: never.
CREATE OR REPLACE FUNCTION payout_return(p payouts, ending text, reason text, next_check_s bigint, entry text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
BEGIN
  UPDATE wallets t SET pending = t.pending - p.amount, available = t.available + p.amount, updated_at = now()
   WHERE t.owner_id = p.owner_id
  RETURNING * INTO w;
  IF NOT FOUND THEN
    PERFORM fail('INTERNAL', 'wallet');
  END IF;
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, reference,
    description)
  VALUES (entry, p.amount, pending_kind(p.owner_kind), p.owner_id, w.pending, p.owner_kind, p.owner_id, w.available,
    'PAYOUT', p.id, 'Pay-out ' || lower(ending));
  UPDATE payouts t
     SET status = ending, checks = 0, next_check_at = now() + next_check_s * interval '1 second', returned_at = now(), trouble = NULL,
         failure_reason = CASE ending WHEN 'FAILED' THEN reason END,
         rejection_reason = CASE ending WHEN 'REJECTED' THEN reason END
   WHERE t.id = p.id
  RETURNING * INTO p;
  PERFORM payout_publish(p, 'payout_' || lower(ending));
END $$;

-- Books the resolution of a discrepancy of a locked pay-out. told_amount: what the gateway paid, when it differs.
--   PAID         the owner has been paid. An amount returned before is taken from the available part; what is missing there, and
--                what was paid too much, is the platform's loss.
--   RETURNED     the owner gets back what he was not paid.
--   WRITTEN_OFF  the owner keeps everything; what the gateway paid is the platform's loss.
-- entries: four ids.
CREATE OR REPLACE FUNCTION payout_book(p payouts, what text, entries text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  held boolean := p.status = 'PROCESSING';
  done boolean := p.status = 'COMPLETED';
  source text := CASE WHEN p.status = 'PROCESSING' THEN pending_kind(p.owner_kind) ELSE p.owner_kind END;
  net bigint := p.amount - p.fee;
  paid_out bigint := CASE WHEN what = 'PAID' AND done THEN 0 WHEN what = 'PAID' THEN greatest(net, p.told_amount)
    WHEN what = 'WRITTEN_OFF' THEN coalesce(p.told_amount, net) ELSE coalesce(p.told_amount, 0) END;
  room bigint;
  paid bigint := 0;
  fee bigint := 0;
  back bigint;
  undone bigint := CASE WHEN what = 'RETURNED' AND done THEN p.amount ELSE 0 END;
BEGIN
  SELECT * INTO w FROM wallets t WHERE t.owner_id = p.owner_id FOR NO KEY UPDATE;
  room := CASE WHEN held THEN p.amount WHEN done THEN 0 ELSE least(w.available, p.amount) END;
  IF what = 'PAID' THEN
    paid := least(room, net);
    fee := least(room - paid, p.fee);
  ELSIF what = 'RETURNED' THEN
    paid := least(room, paid_out);
  END IF;
  back := CASE WHEN held THEN p.amount - paid - fee ELSE 0 END;
  UPDATE wallets t
     SET pending = t.pending - CASE WHEN held THEN p.amount ELSE 0 END,
         available = t.available + back + undone - CASE WHEN held THEN 0 ELSE paid + fee END,
         total_withdrawn = t.total_withdrawn + paid + fee - undone, updated_at = now()
   WHERE t.owner_id = p.owner_id
  RETURNING * INTO w;
  IF NOT FOUND THEN
    PERFORM fail('INTERNAL', 'wallet');
  END IF;
  room := CASE WHEN held THEN w.pending + back ELSE w.available END;
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, reference,
    description)
  SELECT entries[row_number() OVER ()], m.amount, m.from_kind, m.from_owner, m.from_balance, m.to_kind, m.to_owner,
         m.to_balance, 'PAYOUT', p.id, m.description
    FROM (VALUES
      (paid, source, p.owner_id, room + fee, 'CLEARING', NULL, NULL::bigint, 'Pay-out'),
      (fee, source, p.owner_id, room, 'PLATFORM', NULL, NULL, 'Fee of a pay-out'),
      (back, source, p.owner_id, w.pending, p.owner_kind, p.owner_id, w.available, 'Pay-out rejected'),
      (paid_out - paid, 'PLATFORM', NULL, NULL, 'CLEARING', NULL, NULL, 'Loss with a pay-out'),
      (CASE WHEN undone > 0 THEN net END, 'CLEARING', NULL, NULL, p.owner_kind, p.owner_id, w.available - p.fee, 'Pay-out returned'),
      (CASE WHEN undone > 0 THEN p.fee END, 'PLATFORM', NULL, NULL, p.owner_kind, p.owner_id, w.available, 'Fee of a pay-out returned'))
      AS m(amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, description)
   WHERE m.amount > 0;
END $$;

-- --- Requests -----------------------------------------------------------------------------------------

-- See the statement payout_request. It locks the wallet first, which serializes the requests of one owner.
CREATE OR REPLACE FUNCTION payout_request(its_id text, kind text, owner text, asked bigint, its_fee bigint, way text, number text,
  details jsonb, most_open integer, entry text, its_key text, its_print text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  p payouts;
BEGIN
  SELECT * INTO w FROM wallets t WHERE t.owner_id = owner AND t.kind = payout_request.kind FOR NO KEY UPDATE;
  outcome := CASE
    WHEN EXISTS (SELECT FROM idempotency i WHERE i.account_id = owner AND i.key = its_key) THEN 'REPLAY'
    WHEN w.owner_id IS NULL OR wallet_withdrawable(w) < asked THEN 'PAYOUT_SHORT'
    WHEN (SELECT count(*) FROM payouts t WHERE t.owner_id = owner
        AND t.status IN ('PENDING', 'APPROVED', 'PROCESSING')) >= most_open THEN 'PAYOUT_MANY'
    ELSE 'REQUESTED' END;
  IF outcome <> 'REQUESTED' THEN
    RETURN;
  END IF;
  UPDATE wallets t SET available = t.available - asked, pending = t.pending + asked, updated_at = now()
   WHERE t.owner_id = owner
  RETURNING * INTO w;
  INSERT INTO payouts (id, owner_kind, owner_id, amount, fee, method, destination, bank_details)
  VALUES (its_id, kind, owner, asked, its_fee, way, number, details)
  RETURNING * INTO p;
  INSERT INTO ledger (id, amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, category, reference,
    description)
  VALUES (entry, asked, kind, owner, w.available, pending_kind(kind), owner, w.pending, 'PAYOUT', p.id, 'Pay-out requested');
  PERFORM payout_publish(p, 'payout_requested');
  json := payout_json(p);
  PERFORM idempotency_store(owner, its_key, its_print, 201, '{"success":true,"data":' || json || '}');
END $$;
