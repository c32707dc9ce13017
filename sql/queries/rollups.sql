-- Roll-ups of the ledger, for accounts without a wallet row.

-- Rolls up old entries, at most a week of them. Any number of instances may call it at once.
-- Columns: true when nothing is left to roll up.
-- name: ledger_roll_up
SELECT ledger_roll_up('10 minutes')
