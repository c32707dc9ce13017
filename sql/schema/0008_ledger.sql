-- Money. Double entry: one row of `ledger` is one movement with both its sides, `amount` out of one account and into
-- another, so that what leaves and what arrives cannot differ. That is the cheapest enforcement there is: no trigger,
-- no deferred constraint, one insert where two entries and a transfer would be three. The view ledger_entries shows the
-- two signed entries of each; their sum is 0 by construction.
--
-- Accounts: USER, VENDOR, RIDER (with an owner, and a wallet row that guards the balance), their parts held for
-- pay-outs (VENDOR_PENDING, RIDER_PENDING), CASH (what a rider collected and owes), and without an owner ESCROW,
-- PLATFORM and CLEARING. Those three have no balance row: every order would wait for it. They are sums of their
-- entries, of which the older ones are kept added up per business day.

-- The guarded balance of each owner.
CREATE TABLE wallets (
  owner_id        text COLLATE "C" PRIMARY KEY,
  kind            text COLLATE "C" NOT NULL,        -- USER, VENDOR, RIDER
  available       bigint NOT NULL DEFAULT 0,
  pending         bigint NOT NULL DEFAULT 0,
  total_earned    bigint NOT NULL DEFAULT 0,
  total_spent     bigint NOT NULL DEFAULT 0,
  total_withdrawn bigint NOT NULL DEFAULT 0,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  -- What a rider has collected and not handed in: the balance of his CASH account, turned round. Kept with his wallet,
  -- whose row a settlement updates anyway; it lowers what he may withdraw.
  cash_in_hand    bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_cash CHECK (cash_in_hand >= 0),
  CONSTRAINT wallets_sound CHECK (available >= 0 AND pending >= 0)
) WITH (fillfactor = 50);

-- Immutable: a mistake is corrected by a further entry. Statement triggers cost inserts nothing.
CREATE TABLE ledger (
  id           text COLLATE "C" PRIMARY KEY,       -- txn_…
  created_at   timestamptz NOT NULL DEFAULT now(),
  amount       bigint NOT NULL CONSTRAINT ledger_amount CHECK (amount > 0),
  from_kind    text COLLATE "C" NOT NULL,
  from_owner   text COLLATE "C",
  from_balance bigint,                             -- of the wallet, afterwards
  to_kind      text COLLATE "C" NOT NULL,
  to_owner     text COLLATE "C",
  to_balance   bigint,
  category     text COLLATE "C" NOT NULL,    -- ORDER_PAYMENT, ORDER_COMMISSION, DELIVERY_FEE, PAYOUT, REFUND, WALLET_TOPUP
  order_id     text COLLATE "C",
  reference    text,
  description  text NOT NULL DEFAULT ''
);
-- A rider's hand-ins are few of the movements towards him.
CREATE INDEX ledger_handed_in ON ledger (to_owner) WHERE to_kind = 'CASH';
-- A part of an order is paid in once and paid out once: what runs a settlement or a payment again cannot book it again.
-- Refunds may be several (a dispute gives back in parts); they are bounded by the statements.
CREATE UNIQUE INDEX ledger_order_part ON ledger (order_id, from_kind, to_kind)
  WHERE order_id IS NOT NULL AND category <> 'REFUND';
CREATE INDEX ledger_order_refunds ON ledger (order_id) WHERE category = 'REFUND';
-- What comes in from the gateway is booked once an intent.
CREATE UNIQUE INDEX ledger_intent ON ledger (reference)
 WHERE from_kind = 'CLEARING' AND to_kind IN ('USER', 'ESCROW') AND reference ^@ 'pay_';
-- A person's transactions are counted without reading them: a vendor with 30,000 of them has his page in a few ms. In
-- the order of their booking: the id of a payment's is drawn when it begins, and may be days older.
CREATE INDEX ledger_from_owner ON ledger (from_owner, created_at, id) INCLUDE (from_kind, category) WHERE from_owner IS NOT NULL;
CREATE INDEX ledger_to_owner ON ledger (to_owner, created_at, id) INCLUDE (to_kind, category) WHERE to_owner IS NOT NULL;
CREATE INDEX ledger_delivery_fees ON ledger (to_owner, created_at) INCLUDE (amount, order_id)
  WHERE category = 'DELIVERY_FEE' AND to_owner IS NOT NULL;
-- Each movement of a pay-out is booked once, whatever is run again.
CREATE UNIQUE INDEX ledger_payout_part ON ledger (reference, from_kind, to_kind) WHERE category = 'PAYOUT';
-- A reference once a rider.
CREATE UNIQUE INDEX ledger_handin_once ON ledger (to_owner, reference) WHERE category = 'CASH_HANDIN';
-- For what is added up below, and for a period's turnover: about 1 microsecond an entry.
CREATE INDEX ledger_created ON ledger (created_at);
-- What a vendor was paid for food that nobody received, without reading all of his movements.
CREATE INDEX ledger_compensations ON ledger (to_owner)
  WHERE from_kind = 'PLATFORM' AND to_kind = 'VENDOR' AND category = 'ORDER_PAYMENT';
CREATE TRIGGER ledger_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_immutable();

-- Entries of the accounts without an owner's balance, added up per business day.
CREATE TABLE ledger_rollups (
  kind       text COLLATE "C" NOT NULL,
  category   text COLLATE "C" NOT NULL,
  starts     timestamptz NOT NULL,            -- of the business day
  amount_in  bigint NOT NULL,
  amount_out bigint NOT NULL,
  sides      bigint NOT NULL,                 -- how many entries, each side counted
  PRIMARY KEY (kind, category, starts)
);

-- What is added up: every entry with created_at before `until`, by days of `zone`.
CREATE TABLE ledger_rolled (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  until timestamptz NOT NULL DEFAULT '-infinity',
  zone  text NOT NULL DEFAULT business_zone()
);
INSERT INTO ledger_rolled DEFAULT VALUES;
