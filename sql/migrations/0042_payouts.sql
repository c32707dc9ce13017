-- Money out: pay-outs of vendors and riders, cash that riders hand in, refunds of disputes; and the indexes that
-- what people see of their money stands on.

-- --- What people see of their money --------------------------------------------------------------------------

-- A person's transactions are counted without reading them: a vendor with 30,000 of them has his page in a few ms. In the
-- order of their booking: the id of a payment's is drawn when it begins, and may be days older.
CREATE INDEX ledger_from_seen ON ledger (from_owner, created_at, id) INCLUDE (from_kind, category) WHERE from_owner IS NOT NULL;
CREATE INDEX ledger_to_seen ON ledger (to_owner, created_at, id) INCLUDE (to_kind, category) WHERE to_owner IS NOT NULL;
DROP INDEX ledger_from_owner, ledger_to_owner;
ALTER INDEX ledger_from_seen RENAME TO ledger_from_owner;
ALTER INDEX ledger_to_seen RENAME TO ledger_to_owner;

-- Earnings by time, from the index alone. settled_at changes once, with `active`, so the steps of an order stay
-- within their page. What riders earn is what they were credited.
CREATE INDEX orders_vendor_settled ON orders (vendor_id, settled_at) INCLUDE (subtotal, commission_bps)
  WHERE settled_at IS NOT NULL AND vendor_id IS NOT NULL;
CREATE INDEX ledger_delivery_fees ON ledger (to_owner, created_at) INCLUDE (amount, order_id)
  WHERE category = 'DELIVERY_FEE' AND to_owner IS NOT NULL;

-- --- Pay-outs ------------------------------------------------------------------------------------------------

-- PENDING → APPROVED or REJECTED by admins; APPROVED → COMPLETED (a bank transfer, with its reference), or
-- → PROCESSING, written before the gateway is called, → COMPLETED or FAILED by what the gateway tells; what was paid by hand is
-- APPROVED → COMPLETED with its reference, and never sent. Until it ends the amount is in the pending part of the owner's
-- wallet. What does not fit is a `trouble`, at whatever state it is found, and admins end it: `resolution`.
CREATE TABLE payouts (
  id                    text COLLATE "C" PRIMARY KEY,  -- payout_…, and our reference to the gateway
  owner_kind            text COLLATE "C" NOT NULL,     -- VENDOR, RIDER
  owner_id              text COLLATE "C" NOT NULL,
  amount                bigint NOT NULL,               -- what leaves the wallet, fee included
  fee                   bigint NOT NULL,
  method                text COLLATE "C" NOT NULL,     -- MOBILE_MONEY, BANK_TRANSFER
  destination           text NOT NULL,                 -- +237… or an account number
  bank_details          jsonb NOT NULL,                -- as they were when he asked
  status                text COLLATE "C" NOT NULL DEFAULT 'PENDING',
  requested_at          timestamptz NOT NULL DEFAULT now(),
  first_approved_by     text COLLATE "C",              -- of two, when the amount needs two
  first_approved_at     timestamptz,
  approved_by           text COLLATE "C",
  approved_at           timestamptz,
  two_from              bigint,                        -- from which amount on two were needed then (0: never)
  processed_at          timestamptz,                   -- the money was first sent on its way
  completed_at          timestamptz,
  failure_reason        text,
  rejection_reason      text,
  transaction_reference text,                          -- of the bank transfer or, from the gateway, of the payment
  gateway_reference     text COLLATE "C",
  notes                 text,
  sent_at               timestamptz,                   -- the gateway was last called to send it
  returned_at           timestamptz,                   -- the amount went back to its owner
  asks                  integer NOT NULL DEFAULT 0,
  next_ask_at           timestamptz,                   -- when the job has to do with it next; NULL: not any more
  trouble               text,                          -- what the gateway says differently, for people to look at
  told_amount           bigint,                        -- what it paid, when that is another amount
  resolution            text COLLATE "C",              -- what became of a trouble: PAID, RETURNED, WRITTEN_OFF
  first_resolution      text COLLATE "C",              -- what the first of two admins says of it
  first_resolved_by     text COLLATE "C",
  resolved_by           text COLLATE "C",
  resolved_two_from     bigint,
  CONSTRAINT payouts_sound CHECK (fee >= 0 AND amount > fee AND owner_kind IN ('VENDOR', 'RIDER')
    AND method IN ('MOBILE_MONEY', 'BANK_TRANSFER')
    AND status IN ('PENDING', 'APPROVED', 'PROCESSING', 'COMPLETED', 'FAILED', 'REJECTED')
    AND resolution IN ('PAID', 'RETURNED', 'WRITTEN_OFF') AND told_amount >= 0)
) WITH (fillfactor = 70);
CREATE INDEX payouts_owner ON payouts (owner_id, id);
CREATE INDEX payouts_status ON payouts (status, id);
CREATE INDEX payouts_due ON payouts (next_ask_at) WHERE next_ask_at IS NOT NULL;
CREATE INDEX payouts_trouble ON payouts (id) WHERE trouble IS NOT NULL;
-- One transaction of the gateway pays one of them.
CREATE UNIQUE INDEX payouts_reference ON payouts (gateway_reference) WHERE gateway_reference IS NOT NULL;

-- Each movement of a pay-out is booked once, whatever is run again.
CREATE UNIQUE INDEX ledger_payout_part ON ledger (reference, from_kind, to_kind) WHERE category = 'PAYOUT';

INSERT INTO leases (name) VALUES ('payouts');

-- Where a vendor's money goes, as bankDetails: the mobile-money number that an admin noted, or else his own details. Whatever
-- was told last counts (admin_vendor_edit, vendor_change), and he sees what is used.
CREATE FUNCTION vendor_destination(v vendors) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN v.mobile_money_number <> '' THEN jsonb_strip_nulls(jsonb_build_object('accountName', v.owner_name,
    'accountNumber', v.mobile_money_number, 'bankName', nullif(v.mobile_money_provider, ''))) ELSE v.bank_details END
$$;

-- As in 0030, with that.
CREATE OR REPLACE FUNCTION vendor_self_json(v vendors) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_members(v, business_zone(), NULL, NULL)
    || ',"ownerName":' || json_text(v.owner_name) || ',"email":' || json_text(v.email)
    || ',"phone":' || json_text(v.phone) || ',"bankDetails":' || coalesce(vendor_destination(v)::text, 'null')
    || ',"isEmailVerified":' || json_flag(v.email_verified)
    || ',"isPhoneVerified":' || json_flag(v.phone_verified)
    || ',"status":' || json_word(v.status) || ',"approvalStatus":' || json_word(v.approval_status)
    || ',"deliveryRadius":' || coalesce(v.delivery_radius::text, 'null')
    || ',"commissionRate":' || coalesce(v.commission_bps::numeric / 10000,
         (SELECT (value #>> '{}')::numeric / 10000 FROM settings
           WHERE key = 'services.' || lower(v.service_type) || '.commissionBps'), 0)::float8
    || ',"documents":' || v.documents::text || ',"rejectedReason":' || json_text(v.rejected_reason)
    || ',"createdAt":' || json_time(v.created_at) || ',"updatedAt":' || json_time(v.updated_at)
    || ',"lastLogin":' || json_time(v.last_login) || '}'
$$;

-- The Payout as its owner sees it.
CREATE FUNCTION payout_json(p payouts) RETURNS text
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
CREATE FUNCTION admin_payout_json(p payouts, v vendors, r riders, two_from bigint, past boolean) RETURNS text
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
-- The same of one that the statement has in hand.
CREATE FUNCTION admin_payout_row(p payouts, two_from bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT admin_payout_json(p, v, r, two_from, false)
    FROM (SELECT) one LEFT JOIN vendors v ON v.id = p.owner_id LEFT JOIN riders r ON r.id = p.owner_id
$$;

CREATE FUNCTION payout_tell(p payouts, type text) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO outbox (aggregate, type, rooms, payload)
  SELECT p.id, type, ARRAY['admin', lower(p.owner_kind) || ':' || p.owner_id], json_strip_nulls(json_build_object(
    'payoutId', p.id, 'ownerId', p.owner_id, 'ownerType', p.owner_kind, 'amount', p.amount, 'fee', p.fee,
    'netAmount', p.amount - p.fee, 'reason', coalesce(p.rejection_reason, p.failure_reason),
    'transactionReference', CASE p.status WHEN 'COMPLETED' THEN p.transaction_reference END, 'timestamp', iso(now())))
$$;

-- The account that holds what waits to be paid out.
CREATE FUNCTION pending_kind(kind text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT kind || '_PENDING'
$$;

-- Books what has left the house and tells it. The pay-out is locked. held: from the pending part; otherwise (the gateway
-- told a success after the money had gone back) from what is available, and false when there is too little: then nothing is
-- written. p.transaction_reference is shown, or else the gateway's. entries: two ids.
CREATE FUNCTION payout_settle(p payouts, held boolean, entries text[]) RETURNS boolean
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
     SET status = 'COMPLETED', completed_at = now(), processed_at = coalesce(t.processed_at, now()), next_ask_at = NULL,
         trouble = NULL, resolution = NULL, failure_reason = NULL, rejection_reason = NULL,
         transaction_reference = coalesce(p.transaction_reference, t.gateway_reference)
   WHERE t.id = p.id
  RETURNING * INTO p;
  PERFORM payout_tell(p, 'payout_completed');
  RETURN true;
END $$;

-- Ends a locked pay-out without payment: the amount is available again. ending: FAILED or REJECTED; again: when the job
-- has to look at it once more, or NULL.
CREATE FUNCTION payout_return(p payouts, ending text, reason text, again timestamptz, entry text) RETURNS void
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
     SET status = ending, asks = 0, next_ask_at = again, returned_at = now(), trouble = NULL,
         failure_reason = CASE ending WHEN 'FAILED' THEN reason END,
         rejection_reason = CASE ending WHEN 'REJECTED' THEN reason END
   WHERE t.id = p.id
  RETURNING * INTO p;
  PERFORM payout_tell(p, 'payout_' || lower(ending));
END $$;

-- The statement payout_request: see there. The wallet is locked first, so requests of one owner come one after the other.
CREATE FUNCTION payout_request(its_id text, kind text, owner text, asked bigint, its_fee bigint, way text, number text,
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
  PERFORM key_keep(owner, its_key, its_print, 201, '{"success":true,"data":' || json || '}');
END $$;

-- --- Troubles --------------------------------------------------------------------------------------------------

-- Whether an admin's word on a trouble is enough: DONE; NOTED, of large amounts until another admin says the same; SAME_ADMIN.
CREATE FUNCTION payout_opinion(p payouts, what text, two_from bigint, admin text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN payout_opinion.two_from <= 0 OR p.amount < payout_opinion.two_from THEN 'DONE'
    WHEN p.first_resolution IS DISTINCT FROM what THEN 'NOTED'
    WHEN p.first_resolved_by = admin THEN 'SAME_ADMIN' ELSE 'DONE' END
$$;

-- Books how a trouble of a locked pay-out ends. What the gateway paid is told_amount when that is another amount.
--   PAID         the owner has been paid. What went back to him before is taken from what is available; what is not there, and
--                what was paid too much, is the platform's loss.
--   RETURNED     what he did not get is his again; what he did get of another amount has left him.
--   WRITTEN_OFF  he keeps everything, and what the gateway paid is the platform's loss.
-- entries: four ids.
CREATE FUNCTION payout_book(p payouts, what text, entries text[]) RETURNS void
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

-- An admin's word on a trouble of a locked pay-out; outcome: of payout_opinion. What was sent is asked after for two days
-- more: should the gateway pay it after all, it is a trouble again.
CREATE FUNCTION payout_resolution(p payouts, what text, outcome text, its_reference text, reason text, two_from bigint,
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
         next_ask_at = CASE WHEN p.status = 'PROCESSING' AND t.told_amount IS NULL THEN now() + interval '10 minutes' END
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

-- --- Decisions -------------------------------------------------------------------------------------------------

-- The statement payout_approve: see there.
CREATE FUNCTION payout_approve(target text, its_kind text, bank_reference text, remark text, two_from bigint,
  admin text, its_act text, details jsonb, request text, entries text[], OUT outcome text, OUT json text)
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
           next_ask_at = CASE t.method WHEN 'MOBILE_MONEY' THEN now() END
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
  INSERT INTO admin_acts (admin_id, act, subject, details, request_id) VALUES (admin, its_act, p.id, details, request);
  json := admin_payout_row(p, payout_approve.two_from);
END $$;

-- The statement payout_reject: see there.
CREATE FUNCTION payout_reject(target text, its_kind text, reason text, two_from bigint, admin text, its_act text,
  details jsonb, request text, entries text[], OUT outcome text, OUT json text)
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
  INSERT INTO admin_acts (admin_id, act, subject, details, request_id) VALUES (admin, its_act, p.id, details, request);
  json := admin_payout_row(p, payout_reject.two_from);
END $$;

-- The statement payout_resolve: see there.
CREATE FUNCTION payout_resolve(target text, its_kind text, what text, its_reference text, remark text, two_from bigint,
  admin text, its_act text, details jsonb, request text, entries text[], OUT outcome text, OUT json text)
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
    INSERT INTO admin_acts (admin_id, act, subject, details, request_id) VALUES (admin, its_act, p.id, details, request);
  END IF;
  IF outcome IN ('DONE', 'NOTED', 'AGAIN') THEN
    json := admin_payout_row(p, payout_resolve.two_from);
  END IF;
END $$;

-- --- What the gateway answers ----------------------------------------------------------------------------------

-- How long to wait before the next try or question: 5 s, 10 s, … 5 minutes.
CREATE FUNCTION payout_pause(asks integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT least(300, 5 * 2 ^ least(asks, 10)) * interval '1 second'
$$;

-- The same by what it is, NULL: never again. Of what people have to look at, hourly and then ever more thinly for a month. Of
-- what went back to its owner or was paid by hand, likewise for two days (a success that comes late must be found), and no
-- oftener than every six hours when it has to be looked for in the history.
CREATE FUNCTION payout_rest(p payouts) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p.trouble IS NOT NULL THEN CASE WHEN p.sent_at > now() - interval '30 days'
      THEN greatest(interval '1 hour', (now() - p.sent_at) / 4) END
    WHEN p.status IN ('APPROVED', 'PROCESSING') THEN payout_pause(p.asks)
    WHEN greatest(p.returned_at, p.completed_at) > now() - interval '48 hours'
      THEN greatest(CASE WHEN p.gateway_reference IS NULL THEN interval '6 hours' ELSE interval '10 minutes' END,
        (now() - greatest(p.returned_at, p.completed_at)) / 4) END
$$;

-- Notes what does not fit: nothing is booked, a person has to look. It is asked after again all the same.
CREATE FUNCTION payout_doubt(p payouts, why text, told bigint DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payouts t
     SET trouble = why, told_amount = coalesce(told, t.told_amount), resolution = NULL,
         first_resolution = CASE WHEN t.trouble = why THEN t.first_resolution END  -- of this trouble, not of another
   WHERE t.id = p.id RETURNING * INTO p;
  UPDATE payouts t SET next_ask_at = now() + payout_rest(p) WHERE t.id = p.id;
  RETURN 'TROUBLE';
END $$;

-- What is on its way and of which nothing final is said opens to people after a time: an hour when the gateway does not know
-- or cannot say it, a day when it says it is pending or is not reached. A word that it is pending ends the first.
CREATE FUNCTION payout_wait(p payouts, what text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  unsaid text := 'The gateway does not say what became of it';
  too_long boolean := p.sent_at < now() - CASE what WHEN 'UNTOLD' THEN interval '1 hour' ELSE interval '1 day' END;
BEGIN
  IF p.trouble IS NULL AND too_long THEN
    RETURN payout_doubt(p, CASE what WHEN 'PENDING' THEN 'The gateway has not ended it for more than a day' ELSE unsaid END);
  ELSIF what = 'PENDING' AND p.trouble = unsaid AND NOT too_long THEN
    UPDATE payouts t SET trouble = NULL WHERE t.id = p.id;
  END IF;
  RETURN 'KEPT';
END $$;

-- A pay-out of which the gateway says that it has been paid.
CREATE FUNCTION payout_paid(p payouts, told bigint, entries text[]) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF p.resolution = 'WRITTEN_OFF' OR p.resolution IS NOT NULL AND p.told_amount IS NOT NULL THEN
    RETURN 'KEPT';  -- it is booked as what it was found to be
  ELSIF p.status = 'COMPLETED' AND p.transaction_reference IS DISTINCT FROM p.gateway_reference THEN
    RETURN payout_doubt(p, 'The gateway paid it, and so did we by hand: ' || coalesce(p.transaction_reference, 'no reference'),
      nullif(told, p.amount - p.fee));
  ELSIF p.status = 'COMPLETED' THEN
    UPDATE payouts t SET next_ask_at = NULL, trouble = NULL WHERE t.id = p.id AND t.next_ask_at IS NOT NULL;
    RETURN 'KEPT';
  ELSIF told IS DISTINCT FROM p.amount - p.fee AND told IS NOT NULL THEN
    RETURN payout_doubt(p, 'The gateway paid ' || told || ' in place of ' || p.amount - p.fee, told);
  END IF;
  p.transaction_reference := NULL;  -- the gateway's is shown
  IF p.status IN ('APPROVED', 'PROCESSING') THEN
    PERFORM payout_settle(p, true, entries);
    RETURN 'COMPLETED';
  ELSIF p.sent_at IS NOT NULL AND payout_settle(p, false, entries) THEN
    RETURN 'LATE';
  END IF;
  RETURN payout_doubt(p, 'The gateway paid what is ' || lower(p.status) || ' here');
END $$;

-- The statement payout_answered: see there.
CREATE FUNCTION payout_answered(target text, what text, its_reference text, told bigint, why text, looked_at timestamptz,
  entries text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
  sure boolean;
BEGIN
  IF EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = its_reference AND t.id <> target) THEN
    SELECT * INTO p FROM payouts t WHERE t.id = target AND t.resolution IS NULL FOR NO KEY UPDATE;
    RETURN payout_doubt(p, 'The gateway gave it the reference of another pay-out: ' || its_reference);
  END IF;
  UPDATE payouts t
     SET gateway_reference = CASE WHEN t.gateway_reference IS NULL AND what IN ('PENDING', 'SUCCESSFUL', 'FAILED')
           THEN its_reference ELSE t.gateway_reference END
   WHERE t.id = target
  RETURNING * INTO p;
  IF p.id IS NULL THEN
    RETURN 'GONE';
  ELSIF what = 'SUCCESSFUL' THEN
    RETURN payout_paid(p, told, entries);
  ELSIF what = 'FAILED' AND p.status = 'COMPLETED' AND p.transaction_reference IS NOT DISTINCT FROM p.gateway_reference
     AND p.resolution IS NULL THEN
    RETURN payout_doubt(p, 'The gateway failed what is completed here');
  ELSIF what = 'FAILED' AND p.status = 'PROCESSING' THEN
    PERFORM payout_return(p, 'FAILED', why, now() + interval '10 minutes', entries[1]);
    RETURN 'FAILED';
  ELSIF what = 'PENDING' AND p.status IN ('APPROVED', 'PROCESSING') THEN
    UPDATE payouts t SET status = 'PROCESSING', next_ask_at = now() + payout_rest(t) WHERE t.id = p.id RETURNING * INTO p;
    RETURN payout_wait(p, what);
  ELSIF what IN ('UNTOLD', 'UNASKED') AND p.status = 'PROCESSING' THEN
    RETURN payout_wait(p, what);
  ELSIF p.gateway_reference IS NOT NULL THEN
    NULL;  -- what follows is about calls without an answer, and there is one
  ELSIF what = 'REFUSED' AND p.status = 'PROCESSING' THEN
    PERFORM payout_return(p, 'FAILED', why, NULL, entries[1]);
    RETURN 'FAILED';
  ELSIF what = 'UNREACHED' AND p.status = 'PROCESSING' THEN
    UPDATE payouts t SET status = 'APPROVED', asks = t.asks + 1, next_ask_at = now() + payout_pause(t.asks) WHERE t.id = p.id;
  ELSIF what = 'UNCERTAIN' AND p.status = 'PROCESSING' THEN
    UPDATE payouts t SET asks = 0, next_ask_at = now() + payout_pause(0) WHERE t.id = p.id;
  ELSIF what IN ('MISSING', 'UNNAMED') THEN
    sure := p.sent_at < looked_at - interval '1 hour';
    IF sure AND what = 'UNNAMED' AND p.status = 'PROCESSING' THEN
      RETURN payout_doubt(p, 'It may be one of those that the gateway paid without naming them');
    END IF;
    IF sure AND p.status = 'PROCESSING' THEN
      PERFORM payout_return(p, 'FAILED', 'The payment service does not know of it', now() + interval '6 hours', entries[1]);
      RETURN 'FAILED';
    END IF;
  END IF;
  RETURN 'KEPT';
END $$;

-- --- Cash in ---------------------------------------------------------------------------------------------------

-- A reference once a rider.
CREATE UNIQUE INDEX ledger_handin_once ON ledger (to_owner, reference) WHERE category = 'CASH_HANDIN';

CREATE FUNCTION cash_handin_json(l ledger) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', l.id, '","rider_id":"', l.to_owner, '","amount":', l.amount, ',"currency":"XAF","reference":',
    json_text(l.reference), ',"cash_in_hand":', -l.to_balance, ',"created_at":', json_time(l.created_at), '}')
$$;

-- The statement cash_hand_in: see there.
CREATE FUNCTION cash_hand_in(rider text, given bigint, its_reference text, admin text, its_act text, details jsonb,
  request text, entry text, OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  w wallets;
  l ledger;
BEGIN
  SELECT * INTO w FROM wallets t WHERE t.owner_id = rider AND t.kind = 'RIDER' FOR NO KEY UPDATE;
  SELECT * INTO l FROM ledger t
   WHERE t.to_owner = rider AND t.reference = its_reference AND t.category = 'CASH_HANDIN';
  outcome := CASE WHEN NOT EXISTS (SELECT FROM riders r WHERE r.id = rider) THEN 'RIDER_NOT_FOUND'
    WHEN l.amount = given THEN 'AGAIN' WHEN l.amount IS NOT NULL THEN 'HANDIN_OTHER'
    WHEN coalesce(w.cash_in_hand, 0) < given THEN 'CASH_OVER' ELSE 'DONE' END;
  IF outcome = 'DONE' THEN
    UPDATE wallets t SET cash_in_hand = t.cash_in_hand - given, updated_at = now() WHERE t.owner_id = rider
    RETURNING * INTO w;
    INSERT INTO ledger (id, amount, from_kind, to_kind, to_owner, to_balance, category, reference, description)
    VALUES (entry, given, 'CLEARING', 'CASH', rider, -w.cash_in_hand, 'CASH_HANDIN', its_reference, 'Cash handed in')
    RETURNING * INTO l;
    INSERT INTO admin_acts (admin_id, act, subject, details, request_id) VALUES (admin, its_act, rider, details, request);
    INSERT INTO outbox (aggregate, type, rooms, payload)
    VALUES (rider, 'cash_handed_in', ARRAY['rider:' || rider, 'admin'], json_build_object('riderId', rider, 'amount', given,
      'reference', its_reference, 'cashInHand', w.cash_in_hand, 'timestamp', iso(now())));
  END IF;
  IF outcome IN ('DONE', 'AGAIN') THEN
    json := cash_handin_json(l);
  END IF;
END $$;

-- --- Disputes --------------------------------------------------------------------------------------------------

-- What may still be given back of a locked order: what was paid, less what was given back. An order that is under way has
-- its money in escrow, where a cancel finds it, so nothing of it is given back here.
CREATE FUNCTION order_refundable(o orders) RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN o.status = 'DELIVERED' AND o.payment_status = 'PAID' THEN o.total
      - coalesce((SELECT sum(l.amount) FROM ledger l WHERE l.order_id = o.id AND l.category = 'REFUND'), 0)::bigint END
$$;

-- Gives back a part of a locked order's price, from the platform.
CREATE FUNCTION order_refund(o orders, refund bigint, d disputes, entry text) RETURNS void
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
  INSERT INTO outbox (aggregate, type, rooms, payload)
  VALUES (d.id, 'refund_issued', ARRAY['user:' || o.user_id, 'admin'], json_strip_nulls(json_build_object('orderId', o.id,
    'vendorId', o.vendor_id, 'amount', refund, 'disputeId', d.id, 'timestamp', iso(now()))));
END $$;

-- The statement dispute_decide: see there.
CREATE FUNCTION dispute_decide(target text, ending text, words text, refund bigint, admin text, its_act text, act_details jsonb,
  request text, entry text, its_key text, its_print text, OUT outcome text, OUT json text)
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
  INSERT INTO outbox (aggregate, type, rooms, payload)
  VALUES (d.id, 'dispute_' || lower(ending), ARRAY['user:' || d.user_id, 'admin'], json_strip_nulls(json_build_object(
    'disputeId', d.id, 'ticketNumber', d.ticket_number, 'orderId', d.order_id, 'orderNumber', d.order_number,
    'vendorId', (SELECT v.vendor_id FROM orders v WHERE v.id = d.order_id), 'resolution', CASE ending WHEN 'RESOLVED' THEN words END, 'reason', CASE ending WHEN 'REJECTED' THEN words END,
    'refundAmount', d.refund_amount, 'timestamp', iso(now()))));
  INSERT INTO admin_acts (admin_id, act, subject, details, request_id)
  VALUES (admin, its_act, d.id, act_details, request);
  json := dispute_json(d);
  PERFORM key_keep(admin, its_key, its_print, 200, '{"success":true,"data":' || json || '}');
END $$;
