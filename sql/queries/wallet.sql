-- Wallets and their transactions.

-- No row: no wallet.
-- name: wallet_get
-- columns: wallet
SELECT wallet_json(w) AS wallet FROM wallets w WHERE w.owner_id = :owner_id::text

-- An owner's transactions, newest first. Each direction is a range of its own index; the two are merged.
-- type: CREDIT, DEBIT or NULL; category: NULL: all. Always one row.
-- name: wallet_transactions
-- columns: total, transactions
WITH page AS (
  (SELECT id, created_at, false AS credit FROM ledger
    WHERE from_owner = :owner_id::text AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND :type::text IS DISTINCT FROM 'CREDIT' AND (:category::text IS NULL OR category = :category)
    ORDER BY created_at DESC, id DESC LIMIT :limit::bigint + :offset::bigint)
  UNION ALL
  (SELECT id, created_at, true FROM ledger
    WHERE to_owner = :owner_id AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND :type IS DISTINCT FROM 'DEBIT' AND (:category IS NULL OR category = :category)
    ORDER BY created_at DESC, id DESC LIMIT :limit + :offset)
  ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset
)
SELECT
  (SELECT count(*) FROM ledger WHERE from_owner = :owner_id AND from_kind IN ('USER', 'VENDOR', 'RIDER')
      AND :type IS DISTINCT FROM 'CREDIT' AND (:category IS NULL OR category = :category))
  + (SELECT count(*) FROM ledger WHERE to_owner = :owner_id AND to_kind IN ('USER', 'VENDOR', 'RIDER')
      AND :type IS DISTINCT FROM 'DEBIT' AND (:category IS NULL OR category = :category)) AS total,
  (SELECT '[' || coalesce(string_agg(transaction_json(ROW(l.id,
        CASE WHEN p.credit THEN l.to_kind ELSE l.from_kind END, :owner_id,
        CASE WHEN p.credit THEN l.amount ELSE -l.amount END,
        CASE WHEN p.credit THEN l.to_balance ELSE l.from_balance END,
        l.category, l.order_id, l.reference, l.description, l.created_at)::ledger_entries),
      ',' ORDER BY l.created_at DESC, l.id DESC), '') || ']'
     FROM page p JOIN ledger l ON l.id = p.id) AS transactions
