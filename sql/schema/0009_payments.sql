-- Mobile money in. An intent is what a customer was asked to pay, to his wallet or for an order: written before the
-- gateway is called, so that whatever breaks afterwards leaves a row that the poller queries. `entry`, chosen with the
-- intent, is the id of its movement, so that a second booking meets the ledger's own key.

-- One payment that a customer was asked for.
CREATE TABLE payment_intents (
  id                text COLLATE "C" PRIMARY KEY,      -- pay_…: our reference with the gateway
  kind              text COLLATE "C" NOT NULL CHECK (kind IN ('TOPUP', 'ORDER')),
  user_id           text COLLATE "C" NOT NULL,
  order_id          text COLLATE "C",
  amount            bigint NOT NULL CHECK (amount > 0),
  method            text COLLATE "C" NOT NULL CHECK (method IN ('MOBILE_MONEY', 'CARD')),
  phone             text COLLATE "C",                   -- who pays
  operator          text COLLATE "C",                   -- MTN, ORANGE
  -- CREATED: written, the call is not answered; PENDING: the gateway has it; SUCCEEDED: booked; FAILED; EXPIRED: we gave
  -- up waiting; MISMATCH: paid, but not this amount, and nothing is booked before people decide (resolution). Any but
  -- SUCCEEDED may still become it, unless it is decided.
  state             text COLLATE "C" NOT NULL DEFAULT 'CREATED'
                    CHECK (state IN ('CREATED', 'PENDING', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'MISMATCH')),
  entry             text COLLATE "C" NOT NULL,          -- txn_…: its movement in the ledger, once booked
  key               text COLLATE "C",                   -- Idempotency-Key of the request
  gateway_reference text COLLATE "C",
  ussd_code         text,
  failure           text,                               -- a word of payment_reason, or the gateway's own words
  told_amount       bigint,                             -- MISMATCH: what the gateway says was paid
  resolution        text COLLATE "C" CHECK (resolution IN ('BOOKED', 'SETTLED_OUTSIDE')),  -- MISMATCH: what people decided
  resolved_by       text COLLATE "C",
  resolved_at       timestamptz,
  notes             text,
  late              boolean NOT NULL DEFAULT false,     -- succeeded after we had given up
  asks              integer NOT NULL DEFAULT 0,
  created_at        timestamptz NOT NULL DEFAULT now(),
  sent_at           timestamptz,                        -- when the gateway was first known to have it
  settled_at        timestamptz,
  asked_at          timestamptz NOT NULL DEFAULT now(),
  next_ask_at       timestamptz DEFAULT now() + interval '45 seconds',  -- our own call (gateway_timeout) is answered or lost
  CONSTRAINT payment_intents_order CHECK ((order_id IS NOT NULL) = (kind = 'ORDER'))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX payment_intents_of_order ON payment_intents (order_id) WHERE order_id IS NOT NULL;
-- One transaction of the gateway pays one intent.
CREATE UNIQUE INDEX payment_intents_reference ON payment_intents (gateway_reference) WHERE gateway_reference IS NOT NULL;
CREATE INDEX payment_intents_due ON payment_intents (next_ask_at)
  WHERE next_ask_at IS NOT NULL AND state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_due_over ON payment_intents (next_ask_at)
  WHERE next_ask_at IS NOT NULL AND state NOT IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_open ON payment_intents (user_id) WHERE state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_waiting ON payment_intents (created_at) WHERE state IN ('CREATED', 'PENDING');
CREATE INDEX payment_intents_amiss ON payment_intents (id) WHERE state = 'MISMATCH';
CREATE INDEX payment_intents_created ON payment_intents USING brin (created_at) WITH (autosummarize = on);
