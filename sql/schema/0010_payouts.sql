-- Pay-outs to vendors and riders.

-- PENDING → APPROVED or REJECTED by admins. APPROVED → COMPLETED (a bank transfer, with its reference), or APPROVED →
-- PROCESSING (written before the gateway is called) → COMPLETED or FAILED by the gateway's report. A pay-out that was paid by
-- hand goes APPROVED → COMPLETED with its reference and is never sent. Until it ends, the amount is in the pending balance of
-- the owner's wallet. A discrepancy, found in any state, is stored in `trouble`; an admin ends it with a `resolution`.
CREATE TABLE payouts (
  id                    text COLLATE "C" PRIMARY KEY,  -- payout_…; also our reference at the gateway
  owner_kind            text COLLATE "C" NOT NULL,     -- VENDOR, RIDER
  owner_id              text COLLATE "C" NOT NULL,
  amount                bigint NOT NULL,               -- amount that leaves the wallet, including the fee
  fee                   bigint NOT NULL,
  method                text COLLATE "C" NOT NULL,     -- MOBILE_MONEY, BANK_TRANSFER
  destination           text NOT NULL,                 -- +237… or an account number
  bank_details          jsonb NOT NULL,                -- as they were at the request
  status                text COLLATE "C" NOT NULL DEFAULT 'PENDING',
  requested_at          timestamptz NOT NULL DEFAULT now(),
  first_approved_by     text COLLATE "C",              -- the first of two, when the amount needs two
  first_approved_at     timestamptz,
  approved_by           text COLLATE "C",
  approved_at           timestamptz,
  two_from              bigint,                        -- amount from which two admins were needed then (0: never)
  processed_at          timestamptz,                   -- when the money was first sent
  completed_at          timestamptz,
  failure_reason        text,
  rejection_reason      text,
  transaction_reference text,                          -- of the bank transfer, or of the payment at the gateway
  gateway_reference     text COLLATE "C",
  notes                 text,
  sent_at               timestamptz,                   -- when the gateway was last called to send it
  returned_at           timestamptz,                   -- when the amount was returned to its owner
  checks                integer NOT NULL DEFAULT 0,    -- since it was sent
  next_check_at           timestamptz,                   -- when the job handles it next; NULL: done
  trouble               text,                          -- description of the discrepancy, for admins
  told_amount           bigint,                        -- the amount that the gateway paid, when it differs
  resolution            text COLLATE "C",              -- how the discrepancy was resolved: PAID, RETURNED, WRITTEN_OFF
  first_resolution      text COLLATE "C",              -- the resolution chosen by the first of two admins
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
CREATE INDEX payouts_due ON payouts (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payouts_trouble ON payouts (id) WHERE trouble IS NOT NULL;
-- One transaction of the gateway pays one pay-out.
CREATE UNIQUE INDEX payouts_reference ON payouts (gateway_reference) WHERE gateway_reference IS NOT NULL;
