-- Wallets and their transactions.

--  $1 owner id
-- Columns: wallet (the Wallet object). No row: no wallet.
-- name: wallet_get
SELECT wallet_json(w) FROM wallets w WHERE w.owner_id = $1::text

-- An owner's transactions, newest first. Each direction is a range of its own index; the two are merged.
--  $1 owner id   $2 CREDIT, DEBIT or NULL   $3 category or NULL   $4 limit   $5 offset
-- Columns: total, transactions (a JSON array). Always one row.
-- name: wallet_transactions
WITH page AS (
  (SELECT id, created_at, false AS credit FROM ledger
    WHERE from_owner = $1::text AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'CREDIT' AND ($3::text IS NULL OR category = $3::text)
    ORDER BY created_at DESC, id DESC LIMIT $4::bigint + $5::bigint)
  UNION ALL
  (SELECT id, created_at, true FROM ledger
    WHERE to_owner = $1::text AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'DEBIT' AND ($3::text IS NULL OR category = $3::text)
    ORDER BY created_at DESC, id DESC LIMIT $4::bigint + $5::bigint)
  ORDER BY created_at DESC, id DESC LIMIT $4::bigint OFFSET $5::bigint
)
SELECT
  (SELECT count(*) FROM ledger WHERE from_owner = $1::text AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'CREDIT' AND ($3::text IS NULL OR category = $3::text))
  + (SELECT count(*) FROM ledger WHERE to_owner = $1::text AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND $2::text IS DISTINCT FROM 'DEBIT' AND ($3::text IS NULL OR category = $3::text)),
  (SELECT '[' || coalesce(string_agg(transaction_json(ROW(l.id,
        CASE WHEN p.credit THEN l.to_kind ELSE l.from_kind END, $1::text,
        CASE WHEN p.credit THEN l.amount ELSE -l.amount END,
        CASE WHEN p.credit THEN l.to_balance ELSE l.from_balance END,
        l.category, l.order_id, l.reference, l.description, l.created_at)::ledger_entries),
      ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM page p JOIN ledger l ON l.id = p.id)
