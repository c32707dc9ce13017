-- Money out: pay-outs of vendors and riders.

-- PENDING → APPROVED or REJECTED by admins; APPROVED → COMPLETED (a bank transfer, with its reference), or →
-- PROCESSING, written before the gateway is called, → COMPLETED or FAILED by what the gateway reports; what was paid by
-- hand is APPROVED → COMPLETED with its reference, and never sent. Until it ends the amount is in the pending part of
-- the owner's wallet. What does not fit is a `trouble`, at whatever state it is found, and admins end it: `resolution`.
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
