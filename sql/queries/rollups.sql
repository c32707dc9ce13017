-- Roll-ups of the ledger, for accounts without a wallet row.

-- Rolls up old entries, at most a week of them. Any number of instances may call it at once.
-- done: nothing is left to roll up.
-- name: ledger_roll_up
-- columns: done
SELECT ledger_roll_up('10 minutes') AS done
