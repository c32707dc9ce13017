-- Money out. A pay-out holds its amount in the pending part of its owner's wallet until it ends; payout_settle,
-- payout_return and payout_book are the places that book.

-- --- The object ---------------------------------------------------------------------------------------

-- The Payout as its owner sees it.
CREATE OR REPLACE FUNCTION payout_json(p payouts) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"payoutId":"', p.id, '","amount":', p.amount, ',"processingFee":', p.fee,
    ',"netAmount":', p.amount - p.fee, ',"currency":"XAF","status":"', p.status, '","method":"', p.method,
    '","bankDetails":', p.bank_details, ',"requestedAt":', json_time(p.requested_at),
    ',"processedAt":', json_time(p.processed_at), ',"completedAt":', json_time(p.completed_at),
    ',"failureReason":', json_text(p.failure_reason), ',"rejectionReason":', json_text(p.rejection_reason),
    ',"transactionReference":', json_text(CASE p.status WHEN 'COMPLETED' THEN p.transaction_reference END), '}')
$$;

-- The console's row. two_from: amounts from here on need two admins (0: none does). past: of the history, where the
-- console knows no REJECTED. There is never a key `reference`: the console would take it for the id.
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

-- The same for a pay-out that the statement holds already.
CREATE OR REPLACE FUNCTION admin_payout_row(p payouts, two_from bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT admin_payout_json(p, v, r, two_from, false)
    FROM (SELECT) one LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id
$$;

-- Writes an event of a pay-out, to its owner and to admins.
CREATE OR REPLACE FUNCTION payout_tell(p payouts, type text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT p.id, type, ARRAY['admin', lower(p.owner_kind) || ':' || p.owner_id], json_strip_nulls(json_build_object(
    'payoutId', p.id, 'ownerId', p.owner_id, 'ownerType', p.owner_kind, 'amount', p.amount, 'fee', p.fee,
    'netAmount', p.amount - p.fee, 'reason', coalesce(p.rejection_reason, p.failure_reason),
    'transactionReference', CASE p.status WHEN 'COMPLETED' THEN p.transaction_reference END, 'timestamp', iso(now())))
$$;

-- --- Bookings -----------------------------------------------------------------------------------------

-- The account that holds what waits to be paid out.
CREATE OR REPLACE FUNCTION pending_kind(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT kind || '_PENDING'
$$;

-- Books what has left the house and tells it. The pay-out is locked. held: from the pending part; otherwise (the
-- gateway told a success after the money had gone back) from what is available, and false when there is too little:
-- then nothing is written. p.transaction_reference is shown, or else the gateway's. entries: two ids.
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
  PERFORM payout_tell(p, 'payout_completed');
  RETURN true;
END $$;

-- Ends a locked pay-out without payment: the amount is available again. ending: FAILED or REJECTED; again: when the job
-- has to look at it once more, or NULL.
CREATE OR REPLACE FUNCTION payout_return(p payouts, ending text, reason text, again timestamptz, entry text) RETURNS void
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
     SET status = ending, checks = 0, next_check_at = again, returned_at = now(), trouble = NULL,
         failure_reason = CASE ending WHEN 'FAILED' THEN reason END,
         rejection_reason = CASE ending WHEN 'REJECTED' THEN reason END
   WHERE t.id = p.id
  RETURNING * INTO p;
  PERFORM payout_tell(p, 'payout_' || lower(ending));
END $$;

-- Books how a trouble of a locked pay-out ends. What the gateway paid is told_amount when that is another amount.
--   PAID         the owner has been paid. What went back to him before is taken from what is available; what is not there, and
--                what was paid too much, is the platform's loss.
--   RETURNED     what he did not get is his again; what he did get of another amount has left him.
--   WRITTEN_OFF  he keeps everything, and what the gateway paid is the platform's loss.
-- entries: four ids.
CREATE OR REPLACE FUNCTION payout_book(p payouts, what text, entries text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  held boolean := p.status = 'PROCESSING';
  done boolean := p.status = 'COMPLETED';
  source text := CASE WHEN p.status = 'PROCESSING' THEN pending_kind(p.owner_kind) ELSE p.owner_kind END;
  net bigint := p.amount - p.fee;
  out_of_house bigint := CASE WHEN what = 'PAID' AND done THEN 0 WHEN what = 'PAID' THEN greatest(net, p.told_amount)
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
    paid := least(room, out_of_house);
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
      (out_of_house - paid, 'PLATFORM', NULL, NULL, 'CLEARING', NULL, NULL, 'Loss with a pay-out'),
      (CASE WHEN undone > 0 THEN net END, 'CLEARING', NULL, NULL, p.owner_kind, p.owner_id, w.available - p.fee, 'Pay-out returned'),
      (CASE WHEN undone > 0 THEN p.fee END, 'PLATFORM', NULL, NULL, p.owner_kind, p.owner_id, w.available, 'Fee of a pay-out returned'))
      AS m(amount, from_kind, from_owner, from_balance, to_kind, to_owner, to_balance, description)
   WHERE m.amount > 0;
END $$;

-- --- Requests -----------------------------------------------------------------------------------------

-- The statement payout_request: see there. The wallet is locked first, so requests of one owner come one after the
-- other.
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
  PERFORM payout_tell(p, 'payout_requested');
  json := payout_json(p);
  PERFORM idempotency_store(owner, its_key, its_print, 201, '{"success":true,"data":' || json || '}');
END $$;

-- --- Troubles -----------------------------------------------------------------------------------------

-- Whether an admin's word on a trouble is enough: DONE; NOTED, of large amounts until another admin says the same;
-- SAME_ADMIN.
CREATE OR REPLACE FUNCTION payout_opinion(p payouts, what text, two_from bigint, admin text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN payout_opinion.two_from <= 0 OR p.amount < payout_opinion.two_from THEN 'DONE'
    WHEN p.first_resolution IS DISTINCT FROM what THEN 'NOTED'
    WHEN p.first_resolved_by = admin THEN 'SAME_ADMIN' ELSE 'DONE' END
$$;

-- An admin's word on a trouble of a locked pay-out; outcome: of payout_opinion. What was sent is asked after for two
-- days more: should the gateway pay it after all, it is a trouble again.
CREATE OR REPLACE FUNCTION payout_resolution(p payouts, what text, outcome text, its_reference text, reason text, two_from bigint,
  admin text, entries text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  comes_back boolean := what <> 'PAID' AND (p.status = 'PROCESSING' OR what = 'RETURNED' AND p.status = 'COMPLETED');
BEGIN
  IF outcome = 'NOTED' THEN
    UPDATE payouts t SET first_resolution = what, first_resolved_by = admin WHERE t.id = p.id;
    RETURN;
  END IF;
  PERFORM payout_book(p, what, entries);
  UPDATE payouts t
     SET trouble = NULL, resolution = what, resolved_by = admin, resolved_two_from = payout_resolution.two_from,
         next_check_at = CASE WHEN p.status = 'PROCESSING' AND t.told_amount IS NULL THEN now() + interval '10 minutes' END
   WHERE t.id = p.id;
  IF what = 'PAID' THEN
    UPDATE payouts t
       SET status = 'COMPLETED', completed_at = coalesce(t.completed_at, now()), failure_reason = NULL, rejection_reason = NULL,
           transaction_reference = coalesce(CASE p.status WHEN 'COMPLETED' THEN t.gateway_reference END, its_reference,
             t.transaction_reference, t.gateway_reference)
     WHERE t.id = p.id;
  ELSIF comes_back THEN
    UPDATE payouts t
       SET status = 'REJECTED', returned_at = now(), completed_at = NULL, failure_reason = NULL, rejection_reason = reason
     WHERE t.id = p.id;
  END IF;
  IF comes_back OR what = 'PAID' AND p.status <> 'COMPLETED' THEN
    PERFORM payout_tell(t, CASE what WHEN 'PAID' THEN 'payout_completed' ELSE 'payout_rejected' END) FROM payouts t WHERE t.id = p.id;
  END IF;
END $$;

-- --- Decisions ----------------------------------------------------------------------------------------

-- The statement payout_approve: see there.
CREATE OR REPLACE FUNCTION payout_approve(target text, its_kind text, bank_reference text, remark text, two_from bigint,
  admin text, audit jsonb, entries text[], OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
  two boolean;
BEGIN
  SELECT * INTO p FROM payouts t WHERE t.id = target FOR NO KEY UPDATE;
  two := payout_approve.two_from > 0 AND p.amount >= payout_approve.two_from;
  outcome := CASE WHEN p.id IS NULL THEN 'PAYOUT_NOT_FOUND'
    WHEN p.owner_kind <> its_kind THEN 'PAYOUT_OTHER_KIND'
    WHEN p.status = 'PROCESSING' AND p.trouble IS NOT NULL AND bank_reference IS NOT NULL
      THEN payout_opinion(p, 'PAID', payout_approve.two_from, admin)
    WHEN p.status = 'APPROVED' AND p.gateway_reference IS NULL AND bank_reference IS NOT NULL THEN 'DONE'
    WHEN p.status <> 'PENDING' THEN 'PAYOUT_DECIDED'
    WHEN two AND p.first_approved_by IS NULL THEN 'NOTED'
    WHEN two AND p.first_approved_by = admin THEN 'SAME_ADMIN'
    ELSE 'DONE' END;
  IF outcome NOT IN ('DONE', 'NOTED') THEN
    RETURN;
  END IF;
  IF p.status = 'PROCESSING' THEN
    PERFORM payout_resolution(p, 'PAID', outcome, bank_reference, NULL, payout_approve.two_from, admin, entries);
    UPDATE payouts t SET notes = coalesce(remark, t.notes) WHERE t.id = p.id RETURNING * INTO p;
  ELSIF outcome = 'NOTED' THEN
    UPDATE payouts t SET first_approved_by = admin, first_approved_at = now(), notes = coalesce(remark, t.notes),
           transaction_reference = coalesce(bank_reference, t.transaction_reference)
     WHERE t.id = p.id RETURNING * INTO p;
  ELSIF p.status = 'PENDING' THEN
    UPDATE payouts t
       SET status = 'APPROVED', approved_by = admin, approved_at = now(), two_from = payout_approve.two_from,
           notes = coalesce(remark, t.notes), transaction_reference = coalesce(bank_reference, t.transaction_reference),
           next_check_at = CASE t.method WHEN 'MOBILE_MONEY' THEN now() END
     WHERE t.id = p.id RETURNING * INTO p;
    PERFORM payout_tell(p, 'payout_approved');
  ELSE
    UPDATE payouts t SET transaction_reference = bank_reference, notes = coalesce(remark, t.notes)
     WHERE t.id = p.id RETURNING * INTO p;
  END IF;
  IF p.transaction_reference IS NOT NULL AND p.status = 'APPROVED' THEN
    PERFORM payout_settle(p, true, entries);
    SELECT * INTO p FROM payouts t WHERE t.id = target;
  END IF;
  PERFORM admin_audit_add(audit, p.id);
  json := admin_payout_row(p, payout_approve.two_from);
END $$;

-- The statement payout_reject: see there.
CREATE OR REPLACE FUNCTION payout_reject(target text, its_kind text, reason text, two_from bigint, admin text, audit jsonb,
  entries text[], OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
BEGIN
  SELECT * INTO p FROM payouts t WHERE t.id = target FOR NO KEY UPDATE;
  outcome := CASE WHEN p.id IS NULL THEN 'PAYOUT_NOT_FOUND'
    WHEN p.owner_kind <> its_kind THEN 'PAYOUT_OTHER_KIND'
    WHEN p.status IN ('PENDING', 'APPROVED') THEN 'DONE'
    WHEN p.status = 'PROCESSING' AND p.trouble IS NOT NULL THEN payout_opinion(p, 'RETURNED', payout_reject.two_from, admin)
    ELSE 'PAYOUT_DECIDED' END;
  IF outcome NOT IN ('DONE', 'NOTED') THEN
    RETURN;
  END IF;
  IF p.status = 'PROCESSING' THEN
    PERFORM payout_resolution(p, 'RETURNED', outcome, NULL, reason, payout_reject.two_from, admin, entries);
  ELSE
    PERFORM payout_return(p, 'REJECTED', reason, NULL, entries[1]);
  END IF;
  SELECT * INTO p FROM payouts t WHERE t.id = target;
  PERFORM admin_audit_add(audit, p.id);
  json := admin_payout_row(p, payout_reject.two_from);
END $$;

-- The statement payout_resolve: see there.
CREATE OR REPLACE FUNCTION payout_resolve(target text, its_kind text, what text, its_reference text, remark text, two_from bigint,
  admin text, audit jsonb, entries text[], OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
  fits boolean;
BEGIN
  SELECT * INTO p FROM payouts t WHERE t.id = target FOR NO KEY UPDATE;
  -- A completed one of which the gateway says that it failed can come back; one that it paid besides is lost.
  fits := what = 'PAID' OR p.status <> 'COMPLETED'
    OR what = CASE WHEN p.transaction_reference IS NOT DISTINCT FROM p.gateway_reference THEN 'RETURNED' ELSE 'WRITTEN_OFF' END;
  outcome := CASE WHEN p.id IS NULL THEN 'PAYOUT_NOT_FOUND'
    WHEN p.owner_kind <> its_kind THEN 'PAYOUT_OTHER_KIND'
    WHEN p.trouble IS NULL AND p.resolution = what THEN 'AGAIN'
    WHEN p.trouble IS NULL THEN 'NO_TROUBLE'
    WHEN NOT fits THEN 'TROUBLE_OTHER'
    ELSE payout_opinion(p, what, payout_resolve.two_from, admin) END;
  IF outcome IN ('DONE', 'NOTED') THEN
    PERFORM payout_resolution(p, what, outcome, its_reference, remark, payout_resolve.two_from, admin, entries);
    UPDATE payouts t SET notes = remark WHERE t.id = p.id RETURNING * INTO p;
    PERFORM admin_audit_add(audit, p.id);
  END IF;
  IF outcome IN ('DONE', 'NOTED', 'AGAIN') THEN
    json := admin_payout_row(p, payout_resolve.two_from);
  END IF;
END $$;
