-- Incoming mobile money. An intent is a payment that a customer was asked to make, for a wallet or for an order. It is written
-- before the gateway is called, so after any failure there is a row for the poller. `entry`, chosen with the intent, is the
-- id of its ledger movement, so a second booking violates the primary key of the ledger.

-- One payment that a customer was asked to make.
CREATE TABLE payment_intents (
  id                text COLLATE "C" PRIMARY KEY,      -- pay_…: our reference at the gateway
  kind              text COLLATE "C" NOT NULL CHECK (kind IN ('TOPUP', 'ORDER')),
  user_id           text COLLATE "C" NOT NULL,
  order_id          text COLLATE "C",
  amount            bigint NOT NULL CHECK (amount > 0),
  method            text COLLATE "C" NOT NULL CHECK (method IN ('MOBILE_MONEY', 'CARD')),
  phone             text COLLATE "C",                   -- of the payer
  operator          text COLLATE "C",                   -- MTN, ORANGE
  -- CREATED: written, the gateway has not answered; PENDING: accepted by the gateway; SUCCEEDED: booked; FAILED; EXPIRED: not
  -- paid in time; MISMATCH: paid with another amount, nothing is booked until an admin decides (resolution). Any state but
  -- SUCCEEDED may still change to SUCCEEDED, unless it was resolved.
  state             text COLLATE "C" NOT NULL DEFAULT 'CREATED'
                    CHECK (state IN ('CREATED', 'PENDING', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'MISMATCH')),
  entry             text COLLATE "C" NOT NULL,          -- txn_…: id of its ledger movement, once booked
  key               text COLLATE "C",                   -- Idempotency-Key of the request
  gateway_reference text COLLATE "C",
  ussd_code         text,
  failure           text,                               -- a code of domain/payment_state.h, or the gateway's text
  reason            text,                               -- the same for the customer, in the language of the account
  paid_amount       bigint,                             -- MISMATCH: the amount paid according to the gateway
  resolution        text COLLATE "C" CHECK (resolution IN ('BOOKED', 'SETTLED_OUTSIDE')),  -- MISMATCH: the decision of an admin
  resolved_by       text COLLATE "C",
  resolved_at       timestamptz,
  notes             text,
  late              boolean NOT NULL DEFAULT false,     -- succeeded after it had expired or failed
  checks            integer NOT NULL DEFAULT 0,         -- queries by the poller
  created_at        timestamptz NOT NULL DEFAULT now(),
  sent_at           timestamptz,                        -- when the gateway first confirmed that it has it
  settled_at        timestamptz,
  checked_at          timestamptz NOT NULL DEFAULT now(),
  next_check_at       timestamptz DEFAULT now() + interval '45 seconds',  -- after the first call has ended (gateway_timeout)
  CONSTRAINT payment_intents_order CHECK ((order_id IS NOT NULL) = (kind = 'ORDER'))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payment_intents_of_order ON payment_intents (order_id) WHERE order_id IS NOT NULL;
-- One transaction of the gateway pays one intent.
CREATE UNIQUE INDEX payment_intents_reference ON payment_intents (gateway_reference) WHERE gateway_reference IS NOT NULL;
CREATE INDEX payment_intents_due ON payment_intents (next_check_at)
  WHERE next_check_at IS NOT NULL AND state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_due_over ON payment_intents (next_check_at)
  WHERE next_check_at IS NOT NULL AND state NOT IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_open ON payment_intents (user_id) WHERE state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_waiting ON payment_intents (created_at) WHERE state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_amiss ON payment_intents (id) WHERE state = 'MISMATCH';
CREATE INDEX payment_intents_created ON payment_intents USING brin (created_at) WITH (autosummarize = on);
