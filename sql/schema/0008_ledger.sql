-- Money. Double entry: one row of `ledger` is one movement with both sides, `amount` from one account to another, so the two
-- sides cannot differ. This needs no trigger, no deferred constraint, and one insert instead of three (two entries and a
-- transfer). The view ledger_entries shows the two signed entries of each movement; their sum is always 0.
--
-- Accounts: USER, VENDOR, RIDER (with an owner, and a wallet row that guards the balance); the amounts held for pay-outs
-- (VENDOR_PENDING, RIDER_PENDING); CASH (collected by a rider and owed); and without an owner ESCROW, PLATFORM and CLEARING.
-- These three have no balance row, because every order would wait for its lock. Their balances are sums of entries; older
-- entries are rolled up per business day.

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
  -- Cash that the rider collected and did not hand in: the negated balance of the CASH account. Stored in the wallet, whose
  -- row a settlement updates anyway. It reduces the amount that the rider may withdraw.
  cash_in_hand    bigint NOT NULL DEFAULT 0 CONSTRAINT wallets_cash CHECK (cash_in_hand >= 0),
  CONSTRAINT wallets_sound CHECK (available >= 0 AND pending >= 0)
) WITH (fillfactor = 50);

-- Immutable: a mistake is corrected by a new entry. Statement triggers cost inserts nothing.
CREATE TABLE ledger (
  id           text COLLATE "C" PRIMARY KEY,       -- txn_…
  created_at   timestamptz NOT NULL DEFAULT now(),
  amount       bigint NOT NULL CONSTRAINT ledger_amount CHECK (amount > 0),
  from_kind    text COLLATE "C" NOT NULL,
  from_owner   text COLLATE "C",
  from_balance bigint,                             -- of the wallet, after the movement
  to_kind      text COLLATE "C" NOT NULL,
  to_owner     text COLLATE "C",
  to_balance   bigint,
  category     text COLLATE "C" NOT NULL,    -- ORDER_PAYMENT, ORDER_COMMISSION, DELIVERY_FEE, PAYOUT, REFUND, WALLET_TOPUP
  order_id     text COLLATE "C",
  reference    text,
  description  text NOT NULL DEFAULT ''
);
-- A rider's hand-ins are few of the movements to the rider.
CREATE INDEX ledger_handed_in ON ledger (to_owner) WHERE to_kind = 'CASH';
-- Each part of an order is paid in once and paid out once: a repeated settlement or payment cannot book it again. Several
-- refunds are possible (disputes refund in parts); the statements limit their sum.
CREATE UNIQUE INDEX ledger_order_part ON ledger (order_id, from_kind, to_kind)
  WHERE order_id IS NOT NULL AND category <> 'REFUND';
CREATE INDEX ledger_order_refunds ON ledger (order_id) WHERE category = 'REFUND';
-- An incoming payment of the gateway is booked once per intent.
CREATE UNIQUE INDEX ledger_intent ON ledger (reference)
 WHERE from_kind = 'CLEARING' AND to_kind IN ('USER', 'ESCROW') AND reference ^@ 'pay_';
-- Transactions of an account are counted with index-only scans: a page of a vendor with 30,000 transactions takes a few ms.
-- Sorted by booking time, because the id of a payment's movement is chosen when the payment begins and may be days older.
CREATE INDEX ledger_from_owner ON ledger (from_owner, created_at, id) INCLUDE (from_kind, category) WHERE from_owner IS NOT NULL;
CREATE INDEX ledger_to_owner ON ledger (to_owner, created_at, id) INCLUDE (to_kind, category) WHERE to_owner IS NOT NULL;
CREATE INDEX ledger_delivery_fees ON ledger (to_owner, created_at) INCLUDE (amount, order_id)
  WHERE category = 'DELIVERY_FEE' AND to_owner IS NOT NULL;
-- Each movement of a pay-out is booked once, even when a statement is repeated.
CREATE UNIQUE INDEX ledger_payout_part ON ledger (reference, from_kind, to_kind) WHERE category = 'PAYOUT';
-- Each reference of a hand-in is booked once per rider.
CREATE UNIQUE INDEX ledger_handin_once ON ledger (to_owner, reference) WHERE category = 'CASH_HANDIN';
-- For the roll-ups below and the turnover of a period: about 1 microsecond per entry.
CREATE INDEX ledger_created ON ledger (created_at);
-- Compensations paid to a vendor for undelivered orders, without reading all movements of the vendor.
CREATE INDEX ledger_compensations ON ledger (to_owner)
  WHERE from_kind = 'PLATFORM' AND to_kind = 'VENDOR' AND category = 'ORDER_PAYMENT';
CREATE TRIGGER ledger_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_immutable();

-- Roll-ups per business day of the entries of accounts without a wallet.
CREATE TABLE ledger_rollups (
  kind       text COLLATE "C" NOT NULL,
  category   text COLLATE "C" NOT NULL,
  starts     timestamptz NOT NULL,            -- start of the business day
  amount_in  bigint NOT NULL,
  amount_out bigint NOT NULL,
  sides      bigint NOT NULL,                 -- number of entries, each side counted
  PRIMARY KEY (kind, category, starts)
);

-- The extent of the roll-ups: all entries with created_at before `until`, by days of `zone`.
CREATE TABLE ledger_rolled (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  until timestamptz NOT NULL DEFAULT '-infinity',
  zone  text NOT NULL DEFAULT 'UTC'              -- the business time zone from the first roll-up on
);
INSERT INTO ledger_rolled DEFAULT VALUES;
