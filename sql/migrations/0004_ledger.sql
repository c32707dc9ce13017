-- Money. Double entry: one row of `ledger` is one movement with both its sides, `amount` out of one account and
-- into another, so that what leaves and what arrives cannot differ. That is the cheapest
-- enforcement there is: no trigger, no deferred constraint, one insert where two entries and a transfer would be
-- three. The view ledger_entries shows the two signed entries of each; their sum is 0 by construction.
--
-- Accounts: USER, VENDOR, RIDER (with an owner, and a wallet row that guards the balance), their parts
-- held for pay-outs (VENDOR_PENDING, RIDER_PENDING), CASH (what a rider collected and owes), and without an owner
-- ESCROW, PLATFORM and CLEARING. Those three have no balance row: every order would wait for it.

CREATE TABLE wallets (
  owner_id        text COLLATE "C" PRIMARY KEY,
  kind            text COLLATE "C" NOT NULL,        -- USER, VENDOR, RIDER
  available       bigint NOT NULL DEFAULT 0,
  pending         bigint NOT NULL DEFAULT 0,
  total_earned    bigint NOT NULL DEFAULT 0,
  total_spent     bigint NOT NULL DEFAULT 0,
  total_withdrawn bigint NOT NULL DEFAULT 0,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT wallets_sound CHECK (available >= 0 AND pending >= 0)
) WITH (fillfactor = 50);

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
-- Ids are ULIDs: newest first is the order of the id.
CREATE INDEX ledger_from_owner ON ledger (from_owner, id) WHERE from_owner IS NOT NULL;
CREATE INDEX ledger_to_owner ON ledger (to_owner, id) WHERE to_owner IS NOT NULL;

-- Immutable: a mistake is put right by a further entry. Statement triggers: free for inserts.
CREATE FUNCTION ledger_immutable() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER ledger_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_immutable();

CREATE VIEW ledger_entries AS
  SELECT id AS transfer_id, from_kind AS kind, from_owner AS owner_id, -amount AS amount,
         from_balance AS balance, category, order_id, reference, description, created_at
    FROM ledger
  UNION ALL
  SELECT id, to_kind, to_owner, amount, to_balance, category, order_id, reference, description,
         created_at
    FROM ledger;

CREATE FUNCTION wallet_json(w wallets) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"availableBalance":' || w.available || ',"pendingBalance":' || w.pending
    || ',"totalEarned":' || w.total_earned || ',"totalSpent":' || w.total_spent
    || ',"totalWithdrawn":' || w.total_withdrawn || ',"currency":"XAF","balance":' || w.available
    || ',"updatedAt":' || json_time(w.updated_at) || '}'
$$;

-- One side of a movement, as its owner sees it.
CREATE FUNCTION transaction_json(e ledger_entries) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"transactionId":' || json_word(e.transfer_id)
    || ',"type":' || CASE WHEN e.amount < 0 THEN '"DEBIT"' ELSE '"CREDIT"' END
    || ',"category":' || json_word(e.category)
    || ',"amount":' || abs(e.amount) || ',"currency":"XAF","orderId":' || json_word(e.order_id)
    || ',"description":' || json_text(e.description)
    || ',"balanceBefore":' || coalesce((e.balance - e.amount)::text, 'null')
    || ',"balanceAfter":' || coalesce(e.balance::text, 'null')
    || ',"reference":' || json_text(e.reference) || ',"status":"COMPLETED"'
    || ',"createdAt":' || json_time(e.created_at) || ',"timestamp":' || json_time(e.created_at) || '}'
$$;
